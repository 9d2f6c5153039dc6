//! Messages under concurrent operations.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Ground, text};
use crate::{Random, Request};

/// What was acknowledged about messages.
#[derive(Default)]
pub(super) struct Said {
    /// By chat: the ids of messages.
    sent: BTreeMap<String, Vec<String>>,
    /// The ids of messages that were recalled.
    recalled: BTreeSet<String>,
    /// By sender and uuid, which is the text too: the ids of messages.
    by_uuid: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Said {
    /// The latest messages of a chat.
    pub(super) fn latest(&self, chat: &str) -> Vec<String> {
        let sent = self.sent.get(chat).map_or(&[][..], Vec::as_slice);
        sent[sent.len().saturating_sub(5)..].to_vec()
    }

    /// Records a success. `about` is the message that the call named.
    pub(super) fn note(&mut self, kind: &str, about: &str, data: &Value) {
        match kind {
            "send" | "reply" => {
                let message = data["message_id"].as_str().expect("a message_id").to_owned();
                let content = data["body"]["content"].as_str().unwrap_or_default().to_owned();
                let sender = data["sender"].to_string();
                let chat = data["chat_id"].as_str().expect("a chat_id").to_owned();
                if kind == "send" && content.contains("uuid") {
                    self.by_uuid.entry((sender, content)).or_default().insert(message.clone());
                }
                let sent = self.sent.entry(chat).or_default();
                if !sent.contains(&message) {
                    sent.push(message);
                }
            }
            "recall" => drop(self.recalled.insert(about.to_owned())),
            _ => {}
        }
    }

    /// How many messages were sent, and how many recalled.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.sent.values().map(Vec::len).sum(), self.recalled.len())
    }
}

impl Ground {
    /// A random request about the messages of a chat, with its kind and the message that it names.
    pub(super) fn ask_about_messages(
        &self,
        random: &mut Random,
        token: &str,
        chat: &str,
        messages: &[String],
    ) -> (&'static str, Request, String) {
        let mut pick = |below: usize| usize::try_from(random.below(below as u64)).expect("an index");
        let one = messages.get(pick(messages.len().max(1))).cloned().unwrap_or_else(|| "om_1".to_owned());
        let at = |method: &str, path: &str| self.world.call(method, path).token(token);
        let message = format!("/im/v1/messages/{one}");
        let content = |text: &str| json!({"text": text}).to_string();
        let (kind, request) = match pick(14) {
            0..4 => {
                let uuid = (pick(3) == 0).then(|| format!("uuid {}", pick(6)));
                let text = uuid.clone().unwrap_or_else(|| "plain".to_owned());
                let mut body = json!({"receive_id": chat, "msg_type": "text", "content": content(&text)});
                if let Some(uuid) = uuid {
                    body["uuid"] = json!(uuid);
                }
                ("send", at("POST", "/im/v1/messages?receive_id_type=chat_id").body(body))
            }
            4..7 => {
                let threaded = pick(2) == 0;
                let body = json!({"msg_type": "text", "content": content("re"), "reply_in_thread": threaded});
                ("reply", at("POST", &format!("{message}/reply")).body(body))
            }
            7 => (
                "edit message",
                at("PUT", &message).body(json!({"msg_type": "text", "content": content("new")})),
            ),
            8 => ("recall", at("DELETE", &message)),
            9 | 10 => {
                let emoji = ["OK", "SMILE"][pick(2)];
                let body = json!({"reaction_type": {"emoji_type": emoji}});
                ("react", at("POST", &format!("{message}/reactions")).body(body))
            }
            11 => ("pin", at("POST", "/im/v1/pins").body(json!({"message_id": one}))),
            12 => {
                let top = json!({"chat_top_notice": [{"action_type": "1", "message_id": one}]});
                ("top", at("POST", &format!("/im/v1/chats/{chat}/top_notice/put_top_notice")).body(top))
            }
            _ => {
                let reader = format!("user{}", pick(6));
                let body = json!({"as": reader});
                ("read", self.world.control("PUT", &format!("/messages/{one}/read")).body(body))
            }
        };
        (kind, request, one)
    }

    /// Checks that a query for what must not exist finds no rows.
    async fn none(&self, invariant: &str, sql: &str) {
        let rows = self.rows(sql, None).await;
        assert!(rows.is_empty(), "{invariant}: {rows:?}");
    }

    pub(super) async fn check_messages(&self, said: &Said) {
        for column in ["parent", "root"] {
            let sql = format!(
                "SELECT m.number FROM message m LEFT JOIN message p ON p.tenant = m.tenant AND p.number = m.{column} \
                 WHERE m.tenant = $1 AND m.{column} <> 0 AND (p.number IS NULL OR p.chat_id <> m.chat_id OR p.number >= m.number)"
            );
            self.none(&format!("15, {column}"), &sql).await;
        }
        self.none("15", "SELECT number FROM message WHERE tenant = $1 AND (parent = 0) <> (root = 0)").await;
        self.none(
            "16",
            "SELECT m.number FROM message m LEFT JOIN message r ON r.tenant = m.tenant AND r.number = m.root \
             WHERE m.tenant = $1 AND m.place = 1 \
             AND (m.thread_id = '' OR r.number IS NULL OR r.place <> 0 OR r.thread_id <> m.thread_id)",
        )
        .await;
        self.none(
            "16",
            "SELECT thread_id FROM message WHERE tenant = $1 AND thread_id <> '' AND place = 0 \
             GROUP BY thread_id HAVING COUNT(*) > 1",
        )
        .await;
        self.none(
            "17",
            "SELECT p.message FROM pin p LEFT JOIN message m ON m.tenant = p.tenant AND m.number = p.message \
             WHERE p.tenant = $1 AND (m.number IS NULL OR m.chat_id <> p.chat_id OR m.state <> 'normal')",
        )
        .await;
        self.none(
            "18",
            "SELECT r.number FROM message_reaction r LEFT JOIN message m ON m.tenant = r.tenant AND m.number = r.message \
             WHERE r.tenant = $1 AND m.number IS NULL",
        )
        .await;
        self.none(
            "18",
            "SELECT message FROM message_reaction WHERE tenant = $1 \
             GROUP BY message, operator_kind, operator, emoji HAVING COUNT(*) > 1",
        )
        .await;
        self.none(
            "19",
            "SELECT u.name FROM message_uuid u LEFT JOIN message m ON m.tenant = u.tenant AND m.number = u.number \
             WHERE u.tenant = $1 AND m.number IS NULL",
        )
        .await;
        for ((sender, content), messages) in &said.by_uuid {
            assert_eq!(messages.len(), 1, "19: {content} of {sender}");
        }
        self.none(
            "20",
            "SELECT r.message FROM message_read r LEFT JOIN message m ON m.tenant = r.tenant AND m.number = r.message \
             WHERE r.tenant = $1 AND (m.number IS NULL OR (m.sender_kind = 'user' AND m.sender = r.reader))",
        )
        .await;
        let sql = "SELECT chat_id, message_id FROM chat_top_notice WHERE tenant = $1 AND message_id <> ''";
        for top in self.rows(sql, None).await {
            let (chat, message) = (text(&top[0]), text(&top[1]));
            let there = said.sent.get(&chat).is_some_and(|sent| sent.contains(&message));
            assert!(there && !said.recalled.contains(&message), "21: {message} on top of {chat}");
        }
        let sql = "SELECT COUNT(*) FROM message WHERE tenant = $1 AND state = 'recalled'";
        let recalled = self.rows(sql, None).await.first().map_or(0, |row| super::int(&row[0]));
        assert_eq!(usize::try_from(recalled), Ok(said.recalled.len()), "22");
        let sql = "SELECT COUNT(*) FROM message WHERE tenant = $1";
        let sent = self.rows(sql, None).await.first().map_or(0, |row| super::int(&row[0]));
        assert_eq!(usize::try_from(sent), Ok(said.counts().0), "22");
    }
}
