//! Contract coverage: a test must provoke every (operation, code) and (operation, event) pair of the specs, or the gap
//! file must list the pair with a reason. The file may only shrink: a listed pair that *was* provoked fails the check,
//! too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use crate::run::{self, Outcome};

const GAPS: &str = "docs/coverage-gaps.txt";

/// An operation, and a code or the name of an event.
type Pair = (String, String);

fn directory() -> PathBuf {
    run::target().join("observed")
}

/// Creates an empty directory in which the tests record what they provoke.
pub(crate) fn clean() -> Result<PathBuf, String> {
    let directory = directory();
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    Ok(directory)
}

/// Compares the recorded pairs with the specs.
pub(crate) fn check() -> Outcome {
    let (listed, seen, gaps) = (listed()?, seen()?, gaps()?);
    let mut wrong = Vec::new();
    for pair in &listed {
        match (seen.contains(pair), gaps.contains_key(pair)) {
            (false, false) => wrong.push(format!("{} {} was not provoked", pair.0, pair.1)),
            (true, true) => wrong.push(format!("{} {} was provoked: take it out of {GAPS}", pair.0, pair.1)),
            _ => {}
        }
    }
    for pair in gaps.keys().filter(|pair| !listed.contains(*pair)) {
        wrong.push(format!("{} {} is in {GAPS} and no spec lists it", pair.0, pair.1));
    }
    let provoked = listed.iter().filter(|pair| seen.contains(*pair)).count();
    println!(
        "{provoked} of {} (operation, code) and (operation, event) pairs provoked, {} gaps with a reason",
        listed.len(),
        gaps.len()
    );
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

fn listed() -> Result<BTreeSet<Pair>, String> {
    let text = run::output(&run::built("larkspur"), &["operations", "--json"])?;
    let operations: Value =
        serde_json::from_str(&text).map_err(|error| format!("larkspur operations: {error}"))?;
    let mut pairs = BTreeSet::new();
    for operation in operations.as_array().into_iter().flatten() {
        let id = operation["id"].as_str().unwrap_or_default();
        // Success is a pair, too: an operation that never succeeds in a test is not tested.
        pairs.insert((id.to_owned(), "0".to_owned()));
        for code in operation["codes"].as_array().into_iter().flatten() {
            let number = code.as_u64().or_else(|| code["code"].as_u64());
            let number = number.ok_or("larkspur operations: a code without a number")?;
            pairs.insert((id.to_owned(), number.to_string()));
        }
        for event in operation["emits"].as_array().into_iter().flatten() {
            let name = event.as_str().ok_or("larkspur operations: an event without a name")?;
            pairs.insert((id.to_owned(), name.to_owned()));
        }
    }
    if pairs.is_empty() { Err("larkspur operations --json lists nothing".to_owned()) } else { Ok(pairs) }
}

fn seen() -> Result<BTreeSet<Pair>, String> {
    let entries = std::fs::read_dir(directory()).map_err(|error| format!("no observed pairs: {error}"))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter_map(|name| pair(&name)).collect())
}

fn gaps() -> Result<BTreeMap<Pair, String>, String> {
    let text = std::fs::read_to_string(run::root().join(GAPS)).map_err(|error| format!("{GAPS}: {error}"))?;
    let mut gaps = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, reason) = line.split_once(": ").ok_or_else(|| format!("{GAPS}: no reason in `{line}`"))?;
        let pair = pair(name)
            .ok_or_else(|| format!("{GAPS}: `{name}` is not `operation code` or `operation event`"))?;
        if gaps.insert(pair, reason.to_owned()).is_some() {
            return Err(format!("{GAPS}: `{name}` is listed twice"));
        }
    }
    Ok(gaps)
}

fn pair(text: &str) -> Option<Pair> {
    let (operation, code) = text.rsplit_once(' ')?;
    Some((operation.to_owned(), code.to_owned()))
}
