//! Cards: what `content` of an interactive message may be, and how readers see it.
//!
//! Work is linear in the length of the content. The depth is bounded by the JSON reader, at 128.

pub mod entity;
mod flat;
mod raw;
pub mod render;
mod walk;

use larkspur_contract::Basis::{Assumed, Documented};
use larkspur_contract::codes::CardReason;
use larkspur_contract::{Behaviour, Fault, codes};
use serde_json::{Map, Value};

use walk::{Place, is_interactive, places, word};

/// The most bytes of the content of a card message, and of a card that replaces it. Source: the create page, 30 KB.
pub const CONTENT_MAX: usize = 30 * 1024;
/// The most elements of a card of schema 2.0: objects with a `tag`, at any depth. Source: the page on cards.
pub const ELEMENTS_MAX: usize = 200;
/// The most tables of a card. Source: the page on the table element.
pub const TABLES_MAX: usize = 5;

/// The version of a card's JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// 1.0: no `schema`, elements at the top.
    V1,
    /// 2.0: `"schema":"2.0"`, elements in `body`.
    V2,
}

/// The content of an interactive message.
#[derive(Debug, Clone, PartialEq)]
pub enum Card {
    /// A card's own JSON.
    Own {
        /// Its version.
        schema: Schema,
        /// The JSON, an object.
        json: Value,
    },
    /// A released template, filled with variables.
    Template {
        /// Its id.
        id: String,
        /// The version; `None` for the latest.
        version: Option<String>,
        /// The variables.
        variables: Map<String, Value>,
    },
    /// An entity of the card kit: its card_id.
    Entity(String),
}

impl Card {
    /// Whether all readers see the same card: schema 2.0, `config.update_multi`, and what is not JSON of its own.
    pub fn is_shared(&self) -> bool {
        match self {
            Card::Own { schema: Schema::V1, json } => json["config"]["update_multi"].as_bool() == Some(true),
            _ => true,
        }
    }

    /// The keys of the images in it, in their order. A key may be repeated.
    pub fn image_keys(&self) -> Vec<&str> {
        let mut keys = Vec::new();
        if let Card::Own { json, .. } = self {
            walk::images(json, &mut keys);
        }
        keys
    }

    /// The open_ids of the people whom it shows or mentions, in their order. An id may be repeated.
    pub fn people(&self) -> Vec<&str> {
        let mut ids = Vec::new();
        if let Card::Own { json, .. } = self {
            walk::people(json, &mut ids);
        }
        ids
    }
}

/// How a reader asks for a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardForm {
    /// The simplified form: title and rows of nodes.
    Default,
    /// The JSON as it was sent (`user_card_content`).
    User,
    /// The platform's internal tree (`raw_card_content`).
    Raw,
}

/// Checks the content of an interactive message. Refusals: 230025 above [`CONTENT_MAX`], otherwise 230099.
pub fn check(content: &str) -> Result<Card, Fault> {
    if content.len() > CONTENT_MAX {
        let note = format!("the card has {} bytes", content.len());
        return Err(Fault::new(codes::MESSAGE_TOO_LONG, note));
    }
    let value = serde_json::from_str(content);
    of(value
        .map_err(|error| refused(CardReason::UNREADABLE, None, format!("the card is not JSON: {error}")))?)
}

/// The same for a card that was sent as an object. The caller checks its length.
pub fn of(value: Value) -> Result<Card, Fault> {
    let Value::Object(map) = &value else {
        return Err(unreadable("a card is a JSON object"));
    };
    match word(map, "type") {
        "template" => template(map.get("data")),
        "card" => entity(map.get("data")),
        _ => own(value),
    }
}

fn template(data: Option<&Value>) -> Result<Card, Fault> {
    let Some(Value::Object(data)) = data else {
        return Err(unreadable("the data of a template is an object"));
    };
    let id = word(data, "template_id");
    if !is_template_id(id) {
        let value = format!("templateID: {id}");
        return Err(refused(CardReason::TEMPLATE_UNKNOWN, Some(&value), "the id is not one of a template"));
    }
    let variables = match data.get("template_variable") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(variables)) => variables.clone(),
        Some(_) => return Err(unreadable("template_variable is an object")),
    };
    let version = Some(word(data, "template_version_name").to_owned()).filter(|name| !name.is_empty());
    Ok(Card::Template { id: id.to_owned(), version, variables })
}

/// Whether an id has the form of the platform's template ids.
fn is_template_id(id: &str) -> bool {
    let rest = id.strip_prefix("AAq").or_else(|| id.strip_prefix("ctp_"));
    rest.is_some_and(|rest| (1..=64).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn entity(data: Option<&Value>) -> Result<Card, Fault> {
    match data.and_then(|data| data.get("card_id")) {
        Some(Value::String(id)) if !id.is_empty() => Ok(Card::Entity(id.clone())),
        _ => Err(entity_invalid("the data of a card has no card_id")),
    }
}

fn own(json: Value) -> Result<Card, Fault> {
    let schema = schema_of(&json).ok_or_else(|| unreadable("schema is neither 1.0 nor 2.0"))?;
    walk::check(&json, schema)?;
    Ok(Card::Own { schema, json })
}

/// The version of a card's JSON; `None` if it is not one of the two.
pub fn schema_of(json: &Value) -> Option<Schema> {
    match json.get("schema") {
        None | Some(Value::Null) => Some(Schema::V1),
        Some(Value::String(text)) if text == "1.0" => Some(Schema::V1),
        Some(Value::String(text)) if text == "2.0" => Some(Schema::V2),
        Some(_) => None,
    }
}

/// Whether each reader of a stored card has their own: a card of schema 1.0 without `config.update_multi`.
pub fn is_personal(content: &str) -> bool {
    let read = || of(serde_json::from_str(content).ok()?).ok();
    read().is_some_and(|card| !card.is_shared())
}

/// The content of a stored card as a reader asks for it. Content that is not a card's is returned unchanged.
pub fn shown(content: &str, form: CardForm) -> String {
    let read = |show: fn(&Value) -> Value| {
        serde_json::from_str(content).map_or_else(|_| content.to_owned(), |card| show(&card).to_string())
    };
    match form {
        CardForm::User => content.to_owned(),
        CardForm::Default => read(flat::flat),
        CardForm::Raw => read(raw::raw),
    }
}

/// The refusal of a card: 230099 with a reason, and with the value that it is about.
pub fn refused(
    reason: CardReason,
    value: Option<&str>,
    note: impl Into<std::borrow::Cow<'static, str>>,
) -> Fault {
    Fault::new(codes::CARD_NOT_CREATED, note).with_text(codes::card_text(reason, value))
}

/// The refusal of an image key that does not exist.
pub fn image_invalid(key: &str) -> Fault {
    let value = format!("image key {key}");
    refused(CardReason::IMAGE_INVALID, Some(&value), "the card shows an image that does not exist")
}

/// The refusal of a person whom the app does not know.
pub fn person_invalid() -> Fault {
    refused(CardReason::PERSON_INVALID, None, "the card names a person whom the app does not know")
}

/// The refusal of a card_id that cannot be sent.
pub fn entity_invalid(note: &'static str) -> Fault {
    refused(CardReason::ENTITY_INVALID, None, note)
}

fn unreadable(note: &'static str) -> Fault {
    refused(CardReason::UNREADABLE, None, note)
}

/// What is checked of elements. Operations that take cards name it in their specs.
pub const UNKNOWN_ELEMENTS: Behaviour = Behaviour {
    name: "card_unknown_elements",
    rule: "Every element needs a tag; elements and properties that Larkspur does not know are accepted and kept. Schema 2.0 refuses the tags action and note with 200861. Otherwise only lists of elements, chart specifications and table rows are checked, whose names have to be those of columns (200915), and the open_ids (ou_…) of people and of mentions in cards that apps send or replace by PATCH: one that the app does not know is 100290.",
    basis: Assumed,
    switch: false,
};
/// What counts against the limits of a card.
pub const LIMITS: Behaviour = Behaviour {
    name: "card_limits",
    rule: "A card of schema 2.0 has at most 200 objects with a tag in its body, at any depth and outside of callback values; any card has at most 5 tables. More is 11310.",
    basis: Documented,
    switch: false,
};
/// Which templates exist.
pub const TEMPLATES: Behaviour = Behaviour {
    name: "card_templates",
    rule: "Templates are made in the platform's editor, which is not served. An id of the platform's form (AAq… or ctp_…) counts as released, any other one is 200380; variables are not compared with the template. Readers see the text for old clients.",
    basis: Assumed,
    switch: false,
};
/// How readers see cards.
pub const SHOWN: Behaviour = Behaviour {
    name: "card_forms",
    rule: "Cards are read in the simplified form: title and rows of nodes for schema 1.0, the text for old clients for schema 2.0. user_card_content returns the JSON as it was sent, raw_card_content the internal tree, in which the fields of each element are under property; json_attachment has the names of people whom it names by open_id.",
    basis: Documented,
    switch: false,
};

#[cfg(test)]
mod tests;
