//! Checks a JSON value against a schema and reports every invalid field at once, in the platform's wording.
//!
//! A schema is derived from the wire type (`schemars`), so the check, the type and the OpenAPI document cannot
//! disagree. It is compiled once into a [`Shape`].

use serde_json::{Map, Value};

use crate::forms::Form;
use crate::nearest::did_you_mean;
use crate::{Code, Fault, FieldViolation, codes};

/// A compiled schema.
#[derive(Debug, Clone)]
pub enum Shape {
    /// An object.
    Object {
        /// Its known members.
        members: Vec<Member>,
        /// Whether unknown members are violations. An open object ignores them.
        closed: bool,
        /// Whether it has members of any name; then parameters of any name are kept.
        any_name: bool,
    },
    /// An array with its length range.
    Array {
        /// Shape of each element.
        item: Box<Shape>,
        /// Fewest elements.
        min: usize,
        /// Most elements.
        max: usize,
    },
    /// A string with its length range in characters, a list of values, or a form.
    Text {
        /// Fewest characters.
        min: usize,
        /// Most characters.
        max: usize,
        /// The allowed values; empty means any.
        options: Vec<String>,
        /// The required form.
        form: Option<Form>,
    },
    /// An integer with its range.
    Integer {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// One of these integers.
    Choice(Vec<i64>),
    /// true or false.
    Boolean,
    /// Any value.
    Any,
}

/// One member of an object.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Whether it is required.
    pub required: bool,
    /// Its shape.
    pub shape: Shape,
}

/// Where a value comes from. It decides how a wrong type is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A JSON body: a wrong type is 9499 at once.
    Json,
    /// A JSON body of Larkspur's own API: a wrong type is one more violation, and the nearest known name is suggested.
    Control,
    /// A path, a query or a form, where every value is text: text that is not a number is one more violation.
    Text,
}

impl Shape {
    /// Compiles a JSON Schema as `schemars` writes it, with subschemas inlined. Unsupported schemas become
    /// [`Shape::Any`].
    pub fn compile(schema: &Value) -> Shape {
        if let (Some("integer"), Some(values)) =
            (type_of(schema), schema.get("enum").and_then(Value::as_array))
        {
            return Shape::Choice(values.iter().filter_map(Value::as_i64).collect());
        }
        if let Some(options) = options(schema) {
            return Shape::Text { min: 0, max: usize::MAX, options, form: None };
        }
        if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
            return choices.iter().find(|choice| !is_null(choice)).map_or(Shape::Any, Shape::compile);
        }
        let size = |key: &str, absent: usize| {
            schema.get(key).and_then(Value::as_u64).map_or(absent, |n| usize::try_from(n).unwrap_or(absent))
        };
        match type_of(schema) {
            Some("object") => {
                let required: Vec<&str> = schema
                    .get("required")
                    .and_then(Value::as_array)
                    .map(|names| names.iter().filter_map(Value::as_str).collect())
                    .unwrap_or_default();
                let members = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
                let members = members.map(|(name, schema)| Member {
                    name: name.clone(),
                    required: required.contains(&name.as_str()),
                    shape: Shape::compile(schema),
                });
                let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
                let others = schema.get("additionalProperties");
                let any_name = others.is_some_and(|others| *others != Value::Bool(false));
                Shape::Object { members: members.collect(), closed, any_name }
            }
            Some("array") => Shape::Array {
                item: Box::new(schema.get("items").map_or(Shape::Any, Shape::compile)),
                min: size("minItems", 0),
                max: size("maxItems", usize::MAX),
            },
            Some("string") => Shape::Text {
                min: size("minLength", 0),
                max: size("maxLength", usize::MAX),
                options: Vec::new(),
                form: schema.get("format").and_then(Value::as_str).and_then(Form::parse),
            },
            Some("integer") => Shape::Integer {
                min: schema.get("minimum").and_then(Value::as_i64).unwrap_or(i64::MIN),
                max: schema.get("maximum").and_then(Value::as_i64).unwrap_or(i64::MAX),
            },
            Some("boolean") => Shape::Boolean,
            _ => Shape::Any,
        }
    }

    /// Checks a value and removes members that are `null`, which the platform treats as absent.
    ///
    /// A wrong JSON type is 9499 at once; everything else is collected and answered with `invalid`.
    pub fn check(&self, value: &mut Value, origin: Origin, invalid: Code) -> Result<(), Fault> {
        let mut found = Vec::new();
        self.walk(value, "", origin, &mut found)?;
        if found.is_empty() {
            return Ok(());
        }
        let note =
            found.iter().map(|v| format!("{}: {}", v.field, v.description)).collect::<Vec<_>>().join("; ");
        Err(Fault::new(invalid, note).with_violations(found))
    }

    fn walk(
        &self,
        value: &mut Value,
        path: &str,
        origin: Origin,
        found: &mut Vec<FieldViolation>,
    ) -> Result<(), Fault> {
        match (self, value) {
            (Shape::Object { members, closed, .. }, Value::Object(map)) => {
                walk_object(members, map, path, origin, found)?;
                if *closed {
                    unknown(members, map, path, found);
                }
                Ok(())
            }
            (Shape::Array { item, min, max }, Value::Array(elements)) => {
                length(path, elements.len(), *min, *max, found);
                // The elements of a list that is too long are not looked at: there may be millions.
                if elements.len() > *max {
                    return Ok(());
                }
                let path = format!("{path}[*]");
                elements.iter_mut().try_for_each(|element| item.walk(element, &path, origin, found))
            }
            (Shape::Text { min, max, options, form }, Value::String(text)) => {
                if text.contains('\0') {
                    found.push(violation(path, None, "must not contain U+0000".to_owned()));
                } else if !options.is_empty() && !options.contains(text) {
                    found.push(no_option(path, text, options, origin));
                } else if let Some(why) = form.and_then(|form| form.wrong(text)) {
                    found.push(violation(path, Some(text), why));
                } else {
                    length(path, text.chars().count(), *min, *max, found);
                }
                Ok(())
            }
            (Shape::Integer { min, max }, Value::Number(number))
                if number.is_i64() || origin != Origin::Control =>
            {
                let Some(number) = number.as_i64() else { return Err(wrong_type(path, &number.to_string())) };
                if number < *min {
                    found.push(violation(path, Some(&number.to_string()), format!("the min value is {min}")));
                } else if number > *max {
                    found.push(violation(path, Some(&number.to_string()), format!("the max value is {max}")));
                }
                Ok(())
            }
            (Shape::Choice(options), Value::Number(number)) if number.is_i64() => {
                choice(path, number.as_i64(), options, found);
                Ok(())
            }
            (Shape::Boolean, Value::Bool(_)) | (Shape::Any, _) => Ok(()),
            (shape, Value::String(text)) if origin == Origin::Text => {
                found.push(violation(path, Some(text), shape.asked().to_owned()));
                Ok(())
            }
            // A parameter of a query that takes one value; see `from_pairs`.
            (_, Value::Array(_)) if origin == Origin::Text => {
                found.push(violation(path, None, "is sent more than once".to_owned()));
                Ok(())
            }
            (shape, value) if origin == Origin::Control => {
                found.push(violation(path, Some(&shown(value)), shape.asked().to_owned()));
                Ok(())
            }
            (_, value) => Err(wrong_type(path, &value.to_string())),
        }
    }

    /// Whether a path, in the form that violations use, leads to a field of this shape.
    pub fn has(&self, path: &str) -> bool {
        let (name, rest) = path.split_once('.').unwrap_or((path, ""));
        let Shape::Object { members, .. } = self else { return matches!(self, Shape::Any) };
        let (name, elements) = name.split_once('[').map_or((name, false), |(name, _)| (name, true));
        let Some(member) = members.iter().find(|member| member.name == name) else { return false };
        let shape = match (&member.shape, elements) {
            (Shape::Array { item, .. }, true) => item,
            (shape, false) => shape,
            (_, true) => return false,
        };
        rest.is_empty() || shape.has(rest)
    }

    /// The description of a violation for a value of another type.
    fn asked(&self) -> &'static str {
        match self {
            Shape::Object { .. } => "must be an object",
            Shape::Array { .. } => "must be an array",
            Shape::Text { .. } => "must be a string",
            Shape::Integer { .. } | Shape::Choice(_) => "must be an integer",
            Shape::Boolean => "must be true or false",
            Shape::Any => "must be a value",
        }
    }

    /// Reads query parameters into an object of this shape, in every spelling that clients send.
    ///
    /// Arrays are sent as repeated keys, as `key[]` or `key[0]`, and, with `commas`, joined by commas. Booleans may be
    /// `True` or `1`. A value that cannot be converted stays a string, which [`Shape::check`] refuses. In a closed object it
    /// also refuses unknown parameters and a single value that is sent more than once; an open object ignores the former
    /// and takes the last of the latter. An object with members of any name keeps all, and refuses what is sent more than
    /// once.
    pub fn from_pairs<K: AsRef<str>, V: Into<String>>(
        &self,
        pairs: impl IntoIterator<Item = (K, V)>,
        commas: bool,
    ) -> Value {
        let Shape::Object { members, closed, any_name } = self else {
            return Value::Object(Map::new());
        };
        let strict = *closed || *any_name;
        let mut map = Map::new();
        for (key, text) in pairs {
            let key = key.as_ref();
            let name = key.split_once('[').map_or(key, |(name, _)| name);
            let Some(member) = members.iter().find(|member| member.name == name) else {
                if strict {
                    insert_once(&mut map, key, Value::String(text.into()));
                }
                continue;
            };
            let text: String = text.into();
            match &member.shape {
                Shape::Array { item, .. } => {
                    if !map.contains_key(name) {
                        map.insert(name.to_owned(), Value::Array(Vec::new()));
                    }
                    let Some(Value::Array(list)) = map.get_mut(name) else { continue };
                    if commas && text.contains(',') {
                        list.extend(
                            text.split(',')
                                .filter(|part| !part.is_empty())
                                .map(|part| item.scalar(part.to_owned())),
                        );
                    } else if !text.is_empty() {
                        list.push(item.scalar(text));
                    }
                }
                shape if name.len() == key.len() => {
                    let value = shape.scalar(text);
                    if strict {
                        insert_once(&mut map, key, value);
                    } else {
                        map.insert(key.to_owned(), value);
                    }
                }
                _ if strict => {
                    map.insert(key.to_owned(), Value::String(text));
                }
                _ => {}
            }
        }
        Value::Object(map)
    }

    fn scalar(&self, text: String) -> Value {
        match self {
            Shape::Integer { .. } | Shape::Choice(_) if text.is_empty() => Value::Null,
            Shape::Integer { .. } | Shape::Choice(_) => {
                text.parse::<i64>().map_or(Value::String(text), Value::from)
            }
            Shape::Boolean => match text.as_str() {
                "" => Value::Null,
                "true" | "True" | "TRUE" | "1" => Value::Bool(true),
                "false" | "False" | "FALSE" | "0" => Value::Bool(false),
                _ => Value::String(text),
            },
            Shape::Text { options, .. } if text.is_empty() && !options.is_empty() => Value::Null,
            _ => Value::String(text),
        }
    }
}

fn walk_object(
    members: &[Member],
    map: &mut Map<String, Value>,
    path: &str,
    origin: Origin,
    found: &mut Vec<FieldViolation>,
) -> Result<(), Fault> {
    for member in members {
        let path = if path.is_empty() { member.name.clone() } else { format!("{path}.{}", member.name) };
        match map.get_mut(&member.name) {
            None | Some(Value::Null) => {
                map.remove(&member.name);
                if member.required {
                    found.push(violation(&path, None, format!("{path} is required")));
                }
            }
            Some(value) => member.shape.walk(value, &path, origin, found)?,
        }
    }
    Ok(())
}

/// Adds a parameter; one that is there already becomes a list, which no single value accepts.
fn insert_once(map: &mut Map<String, Value>, key: &str, value: Value) {
    if let Some(earlier) = map.insert(key.to_owned(), value.clone()) {
        map.insert(key.to_owned(), Value::Array(vec![earlier, value]));
    }
}

/// The most unknown members of one object that are reported: each is compared with all known names.
const UNKNOWN_TOLD: usize = 50;

/// Reports the members that a closed object does not have.
fn unknown(members: &[Member], map: &Map<String, Value>, path: &str, found: &mut Vec<FieldViolation>) {
    let names = || members.iter().map(|member| member.name.as_str());
    let strange = map.iter().filter(|(name, _)| members.iter().all(|member| member.name != **name));
    for (name, value) in strange.take(UNKNOWN_TOLD) {
        let near = match (did_you_mean(name, names()), members.is_empty()) {
            (near, false) if near.is_empty() => {
                format!("; the fields are {}", names().collect::<Vec<_>>().join(", "))
            }
            (near, _) => near,
        };
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        found.push(violation(&path, Some(&shown(value)), format!("no such field{near}")));
    }
}

/// The beginning of a value as it is reported: text unchanged, anything else as JSON.
fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.chars().take(200).collect()
}

fn length(path: &str, actual: usize, min: usize, max: usize, found: &mut Vec<FieldViolation>) {
    if actual > max {
        found.push(violation(path, None, format!("the max len is {max}")));
    } else if actual < min {
        found.push(violation(path, None, format!("the min len is {min}")));
    }
}

fn no_option(path: &str, text: &str, options: &[String], origin: Origin) -> FieldViolation {
    let near = match origin {
        Origin::Control => did_you_mean(text, options.iter().map(String::as_str)),
        Origin::Json | Origin::Text => String::new(),
    };
    violation(path, Some(text), format!("options: [{}]{near}", options.join(",")))
}

fn choice(path: &str, number: Option<i64>, options: &[i64], found: &mut Vec<FieldViolation>) {
    let Some(number) = number.filter(|number| !options.contains(number)) else { return };
    let all: Vec<String> = options.iter().map(i64::to_string).collect();
    found.push(violation(path, Some(&number.to_string()), format!("options: [{}]", all.join(","))));
}

fn violation(field: &str, value: Option<&str>, description: String) -> FieldViolation {
    FieldViolation { field: field.to_owned(), value: value.map(str::to_owned), description }
}

/// The name at the end of a path: `c` of `a.b[*].c[*]`.
pub fn leaf(path: &str) -> &str {
    let end = path.rsplit('.').next().unwrap_or(path);
    end.split('[').next().unwrap_or(end)
}

/// 9499, which names only the leaf. Source: seen in live answers.
fn wrong_type(path: &str, value: &str) -> Fault {
    let shown: String = value.chars().take(200).collect();
    let fault = Fault::new(codes::BAD_REQUEST, format!("{path} has the wrong JSON type"));
    if path.is_empty() { fault } else { fault.with_text(codes::wrong_type_text(leaf(path), &shown)) }
}

fn type_of(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(name) => Some(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ => None,
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

/// The values of a string enum, which `schemars` writes as `enum`, or as `oneOf` constants if they have doc comments.
fn options(schema: &Value) -> Option<Vec<String>> {
    let texts =
        |values: &[Value]| values.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return Some(texts(values));
    }
    let choices = schema.get("oneOf").and_then(Value::as_array)?;
    let mut all = Vec::new();
    for choice in choices {
        match (choice.get("const"), choice.get("enum").and_then(Value::as_array)) {
            (Some(Value::String(text)), _) => all.push(text.clone()),
            (_, Some(values)) => all.extend(texts(values)),
            _ => return None,
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests;
