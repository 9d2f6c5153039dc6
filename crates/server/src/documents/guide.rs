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
    ("scopes.md", include_str!("../../../../docs/guide/scopes.md")),
    ("seeds.md", include_str!("../../../../docs/guide/seeds.md")),
    ("signing-in.md", include_str!("../../../../docs/guide/signing-in.md")),
    ("talk.md", include_str!("../../../../docs/guide/talk.md")),
    ("testing.md", include_str!("../../../../docs/guide/testing.md")),
    ("worlds.md", include_str!("../../../../docs/guide/worlds.md")),
];

/// Files of the project that the pages link to, by their paths below `docs`, or else below the project.
const FILES: &[(&str, &str)] = &[
    ("adr/0012-room-is-used-again.md", include_str!("../../../../docs/adr/0012-room-is-used-again.md")),
    ("benchmarks.md", include_str!("../../../../docs/benchmarks.md")),
    ("drill.md", include_str!("../../../../docs/drill.md")),
    ("deploy/Containerfile", include_str!("../../../../deploy/Containerfile")),
    ("deploy/alerts.yml", include_str!("../../../../deploy/alerts.yml")),
    ("deploy/grafana.json", include_str!("../../../../deploy/grafana.json")),
    ("deploy/larkspur.service", include_str!("../../../../deploy/larkspur.service")),
    ("deploy/patroni.yml", include_str!("../../../../deploy/patroni.yml")),
    ("examples/README.md", include_str!("../../../../examples/README.md")),
    ("examples/python/bot.py", include_str!("../../../../examples/python/bot.py")),
    ("examples/node/bot.mjs", include_str!("../../../../examples/node/bot.mjs")),
    ("examples/seeds/release-bot.yaml", include_str!("../../../../examples/seeds/release-bot.yaml")),
    ("tests/clients/newcomer/conftest.py", include_str!("../../../../tests/clients/newcomer/conftest.py")),
    ("tests/clients/newcomer/rooms.py", include_str!("../../../../tests/clients/newcomer/rooms.py")),
    ("tests/clients/newcomer/rooms.mjs", include_str!("../../../../tests/clients/newcomer/rooms.mjs")),
    (
        "tests/clients/newcomer/rooms.test.mjs",
        include_str!("../../../../tests/clients/newcomer/rooms.test.mjs"),
    ),
    (
        "tests/clients/newcomer/test_rooms.py",
        include_str!("../../../../tests/clients/newcomer/test_rooms.py"),
    ),
    ("tests/clients/newcomer/world.mjs", include_str!("../../../../tests/clients/newcomer/world.mjs")),
    ("SECURITY.md", include_str!("../../../../SECURITY.md")),
];

/// A file that a page links to, by its path on the server after `/larkspur/`.
pub fn file(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// A page as the server shows it: what is outside of `docs` in the project is under `/larkspur/` here.
pub fn served(page: &str) -> String {
    page.replace("](../../", "](../")
}

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
    fn what_the_pages_link_to_is_served() {
        let mut count = 0;
        for (name, text) in PAGES {
            let text = served(text);
            let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            let links = links.map(|link| link.split('#').next().unwrap_or_default());
            for link in links.filter(|link| !link.is_empty() && !link.starts_with("http")) {
                let served = match link.strip_prefix("../") {
                    Some(name) => super::super::NAMES.contains(&name) || file(name).is_some(),
                    None => page(link).is_some(),
                };
                assert!(served, "{name} links to {link}");
                count += 1;
            }
        }
        assert!(count > 40, "{count}");
    }
}
