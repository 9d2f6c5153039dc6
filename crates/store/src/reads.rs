//! Who has read messages.

use std::collections::HashSet;

use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{MessageState, MsgType};

use crate::driver::StoreError;
use crate::messages::told;
use crate::tx::{PIECE, found_rows, more_rows, wanted};
use crate::users::User;
use crate::{Change, Row, Tx, Value};

/// That a user has read a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The user: the tenant's own id.
    pub reader: String,
    /// The number that open_id and union_id are made of.
    pub reader_no: u64,
    /// When, in milliseconds of the tenant's time.
    pub read_at: i64,
}

fn read(mut row: Row) -> Result<Read, StoreError> {
    Ok(Read { reader: row.text(0)?, reader_no: row.int(1)?.cast_unsigned(), read_at: row.int(2)? })
}

/// Records that a user has read messages, and returns the numbers of those that the user had not read before, in the order of
/// the list.
pub async fn mark(tx: &mut Tx, messages: &[i64], reader: &User, now_ms: i64) -> Result<Vec<i64>, StoreError> {
    let mut marked = HashSet::with_capacity(messages.len());
    for piece in messages.chunks(PIECE) {
        let mut values: Vec<Value> = piece.iter().map(|number| (*number).into()).collect();
        let more = more_rows("$1,$2,$3,$4,", 5, 1, &mut values);
        let sql = format!(
            "INSERT INTO message_read (tenant, reader, reader_no, read_at, message) VALUES ($1, $2, $3, $4, $5){more} \
             ON CONFLICT (tenant, message, reader) DO NOTHING RETURNING message"
        );
        let mut params: Vec<Value> =
            vec![reader.user_id.as_str().into(), reader.user_no.into(), now_ms.into()];
        params.extend(values);
        for row in tx.rows_of(&sql, params).await? {
            marked.insert(row.int(0)?);
        }
    }
    let fresh: Vec<i64> = messages.iter().filter(|number| marked.remove(number)).copied().collect();
    for number in &fresh {
        told(tx, *number, None, Change::Read);
    }
    Ok(fresh)
}

/// Those messages of a list that a user has read, by number.
pub async fn among(tx: &mut Tx, messages: &[i64], reader: &str) -> Result<HashSet<i64>, StoreError> {
    let mut found = HashSet::with_capacity(messages.len());
    for piece in messages.chunks(PIECE) {
        let mut params: Vec<Value> = piece.iter().map(|number| (*number).into()).collect();
        let wanted = wanted(3, "BIGINT", &mut params);
        params.insert(0, reader.into());
        let sql = format!(
            "SELECT r.message FROM {wanted} LEFT JOIN message_read r ON r.tenant = $1 AND r.message = w.column1 AND r.reader = $2"
        );
        for row in found_rows(tx.rows_of(&sql, params).await?) {
            found.insert(row.int(0)?);
        }
    }
    Ok(found)
}

/// The most unread messages of a chat that are counted.
pub const UNREAD_MOST: usize = 100;

/// The latest messages of a chat since a member joined it, and whether the member has read each of them.
const LATEST: &str = "SELECT m.number, m.created_at, m.sender_kind, m.sender, m.state, m.msg_type, CASE WHEN r.reader IS NULL THEN 0 ELSE 1 END FROM \
                      (SELECT number, created_at, sender_kind, sender, state, msg_type FROM message WHERE tenant = $1 AND chat_id = $2 AND place = 0 \
                      AND created_at >= (SELECT c.joined_at FROM chat_member c WHERE c.tenant = $1 AND c.chat_id = $2 AND c.member = $3) \
                      ORDER BY created_at DESC, number DESC LIMIT 100) m \
                      LEFT JOIN message_read r ON r.tenant = $1 AND r.message = m.number AND r.reader = $3";

/// How many messages of a chat a member has not read: those after the latest one that the member read or sent, up to
/// [`UNREAD_MOST`]. It costs the same however many messages the chat has.
///
/// # Errors
/// The store is unavailable.
pub async fn unread(tx: &mut Tx, chat: ChatId, reader: &str) -> Result<usize, StoreError> {
    let mut latest = Vec::with_capacity(UNREAD_MOST);
    for mut row in tx.rows(LATEST, [chat.into(), reader.into()]).await? {
        let own = row.text(2)? == "user" && row.text(3)? == reader;
        // Nothing is left to read of a message that was recalled, and the system's are not marked.
        let counts = row.id(4, MessageState::parse)? == MessageState::Normal
            && row.id(5, MsgType::parse)? != MsgType::System;
        latest.push((row.int(1)?, row.int(0)?, own || row.flag(6)?, counts));
    }
    latest.sort_unstable();
    let unseen = latest.into_iter().rev().take_while(|(_, _, seen, _)| !seen);
    Ok(unseen.filter(|(.., counts)| *counts).count())
}

/// Where a page of readers ends: the last one on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// When that one read, in milliseconds of the tenant's time.
    pub read_at: i64,
    /// Who it is.
    pub reader: String,
}

const PAGE: &str = "SELECT reader, reader_no, read_at FROM message_read WHERE tenant = $1 AND message = $2 \
                    AND (read_at, reader) > (CAST($3 AS BIGINT), CAST($4 AS TEXT)) ORDER BY read_at, reader LIMIT CAST($5 AS BIGINT)";

/// Up to `size` readers of a message after a cursor, in the order in which they read it.
pub async fn page(
    tx: &mut Tx,
    message: i64,
    last: Option<Cursor>,
    size: usize,
) -> Result<Vec<Read>, StoreError> {
    let last = last.unwrap_or(Cursor { read_at: i64::MIN, reader: String::new() });
    let params = [message.into(), last.read_at.into(), last.reader.into(), crate::listing::limit(size)];
    tx.rows(PAGE, params).await?.into_iter().map(read).collect()
}

/// The statements of this file that page, for the test of their query plans.
pub const STATEMENTS: &[&str] = &[PAGE, LATEST];
