use std::collections::HashSet;

use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::Root;
use larkspur_store::events::history;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::not_sent::{self, Happened, NotSent};
use super::{Shown, Tries};
use crate::operations::{CONTROL, WorldPath};
use crate::{support, values};

/// The number of events in an answer by default.
const SHOWN: usize = 50;

/// `GET /larkspur/v1/worlds/:tenant_key/events`
pub(crate) struct List;

/// Which events to list.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Query {
    /// Only events of this type. The answer then also lists the apps that do not receive such events, and why.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Only events of this app.
    app_id: Option<String>,
    /// Only events in this state.
    state: Option<State>,
    /// Only events with a number below this one: the next page.
    before: Option<String>,
    /// The most events in the answer; 50 by default.
    #[schemars(range(min = 1, max = 200), extend("default" = 50))]
    limit: Option<u16>,
    /// The chat of the event, for `not_sent`: an app whose bot is not in it does not receive the event.
    chat_id: Option<String>,
}

/// The state of an event.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    /// It waits for its first attempt or for a retry.
    Waiting,
    /// It is held until the deliveries of the app are released.
    Held,
    /// The app received it.
    Delivered,
    /// It is not sent again.
    Dropped,
}

/// The events of a world.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The newest first; one for each app that receives it.
    events: Vec<Shown>,
    /// `before` of the next page, if there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    /// The apps of the world that would not receive an event of this `type` now.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_sent: Option<Vec<NotSent>>,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.event.list",
        summary: "List the events of a world with their deliveries",
        route: get("/larkspur/v1/worlds/{tenant_key}/events"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "type=app_ticket",
        behaviours: &[Behaviour {
            name: "event_attempts_kept",
            rule: "A page reads at most 500 events, so it may list fewer than `limit` although there are more; `before` is then present. Attempts are kept in the memory of the server that made them.",
            basis: Basis::Assumed,
            switch: false,
        }],
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let Query { kind, app_id, state, before, limit, chat_id } = &input.query;
        let (mut tx, now) = support::open(root, call, &input.path.tenant_key).await?;
        let app = match app_id {
            Some(id) => Some(support::app(&mut tx, "app_id", id).await?.app_id),
            None => None,
        };
        let from = match before {
            Some(text) => {
                text.parse().map_err(|_| values::invalid("before", Some(text), "the number of an event"))?
            }
            None => i64::MAX,
        };
        let seen = history::before(&mut tx, app, from).await?;
        let last = seen.last().map(|past| past.number);
        let all = seen.len() < usize::try_from(history::WINDOW).unwrap_or_default();
        let wanted = state.map(|state| match state {
            State::Waiting => "waiting",
            State::Held => "held",
            State::Delivered => "delivered",
            State::Dropped => "dropped",
        });
        let mut found: Vec<_> = seen
            .into_iter()
            .filter(|past| kind.as_ref().is_none_or(|kind| past.event_type == *kind))
            .filter(|past| wanted.is_none_or(|state| past.state == state))
            .collect();
        let most = limit.map_or(SHOWN, usize::from);
        let before = match found.get(most.saturating_sub(1)).filter(|_| found.len() > most) {
            Some(past) => Some(past.number),
            None => last.filter(|_| !all),
        };
        found.truncate(most);
        let tries = Tries::of(root, call, (tx.tenant(), now), &found).await?;
        let not_sent = match kind {
            Some(kind) => {
                let happened =
                    Happened { kind, chat_id: chat_id.as_deref(), payload: None, told: HashSet::new() };
                Some(not_sent::of(&mut tx, &happened).await?)
            }
            None => None,
        };
        Ok(Output {
            events: found.into_iter().map(|past| tries.show(past)).collect(),
            before: before.map(|number| number.to_string()),
            not_sent,
        })
    }
}
