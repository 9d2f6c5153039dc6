//! Reads YAML 1.2, and so JSON, into values with their places. Pure: no text may make it panic.

use std::collections::HashSet;
use std::iter::Peekable;

use granit_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Number, Value};

use super::node::{Kind, Member, Node, Place};
use super::{Mistake, Mistakes};

/// The most levels of lists and objects.
const DEPTH_MAX: usize = 32;
/// The most values of a file.
const VALUES_MAX: usize = 200_000;
const TOO_MANY: &str = "too many values, or levels of them";
/// Words that some readers of YAML take for true or false.
const WORDS: [&str; 4] = ["yes", "no", "on", "off"];

/// Reads a file.
///
/// # Errors
/// The first mistake, if it is not YAML; all that are found in values, if it is.
pub(super) fn read(text: &str) -> Result<Node, Mistakes> {
    let events = Parser::new_from_str(text).filter(|event| !matches!(event, Ok((Event::Comment(..), _))));
    let mut reader = Reader { events: events.peekable(), found: Mistakes::default(), values: 0 };
    match reader.file() {
        Ok(node) if reader.found.found.is_empty() => Ok(node),
        Ok(_) => Err(reader.found),
        // JSON has a few escapes that YAML has not.
        Err(mistake) => match serde_json::from_str::<Value>(text) {
            Ok(value) => of_json(&value),
            Err(_) => Err(Mistakes { found: vec![mistake], more: 0 }),
        },
    }
}

/// Reads a value of JSON, with the limits of a file.
///
/// # Errors
/// It has too many values or levels.
pub(super) fn of_json(value: &Value) -> Result<Node, Mistakes> {
    let mut values = 0;
    if fits(value, 0, &mut values) { Ok(Node::of(value)) } else { Err(Mistakes::of(None, "", TOO_MANY)) }
}

/// Counts the values in a value, itself and those of names left out of account; false if they are too many.
fn fits(value: &Value, depth: usize, values: &mut usize) -> bool {
    *values += 1;
    if depth > DEPTH_MAX || *values > VALUES_MAX {
        return false;
    }
    match value {
        Value::Array(list) => list.iter().all(|value| fits(value, depth + 1, values)),
        Value::Object(map) => map.values().all(|value| fits(value, depth + 1, values)),
        _ => true,
    }
}

struct Reader<I: Iterator> {
    events: Peekable<I>,
    found: Mistakes,
    values: usize,
}

type Spanned<'a> = (Event<'a>, Span);

impl<'a, I: Iterator<Item = Result<Spanned<'a>, granit_parser::ScanError>>> Reader<I> {
    fn next(&mut self) -> Result<Spanned<'a>, Mistake> {
        match self.events.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let marker = error.marker();
                Err(mistake(Some((marker.line(), marker.col() + 1)), &format!("not YAML: {}", error.info())))
            }
            None => Err(mistake(None, "the file ends early")),
        }
    }

    fn file(&mut self) -> Result<Node, Mistake> {
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                (Event::StreamEnd, _) => return Err(mistake(None, "the file is empty")),
                (event, span) => {
                    let node = self.value(event, span, 0)?;
                    return self.end().map(|()| node);
                }
            }
        }
    }

    fn end(&mut self) -> Result<(), Mistake> {
        loop {
            match self.next()? {
                (Event::DocumentEnd, _) => {}
                (Event::StreamEnd, _) => return Ok(()),
                (_, span) => return Err(mistake(place(span), "a seed is one document")),
            }
        }
    }

    fn value(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Mistake> {
        let at = place(span);
        self.values += 1;
        if depth > DEPTH_MAX || self.values > VALUES_MAX {
            return Err(mistake(at, TOO_MANY));
        }
        let tagged = event.tag().is_some_and(|tag| tag.suffix() != "str");
        if tagged {
            self.found.add(at, "", || "tags are not used in seeds".to_owned());
        }
        let kind = match event {
            Event::Scalar(text, ScalarStyle::Plain, _, None) => plain(&text),
            Event::Scalar(text, ..) => Kind::Text(text.into_owned()),
            Event::SequenceStart(..) => Kind::List(self.list(depth)?),
            Event::MappingStart(..) => Kind::Map(self.map(depth)?),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let why = "aliases are not used in seeds: write the value again";
                self.found.add(at, "", || why.to_owned());
                Kind::Null
            }
            _ => return Err(mistake(at, "a value is wanted here")),
        };
        Ok(Node { place: at, kind })
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, Mistake> {
        let mut list = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(list),
                (event, span) => list.push(self.value(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<Member>, Mistake> {
        let mut members: Vec<Member> = Vec::new();
        let mut names = HashSet::new();
        loop {
            let (event, span) = self.next()?;
            let name = match event {
                Event::MappingEnd => return Ok(members),
                Event::Scalar(text, ..) => text.into_owned(),
                other => {
                    self.value(other, span, depth + 1)?;
                    self.found.add(place(span), "", || "a name must be text".to_owned());
                    String::new()
                }
            };
            let (event, value_span) = self.next()?;
            let value = self.value(event, value_span, depth + 1)?;
            if !names.insert(name.clone()) {
                self.found.add(place(span), "", || format!("{name} is here twice"));
            }
            members.push(Member { name, place: place(span), value });
        }
    }
}

fn mistake(place: Place, why: &str) -> Mistake {
    Mistake { place, path: String::new(), why: why.to_owned() }
}

fn place(span: Span) -> Place {
    Some((span.start.line(), span.start.col() + 1))
}

/// What a text without quotes is, by the core schema of YAML 1.2.
fn plain(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" => return Kind::Bool(true),
        "false" | "False" | "FALSE" => return Kind::Bool(false),
        _ => {}
    }
    if WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Kind::Word(text.to_owned());
    }
    number(text).map_or_else(|| Kind::Text(text.to_owned()), Kind::Number)
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let radix = |prefix: &str, radix: u32| {
        text.strip_prefix(prefix).and_then(|digits| i64::from_str_radix(digits, radix).ok()).map(Number::from)
    };
    if let Some(found) = radix("0x", 16).or_else(|| radix("0o", 8)) {
        return Some(found);
    }
    let begins = digits.strip_prefix('.').unwrap_or(digits).starts_with(|first: char| first.is_ascii_digit());
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    if !begins || !plain {
        return None;
    }
    let whole = text.strip_prefix('+').unwrap_or(text);
    match whole.parse::<i64>() {
        Ok(number) => Some(number.into()),
        Err(_) => whole.parse::<f64>().ok().and_then(Number::from_f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn json_of(text: &str) -> Value {
        read(text).expect(text).json()
    }

    fn mistakes(text: &str) -> Vec<(Place, String)> {
        let found = read(text).expect_err(text).found;
        found.into_iter().map(|one| (one.place, one.why)).collect()
    }

    #[test]
    fn values_are_those_of_yaml_1_2() {
        let text = "a: 012\nb: 0x1F\nc: 1e3\nd: ~\ne: True\nf: no\ng: \"no\"\nh: 10:30\ni: 1.2.3\nj: -5\nk: .5\nl: 'it''s'\n";
        let expected = json!({"a": 12, "b": 31, "c": 1000.0, "d": null, "e": true, "f": false, "g": "no", "h": "10:30",
            "i": "1.2.3", "j": -5, "k": 0.5, "l": "it's"});
        assert_eq!(json_of(text), expected);
        assert_eq!(
            json_of("{\"a\": [1, \"x\"],\n\t\"b\": {\"c\": null}}"),
            json!({"a": [1, "x"], "b": {"c": null}})
        );
        assert_eq!(json_of("{\"a\": \"\\ud83d\\ude00\"}"), json!({"a": "😀"}), "an escape that YAML has not");
    }

    #[test]
    fn places_are_lines_and_columns_from_one() {
        let node = read("a:\n  - x\n  - b: {c: 值, d: 2}\n").expect("valid");
        let list = node.get("a").expect("a list");
        assert_eq!(list.elements()[0].place, Some((2, 5)));
        let inner = list.elements()[1].get("b").expect("an object");
        assert_eq!(inner.get("d").expect("a value").place, Some((3, 18)));
        assert_eq!(inner.members()[1].place, Some((3, 15)));
    }

    #[test]
    fn what_is_not_a_seed_is_named() {
        for (text, at, why) in [
            ("", None, "the file is empty"),
            ("a: [1", Some((1, 4)), "not YAML"),
            ("a: 1\na: 2\n", Some((2, 1)), "a is here twice"),
            ("a: &x 1\nb: *x\n", Some((2, 4)), "aliases are not used"),
            ("a: 1\n---\nb: 2\n", Some((2, 1)), "one document"),
            ("a: !!int 3\n", Some((1, 10)), "tags are not used"),
            ("[1]: 2\n", Some((1, 1)), "a name must be text"),
        ] {
            let found = mistakes(text);
            assert!(found[0].1.contains(why), "{text}: {found:?}");
            if !why.starts_with("not YAML") {
                assert_eq!(found[0].0, at, "{text}");
            }
        }
        let deep = "[".repeat(10_000);
        assert_eq!(mistakes(&deep).len(), 1);
    }

    #[test]
    fn json_has_the_limits_of_yaml() {
        // An escape that YAML has not, so that the text is read as JSON.
        let list = |count: usize| format!("[\"\\ud83d\\ude00\"{}]", ",1".repeat(count));
        let deep = |levels: usize| format!("{}\"\\ud83d\\ude00\"{}", "[".repeat(levels), "]".repeat(levels));
        assert!(read(&list(VALUES_MAX - 2)).is_ok() && read(&deep(DEPTH_MAX)).is_ok());
        for text in [list(VALUES_MAX - 1), deep(DEPTH_MAX + 1)] {
            assert_eq!(mistakes(&text), [(None, TOO_MANY.to_owned())]);
        }
    }

    #[test]
    fn few_mistakes_are_kept() {
        let found = read(&"- !own 1\n".repeat(5000)).expect_err("tags");
        assert_eq!((found.found.len(), found.more), (1000, 4000));
        assert_eq!(found.found[999].place.map(|(line, _)| line), Some(1000));
    }
}
