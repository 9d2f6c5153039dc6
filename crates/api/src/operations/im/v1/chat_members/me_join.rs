use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::MembershipApproval;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, events, patch, rates, scopes,
};
use larkspur_store::{Tx, limits, members};
use serde_json::json;

use crate::busy::{self, LIMITER};
use crate::events::chat::{BOT_ADDED, LISTENERS, NAMES, OPERATOR};
use crate::events::{Party, chat_member_bot_added, chat_member_user_added};
use crate::operations::im::v1::ChatPath;
use crate::{Call, Empty, Input, Operation};
use crate::{rules, standing};

/// `PATCH /im/v1/chats/:chat_id/members/me_join`
pub(super) struct MeJoin;

impl Operation for MeJoin {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_members.me_join",
        summary: "Join a public group",
        reference: "im-v1/chat-members/me_join",
        route: patch("/open-apis/im/v1/chats/{chat_id}/members/me_join"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT, scopes::IM_CHAT_MEMBERS_WRITE]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        reply: Reply::Data("ok"),
        invalid: codes::CHAT_ID_INVALID,
        codes: &[
            codes::APP_NOT_FOUND,
            codes::CHAT_ID_INVALID,
            codes::CHAT_TYPE_UNSUPPORTED,
            codes::CHAT_DISSOLVED,
            codes::TENANT_MISMATCH,
            codes::MEMBER_LIMIT,
            codes::CHAT_BUSY,
            codes::BOT_NOT_ACTIVATED,
            codes::NO_VALID_MEMBERS,
            codes::APP_UNAVAILABLE,
            codes::JOIN_NEEDS_APPROVAL,
        ],
        recodes: &[],
        emits: &[&events::USER_ADDED, &events::BOT_ADDED],
        example: "",
        behaviours: &[super::CAPS, LIMITER, AGAIN, LISTENERS, BOT_ADDED, OPERATOR, NAMES],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Empty;
    type Body = Empty;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let chat = standing::lock(tx, call, &input.path.chat_id).await?;
        standing::in_use(&chat)?;
        busy::edit(tx, call, &chat).await?;
        rules::members::may_join(&chat)?;
        let operator = call.operator();
        if members::get(tx, chat.chat_id, &operator).await?.is_some() {
            return Ok(Empty {});
        }
        if chat.settings.membership_approval == MembershipApproval::ApprovalRequired {
            let settings = json!({"membership_approval": "no_approval_required"});
            return Err(Fault::new(codes::JOIN_NEEDS_APPROVAL, "the chat requires approval")
                .by_rule("chat_settings")
                .with_fact("membership_approval", "approval_required")
                .with_fix(standing::set_chat(&chat, json!({"settings": settings}))));
        }
        // This page has one code for both limits.
        let admin = limits::chat_users(tx).await?;
        rules::members::fits(&chat, std::slice::from_ref(&operator), admin)
            .map_err(|full| Fault::new(codes::MEMBER_LIMIT, full.note().to_owned()).explained_as(&full))?;
        members::add(tx, &chat, &operator, false, call.now).await?;
        let (joined, party) = (std::slice::from_ref(&operator), Party::of(call));
        chat_member_user_added::emit(tx, &chat, joined, &party, call.now).await?;
        chat_member_bot_added::emit(tx, &chat, joined, &party, call.now).await?;
        Ok(Empty {})
    }
}

const AGAIN: Behaviour = Behaviour {
    name: "me_join_again",
    rule: "For a member of the chat, the call succeeds without effect. The administrators' limit is 232013 here.",
    basis: Assumed,
    switch: false,
};
