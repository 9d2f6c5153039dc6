use std::collections::HashSet;

use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, Fault, Spec, codes, events, get};
use larkspur_store::Root;
use larkspur_store::events::history;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::between_apps::said;
use super::not_sent::{self, Happened, NotSent};
use super::{Shown, Tries};
use crate::operations::CONTROL;
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key/events/:event_id`
pub(crate) struct Get;

/// An event of a world.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Path {
    /// The tenant.
    tenant_key: String,
    /// The event, as any of the apps received it.
    event_id: String,
}

/// What happened, for every app.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Its ID in the app that was asked for. Each app receives it under an ID of its own.
    event_id: String,
    /// Its type.
    event_type: String,
    /// When it happened, in milliseconds since 1970 by the world's clock.
    created_at_ms: i64,
    /// The chat that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_id: Option<String>,
    /// The apps that it was sent to, the one that was asked for first.
    deliveries: Vec<Shown>,
    /// The other apps of the world, and why they were not told, as far as their settings are still the same.
    not_sent: Vec<NotSent>,
}

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.event.get",
        summary: "Show an event with its deliveries to all apps, and the apps that did not receive it",
        route: get("/larkspur/v1/worlds/{tenant_key}/events/{event_id}"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_NOT_FOUND],
        example: "",
        behaviours: &[Behaviour {
            name: "event_of_several_apps",
            rule: "Deliveries of one event are those of the same type and time that say the same, among the 100 before and the 100 after it. Each app has its own IDs of people and bots, so these are compared by whom they name. Two events that say the same at the same time are shown as one.",
            basis: Basis::Assumed,
            switch: false,
        }],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let Path { tenant_key, event_id } = &input.path;
        let (mut tx, now) = support::open(root, call, tenant_key).await?;
        let found = history::find(&mut tx, None, event_id).await?;
        let past = found.ok_or_else(|| support::not_found("event_id", event_id, "no event has this id"))?;
        let payload: Value = serde_json::from_str(&past.payload).unwrap_or_default();
        let chat_id = chat(&payload).map(str::to_owned);
        let (event_type, created_at_ms) = (past.event_type.clone(), past.created_at);
        let mut all = history::around(&mut tx, past.number).await?;
        let reader = past.app_id;
        let same = said(&tx.engine().keys, &past);
        all.retain(|other| {
            other.app_id != past.app_id
                && other.event_type == past.event_type
                && other.created_at == past.created_at
                && said(&tx.engine().keys, other) == same
        });
        all.insert(0, past);
        let told: HashSet<_> = all.iter().map(|one| one.app_id).collect();
        let known = events::named(&event_type).is_some();
        let not_sent = match known {
            true => {
                // A chat that was deleted says nothing more.
                let here = match &chat_id {
                    Some(id) => support::chat(&mut tx, id).await.is_ok(),
                    None => false,
                };
                let chat_id = chat_id.as_deref().filter(|_| here);
                let payload = Some((&payload, reader));
                not_sent::of(&mut tx, &Happened { kind: &event_type, chat_id, payload, told }).await?
            }
            false => Vec::new(),
        };
        let tries = Tries::of(root, call, (tx.tenant(), now), &all).await?;
        Ok(Output {
            event_id: event_id.clone(),
            event_type,
            created_at_ms,
            chat_id,
            deliveries: all.into_iter().map(|past| tries.show(past)).collect(),
            not_sent,
        })
    }
}

/// The chat that a payload names.
fn chat(payload: &Value) -> Option<&str> {
    let places = [&payload["message"]["chat_id"], &payload["chat_id"], &payload["context"]["open_chat_id"]];
    places.into_iter().find_map(Value::as_str)
}
