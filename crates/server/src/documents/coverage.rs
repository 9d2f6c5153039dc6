//! `docs/coverage.md`: what is covered, under which rules, on what ground.

use std::fmt::Write;

use larkspur_api::Entry;
use larkspur_contract::{Access, Basis, Bot, Spec};

use super::{access_text, scopes_of};

const HEAD: &str = "# Coverage\n\n\
Printed from the registry by `larkspur document coverage`; do not edit. Gateway codes (tokens, scopes, frequency, \
malformed requests) belong to every operation and are listed in [errors.md](errors.md); the policy tests provoke them \
for each operation.\n\n\
*Provoked* means that a test of this repository makes the operation answer the code; the test run checks it pair by \
pair against [coverage-gaps.txt](coverage-gaps.txt), which holds the reasons of the others. Those, \
like every code of an operation with an access token, can be planned with the control API: `PUT \
/larkspur/v1/worlds/{tenant_key}/refusals/{operation}`.\n";

/// The pairs that no test provokes, and why.
pub const GAPS: &str = include_str!("../../../../docs/coverage-gaps.txt");

/// The document, in Markdown.
pub fn document(registry: &[&[Entry]], gaps: &str) -> String {
    let mut out = String::from(HEAD);
    summary(&mut out, registry, gaps);
    for entries in registry.iter().filter(|entries| !entries.is_empty()) {
        let resource = entries[0].spec.id.rsplit_once('.').map_or(entries[0].spec.id, |(front, _)| front);
        let _ = write!(out, "\n## {resource}\n");
        for entry in *entries {
            operation(&mut out, entry.spec, gaps);
        }
    }
    out
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
        let (access, rate, deviations) = (access_text(spec), spec.rate.name, spec.deviations.len());
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
    let _ = writeln!(out, "- Access: {}", access_text(spec));
    let scopes = scopes_of(spec);
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
    if !spec.behaviours.is_empty() {
        out.push_str("- Behaviours:\n");
        for behaviour in spec.behaviours {
            let basis = match behaviour.basis {
                Basis::Documented => "documented",
                Basis::Observed => "observed",
                Basis::Assumed => "assumed",
            };
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
    use larkspur_api::REGISTRY;

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
