//! Entities of the card kit: what their JSON may be, and the changes of it.
//!
//! A change works on JSON alone. [`check`] judges the result as a whole.

use std::collections::HashSet;

use larkspur_contract::{Fault, codes};
use serde_json::{Map, Value};

use super::walk::{self, PAYLOADS};
use super::{Card, ELEMENTS_MAX, Schema, schema_of, word};

/// The most bytes of an entity's JSON. Assumed: the page has a code for too large cards, and no number.
pub const SIZE_MAX: usize = 200_000;
/// The most actions of one batch, and the most elements that they delete together. Assumed: no number is published.
pub const ACTIONS_MAX: usize = 200;
/// The most characters of settings and of streamed text. Source: the pages.
pub const TEXT_MAX: usize = 100 * 1000;
/// How long an entity can be changed and sent after it was made, in milliseconds. Source: the create page, 14 days.
pub const LIFE_MS: i64 = 14 * 24 * 3_600_000;
/// How long text can be streamed into a card after streaming was switched on, in milliseconds. Assumed.
pub const STREAMING_MS: i64 = 600_000;

/// The deepest nesting of an entity's JSON, below that of the JSON reader: changes can nest elements further.
const DEPTH_MAX: usize = 100;

/// Reads a JSON string that a call sends: 200860, 200220, or 300307 if there is nothing in it.
pub fn read(text: &str) -> Result<Value, Fault> {
    if text.len() > SIZE_MAX {
        return Err(Fault::new(codes::CARD_TOO_LARGE, format!("the JSON has {} bytes", text.len())));
    }
    let value: Value = serde_json::from_str(text)
        .map_err(|error| Fault::new(codes::CARD_CONTENT_FAILED, format!("the text is not JSON: {error}")))?;
    let empty = match &value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    };
    if empty {
        return Err(Fault::new(codes::CARD_EMPTY, "the JSON has nothing in it"));
    }
    Ok(value)
}

/// Reads the `data` of a template and wraps it as the content of an entity.
pub fn template(data: &str) -> Result<Value, Fault> {
    let mut content = Map::new();
    content.insert("type".to_owned(), Value::from("template"));
    content.insert("data".to_owned(), read(data)?);
    let content = Value::Object(content);
    match super::of(content.clone()) {
        Ok(Card::Template { .. }) => Ok(content),
        Ok(_) => Err(Fault::new(codes::CARD_CONTENT_FAILED, "not a template")),
        Err(refused) => Err(failed(&refused)),
    }
}

fn failed(refused: &Fault) -> Fault {
    Fault::new(codes::CARD_CONTENT_FAILED, refused.note().to_owned())
}

/// Whether an entity is a filled template, whose elements are unknown.
pub fn is_template(content: &Value) -> bool {
    content["type"] == "template"
}

/// Whether a call may change the elements of this entity one by one: 300303 for a template.
pub fn has_elements(content: &Value) -> Result<(), Fault> {
    if is_template(content) {
        return Err(Fault::new(
            codes::CARD_SCHEMA_UNSUPPORTED,
            "the elements of a template cannot be changed",
        ));
    }
    Ok(())
}

/// Whether text is streamed into the card, as far as its configuration says.
pub fn is_streaming(content: &Value) -> bool {
    content["config"]["streaming_mode"].as_bool() == Some(true)
}

/// Judges the JSON of an entity as a whole: schema, sharing, structure, number of elements, element ids.
pub fn check(content: &Value) -> Result<(), Fault> {
    if depth(content) > DEPTH_MAX {
        return Err(too_deep());
    }
    if is_template(content) {
        return Ok(());
    }
    if !content.is_object() {
        return Err(Fault::new(codes::CARD_CONTENT_FAILED, "a card is a JSON object"));
    }
    if schema_of(content) != Some(Schema::V2) {
        return Err(Fault::new(codes::CARD_SCHEMA_UNSUPPORTED, "the card's schema is not 2.0"));
    }
    if content["config"].get("update_multi").is_some_and(|shared| *shared != Value::Bool(true)) {
        return Err(Fault::new(codes::CARD_NOT_SHARED, "config.update_multi is not true"));
    }
    let count = content.get("body").map(walk::count).unwrap_or_default();
    if count > ELEMENTS_MAX {
        return Err(Fault::new(codes::CARD_ELEMENT_LIMIT, format!("the card has {count} elements")));
    }
    walk::check(content, Schema::V2).map_err(|refused| failed(&refused))?;
    ids(content, &mut HashSet::new())
}

fn too_deep() -> Fault {
    Fault::new(codes::CARD_CONTENT_FAILED, "the elements are nested too deeply")
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or_default(),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// Whether every element_id has its form (10002) and occurs once (300301).
fn ids<'a>(value: &'a Value, seen: &mut HashSet<&'a str>) -> Result<(), Fault> {
    match value {
        Value::Array(list) => list.iter().try_for_each(|inside| ids(inside, seen)),
        Value::Object(map) => {
            match map.get("element_id") {
                None | Some(Value::Null) => {}
                Some(Value::String(id)) if is_element_id(id) => {
                    if !seen.insert(id) {
                        let note = format!("two elements have the id {id}");
                        return Err(Fault::new(codes::CARD_ELEMENT_ID_REPEATED, note));
                    }
                }
                Some(other) => {
                    let note = format!(
                        "{other} is not an element_id: a letter, then letters, digits and _, at most 20"
                    );
                    return Err(Fault::new(codes::CARD_PARAM_INVALID, note));
                }
            }
            elements_in(map).try_for_each(|inside| ids(inside, seen))
        }
        _ => Ok(()),
    }
}

/// Whether a text has the form of an element id: a letter, then letters, digits and underscores, at most 20. Source: the
/// create page.
pub fn is_element_id(id: &str) -> bool {
    id.len() <= 20
        && id.starts_with(|c: char| c.is_ascii_alphabetic())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The members of an element that may contain elements.
fn elements_in(map: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    map.iter().filter(|(name, _)| !PAYLOADS.contains(&name.as_str())).map(|(_, value)| value)
}

fn elements_in_mut(map: &mut Map<String, Value>) -> impl Iterator<Item = &mut Value> {
    map.iter_mut().filter(|(name, _)| !PAYLOADS.contains(&name.as_str())).map(|(_, value)| value)
}

fn has_id(value: &Value, id: &str) -> bool {
    value.get("element_id").and_then(Value::as_str) == Some(id)
}

/// The element with an id.
fn find<'a>(value: &'a mut Value, id: &str) -> Option<&'a mut Value> {
    if has_id(value, id) {
        return Some(value);
    }
    match value {
        Value::Array(list) => list.iter_mut().find_map(|inside| find(inside, id)),
        Value::Object(map) => elements_in_mut(map).find_map(|inside| find(inside, id)),
        _ => None,
    }
}

/// The list that an element is in, and its place there.
fn list_of<'a>(value: &'a mut Value, id: &str) -> Option<(&'a mut Vec<Value>, usize)> {
    match value {
        Value::Array(list) => {
            if let Some(at) = list.iter().position(|element| has_id(element, id)) {
                return Some((list, at));
            }
            list.iter_mut().find_map(|inside| list_of(inside, id))
        }
        Value::Object(map) => elements_in_mut(map).find_map(|inside| list_of(inside, id)),
        _ => None,
    }
}

/// Applies settings: members of `config` one by one, `card_link` as a whole. 300122 if they are of the wrong type.
pub fn set(card: &mut Value, settings: &Value) -> Result<(), Fault> {
    let refused = |note: &'static str| Fault::new(codes::CARD_SETTINGS_NOT_UPDATED, note);
    if is_template(card) {
        return Err(refused("a template has no settings"));
    }
    let (Value::Object(card), Value::Object(settings)) = (card, settings) else {
        return Err(refused("settings is an object"));
    };
    match settings.get("config") {
        None | Some(Value::Null) => {}
        Some(Value::Object(new)) => {
            let config = card.entry("config").or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(config) = config else {
                return Err(refused("the config of the card is not an object"));
            };
            config.extend(new.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        Some(_) => return Err(refused("config is an object")),
    }
    match settings.get("card_link") {
        None | Some(Value::Null) => {}
        Some(link @ Value::Object(_)) => {
            card.insert("card_link".to_owned(), link.clone());
        }
        Some(_) => return Err(refused("card_link is an object")),
    }
    Ok(())
}

/// Adds elements: `insert_before` or `insert_after` an element, or `append` to a container, or to the card if no target is
/// given. 10002 for another kind, 300315 without a fitting target.
pub fn add(card: &mut Value, kind: &str, target: &str, new: Value) -> Result<(), Fault> {
    let refused = |note: String| Fault::new(codes::CARD_ELEMENT_NOT_ADDED, note);
    let Value::Array(new) = new else {
        return Err(Fault::new(codes::CARD_CONTENT_FAILED, "elements is a list"));
    };
    let end = |element: &mut Value| match element.as_object_mut() {
        Some(element) => match element.entry("elements").or_insert_with(|| Value::Array(Vec::new())) {
            Value::Array(list) => {
                list.extend(new.clone());
                true
            }
            _ => false,
        },
        None => false,
    };
    match kind {
        "insert_before" | "insert_after" => {
            let (list, at) = list_of(card, target)
                .ok_or_else(|| refused(format!("no element {target:?} that others can be beside")))?;
            let at = at + usize::from(kind == "insert_after");
            list.splice(at..at, new);
        }
        "append" if target.is_empty() => {
            let body = card.as_object_mut().filter(|card| !card.contains_key("type"));
            let body = body.map(|card| card.entry("body").or_insert_with(|| Value::Object(Map::new())));
            if !body.is_some_and(end) {
                return Err(refused("the card has no list of elements".to_owned()));
            }
        }
        "append" => {
            let container = find(card, target).filter(|element| is_container(element));
            if !container.is_some_and(end) {
                return Err(refused(format!("no element {target:?} that others can be in")));
            }
        }
        other => {
            let note = format!("{other:?} is none of insert_before, insert_after and append");
            return Err(Fault::new(codes::CARD_PARAM_INVALID, note));
        }
    }
    Ok(())
}

fn is_container(element: &Value) -> bool {
    let tag = element.as_object().map(|map| word(map, "tag")).unwrap_or_default();
    matches!(tag, "column" | "form" | "interactive_container" | "collapsible_panel")
}

/// Deletes an element with what is in it: 300314 if it does not exist or is no part of a list.
pub fn delete(card: &mut Value, id: &str) -> Result<(), Fault> {
    let (list, at) = list_of(card, id)
        .ok_or_else(|| Fault::new(codes::CARD_ELEMENT_NOT_DELETED, format!("no element {id:?} in a list")))?;
    list.remove(at);
    Ok(())
}

/// Replaces an element: 300121 if it does not exist, or the new one is not an element. The new one gets the id of the old
/// one unless it has its own.
pub fn replace(card: &mut Value, id: &str, mut new: Value) -> Result<(), Fault> {
    let refused = |note: String| Fault::new(codes::CARD_ELEMENT_NOT_REPLACED, note);
    match &mut new {
        Value::Object(map) if map.get("tag").is_some_and(Value::is_string) => {
            map.entry("element_id").or_insert_with(|| Value::from(id));
        }
        _ => return Err(refused("the new element is not an object with a tag".to_owned())),
    }
    let old = find(card, id).ok_or_else(|| refused(format!("no element {id:?}")))?;
    *old = new;
    Ok(())
}

/// Replaces properties of an element: 300313 if it does not exist, 300312 if they change its tag.
pub fn patch(card: &mut Value, id: &str, properties: Value) -> Result<(), Fault> {
    let refused = |note: String| Fault::new(codes::CARD_PROPERTIES_FAILED, note);
    let Value::Object(properties) = properties else {
        return Err(refused("the properties are not an object".to_owned()));
    };
    let Some(Value::Object(element)) = find(card, id) else {
        return Err(refused(format!("no element {id:?}")));
    };
    if properties.get("tag").is_some_and(|tag| Some(tag) != element.get("tag")) {
        return Err(Fault::new(codes::CARD_TAG_CHANGED, "the properties have another tag"));
    }
    element.extend(properties);
    Ok(())
}

/// Replaces the text of an element: 300313 if it does not exist, 300310 if it is neither markdown nor plain text.
pub fn write(card: &mut Value, id: &str, content: &str) -> Result<(), Fault> {
    let Some(Value::Object(element)) = find(card, id) else {
        return Err(Fault::new(codes::CARD_PROPERTIES_FAILED, format!("no element {id:?}")));
    };
    if !matches!(word(element, "tag"), "markdown" | "plain_text") {
        return Err(Fault::new(codes::CARD_ONLY_TEXT, "the element is neither markdown nor plain_text"));
    }
    element.insert("content".to_owned(), Value::from(content));
    Ok(())
}

/// Applies several actions in order. The first that fails refuses all. 10002 for more than [`ACTIONS_MAX`], 200220 if one
/// nests elements too deeply: the actions after it would nest them further, and every look at the card is recursive.
pub fn batch(card: &mut Value, actions: &Value) -> Result<(), Fault> {
    let actions = actions.as_array().ok_or_else(|| invalid("actions is a list"))?;
    let deleted = |action: &Value| action["params"]["element_ids"].as_array().map_or(0, Vec::len);
    if actions.len() > ACTIONS_MAX || actions.iter().map(deleted).sum::<usize>() > ACTIONS_MAX {
        return Err(invalid("there are too many actions or element_ids"));
    }
    for action in actions {
        apply(card, action)?;
        if depth(card) > DEPTH_MAX {
            return Err(too_deep());
        }
    }
    Ok(())
}

fn invalid(note: &'static str) -> Fault {
    Fault::new(codes::CARD_PARAM_INVALID, note)
}

fn apply(card: &mut Value, action: &Value) -> Result<(), Fault> {
    let Value::Object(params) = &action["params"] else { return Err(invalid("params is an object")) };
    let taken = |name: &str| params.get(name).cloned().unwrap_or_default();
    let id = word(params, "element_id");
    match action["action"].as_str().unwrap_or_default() {
        "partial_update_setting" => set(card, params.get("settings").unwrap_or(&Value::Null)),
        "add_elements" => {
            add(card, word(params, "type"), word(params, "target_element_id"), taken("elements"))
        }
        "delete_elements" => {
            let ids = params.get("element_ids").and_then(Value::as_array);
            let ids = ids.ok_or_else(|| invalid("element_ids is a list"))?;
            ids.iter().try_for_each(|id| delete(card, id.as_str().unwrap_or_default()))
        }
        "partial_update_element" => patch(card, id, taken("partial_element")),
        "update_element" => replace(card, id, taken("element")),
        _ => Err(invalid("an action is one of the five that the page lists")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn card() -> Value {
        json!({"schema": "2.0", "body": {"elements": [
            {"tag": "markdown", "element_id": "a", "content": "one"},
            {"tag": "column_set", "element_id": "set", "columns": [
                {"tag": "column", "element_id": "col", "elements": [{"tag": "hr", "element_id": "line"}]}]},
            {"tag": "div", "element_id": "d", "text": {"tag": "plain_text", "element_id": "t", "content": "x"}},
        ]}})
    }

    fn ids_of(card: &Value) -> Vec<String> {
        let elements = card["body"]["elements"].as_array().expect("a list");
        elements.iter().map(|one| one["element_id"].as_str().unwrap_or("-").to_owned()).collect()
    }

    #[test]
    fn elements_are_added_where_they_are_wanted() {
        let new = || json!([{"tag": "hr", "element_id": "n"}]);
        for (kind, target, expected) in [
            ("append", "", ["a", "set", "d", "n"]),
            ("insert_before", "a", ["n", "a", "set", "d"]),
            ("insert_after", "set", ["a", "set", "n", "d"]),
        ] {
            let mut card = card();
            add(&mut card, kind, target, new()).expect("added");
            assert_eq!(ids_of(&card), expected, "{kind} {target}");
        }
        let mut inside = card();
        add(&mut inside, "append", "col", new()).expect("added");
        assert_eq!(inside["body"]["elements"][1]["columns"][0]["elements"][1]["element_id"], "n");
        let code = |kind: &str, target: &str, new: Value| {
            add(&mut card(), kind, target, new).expect_err("refused").code()
        };
        assert_eq!(code("append", "a", new()), codes::CARD_ELEMENT_NOT_ADDED, "not a container");
        assert_eq!(code("insert_after", "t", new()), codes::CARD_ELEMENT_NOT_ADDED, "not in a list");
        assert_eq!(code("insert_after", "", new()), codes::CARD_ELEMENT_NOT_ADDED);
        assert_eq!(code("before", "a", new()), codes::CARD_PARAM_INVALID);
        assert_eq!(code("append", "", json!({"tag": "hr"})), codes::CARD_CONTENT_FAILED);
    }

    #[test]
    fn elements_are_changed_by_their_ids() {
        let mut changed = card();
        delete(&mut changed, "line").expect("deleted");
        replace(&mut changed, "d", json!({"tag": "hr"})).expect("replaced");
        patch(&mut changed, "a", json!({"tag": "markdown", "content": "two", "text_align": "center"}))
            .expect("patched");
        let expected = json!({"schema": "2.0", "body": {"elements": [
            {"tag": "markdown", "element_id": "a", "content": "two", "text_align": "center"},
            {"tag": "column_set", "element_id": "set", "columns": [{"tag": "column", "element_id": "col", "elements": []}]},
            {"tag": "hr", "element_id": "d"},
        ]}});
        assert_eq!(changed, expected);
        let mut text = card();
        write(&mut text, "t", "y").expect("written");
        assert_eq!(text["body"]["elements"][2]["text"]["content"], "y");
        assert_eq!(write(&mut text, "line", "y").expect_err("not text").code(), codes::CARD_ONLY_TEXT);
        assert_eq!(write(&mut text, "no", "y").expect_err("none").code(), codes::CARD_PROPERTIES_FAILED);
        assert_eq!(
            patch(&mut text, "a", json!({"tag": "hr"})).expect_err("tag").code(),
            codes::CARD_TAG_CHANGED
        );
        assert_eq!(
            patch(&mut text, "no", json!({"x": 1})).expect_err("none").code(),
            codes::CARD_PROPERTIES_FAILED
        );
        assert_eq!(
            replace(&mut text, "a", json!({"x": 1})).expect_err("none").code(),
            codes::CARD_ELEMENT_NOT_REPLACED
        );
        assert_eq!(delete(&mut text, "t").expect_err("no list").code(), codes::CARD_ELEMENT_NOT_DELETED);
    }

    #[test]
    fn the_whole_is_judged() {
        assert!(check(&card()).is_ok());
        let with = |part: &str, value: Value| {
            let mut card = card();
            card[part] = value;
            check(&card).expect_err("refused").code()
        };
        assert_eq!(with("schema", json!("1.0")), codes::CARD_SCHEMA_UNSUPPORTED);
        assert_eq!(with("config", json!({"update_multi": false})), codes::CARD_NOT_SHARED);
        let hr = json!({"tag": "hr"});
        assert_eq!(with("body", json!({"elements": vec![hr; 201]})), codes::CARD_ELEMENT_LIMIT);
        assert_eq!(with("body", json!({"elements": [{}]})), codes::CARD_CONTENT_FAILED);
        let twice = json!({"tag": "hr", "element_id": "a"});
        assert_eq!(with("body", json!({"elements": [twice, twice]})), codes::CARD_ELEMENT_ID_REPEATED);
        for bad in ["1a", "a-b", "", "a2345678901234567890x"] {
            let element = json!({"tag": "hr", "element_id": bad});
            assert_eq!(with("body", json!({"elements": [element]})), codes::CARD_PARAM_INVALID, "{bad}");
        }
    }

    #[test]
    fn a_batch_is_applied_in_order() {
        let mut changed = card();
        let actions = json!([
            {"action": "add_elements", "params": {"type": "append", "elements": [{"tag": "markdown", "element_id": "n"}]}},
            {"action": "partial_update_element", "params": {"element_id": "n", "partial_element": {"content": "new"}}},
            {"action": "update_element", "params": {"element_id": "d", "element": {"tag": "hr"}}},
            {"action": "delete_elements", "params": {"element_ids": ["a", "set"]}},
            {"action": "partial_update_setting", "params": {"settings": {"config": {"streaming_mode": true}}}},
        ]);
        batch(&mut changed, &actions).expect("applied");
        let expected = json!({"schema": "2.0", "config": {"streaming_mode": true}, "body": {"elements": [
            {"tag": "hr", "element_id": "d"}, {"tag": "markdown", "element_id": "n", "content": "new"}]}});
        assert_eq!(changed, expected);
        assert!(is_streaming(&changed));
        for (bad, code) in [
            (json!([{"action": "x", "params": {}}]), codes::CARD_PARAM_INVALID),
            (json!([{"action": "delete_elements"}]), codes::CARD_PARAM_INVALID),
            (json!([{"action": "partial_update_setting", "params": {}}]), codes::CARD_SETTINGS_NOT_UPDATED),
        ] {
            assert_eq!(batch(&mut card(), &bad).expect_err("refused").code(), code, "{bad}");
        }
    }

    #[test]
    fn a_batch_is_bounded() {
        let code = |actions: &Value| batch(&mut card(), actions).expect_err("refused").code();
        let nothing =
            json!({"action": "partial_update_element", "params": {"element_id": "a", "partial_element": {}}});
        assert!(batch(&mut card(), &json!(vec![&nothing; ACTIONS_MAX])).is_ok());
        assert_eq!(code(&json!(vec![&nothing; ACTIONS_MAX + 1])), codes::CARD_PARAM_INVALID);
        let ids = vec!["a"; ACTIONS_MAX + 1];
        let deletion = json!([{"action": "delete_elements", "params": {"element_ids": ids}}]);
        assert_eq!(code(&deletion), codes::CARD_PARAM_INVALID);
    }

    #[test]
    fn actions_that_nest_further_are_refused_before_the_next_one() {
        let nested = |levels: usize, inside: Value| (0..levels).fold(inside, |inside, _| json!([inside]));
        let action = |at: usize| {
            let element = json!({"element_id": format!("e{}", at + 1)});
            let id = if at == 0 { "a".to_owned() } else { format!("e{at}") };
            json!({"action": "partial_update_element",
                   "params": {"element_id": id, "partial_element": {"x": nested(90, element)}}})
        };
        // The third action is refused with another code: it is not reached.
        let mut changed = card();
        let actions = json!([action(0), action(1), {"action": "x", "params": {}}]);
        let refused = batch(&mut changed, &actions).expect_err("refused");
        assert_eq!(refused.code(), codes::CARD_CONTENT_FAILED);
        assert!(depth(&changed) < 2 * 128);
    }

    #[test]
    fn a_template_is_not_nested_too_deeply() {
        let data = |levels: usize| {
            let value = (0..levels).fold(json!(1), |inside, _| json!([inside]));
            json!({"template_id": "AAqabc", "template_variable": {"x": value}}).to_string()
        };
        assert!(check(&template(&data(50)).expect("a template")).is_ok());
        let deep = template(&data(110)).expect("JSON");
        assert_eq!(check(&deep).expect_err("deep").code(), codes::CARD_CONTENT_FAILED);
    }
}
