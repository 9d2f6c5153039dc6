use larkspur_api::callbacks::{self, Cause};
use larkspur_api::{Called, Empty, Input, Operation, RootCall};
use larkspur_contract::model::SubscriptionMode;
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, EventType, Fault, Spec, codes, events, post};
use larkspur_store::Root;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Path;
use crate::operations::CONTROL;
use crate::support;

/// `POST /larkspur/v1/worlds/:tenant_key/apps/:app_id/callbacks`
pub(crate) struct Send;

/// The callback to send.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The type of the callback.
    #[serde(rename = "type")]
    kind: Kind,
    /// Its payload, without the envelope.
    event: Map<String, Value>,
}

/// A type of callback.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
enum Kind {
    /// A user used a component of a card.
    #[serde(rename = "card.action.trigger")]
    CardAction,
    /// A user sees a link whose preview the app makes.
    #[serde(rename = "url.preview.get")]
    UrlPreview,
}

impl Kind {
    const fn event_type(self) -> &'static EventType {
        match self {
            Kind::CardAction => &events::CARD_ACTION,
            Kind::UrlPreview => &events::URL_PREVIEW,
        }
    }
}

/// The result of a callback.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Its ID.
    event_id: String,
    /// How it was sent; absent if the app has no way to receive it.
    #[serde(skip_serializing_if = "Option::is_none")]
    way: Option<SubscriptionMode>,
    /// How long it took, in milliseconds.
    ms: u64,
    /// The HTTP status of the answer, or the code of the acknowledgment, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// What the app answered; absent if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Value>,
    /// The code that the user's client shows; absent if it did not fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u32>,
    /// What the code means.
    #[serde(skip_serializing_if = "Option::is_none")]
    meaning: Option<&'static str>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

impl From<Called> for Output {
    fn from(called: Called) -> Self {
        let code = called.failure.as_ref().map(|(code, _)| *code);
        Output {
            event_id: called.event_id,
            way: called.way.map(Into::into),
            ms: called.took_ms,
            status: called.status,
            answer: called.answer,
            code: code.map(|code| code.number),
            meaning: code.map(|code| code.text),
            failure: called.failure.map(|(_, why)| why),
        }
    }
}

impl Operation for Send {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.callback",
        summary: "Send an app a made-up callback, and show its answer",
        route: post("/larkspur/v1/worlds/{tenant_key}/apps/{app_id}/callbacks"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[&events::CARD_ACTION, &events::URL_PREVIEW],
        example: r#"{"type":"card.action.trigger","event":{"action":{"tag":"button","value":{"op":"approve"}}}}"#,
        behaviours: &[ONCE, SHOWN, EMPTY, ONLINE],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let (mut tx, now) = support::lock(root, call, &input.path.tenant_key).await?;
        let app = support::app(&mut tx, "app_id", &input.path.app_id).await?;
        let payload = Value::Object(input.body.event.clone()).to_string();
        let cause = Cause { kind: input.body.kind.event_type(), payload, now };
        callbacks::send(&mut tx, &input.asking, &app, cause).await.map(Into::into)
    }
}

const ONCE: Behaviour = Behaviour {
    name: "callback_once",
    rule: "A callback is sent during the call that causes it, by the way that the app has set for callbacks, and never again. The app has 3 s, of which connecting may take 2 s. On a webhook it is encrypted and signed like an event. create_time has microseconds.",
    basis: Basis::Documented,
    switch: false,
};
const SHOWN: Behaviour = Behaviour {
    name: "callback_codes",
    rule: "The client of the user shows 200340 if the app has no URL or did not subscribe, 200341 if the answer is late or the connection closes, 200342 if there is no connection, 200343 if the host is not found, 200671 for any status or code but 200, 200672 if the answer is not a JSON object with a known toast, 200673 if its card has no type and data.",
    basis: Basis::Documented,
    switch: false,
};
const EMPTY: Behaviour = Behaviour {
    name: "callback_empty_answer",
    rule: "An empty body with HTTP 200 is accepted like {}, and so is an acknowledgment without data.",
    basis: Basis::Assumed,
    switch: false,
};
const ONLINE: Behaviour = Behaviour {
    name: "callback_other_server",
    rule: "An app that is connected to another server than the one that the call reaches gets the callback there, up to 0.3 s later; the same for its answer. The app still has 3 s.",
    basis: Basis::Assumed,
    switch: false,
};
