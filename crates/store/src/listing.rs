//! The chats of a member, and those found by the names of people: pages and candidates from indexes alone.

use std::collections::{HashMap, HashSet};

use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{ChatMode, ChatType, GroupMessageType};

use crate::chats::{COLUMNS, Chat, Member, chat};
use crate::driver::StoreError;
use crate::tx::{found_rows, wanted};
use crate::{Row, Tx, Value, text};

/// The order of a list of chats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The oldest first.
    Creation,
    /// The most recently active first.
    Activity,
}

/// Where a page of chats ends: the last one on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The time by which the list is ordered, in milliseconds since 1970.
    pub time: i64,
    /// The chat.
    pub chat_id: ChatId,
}

/// Which chats of a member a list shows. Dissolved ones are never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Groups and topic groups.
    Groups,
    /// Chats of two parties.
    P2p,
}

impl Kind {
    fn listed(self) -> Value {
        Value::Int(match self {
            Kind::Groups => 1,
            Kind::P2p => 2,
        })
    }
}

pub(crate) fn limit(size: usize) -> Value {
    i64::try_from(size).unwrap_or(i64::MAX).into()
}

pub(crate) fn cursor(mut row: Row) -> Result<Cursor, StoreError> {
    Ok(Cursor { time: row.int(0)?, chat_id: row.id(1, ChatId::parse)? })
}

pub(crate) fn cursors(rows: Vec<Row>) -> Result<Vec<Cursor>, StoreError> {
    rows.into_iter().map(cursor).collect()
}

const BY_CREATION: &str = "SELECT chat_created_at, chat_id FROM chat_member WHERE tenant = $1 AND member = $2 AND listed = $6 \
                           AND (chat_created_at, chat_id) > (CAST($3 AS BIGINT), CAST($4 AS TEXT)) ORDER BY chat_created_at, chat_id LIMIT $5";
const BY_ACTIVITY: &str = "SELECT chat_active_at, chat_id FROM chat_member WHERE tenant = $1 AND member = $2 AND listed = $6 \
                           AND (chat_active_at, chat_id) < (CAST($3 AS BIGINT), CAST($4 AS TEXT)) ORDER BY chat_active_at DESC, chat_id DESC LIMIT $5";

/// Up to `size` chats of a member after a cursor.
pub async fn page(
    tx: &mut Tx,
    member: &Member,
    kind: Kind,
    order: Order,
    last: Option<Cursor>,
    size: usize,
) -> Result<Vec<Cursor>, StoreError> {
    let (sql, first) = match order {
        Order::Creation => (BY_CREATION, Cursor { time: i64::MIN, chat_id: ChatId(0) }),
        Order::Activity => (BY_ACTIVITY, Cursor { time: i64::MAX, chat_id: ChatId(u128::MAX) }),
    };
    let last = last.unwrap_or(first);
    let params =
        [member.to_column().into(), last.time.into(), last.chat_id.into(), limit(size), kind.listed()];
    cursors(tx.rows(sql, params).await?)
}

/// The chats of a world, the most recently active first. The common lists are those of members, so that no index has this
/// order, which each activity would have to change: at most [`OF_WORLD_MOST`] chats are looked at.
const OF_WORLD: &str = "SELECT o.active_at, o.chat_id FROM (SELECT active_at, chat_id FROM chat WHERE tenant = $1 AND chat_id >= 'oc_' \
                        ORDER BY chat_id LIMIT 5000) o WHERE (o.active_at, o.chat_id) < (CAST($2 AS BIGINT), CAST($3 AS TEXT)) \
                        ORDER BY o.active_at DESC, o.chat_id DESC LIMIT $4";
/// The most chats of a world that [`of_world`] looks at.
pub const OF_WORLD_MOST: usize = 5000;

/// Up to `size` chats of the tenant after a cursor, the most recently active first, whatever their state: of
/// [`OF_WORLD_MOST`] chats, in a tenant that has more.
///
/// # Errors
/// The store is unavailable.
pub async fn of_world(tx: &mut Tx, last: Option<Cursor>, size: usize) -> Result<Vec<Cursor>, StoreError> {
    let last = last.unwrap_or(Cursor { time: i64::MAX, chat_id: ChatId(u128::MAX) });
    cursors(tx.rows(OF_WORLD, [last.time.into(), last.chat_id.into(), limit(size)]).await?)
}

/// Chats by id, in no order; unknown ids are left out.
pub async fn chats(tx: &mut Tx, ids: &[ChatId]) -> Result<Vec<Chat>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(64) {
        let mut params: Vec<Value> = chunk.iter().map(|id| (*id).into()).collect();
        let wanted = wanted(2, "TEXT", &mut params);
        let sql = format!(
            "SELECT {COLUMNS} FROM {wanted} LEFT JOIN chat ON chat.tenant = $1 AND chat.chat_id = w.column1"
        );
        for row in found_rows(tx.rows_of(&sql, params).await?) {
            found.push(chat(row)?);
        }
    }
    Ok(found)
}

/// The users with the term, and those of their chats that the caller is in too.
const PEOPLE: &str = "SELECT o.chat_created_at, o.chat_id FROM (SELECT c.chat_created_at, c.chat_id FROM \
                      (SELECT user_id FROM user_term WHERE tenant = $1 AND term >= $3 AND term < $4 AND user_id <> $2 ORDER BY term, user_id LIMIT 50) u \
                      CROSS JOIN chat_member c WHERE c.tenant = $1 AND c.member = u.user_id AND c.listed = 1 LIMIT 5000) o \
                      WHERE EXISTS (SELECT 1 FROM chat_member m WHERE m.tenant = $1 AND m.chat_id = o.chat_id AND m.member = $2) LIMIT 1000";
/// The chats of one member that the caller is in too.
const SHARED: &str = "SELECT o.chat_created_at, o.chat_id FROM (SELECT chat_created_at, chat_id FROM chat_member WHERE tenant = $1 AND member = $3 \
                      AND listed = 1 ORDER BY chat_active_at DESC, chat_id DESC LIMIT 5000) o \
                      WHERE EXISTS (SELECT 1 FROM chat_member m WHERE m.tenant = $1 AND m.chat_id = o.chat_id AND m.member = $2) LIMIT 1000";

/// The statements of this file, for the test of their query plans.
pub const STATEMENTS: &[&str] = &[BY_CREATION, BY_ACTIVITY, OF_WORLD, PEOPLE, SHARED];

/// The member's chats in which another member's name matches a term: at most 1000, unordered, with duplicates. The term
/// must not be empty.
pub async fn by_people(tx: &mut Tx, member: &Member, term: &str) -> Result<Vec<Cursor>, StoreError> {
    let (low, high) = text::range(term);
    cursors(tx.rows(PEOPLE, [member.to_column().into(), low.into(), high.into()]).await?)
}

/// The chats that a member shares with another one: at most 1000.
pub async fn shared(tx: &mut Tx, member: &Member, other: &Member) -> Result<Vec<Cursor>, StoreError> {
    cursors(tx.rows(SHARED, [member.to_column().into(), other.to_column().into()]).await?)
}

/// Those of some chats whose own names match a term.
pub async fn named(tx: &mut Tx, ids: &[ChatId], term: &str) -> Result<HashSet<ChatId>, StoreError> {
    let (low, high) = text::range(term);
    let mut found = HashSet::new();
    for chunk in ids.chunks(64) {
        let mut params: Vec<Value> = chunk.iter().map(|id| (*id).into()).collect();
        let wanted = wanted(4, "TEXT", &mut params);
        params.splice(0..0, [low.as_str().into(), high.as_str().into()]);
        let sql = format!(
            "SELECT DISTINCT chat_id FROM {wanted} LEFT JOIN chat_term ON chat_term.tenant = $1 AND chat_term.chat_id = w.column1 AND term >= $2 AND term < $3"
        );
        for mut row in found_rows(tx.rows_of(&sql, params).await?) {
            found.insert(row.id(0, ChatId::parse)?);
        }
    }
    Ok(found)
}

/// Those of some chats that a member is in, and whether it is a manager.
pub async fn joined(
    tx: &mut Tx,
    ids: &[ChatId],
    member: &Member,
) -> Result<HashMap<ChatId, bool>, StoreError> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(64) {
        let mut params: Vec<Value> = chunk.iter().map(|id| (*id).into()).collect();
        let wanted = wanted(3, "TEXT", &mut params);
        params.insert(0, member.to_column().into());
        let sql = format!(
            "SELECT chat_id, manager FROM {wanted} LEFT JOIN chat_member ON chat_member.tenant = $1 AND chat_member.chat_id = w.column1 AND member = $2"
        );
        for mut row in found_rows(tx.rows_of(&sql, params).await?) {
            found.insert(row.id(0, ChatId::parse)?, row.flag(1)?);
        }
    }
    Ok(found)
}

/// The properties by which a search filters and sorts chats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The chat.
    pub chat_id: ChatId,
    /// Group or topic.
    pub mode: ChatMode,
    /// In one stream or in threads.
    pub messages: GroupMessageType,
    /// Private or public.
    pub chat_type: ChatType,
    /// Whether users of other tenants may be in it.
    pub external: bool,
    /// The owner, as a column; empty if there is none.
    pub owner: String,
    /// The app whose bot made it, as a column; empty for none.
    pub creator_app: String,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// When something happened in it, in milliseconds since 1970.
    pub active_at: i64,
    /// Users and bots.
    pub members: i64,
}

/// The properties of some chats, in no order; unknown ids are left out.
pub async fn facts(tx: &mut Tx, ids: &[ChatId]) -> Result<Vec<Facts>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(64) {
        let mut params: Vec<Value> = chunk.iter().map(|id| (*id).into()).collect();
        let wanted = wanted(2, "TEXT", &mut params);
        let sql = format!(
            "SELECT chat_id, chat_mode, group_message_type, chat_type, external, owner, creator_app, created_at, active_at, \
             user_count + bot_count FROM {wanted} LEFT JOIN chat ON chat.tenant = $1 AND chat.chat_id = w.column1"
        );
        for mut row in found_rows(tx.rows_of(&sql, params).await?) {
            found.push(Facts {
                chat_id: row.id(0, ChatId::parse)?,
                mode: row.id(1, ChatMode::parse)?,
                messages: row.id(2, GroupMessageType::parse)?,
                chat_type: row.id(3, ChatType::parse)?,
                external: row.flag(4)?,
                owner: row.text(5)?,
                creator_app: row.text(6)?,
                created_at: row.int(7)?,
                active_at: row.int(8)?,
                members: row.int(9)?,
            });
        }
    }
    Ok(found)
}
