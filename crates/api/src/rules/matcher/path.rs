//! Paths into a JSON value: `a.b`, `a[0].b`, `a[*].b`.

use std::fmt;

use serde_json::Value;

/// The most parts of a path.
const PARTS_MAX: usize = 16;

/// A path into a JSON value; empty for the value itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Path(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Member(String),
    Element(usize),
    Any,
}

impl Path {
    /// The member with this name, whatever its characters.
    pub(super) fn name(name: &str) -> Self {
        Path(vec![Part::Member(name.to_owned())])
    }

    /// Reads a path.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        for name in text.split('.') {
            let (name, elements) = name.split_at(name.find('[').unwrap_or(name.len()));
            if name.is_empty() && (elements.is_empty() || !parts.is_empty()) {
                return None;
            }
            if !name.is_empty() {
                parts.push(Part::Member(name.to_owned()));
            }
            let mut rest = elements;
            while !rest.is_empty() {
                let (index, after) = rest.strip_prefix('[')?.split_once(']')?;
                parts.push(if index == "*" { Part::Any } else { Part::Element(index.parse().ok()?) });
                rest = after;
            }
        }
        (parts.len() <= PARTS_MAX).then_some(Path(parts))
    }

    /// Shows the values at the path to `see`, until it returns true. Returns whether it did.
    pub(super) fn visit(&self, value: &Value, see: &mut dyn FnMut(&Value) -> bool) -> bool {
        walk(&self.0, value, see)
    }
}

fn walk(parts: &[Part], value: &Value, see: &mut dyn FnMut(&Value) -> bool) -> bool {
    let Some((first, rest)) = parts.split_first() else { return see(value) };
    match (first, value) {
        (Part::Member(name), Value::Object(members)) => {
            members.get(name).is_some_and(|member| walk(rest, member, see))
        }
        (Part::Element(index), Value::Array(list)) => {
            list.get(*index).is_some_and(|element| walk(rest, element, see))
        }
        (Part::Any, Value::Array(list)) => list.iter().any(|element| walk(rest, element, see)),
        _ => false,
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            match part {
                Part::Member(name) if index == 0 => f.write_str(name)?,
                Part::Member(name) => write!(f, ".{name}")?,
                Part::Element(index) => write!(f, "[{index}]")?,
                Part::Any => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_read_and_shown_alike() {
        for good in ["a", "a.b", "a[0].b", "a[*]", "[0]", "a[0][1].c", "user-agent"] {
            assert_eq!(Path::parse(good).map(|path| path.to_string()).as_deref(), Some(good));
        }
        for bad in ["", ".", "a.", ".a", "a[", "a]b[0", "a[-1]", "a[0]b", "a.[0]", &"a.".repeat(20)] {
            assert_eq!(Path::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC*") {
            if let Some(path) = Path::parse(&text) {
                prop_assert_eq!(Path::parse(&path.to_string()), Some(path));
            }
        }
    }
}
