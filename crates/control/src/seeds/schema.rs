//! The JSON Schema of a seed, for editors.

use larkspur_api::{Entry, entry};
use serde_json::{Map, Value, json};

use super::objects::{Callbacks, Events, TagDraft};
use crate::faults::Given;
use crate::operations::{app, chat, document, user, world};

/// The JSON Schema of a seed. It is for the help of editors: what a seed may refer to is known only when it is loaded.
pub fn schema() -> Value {
    let name = json!({"type": "string", "description": "A name of this seed"});
    let names = json!({"type": "array", "items": name});
    let secret = json!({"type": "string", "pattern": "^from-env [A-Za-z_][A-Za-z0-9_]*$",
        "description": "from-env NAME: the value of this variable"});
    let users = with(body(&entry::<user::create::Create>()), &["user_id"], json!({}));
    let apps = with(
        body(&entry::<app::create::Create>()),
        &["app_id"],
        json!({"secret": secret, "events": part::<Events>(), "callbacks": part::<Callbacks>(), "visible_to": names}),
    );
    let permission = json!({"enum": ["view", "edit", "full_access"]});
    let documents = with(
        body(&entry::<document::create::Create>()),
        &["token"],
        json!({"owner": name, "share": {"type": "object", "additionalProperties": permission}}),
    );
    let card = json!({"type": ["object", "string"], "description": "A card, or the name of a file with one"});
    let message = closed(
        &json!({"as": name, "text": {"type": "string"}, "card": card, "content": {}, "msg_type": {"type": "string"}}),
    );
    let tab = closed(
        &json!({"name": {"type": "string"}, "url": {"type": "string"}, "document": name, "type": {"type": "string"}}),
    );
    let chats = with(
        body(&entry::<chat::create::Create>()),
        &[],
        json!({
            "owner": name, "managers": names, "members": names, "tags": names, "creator_app": name,
            "announcement": {"type": "string"},
            "tabs": {"type": "array", "items": tab},
            "messages": {"type": "array", "items": message},
        }),
    );
    let world = closed(&json!({
        "name": {"type": "string"},
        "clock": {"type": ["string", "integer"], "description": "The time of a new world"},
        "settings": body(&entry::<world::settings::put::Put>()),
    }));
    let by_name = |schema: Value| json!({"type": "object", "additionalProperties": schema});
    let mut whole = closed(&json!({
        "larkspur": {"const": 1},
        "world": world,
        "apps": by_name(apps),
        "users": by_name(users),
        "tags": by_name(part::<TagDraft>()),
        "documents": by_name(documents),
        "chats": by_name(chats),
        "faults": {"type": "array", "items": part::<Given>()},
    }));
    whole["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    whole["title"] = "A seed of a Larkspur world".into();
    whole["required"] = json!(["larkspur"]);
    whole
}

fn body(entry: &Entry) -> Value {
    entry.schemas().body
}

fn part<T: schemars::JsonSchema>() -> Value {
    larkspur_api::closed_schema::<T>()
}

fn closed(properties: &Value) -> Value {
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

/// A schema without some properties, and with others.
fn with(mut schema: Value, without: &[&str], others: Value) -> Value {
    let mut nothing = Map::new();
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut).unwrap_or(&mut nothing);
    properties.retain(|name, _| !without.contains(&name.as_str()));
    if let Value::Object(others) = others {
        properties.extend(others);
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_every_part_and_is_closed() {
        let schema = schema();
        for part in super::super::world::PARTS {
            assert!(schema["properties"].get(part).is_some(), "{part}");
        }
        assert_eq!(schema["additionalProperties"], false);
        let user = &schema["properties"]["users"]["additionalProperties"];
        assert!(user["properties"].get("user_id").is_none() && user["properties"].get("name").is_some());
        assert_eq!(user["additionalProperties"], false);
        let app = &schema["properties"]["apps"]["additionalProperties"]["properties"];
        assert!(app["events"]["properties"].get("way").is_some(), "{app}");
    }
}
