use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::events::Form;
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, Fault, Spec, codes, post};
use larkspur_store::apps::Install;
use larkspur_store::events::history::{self, Made, Past};
use larkspur_store::{Root, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::between_apps::payload_for;
use crate::operations::CONTROL;
use crate::{support, values};

/// `POST /larkspur/v1/worlds/:tenant_key/events/:event_id/resend`
pub(crate) struct Resend;

/// The event to send again.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Path {
    /// The world's tenant.
    tenant_key: String,
    /// The ID of an event of the world.
    event_id: String,
}

/// How to send it again.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The app that gets it; by default the one whose ID of the event is in the path. An app that was not told gets it, too.
    app_id: Option<String>,
    /// Whether each copy gets a new event_id, as some duplicates of the platform do; false by default.
    #[schemars(extend("default" = false))]
    fresh_id: Option<bool>,
    /// The number of copies; 1 by default.
    #[schemars(range(min = 1, max = 100), extend("default" = 1))]
    times: Option<u8>,
}

/// The copies.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The event_id of each copy.
    event_ids: Vec<String>,
}

impl Operation for Resend {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.event.resend",
        summary: "Send an event again, whatever its state",
        route: post("/larkspur/v1/worlds/{tenant_key}/events/{event_id}/resend"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"times":2}"#,
        behaviours: &[Behaviour {
            name: "event_resent",
            rule: "Each copy is delivered like a separate event with the old create_time, and is listed in addition to the old one. Another app than that of the event_id gets it under a new event_id, with its own IDs of people and bots; its subscription, scopes and membership are not checked. Callbacks, challenges and events in the first envelope are about one app, and no other app gets them.",
            basis: Basis::Assumed,
            switch: false,
        }],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let (Path { tenant_key, event_id }, Body { app_id, fresh_id, times }) = (&input.path, &input.body);
        let (mut tx, _) = support::lock(root, call, tenant_key).await?;
        let to = match app_id {
            Some(id) => Some(support::app(&mut tx, "app_id", id).await?),
            None => None,
        };
        let mut past = find(&mut tx, to.as_ref(), event_id).await?;
        if past.payload.is_empty() {
            let why = "the payload of this event was not kept when the store was upgraded";
            return Err(values::invalid("event_id", Some(event_id), why));
        }
        // Each app knows the event under an ID of its own.
        let mut fresh = *fresh_id == Some(true);
        if let Some(to) = to.filter(|to| to.app_id != past.app_id) {
            if past.form != Form::V2 || past.sealed {
                let why = "only the app that received an event of this type gets it again";
                return Err(values::invalid("app_id", app_id.as_deref(), why));
            }
            past.payload = payload_for(&mut tx, &past, &to).await?;
            (past.app_id, past.developer, fresh) = (to.app_id, to.developer, true);
        }
        let made = Made {
            event_id: Some(event_id.as_str()).filter(|_| !fresh),
            app_id: past.app_id,
            developer: past.developer,
            event_type: &past.event_type,
            form: past.form,
            payload: &past.payload,
            sealed: past.sealed,
            created_at: past.created_at,
        };
        let mut event_ids = Vec::new();
        for _ in 0..times.unwrap_or(1) {
            event_ids.push(history::send(&mut tx, &made).await?);
        }
        Ok(Output { event_ids })
    }
}

/// The event with an ID: that of one app, if there is one, else that of any app.
async fn find(tx: &mut Tx, to: Option<&Install>, event_id: &str) -> Result<Past, Fault> {
    let own = match to {
        Some(to) => history::find(tx, Some(to.app_id), event_id).await?,
        None => None,
    };
    let found = match own {
        Some(own) => Some(own),
        None => history::find(tx, None, event_id).await?,
    };
    found.ok_or_else(|| support::not_found("event_id", event_id, "no event has this id"))
}
