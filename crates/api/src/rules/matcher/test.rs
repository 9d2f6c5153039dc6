//! One test of one value.

use serde_json::{Map, Value, json};

use super::{Wrong, wrong};

/// The most characters of a text in a test.
const TEXT_MAX: usize = 1024;
/// The most alternatives of a list.
const ANY_MAX: usize = 256;
/// The deepest nesting of tests.
const DEPTH_MAX: usize = 4;
/// What may stand where a test is expected.
pub(super) const ALLOWED: &str = "a text, number, boolean or null, a list of them, or an object with glob, contains, \
    gte, lte, absent or not; texts have at most 1024 characters, lists 256 elements, and tests 4 levels";

/// A test of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    /// The same JSON value.
    Equal(Value),
    /// A value that is written like this text.
    Text(String),
    /// One of the tests.
    Any(Vec<Test>),
    /// All of the tests.
    All(Vec<Test>),
    /// A text, or a number's text, with `*` for any characters and `?` for one.
    Glob(String),
    /// A text that contains this one.
    Contains(String),
    /// At least this number or text.
    AtLeast(Value),
    /// At most this number or text.
    AtMost(Value),
    /// Whether there is no value.
    Absent(bool),
    /// The opposite of a test.
    Not(Box<Test>),
}

impl Test {
    /// Reads a test from its JSON. `globs`: a plain text with a `*` is a glob.
    pub(super) fn parse(value: &Value, globs: bool, at: &str) -> Result<Self, Wrong> {
        read(value, globs, at, DEPTH_MAX)
    }

    /// Whether it holds for a value that is there.
    pub(super) fn holds(&self, value: &Value) -> bool {
        match self {
            Test::Equal(wanted) => equal(wanted, value),
            Test::Text(wanted) => text(value).is_some_and(|text| text == *wanted),
            Test::Any(tests) => tests.iter().any(|test| test.holds(value)),
            Test::All(tests) => tests.iter().all(|test| test.holds(value)),
            Test::Glob(pattern) => text(value).is_some_and(|text| glob(pattern, &text)),
            Test::Contains(part) => text(value).is_some_and(|text| text.contains(part.as_str())),
            Test::AtLeast(least) => order(value, least).is_some_and(std::cmp::Ordering::is_ge),
            Test::AtMost(most) => order(value, most).is_some_and(std::cmp::Ordering::is_le),
            Test::Absent(absent) => !absent,
            Test::Not(test) => !test.holds(value),
        }
    }

    /// Whether it holds where there is no value.
    pub(super) fn holds_for_nothing(&self) -> bool {
        match self {
            Test::Absent(absent) => *absent,
            Test::Not(test) => !test.holds_for_nothing(),
            Test::Any(tests) => tests.iter().any(Test::holds_for_nothing),
            Test::All(tests) => tests.iter().all(Test::holds_for_nothing),
            _ => false,
        }
    }

    /// The test as JSON, for reports.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Test::Equal(value) => value.clone(),
            Test::Text(text) => text.as_str().into(),
            Test::Any(tests) => tests.iter().map(Test::to_json).collect(),
            Test::All(tests) => {
                let mut all = Map::new();
                for test in tests {
                    if let Value::Object(members) = test.to_json() {
                        all.extend(members);
                    }
                }
                all.into()
            }
            Test::Glob(text) => json!({"glob": text}),
            Test::Contains(text) => json!({"contains": text}),
            Test::AtLeast(value) => json!({"gte": value}),
            Test::AtMost(value) => json!({"lte": value}),
            Test::Absent(absent) => json!({"absent": absent}),
            Test::Not(test) => json!({"not": test.to_json()}),
        }
    }
}

fn read(value: &Value, globs: bool, at: &str, depth: usize) -> Result<Test, Wrong> {
    let bad = || wrong(at, ALLOWED);
    if depth == 0 {
        return Err(bad());
    }
    match value {
        Value::String(text) if text.chars().count() > TEXT_MAX => Err(bad()),
        Value::String(text) if globs && text.contains('*') => Ok(Test::Glob(text.clone())),
        Value::Array(list) if list.len() > ANY_MAX => Err(bad()),
        Value::Array(list) => {
            let tests = list.iter().map(|one| read(one, globs, at, depth - 1));
            Ok(Test::Any(tests.collect::<Result<_, _>>()?))
        }
        Value::Object(members) => {
            let tests = members.iter().map(|(name, value)| named(name, value, globs, at, depth));
            let mut tests = tests.collect::<Result<Vec<_>, _>>()?;
            match tests.len() {
                0 => Err(bad()),
                1 => tests.pop().ok_or_else(bad),
                _ => Ok(Test::All(tests)),
            }
        }
        scalar => Ok(Test::Equal(scalar.clone())),
    }
}

fn named(name: &str, value: &Value, globs: bool, at: &str, depth: usize) -> Result<Test, Wrong> {
    let at = format!("{at}.{name}");
    let bad = || wrong(&at, ALLOWED);
    let text = || value.as_str().filter(|text| text.chars().count() <= TEXT_MAX).ok_or_else(bad);
    let ordered =
        || Some(value).filter(|value| value.is_number() || value.is_string()).cloned().ok_or_else(bad);
    match name {
        "glob" => Ok(Test::Glob(text()?.to_owned())),
        "contains" => Ok(Test::Contains(text()?.to_owned())),
        "gte" => Ok(Test::AtLeast(ordered()?)),
        "lte" => Ok(Test::AtMost(ordered()?)),
        "absent" => value.as_bool().map(Test::Absent).ok_or_else(bad),
        "not" => Ok(Test::Not(Box::new(read(value, globs, &at, depth - 1)?))),
        _ => Err(bad()),
    }
}

/// Whether two values are the same; `1` and `1.0` are.
fn equal(one: &Value, other: &Value) -> bool {
    one == other || (one.is_number() && other.is_number() && one.as_f64() == other.as_f64())
}

/// How a scalar is written.
fn text(value: &Value) -> Option<std::borrow::Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Number(_) | Value::Bool(_) | Value::Null => Some(value.to_string().into()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Numbers by size, also those in texts if the other one is a number; texts by their characters.
fn order(value: &Value, bound: &Value) -> Option<std::cmp::Ordering> {
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
    if value.is_number() || bound.is_number() {
        return number(value)?.partial_cmp(&number(bound)?);
    }
    Some(value.as_str()?.cmp(bound.as_str()?))
}

/// Whether a text fits a pattern, in time of at most the product of their lengths.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut read) = (0, 0);
    // After the last star: where to go on in the pattern, and how much of the text the star takes.
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at + 1, read));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == text[read] => {
                at += 1;
                read += 1;
            }
            _ => match &mut star {
                Some((after, taken)) => {
                    *taken += 1;
                    (at, read) = (*after, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|left| *left == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition of a glob, in exponential time.
    fn slow(pattern: &[char], text: &[char]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some('*'), _) => slow(&pattern[1..], text) || (!text.is_empty() && slow(pattern, &text[1..])),
            (Some('?'), Some(_)) => slow(&pattern[1..], &text[1..]),
            (Some(one), Some(other)) => one == other && slow(&pattern[1..], &text[1..]),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn globs_are_what_their_definition_says(pattern in "[ab*?]{0,7}", text in "[ab]{0,9}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(glob(&pattern, &text), slow(&chars(&pattern), &chars(&text)));
        }

        #[test]
        fn not_is_the_opposite(number in any::<i32>(), bound in any::<i32>()) {
            let test = read(&json!({"gte": bound}), false, "", 4).expect("a test");
            let value = json!(number);
            prop_assert_eq!(test.holds(&value), number >= bound);
            prop_assert_eq!(Test::Not(Box::new(test)).holds(&value), number < bound);
        }
    }

    #[test]
    fn a_long_pattern_takes_bounded_time() {
        assert!(!glob(&"*a".repeat(500), &"b".repeat(16_000)));
        assert!(!glob(&format!("{}c", "*a".repeat(200)), &"a".repeat(16_000)));
    }
}
