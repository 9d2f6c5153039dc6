//! What is done with the next events for an app.

use larkspur_contract::Fault;
use larkspur_contract::ids::AppId;
use larkspur_store::Tx;
use larkspur_store::events::steering::{self, Action};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

impl From<Doing> for Action {
    fn from(doing: Doing) -> Action {
        match doing {
            Doing::Drop => Action::Drop,
            Doing::Hold => Action::Hold,
            Doing::Delay => Action::Delay,
            Doing::Repeat => Action::Repeat,
        }
    }
}

impl From<Action> for Doing {
    fn from(action: Action) -> Doing {
        match action {
            Action::Drop => Doing::Drop,
            Action::Hold => Doing::Hold,
            Action::Delay => Doing::Delay,
            Action::Repeat => Doing::Repeat,
        }
    }
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

async fn shown(tx: &mut Tx, app_id: AppId) -> Result<Shown, Fault> {
    let found = steering::get(tx, app_id).await?.filter(|found| found.left > 0);
    let held = steering::held(tx, app_id).await?;
    Ok(Shown {
        action: found.map(|found| found.action.into()),
        delay_ms: found.filter(|found| found.action == Action::Delay).map(|found| found.delay_ms),
        left: found.map_or(0, |found| found.left),
        held,
    })
}
