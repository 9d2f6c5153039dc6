//! The parts of a chat as a user sees them.

use larkspur_api::announcing;
use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{AnnouncementType, TabType};
use larkspur_contract::{Fault, model::TagI18nName};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::{StoreError, Tx, members, messages, moderation, pins, tabs, tags};
use schemars::JsonSchema;
use serde::Serialize;

use super::Role;
use super::names::{Kind, Names};
use super::shown_message::line;
use crate::operations::message;

/// The most members that are shown.
const MEMBERS: i64 = 200;
/// The most pins that are counted.
const PINS: usize = 100;

/// A tag.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TagChip {
    /// Its id.
    tag_id: String,
    /// Its name in the language.
    name: String,
}

/// A tab.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Tab {
    /// Its id.
    tab_id: String,
    /// Its type.
    tab_type: TabType,
    /// Its name; empty means none.
    name: String,
    /// What it opens: a URL, or a document; empty for the built-in tabs.
    target: String,
}

/// An item of a top notice.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Notice {
    /// `message` or `announcement`.
    kind: &'static str,
    /// The message.
    #[serde(skip_serializing_if = "String::is_empty")]
    message_id: String,
    /// The message in one line.
    line: String,
}

/// An announcement.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Board {
    /// Its form; `none` if there is no announcement.
    form: AnnouncementType,
    /// Whether only owner and managers can access its document.
    locked: bool,
    /// The number of edits, or the latest revision.
    revision: i64,
    /// Its first 4,000 characters, a line for each block.
    text: String,
    /// Whether it has more.
    cut: bool,
}

/// Who is in a chat.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct People {
    /// How many users are in it.
    user_count: i64,
    /// How many bots are in it.
    bot_count: i64,
    /// The first 200 members, in the order in which they joined.
    members: Vec<Inside>,
    /// Whether it has more.
    more_members: bool,
}

/// A member.
#[derive(Debug, Serialize, JsonSchema)]
struct Inside {
    /// A user_id or an app_id.
    member: String,
    /// A user or a bot.
    kind: Kind,
    /// Its name; of a deleted user or app its id.
    name: String,
    /// Its role.
    role: Role,
}

pub(super) async fn tags(tx: &mut Tx, chat: ChatId, language: &str) -> Result<Vec<TagChip>, StoreError> {
    let chip = |tag: tags::Tag| {
        let own = |name: &&TagI18nName| name.locale == language;
        let name = tag.i18n_names.iter().find(own).and_then(|name| name.name.clone());
        TagChip { tag_id: tag.tag_id.to_string(), name: name.unwrap_or(tag.name) }
    };
    Ok(tags::bound(tx, chat).await?.into_iter().map(|(tag, _)| chip(tag)).collect())
}

pub(super) async fn tabs(tx: &mut Tx, chat: ChatId) -> Result<Vec<Tab>, StoreError> {
    let shown = |tab: tabs::Tab| Tab {
        tab_id: tab.tab_id.to_string(),
        tab_type: tab.tab_type,
        name: tab.name,
        target: tab.target,
    };
    Ok(tabs::list(tx, chat).await?.into_iter().map(shown).collect())
}

pub(super) async fn top_notice(tx: &mut Tx, chat: ChatId) -> Result<Vec<Notice>, Fault> {
    let mut shown = Vec::new();
    for notice in moderation::top(tx, chat).await? {
        let found = match larkspur_api::messages::finding::number(tx, &notice.message_id) {
            Some(number) => messages::get(tx, number).await?,
            None => None,
        };
        let line = match found {
            Some(found) => line(&message::show(tx, found).await?),
            None => String::new(),
        };
        let kind = if notice.message_id.is_empty() { "announcement" } else { "message" };
        shown.push(Notice { kind, message_id: notice.message_id, line });
    }
    Ok(shown)
}

pub(super) async fn announcement(tx: &mut Tx, chat: &Chat) -> Result<Board, Fault> {
    let told = announcing::told(tx, chat).await?;
    Ok(Board {
        form: told.kind,
        locked: told.locked,
        revision: told.revision,
        text: told.text,
        cut: told.cut,
    })
}

pub(super) async fn people(tx: &mut Tx, chat: &Chat) -> Result<People, StoreError> {
    let mut found = members::after(tx, chat.chat_id, None, MEMBERS + 1).await?;
    let most = usize::try_from(MEMBERS).unwrap_or(usize::MAX);
    let more_members = found.len() > most;
    found.truncate(most);
    let all: Vec<Member> = found.into_iter().map(|found| found.member).collect();
    let names = Names::of(tx, &all).await?;
    let managers = members::managers(tx, chat.chat_id).await?;
    let inside = |member: &Member| Inside {
        member: member.to_column(),
        kind: Kind::of(member),
        name: names.name(member),
        role: Role::of(chat, member, managers.contains(member)),
    };
    let members = all.iter().map(inside).collect();
    Ok(People { user_count: chat.user_count, bot_count: chat.bot_count, members, more_members })
}

pub(super) async fn pins(tx: &mut Tx, chat: ChatId) -> Result<usize, StoreError> {
    Ok(pins::page(tx, chat, i64::MIN, i64::MAX, None, PINS).await?.len())
}
