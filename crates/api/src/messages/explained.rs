//! What the refusals of messages add for those who ask why: rule, facts, and the call of the control API that would help.

use larkspur_contract::model::ChatCondition;
use larkspur_contract::{Fault, Fix, Scope};
use larkspur_store::apps::Install;
use larkspur_store::chats::{Chat, Member};
use larkspur_store::messages::{Message, Sender};
use serde_json::{Value, json};

use super::Speaker;
use crate::standing::set_chat;
use crate::{Actor, Call};

/// Changes the installation of an app.
fn set_app(app: &Install, body: Value) -> Fix {
    Fix::new("larkspur.v1.app.update", vec![("app_id", app.app_id.to_string())], body)
}

/// The same of the speaker's app, if it has one.
fn with_app(fault: Fault, speaker: &Speaker, body: Value) -> Fault {
    match &speaker.app {
        Some(app) => fault.with_fix(set_app(app, body)),
        None => fault,
    }
}

/// A setting of the chat.
fn set(chat: &Chat, settings: &Value) -> Fix {
    set_chat(chat, json!({"settings": settings}))
}

fn id(member: &Member) -> String {
    match member {
        Member::User(user_id) => user_id.clone(),
        Member::Bot(app) => app.to_string(),
    }
}

/// An app without its bot.
pub(super) fn bot(fault: Fault, call: &Call) -> Fault {
    fault.by_rule("bot_ability").with_fact("bot", "false").with_fix(set_app(&call.app, json!({"bot": true})))
}

/// A chat that was dissolved.
pub(super) fn dissolved(fault: Fault, chat: &Chat) -> Fault {
    fault
        .by_rule("chat_status")
        .with_fact("chat_status", chat.status.as_str())
        .with_fix(set_chat(chat, json!({"chat_status": "normal"})))
}

/// A speaker who is not in the chat, if that is known.
pub(super) fn outside(fault: Fault, speaker: &Speaker, chat: Option<&Chat>) -> Fault {
    let operator = id(&speaker.member());
    let fault = fault.by_rule("chat_member").with_fact("operator", operator.clone());
    match chat.filter(|_| !matches!(speaker.sender, Sender::Hook(_))) {
        Some(chat) => {
            let path = vec![("chat_id", chat.chat_id.to_string()), ("member", operator)];
            fault.with_fix(Fix::new("larkspur.v1.chat.member_put", path, json!({})))
        }
        None => fault,
    }
}

/// An external chat and an app without external sharing.
pub(super) fn external(fault: Fault, speaker: &Speaker) -> Fault {
    let fault =
        fault.by_rule("external").with_fact("external", "true").with_fact("external_sharing", "false");
    with_app(fault, speaker, json!({"external_sharing": true}))
}

/// A bot without the scope for system messages.
pub(super) fn system_scope(fault: Fault, speaker: &Speaker, scope: Scope) -> Fault {
    let held = speaker.app.iter().flat_map(|app| app.scopes.iter());
    let all: Vec<&str> = held.chain([scope]).collect();
    with_app(fault.by_rule("scopes").with_fact("any_of", scope), speaker, json!({ "scopes": all }))
}

/// A receiver who left the tenant.
pub(super) fn resigned(fault: Fault, user_id: &str) -> Fault {
    let path = vec![("user_id", user_id.to_owned())];
    fault
        .by_rule("user_status")
        .with_fact("user", user_id.to_owned())
        .with_fact("status", "resigned")
        .with_fix(Fix::new("larkspur.v1.user.update", path, json!({"status": "active"})))
}

/// A receiver who does not see the app.
pub(super) fn unseen(fault: Fault, speaker: &Speaker, whom: &str) -> Fault {
    let fault = fault.by_rule("app_visible").with_fact("user", whom.to_owned());
    with_app(fault, speaker, json!({"visible_to_all": true}))
}

/// A setting of the chat that is for owner and managers, or for a list.
pub(super) fn reserved(
    fault: Fault,
    chat: &Chat,
    (setting, value): (&'static str, &'static str),
    opened: &str,
) -> Fault {
    fault
        .by_rule(setting)
        .with_fact(setting, value)
        .with_fact("standing", "member")
        .with_fix(set(chat, &json!({setting: opened})))
}

/// A chat in a state that only the control API sets.
pub(super) fn condition(fault: Fault, chat: &Chat, condition: ChatCondition) -> Fault {
    let others: Vec<&str> =
        chat.conditions.iter().filter(|one| **one != condition).map(|one| one.as_str()).collect();
    fault
        .by_rule("chat_conditions")
        .with_fact("condition", condition.as_str())
        .with_fix(set_chat(chat, json!({"conditions": others})))
}

/// A chat in restricted mode.
pub(super) fn restricted(fault: Fault, chat: &Chat) -> Fault {
    fault
        .by_rule("restricted_mode")
        .with_fact("restricted_mode", "true")
        .with_fix(set(chat, &json!({"restricted_mode_setting": {"status": false}})))
}

/// A scope that the caller lacks beside those of the page.
pub(super) fn scope(fault: Fault, call: &Call, any_of: &[Scope]) -> Fault {
    let fault = fault.by_rule("scopes").with_fact("any_of", any_of.join(", "));
    let first = any_of.first().copied().unwrap_or_default();
    match &call.actor {
        Actor::Bot => {
            let all: Vec<&str> = call.app.scopes.iter().chain([first]).collect();
            fault.with_fix(set_app(&call.app, json!({"scopes": all})))
        }
        Actor::User { grant, .. } => {
            let all: Vec<&str> = grant.scopes.iter().chain([first]).collect();
            let body = json!({"app_id": call.app_id().to_string(), "scopes": all});
            let path = vec![("user_id", grant.user_id.clone())];
            fault.with_fix(Fix::new("larkspur.v1.user.token", path, body))
        }
    }
}

/// A word that the tenant forbids.
pub(super) fn forbidden(fault: Fault, word: &str, words: &[String]) -> Fault {
    let others: Vec<&String> = words.iter().filter(|other| *other != word).collect();
    fault.by_rule("forbidden_words").with_fact("word", word.to_owned()).with_fix(Fix::new(
        "larkspur.v1.world.settings.put",
        Vec::new(),
        json!({"forbidden_words": others}),
    ))
}

/// A message that is older than a window allows; both in milliseconds. `now` is the tenant's time.
pub(crate) fn too_old(fault: Fault, message: &Message, window_ms: i64, now: i64) -> Fault {
    let age = now.saturating_sub(message.created_at);
    let back = age.saturating_sub(window_ms) / 1000 + 1;
    fault
        .by_rule("message_age")
        .with_fact("age_seconds", (age / 1000).to_string())
        .with_fact("window_seconds", (window_ms / 1000).to_string())
        .with_fix(Fix::new("larkspur.v1.world.clock", Vec::new(), json!({"advance_seconds": -back})))
}

/// A message of another sender.
pub(crate) fn not_sender(fault: Fault, speaker: &Speaker) -> Fault {
    fault.by_rule("message_sender").with_fact("operator", id(&speaker.member()))
}
