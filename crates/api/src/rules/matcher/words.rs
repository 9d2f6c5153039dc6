//! A test as it is written in a query or in a filter line.

use super::test::Test;

/// The most characters of a value.
const TEXT_MAX: usize = 1024;

/// Reads a test. `plain`: commas separate alternatives. `None` if it is too long.
pub(super) fn test(text: &str, plain: bool) -> Option<Test> {
    if text.chars().count() > TEXT_MAX {
        return None;
    }
    if let Some(rest) = text.strip_prefix('!') {
        return Some(Test::Not(Box::new(one(rest, plain))));
    }
    Some(one(text, plain))
}

fn one(text: &str, plain: bool) -> Test {
    if text.is_empty() {
        return Test::Absent(true);
    }
    if plain && text.contains(',') {
        return Test::Any(text.split(',').map(|part| one(part, false)).collect());
    }
    if let Some(least) = text.strip_prefix(">=") {
        return Test::AtLeast(number(least));
    }
    if let Some(most) = text.strip_prefix("<=") {
        return Test::AtMost(number(most));
    }
    if let Some(part) = text.strip_prefix('~') {
        return Test::Contains(part.to_owned());
    }
    if text.contains('*') { Test::Glob(text.to_owned()) } else { Test::Text(text.to_owned()) }
}

fn number(text: &str) -> serde_json::Value {
    text.parse::<i64>().map_or_else(|_| text.into(), Into::into)
}
