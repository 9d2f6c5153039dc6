//! The guide, embedded in the server: an installed program has no copy of the project.

/// The pages, by their names in `docs/guide`.
const PAGES: &[(&str, &str)] = &[
    ("README.md", include_str!("../../../../docs/guide/README.md")),
    ("console.md", include_str!("../../../../docs/guide/console.md")),
    ("control-api.md", include_str!("../../../../docs/guide/control-api.md")),
    ("deploying.md", include_str!("../../../../docs/guide/deploying.md")),
    ("events.md", include_str!("../../../../docs/guide/events.md")),
    ("faults.md", include_str!("../../../../docs/guide/faults.md")),
    ("operating.md", include_str!("../../../../docs/guide/operating.md")),
    ("refusals.md", include_str!("../../../../docs/guide/refusals.md")),
    ("scaling-out.md", include_str!("../../../../docs/guide/scaling-out.md")),
    ("seeds.md", include_str!("../../../../docs/guide/seeds.md")),
    ("signing-in.md", include_str!("../../../../docs/guide/signing-in.md")),
    ("talk.md", include_str!("../../../../docs/guide/talk.md")),
    ("testing.md", include_str!("../../../../docs/guide/testing.md")),
    ("worlds.md", include_str!("../../../../docs/guide/worlds.md")),
];

/// A page by its name; the name of the first one is empty.
pub fn page(name: &str) -> Option<&'static str> {
    let name = if name.is_empty() { "README.md" } else { name };
    PAGES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_shown() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide");
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let name = entry.expect("an entry").file_name().into_string().expect("a name");
            assert!(page(&name).is_some(), "{name} is not in PAGES of documents/guide.rs");
        }
        assert_eq!(page(""), page("README.md"));
        assert_eq!(page("../README.md"), None);
    }

    #[test]
    fn what_the_first_page_links_to_is_served() {
        let text = page("").expect("the first page");
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let links: Vec<&str> = links.map(|link| link.split('#').next().unwrap_or_default()).collect();
        assert!(links.len() > 4, "{links:?}");
        for link in links {
            let served = match link.strip_prefix("../") {
                Some(name) => super::super::NAMES.contains(&name),
                None => page(link).is_some(),
            };
            assert!(served, "{link}");
        }
    }
}
