//! Whether a chat lets someone send, read or change messages: checked in one order by every operation.

use larkspur_contract::Basis::Assumed;
use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{ChatCondition, ChatMode, ChatStatus, Moderation, Permission, UserStatus};
use larkspur_contract::scopes::{
    IM_MESSAGE_GROUP, IM_MESSAGE_GROUP_AS_USER, IM_MESSAGE_GROUP_READONLY, IM_MESSAGE_P2P_AS_USER,
};
use larkspur_contract::{Behaviour, Fault, Scope, codes};
use larkspur_store::chats::{self, Chat, Member, Place};
use larkspur_store::messages::Sender;
use larkspur_store::{Tx, apps, users};

use super::{Speaker, conditions, explained};
use crate::{Actor, Call};

/// What is to be done in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Messages are read.
    Read,
    /// A message is sent.
    Send,
    /// A message is changed.
    Change,
}

/// The chat, if the speaker may do this in it; `None` if the tenant has no such chat.
///
/// # Errors
/// 230027 for an external chat, 232009 for a dissolved one (230002 for readers), 230002 for outsiders, 230013, 230029 and 230053
/// for the user of a p2p chat with a bot.
pub async fn enter(
    tx: &mut Tx,
    speaker: &Speaker,
    chat_id: ChatId,
    act: Act,
) -> Result<Option<Place>, Fault> {
    let Some(place) = chats::place(tx, chat_id, &speaker.member()).await? else { return Ok(None) };
    inside(speaker, &place, act)?;
    if place.chat.mode == ChatMode::P2p {
        available(tx, speaker, &place, act).await?;
    }
    Ok(Some(place))
}

/// Whether a chat lets someone who is in it do this. What [`enter`] checks besides the user of a p2p chat with a bot.
///
/// # Errors
/// 230027 for an external chat, 232009 for a dissolved one (230002 for readers), 230002 for outsiders.
pub fn inside(speaker: &Speaker, place: &Place, act: Act) -> Result<(), Fault> {
    external(speaker, &place.chat, act)?;
    if place.chat.status != ChatStatus::Normal {
        let code = if act == Act::Read { codes::MESSAGE_NOT_IN_CHAT } else { codes::CHAT_DISSOLVED };
        return Err(explained::dissolved(Fault::new(code, "the chat was dissolved"), &place.chat));
    }
    if place.manager.is_none() {
        return Err(explained::outside(outside(speaker), speaker, Some(&place.chat)));
    }
    Ok(())
}

/// The time from which the speaker may read what was sent to a chat, for operations that answer for several messages; `None` if
/// the speaker may read nothing there. `may` is what the operation asks of the chat besides.
///
/// # Errors
/// The store is unavailable.
pub async fn reads_from(
    tx: &mut Tx,
    speaker: &Speaker,
    chat_id: ChatId,
    may: impl Fn(&Chat) -> bool + Send,
) -> Result<Option<i64>, Fault> {
    match enter(tx, speaker, chat_id, Act::Read).await {
        Ok(Some(place)) if may(&place.chat) => {
            let hidden = conditions::hidden_before(tx, speaker, &place.chat).await?;
            Ok(Some(hidden.unwrap_or(i64::MIN)))
        }
        Ok(_) => Ok(None),
        Err(fault) if fault.code().status < 500 => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// The refusal of a speaker who is not in the chat.
pub fn outside(speaker: &Speaker) -> Fault {
    let who = speaker.member().to_column();
    let fault = Fault::new(codes::MESSAGE_NOT_IN_CHAT, format!("{who} is not in the chat"));
    explained::outside(fault, speaker, None)
}

/// External chats require an app with external sharing; users may read them without it.
fn external(speaker: &Speaker, chat: &Chat, act: Act) -> Result<(), Fault> {
    let lacks = speaker.app.as_ref().is_some_and(|app| !app.external_sharing);
    if !chat.external || !lacks || (act == Act::Read && !speaker.is_bot()) {
        return Ok(());
    }
    let note = "the chat is external and the app lacks external sharing";
    Err(explained::external(Fault::new(codes::MESSAGE_LACKS_PERMISSION, note), speaker))
}

/// Whether a bot may still talk to the user of a p2p chat.
async fn available(tx: &mut Tx, speaker: &Speaker, place: &Place, act: Act) -> Result<(), Fault> {
    let Some(app) = speaker.app.as_ref().filter(|_| speaker.is_bot()) else { return Ok(()) };
    let Some(Member::User(user_id)) = place.other(&speaker.member()) else { return Ok(()) };
    if act == Act::Send {
        let user = users::by_id(tx, user_id).await?;
        if user.is_none_or(|user| user.status == UserStatus::Resigned) {
            return Err(resigned(user_id));
        }
        conditions::not_in(&place.chat, ChatCondition::Stopped, codes::BOT_STOPPED)?;
    }
    if !apps::is_visible_to(tx, app, user_id).await? {
        return Err(unavailable(speaker, user_id));
    }
    Ok(())
}

pub(super) fn resigned(user_id: &str) -> Fault {
    let fault = Fault::new(codes::RECEIVER_RESIGNED, format!("{user_id} has left the tenant"));
    explained::resigned(fault, user_id)
}

pub(super) fn unavailable(speaker: &Speaker, whom: &str) -> Fault {
    let fault = Fault::new(codes::USER_NOT_AVAILABLE, format!("{whom} does not see the app"));
    explained::unseen(fault, speaker, whom)
}

/// Whether the chat lets the speaker send: 230018 by its settings, 230035 if it is muted.
pub fn may_speak(speaker: &Speaker, place: &Place) -> Result<(), Fault> {
    conditions::open(speaker, &place.chat)?;
    let allowed = match place.chat.settings.moderation_permission {
        Moderation::AllMembers => true,
        Moderation::OnlyOwner => speaker.manages(place),
        Moderation::ModeratorList => place.moderator || speaker.manages(place),
    };
    if allowed || matches!(speaker.sender, Sender::Hook(_)) {
        return Ok(());
    }
    let fault = Fault::new(codes::SPEAKING_NOT_ALLOWED, "the chat does not let the sender speak");
    let setting = ("moderation_permission", place.chat.settings.moderation_permission.as_str());
    Err(explained::reserved(fault, &place.chat, setting, Moderation::AllMembers.as_str()))
}

/// Whether the settings of the chat let the speaker mention all members: 230018.
pub fn may_mention_all(speaker: &Speaker, place: &Place) -> Result<(), Fault> {
    let all = place.chat.settings.at_all_permission == Permission::AllMembers;
    if all || speaker.manages(place) || matches!(speaker.sender, Sender::Hook(_)) {
        return Ok(());
    }
    let fault = Fault::new(codes::SPEAKING_NOT_ALLOWED, "only owner and managers mention all members");
    let setting = ("at_all_permission", place.chat.settings.at_all_permission.as_str());
    Err(explained::reserved(fault, &place.chat, setting, Permission::AllMembers.as_str()))
}

/// Reading needs scopes beside those of the page: 230027. Source: the manual's page on 230027.
pub fn may_read(call: &Call, chat: &Chat) -> Result<(), Fault> {
    let wanted: &[Scope] = match (&call.actor, chat.mode) {
        (Actor::Bot, ChatMode::P2p) => &[],
        (Actor::Bot, _) => &[IM_MESSAGE_GROUP, IM_MESSAGE_GROUP_READONLY],
        (Actor::User { .. }, ChatMode::P2p) => &[IM_MESSAGE_P2P_AS_USER],
        (Actor::User { .. }, _) => &[IM_MESSAGE_GROUP_AS_USER],
    };
    match wanted.first() {
        Some(first) if !wanted.iter().any(|scope| call.has_scope(scope)) => {
            let fault = Fault::new(codes::MESSAGE_LACKS_PERMISSION, "a scope for reading is missing")
                .with_cause(format!("need scope: {first}"));
            Err(explained::scope(fault, call, wanted))
        }
        _ => Ok(()),
    }
}

/// In which order calls are checked.
pub const ORDER: Behaviour = Behaviour {
    name: "message_check_order",
    rule: "Order of checks: fields and types, msg_type, bot ability, chat or message, external sharing, dissolved, membership, p2p user, state of the message, rights, a repeated uuid, content, who may speak, forbidden words, messages per second.",
    basis: Assumed,
    switch: false,
};
/// Which scopes reading needs.
pub const READING: Behaviour = Behaviour {
    name: "message_reading_scopes",
    rule: "Reading messages of groups, the bot's own included, also needs im:message.group_msg or im:message.group_msg:readonly; with a user token im:message.group_msg:get_as_user, in p2p chats im:message.p2p_msg:get_as_user. Without it: 230027.",
    basis: Assumed,
    switch: false,
};
/// Who may speak.
pub const SPEAKING: Behaviour = Behaviour {
    name: "message_moderation",
    rule: "If only the owner may speak, managers may, too; if a list may, so may owner and managers. Others get 230018, also for @all where at_all_permission is only_owner. Custom bots are not limited.",
    basis: Assumed,
    switch: false,
};
