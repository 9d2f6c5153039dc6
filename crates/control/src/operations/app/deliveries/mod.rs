//! What is done with the next events for an app.

use larkspur_contract::Fault;
use larkspur_contract::ids::AppId;
use larkspur_store::events::steering;
use larkspur_store::tenants::Tenant;
use larkspur_store::{Tx, faults};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::faults::{Delay, Effect, Nothing, Repeat, Rule, stored};

pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod put;

/// What is done with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Doing {
    /// It is dropped.
    Drop,
    /// It is held until it is released.
    Hold,
    /// It is sent later.
    Delay,
    /// It is sent twice, with the same ID.
    Repeat,
}

impl Doing {
    fn effect(self, delay_ms: i64) -> Effect {
        match self {
            Doing::Drop => Effect { drop: Some(Nothing {}), ..Effect::default() },
            Doing::Hold => Effect { hold: Some(Nothing {}), ..Effect::default() },
            Doing::Delay => {
                let delay = Delay { ms: delay_ms, jitter_ms: None };
                Effect { delay: Some(delay), ..Effect::default() }
            }
            Doing::Repeat => Effect { repeat: Some(Repeat { fresh_id: None }), ..Effect::default() },
        }
    }

    fn of(effect: &Effect) -> Option<Self> {
        match effect {
            Effect { drop: Some(_), .. } => Some(Doing::Drop),
            Effect { hold: Some(_), .. } => Some(Doing::Hold),
            Effect { delay: Some(_), .. } => Some(Doing::Delay),
            Effect { repeat: Some(_), .. } => Some(Doing::Repeat),
            _ => None,
        }
    }
}

/// The id of the fault rule that an app's setting is.
fn rule_id(app_id: AppId) -> String {
    format!("next-{app_id}")
}

/// Whether a fault rule with this id is an app's setting.
fn is_rule(id: &str) -> bool {
    id.strip_prefix("next-").and_then(AppId::parse).is_some()
}

/// What is done with the next events for an app.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// What is done with each; absent if they are sent as usual.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Doing>,
    /// How much later a delayed event is sent, in milliseconds by the world's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_ms: Option<i64>,
    /// The number of events that are still to be treated so.
    left: i64,
    /// The number of events that are held now.
    held: i64,
}

async fn shown(tx: &mut Tx, world: &Tenant, app_id: AppId) -> Result<Shown, Fault> {
    let id = rule_id(app_id);
    let rule = stored(&world.faults).into_iter().find(|rule| rule.id == id && rule.enabled);
    let count = faults::counts(tx).await?.get(&id).copied().unwrap_or_default();
    let left = |rule: &Rule| rule.times.unwrap_or_default().saturating_sub(count.hits).max(0);
    let rule = rule.filter(|rule| left(rule) > 0);
    Ok(Shown {
        action: rule.as_ref().and_then(|rule| Doing::of(&rule.effect)),
        delay_ms: rule.as_ref().and_then(|rule| rule.effect.delay.as_ref()).map(|delay| delay.ms),
        left: rule.as_ref().map_or(0, left),
        held: steering::held(tx, app_id).await?,
    })
}
