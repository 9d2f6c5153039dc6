//! The elements of a card: where they are, which of them can be clicked, and what is checked of them.

use std::collections::HashSet;

use larkspur_contract::Fault;
use larkspur_contract::codes::CardReason;
use serde_json::{Map, Value};

use super::{ELEMENTS_MAX, Schema, TABLES_MAX, refused, unreadable};

/// Members of an element whose content is not elements: payloads of callbacks, charts and tables.
pub(super) const PAYLOADS: [&str; 6] = ["value", "behaviors", "chart_spec", "rows", "options", "fallback"];

/// Tags that schema 2.0 does not have. Source: the page on the differences of the schemas.
const REMOVED: [&str; 2] = ["action", "note"];

/// The languages of a card that has its elements by language, the preferred one first. Assumed: as for posts.
const LANGUAGES: [&str; 3] = ["zh_cn", "en_us", "ja_jp"];

/// A text member, or nothing.
pub(crate) fn word<'a>(map: &'a Map<String, Value>, name: &str) -> &'a str {
    map.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The elements of a card: those of the language if it has several.
pub(super) fn elements<'a>(card: &'a Value, language: &str) -> &'a [Value] {
    let list = |value: &'a Value| value.as_array().map(Vec::as_slice);
    let found = match card.get("body") {
        Some(body) => body.get("elements").and_then(list),
        None => card.get("elements").and_then(list),
    };
    let by_language = || {
        let all = card.get("i18n_elements")?.as_object()?;
        let wanted = std::iter::once(language).chain(LANGUAGES).find_map(|name| all.get(name));
        list(wanted.or_else(|| all.values().next())?)
    };
    match found {
        Some(found) if !found.is_empty() => found,
        found => by_language().or(found).unwrap_or_default(),
    }
}

/// The elements inside an element, with what their address has after that of the element.
pub(crate) fn children(element: &Value) -> Vec<(String, &Value)> {
    let mut all = Vec::new();
    let list =
        |name: &str| element.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for name in ["elements", "actions"] {
        all.extend(list(name).iter().enumerate().map(|(at, child)| (format!(".{name}[{at}]"), child)));
    }
    for (column, inside) in list("columns").iter().enumerate() {
        let elements =
            inside.get("elements").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let placed = elements.iter().enumerate();
        all.extend(placed.map(|(at, child)| (format!(".columns[{column}][{at}]"), child)));
    }
    if let Some(extra) = element.get("extra") {
        all.push((".extra".to_owned(), extra));
    }
    let buttons = element.get("button_area").and_then(|area| area.get("buttons")).and_then(Value::as_array);
    let buttons = buttons.map(Vec::as_slice).unwrap_or_default();
    all.extend(buttons.iter().enumerate().map(|(at, child)| (format!(".buttons[{at}]"), child)));
    all
}

/// An element and its place in a card.
#[derive(Debug, Clone)]
pub(crate) struct Place<'a> {
    /// Its address by position, such as `body[2].columns[0][1]`.
    pub(crate) address: String,
    /// The element.
    pub(crate) element: &'a Value,
    /// The form that it is in.
    pub(crate) form: Option<&'a Value>,
}

/// Every element of a card, the outer ones first.
pub(crate) fn places<'a>(card: &'a Value, language: &str) -> Vec<Place<'a>> {
    let mut found = Vec::new();
    for (at, element) in elements(card, language).iter().enumerate() {
        gather(Place { address: format!("body[{at}]"), element, form: None }, &mut found);
    }
    found
}

fn gather<'a>(place: Place<'a>, found: &mut Vec<Place<'a>>) {
    let Place { address, element, form } = place.clone();
    let form = if element["tag"] == "form" { Some(element) } else { form };
    found.push(place);
    for (step, child) in children(element) {
        gather(Place { address: format!("{address}{step}"), element: child, form }, found);
    }
}

/// Whether people can use elements with this tag.
pub(crate) fn is_interactive(tag: &str) -> bool {
    matches!(
        tag,
        "button"
            | "input"
            | "select_static"
            | "multi_select_static"
            | "select_person"
            | "multi_select_person"
            | "select_img"
            | "overflow"
            | "date_picker"
            | "picker_time"
            | "picker_datetime"
            | "checker"
            | "interactive_container"
    )
}

/// Checks the structure of a card and its limits.
pub(super) fn check(card: &Value, schema: Schema) -> Result<(), Fault> {
    let mut found = Found { schema, elements: 0, tables: 0 };
    match card.get("header") {
        None | Some(Value::Null | Value::Object(_)) => {}
        Some(_) => return Err(unreadable("the header of a card is an object")),
    }
    match schema {
        Schema::V1 => {
            let lists = ["elements", "i18n_elements", "header"];
            if lists.iter().all(|name| card.get(name).is_none_or(Value::is_null)) {
                return Err(unreadable("the card has neither elements nor a header"));
            }
            found.list(card.get("elements"))?;
            if let Some(by_language) = card.get("i18n_elements").filter(|value| !value.is_null()) {
                let all = by_language.as_object().ok_or_else(|| unreadable("i18n_elements is an object"))?;
                for elements in all.values() {
                    found.list(Some(elements))?;
                    found.tables = 0;
                }
            }
        }
        Schema::V2 => match card.get("body") {
            None | Some(Value::Null) => {}
            Some(body @ Value::Object(_)) => found.list(body.get("elements"))?,
            Some(_) => return Err(unreadable("the body of a card is an object")),
        },
    }
    Ok(())
}

/// How many elements the body of a card has; see [`super::LIMITS`].
pub(crate) fn count(value: &Value) -> usize {
    match value {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(map) => {
            let inside = map.iter().filter(|(name, _)| !PAYLOADS.contains(&name.as_str()));
            usize::from(map.get("tag").is_some_and(Value::is_string))
                + inside.map(|(_, value)| count(value)).sum::<usize>()
        }
        _ => 0,
    }
}

struct Found {
    schema: Schema,
    elements: usize,
    tables: usize,
}

impl Found {
    /// A list of elements: each is an object with a tag.
    fn list(&mut self, value: Option<&Value>) -> Result<(), Fault> {
        let elements = match value {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::Array(elements)) => elements,
            Some(_) => return Err(unreadable("elements is a list")),
        };
        for element in elements {
            if !element.get("tag").is_some_and(Value::is_string) {
                return Err(unreadable("an element is an object with a tag"));
            }
            self.value(element)?;
        }
        Ok(())
    }

    fn value(&mut self, value: &Value) -> Result<(), Fault> {
        match value {
            Value::Array(list) => list.iter().try_for_each(|inside| self.value(inside)),
            Value::Object(map) => {
                if let Some(Value::String(tag)) = map.get("tag") {
                    self.element(tag, map)?;
                }
                for (name, inside) in map.iter().filter(|(name, _)| !PAYLOADS.contains(&name.as_str())) {
                    match name.as_str() {
                        "elements" | "actions" => self.list(Some(inside))?,
                        _ => self.value(inside)?,
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn element(&mut self, tag: &str, map: &Map<String, Value>) -> Result<(), Fault> {
        self.elements += 1;
        if self.schema == Schema::V2 && self.elements > ELEMENTS_MAX {
            return Err(refused(CardReason::ELEMENT_LIMIT, None, "the card has more than 200 elements"));
        }
        match tag {
            "table" => {
                self.tables += 1;
                if self.tables > TABLES_MAX {
                    return Err(refused(
                        CardReason::TABLE_LIMIT,
                        Some("table"),
                        "the card has more than 5 tables",
                    ));
                }
                let rows = map.get("rows").and_then(Value::as_array);
                if !rows.is_some_and(|rows| rows.iter().all(Value::is_object)) {
                    return Err(refused(
                        CardReason::ROWS_INVALID,
                        None,
                        "the rows of a table are a list of objects",
                    ));
                }
                if let Some(name) = unknown_column(map) {
                    return Err(refused(CardReason::ROW_NAME_INVALID, Some(name), "a row names no column"));
                }
            }
            "chart" if !map.get("chart_spec").is_some_and(Value::is_object) => {
                return Err(refused(CardReason::CHART_INVALID, None, "chart_spec is an object"));
            }
            _ if self.schema == Schema::V2 && REMOVED.contains(&tag) => {
                let value = format!("unsupported tag {tag}");
                return Err(refused(
                    CardReason::TAG_UNSUPPORTED,
                    Some(&value),
                    "schema 2.0 does not have the tag",
                ));
            }
            _ => {}
        }
        Ok(())
    }
}

/// The first name in a row of a table that is not that of a column. Tables whose columns have no names are not judged.
fn unknown_column(table: &Map<String, Value>) -> Option<&str> {
    let list = |name: &str| table.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let columns: HashSet<&str> =
        list("columns").iter().filter_map(|column| column.get("name").and_then(Value::as_str)).collect();
    if columns.is_empty() {
        return None;
    }
    let mut names = list("rows").iter().filter_map(Value::as_object).flat_map(Map::keys);
    names.find(|name| !columns.contains(name.as_str())).map(String::as_str)
}

/// The open_ids of people: of elements for people, and of mentions in texts, outside of payloads.
pub(super) fn people<'a>(value: &'a Value, ids: &mut Vec<&'a str>) {
    match value {
        Value::Array(list) => list.iter().for_each(|inside| people(inside, ids)),
        Value::Object(map) => {
            match word(map, "tag") {
                "person" => ids.extend(map.get("user_id").and_then(open_id)),
                "person_list" => {
                    let persons = map.get("persons").and_then(Value::as_array).into_iter().flatten();
                    ids.extend(persons.filter_map(|person| person.get("id").and_then(open_id)));
                }
                _ => {}
            }
            let inside = map.iter().filter(|(name, _)| !PAYLOADS.contains(&name.as_str()));
            inside.for_each(|(_, value)| people(value, ids));
        }
        Value::String(text) => ids.extend(mentioned(text)),
        _ => {}
    }
}

fn open_id(value: &Value) -> Option<&str> {
    value.as_str().filter(|id| id.starts_with("ou_"))
}

/// The open_ids in the tags `<at id=…>` of a text.
fn mentioned(text: &str) -> impl Iterator<Item = &str> {
    text.split("<at id=").skip(1).filter_map(|rest| {
        let rest = rest.trim_start_matches(['"', '\'']);
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        Some(&rest[..end]).filter(|id| id.starts_with("ou_"))
    })
}

/// The keys of images: members named `img_key`, outside of payloads.
pub(super) fn images<'a>(value: &'a Value, keys: &mut Vec<&'a str>) {
    match value {
        Value::Array(list) => list.iter().for_each(|inside| images(inside, keys)),
        Value::Object(map) => {
            for (name, inside) in map.iter().filter(|(name, _)| !PAYLOADS.contains(&name.as_str())) {
                match (name.as_str(), inside) {
                    ("img_key", Value::String(key)) if !key.is_empty() => keys.push(key),
                    _ => images(inside, keys),
                }
            }
        }
        _ => {}
    }
}
