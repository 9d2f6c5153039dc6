//! A chat, as lists and searches answer it.

use std::collections::HashMap;

use larkspur_contract::Fault;
use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{ChatMode, UserIdType};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::listing::Cursor;
use larkspur_store::users::User;
use larkspur_store::{Tx, listing, users};
use schemars::JsonSchema;
use serde::Serialize;

use crate::rules::images::avatar_url;
use crate::{Call, translate};

/// A chat of a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Item {
    /// Its id.
    pub(crate) chat_id: String,
    /// URL of its avatar.
    avatar: String,
    /// Its name.
    pub(crate) name: String,
    /// Its description.
    description: String,
    /// The owner; absent if the owner is a bot.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_id: Option<String>,
    /// The form of `owner_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_id_type: Option<UserIdType>,
    /// Whether users of other tenants may be in it.
    external: bool,
    /// Its tenant.
    tenant_key: String,
    /// Normal or dissolved.
    chat_status: String,
    /// Group, topic or p2p; only if the request can find other chats than groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) chat_mode: Option<ChatMode>,
    /// The kind of the other party of a p2p chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p2p_target_type: Option<PeerKind>,
    /// The other party of a p2p chat; a bot by its open_id, as the calling app sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p2p_target_id: Option<String>,
    /// Its mode, whether or not it is in the answer.
    #[serde(skip)]
    pub(crate) mode: ChatMode,
}

/// The kind of the other party of a p2p chat.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PeerKind {
    /// A user.
    User,
    /// A bot.
    Bot,
}

/// A page of chats.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Page {
    /// The chats.
    items: Vec<Item>,
    /// Token of the next page; empty on the last one.
    page_token: String,
    /// Whether there is a next page.
    has_more: bool,
}

impl Page {
    pub(crate) fn new(items: Vec<Item>, next: Option<String>) -> Page {
        Page { items, has_more: next.is_some(), page_token: next.unwrap_or_default() }
    }
}

/// The identity of a list in page tokens: the operation, the owner of the list, and what else the request depends on.
pub(crate) fn list(operation: &str, call: &Call, about: &str) -> String {
    format!("{operation} {} {} {} {about}", call.tenant, call.app_id(), call.operator().to_column())
}

/// The size of a page: 20 by default; the schema limits other values. Source: the list pages.
pub(crate) fn size(asked: Option<i64>) -> usize {
    asked.and_then(|size| usize::try_from(size).ok()).unwrap_or(20).max(1)
}

/// Encodes the end of a page for a page token.
pub(crate) fn write(cursor: Cursor) -> String {
    format!("{} {}", cursor.time, cursor.chat_id)
}

/// Decodes what [`write()`] encodes.
pub(crate) fn read(text: &str) -> Option<Cursor> {
    let (time, chat_id) = text.split_once(' ')?;
    Some(Cursor { time: time.parse().ok()?, chat_id: ChatId::parse(chat_id)? })
}

/// Chats in their order, as lists answer them.
pub(crate) async fn show(
    tx: &mut Tx,
    call: &Call,
    ids: &[ChatId],
    form: UserIdType,
) -> Result<Vec<Item>, Fault> {
    let found = listing::chats(tx, ids).await?;
    let owners = owners(tx, &found).await?;
    let mut chats: HashMap<ChatId, Chat> = found.into_iter().map(|chat| (chat.chat_id, chat)).collect();
    let tenant = tx.tenant();
    let item = |chat: Chat| {
        let owner_id = owner_id(tx, call, &owners, &chat, form);
        Item {
            chat_id: chat.chat_id.to_string(),
            avatar: avatar_url(&chat.avatar),
            name: chat.name,
            description: chat.description,
            owner_id_type: owner_id.is_some().then_some(form),
            owner_id,
            external: chat.external,
            tenant_key: tenant.to_string(),
            chat_status: chat.status.as_str().to_owned(),
            chat_mode: None,
            p2p_target_type: None,
            p2p_target_id: None,
            mode: chat.mode,
        }
    };
    Ok(ids.iter().filter_map(|id| chats.remove(id)).map(item).collect())
}

/// The owners of chats that are users, by the tenant's own ids.
pub(crate) async fn owners(tx: &mut Tx, chats: &[Chat]) -> Result<HashMap<String, User>, Fault> {
    let ids = chats.iter().filter_map(|chat| match &chat.owner {
        Some(Member::User(user_id)) => Some(user_id.as_str()),
        _ => None,
    });
    let found = users::by_ids(tx, ids).await?;
    Ok(found.into_iter().map(|user| (user.user_id.clone(), user)).collect())
}

/// A chat's owner in the caller's id form; `None` if the owner is a bot.
pub(crate) fn owner_id(
    tx: &Tx,
    call: &Call,
    owners: &HashMap<String, User>,
    chat: &Chat,
    form: UserIdType,
) -> Option<String> {
    let Some(Member::User(user_id)) = &chat.owner else { return None };
    owners.get(user_id).map(|user| translate::user_id(&tx.engine().keys, call, user, form))
}
