//! Deletes old messages, if the server is told to keep them for a time or up to a number.
//!
//! A message goes with its reactions, read marks, pin, place on the top notice, and what was recorded of its sending. Files and
//! images stay: others may refer to them. A unit deletes few messages, so that no call waits long for one.

use std::sync::Arc;

use larkspur_contract::Effect;
use larkspur_contract::ids::{ChatId, TenantKey, ThreadId};

use crate::clock::system_millis;
use crate::driver::StoreError;
use crate::{Engine, Ids, Root, Value};

/// How long messages are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// For how long, in milliseconds of the machine's time; `None` without end.
    pub age_ms: Option<i64>,
    /// How many messages that a chat lists, the newest ones; `None` without a limit.
    pub per_chat: Option<u32>,
}

/// How many messages one unit deletes.
const PIECE: usize = 50;
/// How many such units of one tenant a run has; the next run continues.
const UNITS: usize = 2000;
/// Tenants and chats per page.
const PAGE: i64 = 100;
/// Messages that are younger, in the tenant's time, stay: a uuid may still stand for one.
const YOUNG_MS: i64 = 2 * 3600 * 1000;

/// Deletes what is not to be kept, of every tenant, and returns the number of messages. `now_ms` is the real time.
///
/// # Errors
/// The store is unavailable; the next run continues.
pub async fn sweep(engine: &Arc<Engine>, kept: Retention, now_ms: i64) -> Result<usize, StoreError> {
    if kept.age_ms.is_none() && kept.per_chat.is_none() {
        return Ok(0);
    }
    let (mut deleted, mut last) = (0, Value::from(""));
    loop {
        let sql = "SELECT tenant, clock_offset_ms FROM tenant WHERE tenant > $1 ORDER BY tenant LIMIT CAST($2 AS BIGINT)";
        let page = engine.driver.query(Effect::Reads, sql, vec![last, PAGE.into()]).await?;
        let mut tenant = None;
        for mut row in page {
            let (key, offset) = (row.id(0, TenantKey::parse)?, row.int(1)?);
            let before = now_ms.saturating_add(offset).saturating_sub(YOUNG_MS);
            let mut sweep = Sweep { engine, tenant: key, before, units: UNITS, deleted: 0 };
            if let Some(age) = kept.age_ms {
                sweep.by_age(age).await?;
            }
            if let Some(most) = kept.per_chat {
                sweep.by_count(most).await?;
            }
            deleted += sweep.deleted;
            tenant = Some(key);
        }
        let Some(tenant) = tenant else { return Ok(deleted) };
        last = tenant.into();
    }
}

struct Sweep<'a> {
    engine: &'a Arc<Engine>,
    tenant: TenantKey,
    /// Only messages that were sent earlier go, in the tenant's time.
    before: i64,
    /// How many units this run still has.
    units: usize,
    deleted: usize,
}

/// The oldest messages by number, which grows with the machine's time.
const OLD: &str = "SELECT number, chat_id FROM message WHERE tenant = $1 AND number < $2 AND created_at < $3 \
                   ORDER BY number LIMIT CAST($4 AS BIGINT)";
/// The first message that a chat lists too many, from the newest on.
const FIRST_TOO_MANY: &str = "SELECT created_at, number FROM message WHERE tenant = $1 AND chat_id = $2 AND place = 0 \
                              ORDER BY created_at DESC, number DESC LIMIT 1 OFFSET CAST($3 AS BIGINT)";
/// That message and older ones.
const TOO_MANY: &str = "SELECT number, thread_id, msg_type FROM message WHERE tenant = $1 AND chat_id = $2 AND place = 0 \
                        AND (created_at, number) <= (CAST($3 AS BIGINT), CAST($4 AS BIGINT)) AND created_at < $5 \
                        ORDER BY created_at, number LIMIT CAST($6 AS BIGINT)";
const REPLIES: &str = "SELECT number FROM message WHERE tenant = $1 AND thread_id = $2 AND thread_id <> '' AND place = 1 \
                       LIMIT CAST($3 AS BIGINT)";
const PARTS: &str =
    "SELECT number FROM message WHERE tenant = $1 AND bundle = $2 AND bundle <> 0 LIMIT CAST($3 AS BIGINT)";
const CHATS: &str =
    "SELECT chat_id FROM chat WHERE tenant = $1 AND chat_id > $2 ORDER BY chat_id LIMIT CAST($3 AS BIGINT)";

impl Sweep<'_> {
    async fn read(&self, sql: &'static str, mut params: Vec<Value>) -> Result<Vec<crate::Row>, StoreError> {
        params.insert(0, self.tenant.into());
        self.engine.driver.query(Effect::Reads, sql, params).await
    }

    async fn by_age(&mut self, age_ms: i64) -> Result<(), StoreError> {
        let first_kept = Ids::first_at(system_millis().saturating_sub(age_ms));
        while self.units > 0 {
            let params = vec![first_kept.into(), self.before.into(), piece()];
            let mut found = Vec::with_capacity(PIECE);
            for mut row in self.read(OLD, params).await? {
                found.push((row.int(0)?, row.id(1, ChatId::parse)?));
            }
            let full = found.len() >= PIECE;
            self.delete(found).await?;
            if !full {
                break;
            }
        }
        Ok(())
    }

    async fn by_count(&mut self, most: u32) -> Result<(), StoreError> {
        let mut last = Value::from("");
        while self.units > 0 {
            let mut chat = None;
            for mut row in self.read(CHATS, vec![last, PAGE.into()]).await? {
                let found = row.id(0, ChatId::parse)?;
                self.shorten(found, most).await?;
                chat = Some(found);
            }
            let Some(chat) = chat else { break };
            last = chat.into();
        }
        Ok(())
    }

    /// Deletes what a chat lists too many, with the threads and the parts of that.
    async fn shorten(&mut self, chat: ChatId, most: u32) -> Result<(), StoreError> {
        let first = self.read(FIRST_TOO_MANY, vec![chat.into(), i64::from(most).into()]).await?;
        let Some(row) = first.into_iter().next() else { return Ok(()) };
        let end: [Value; 2] = [row.int(0)?.into(), row.int(1)?.into()];
        while self.units > 0 {
            let mut params = vec![chat.into()];
            params.extend(end.iter().cloned());
            params.extend([self.before.into(), piece()]);
            let mut found = Vec::with_capacity(PIECE);
            for mut row in self.read(TOO_MANY, params).await? {
                let number = row.int(0)?;
                if let Some(thread) = ThreadId::parse(&row.text(1)?) {
                    self.all(REPLIES, thread.into(), chat).await?;
                }
                if row.text(2)? == "merge_forward" {
                    self.all(PARTS, number.into(), chat).await?;
                }
                found.push((number, chat));
            }
            let full = found.len() >= PIECE;
            if self.units > 0 {
                self.delete(found).await?;
            }
            if !full {
                break;
            }
        }
        Ok(())
    }

    /// Deletes all messages that a statement finds.
    async fn all(&mut self, sql: &'static str, of: Value, chat: ChatId) -> Result<(), StoreError> {
        while self.units > 0 {
            let rows = self.read(sql, vec![of.clone(), piece()]).await?;
            let full = rows.len() >= PIECE;
            let found: Result<Vec<_>, StoreError> = rows.iter().map(|row| Ok((row.int(0)?, chat))).collect();
            self.delete(found?).await?;
            if !full {
                break;
            }
        }
        Ok(())
    }

    async fn delete(&mut self, found: Vec<(i64, ChatId)>) -> Result<(), StoreError> {
        if found.is_empty() {
            return Ok(());
        }
        self.units = self.units.saturating_sub(1);
        self.deleted += found.len();
        let (tenant, found) = (self.tenant, Arc::new(found));
        self.engine.run(Effect::Writes, move |root| Box::pin(delete(root, tenant, found.clone()))).await
    }
}

fn piece() -> Value {
    i64::try_from(PIECE).unwrap_or(i64::MAX).into()
}

/// What belongs to a message: the table, and its column with the number of the message.
const PARTS_OF_MESSAGES: [(&str, &str); 8] = [
    ("own_card", "message"),
    ("message_reaction", "message"),
    ("message_read", "message"),
    ("pin", "message"),
    ("urgent", "message"),
    ("follow_up", "message"),
    ("batch_part", "message"),
    ("message", "number"),
];

/// Deletes some messages, one by one: with a list of numbers, PostgreSQL may read all of the tenant's rows, if it believes
/// that these are few.
async fn delete(
    root: &mut Root,
    tenant: TenantKey,
    found: Arc<Vec<(i64, ChatId)>>,
) -> Result<(), StoreError> {
    for (number, chat) in found.iter().copied() {
        for (table, column) in PARTS_OF_MESSAGES {
            let sql = format!("DELETE FROM {table} WHERE tenant = $1 AND {column} = $2");
            root.rows(&sql, &[tenant.into(), number.into()]).await?;
        }
        let message_id = root.engine().keys.message_id(number, tenant).to_string();
        let sql = "DELETE FROM chat_top_notice WHERE tenant = $1 AND chat_id = $2 AND message_id = $3";
        root.rows(sql, &[tenant.into(), chat.into(), message_id.into()]).await?;
    }
    Ok(())
}

/// The statements of this file that look rows up, for the test of their query plans.
pub const STATEMENTS: &[&str] = &[OLD, FIRST_TOO_MANY, TOO_MANY, REPLIES, PARTS, CHATS];
