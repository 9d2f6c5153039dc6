//! Tells people urgently of a message.

use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::{ChatMode, MsgType, Permission, UrgentKind, UserIdType};
use larkspur_contract::{Behaviour, Code, Fault, codes};
use larkspur_store::chats::{Member, Place};
use larkspur_store::messages::Message;
use larkspur_store::{Tx, members, urgents};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::speaker::bot_may;
use super::standing::{self, Act};
use super::{Speaker, explained, finding, invalid, invalid_field};
use crate::Call;
use crate::translate::{self, Named};

/// The most urgent messages that a user may have unread. Source: the page, 200.
pub const UNREAD_MAX: i64 = 200;

/// The form of ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Query {
    /// The form of user ids.
    pub user_id_type: UserIdType,
}

/// The people.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Body {
    /// Who is told.
    #[schemars(length(min = 1, max = 200))]
    pub user_id_list: Vec<String>,
}

/// Those who were not told.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Ids of no one in the chat.
    pub invalid_user_id_list: Vec<String>,
}

/// The codes of the three operations.
pub const CODES: &[Code] = &[
    codes::MESSAGE_INVALID,
    codes::MESSAGE_NOT_IN_CHAT,
    codes::MESSAGE_BOT_NOT_ACTIVATED,
    codes::NOT_MESSAGE_SENDER,
    codes::USER_NOT_AVAILABLE,
    codes::TOO_MANY_URGENT,
    codes::URGENT_LIMIT,
    codes::MESSAGE_LACKS_PERMISSION,
    codes::URGENT_NOT_ALLOWED,
    codes::URGENT_FOLDED,
    codes::MESSAGE_DELETED,
    codes::CHAT_DISSOLVED,
    codes::MESSAGE_ID_UNKNOWN,
];

/// Tells people urgently of a message of the calling bot.
///
/// # Errors
/// 230001 if none of the ids is that of a user in the chat, 230012 for the message of another sender, 230110 for a recalled one,
/// 230052 if the chat does not allow it, 230023 for a user with too many unread ones, and those of [`standing::enter`].
pub async fn urge(
    tx: &mut Tx,
    call: &Call,
    kind: UrgentKind,
    message_id: &str,
    form: UserIdType,
    ids: &[String],
) -> Result<Output, Fault> {
    let form = translate::form(call, Some(form), codes::FIELD_VALIDATION)?;
    bot_may(call)?;
    let speaker = Speaker::of(call);
    let message = finding::message(tx, message_id).await?;
    let place = standing::enter(tx, &speaker, message.chat_id, Act::Change).await?;
    let place = place.ok_or_else(|| invalid_field("message_id", message_id))?;
    may_urge(&speaker, &place, &message)?;
    let (told, invalid_user_id_list) = receivers(tx, call, &place, form, ids).await?;
    if told.is_empty() {
        return Err(invalid("all ids in the user_id_list are invalid"));
    }
    for user_id in told {
        if urgents::unread(tx, &user_id).await? >= UNREAD_MAX {
            let why = format!("{user_id} has {UNREAD_MAX} unread urgent messages");
            return Err(Fault::new(codes::TOO_MANY_URGENT, why));
        }
        urgents::add(tx, message.number, &user_id, kind, speaker.now).await?;
    }
    Ok(Output { invalid_user_id_list })
}

fn may_urge(speaker: &Speaker, place: &Place, message: &Message) -> Result<(), Fault> {
    if message.upper != 0 {
        return Err(standing::outside(speaker));
    }
    if !speaker.sent(message) {
        let fault = Fault::new(codes::NOT_MESSAGE_SENDER, "another sender's message");
        return Err(explained::not_sender(fault, speaker));
    }
    if message.recalled.is_some() {
        return Err(Fault::new(codes::MESSAGE_DELETED, "the message was recalled"));
    }
    may_urge_in(speaker, place)?;
    if message.msg_type == MsgType::System {
        return Err(Fault::new(codes::URGENT_NOT_ALLOWED, "a message of the system is not urgent"));
    }
    Ok(())
}

/// Whether the settings of the chat let the speaker tell people urgently.
///
/// # Errors
/// 230052.
pub fn may_urge_in(speaker: &Speaker, place: &Place) -> Result<(), Fault> {
    let all = place.chat.settings.urgent_setting == Permission::AllMembers;
    if place.chat.mode == ChatMode::P2p || all || speaker.manages(place) {
        return Ok(());
    }
    let why = "only owner and managers send urgent messages in this chat";
    let setting = ("urgent_setting", place.chat.settings.urgent_setting.as_str());
    let fault = Fault::new(codes::URGENT_NOT_ALLOWED, why);
    Err(explained::reserved(fault, &place.chat, setting, Permission::AllMembers.as_str()))
}

/// The user_ids of the users in the chat, each once, and the ids that name no such user.
async fn receivers(
    tx: &mut Tx,
    call: &Call,
    place: &Place,
    form: UserIdType,
    ids: &[String],
) -> Result<(Vec<String>, Vec<String>), Fault> {
    let asked: Vec<&str> = ids.iter().map(String::as_str).collect();
    let named = translate::all_named(tx, call, form, &asked).await?;
    let users = |named: &Named| match named {
        Named::User(user) => Some(Member::User(user.user_id.clone())),
        _ => None,
    };
    let found: Vec<Option<Member>> = named.iter().map(users).collect();
    let inside = members::among(tx, place.chat.chat_id, found.iter().flatten()).await?;
    let (mut told, mut left) = (Vec::new(), Vec::new());
    for (id, member) in ids.iter().zip(found) {
        match member.filter(|member| inside.contains(member)) {
            Some(Member::User(user_id)) if !told.contains(&user_id) => told.push(user_id),
            Some(_) => {}
            None => left.push(id.clone()),
        }
    }
    Ok((told, left))
}

/// Who is told.
pub const URGING: Behaviour = Behaviour {
    name: "urgent_messages",
    rule: "Users in the chat can be told; other ids, those of bots included, are in invalid_user_id_list. If urgent_setting is only_owner, owner and managers may urge, others get 230052, also for messages of the system. A user with 200 unread urgent messages, of the latest 1000, gets no further one: the whole call is 230023. Telling a user again in the same way has no effect.",
    basis: Assumed,
    switch: false,
};
/// No one is called.
pub const SILENT: &str =
    "What is urgent is recorded; no phone rings and no text message is sent, so no quota is used up.";
