//! The OpenAPI 3.1 document.

use larkspur_api::{Entry, Schemas};
use larkspur_contract::{Access, Consumes, Reply, Spec, Tokens, codes};
use serde_json::{Map, Value, json};

use crate::gateway::reply::{EVENTS, JSON};

/// The document, as JSON; the same registry gives the same text.
pub fn document(registry: &[&[Entry]]) -> String {
    let mut paths: Map<String, Value> = Map::new();
    for entry in registry.iter().copied().flatten() {
        let route = entry.spec.route;
        let methods = paths.entry(route.path).or_insert_with(|| json!({}));
        methods[route.method.name().to_ascii_lowercase()] = operation(entry);
    }
    let mut schemas = Map::new();
    paths.values_mut().for_each(|path| share(path, &mut schemas));
    schemas.insert("Failure".to_owned(), failure());
    schemas.insert("OAuthFailure".to_owned(), oauth_failure());
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Larkspur",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "The Feishu/Lark group API as a server that you run yourself",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "tenant_access_token": {"type": "http", "scheme": "bearer", "description": "t-…"},
                "user_access_token": {"type": "http", "scheme": "bearer", "description": "u-… or eyJ…"},
                "app_access_token": {"type": "http", "scheme": "bearer", "description": "a-…, of an ISV app"},
                "control_key": {"type": "http", "scheme": "bearer", "description": "Printed at start"},
            },
            "schemas": schemas,
        },
    });
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

/// The mark of schemas that many operations use: their name. They are written once, and referred to.
const NAME: &str = "x-name";

/// Moves the named schemas in a value to `shared`. Those of requests and of answers may differ; the second one gets a number.
fn share(value: &mut Value, shared: &mut Map<String, Value>) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|one| share(one, shared)),
        Value::Object(map) => {
            map.values_mut().for_each(|one| share(one, shared));
            let Some(Value::String(name)) = map.remove(NAME) else { return };
            let description = map.remove("description");
            let schema = Value::Object(std::mem::take(map));
            let names = std::iter::once(name.clone()).chain((2..).map(|number| format!("{name}{number}")));
            let free = |name: &String| shared.get(name).is_none_or(|known| *known == schema);
            let Some(name) = names.into_iter().find(free) else { return };
            map.insert("$ref".to_owned(), format!("#/components/schemas/{name}").into());
            map.extend(description.map(|text| ("description".to_owned(), text)));
            shared.insert(name, schema);
        }
        _ => {}
    }
}

fn operation(entry: &Entry) -> Value {
    let spec = entry.spec;
    let mut schemas = entry.schemas();
    for schema in [&mut schemas.path, &mut schemas.query, &mut schemas.body, &mut schemas.output] {
        told_of_the_wire(schema);
    }
    let mut out = json!({
        "operationId": spec.id,
        "summary": spec.summary,
        "tags": [spec.id.rsplit_once('.').map_or(spec.id, |(front, _)| front)],
        "security": security(spec),
        "parameters": parameters(&schemas),
        "responses": responses(spec, &schemas),
        "x-larkspur-scopes": spec.access.scopes(),
        "x-larkspur-rate": spec.rate.name,
        "x-larkspur-codes": spec.codes.iter().map(|code| json!({"code": code.number, "status": code.status, "msg": code.text})).collect::<Vec<_>>(),
    });
    if !spec.example.is_empty() {
        out["x-larkspur-example"] = spec.example.into();
    }
    if let Some(body) = body(spec, &schemas) {
        out["requestBody"] = body;
    }
    out
}

/// Removes from a schema what describes the code and not the wire: names of types, and formats that are names of types.
fn told_of_the_wire(schema: &mut Value) {
    let Value::Object(members) = schema else { return };
    if members.get("title").is_some_and(Value::is_string) {
        members.remove("title");
    }
    let known = ["int32", "int64", "float", "double"];
    if members.get("format").and_then(Value::as_str).is_some_and(|format| !known.contains(&format)) {
        members.remove("format");
    }
    if let Some(Value::String(text)) = members.get_mut("description") {
        // Source line breaks are not part of the text.
        *text = text.replace('\n', " ");
    }
    equal_items(members);
    for (name, member) in members {
        match (name.as_str(), member) {
            // Their keys are names on the wire, `title` among them.
            ("properties" | "$defs", Value::Object(fields)) => fields.values_mut().for_each(told_of_the_wire),
            ("oneOf" | "anyOf" | "allOf" | "prefixItems", Value::Array(all)) => {
                all.iter_mut().for_each(told_of_the_wire);
            }
            ("items" | "additionalProperties" | "not", inner) => told_of_the_wire(inner),
            _ => {}
        }
    }
}

/// Writes a tuple of equal types as an array of that length, which tools without `prefixItems` can read, too.
fn equal_items(schema: &mut Map<String, Value>) {
    let Some(Value::Array(kinds)) = schema.get("prefixItems") else { return };
    let [first, rest @ ..] = kinds.as_slice() else { return };
    if rest.iter().all(|kind| kind == first) {
        let items = first.clone();
        schema.remove("prefixItems");
        schema.insert("items".to_owned(), items);
    }
}

fn security(spec: &Spec) -> Value {
    match spec.access {
        Access::Open => json!([]),
        Access::Control => json!([{"control_key": []}]),
        Access::App => json!([{"app_access_token": []}, {"tenant_access_token": []}]),
        Access::AppOrBody => json!([{"app_access_token": []}, {"tenant_access_token": []}, {}]),
        Access::Token { tokens: Tokens::Tenant, .. } => json!([{"tenant_access_token": []}]),
        Access::Token { tokens: Tokens::User, .. } => json!([{"user_access_token": []}]),
        Access::Token { tokens: Tokens::TenantOrUser, .. } => {
            json!([{"tenant_access_token": []}, {"user_access_token": []}])
        }
    }
}

fn parameters(schemas: &Schemas) -> Vec<Value> {
    let mut out = Vec::new();
    for (place, schema) in [("path", &schemas.path), ("query", &schemas.query)] {
        let required: Vec<&str> = schema["required"]
            .as_array()
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            let mut schema = schema.clone();
            never_null(&mut schema);
            let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            let mut parameter = json!({
                "name": name,
                "in": place,
                "required": place == "path" || required.contains(&name.as_str()),
                "schema": schema,
            });
            if let Some(description) = description {
                parameter["description"] = description;
            }
            out.push(parameter);
        }
    }
    out
}

/// An optional parameter is absent, never null.
fn never_null(schema: &mut Value) {
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [one] = kinds.as_slice() {
            schema["type"] = one.clone();
        }
    }
    let choices = schema.get("anyOf").and_then(Value::as_array);
    let other = choices.and_then(|choices| choices.iter().find(|choice| choice["type"] != "null")).cloned();
    if let (Some(Value::Object(other)), Some(schema)) = (other, schema.as_object_mut()) {
        schema.remove("anyOf");
        schema.extend(other);
    }
}

fn body(spec: &Spec, schemas: &Schemas) -> Option<Value> {
    let mut schema = schemas.body.clone();
    let kind = match spec.consumes {
        Consumes::Nothing => return None,
        Consumes::Json | Consumes::Form | Consumes::Raw => "application/json",
        Consumes::Multipart { file, .. } => {
            schema["properties"][file] = json!({"type": "string", "format": "binary"});
            "multipart/form-data"
        }
    };
    let required = schema["required"].as_array().is_some_and(|names| !names.is_empty());
    let mut media = json!({"schema": schema});
    if let Ok(example @ Value::Object(_)) = serde_json::from_str(spec.example) {
        media["example"] = example;
    }
    let mut content = json!({kind: media});
    if spec.consumes == Consumes::Form {
        content["application/x-www-form-urlencoded"] = json!({"schema": media["schema"]});
    }
    Some(json!({"required": required, "content": content}))
}

/// What the URL of a custom bot answers: in both shapes at once if it succeeds.
fn hook_answer() -> Value {
    json!({
        "type": "object",
        "required": ["code", "data", "msg"],
        "properties": {
            "StatusCode": {"const": 0, "description": "Only in a success."},
            "StatusMessage": {"type": "string", "description": "Only in a success."},
            "code": {"type": "integer"},
            "data": {"type": "object"},
            "msg": {"type": "string"},
        },
    })
}

fn responses(spec: &Spec, schemas: &Schemas) -> Value {
    let success = match spec.reply {
        Reply::Bytes => json!({"*/*": {"schema": {"type": "string", "format": "binary"}}}),
        Reply::Events => json!({EVENTS: {}}),
        Reply::Data(msg) => {
            let data = json!({
                "type": "object",
                "required": ["code", "msg", "data"],
                "properties": {"code": {"const": 0}, "msg": {"const": msg}, "data": schemas.output},
            });
            // The historic operations answer failures with HTTP 200, too.
            let declines = spec.is_for_apps() || spec.codes.iter().any(|code| code.status == 200);
            let failure = json!({"$ref": "#/components/schemas/Failure"});
            json!({JSON: {"schema": if declines { json!({"oneOf": [data, failure]}) } else { data }}})
        }
        Reply::Page => json!({"text/html": {"schema": {"type": "string"}}}),
        Reply::Hook => json!({JSON: {"schema": hook_answer()}}),
        Reply::OAuth => {
            let mut properties = schemas.output["properties"].clone();
            properties["code"] = json!({"type": "integer"});
            json!({JSON: {"schema": {"type": "object", "required": ["code"], "properties": properties}}})
        }
        // Some of these operations answer failures with HTTP 200, too.
        Reply::FlatAuth(_) | Reply::Flat(_) => {
            let mut properties = schemas.output["properties"].clone();
            properties["code"] = json!({"type": "integer"});
            properties["msg"] = json!({"type": "string"});
            json!({JSON: {"schema": {"type": "object", "required": ["code", "msg"], "properties": properties}}})
        }
    };
    let mut all = Map::new();
    let refusal = match spec.reply {
        Reply::Page => json!({"text/html": {"schema": {"type": "string"}}}),
        Reply::OAuth => json!({JSON: {"schema": {"$ref": "#/components/schemas/OAuthFailure"}}}),
        _ => json!({JSON: {"schema": {"$ref": "#/components/schemas/Failure"}}}),
    };
    let mut add = |status: u16, description: &str| {
        all.insert(status.to_string(), json!({"description": description, "content": refusal}));
    };
    let gateway: &[_] = if matches!(spec.access, Access::Token { .. }) {
        codes::GATEWAY
    } else {
        &[codes::BAD_REQUEST, codes::BODY_TOO_LARGE, codes::INTERNAL, codes::UNAVAILABLE]
    };
    let is_control = matches!(spec.access, Access::Control);
    let control: &[_] = if is_control { codes::CONTROL_GATEWAY } else { &[] };
    let named = (is_control || spec.reply == Reply::Page).then_some(codes::HOST_UNKNOWN);
    let limited = (!spec.rate.windows.is_empty()).then_some(codes::RATE_LIMITED);
    let listed =
        spec.codes.iter().chain([&spec.invalid]).chain(gateway).chain(control).chain(&named).chain(&limited);
    for status in listed.map(|code| code.status).filter(|status| *status != 200) {
        add(status, "A refusal: see its code");
    }
    if spec.route.path.contains('{') {
        let text = json!({"description": "No such route", "content": {"text/plain": {"schema": {"type": "string"}}}});
        all.entry("404").or_insert(text);
    }
    if spec.reply == Reply::Page {
        all.insert("302".to_owned(), json!({"description": "Elsewhere: see Location"}));
    }
    all.insert("200".to_owned(), json!({"description": "Success", "content": success}));
    Value::Object(all)
}

fn oauth_failure() -> Value {
    json!({
        "type": "object",
        "required": ["code", "error", "error_description"],
        "properties": {
            "code": {"type": "integer"},
            "error": {"type": "string"},
            "error_description": {"type": "string"},
        },
    })
}

fn failure() -> Value {
    json!({
        "type": "object",
        "required": ["code", "msg"],
        "properties": {
            "code": {"type": "integer", "not": {"const": 0}},
            "msg": {"type": "string"},
            "error": {
                "type": "object",
                "properties": {
                    "message": {"type": "string"},
                    "log_id": {"type": "string"},
                    "troubleshooter": {"type": "string"},
                    "permission_violations": {"type": "array", "items": {"type": "object", "properties": {"type": {"type": "string"}, "subject": {"type": "string"}}}},
                    "field_violations": {"type": "array", "items": {"type": "object", "properties": {"field": {"type": "string"}, "value": {"type": "string"}, "description": {"type": "string"}}}},
                    "helps": {"type": "array", "items": {"type": "object", "properties": {"url": {"type": "string"}, "description": {"type": "string"}}}},
                },
            },
        },
    })
}
