use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::{ChatStatus, MemberIdType};
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, delete, events, rates, scopes,
};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::{Tx, chats, members};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::IdList;
use crate::busy::LIMITER;
use crate::events::chat::{LISTENERS, NAMES, OPERATOR};
use crate::events::{Party, chat_member_bot_deleted, chat_member_user_deleted};
use crate::operations::im::v1::ChatPath;
use crate::rules;
use crate::translate::{self, Named};
use crate::{Call, Input, Operation};

/// `DELETE /im/v1/chats/:chat_id/members`
pub(super) struct Delete;

/// The form of the ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// `open_id` by default.
    member_id_type: Option<MemberIdType>,
}

/// The ids that were not removed.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Ids that were not in the chat.
    invalid_id_list: Vec<String>,
}

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_members.delete",
        summary: "Remove users or bots from a group",
        reference: "im-v1/chat-members/delete",
        route: delete("/open-apis/im/v1/chats/{chat_id}/members"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT, scopes::IM_CHAT_MEMBERS_WRITE]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::PARAM_INVALID,
        codes: &[
            codes::PARAM_INVALID,
            codes::APP_NOT_FOUND,
            codes::CHAT_ID_INVALID,
            codes::CHAT_OR_USER_ID_INVALID,
            codes::CHAT_DISSOLVED,
            codes::TENANT_MISMATCH,
            codes::OPERATOR_NOT_IN_CHAT,
            codes::TOKEN_LACKS_PERMISSION,
            codes::CHAT_BUSY,
            codes::BOT_NOT_ACTIVATED,
            codes::NO_VALID_MEMBERS,
            codes::NO_OWNER_CANDIDATE,
            codes::EXTERNAL_NOT_ALLOWED,
            codes::APP_UNAVAILABLE,
            codes::CANNOT_REMOVE_OWNER,
        ],
        recodes: &[],
        emits: &[&events::USER_DELETED, &events::BOT_DELETED],
        example: r#"{"id_list":["{open_id}"]}"#,
        behaviours: &[super::SELF_REMOVAL, LIMITER, OWNER, LAST, STRANGERS, LISTENERS, OPERATOR, NAMES],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Query;
    type Body = IdList;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let asked = input.query.member_id_type;
        let form = translate::member_form(call, asked, codes::PARAM_INVALID)?;
        let chat_id = &input.path.chat_id;
        let (chat, standing) = super::lock_group(tx, call, chat_id, codes::CHAT_OR_USER_ID_INVALID).await?;
        let ids = input.body.distinct(asked)?;
        let operator = call.operator();
        let named = translate::all_named_members(tx, call, form, &ids).await?;
        let named: Vec<_> = ids.into_iter().zip(named.into_iter().map(Named::member)).collect();
        if named.iter().any(|(_, member)| member.as_ref() != Some(&operator)) {
            rules::members::may_remove(&standing)?;
        }
        let present =
            members::among(tx, chat.chat_id, named.iter().filter_map(|(_, who)| who.as_ref())).await?;
        let (leaving, strangers): (Vec<_>, Vec<_>) = named
            .into_iter()
            .partition(|(_, member)| member.as_ref().is_some_and(|member| present.contains(member)));
        if leaving.is_empty() {
            let ids: Vec<&str> = strangers.into_iter().map(|(id, _)| id).collect();
            let ids = ids.join(", ");
            return Err(Fault::new(codes::NO_VALID_MEMBERS, format!("not in the chat: {ids}"))
                .with_fact("not_in_chat", ids));
        }
        owner_stays(&chat, &operator, &present)?;
        let (named, mut present) = (leaving.into_iter().filter_map(|(_, member)| member), present);
        let present: Vec<Member> = named.filter(|member| present.remove(member)).collect();
        members::remove_all(tx, &chat, &present).await?;
        if chat.user_count + chat.bot_count == i64::try_from(present.len()).unwrap_or(i64::MAX) {
            let empty = Chat { status: ChatStatus::Dissolved, ..Chat::clone(&chat) };
            chats::update(tx, &chat, &empty).await?;
        }
        let by = Party::of(call);
        chat_member_user_deleted::emit(tx, &chat, &present, &by, call.now).await?;
        chat_member_bot_deleted::emit(tx, &chat, &present, &by, call.now).await?;
        Ok(Output { invalid_id_list: strangers.into_iter().map(|(id, _)| id.to_owned()).collect() })
    }
}

/// Refuses to remove the owner, even by itself.
fn owner_stays(
    chat: &Chat,
    operator: &Member,
    leaving: &std::collections::HashSet<Member>,
) -> Result<(), Fault> {
    let Some(owner) = chat.owner.as_ref().filter(|owner| leaving.contains(owner)) else { return Ok(()) };
    if owner == operator && chat.user_count + chat.bot_count == 1 {
        return Err(Fault::new(
            codes::NO_OWNER_CANDIDATE,
            "the owner is the only member and cannot transfer the chat",
        )
        .by_rule(OWNER.name)
        .with_fact("owner", owner.to_column()));
    }
    Err(Fault::new(codes::CANNOT_REMOVE_OWNER, "the owner must transfer or dissolve the chat")
        .by_rule(OWNER.name)
        .with_fact("owner", owner.to_column()))
}

const OWNER: Behaviour = Behaviour {
    name: "owner_stays",
    rule: "The owner cannot be removed, even by itself (232076); if the owner is the only member, it is 232029, since there is no successor. Then no member is removed.",
    basis: Assumed,
    switch: false,
};
const LAST: Behaviour = Behaviour {
    name: "last_member_leaves",
    rule: "A chat without an owner is dissolved when its last member leaves. There is no event for that: no bot is left in the chat.",
    basis: Assumed,
    switch: false,
};
const STRANGERS: Behaviour = Behaviour {
    name: "removing_strangers",
    rule: "Ids that are not in the chat are listed; if there are no others, the call is 232027. Listing such ids also needs the right to remove others. A p2p chat is 232007.",
    basis: Assumed,
    switch: false,
};
