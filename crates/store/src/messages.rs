//! Messages.
//!
//! Everywhere they are in one order: by the time at which they were sent, then by number.

use std::collections::HashMap;

use larkspur_contract::ids::{AppId, ChatId, ThreadId};
use larkspur_contract::model::{MessageState, MsgType, RecallType};
use serde::{Deserialize, Serialize};

use crate::driver::StoreError;
use crate::member::Member;
use crate::tx::{PIECE, found_rows, wanted};
use crate::value::{from_json, to_json};
use crate::{Change, Notice, Row, Tx, Uuid, Value};

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its number: a snowflake, from which the message_id is derived.
    pub number: i64,
    /// Its chat.
    pub chat_id: ChatId,
    /// Where it is listed.
    pub listed: Listed,
    /// Its thread, if it is in one. The root of a thread is in it, too.
    pub thread: Option<ThreadId>,
    /// The root of the tree of replies; 0 if it is not a reply.
    pub root: i64,
    /// The message that it replies to; 0 if it is not a reply.
    pub parent: i64,
    /// The forwarded bundle that it is a part of; 0 if it is not one.
    pub upper: i64,
    /// The outermost bundle that it is a part of; 0 if it is not one.
    pub bundle: i64,
    /// Its type.
    pub msg_type: MsgType,
    /// Its content as it is stored, with placeholders for those whom it mentions.
    pub content: String,
    /// Those whom it mentions: the first one is `@_user_1`.
    pub mentions: Vec<Mention>,
    /// Its sender.
    pub sender: Sender,
    /// The app that sent it, also on behalf of a user; `None` if a client did.
    pub app: Option<AppId>,
    /// When it was sent, in milliseconds of the tenant's time.
    pub created_at: i64,
    /// When it was last changed, in milliseconds of the tenant's time.
    pub updated_at: i64,
    /// How often it was edited.
    pub edits: i64,
    /// How it was recalled; `None` if it was not.
    pub recalled: Option<Recalled>,
}

impl Message {
    /// The number of the root of its thread; 0 outside of threads.
    pub fn thread_root(&self) -> i64 {
        match (self.thread, self.listed) {
            (None, _) => 0,
            (Some(_), Listed::InThread) => self.root,
            (Some(_), Listed::InChat | Listed::Nowhere) => self.number,
        }
    }
}

/// Where a message is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// In its chat, and in its thread if it is the root of one.
    InChat,
    /// In its thread only.
    InThread,
    /// Nowhere: it is a part of a forwarded bundle.
    Nowhere,
}

impl Listed {
    fn column(self) -> i64 {
        match self {
            Listed::InChat => 0,
            Listed::InThread => 1,
            Listed::Nowhere => 2,
        }
    }

    fn read(column: i64) -> Self {
        match column {
            0 => Listed::InChat,
            1 => Listed::InThread,
            _ => Listed::Nowhere,
        }
    }
}

/// A user or a bot, with what its ids are made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Subject {
    /// A user.
    User {
        /// The tenant's own id.
        user_id: String,
        /// The number that open_id and union_id are made of.
        number: u64,
    },
    /// The bot of an app.
    Bot {
        /// The app's number.
        bot: u64,
    },
}

/// Someone whom a message mentions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// Who.
    pub who: Subject,
    /// The name at the time.
    pub name: String,
}

/// The sender of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// A user.
    User {
        /// The tenant's own id.
        user_id: String,
        /// The number that open_id and union_id are made of.
        number: u64,
    },
    /// The bot of an app.
    Bot(AppId),
    /// A custom bot of the chat, by the id that it is shown under.
    Hook(AppId),
}

impl Sender {
    /// The sender as a member of chats; `None` for a custom bot.
    pub fn member(&self) -> Option<Member> {
        match self {
            Sender::User { user_id, .. } => Some(Member::User(user_id.clone())),
            Sender::Bot(app_id) => Some(Member::Bot(*app_id)),
            Sender::Hook(_) => None,
        }
    }

    /// The user's own id, if a user sent it.
    pub fn user_id(&self) -> Option<&str> {
        match self {
            Sender::User { user_id, .. } => Some(user_id),
            Sender::Bot(_) | Sender::Hook(_) => None,
        }
    }

    /// The app, if its bot sent it.
    pub fn bot(&self) -> Option<AppId> {
        match self {
            Sender::Bot(app_id) => Some(*app_id),
            Sender::User { .. } | Sender::Hook(_) => None,
        }
    }

    pub(crate) fn columns(&self) -> [Value; 3] {
        match self {
            Sender::User { user_id, number } => {
                ["user".into(), user_id.into(), Value::Int(number.cast_signed())]
            }
            Sender::Bot(app_id) => ["bot".into(), (*app_id).into(), 0.into()],
            Sender::Hook(app_id) => ["hook".into(), (*app_id).into(), 0.into()],
        }
    }

    pub(crate) fn read(row: &mut Row, at: usize) -> Result<Self, StoreError> {
        Ok(match row.text(at)?.as_str() {
            "bot" => Sender::Bot(row.id(at + 1, AppId::parse)?),
            "hook" => Sender::Hook(row.id(at + 1, AppId::parse)?),
            _ => Sender::User { user_id: row.text(at + 1)?, number: row.int(at + 2)?.cast_unsigned() },
        })
    }
}

/// How a message was recalled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recalled {
    /// By whom: the form of a member in a column.
    pub by: Member,
    /// In whose right.
    pub kind: RecallType,
    /// When, in milliseconds of the tenant's time.
    pub at: i64,
}

const COLUMNS: &str = "number, chat_id, place, thread_id, root, parent, upper, bundle, msg_type, content, mentions, sender_kind, sender, sender_no, \
     app_id, created_at, updated_at, edits, state, recalled_by, recall_type, recalled_at";

fn message(mut row: Row) -> Result<Message, StoreError> {
    let recalled = match row.id(18, MessageState::parse)? {
        MessageState::Normal => None,
        MessageState::Recalled => Some(Recalled {
            by: Member::parse(&row.text(19)?),
            kind: row.id(20, RecallType::parse)?,
            at: row.int(21)?,
        }),
    };
    Ok(Message {
        number: row.int(0)?,
        chat_id: row.id(1, ChatId::parse)?,
        listed: Listed::read(row.int(2)?),
        thread: ThreadId::parse(&row.text(3)?),
        root: row.int(4)?,
        parent: row.int(5)?,
        upper: row.int(6)?,
        bundle: row.int(7)?,
        msg_type: row.id(8, MsgType::parse)?,
        content: row.text(9)?,
        mentions: read_mentions(&row.text(10)?)?,
        sender: Sender::read(&mut row, 11)?,
        app: AppId::parse(&row.text(14)?),
        created_at: row.int(15)?,
        updated_at: row.int(16)?,
        edits: row.int(17)?,
        recalled,
    })
}

fn messages(rows: Vec<Row>) -> Result<Vec<Message>, StoreError> {
    rows.into_iter().map(message).collect()
}

fn read_mentions(column: &str) -> Result<Vec<Mention>, StoreError> {
    if column.is_empty() { Ok(Vec::new()) } else { from_json(column) }
}

fn mentions_column(mentions: &[Mention]) -> Result<String, StoreError> {
    if mentions.is_empty() { Ok(String::new()) } else { to_json(&mentions) }
}

/// Adds a message that was not recalled. Operations that only add rows may call it.
pub async fn insert(tx: &mut Tx, new: &Message) -> Result<(), StoreError> {
    let sql = "INSERT INTO message (tenant, number, chat_id, place, thread_id, root, parent, upper, bundle, msg_type, content, mentions, \
               sender_kind, sender, sender_no, app_id, created_at, updated_at, edits, state, recalled_by, recall_type, recalled_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23) \
               RETURNING tenant, number";
    let [kind, sender, sender_no] = new.sender.columns();
    let row = vec![
        new.number.into(),
        new.chat_id.into(),
        new.listed.column().into(),
        new.thread.map(|thread| thread.to_string()).unwrap_or_default().into(),
        new.root.into(),
        new.parent.into(),
        new.upper.into(),
        new.bundle.into(),
        new.msg_type.as_str().into(),
        new.content.as_str().into(),
        mentions_column(&new.mentions)?.into(),
        kind,
        sender,
        sender_no,
        new.app.map(|app| app.to_string()).unwrap_or_default().into(),
        new.created_at.into(),
        new.updated_at.into(),
        new.edits.into(),
        MessageState::Normal.as_str().into(),
        "".into(),
        "".into(),
        0.into(),
    ];
    tx.insert(sql, row).await?;
    if new.upper == 0 {
        told(tx, new.number, Some(new.chat_id), Change::Sent);
    }
    Ok(())
}

/// Tells those who watch the tenant what was done with a message, after the commit. `chat` is its chat, where it is known.
pub(crate) fn told(tx: &mut Tx, number: i64, chat: Option<ChatId>, change: Change) {
    tx.notify(Notice::Message { number, chat, change });
}

/// A message by its number. Operations that only add rows may call it: a number is known to callers only after the message was
/// committed.
pub async fn get(tx: &mut Tx, number: i64) -> Result<Option<Message>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM message WHERE tenant = $1 AND number = $2");
    tx.look_up(&sql, [number.into()]).await?.into_iter().next().map(message).transpose()
}

/// A message by its number. Until this transaction ends, no other one changes it.
pub async fn lock(tx: &mut Tx, number: i64) -> Result<Option<Message>, StoreError> {
    let sql =
        format!("UPDATE message SET edits = edits WHERE tenant = $1 AND number = $2 RETURNING {COLUMNS}");
    tx.row(&sql, [number.into()]).await?.map(message).transpose()
}

/// Messages by their numbers; unknown ones are left out.
pub async fn several(tx: &mut Tx, numbers: &[i64]) -> Result<HashMap<i64, Message>, StoreError> {
    let mut found = HashMap::with_capacity(numbers.len());
    for piece in numbers.chunks(PIECE) {
        let mut values: Vec<Value> = piece.iter().map(|number| (*number).into()).collect();
        let wanted = wanted(2, "BIGINT", &mut values);
        let sql = format!(
            "SELECT {COLUMNS} FROM {wanted} LEFT JOIN message ON message.tenant = $1 AND message.number = w.column1"
        );
        for row in found_rows(tx.rows_of(&sql, values).await?) {
            let message = message(row)?;
            found.insert(message.number, message);
        }
    }
    Ok(found)
}

/// Where a page of messages ends: the last one on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// When it was sent, in milliseconds of the tenant's time.
    pub created_at: i64,
    /// Its number.
    pub number: i64,
}

/// Which messages of a chat or a thread a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The earliest time, in milliseconds of the tenant's time.
    pub from: i64,
    /// The latest time, in milliseconds of the tenant's time.
    pub to: i64,
    /// Whether the newest come first.
    pub backwards: bool,
}

impl Span {
    /// All messages, the oldest first.
    pub const ALL: Span = Span { from: i64::MIN, to: i64::MAX, backwards: false };
}

// The columns are those of `COLUMNS`.
const CHAT_UP: &str = "SELECT number, chat_id, place, thread_id, root, parent, upper, bundle, msg_type, content, mentions, sender_kind, sender, sender_no, \
     app_id, created_at, updated_at, edits, state, recalled_by, recall_type, recalled_at \
     FROM message WHERE tenant = $1 AND chat_id = $2 AND place = 0 AND (created_at, number) > (CAST($3 AS BIGINT), CAST($4 AS BIGINT)) \
     AND created_at <= $5 ORDER BY created_at, number LIMIT CAST($6 AS BIGINT)";
const CHAT_DOWN: &str = "SELECT number, chat_id, place, thread_id, root, parent, upper, bundle, msg_type, content, mentions, sender_kind, sender, sender_no, \
     app_id, created_at, updated_at, edits, state, recalled_by, recall_type, recalled_at \
     FROM message WHERE tenant = $1 AND chat_id = $2 AND place = 0 AND (created_at, number) < (CAST($3 AS BIGINT), CAST($4 AS BIGINT)) \
     AND created_at >= $5 ORDER BY created_at DESC, number DESC LIMIT CAST($6 AS BIGINT)";
/// The replies in the threads of a chat, the newest first.
const IN_THREADS: &str = "SELECT number, chat_id, place, thread_id, root, parent, upper, bundle, msg_type, content, mentions, sender_kind, sender, sender_no, \
     app_id, created_at, updated_at, edits, state, recalled_by, recall_type, recalled_at \
     FROM message WHERE tenant = $1 AND chat_id = $2 AND place = 1 AND (created_at, number) < (CAST($3 AS BIGINT), CAST($4 AS BIGINT)) \
     AND created_at >= $5 ORDER BY created_at DESC, number DESC LIMIT CAST($6 AS BIGINT)";
const THREAD_UP: &str = "SELECT number, chat_id, place, thread_id, root, parent, upper, bundle, msg_type, content, mentions, sender_kind, sender, sender_no, \
     app_id, created_at, updated_at, edits, state, recalled_by, recall_type, recalled_at \
     FROM message WHERE tenant = $1 AND thread_id = $2 AND thread_id <> '' AND (created_at, number) > (CAST($3 AS BIGINT), CAST($4 AS BIGINT)) \
     AND created_at <= $5 ORDER BY created_at, number LIMIT CAST($6 AS BIGINT)";
const THREAD_DOWN: &str = "SELECT number, chat_id, place, thread_id, root, parent, upper, bundle, msg_type, content, mentions, sender_kind, sender, sender_no, \
     app_id, created_at, updated_at, edits, state, recalled_by, recall_type, recalled_at \
     FROM message WHERE tenant = $1 AND thread_id = $2 AND thread_id <> '' AND (created_at, number) < (CAST($3 AS BIGINT), CAST($4 AS BIGINT)) \
     AND created_at >= $5 ORDER BY created_at DESC, number DESC LIMIT CAST($6 AS BIGINT)";

/// Up to `size` messages that a chat lists, after a cursor.
pub async fn of_chat(
    tx: &mut Tx,
    chat: ChatId,
    span: Span,
    last: Option<Cursor>,
    size: usize,
) -> Result<Vec<Message>, StoreError> {
    let sql = if span.backwards { CHAT_DOWN } else { CHAT_UP };
    page(tx, sql, chat.into(), span, last, size).await
}

/// Up to `size` replies in the threads of a chat, after a cursor. The span must be backwards.
pub async fn in_threads(
    tx: &mut Tx,
    chat: ChatId,
    span: Span,
    last: Option<Cursor>,
    size: usize,
) -> Result<Vec<Message>, StoreError> {
    page(tx, IN_THREADS, chat.into(), Span { backwards: true, ..span }, last, size).await
}

/// Up to `size` messages of a thread, its root included, after a cursor.
pub async fn of_thread(
    tx: &mut Tx,
    thread: ThreadId,
    span: Span,
    last: Option<Cursor>,
    size: usize,
) -> Result<Vec<Message>, StoreError> {
    let sql = if span.backwards { THREAD_DOWN } else { THREAD_UP };
    page(tx, sql, thread.into(), span, last, size).await
}

async fn page(
    tx: &mut Tx,
    sql: &str,
    of: Value,
    span: Span,
    last: Option<Cursor>,
    size: usize,
) -> Result<Vec<Message>, StoreError> {
    let (near, far) = if span.backwards {
        (Cursor { created_at: span.to, number: i64::MAX }, span.from)
    } else {
        (Cursor { created_at: span.from, number: i64::MIN }, span.to)
    };
    let near = last.unwrap_or(near);
    let params = [of, near.created_at.into(), near.number.into(), far.into(), crate::listing::limit(size)];
    messages(tx.rows(sql, params).await?)
}

/// Up to `size` parts of a forwarded bundle, also those of bundles in it, in the order in which they were added.
pub async fn parts(tx: &mut Tx, bundle: i64, size: usize) -> Result<Vec<Message>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM message WHERE tenant = $1 AND bundle = $2 AND bundle <> 0 ORDER BY number LIMIT CAST($3 AS BIGINT)"
    );
    messages(tx.rows(&sql, [bundle.into(), crate::listing::limit(size)]).await?)
}

/// A part of a bundle that may carry an image or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carrier {
    /// Its number.
    pub number: i64,
    /// Its type.
    pub msg_type: MsgType,
    /// Its content.
    pub content: String,
}

/// Up to `size` parts of a forwarded bundle that are of a type that carries images or files, after a number.
///
/// # Errors
/// The store is unavailable.
pub async fn carriers(tx: &mut Tx, bundle: i64, after: i64, size: usize) -> Result<Vec<Carrier>, StoreError> {
    let sql = "SELECT number, msg_type, content FROM message WHERE tenant = $1 AND bundle = $2 AND bundle <> 0 AND number > $3 \
               AND msg_type IN ('image', 'file', 'audio', 'media', 'post') ORDER BY number LIMIT CAST($4 AS BIGINT)";
    let rows = tx.rows(sql, [bundle.into(), after.into(), crate::listing::limit(size)]).await?;
    let carrier = |mut row: Row| {
        Ok(Carrier { number: row.int(0)?, msg_type: row.id(1, MsgType::parse)?, content: row.text(2)? })
    };
    rows.into_iter().map(carrier).collect()
}

/// Makes a message the root of a thread, and returns the thread: `fresh`, or the one that it has.
pub async fn open_thread(tx: &mut Tx, number: i64, fresh: ThreadId) -> Result<ThreadId, StoreError> {
    let sql = "UPDATE message SET thread_id = CASE WHEN thread_id = '' THEN $3 ELSE thread_id END \
               WHERE tenant = $1 AND number = $2 RETURNING thread_id";
    match tx.row(sql, [number.into(), fresh.into()]).await? {
        Some(mut row) => row.id(0, ThreadId::parse),
        None => Err(tx.collided()),
    }
}

/// Replaces the content of a message that its sender edited. The message is locked.
pub async fn edit(
    tx: &mut Tx,
    number: i64,
    msg_type: MsgType,
    content: &str,
    mentions: &[Mention],
    now_ms: i64,
) -> Result<(), StoreError> {
    let sql = "UPDATE message SET msg_type = $3, content = $4, mentions = $5, updated_at = $6, edits = edits + 1 \
               WHERE tenant = $1 AND number = $2";
    let params = [
        number.into(),
        msg_type.as_str().into(),
        content.into(),
        mentions_column(mentions)?.into(),
        now_ms.into(),
    ];
    tx.rows(sql, params).await?;
    told(tx, number, None, Change::Changed);
    Ok(())
}

/// Replaces the content of a card. This is not an edit. The message is locked.
pub async fn set_card(tx: &mut Tx, number: i64, content: &str, now_ms: i64) -> Result<(), StoreError> {
    let sql = "UPDATE message SET content = $3, updated_at = $4 WHERE tenant = $1 AND number = $2";
    tx.rows(sql, [number.into(), content.into(), now_ms.into()]).await?;
    told(tx, number, None, Change::Changed);
    Ok(())
}

/// Recalls a message. It is locked.
pub async fn recall(tx: &mut Tx, number: i64, recalled: &Recalled) -> Result<(), StoreError> {
    let sql = "UPDATE message SET state = 'recalled', recalled_by = $3, recall_type = $4, recalled_at = $5, updated_at = $5 \
               WHERE tenant = $1 AND number = $2";
    let params =
        [number.into(), recalled.by.to_column().into(), recalled.kind.as_str().into(), recalled.at.into()];
    tx.rows(sql, params).await?;
    told(tx, number, None, Change::Recalled);
    Ok(())
}

/// What is known of a call with a uuid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// No message was sent under this name.
    New,
    /// One was, so long ago that the name may be used again.
    Expired,
    /// This one was.
    Of(i64),
}

/// Whether a message was sent under a name. Operations that only add rows may call it: a name that another unit of the group adds
/// meanwhile makes [`claim`] fail.
pub async fn repeated(tx: &mut Tx, name: &str, now_ms: i64) -> Result<Repeat, StoreError> {
    let sql = "SELECT number, until FROM message_uuid WHERE tenant = $1 AND name = $2";
    let Some(row) = tx.look_up(sql, [name.into()]).await?.into_iter().next() else { return Ok(Repeat::New) };
    if row.int(1)? <= now_ms {
        return Ok(Repeat::Expired);
    }
    tx.named(Uuid::Recalled);
    Ok(Repeat::Of(row.int(0)?))
}

/// The message that was sent under a name.
///
/// # Errors
/// [`StoreError::Collided`] if the unit that sends it has not done so yet: this unit runs again.
pub async fn first_sent(tx: &mut Tx, number: i64) -> Result<Message, StoreError> {
    match get(tx, number).await? {
        Some(found) => Ok(found),
        None => Err(tx.collided()),
    }
}

/// Records the message that was sent under a name, until a time. If another call was first, this unit runs again, and finds
/// its message.
///
/// # Errors
/// [`StoreError::Collided`] if another call was first.
pub async fn claim(
    tx: &mut Tx,
    name: &str,
    seen: Repeat,
    number: i64,
    now_ms: i64,
    until: i64,
) -> Result<(), StoreError> {
    let claimed = if seen == Repeat::Expired {
        let sql = "UPDATE message_uuid SET number = $3, until = $4 WHERE tenant = $1 AND name = $2 AND until <= $5 RETURNING number";
        tx.row(sql, [name.into(), number.into(), until.into(), now_ms.into()]).await?.is_some()
    } else {
        let sql = "INSERT INTO message_uuid (tenant, name, number, until) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (tenant, name) DO NOTHING RETURNING tenant, name";
        tx.insert(sql, vec![name.into(), number.into(), until.into()]).await?
    };
    if !claimed {
        return Err(tx.collided());
    }
    tx.named(Uuid::New);
    Ok(())
}

/// Counts a message or a change of one against [`crate::pace`], once the transaction is committed. `of` is the number of the chat_id
/// or of the message_id.
pub fn count_on_commit(tx: &mut Tx, of: u128, now_ms: i64) {
    let (engine, tenant) = (tx.engine().clone(), tx.tenant());
    tx.on_commit(
        || {},
        move || {
            let real = engine.clock.now_ms();
            engine.pace.count(tenant, of, now_ms, real);
        },
    );
}

/// The statements of this file that page, for the test of their query plans.
pub const STATEMENTS: &[&str] = &[CHAT_UP, CHAT_DOWN, IN_THREADS, THREAD_UP, THREAD_DOWN];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_the_columns_of_a_message() {
        for sql in STATEMENTS {
            assert!(sql.starts_with(&format!("SELECT {COLUMNS} FROM message ")), "{sql}");
        }
    }
}
