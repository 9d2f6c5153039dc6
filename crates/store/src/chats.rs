//! Chats.

use std::collections::BTreeSet;

use larkspur_contract::ids::{AppId, ChatId, TenantKey};
use larkspur_contract::model::{
    ChatCondition, ChatMode, ChatSettings, ChatStatus, ChatType, GroupMessageType, I18nNames, Permission,
};

use crate::driver::StoreError;
pub use crate::member::Member;
use crate::text::{self, fold};
use crate::value::{from_json, to_json};
use crate::{Root, Row, Tx, Value, parties};

/// A chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat {
    /// Its id.
    pub chat_id: ChatId,
    /// Group, topic or p2p.
    pub mode: ChatMode,
    /// Private or public.
    pub chat_type: ChatType,
    /// `inner`, `tenant`, `department`, …
    pub tag: String,
    /// Normal or dissolved.
    pub status: ChatStatus,
    /// Whether users of other tenants may be in it.
    pub external: bool,
    /// Name; empty means none.
    pub name: String,
    /// Description; empty means none.
    pub description: String,
    /// Names by language.
    pub i18n_names: I18nNames,
    /// Avatar: an image key, or empty for the default one.
    pub avatar: String,
    /// The owner.
    pub owner: Option<Member>,
    /// The app whose bot made it.
    pub creator_app: Option<AppId>,
    /// Whether messages form one stream or threads.
    pub group_message_type: GroupMessageType,
    /// The settings that answers show.
    pub settings: ChatSettings,
    /// Who may manage tabs, widgets and menus. No public operation reads or writes it.
    pub manage_widgets: Permission,
    /// States that no public operation sets, each once.
    pub conditions: Vec<ChatCondition>,
    /// Members who are users.
    pub user_count: i64,
    /// Members that are bots.
    pub bot_count: i64,
}

impl Chat {
    /// Whether it is in a state.
    pub fn is(&self, condition: ChatCondition) -> bool {
        self.conditions.contains(&condition)
    }
}

/// A chat whose row this transaction has locked: no other transaction changes the chat until this one ends.
///
/// Functions that write a chat's rows take one, and only [`lock`] and [`insert`] make one.
#[derive(Debug)]
pub struct LockedChat(Chat);

impl std::ops::Deref for LockedChat {
    type Target = Chat;
    fn deref(&self) -> &Chat {
        &self.0
    }
}

pub(crate) const COLUMNS: &str = "chat_id, chat_mode, chat_type, chat_tag, chat_status, external, name, description, i18n_names, \
                       avatar, owner, creator_app, group_message_type, settings, manage_widgets, user_count, bot_count, conditions";

pub(crate) fn chat(mut row: Row) -> Result<Chat, StoreError> {
    Ok(Chat {
        chat_id: row.id(0, ChatId::parse)?,
        mode: row.id(1, ChatMode::parse)?,
        chat_type: row.id(2, ChatType::parse)?,
        tag: row.text(3)?,
        status: row.id(4, ChatStatus::parse)?,
        external: row.flag(5)?,
        name: row.text(6)?,
        description: row.text(7)?,
        i18n_names: from_json(&row.text(8)?)?,
        avatar: row.text(9)?,
        owner: Some(row.text(10)?).filter(|owner| !owner.is_empty()).map(|owner| Member::parse(&owner)),
        creator_app: AppId::parse(&row.text(11)?),
        group_message_type: row.id(12, GroupMessageType::parse)?,
        settings: from_json(&row.text(13)?)?,
        manage_widgets: row.id(14, Permission::parse)?,
        user_count: row.int(15)?,
        bot_count: row.int(16)?,
        conditions: row.text(17)?.split_ascii_whitespace().filter_map(ChatCondition::parse).collect(),
    })
}

/// A chat of the tenant.
pub async fn get(tx: &mut Tx, chat_id: ChatId) -> Result<Option<Chat>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM chat WHERE tenant = $1 AND chat_id = $2");
    tx.row(&sql, [chat_id.into()]).await?.map(chat).transpose()
}

/// The chats in use that have a name: at most two, to tell whether it is unique.
pub async fn named(tx: &mut Tx, name: &str) -> Result<Vec<ChatId>, StoreError> {
    let sql = "SELECT chat_id FROM chat WHERE tenant = $1 AND name = $2 AND chat_status = $3 \
               ORDER BY chat_id LIMIT 2";
    let rows = tx.rows(sql, [name.into(), ChatStatus::Normal.as_str().into()]).await?;
    rows.into_iter().map(|mut row| row.id(0, ChatId::parse)).collect()
}

/// A chat as one who wants to speak in it finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The chat.
    pub chat: Chat,
    /// Whether the speaker is in it; if so, whether as a manager.
    pub manager: Option<bool>,
    /// Whether the speaker is on the list of those who may speak.
    pub moderator: bool,
    /// When something last happened in it, in the tenant's time.
    pub active_at: i64,
    /// The two parties of a p2p chat; empty for other chats.
    pub parties: Vec<Member>,
}

impl Place {
    /// The other party of a p2p chat.
    pub fn other(&self, speaker: &Member) -> Option<&Member> {
        self.parties.iter().find(|party| *party != speaker)
    }
}

/// A chat of the tenant, with what says whether a member may speak in it. Operations that only add rows may call it.
pub async fn place(tx: &mut Tx, chat_id: ChatId, speaker: &Member) -> Result<Option<Place>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, active_at, parties, \
         (SELECT m.manager FROM chat_member m WHERE m.tenant = $1 AND m.chat_id = $2 AND m.member = $3), \
         (SELECT COUNT(*) FROM chat_moderator o WHERE o.tenant = $1 AND o.chat_id = $2 AND o.member = $3) \
         FROM chat WHERE tenant = $1 AND chat_id = $2"
    );
    let rows = tx.look_up(&sql, [chat_id.into(), speaker.to_column().into()]).await?;
    let Some(mut row) = rows.into_iter().next() else { return Ok(None) };
    let (active_at, parties) = (row.int(18)?, row.text(19)?);
    let (manager, moderator) = (row.int_or_null(20)?.map(|manager| manager != 0), row.int(21)? != 0);
    let parties = parties.split(' ').filter(|party| !party.is_empty()).map(Member::parse).collect();
    Ok(Some(Place { chat: chat(row)?, manager, moderator, active_at, parties }))
}

/// Records that something happened in a chat, for the list that is ordered by it, if the last such record is a minute old.
/// Most messages therefore write nothing but themselves.
pub async fn touch_by_message(tx: &mut Tx, place: &Place, now_ms: i64) -> Result<(), StoreError> {
    let before_ms = now_ms.saturating_sub(COARSE_MS);
    if place.active_at >= before_ms {
        return Ok(());
    }
    set_active(tx, place.chat.chat_id, now_ms, before_ms).await
}

/// Locks a chat's row: until this transaction ends, no other one changes the chat.
pub async fn lock(tx: &mut Tx, chat_id: ChatId) -> Result<Option<LockedChat>, StoreError> {
    let sql =
        format!("UPDATE chat SET version = version WHERE tenant = $1 AND chat_id = $2 RETURNING {COLUMNS}");
    Ok(tx.row(&sql, [chat_id.into()]).await?.map(chat).transpose()?.map(LockedChat))
}

/// Adds a chat without members.
pub async fn insert(tx: &mut Tx, chat: Chat, now_ms: i64) -> Result<LockedChat, StoreError> {
    let sql = "INSERT INTO chat (tenant, chat_id, chat_mode, chat_type, chat_tag, chat_status, external, name, \
               name_folded, description, i18n_names, avatar, owner, creator_app, group_message_type, settings, \
               manage_widgets, conditions, user_count, bot_count, created_at, active_at, version) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 0, 0, $19, $19, 1)";
    let mut params = vec![chat.chat_id.into()];
    params.extend(columns(&chat)?);
    params.push(now_ms.into());
    tx.rows_of(sql, params).await?;
    add_terms(tx, &chat, now_ms).await?;
    Ok(LockedChat(Chat { user_count: 0, bot_count: 0, ..chat }))
}

/// Replaces everything of a chat except its id and its counts.
pub async fn update(tx: &mut Tx, locked: &LockedChat, new: &Chat) -> Result<(), StoreError> {
    let sql = "UPDATE chat SET chat_mode = $3, chat_type = $4, chat_tag = $5, chat_status = $6, external = $7, name = $8, \
               name_folded = $9, description = $10, i18n_names = $11, avatar = $12, owner = $13, creator_app = $14, \
               group_message_type = $15, settings = $16, manage_widgets = $17, conditions = $18 WHERE tenant = $1 AND chat_id = $2";
    let mut params = vec![locked.chat_id.into()];
    params.extend(columns(new)?);
    tx.rows_of(sql, params).await?;
    let listed_as = listed(new);
    if listed_as != listed(locked) {
        let sql = "UPDATE chat_member SET listed = $3 WHERE tenant = $1 AND chat_id = $2";
        tx.rows(sql, [locked.chat_id.into(), listed_as.into()]).await?;
    }
    if new.mode != locked.mode {
        parties::settle(tx, locked.chat_id).await?;
    }
    change_terms(tx, locked, new).await
}

/// Up to this many members, the activity time of a chat is exact.
const EXACT_UP_TO: i64 = 100;
/// In larger chats it changes at most this often, in milliseconds: each change writes a row for every member.
const COARSE_MS: i64 = 60_000;

/// Records activity in a chat, for the list that is ordered by it. It is written when the operation has succeeded
/// ([`Tx::settle`]): a refused operation has written nothing.
pub fn touch(tx: &mut Tx, locked: &LockedChat, now_ms: i64) {
    let coarse = locked.user_count + locked.bot_count > EXACT_UP_TO;
    let before_ms = if coarse { now_ms.saturating_sub(COARSE_MS) } else { now_ms };
    let chat_id = locked.chat_id;
    tx.at_end(move |tx| Box::pin(set_active(tx, chat_id, now_ms, before_ms)));
}

/// Sets the time of a chat's last activity, if the previous one is before `before_ms`.
async fn set_active(tx: &mut Tx, chat: ChatId, now_ms: i64, before_ms: i64) -> Result<(), StoreError> {
    let sql = "UPDATE chat SET active_at = $3 WHERE tenant = $1 AND chat_id = $2 AND active_at < $4 RETURNING chat_id";
    if tx.row(sql, [chat.into(), now_ms.into(), before_ms.into()]).await?.is_some() {
        let sql = "UPDATE chat_member SET chat_active_at = $3 WHERE tenant = $1 AND chat_id = $2";
        tx.rows(sql, [chat.into(), now_ms.into()]).await?;
    }
    Ok(())
}

/// The tenant of a chat.
async fn home(root: &mut Root, chat: ChatId) -> Result<Option<TenantKey>, StoreError> {
    let rows = root.rows("SELECT tenant FROM chat WHERE chat_id = $1", &[Value::from(chat)]).await?;
    rows.into_iter().next().map(|mut row| row.id(0, TenantKey::parse)).transpose()
}

/// Whether a chat that the transaction's tenant does not have exists in another one: it tells 232010 from 232006.
///
/// Besides [`crate::apps::is_known`], the only look-up outside of the tenant that an operation may do.
pub async fn is_elsewhere(tx: &mut Tx, chat: ChatId) -> Result<bool, StoreError> {
    Ok(home(&mut tx.root(), chat).await?.is_some_and(|home| home != tx.tenant()))
}

/// Whether another public chat of the tenant has this name. Until this transaction ends, no other one can use it.
pub async fn public_name_is_taken(tx: &mut Tx, locked: &LockedChat, name: &str) -> Result<bool, StoreError> {
    let sql = "INSERT INTO chat_name_lock (tenant, name, chat_id) VALUES ($1, $2, $3) \
               ON CONFLICT (tenant, name) DO UPDATE SET chat_id = excluded.chat_id";
    tx.rows(sql, [name.into(), locked.chat_id.into()]).await?;
    let row = tx.row(PUBLIC_NAME, [name.into(), locked.chat_id.into()]).await?;
    Ok(row.is_some())
}

const PUBLIC_NAME: &str = "SELECT chat_id FROM chat WHERE tenant = $1 AND name = $2 AND chat_type = 'public' \
                           AND chat_status = 'normal' AND chat_id <> $3 LIMIT 1";

/// The statements of this file that look for chats, for the test of their query plans.
pub const STATEMENTS: &[&str] = &[PUBLIC_NAME];

/// The columns that [`insert`] and [`update`] share, in that order.
fn columns(chat: &Chat) -> Result<[Value; 16], StoreError> {
    Ok([
        chat.mode.as_str().into(),
        chat.chat_type.as_str().into(),
        chat.tag.as_str().into(),
        chat.status.as_str().into(),
        chat.external.into(),
        chat.name.as_str().into(),
        fold(&chat.name).into(),
        chat.description.as_str().into(),
        to_json(&chat.i18n_names)?.into(),
        chat.avatar.as_str().into(),
        chat.owner.as_ref().map(Member::to_column).unwrap_or_default().into(),
        chat.creator_app.map(|app| app.to_string()).unwrap_or_default().into(),
        chat.group_message_type.as_str().into(),
        to_json(&chat.settings)?.into(),
        chat.manage_widgets.as_str().into(),
        chat.conditions.iter().map(|condition| condition.as_str()).collect::<Vec<_>>().join(" ").into(),
    ])
}

/// Whether the list of chats shows a chat. P2p chats are left out (source: the list page), dissolved ones too (assumed).
fn is_listed(chat: &Chat) -> bool {
    chat.mode != ChatMode::P2p && chat.status != ChatStatus::Dissolved
}

/// In which list of its members a chat is: 1 for groups, 2 for chats of two parties, 0 for neither.
fn listed(chat: &Chat) -> i64 {
    match (chat.status, chat.mode) {
        (ChatStatus::Dissolved, _) => 0,
        (_, ChatMode::P2p) => 2,
        (_, ChatMode::Group | ChatMode::Topic) => 1,
    }
}

/// Whether everyone in the tenant can find a chat.
fn is_open(chat: &Chat) -> bool {
    is_listed(chat) && chat.status == ChatStatus::Normal && chat.chat_type == ChatType::Public
}

/// The names by which a chat is found.
fn names(chat: &Chat) -> Vec<&str> {
    if !is_listed(chat) {
        return Vec::new();
    }
    let names = &chat.i18n_names;
    let i18n = [&names.zh_cn, &names.en_us, &names.ja_jp].into_iter().flatten();
    std::iter::once(chat.name.as_str()).chain(i18n.map(String::as_str)).collect()
}

fn terms(chat: &Chat) -> BTreeSet<String> {
    text::terms(names(chat))
}

/// Writes the terms of a new chat.
async fn add_terms(tx: &mut Tx, chat: &Chat, created_at: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO chat_term (tenant, chat_id, term, is_open, created_at, words) VALUES ($1, $2, $3, $4, $5, $6)";
    let words = text::marked(names(chat));
    for term in terms(chat) {
        let (id, is_open) = (chat.chat_id.into(), is_open(chat).into());
        tx.rows(sql, [id, term.into(), is_open, created_at.into(), words.as_str().into()]).await?;
    }
    Ok(())
}

/// Rewrites the terms of a chat, if a change affects them.
async fn change_terms(tx: &mut Tx, old: &Chat, new: &Chat) -> Result<(), StoreError> {
    if terms(old) == terms(new) && is_open(old) == is_open(new) {
        return Ok(());
    }
    tx.rows("DELETE FROM chat_term WHERE tenant = $1 AND chat_id = $2", [new.chat_id.into()]).await?;
    let created_at = created_at(tx, new.chat_id).await?;
    add_terms(tx, new, created_at).await
}

async fn created_at(tx: &mut Tx, chat: ChatId) -> Result<i64, StoreError> {
    let sql = "SELECT created_at FROM chat WHERE tenant = $1 AND chat_id = $2";
    tx.row(sql, [chat.into()]).await?.map_or(Ok(0), |row| row.int(0))
}
