use larkspur_contract::Basis::{Assumed, Documented};
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::Tx;
use larkspur_store::links::{self, Link};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::busy::{self, LIMITER};
use crate::operations::im::v1::ChatPath;
use crate::rules::links as rules;
use crate::{Call, Empty, Input, Operation, standing};

/// `POST /im/v1/chats/:chat_id/link`
pub(super) struct Share;

/// The validity of the link.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Body {
    /// A week by default.
    validity_period: Option<rules::Validity>,
}

/// The link.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Its URL.
    share_link: String,
    /// When it expires, in seconds since 1970, decimal; `0` for a permanent link.
    expire_time: String,
    /// Whether it never expires.
    is_permanent: bool,
}

impl Operation for Share {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat.link",
        summary: "Get a share link of a chat",
        reference: "im-v1/chat/link",
        route: post("/open-apis/im/v1/chats/{chat_id}/link"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT, scopes::IM_CHAT_READ, scopes::IM_CHAT_READONLY])
            .with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::PARAM_INVALID,
        codes: &[
            codes::PARAM_INVALID,
            codes::CHAT_ID_INVALID,
            codes::CHAT_DISSOLVED,
            codes::TENANT_MISMATCH,
            codes::OPERATOR_NOT_IN_CHAT,
            codes::CHAT_BUSY,
            codes::NOT_VISIBLE,
            codes::BOT_NOT_ACTIVATED,
            codes::EXTERNAL_NOT_ALLOWED,
            codes::APP_INACTIVE,
            codes::LINK_SECRET_CHAT,
            codes::LINK_P2P_CHAT,
            codes::LINK_TEAM,
            codes::SHARE_NOT_ALLOWED,
            codes::USER_OR_BOT_NOT_FOUND,
        ],
        recodes: &[(codes::APP_UNAVAILABLE, codes::APP_INACTIVE)],
        emits: &[],
        example: r#"{"validity_period":"week"}"#,
        behaviours: &[SHARERS, LIFE, FORM, standing::EXTERNAL, LIMITER],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let (chat, standing) = standing::lock_to_share(tx, call, &input.path.chat_id).await?;
        busy::edit(tx, call, &chat).await?;
        rules::may_share(&chat, &standing)?;
        let expires_at = input.body.validity_period.unwrap_or_default().end(call.now);
        let token = rules::token(tx.random_id());
        let link = Link { chat_id: chat.chat_id, creator: call.operator(), expires_at };
        links::insert(tx, &chat, &token, &link, call.now).await?;
        Ok(Output {
            share_link: format!("{}{token}", rules::ADDRESS),
            expire_time: (expires_at.unwrap_or(0) / 1000).to_string(),
            is_permanent: expires_at.is_none(),
        })
    }
}

const SHARERS: Behaviour = Behaviour {
    name: "link_sharers",
    rule: "Any member may share a group or topic chat; if share_card_permission is not_allowed, only owner and managers may. The bot that created the chat has no additional right.",
    basis: Documented,
    switch: false,
};
const LIFE: Behaviour = Behaviour {
    name: "link_life",
    rule: "A link is invalid after it expires, while the member that shared it is not in the chat, while the app of the bot that shared it is not in use or has no bot, and after the chat is dissolved. Clients open links; here the control API does. Opening a link joins the chat, or creates a pending request if the chat requires approval.",
    basis: Documented,
    switch: false,
};
const FORM: Behaviour = Behaviour {
    name: "link_form",
    rule: "Each call creates a new link. A week is 7 days, a year 365 days; a permanent link has expire_time 0. Chats with chat_tag secret or team, which only the control API creates, are 232061 and 232063.",
    basis: Assumed,
    switch: false,
};
