//! Content that is an object and not a string: of custom bots and of batch messages.

use larkspur_contract::model::MsgType;
use serde_json::Value;

use super::{Body, Object, Parsed, RICH_MAX, files, post, text};

/// Why content of a custom bot or of a batch message is refused. Each interface has its own codes and texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// The type does not exist, or is not sent this way.
    Kind,
    /// `content` is a string, as in the operations on messages.
    Text,
    /// `content` is missing or does not have the form of its type.
    Content,
    /// `card` is missing or not a card.
    Card,
    /// The content is longer than [`RICH_MAX`] bytes.
    TooLong,
}

/// Reads the content of a custom bot's message: `content`, or `card` of an interactive one. Source: the guide to
/// custom bots.
///
/// # Errors
/// The first reason that applies.
pub fn webhook(kind: MsgType, content: &Value) -> Result<Parsed, Malformed> {
    let mut parsed = read(kind, content, post::Form::Hook)?;
    parsed.named = true;
    Ok(parsed)
}

/// Reads the content of a batch message: `content`, or `card` of an interactive one. Source: the page of batch messages.
///
/// # Errors
/// The first reason that applies.
pub fn batch(kind: MsgType, content: &Value) -> Result<Parsed, Malformed> {
    read(kind, content, post::Form::Batch)
}

fn read(kind: MsgType, content: &Value, form: post::Form) -> Result<Parsed, Malformed> {
    if kind == MsgType::Interactive {
        return card(content);
    }
    let object = match content {
        Value::Object(object) => Object::from(object),
        Value::String(_) => return Err(Malformed::Text),
        _ => return Err(Malformed::Content),
    };
    let body = body(kind, &object, form)?;
    if super::written(content).len() > RICH_MAX {
        return Err(Malformed::TooLong);
    }
    Ok(Parsed::of(kind, body))
}

fn body(kind: MsgType, object: &Object, form: post::Form) -> Result<Body, Malformed> {
    let body = match (kind, object.get("text"), object.get("post")) {
        (MsgType::Text, Some(Value::String(text)), _) if !text.is_empty() => {
            return Ok(Body::Text(text::Text::parse(text.clone(), false)));
        }
        (MsgType::Post, _, Some(Value::Object(languages))) => {
            post::Post::parse(&Object::from(languages), form).map(Body::Post)
        }
        (MsgType::Text | MsgType::Post, ..) => return Err(Malformed::Content),
        (MsgType::Image, ..) => files::Files::parse(kind, object).map(Body::File),
        (MsgType::ShareChat, ..) => files::key(kind, object, "share_chat_id").map(Body::Chat),
        _ => return Err(Malformed::Kind),
    };
    body.map_err(|_| Malformed::Content)
}

/// A card as an object, or as a string that contains one.
fn card(card: &Value) -> Result<Parsed, Malformed> {
    let text = match card {
        Value::Object(_) => super::written(card),
        Value::String(text) if serde_json::from_str::<Object>(text).is_ok() => text.clone(),
        _ => return Err(Malformed::Card),
    };
    if text.len() > RICH_MAX {
        return Err(Malformed::TooLong);
    }
    Ok(Parsed::of(MsgType::Interactive, Body::Card(text)))
}
