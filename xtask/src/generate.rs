//! Documents that are printed from the registry, committed, and checked for changes.

use std::path::Path;

use crate::run::{self, Outcome};

/// Whole documents: their name for `larkspur document`, and their path.
const DOCUMENTS: &[(&str, &str)] = &[
    ("openapi", "docs/openapi.json"),
    ("coverage", "docs/coverage.md"),
    ("errors", "docs/errors.md"),
    ("config", "docs/larkspur.default.toml"),
];

/// Parts of documents, between two lines: their name for `larkspur document`, the path, and the lines.
const PARTS: &[(&str, &str, &str, &str)] = &[(
    "control",
    "docs/guide/control-api.md",
    "<!-- printed from the registry by `cargo xtask generate`: change the operations, not these lines -->\n",
    "<!-- end of what is printed -->\n",
)];

/// Writes the documents, or, with `check`, fails if they would change.
pub(crate) fn run(check: bool) -> Outcome {
    run::cargo(&["build", "--quiet", "--locked", "--package", "larkspur-server"])?;
    compare(check, &run::target().join("debug/larkspur"))
}

/// As [`run()`], with a program that is built.
pub(crate) fn compare(check: bool, program: &Path) -> Outcome {
    let mut changed = Vec::new();
    for (name, file) in DOCUMENTS {
        let fresh = run::output(program, &["document", name])?;
        let path = run::root().join(file);
        if std::fs::read_to_string(&path).is_ok_and(|kept| kept == fresh) {
            continue;
        }
        changed.push(*file);
        if !check {
            write(&path, &fresh)?;
        }
    }
    for (name, file, begin, end) in PARTS {
        let path = run::root().join(file);
        let kept = std::fs::read_to_string(&path).map_err(|error| format!("{file}: {error}"))?;
        let fresh = run::output(program, &["document", name])?;
        let fresh = replaced(&kept, begin, end, &fresh)
            .ok_or_else(|| format!("{file} lacks the line {begin}{end}"))?;
        if fresh == kept {
            continue;
        }
        changed.push(*file);
        if !check {
            write(&path, &fresh)?;
        }
    }
    match (changed.is_empty(), check) {
        (true, _) => Ok(()),
        (false, false) => {
            println!("written: {}", changed.join(", "));
            Ok(())
        }
        (false, true) => Err(format!(
            "{} would change; run `cargo xtask generate` and commit the result",
            changed.join(", ")
        )),
    }
}

/// Replaces the part between two lines of a text; `None` if a line is missing.
fn replaced(text: &str, begin: &str, end: &str, part: &str) -> Option<String> {
    let (front, rest) = text.split_once(begin)?;
    let (_, back) = rest.split_once(end)?;
    Some(format!("{front}{begin}\n{part}\n{end}{back}"))
}

fn write(path: &Path, text: &str) -> Outcome {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
