use larkspur_api::{Empty, Input, Operation, RootCall, rules};
use larkspur_contract::events::Form;
use larkspur_contract::fields::{Origin, Shape};
use larkspur_contract::nearest::did_you_mean;
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, EventType, Fault, Spec, codes, events, post};
use larkspur_store::Root;
use larkspur_store::events::history::{self, Made};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::operations::{CONTROL, WorldPath};
use crate::{support, values};

/// `POST /larkspur/v1/worlds/:tenant_key/events`
pub(crate) struct Send;

/// The event to send.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The app.
    app_id: String,
    /// The type of the event.
    #[serde(rename = "type")]
    kind: String,
    /// Its payload, without the envelope.
    event: Map<String, Value>,
    /// Whether to accept a type that Larkspur does not know and any payload; false by default.
    #[schemars(extend("default" = false))]
    raw: Option<bool>,
}

/// The event.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Its ID.
    event_id: String,
}

impl Operation for Send {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.event.send",
        summary: "Send an app a made-up event",
        route: post("/larkspur/v1/worlds/{tenant_key}/events"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"app_id":"{app_id}","type":"im.message.receive_v1","event":{"message":{"content":"{\"text\":\"hello\"}"}},"raw":true}"#,
        behaviours: &[Behaviour {
            name: "event_made_up",
            rule: "A made-up event is signed, encrypted and retried like a real one. Subscription, scopes and membership are not checked. It gets the envelope of its type; an unknown type gets the second envelope. Without `raw` its payload must have the required fields of its type, each of the right type; other fields are allowed.",
            basis: Basis::Assumed,
            switch: false,
        }],
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let body = &input.body;
        let (mut tx, now) = support::lock(root, call, &input.path.tenant_key).await?;
        let install = support::app(&mut tx, "app_id", &body.app_id).await?;
        let form = form(body)?;
        let payload = Value::Object(body.event.clone()).to_string();
        let made = Made {
            event_id: None,
            app_id: install.app_id,
            developer: install.developer,
            event_type: &body.kind,
            form,
            payload: &payload,
            sealed: events::named(&body.kind).is_some_and(|kind| kind.secret),
            created_at: now,
        };
        Ok(Output { event_id: history::send(&mut tx, &made).await? })
    }
}

/// The envelope of an event that fits its type.
fn form(body: &Body) -> Result<Form, Fault> {
    let known =
        events::named(&body.kind).filter(|kind| !matches!(kind.form, Form::Challenge | Form::Callback));
    if body.raw == Some(true) {
        if !rules::events::is_type_name(&body.kind) {
            return Err(values::invalid(
                "type",
                Some(&body.kind),
                "1 to 128 lower-case letters, digits, _ and .",
            ));
        }
        return Ok(known.map_or(Form::V2, |kind| kind.form));
    }
    let Some(kind) = known else {
        if events::named(&body.kind).is_some_and(|kind| kind.form == Form::Callback) {
            let why = "a callback: POST …/apps/{app_id}/callbacks sends it, and shows the answer";
            return Err(values::invalid("type", Some(&body.kind), why));
        }
        let near = did_you_mean(&body.kind, events::ALL.iter().map(|kind| kind.name));
        let why = format!("no event type has this name{near}; with raw it is sent anyway");
        return Err(values::invalid("type", Some(&body.kind), &why));
    };
    if kind.form == Form::V1 && body.event.get("type").and_then(Value::as_str) != Some(kind.name) {
        let why = format!("must have the field type with the value {}", kind.name);
        return Err(values::invalid("event", None, &why));
    }
    check(kind, &body.event)?;
    Ok(kind.form)
}

/// Checks a payload against the form of those that Larkspur makes. Other fields are allowed.
fn check(kind: &EventType, event: &Map<String, Value>) -> Result<(), Fault> {
    let Some(schema) = larkspur_api::events::shape(kind) else { return Ok(()) };
    let mut value = Value::Object(event.clone());
    let checked = Shape::compile(&schema).check(&mut value, Origin::Control, codes::CONTROL_PARAM_INVALID);
    let Err(wrong) = checked else { return Ok(()) };
    let each = wrong.violations().iter().map(|one| format!("{}: {}", one.field, one.description));
    let all = each.collect::<Vec<_>>().join("; ");
    Err(values::invalid("event", None, &format!("{all}; with raw it is sent anyway")))
}
