//! `docs/coverage.md`: what is covered, under which rules, on what ground.

use std::fmt::Write;

use larkspur_api::Entry;
use larkspur_contract::{Access, Basis, Bot, Spec};

use super::{access_text, scopes_of};

const HEAD: &str = "# Coverage\n\n\
Printed from the registry by `larkspur document coverage`; do not edit. Gateway codes (tokens, scopes, frequency, \
malformed requests) belong to every operation and are listed in [errors.md](errors.md).\n";

/// The document, in Markdown.
pub fn document(registry: &[&[Entry]]) -> String {
    let mut out = String::from(HEAD);
    for entries in registry.iter().filter(|entries| !entries.is_empty()) {
        let resource = entries[0].spec.id.rsplit_once('.').map_or(entries[0].spec.id, |(front, _)| front);
        let _ = write!(out, "\n## {resource}\n");
        for entry in *entries {
            operation(&mut out, entry.spec);
        }
    }
    out
}

fn operation(out: &mut String, spec: &Spec) {
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
        out.push_str("- Codes:\n");
        for code in spec.codes {
            let _ = writeln!(out, "  - `{}` (HTTP {}) {}", code.number, code.status, code.text);
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
