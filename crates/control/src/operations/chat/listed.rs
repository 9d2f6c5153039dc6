//! Chats as a list shows them.

use std::collections::HashMap;

use larkspur_api::messages::shown;
use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{ChatMode, ChatStatus, ChatType, MsgType};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::listing::{self, Cursor};
use larkspur_store::messages::{self, Message, Span};
use larkspur_store::{StoreError, Tx, members, reads};
use schemars::JsonSchema;
use serde::Serialize;

use super::Role;
use super::names::{Author, Names, Person};
use super::shown_message::line;
use crate::operations::message;

/// A chat in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Listed {
    /// Its id.
    chat_id: String,
    /// Group, topic or p2p.
    chat_mode: ChatMode,
    /// Private or public.
    chat_type: ChatType,
    /// Normal or dissolved.
    chat_status: ChatStatus,
    /// Whether users of other tenants may be in it.
    external: bool,
    /// Its name in the language; empty if it has none.
    name: String,
    /// The other party of a p2p chat, in the list of a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    with: Option<Person>,
    /// The parties of a p2p chat, in the list of a world.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parties: Vec<Person>,
    /// How many users are in it.
    user_count: i64,
    /// How many bots are in it.
    bot_count: i64,
    /// When something last happened in it, in milliseconds since 1970 by the world's clock.
    active_at_ms: i64,
    /// The role of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    /// Its latest message; absent if it has none. Replies in threads are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<Last>,
    /// How many messages the user has not read; 100 stands for 100 or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<usize>,
}

/// The latest message of a chat.
#[derive(Debug, Serialize, JsonSchema)]
struct Last {
    /// Its id.
    message_id: String,
    /// Its type.
    msg_type: MsgType,
    /// It in one line of text; empty if it was recalled.
    line: String,
    /// When it was sent, in milliseconds since 1970 by the world's clock.
    sent_at_ms: i64,
    /// Whether it was recalled.
    recalled: bool,
    /// Its sender: a user_id or an app_id; of a custom bot the id that it is shown under.
    sender: String,
    #[serde(flatten)]
    author: Author,
}

/// The chats of a page, in their order.
pub(super) async fn show(
    tx: &mut Tx,
    page: &[Cursor],
    reader: Option<&Member>,
    language: &str,
) -> Result<Vec<Listed>, StoreError> {
    let ids: Vec<ChatId> = page.iter().map(|cursor| cursor.chat_id).collect();
    let found = listing::chats(tx, &ids).await?;
    let mut chats: HashMap<ChatId, Chat> = found.into_iter().map(|chat| (chat.chat_id, chat)).collect();
    let parties = parties(tx, &chats).await?;
    let names = Names::of(tx, parties.values().flatten()).await?;
    let managers = match reader {
        Some(reader) => listing::joined(tx, &ids, reader).await?,
        None => HashMap::new(),
    };
    let mut last = latest(tx, &ids).await?;
    let mut listed = Vec::with_capacity(page.len());
    for cursor in page {
        let Some(chat) = chats.remove(&cursor.chat_id) else { continue };
        let all = parties.get(&chat.chat_id).map_or(&[][..], Vec::as_slice);
        let other = reader.and_then(|reader| all.iter().find(|party| *party != reader));
        let unread = match reader.and_then(Member::user_id) {
            Some(user_id) => Some(reads::unread(tx, chat.chat_id, user_id).await?),
            None => None,
        };
        let role = reader.zip(managers.get(&chat.chat_id));
        listed.push(Listed {
            with: other.map(|party| names.person(party)),
            parties: match reader {
                Some(_) => Vec::new(),
                None => all.iter().map(|party| names.person(party)).collect(),
            },
            role: role.map(|(reader, manager)| Role::of(&chat, reader, *manager)),
            last: last.remove(&chat.chat_id),
            unread,
            active_at_ms: cursor.time,
            chat_id: chat.chat_id.to_string(),
            chat_mode: chat.mode,
            chat_type: chat.chat_type,
            chat_status: chat.status,
            external: chat.external,
            user_count: chat.user_count,
            bot_count: chat.bot_count,
            name: chat.i18n_names.in_language(language).map_or(chat.name, str::to_owned),
        });
    }
    Ok(listed)
}

/// The parties of the p2p chats among some.
async fn parties(
    tx: &mut Tx,
    chats: &HashMap<ChatId, Chat>,
) -> Result<HashMap<ChatId, Vec<Member>>, StoreError> {
    let mut parties = HashMap::new();
    for chat in chats.values().filter(|chat| chat.mode == ChatMode::P2p) {
        let all = members::first(tx, chat.chat_id).await?;
        parties.insert(chat.chat_id, all.into_iter().map(|party| party.member).collect());
    }
    Ok(parties)
}

/// The latest messages of some chats.
async fn latest(tx: &mut Tx, ids: &[ChatId]) -> Result<HashMap<ChatId, Last>, StoreError> {
    let span = Span { backwards: true, ..Span::ALL };
    let mut found: Vec<Message> = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(messages::of_chat(tx, *id, span, None, 1).await?);
    }
    let names = Names::of_senders(tx, &found).await?;
    let viewer = message::viewer(tx);
    let shown = shown::show_all(tx, &viewer, found.clone()).await?;
    let last = |(message, shown): (Message, shown::Shown)| {
        let recalled = message.recalled.is_some();
        let last = Last {
            line: if recalled { String::new() } else { line(&shown) },
            msg_type: shown.msg_type,
            sent_at_ms: message.created_at,
            author: names.author(&message.sender),
            sender: shown.sender.id,
            message_id: shown.message_id,
            recalled,
        };
        (message.chat_id, last)
    };
    Ok(found.into_iter().zip(shown).map(last).collect())
}
