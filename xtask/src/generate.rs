//! The documents that are printed from the registry, committed, and checked for drift.

use std::path::Path;

use crate::run::{self, Outcome};

/// The documents: what `larkspur document` calls them, and where they are kept.
const DOCUMENTS: &[(&str, &str)] = &[
    ("openapi", "docs/openapi.json"),
    ("coverage", "docs/coverage.md"),
    ("errors", "docs/errors.md"),
    ("config", "docs/larkspur.default.toml"),
];

/// Writes the documents, or, with `check`, fails if they would change.
pub(crate) fn run(check: bool) -> Outcome {
    run::cargo(&["build", "--quiet", "--locked", "--package", "larkspur-server"])?;
    let program = run::target().join("debug/larkspur");
    let mut changed = Vec::new();
    for (name, file) in DOCUMENTS {
        let fresh = run::output(&program, &["document", name])?;
        let path = run::root().join(file);
        if std::fs::read_to_string(&path).is_ok_and(|kept| kept == fresh) {
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

fn write(path: &Path, text: &str) -> Outcome {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
