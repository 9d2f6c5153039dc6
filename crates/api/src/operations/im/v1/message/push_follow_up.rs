use std::collections::HashSet;

use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::{ChatMode, FollowUpLanguage};
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates};
use larkspur_store::messages::{self, Message, Span};
use larkspur_store::{Tx, follow_ups};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MessagePath;
use crate::messages::speaker::bot_may;
use crate::messages::standing::{self, Act};
use crate::messages::{Speaker, finding, invalid, invalid_field};
use crate::{Call, Empty, Input, Operation};

/// `POST /im/v1/messages/:message_id/push_follow_up`
pub(super) struct PushFollowUp;

/// The answers that are proposed.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The answers.
    #[schemars(length(min = 1, max = 3))]
    follow_ups: Vec<FollowUp>,
}

/// An answer that is proposed.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct FollowUp {
    /// Its text.
    #[schemars(length(min = 1, max = 200))]
    content: String,
    /// Its text by language.
    #[schemars(length(max = 50))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    i18n_contents: Option<Vec<I18nContent>>,
}

/// A text in a language.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct I18nContent {
    /// The text.
    #[schemars(length(min = 1, max = 200))]
    content: String,
    /// The language.
    language: FollowUpLanguage,
}

impl Operation for PushFollowUp {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message.push_follow_up",
        summary: "Propose answers below a message",
        reference: "im-v1/message/push_follow_up",
        route: post("/open-apis/im/v1/messages/{message_id}/push_follow_up"),
        access: Access::tenant(super::FORWARD),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::MESSAGE_INVALID,
            codes::FOLLOW_UP_EXPIRED,
            codes::FOLLOW_UP_NOT_P2P,
            codes::FOLLOW_UP_INVISIBLE,
            codes::FOLLOW_UP_UNAVAILABLE,
            codes::FOLLOW_UP_NOT_LATEST,
            codes::FOLLOW_UP_INVALID,
            codes::FOLLOW_UP_EXISTS,
            codes::MESSAGE_ID_UNKNOWN,
        ],
        recodes: &[
            (codes::MESSAGE_BOT_NOT_ACTIVATED, codes::MESSAGE_INVALID),
            (codes::MESSAGE_NOT_IN_CHAT, codes::FOLLOW_UP_INVISIBLE),
            (codes::MESSAGE_LACKS_PERMISSION, codes::FOLLOW_UP_INVISIBLE),
            (codes::USER_NOT_AVAILABLE, codes::FOLLOW_UP_UNAVAILABLE),
        ],
        emits: &[],
        example: r#"{"follow_ups":[{"content":"Tell me more"}]}"#,
        behaviours: &[finding::UNKNOWN, ANSWERS],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = MessagePath;
    type Query = Empty;
    type Body = Body;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let (follow_ups, message_id) = (&input.body.follow_ups, &input.path.message_id);
        bot_may(call)?;
        let speaker = Speaker::of(call);
        let message = finding::lock(tx, message_id).await?;
        let place = standing::enter(tx, &speaker, message.chat_id, Act::Read).await?;
        let place = place.ok_or_else(|| invalid_field("message_id", message_id))?;
        if place.chat.mode != ChatMode::P2p {
            return Err(Fault::new(codes::FOLLOW_UP_NOT_P2P, "the chat is a group"));
        }
        fits(tx, &speaker, &message).await?;
        if !follow_ups.iter().all(is_valid) {
            return Err(Fault::new(codes::FOLLOW_UP_INVALID, "a blank text, or a language twice"));
        }
        let content = serde_json::to_string(follow_ups)
            .map_err(|error| Fault::new(codes::INTERNAL, error.to_string()))?;
        if !follow_ups::add(tx, message.number, &content, speaker.now).await? {
            return Err(Fault::new(codes::FOLLOW_UP_EXISTS, "the message has answers"));
        }
        Ok(Empty {})
    }
}

/// How long answers can be proposed, in milliseconds. Source: the page, 600 s.
const OPEN_MS: i64 = 600 * 1000;

/// Whether answers can be proposed to a message.
async fn fits(tx: &mut Tx, speaker: &Speaker, message: &Message) -> Result<(), Fault> {
    if message.recalled.is_some() || message.upper != 0 {
        return Err(Fault::new(codes::FOLLOW_UP_INVISIBLE, "the message was recalled, or is a part"));
    }
    if !speaker.sent(message) {
        return Err(invalid("bot or user is not the message`s sender"));
    }
    if speaker.now.saturating_sub(message.created_at) > OPEN_MS {
        return Err(Fault::new(codes::FOLLOW_UP_EXPIRED, "the message is older than 600 s"));
    }
    let newest = Span { backwards: true, ..Span::ALL };
    let latest = messages::of_chat(tx, message.chat_id, newest, None, 1).await?;
    if latest.first().is_some_and(|latest| latest.number != message.number) {
        return Err(Fault::new(codes::FOLLOW_UP_NOT_LATEST, "a later message is in the chat"));
    }
    Ok(())
}

fn is_valid(follow_up: &FollowUp) -> bool {
    let mut languages = HashSet::new();
    let i18n = follow_up.i18n_contents.as_deref().unwrap_or_default();
    !follow_up.content.trim().is_empty()
        && i18n.iter().all(|one| !one.content.trim().is_empty() && languages.insert(one.language))
}

const ANSWERS: Behaviour = Behaviour {
    name: "follow_up_answers",
    rule: "Order of checks: fields, bot ability (230001), message, chat, p2p, recalled (230004), sender (230001), age, latest message, texts, answers that are there. A blank text, and a language that is named twice, are 230007. A chat that the bot is not in, or that was dissolved, is 230004. The latest message is the latest that the chat lists, recalled ones included.",
    basis: Assumed,
    switch: false,
};
