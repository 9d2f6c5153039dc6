//! Forwards messages: one of them, several as a bundle, or a thread.

use std::collections::HashMap;

use larkspur_contract::Basis::Assumed;
use larkspur_contract::ids::{ChatId, ThreadId};
use larkspur_contract::model::{ForwardIdType, MsgType, ReceiveIdType};
use larkspur_contract::{Behaviour, Code, Fault, codes};
use larkspur_store::chats::{self, Place};
use larkspur_store::messages::{self, Cursor, Listed, Message, Repeat, Span};
use larkspur_store::{StoreError, Tx};

use super::building::Built;
use super::sending::{self, REPEAT_MS};
use super::standing::{self, Act};
use super::{Speaker, conditions, explained, invalid_field, receiver};
use crate::people::People;
use crate::{Call, cards};

/// The content of a bundle. Source: the page of merge_forward; it is not JSON.
pub const BUNDLED: &str = "Merged and Forwarded Message";
/// The most parts of a bundle.
pub const PARTS_MAX: usize = 1000;

/// The most bytes of content of all parts of a bundle.
pub const PARTS_BYTES: usize = 10 * 1024 * 1024;
/// How many messages of a thread are read at once.
const PIECE: usize = 50;

/// Where messages are forwarded to.
#[derive(Debug)]
pub struct Target {
    /// The chat.
    place: Place,
    /// The root of the thread, if it is one.
    root: Option<Message>,
}

/// The kind of receiver; `None` for a thread.
fn receive_id_type(kind: ForwardIdType) -> Option<ReceiveIdType> {
    match kind {
        ForwardIdType::OpenId => Some(ReceiveIdType::OpenId),
        ForwardIdType::UserId => Some(ReceiveIdType::UserId),
        ForwardIdType::UnionId => Some(ReceiveIdType::UnionId),
        ForwardIdType::Email => Some(ReceiveIdType::Email),
        ForwardIdType::ChatId => Some(ReceiveIdType::ChatId),
        ForwardIdType::ThreadId => None,
    }
}

/// The ids that the gateway translates.
pub fn people(kind: ForwardIdType, receive_id: &String) -> Option<People<'_>> {
    receive_id_type(kind).and_then(|kind| receiver::people(kind, receive_id))
}

/// The chat or thread to forward to. The p2p chat of a user is made if there is none.
///
/// # Errors
/// 230063 for an unknown chat, 230019 for an unknown thread, 230018 if the speaker may not speak there, and those of
/// [`receiver::chat`].
pub async fn target(
    tx: &mut Tx,
    call: &Call,
    speaker: &Speaker,
    kind: ForwardIdType,
    receive_id: &str,
) -> Result<Target, Fault> {
    let found = match receive_id_type(kind) {
        Some(kind) => {
            if kind == ReceiveIdType::ChatId
                && let Some(chat_id) = ChatId::parse(receive_id)
                && chats::place(tx, chat_id, &speaker.member()).await?.is_none()
            {
                return Err(Fault::new(codes::FORWARD_CHAT_INVALID, format!("no chat {receive_id}")));
            }
            Target { place: receiver::chat(tx, call, speaker, kind, receive_id).await?, root: None }
        }
        None => thread(tx, speaker, receive_id).await?,
    };
    if let Some(root) = &found.root {
        conditions::sees(tx, speaker, &found.place, root, codes::TARGET_THREAD_INVISIBLE).await?;
    }
    conditions::not_closed(&found.place.chat, codes::FORWARD_TO_ENCRYPTED)?;
    standing::may_speak(speaker, &found.place)?;
    Ok(found)
}

async fn thread(tx: &mut Tx, speaker: &Speaker, receive_id: &str) -> Result<Target, Fault> {
    let absent = || Fault::new(codes::THREAD_NOT_FOUND, format!("no thread {receive_id}"));
    let id = ThreadId::parse(receive_id).ok_or_else(|| invalid_field("receive_id", receive_id))?;
    let root = messages::of_thread(tx, id, Span::ALL, None, 1).await?.pop().ok_or_else(absent)?;
    let place = standing::enter(tx, speaker, root.chat_id, Act::Send).await?.ok_or_else(absent)?;
    Ok(Target { place, root: Some(root) })
}

/// Enters the chat that messages are taken from.
///
/// # Errors
/// Those of [`standing::enter`], 230070 for a chat in restricted mode, and `secret` for a secret group.
pub async fn source(
    tx: &mut Tx,
    speaker: &Speaker,
    chat_id: ChatId,
    absent: impl FnOnce() -> Fault,
    secret: Code,
) -> Result<Place, Fault> {
    let place = standing::enter(tx, speaker, chat_id, Act::Change).await?.ok_or_else(absent)?;
    conditions::not_closed(&place.chat, secret)?;
    if place.chat.settings.restricted_mode_setting.status {
        let fault = Fault::new(codes::FORWARD_RESTRICTED, "the chat is in restricted mode");
        return Err(explained::restricted(fault, &place.chat));
    }
    Ok(place)
}

/// Whether a type of message can be forwarded. Source: the page of forward; the other types it names do not exist here.
pub fn may_forward(kind: MsgType) -> bool {
    !matches!(kind, MsgType::System | MsgType::Audio)
}

/// What is forwarded.
#[derive(Debug)]
pub struct Forwarded {
    /// The type of the new message.
    pub msg_type: MsgType,
    /// The content of the new message.
    pub built: Built,
    /// The parts of the new message, if it is a bundle: each with the place of its own bundle among them; `None` for those of
    /// the new message itself.
    pub parts: Vec<(Message, Option<usize>)>,
}

/// A message as it is forwarded.
///
/// # Errors
/// The store is unavailable.
pub async fn copy(tx: &mut Tx, message: Message) -> Result<Forwarded, StoreError> {
    let mut parts = Vec::new();
    if message.msg_type == MsgType::MergeForward {
        inner(tx, &message, None, &mut parts).await?;
    }
    let message = cards::filled(tx, vec![message]).await?.remove(0);
    let built = Built { content: message.content, mentions: message.mentions };
    Ok(Forwarded { msg_type: message.msg_type, built, parts })
}

/// Several messages as one bundle, in the order in which they were sent, and the numbers of those that it has no room for.
///
/// # Errors
/// The store is unavailable.
pub async fn bundle(tx: &mut Tx, mut found: Vec<Message>) -> Result<(Forwarded, Vec<i64>), StoreError> {
    found.sort_by_key(|message| (message.created_at, message.number));
    let (mut parts, mut left, mut bytes) = (Vec::new(), Vec::new(), 0);
    for message in cards::filled(tx, found).await? {
        let before = parts.len();
        parts.push((message.clone(), None));
        if message.msg_type == MsgType::MergeForward {
            inner(tx, &message, Some(before), &mut parts).await?;
        }
        let added: usize = parts[before..].iter().map(|(part, _)| part.content.len()).sum();
        if parts.len() > PARTS_MAX || bytes + added > PARTS_BYTES {
            parts.truncate(before);
            left.push(message.number);
        } else {
            bytes += added;
        }
    }
    let built = Built { content: BUNDLED.to_owned(), mentions: Vec::new() };
    Ok((Forwarded { msg_type: MsgType::MergeForward, built, parts }, left))
}

/// The messages of a thread that can be forwarded, as many as a bundle has room for.
///
/// # Errors
/// The store is unavailable.
pub async fn of_thread(tx: &mut Tx, thread: ThreadId) -> Result<Vec<Message>, StoreError> {
    let (mut found, mut last, mut bytes) = (Vec::new(), None, 0);
    for _ in 0..PARTS_MAX / PIECE {
        let piece = messages::of_thread(tx, thread, Span::ALL, last, PIECE).await?;
        let more = piece.len() == PIECE;
        last = piece.last().map(|message| Cursor { created_at: message.created_at, number: message.number });
        for message in piece {
            if message.recalled.is_some() || !may_forward(message.msg_type) {
                continue;
            }
            bytes += message.content.len();
            if bytes > PARTS_BYTES {
                return Ok(found);
            }
            found.push(message);
        }
        if !more {
            break;
        }
    }
    Ok(found)
}

/// Adds the parts of a bundle: `at` is its own place among them, `None` for the new message itself.
async fn inner(
    tx: &mut Tx,
    bundle: &Message,
    at: Option<usize>,
    parts: &mut Vec<(Message, Option<usize>)>,
) -> Result<(), StoreError> {
    let mut places: HashMap<i64, Option<usize>> = HashMap::from([(bundle.number, at)]);
    for part in messages::parts(tx, bundle.number, PARTS_MAX).await? {
        let upper = places.get(&part.upper).copied().flatten().or(at);
        places.insert(part.number, Some(parts.len()));
        parts.push((part, upper));
    }
    Ok(())
}

/// Sends what is forwarded, unless the same call was made before: then it answers the message of that one.
///
/// # Errors
/// 230020.
pub async fn send(
    tx: &mut Tx,
    speaker: &Speaker,
    target: &Target,
    uuid: Option<&str>,
    forwarded: Forwarded,
) -> Result<Message, Fault> {
    let name = uuid.filter(|uuid| !uuid.is_empty()).map(|uuid| {
        let thread = target.root.as_ref().and_then(|root| root.thread);
        let to = thread.map_or_else(|| target.place.chat.chat_id.to_string(), |thread| thread.to_string());
        format!("{to} {}", sending::name_of(speaker, uuid))
    });
    let seen = match &name {
        Some(name) => messages::repeated(tx, name, speaker.now).await?,
        None => Repeat::New,
    };
    if let Repeat::Of(number) = seen {
        return Ok(messages::first_sent(tx, number).await?);
    }
    let Forwarded { msg_type, built, parts } = forwarded;
    let reply = target.root.as_ref().map(|to| sending::Reply { to, in_thread: true });
    let message = sending::post(tx, speaker, &target.place, (msg_type, built), reply).await?;
    let mut numbers: Vec<i64> = Vec::with_capacity(parts.len());
    for (part, upper) in parts {
        let upper = upper.and_then(|at| numbers.get(at).copied()).unwrap_or(message.number);
        let copy = Message {
            number: tx.next_id(),
            chat_id: message.chat_id,
            listed: Listed::Nowhere,
            thread: None,
            root: 0,
            parent: 0,
            upper,
            bundle: message.number,
            ..part
        };
        messages::insert(tx, &copy).await?;
        numbers.push(copy.number);
    }
    if let Some(name) = &name {
        let until = speaker.now.saturating_add(REPEAT_MS);
        messages::claim(tx, name, seen, message.number, speaker.now, until).await?;
    }
    Ok(message)
}

/// The order of checks.
pub const ORDER: Behaviour = Behaviour {
    name: "forward_check_order",
    rule: "Order of checks: bot ability, message or thread and its chat, restricted mode, state and type of the message, receiver, who may speak, a repeated uuid, messages per second.",
    basis: Assumed,
    switch: false,
};
/// What is forwarded.
pub const COPIES: Behaviour = Behaviour {
    name: "forward_copies",
    rule: "The new message has the type, the content and the mentions of the old one, and the caller as its sender. A card of the card kit is forwarded as it is now, and does not change later. A forwarded bundle takes its parts along. A message with an upper_message_id is 230064; messages of the system and voice messages are 230061.",
    basis: Assumed,
    switch: false,
};
/// Where messages are forwarded to.
pub const TARGETS: Behaviour = Behaviour {
    name: "forward_targets",
    rule: "An unknown chat is 230063, an unknown thread 230019, another receive_id that means nothing 230001. With a thread_id, the message becomes a reply in that thread. A uuid counts for one receiver.",
    basis: Assumed,
    switch: false,
};
/// What a bundle is.
pub const BUNDLES: Behaviour = Behaviour {
    name: "forward_bundles",
    rule: "The parts of a bundle are in the order in which they were sent. They keep sender and times, and have ids of their own. A bundle has at most 1000 parts and 10 MB of content, those of bundles in it included: messages beyond that count as invalid.",
    basis: Assumed,
    switch: false,
};
