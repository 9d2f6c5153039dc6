//! What a stream tells besides the calls of a world.

use std::collections::{BTreeMap, BTreeSet};

use larkspur_contract::ids::{ChatId, TenantKey};
use larkspur_store::events::history::{self, Past};
use larkspur_store::{Change, Root, StoreError, faults, messages, tenants};
use serde::Serialize;
use serde_json::{Value, json};

/// What a stream is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Topics {
    /// The calls.
    pub traffic: bool,
    /// The deliveries of events.
    pub events: bool,
    /// The fault rules.
    pub faults: bool,
    /// The clock.
    pub clock: bool,
    /// The messages of these chats.
    pub chats: BTreeSet<ChatId>,
}

impl Topics {
    /// Reads names of topics, separated by commas.
    ///
    /// # Errors
    /// The first name that is not that of a topic.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut topics = Topics::default();
        for name in text.split(',') {
            match name {
                "traffic" => topics.traffic = true,
                "events" => topics.events = true,
                "faults" => topics.faults = true,
                "clock" => topics.clock = true,
                _ => {
                    let chat = name.strip_prefix("chat:").and_then(ChatId::parse);
                    topics.chats.insert(chat.ok_or_else(|| name.to_owned())?);
                }
            }
        }
        Ok(topics)
    }

    /// Whether it is about anything but calls.
    pub fn has_news(&self) -> bool {
        self.events || self.faults || self.clock || !self.chats.is_empty()
    }
}

/// What changed since the last piece of a stream.
#[derive(Debug, Clone, Default)]
pub struct News {
    /// The numbers of deliveries.
    pub deliveries: BTreeSet<i64>,
    /// The numbers of messages, and what was done with them; with their chats, where they are known.
    pub messages: BTreeMap<(i64, Change), Option<ChatId>>,
    /// Whether the fault rules changed, or how often one was used.
    pub faults: bool,
    /// Whether the clock was moved.
    pub clock: bool,
    /// Topics of which more changed than is listed.
    pub gaps: BTreeSet<&'static str>,
}

/// A delivery in a stream.
#[derive(Serialize)]
struct Row {
    event_id: String,
    number: String,
    event_type: String,
    app_id: String,
    state: String,
    created_at_ms: i64,
    attempt_count: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try_ms: Option<i64>,
}

impl Row {
    fn of(past: Past, ahead_ms: i64) -> Self {
        Row {
            event_id: past.event_id,
            number: past.number.to_string(),
            event_type: past.event_type,
            app_id: past.app_id.to_string(),
            next_try_ms: (past.state == "waiting").then_some(past.due_at + ahead_ms),
            state: past.state,
            created_at_ms: past.created_at,
            attempt_count: past.attempts,
            status: past.status,
            failure: Some(past.failure).filter(|why| !why.is_empty()),
        }
    }
}

const fn kind(change: Change) -> &'static str {
    match change {
        Change::Sent => "sent",
        Change::Changed => "changed",
        Change::Recalled => "recalled",
        Change::Reacted => "reacted",
        Change::Pinned => "pinned",
        Change::Read => "read",
    }
}

/// What a stream about these topics says of the news: the names of its events with their data. A world that was deleted has none.
///
/// # Errors
/// Those of the store.
pub async fn tell(
    root: &mut Root,
    tenant: TenantKey,
    topics: &Topics,
    news: &News,
) -> Result<Vec<(&'static str, Value)>, StoreError> {
    let mut tx = root.tenant(tenant);
    let mut told = Vec::new();
    let Some(world) = tenants::get(&mut tx).await? else { return Ok(told) };
    let ahead_ms = world.clock_offset_ms;
    if !news.deliveries.is_empty() {
        let numbers: Vec<i64> = news.deliveries.iter().copied().collect();
        let mut found = history::numbered(&mut tx, &numbers).await?;
        found.sort_by_key(|past| past.number);
        let rows: Vec<Row> = found.into_iter().map(|past| Row::of(past, ahead_ms)).collect();
        told.extend((!rows.is_empty()).then(|| ("events", json!(rows))));
    }
    let unknown: Vec<i64> =
        news.messages.iter().filter(|(_, chat)| chat.is_none()).map(|((number, _), _)| *number).collect();
    let found = messages::several(&mut tx, &unknown).await?;
    let mut rows = Vec::new();
    for ((number, change), chat) in &news.messages {
        let chat = chat.or_else(|| found.get(number).map(|message| message.chat_id));
        if let Some(chat) = chat.filter(|chat| topics.chats.contains(chat)) {
            let id = tx.engine().keys.message_id(*number, tenant).to_string();
            rows.push(json!({"chat_id": chat.to_string(), "message_id": id, "kind": kind(*change)}));
        }
    }
    told.extend((!rows.is_empty()).then_some(("chat", Value::Array(rows))));
    if news.faults {
        let counts = faults::counts(&mut tx).await?;
        let counts: BTreeMap<_, _> = counts.into_iter().collect();
        let rows =
            counts.into_iter().map(|(id, count)| json!({"id": id, "seen": count.seen, "hits": count.hits}));
        told.push(("faults", Value::Array(rows.collect())));
    }
    if news.clock {
        told.push(("clock", json!({"ahead_ms": ahead_ms})));
    }
    told.extend(news.gaps.iter().map(|topic| ("gap", json!({"missed": 0, "topic": topic}))));
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_named() {
        let chat = ChatId(7).to_string();
        let all = Topics::parse(&format!("traffic,events,chat:{chat},faults,clock")).expect("topics");
        assert!(all.traffic && all.events && all.faults && all.clock && all.has_news());
        assert_eq!(all.chats.into_iter().collect::<Vec<_>>(), [ChatId(7)]);
        assert!(!Topics::parse("traffic").expect("a topic").has_news());
        for wrong in ["", "all", "traffic,", "chat:", "chat:oc_1"] {
            assert!(Topics::parse(wrong).is_err(), "{wrong}");
        }
    }
}
