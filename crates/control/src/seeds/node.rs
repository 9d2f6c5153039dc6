//! A value of a seed with its place in the file.

use serde_json::{Map, Number, Value};

/// A place in a file: line and column, from 1 on. Values that did not come from a file have none.
pub(super) type Place = Option<(usize, usize)>;

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    /// `yes`, `no`, `on` or `off` without quotes: some readers of YAML take them for text and some for true or false.
    Word(String),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Member>),
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    pub(super) name: String,
    /// Where its name is.
    pub(super) place: Place,
    pub(super) value: Node,
}

impl Node {
    /// A value without places.
    pub(super) fn of(value: &Value) -> Self {
        let kind = match value {
            Value::Null => Kind::Null,
            Value::Bool(flag) => Kind::Bool(*flag),
            Value::Number(number) => Kind::Number(number.clone()),
            Value::String(text) => Kind::Text(text.clone()),
            Value::Array(list) => Kind::List(list.iter().map(Node::of).collect()),
            Value::Object(map) => {
                let member = |(name, value): (&String, &Value)| Member {
                    name: name.clone(),
                    place: None,
                    value: Node::of(value),
                };
                Kind::Map(map.iter().map(member).collect())
            }
        };
        Node { place: None, kind }
    }

    /// The member with a name, if it is an object that has it.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.members().iter().find(|member| member.name == name).map(|member| &member.value)
    }

    /// Its members; none if it is not an object.
    pub(super) fn members(&self) -> &[Member] {
        match &self.kind {
            Kind::Map(members) => members,
            _ => &[],
        }
    }

    /// Its elements; none if it is not a list.
    pub(super) fn elements(&self) -> &[Node] {
        match &self.kind {
            Kind::List(elements) => elements,
            _ => &[],
        }
    }

    /// Its text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Its text, or the word without quotes that it is.
    pub(super) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) | Kind::Word(text) => Some(text),
            _ => None,
        }
    }

    /// As JSON. A word without quotes is true or false, which is a mistake where a text is wanted.
    pub(super) fn json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(flag) => Value::Bool(*flag),
            Kind::Word(word) => {
                Value::Bool(word.eq_ignore_ascii_case("yes") || word.eq_ignore_ascii_case("on"))
            }
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(list) => Value::Array(list.iter().map(Node::json).collect()),
            Kind::Map(members) => {
                let pairs = members.iter().map(|member| (member.name.clone(), member.value.json()));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }

    /// As it is shown in a mistake.
    pub(super) fn shown(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::Bool(flag) => flag.to_string(),
            Kind::Word(word) => word.clone(),
            Kind::Number(number) => number.to_string(),
            Kind::Text(text) => format!("{text:?}"),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "an object".to_owned(),
        }
    }
}
