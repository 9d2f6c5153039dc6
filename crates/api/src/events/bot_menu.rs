//! `application.bot.menu_v6`: a user clicked an item of a bot's menu. Only this bot receives it.

use larkspur_contract::ids::AppId;
use larkspur_contract::{EventType, events};
use larkspur_store::users::User;
use larkspur_store::{StoreError, Tx};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Event, Ids, Party, Recipient};
use crate::entry::schema;

/// A user clicked an item.
struct Clicked<'a> {
    event_key: &'a str,
    user: &'a User,
    at: i64,
}

#[derive(Serialize, JsonSchema)]
struct Told<'a> {
    event_key: &'a str,
    operator: Operator<'a>,
    /// In seconds, as a number: the Go SDK reads nothing else.
    timestamp: i64,
}

#[derive(Serialize, JsonSchema)]
struct Operator<'a> {
    operator_id: Ids,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator_name: Option<&'a str>,
}

/// The JSON Schema of the payload.
pub(super) fn shape() -> Value {
    schema::<Told<'_>>(true)
}

impl Event for Clicked<'_> {
    const TYPE: &'static EventType = &events::BOT_MENU;

    fn told(&self, to: &Recipient<'_>) -> impl Serialize {
        Told {
            event_key: self.event_key,
            operator: Operator {
                operator_id: to.party(&Party::from(self.user)),
                operator_name: to.operator_names.then_some(&self.user.name),
            },
            timestamp: self.at.div_euclid(1000),
        }
    }
}

/// Tells a bot that a user clicked the item with this key. Only custom apps receive it. `now` is the tenant's time.
///
/// # Errors
/// The store is unavailable.
pub async fn emit(tx: &mut Tx, bot: AppId, event_key: &str, user: &User, now: i64) -> Result<(), StoreError> {
    let mut listeners = super::listeners(tx, Clicked::TYPE).await?;
    listeners.retain_custom();
    listeners.retain(|app| app == bot);
    super::emit(tx, &Clicked { event_key, user, at: now }, &listeners, now).await
}
