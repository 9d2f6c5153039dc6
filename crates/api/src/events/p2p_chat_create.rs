//! `p2p_chat_create`: the chat of a user and a bot was created. Only this bot receives it.

use larkspur_contract::ids::{AppId, ChatId};
use larkspur_contract::{EventType, events};
use larkspur_store::users::User;
use larkspur_store::{StoreError, Tx};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Event, Party, Recipient};
use crate::entry::schema;

/// The chat of a user and a bot was created.
struct Created<'a> {
    chat_id: ChatId,
    user: &'a User,
    operator: &'a Party,
}

#[derive(Serialize, JsonSchema)]
struct Told<'a> {
    app_id: String,
    chat_id: String,
    operator: Operator,
    tenant_key: String,
    r#type: &'static str,
    user: ToldUser<'a>,
}

#[derive(Serialize, JsonSchema)]
struct Operator {
    open_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct ToldUser<'a> {
    name: &'a str,
    open_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
}

/// The JSON Schema of the payload.
pub(super) fn shape() -> Value {
    schema::<Told<'_>>(true)
}

impl Event for Created<'_> {
    const TYPE: &'static EventType = &events::P2P_CHAT_CREATE;

    fn told(&self, to: &Recipient<'_>) -> impl Serialize {
        // The user_id needs no scope here, but is for custom apps only. Source: the page.
        let ids = |party: &Party| {
            let user_id = match party {
                Party::User { user_id, .. } if to.custom => Some(user_id.clone()),
                _ => None,
            };
            (to.party(party).open_id, user_id)
        };
        let (operator, user) = (ids(self.operator), ids(&Party::from(self.user)));
        Told {
            app_id: to.app_id.to_string(),
            chat_id: self.chat_id.to_string(),
            operator: Operator { open_id: operator.0, user_id: operator.1 },
            tenant_key: to.tenant.to_string(),
            r#type: Self::TYPE.name,
            user: ToldUser { name: &self.user.name, open_id: user.0, user_id: user.1 },
        }
    }
}

/// Tells a bot that its chat with a user was created by one of the two. `now` is the tenant's time.
///
/// # Errors
/// The store is unavailable.
pub async fn emit(
    tx: &mut Tx,
    bot: AppId,
    chat_id: ChatId,
    user: &User,
    operator: &Party,
    now: i64,
) -> Result<(), StoreError> {
    let mut listeners = super::listeners(tx, Created::TYPE).await?;
    listeners.retain(|app| app == bot);
    super::emit(tx, &Created { chat_id, user, operator }, &listeners, now).await
}
