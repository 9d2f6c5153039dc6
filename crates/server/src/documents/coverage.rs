//! `docs/coverage.md`: which operations are served, and the basis of their behavior.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use larkspur_api::Entry;
use larkspur_contract::{Access, Bot, Spec, codes, events};

use crate::gateway::platform;

const HEAD: &str = "# Coverage\n\n\
Printed from the registry by `larkspur document coverage`; do not edit. Gateway codes (tokens, scopes, frequency, \
malformed requests) belong to every operation and are listed in [errors.md](errors.md); the policy tests provoke them \
for each operation.\n\n\
*Provoked* means that a test of this repository makes the operation answer the code; the test run checks it pair by \
pair against [coverage-gaps.txt](coverage-gaps.txt), which holds the reasons of the others. Those, \
like every code of an operation, can be planned with the control API: `PUT \
/larkspur/v1/worlds/{tenant_key}/refusals/{operation}`.\n";

/// The codes that no test provokes, with the reason.
pub const GAPS: &str = include_str!("../../../../docs/coverage-gaps.txt");

/// The document, in Markdown.
pub fn document(registry: &[&[Entry]], gaps: &str) -> String {
    let mut out = String::from(HEAD);
    summary(&mut out, registry, gaps);
    sections(&mut out, registry);
    emitted(&mut out, registry);
    for entries in registry.iter().filter(|entries| !entries.is_empty()) {
        let resource = entries[0].spec.id.rsplit_once('.').map_or(entries[0].spec.id, |(front, _)| front);
        let _ = write!(out, "\n## {resource}\n");
        for entry in *entries {
            operation(&mut out, entry.spec, gaps);
        }
    }
    out
}

/// Every type of event, and the operations that emit it.
fn emitted(out: &mut String, registry: &[&[Entry]]) {
    out.push_str("\n## Events\n\n| event | what happened | form | scopes, any of | basis | emitted by |\n|---|---|---|---|---|---|\n");
    for kind in events::ALL {
        let specs = registry.iter().copied().flatten().map(|entry| entry.spec);
        let by = specs.filter(|spec| spec.emits.iter().any(|known| known.name == kind.name));
        let by: Vec<String> = by.map(|spec| format!("`{}`", spec.id)).collect();
        let (scopes, basis) = (kind.scopes.join(", "), kind.basis.as_str());
        let (form, by) = (kind.form.as_str(), by.join(", "));
        let _ = writeln!(out, "| `{}` | {} | {form} | {scopes} | {basis} | {by} |", kind.name, kind.summary);
    }
}

/// How many operations of a part of the platform exist, and how many are served.
#[derive(Default)]
struct Share {
    served: usize,
    all: usize,
}

impl Share {
    fn count(&mut self, is_served: bool) {
        self.served += usize::from(is_served);
        self.all += 1;
    }
}

/// How many operations of each section of the platform are served.
fn sections(out: &mut String, registry: &[&[Entry]]) {
    let served: BTreeSet<_> = registry
        .iter()
        .copied()
        .flatten()
        .map(|entry| (entry.spec.route.method, shape(entry.spec.route.path)))
        .collect();
    let mut sections: BTreeMap<String, (Share, BTreeMap<&str, Share>)> = BTreeMap::new();
    let (mut all, mut known) = (Share::default(), BTreeSet::new());
    for operation in platform::operations() {
        let route = (operation.method, shape(operation.path));
        let is_served = served.contains(&route);
        known.insert(route);
        let mut words = operation.id.splitn(4, '.');
        let mut word = || words.next().unwrap_or_default();
        let section = format!("{}.{}", word(), word());
        let (whole, resources) = sections.entry(section).or_default();
        for share in [&mut all, whole, resources.entry(word()).or_default()] {
            share.count(is_served);
        }
    }
    let beyond = served
        .iter()
        .filter(|(_, path)| path.starts_with("/open-apis/"))
        .filter(|route| !known.contains(route));
    let _ = write!(
        out,
        "\n## What of the platform is served\n\n{} of the {} operations that the platform's official SDKs have ({}), and {} \
that they do not have. The others are answered with HTTP {} and {}, which names the operation; a path that neither has is \
the text `404 page not found`, as on the platform.\n\n| section | served | of | resources of which something is served |\n\
|---|---|---|---|\n",
        all.served,
        all.all,
        platform::source(),
        beyond.count(),
        codes::UNSERVED.status,
        codes::UNSERVED.number,
    );
    for (section, (share, resources)) in &sections {
        let begun = resources.iter().filter(|(_, share)| share.served > 0);
        let begun: Vec<String> =
            begun.map(|(name, share)| format!("{name} {}/{}", share.served, share.all)).collect();
        let _ = writeln!(out, "| {section} | {} | {} | {} |", share.served, share.all, begun.join(", "));
    }
}

/// A path without the names of its parameters.
fn shape(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// Why a code of an operation is not provoked; `None` if it is.
fn gap<'a>(gaps: &'a str, operation: &str, code: u32) -> Option<&'a str> {
    let name = format!("{operation} {code}: ");
    gaps.lines().find_map(|line| line.strip_prefix(name.as_str()))
}

/// How many codes a spec lists, each number once, and how many of them are provoked.
fn provoked(spec: &Spec, gaps: &str) -> (usize, usize) {
    let mut numbers: Vec<u32> = spec.codes.iter().map(|code| code.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    (numbers.iter().filter(|number| gap(gaps, spec.id, **number).is_none()).count(), numbers.len())
}

/// One line for each operation.
fn summary(out: &mut String, registry: &[&[Entry]], gaps: &str) {
    out.push_str(
        "\n| operation | tokens | frequency | codes provoked | deviations |\n|---|---|---|---|---|\n",
    );
    for spec in registry.iter().copied().flatten().map(|entry| entry.spec) {
        let (hit, all) = provoked(spec, gaps);
        let (access, rate, deviations) = (spec.access.words(), spec.rate.name, spec.deviations.len());
        let anchor = spec.id.replace('.', "");
        let _ =
            writeln!(out, "| [{}](#{anchor}) | {access} | {rate} | {hit}/{all} | {deviations} |", spec.id);
    }
}

fn operation(out: &mut String, spec: &Spec, gaps: &str) {
    let (method, path) = (spec.route.method.name(), spec.route.path);
    let _ = write!(out, "\n### {}\n\n{} — `{method} {path}`", spec.id, spec.summary);
    if !spec.reference.is_empty() {
        let _ = write!(out, " (reference: {})", spec.reference);
    }
    out.push_str("\n\n");
    let _ = writeln!(out, "- Access: {}", spec.access.words());
    let scopes = spec.access.scopes();
    if !scopes.is_empty() {
        let _ = writeln!(out, "- Scopes, any of: `{}`", scopes.join("`, `"));
    }
    if let Access::Token { bot, .. } = spec.access {
        let _ = writeln!(
            out,
            "- Bot ability: {}",
            if bot == Bot::Required { "required" } else { "not required" }
        );
    }
    let _ = writeln!(out, "- Frequency: {}", spec.rate.name);
    if !spec.codes.is_empty() {
        let (hit, all) = provoked(spec, gaps);
        let _ = writeln!(out, "- Codes, {hit} of {all} provoked:");
        for code in spec.codes {
            let note = gap(gaps, spec.id, code.number)
                .map_or_else(String::new, |why| format!(" — *not provoked: {why}*"));
            let _ = writeln!(out, "  - `{}` (HTTP {}) {}{note}", code.number, code.status, code.text);
        }
    }
    if !spec.emits.is_empty() {
        let names: Vec<&str> = spec.emits.iter().map(|kind| kind.name).collect();
        let _ = writeln!(out, "- Events: `{}`", names.join("`, `"));
    }
    if !spec.behaviours.is_empty() {
        out.push_str("- Behaviors:\n");
        for behaviour in spec.behaviours {
            let basis = behaviour.basis.as_str();
            let switch = if behaviour.switch { ", a setting" } else { "" };
            let _ = writeln!(out, "  - `{}` ({basis}{switch}): {}", behaviour.name, behaviour.rule);
        }
    }
    if !spec.deviations.is_empty() {
        out.push_str("- Deviations:\n");
        for deviation in spec.deviations {
            let _ = writeln!(out, "  - {deviation}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::REGISTRY;

    #[test]
    fn what_is_served_is_counted_by_section() {
        let text = document(REGISTRY, "");
        let row = |section: &str| {
            let found = text.lines().find(|line| line.starts_with(&format!("| {section} |")));
            found.unwrap_or_else(|| panic!("no {section}")).to_owned()
        };
        let whole = row("im.v1");
        assert!(whole.contains("chat_tab 5/5") && whole.contains("chat_menu_tree 4/4"), "{whole}");
        assert_eq!(row("attendance.v1").split('|').nth(2), Some(" 0 "));
        let rows = text.lines().filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            Some((cells.get(2)?.parse::<usize>().ok()?, cells.get(3)?.parse::<usize>().ok()?))
        });
        let (served, all) = rows.fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
        assert_eq!(all, platform::operations().len());
        assert!(text.contains(&format!("\n{served} of the {all} operations")), "{served} of {all}");
        assert!(document(&[], "").contains("\n0 of the "));
    }

    #[test]
    fn a_gap_is_shown_with_its_reason() {
        let with = document(REGISTRY, "im.v2.tag.create 402: never here\n");
        assert!(with.contains("`402` (HTTP 200) duplicate name in tenant — *not provoked: never here*"));
        assert!(with.contains("| [im.v2.tag.create](#imv2tagcreate) | tenant | 5/s | 1/2 |"));
        assert!(
            document(REGISTRY, "").contains("| [im.v2.tag.create](#imv2tagcreate) | tenant | 5/s | 2/2 |")
        );
    }
}
