//! Tests of content.

use larkspur_contract::codes;
use larkspur_contract::ids::AppId;
use larkspur_contract::model::MsgType;
use serde_json::json;

use super::*;

mod hooks;
mod lines;
mod others;
mod properties;
mod rich;
mod texts;

/// Users `ou_1` to `ou_9` (also `on_N`), and the bot `ou_bot`.
pub(super) fn resolve(id: &str) -> Option<Mentioned> {
    if id == "ou_bot" {
        return Some(Mentioned { party: Party::Bot(AppId(7)), name: "Bot".to_owned() });
    }
    let number = id.strip_prefix("ou_").or_else(|| id.strip_prefix("on_"))?.parse::<u64>().ok()?;
    let party = Party::User { number, user_id: format!("u{number}") };
    Some(Mentioned { party, name: format!("User {number}") })
}

/// The stored form of content, and the names of those who are mentioned.
pub(super) fn stored(kind: MsgType, content: &str) -> (String, Vec<String>) {
    let parsed = parse(kind, content).expect("valid content");
    let stored = parsed.stored(&resolve).expect("known mentions");
    (stored.content, stored.mentions.into_iter().map(|mentioned| mentioned.name).collect())
}

/// The message of a refusal of content.
pub(super) fn refusal(kind: MsgType, content: &str) -> String {
    let fault = parse(kind, content).expect_err("invalid content");
    assert_eq!(fault.code(), codes::MESSAGE_INVALID);
    let cause = fault.cause().expect("a reason").to_owned();
    let text = codes::MESSAGE_INVALID.text.trim_end_matches('.');
    assert_eq!(fault.message(), format!("{text}, ext={cause}"));
    cause
}

/// The stored form of a text.
pub(super) fn text(text: &str) -> String {
    let (content, _) = stored(MsgType::Text, &json!({ "text": text }).to_string());
    let value: Value = serde_json::from_str(&content).expect("JSON");
    value["text"].as_str().expect("a text").to_owned()
}
