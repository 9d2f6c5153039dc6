//! Sends a message.

use larkspur_contract::Basis::{Assumed, Documented, Observed};
use larkspur_contract::ids::ThreadId;
use larkspur_contract::model::{ChatMode, GroupMessageType, MsgType};
use larkspur_contract::{Behaviour, Fault, codes};
use larkspur_store::chats::{self, Place};
use larkspur_store::messages::{self, Listed, Message, Repeat, Sender};
use larkspur_store::{Tx, message_order, pace};

use super::building::Built;
use super::{Speaker, building, changing, invalid, standing};
use crate::cards;
use crate::events::message_receive;

/// How long a uuid stands for the first message, in milliseconds of the tenant's time. Source: the create page, 1 hour.
pub const REPEAT_MS: i64 = 3600 * 1000;

/// A message to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// Its type.
    pub msg_type: MsgType,
    /// Its content, as the sender wrote it: JSON as text.
    pub content: &'a str,
    /// Calls with the same uuid send one message.
    pub uuid: Option<&'a str>,
    /// What it replies to.
    pub reply: Option<Reply<'a>>,
}

/// What a message replies to.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'a> {
    /// The message, of the same chat; not recalled.
    pub to: &'a Message,
    /// Whether the reply is to be in a thread.
    pub in_thread: bool,
}

/// The type that a request names.
///
/// # Errors
/// 230001 for an unknown type.
pub fn msg_type(text: &str) -> Result<MsgType, Fault> {
    match MsgType::parse(text) {
        Some(MsgType::MergeForward) | None => {
            Err(invalid("invalid msg_type").with_violation("msg_type", Some(text), "invalid msg_type"))
        }
        Some(known) => Ok(known),
    }
}

/// Whether a message gets replies. The speaker may enter its chat.
///
/// # Errors
/// 230002 for a part of a bundle, 230011 for a message that was recalled, 230054 for one of the system, 230072 for a thread of a
/// bundle.
pub fn takes_reply(speaker: &Speaker, reply: &Reply<'_>) -> Result<(), Fault> {
    let to = reply.to;
    if to.listed == Listed::Nowhere {
        return Err(standing::outside(speaker));
    }
    changing::stands(to)?;
    if to.msg_type == MsgType::System {
        return Err(Fault::new(codes::MESSAGE_TYPE_UNSUPPORTED, "the system gets no replies"));
    }
    if reply.in_thread && to.msg_type == MsgType::MergeForward {
        return Err(Fault::new(codes::NO_THREAD_OF_MERGED, "a bundle has no thread"));
    }
    Ok(())
}

/// Sends a message to a chat that the speaker may enter, and tells the apps. It only adds rows, unless it opens a thread, is
/// the first message of a chat in a minute, or replaces an expired uuid.
///
/// # Errors
/// The refusals of the content, 230018 and 230020.
pub async fn send(tx: &mut Tx, speaker: &Speaker, place: &Place, draft: Draft<'_>) -> Result<Message, Fault> {
    let name = draft.uuid.filter(|uuid| !uuid.is_empty()).map(|uuid| name_of(speaker, uuid));
    let seen = match &name {
        Some(name) => messages::repeated(tx, name, speaker.now).await?,
        None => Repeat::New,
    };
    if let Repeat::Of(number) = seen {
        return Ok(messages::first_sent(tx, number).await?);
    }
    let built = building::build(tx, speaker, place, draft.msg_type, draft.content).await?;
    let message = post(tx, speaker, place, (draft.msg_type, built), draft.reply).await?;
    if let Some(name) = &name {
        let until = speaker.now.saturating_add(REPEAT_MS);
        messages::claim(tx, name, seen, message.number, speaker.now, until).await?;
    }
    Ok(message)
}

/// Sends a message whose content is built. Otherwise as [`send`].
///
/// # Errors
/// 230020.
pub async fn post(
    tx: &mut Tx,
    speaker: &Speaker,
    place: &Place,
    (msg_type, built): (MsgType, Built),
    reply: Option<Reply<'_>>,
) -> Result<Message, Fault> {
    let chat_id = place.chat.chat_id;
    if speaker.limited {
        has_room(tx, chat_id.0, speaker.now)?;
    }
    // These may change rows, and come before anything is added.
    chats::touch_by_message(tx, place, speaker.now).await?;
    let spot = spot(tx, place, reply).await?;
    let number = tx.next_id();
    let thread = spot.thread.filter(|_| spot.in_thread);
    let next = message_order::next(tx, chat_id, thread, (speaker.now, number), speaker.limited).await?;
    if next.lately >= pace::MOST {
        return Err(too_often());
    }
    let created_at = next.created_at;
    let message = Message {
        number,
        chat_id,
        listed: if spot.in_thread { Listed::InThread } else { Listed::InChat },
        thread: spot.thread,
        root: spot.root,
        parent: spot.parent,
        upper: 0,
        bundle: 0,
        msg_type,
        content: built.content,
        mentions: built.mentions,
        sender: speaker.sender.clone(),
        app: speaker.app.as_ref().map(|app| app.app_id),
        created_at,
        updated_at: created_at,
        edits: 0,
        recalled: None,
    };
    cards::mark_sent(tx, &message).await?;
    add(tx, speaker, place, &message).await?;
    Ok(message)
}

/// Adds a finished message to a chat, counts it, and tells the apps.
///
/// # Errors
/// The store is unavailable.
pub async fn add(tx: &mut Tx, speaker: &Speaker, place: &Place, message: &Message) -> Result<(), Fault> {
    messages::insert(tx, message).await?;
    if speaker.limited {
        messages::count_on_commit(tx, place.chat.chat_id.0, speaker.now);
    }
    // Messages of custom bots are not told. Source: the event's page.
    if !matches!(message.sender, Sender::Hook(_)) {
        message_receive::emit(tx, &place.chat, message, speaker.now).await?;
    }
    Ok(())
}

/// Refuses what exceeds five per second: 230020. `of` is the number of the chat or message that is counted.
pub fn has_room(tx: &Tx, of: u128, now: i64) -> Result<(), Fault> {
    if tx.engine().pace.has_room(tx.tenant(), of, now) { Ok(()) } else { Err(too_often()) }
}

fn too_often() -> Fault {
    let why = format!("more than {} in {} ms", pace::MOST, pace::WINDOW_MS);
    Fault::new(codes::MESSAGE_TOO_OFTEN, why)
        .by_rule("rate_limit")
        .with_fact("window", format!("{0} of {0}", pace::MOST))
        .with_fact("window_ms", pace::WINDOW_MS.to_string())
}

/// The name under which a call with a uuid is remembered.
pub fn name_of(speaker: &Speaker, uuid: &str) -> String {
    let app = speaker.app.as_ref().map(|app| app.app_id.to_string()).unwrap_or_default();
    format!("{app} {} {uuid}", speaker.member().to_column())
}

/// Where a message goes.
struct Spot {
    thread: Option<ThreadId>,
    in_thread: bool,
    root: i64,
    parent: i64,
}

async fn spot(tx: &mut Tx, place: &Place, reply: Option<Reply<'_>>) -> Result<Spot, Fault> {
    let Some(Reply { to, in_thread }) = reply else {
        let thread = has_topics(place).then(|| fresh_thread(tx));
        return Ok(Spot { thread, in_thread: false, root: 0, parent: 0 });
    };
    // In a group whose messages form threads, an older message gets its thread now.
    if to.thread.is_none() && !in_thread && !has_topics(place) {
        let root = if to.root == 0 { to.number } else { to.root };
        return Ok(Spot { thread: None, in_thread: false, root, parent: to.number });
    }
    let thread = match to.thread {
        Some(thread) => thread,
        None => {
            let fresh = fresh_thread(tx);
            messages::open_thread(tx, to.number, fresh).await?
        }
    };
    let root = match to.thread_root() {
        0 => to.number,
        root => root,
    };
    Ok(Spot { thread: Some(thread), in_thread: true, root, parent: root })
}

/// Whether every message of the chat begins a thread.
pub fn has_topics(place: &Place) -> bool {
    place.chat.mode == ChatMode::Topic || place.chat.group_message_type == GroupMessageType::Thread
}

/// The id of a new thread.
pub fn fresh_thread(tx: &Tx) -> ThreadId {
    let [.., a, b, c, d, e, f, g, h] = tx.random_id().to_be_bytes();
    ThreadId(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
}

/// What a uuid does.
pub const REPEATED: Behaviour = Behaviour {
    name: "message_uuid",
    rule: "For one hour of the world's time, a call with the uuid of an earlier success by the same app and operator answers the message of that call, whatever else it says: no event, no limit. A refused call does not use up its uuid.",
    basis: Observed,
    switch: false,
};
/// How often a chat takes messages.
pub const LIMIT: Behaviour = Behaviour {
    name: "chat_limit",
    rule: "A chat takes at most five messages in a second of the world's time from all apps together: more are 230020. In a p2p chat these are the messages of one bot to one user. People at their clients are not limited.",
    basis: Documented,
    switch: true,
};
/// How often a message counts as activity of its chat.
pub const ACTIVITY: Behaviour = Behaviour {
    name: "message_activity",
    rule: "For the list of chats by activity, messages move their chat at most once a minute.",
    basis: Assumed,
    switch: false,
};
/// Where threads are.
pub const THREADS: Behaviour = Behaviour {
    name: "message_threads",
    rule: "A thread can be opened on any message that was not recalled, in p2p chats, too. In topic groups, and in groups whose messages form threads, every message opens one; a reply to a message from before this setting opens its thread.",
    basis: Assumed,
    switch: false,
};
/// The deviation of the limit.
pub const COUNTED: &str = "The five messages per second of a chat are counted when they are stored: calls at the same moment may exceed it. With several servers the messages of batches count, too.";
