use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::ChatCondition;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::messages::{self, Listed, Message};
use larkspur_store::moderation::{self, Notice};
use larkspur_store::{LockedChat, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::messages::{conditions, finding};
use crate::operations::im::v1::ChatPath;
use crate::{Call, Empty, Input, Operation};

/// `POST /im/v1/chats/:chat_id/top_notice/put_top_notice`
pub(super) struct PutTopNotice;

/// The new top notice.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// Its items.
    #[schemars(length(min = 1, max = 10))]
    chat_top_notice: Vec<Top>,
}

/// An item of the top notice.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Top {
    /// `2`, the announcement, by default.
    action_type: Option<Action>,
    /// The message; required for a message, ignored otherwise.
    message_id: Option<String>,
}

/// The kind of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
enum Action {
    /// A message.
    #[serde(rename = "1")]
    Message,
    /// The announcement.
    #[serde(rename = "2")]
    Announcement,
}

impl Operation for PutTopNotice {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_top_notice.put_top_notice",
        summary: "Put a message or the announcement on the top notice of a chat",
        reference: "im-v1/chat-top_notice/put_top_notice",
        route: post("/open-apis/im/v1/chats/{chat_id}/top_notice/put_top_notice"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT, scopes::IM_CHAT_TOP_NOTICE_WRITE]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::PARAM_INVALID,
        codes: super::CODES,
        recodes: &[(codes::APP_UNAVAILABLE, codes::APP_INACTIVE)],
        emits: &[],
        example: r#"{"chat_top_notice":[{"action_type":"2"}]}"#,
        behaviours: &[super::RIGHT, REPLACES, MESSAGES, conditions::CONDITIONS],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Empty;
    type Body = Body;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let chat = super::lock(tx, call, &input.path.chat_id).await?;
        let mut notices: Vec<Notice> = Vec::new();
        for top in &input.body.chat_top_notice {
            let notice = notice(tx, &chat, top).await?;
            if !notices.contains(&notice) {
                notices.push(notice);
            }
        }
        moderation::set_top(tx, &chat, &notices).await?;
        Ok(Empty {})
    }
}

async fn notice(tx: &mut Tx, chat: &LockedChat, top: &Top) -> Result<Notice, Fault> {
    if top.action_type.unwrap_or(Action::Announcement) == Action::Announcement {
        return Ok(Notice { action_type: "2".to_owned(), message_id: String::new() });
    }
    let id = top.message_id.as_deref().unwrap_or_default();
    // The message is locked, so that it cannot be recalled meanwhile.
    let found = match finding::number(tx, id) {
        Some(number) => messages::lock(tx, number).await?,
        None => None,
    };
    let listed = |message: &Message| {
        message.chat_id == chat.chat_id && message.listed != Listed::Nowhere && message.recalled.is_none()
    };
    if found.as_ref().is_some_and(listed) {
        conditions::not_in(chat, ChatCondition::SelfDestructing, codes::MESSAGE_SELF_DESTRUCTS)?;
        return Ok(Notice { action_type: "1".to_owned(), message_id: id.to_owned() });
    }
    let fault = Fault::new(codes::PARAM_INVALID, "the message_id is not that of a message of the chat");
    Err(fault.with_violation(
        "chat_top_notice[*].message_id",
        Some(id).filter(|id| !id.is_empty()),
        "must be a message of the chat",
    ))
}

const REPLACES: Behaviour = Behaviour {
    name: "top_notice_replaces",
    rule: "The new items replace the present ones; a repeated item counts once; at most ten items.",
    basis: Assumed,
    switch: false,
};
const MESSAGES: Behaviour = Behaviour {
    name: "top_notice_message",
    rule: "A message must be one of the chat that was not recalled; any other is 232001. If it is recalled later, its item disappears.",
    basis: Assumed,
    switch: false,
};
