//! Checks dependencies: accepted licenses, banned crates, and crates in several versions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::run::{self, Outcome};

const RULES: &str = "xtask/dependencies.txt";
/// The source of every dependency.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The rules from the file.
#[derive(Default)]
struct Rules {
    licenses: BTreeSet<String>,
    banned: BTreeMap<String, String>,
    twice: BTreeMap<String, String>,
}

/// A dependency, from `cargo metadata`.
struct Package {
    name: String,
    version: String,
    license: String,
    source: String,
}

/// Checks what cargo would build on Linux against the rules.
pub(crate) fn check() -> Outcome {
    let text =
        std::fs::read_to_string(run::root().join(RULES)).map_err(|error| format!("{RULES}: {error}"))?;
    let (rules, packages) = (read(&text)?, packages()?);
    let wrong = violations(&rules, &packages);
    println!("{} dependencies", packages.len());
    if wrong.is_empty() { Ok(()) } else { Err(format!("see {RULES}:\n{}", wrong.join("\n"))) }
}

fn read(text: &str) -> Result<Rules, String> {
    let mut rules = Rules::default();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let wrong = || format!("{RULES}: a line that is no rule, or has no reason: {line}");
        let (kind, rest) = line.split_once(' ').ok_or_else(wrong)?;
        let named = || rest.split_once(": ").filter(|(_, reason)| !reason.is_empty());
        match kind {
            "license" => drop(rules.licenses.insert(rest.to_owned())),
            "banned" | "twice" => {
                let (name, reason) = named().ok_or_else(wrong)?;
                let list = if kind == "banned" { &mut rules.banned } else { &mut rules.twice };
                list.insert(name.to_owned(), reason.to_owned());
            }
            _ => return Err(wrong()),
        }
    }
    Ok(rules)
}

fn packages() -> Result<Vec<Package>, String> {
    let arguments = [
        "metadata",
        "--locked",
        "--format-version",
        "1",
        // Otherwise cargo downloads dependencies of other systems.
        "--filter-platform",
        "x86_64-unknown-linux-gnu",
    ];
    let text = run::output(Path::new(env!("CARGO")), &arguments)?;
    let metadata: Value = serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))?;
    let of = |package: &Value, name: &str| package[name].as_str().unwrap_or_default().to_owned();
    let all = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    // The project's own crates have no source.
    Ok(all
        .iter()
        .filter(|package| package["source"].is_string())
        .map(|package| Package {
            name: of(package, "name"),
            version: of(package, "version"),
            license: of(package, "license"),
            source: of(package, "source"),
        })
        .collect())
}

fn violations(rules: &Rules, packages: &[Package]) -> Vec<String> {
    let mut wrong = Vec::new();
    let (mut versions, mut needed) = (BTreeMap::<&str, Vec<&str>>::new(), BTreeSet::new());
    for Package { name, version, license, source } in packages {
        versions.entry(name).or_default().push(version);
        if source != REGISTRY {
            wrong.push(format!("{name} comes from {source}"));
        }
        if let Some(reason) = rules.banned.get(name) {
            wrong.push(format!("{name} is banned: {reason}"));
        }
        match chosen(license, &rules.licenses) {
            Some(names) => needed.extend(names),
            None => wrong.push(format!("{name} {version} is under {license:?}, which is not accepted")),
        }
    }
    for (name, versions) in &versions {
        if versions.len() > 1 && !rules.twice.contains_key(*name) {
            wrong.push(format!("{name} comes in several versions: {}", versions.join(", ")));
        }
    }
    let single = |name: &&String| versions.get(name.as_str()).is_none_or(|versions| versions.len() < 2);
    wrong.extend(rules.twice.keys().filter(single).map(|name| format!("{name} comes once: remove its line")));
    let unused = rules.licenses.iter().filter(|license| !needed.contains(*license));
    wrong.extend(unused.map(|license| format!("no dependency needs {license}: remove its line")));
    wrong
}

/// The accepted licenses that satisfy a license expression: `A OR B` needs one, `A AND B` both; parentheses group, and
/// `/` is an old form of `OR`. `None` if it is not satisfied.
fn chosen(expression: &str, accepted: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let found = either(&words, &mut at, accepted);
    if at == words.len() { found } else { None }
}

fn either(words: &[&str], at: &mut usize, accepted: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    let mut found = both(words, at, accepted);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        let other = both(words, at, accepted);
        found = found.or(other);
    }
    found
}

fn both(words: &[&str], at: &mut usize, accepted: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    let mut found = one(words, at, accepted);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        let other = one(words, at, accepted);
        found = found.zip(other).map(|(found, other)| &found | &other);
    }
    found
}

fn one(words: &[&str], at: &mut usize, accepted: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    let word = *words.get(*at)?;
    *at += 1;
    if word == "(" {
        let found = either(words, at, accepted);
        *at += usize::from(words.get(*at) == Some(&")"));
        return found;
    }
    // An exception only adds permissions to the license.
    if words.get(*at) == Some(&"WITH") {
        *at += 2;
    }
    accepted.contains(word).then(|| BTreeSet::from([word.to_owned()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str, license: &str) -> Package {
        let text = str::to_owned;
        Package { name: text(name), version: text(version), license: text(license), source: text(REGISTRY) }
    }

    #[test]
    fn expressions() {
        let accepted = BTreeSet::from(["MIT".to_owned(), "Apache-2.0".to_owned(), "ISC".to_owned()]);
        for (expression, expected) in [
            ("MIT", Some("MIT")),
            ("GPL-3.0", None),
            ("MIT OR GPL-3.0", Some("MIT")),
            ("GPL-3.0/MIT", Some("MIT")),
            ("MIT AND GPL-3.0", None),
            ("ISC AND MIT", Some("ISC MIT")),
            ("(GPL-3.0 OR ISC) AND MIT", Some("ISC MIT")),
            ("MIT AND (GPL-3.0 AND ISC)", None),
            ("Apache-2.0 WITH LLVM-exception", Some("Apache-2.0")),
            ("", None),
            ("MIT)", None),
        ] {
            let found = chosen(expression, &accepted).map(|names| Vec::from_iter(names).join(" "));
            assert_eq!(found.as_deref(), expected, "{expression}");
        }
    }

    #[test]
    fn what_breaks_a_rule_is_told() {
        let rules = read("# why\n\nlicense MIT\nlicense ISC\nbanned b: no\ntwice c: yes\ntwice d: yes\n");
        let rules = rules.expect("rules");
        let packages = [
            package("a", "1", "MIT"),
            package("a", "2", "MIT"),
            package("b", "1", "MIT"),
            package("c", "1", "GPL-3.0"),
            package("c", "2", "MIT"),
            Package { source: "git".to_owned(), ..package("e", "1", "MIT") },
        ];
        let wrong = violations(&rules, &packages);
        let expected = [
            "b is banned: no",
            "c 1 is under \"GPL-3.0\", which is not accepted",
            "e comes from git",
            "a comes in several versions: 1, 2",
            "d comes once: remove its line",
            "no dependency needs ISC: remove its line",
        ];
        assert_eq!(wrong, expected);
        for line in ["banned b", "twice c: ", "allow d", "x"] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
