use larkspur_api::events::url_verification::UrlVerification;
use larkspur_api::events::{Recipient, tell};
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::model::AppKind;
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, Fault, Spec, codes, events, put};
use larkspur_store::events::subscriptions::{self, Channel, Subscription};
use larkspur_store::events::{TICKET_EVERY_MS, claims};
use larkspur_store::{Keys, Root};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Shown, made_here, shown};
use crate::operations::CONTROL;
use crate::operations::app::Path;
use crate::support;

/// Why events that wait are dropped.
const SET_ANEW: &str = "the request address was set anew";
const TAKEN_AWAY: &str = "the request address was taken away";

/// `PUT /larkspur/v1/worlds/:tenant_key/apps/:app_id/events`
pub(crate) struct Put;

/// Where the app receives events from now on.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// An absolute http or https address, which is asked to send a challenge back; empty for none.
    #[schemars(length(max = 2048), extend("format" = "request-url"))]
    request_url: String,
    /// What to encrypt and sign events with; none by default.
    #[schemars(length(min = 1, max = 256))]
    encrypt_key: Option<String>,
}

impl Operation for Put {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.events.put",
        summary: "Set where an app receives events",
        route: put("/larkspur/v1/worlds/{tenant_key}/apps/{app_id}/events"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[&events::URL_VERIFICATION],
        example: r#"{"request_url":"http://127.0.0.1:9000/events","encrypt_key":"a key of your own"}"#,
        behaviours: &[
            Behaviour {
                name: "url_verification",
                rule: "The address is asked once, right after the answer to this call; it has a second to send the challenge back with HTTP 200.",
                basis: Basis::Documented,
                switch: false,
            },
            Behaviour {
                name: "event_retries",
                rule: "An event that is not answered with HTTP 200 in 3 seconds (2 to connect) is sent again after 15 s, 5 min, 1 h and 6 h by the world's clock, with the same uuid, then dropped.",
                basis: Basis::Documented,
                switch: false,
            },
            Behaviour {
                name: "event_signature_time",
                rule: "X-Lark-Request-Timestamp is the real time in seconds, whatever the world's clock says; requests for verification are not signed.",
                basis: Basis::Assumed,
                switch: false,
            },
            Behaviour {
                name: "event_backlog",
                rule: "Of the events of an app in a world the newest 10,000 are kept, for three days; an older one is dropped even if it waits.",
                basis: Basis::Assumed,
                switch: false,
            },
        ],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let url = &input.body.request_url;
        let (mut tx, now) = support::lock(root, call, &input.path.tenant_key).await?;
        let install = made_here(&mut tx, &input.path.app_id).await?;
        let (app_id, offset_ms) = (install.app_id, now - call.now);
        let why = if url.is_empty() { TAKEN_AWAY } else { SET_ANEW };
        claims::drop_everywhere(root, app_id, why).await?;
        if url.is_empty() {
            subscriptions::remove(&mut tx, app_id).await?;
            subscriptions::announce(root, app_id).await?;
            return shown(&mut tx, app_id, offset_ms).await;
        }
        let before = subscriptions::get(&mut tx, app_id).await?;
        let (callbacks, verification_token) = match before {
            Some(before) => (before.callbacks, before.verification_token),
            None => (Channel::webhook(String::new()), None),
        };
        let subscription = Subscription {
            events: Channel::webhook(url.clone()),
            callbacks,
            encrypt_key: input.body.encrypt_key.clone(),
            verification_token,
            ticket_at: (install.kind == AppKind::Isv).then_some(call.now + TICKET_EVERY_MS),
        };
        subscriptions::set(&mut tx, app_id, &subscription).await?;
        subscriptions::announce(root, app_id).await?;
        let recipient = Recipient::of_maker(app_id, install.developer, &call.engine.keys);
        let question = UrlVerification { challenge: Keys::fresh_secret() };
        tell(&mut tx, &question, &recipient, now).await?;
        shown(&mut tx, app_id, offset_ms).await
    }
}
