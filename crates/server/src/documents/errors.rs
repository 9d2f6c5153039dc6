//! `docs/errors.md`: every code, and the operations that answer it.

use std::fmt::Write;

use larkspur_api::Entry;
use larkspur_contract::{Code, codes};

const HEAD: &str = "# Error codes\n\n\
Printed by `larkspur document errors`; do not edit. The texts are the platform's own, misspellings included.\n";

const OUTCOME: &str = "\nAnswers of operations with HTTP 500 and above have one header that is Larkspur's own, and says whether the call \
was done:\n\n| `X-Larkspur-Outcome` | |\n|---|---|\n| `none` | nothing of it was, and nothing of it will be |\n\
| `unknown` | it may have been: the store did not answer the commit, or the server failed in a way it cannot judge |\n";

/// The document, in Markdown.
pub fn document(registry: &[&[Entry]]) -> String {
    let mut out = String::from(HEAD);
    out.push_str("\n## Gateway: any operation behind a token\n\n| code | HTTP | text |\n|---|---|---|\n");
    for code in codes::GATEWAY {
        let _ = writeln!(out, "| {} | {} | {} |", code.number, code.status, cell(code.text));
    }
    out.push_str(OUTCOME);
    let _ = write!(
        out,
        "\n## Operations that the platform has and Larkspur has not\n\nWhat the platform has, as its official SDKs know it, and Larkspur \
has not, is answered with HTTP {} and {} `{}<operation> (<method> <path>)`. [coverage.md](coverage.md) counts what is served.\n",
        codes::UNSERVED.status,
        codes::UNSERVED.number,
        codes::UNSERVED.text,
    );
    out.push_str(
        "\n## Long connection: `POST /callback/ws/endpoint`\n\n| code | HTTP | text |\n|---|---|---|\n",
    );
    for code in codes::CONNECTION {
        let _ = writeln!(out, "| {} | {} | {} |", code.number, code.status, cell(code.text));
    }
    out.push_str("\n## Callbacks: what the client of the user shows\n\n| code | meaning |\n|---|---|\n");
    for code in codes::CALLBACK {
        let _ = writeln!(out, "| {} | {} |", code.number, cell(code.text));
    }
    let elsewhere = [codes::GATEWAY, codes::CONNECTION, codes::CALLBACK, &[codes::UNSERVED]];
    out.push_str("\n## Operations\n\n| code | HTTP | text | operations |\n|---|---|---|---|\n");
    let own = |code: &&Code| !elsewhere.iter().any(|codes| codes.contains(code));
    for code in codes::ALL.iter().filter(own) {
        let users = users(registry, *code);
        let _ = writeln!(out, "| {} | {} | {} | {users} |", code.number, code.status, cell(code.text));
    }
    out
}

fn users(registry: &[&[Entry]], code: Code) -> String {
    let ids: Vec<String> = registry
        .iter()
        .copied()
        .flatten()
        .filter(|entry| entry.spec.codes.contains(&code) || entry.spec.invalid == code)
        .map(|entry| format!("`{}`", entry.spec.id))
        .collect();
    if ids.is_empty() { "none yet".to_owned() } else { ids.join(", ") }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
