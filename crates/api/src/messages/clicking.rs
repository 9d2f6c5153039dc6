//! Clicks on cards: what the app is told, and what its answer does to the card.

use larkspur_contract::Basis::{Assumed, Documented};
use larkspur_contract::model::{AppKind, MsgType};
use larkspur_contract::scopes::CONTACT_EMPLOYEE_ID;
use larkspur_contract::{Behaviour, Code, codes};
use larkspur_store::apps::Install;
use larkspur_store::messages::{self, Message};
use larkspur_store::users::User;
use larkspur_store::{StoreError, Tx, own_cards};
use serde::Serialize;
use serde_json::Value;

use super::{Speaker, building};
use crate::cards;
use crate::rules::card::{self, CONTENT_MAX, Card, Schema};

/// The payload of the callback. Its keys are in alphabetical order, as in live callbacks.
#[derive(Serialize)]
struct Told<'a> {
    action: &'a Value,
    context: Context,
    host: &'static str,
    operator: Operator,
    token: &'a str,
}

#[derive(Serialize)]
struct Context {
    open_chat_id: String,
    open_message_id: String,
}

#[derive(Serialize)]
struct Operator {
    open_id: String,
    tenant_key: String,
    union_id: String,
    /// Left out without the scope, unlike in events. Source: seen live.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
}

/// The payload of the callback for a click of a user on a card. `action` is what was clicked, `token` a new one of
/// [`cards::new_token`].
///
/// # Errors
/// It cannot be written as JSON.
pub fn told(
    tx: &Tx,
    app: &Install,
    user: &User,
    message: &Message,
    action: &Value,
    token: &str,
) -> Result<String, StoreError> {
    let (keys, number) = (&tx.engine().keys, user.user_no.cast_unsigned());
    let user_ids = app.kind == AppKind::Custom && app.scopes.has(CONTACT_EMPLOYEE_ID);
    let told = Told {
        action,
        context: Context {
            open_chat_id: message.chat_id.to_string(),
            open_message_id: keys.message_id(message.number, tx.tenant()).to_string(),
        },
        host: "im_message",
        operator: Operator {
            open_id: keys.open_id(number, app.app_id).to_string(),
            tenant_key: tx.tenant().to_string(),
            union_id: keys.union_id(number, app.developer).to_string(),
            user_id: user_ids.then(|| user.user_id.clone()),
        },
        token,
    };
    serde_json::to_string(&told).map_err(|error| StoreError::Broken(format!("a callback: {error}")))
}

/// The JSON of the card that a message shows a user now; `None` if it shows none of its own.
///
/// # Errors
/// The store is unavailable.
pub async fn current(tx: &mut Tx, message: &Message, user: &User) -> Result<Option<Value>, StoreError> {
    if message.msg_type != MsgType::Interactive {
        return Ok(None);
    }
    let filled = cards::filled(tx, vec![message.clone()]).await?;
    let seen = cards::seen_by(tx, user.user_no, filled).await?.pop();
    Ok(seen.and_then(|message| serde_json::from_str(&message.content).ok()))
}

/// Replaces the card of a message by the one in an answer, for the user who clicked alone if each reader has their own. Returns the
/// new card, or what the client shows instead: the code and the reason. The message is locked; `speaker` is the user who clicked.
///
/// # Errors
/// The store is unavailable.
pub async fn replace(
    tx: &mut Tx,
    speaker: &Speaker,
    user: &User,
    message: &Message,
    answered: &Value,
) -> Result<Result<Value, (Code, String)>, StoreError> {
    let new = match answered["type"].as_str() {
        Some("raw") => answered["data"].clone(),
        _ => answered.clone(),
    };
    let content = new.to_string();
    if content.len() > CONTENT_MAX {
        return Ok(Err((codes::CALLBACK_CARD_INVALID, format!("the card has {} bytes", content.len()))));
    }
    let read = match card::of(new.clone()) {
        Ok(Card::Entity(_)) => return Ok(Err((codes::CALLBACK_CARD_INVALID, "a card entity".to_owned()))),
        Ok(read) => read,
        Err(refused) => return Ok(Err((codes::CALLBACK_CARD_INVALID, refused.note().to_owned()))),
    };
    let old = current(tx, message, user).await?;
    if let (Some(Schema::V2), Card::Own { schema: Schema::V1, .. }) =
        (old.as_ref().and_then(card::schema_of), &read)
    {
        let why = "the message shows a card of schema 2.0, the answer has one of 1.0";
        return Ok(Err((codes::CALLBACK_CARD_VERSION, why.to_owned())));
    }
    if let Some(flaw) = building::flaw(tx, &speaker.policy, &content, &read).await? {
        return Ok(Err((codes::CALLBACK_CARD_INVALID, flaw.to_string())));
    }
    if cards::is_personal(message) {
        own_cards::put(tx, message.number, user, &content, speaker.now).await?;
    } else {
        messages::set_card(tx, message.number, &content, speaker.now).await?;
    }
    Ok(Ok(new))
}

/// What the app is told.
pub const TOLD: Behaviour = Behaviour {
    name: "click_callback",
    rule: "The app that sent the card gets card.action.trigger, whatever scopes it has. operator.user_id is left out without contact:user.employee_id:readonly. The token replaces the card twice within 30 minutes of the world's time, from the acknowledgment on.",
    basis: Documented,
    switch: false,
};
/// What the answer does.
pub const ANSWER: Behaviour = Behaviour {
    name: "click_answer",
    rule: "The card in the answer replaces that of the message for all readers, or for the user who clicked if the card is not shared. It is checked like a card that is sent: one that cannot be built, with more than 30 KB, with an image that does not exist or a forbidden word is 200673; one of schema 1.0 in place of 2.0 is 200830. The old card stays then. A message that showed an entity of the card kit no longer shows it.",
    basis: Assumed,
    switch: false,
};
/// What sends nothing.
pub const SILENT: Behaviour = Behaviour {
    name: "click_without_callback",
    rule: "A button that opens a URL tells the app nothing; nor does one that empties its form. A form with a component without a name is 200530. The cards of custom bots and of people, and those of an app that is not in use, are 200340. A disabled element, an unknown one and a value that it does not take are refused: a client would not let the user do this.",
    basis: Assumed,
    switch: false,
};
