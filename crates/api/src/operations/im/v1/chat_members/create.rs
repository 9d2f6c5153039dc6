use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::MemberIdType;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, events, post, rates, scopes,
};
use larkspur_store::chats::Member;
use larkspur_store::{Tx, limits, members, pending};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::IdList;
use super::guests::{self, Policy};
use crate::busy::LIMITER;
use crate::events::chat::{BOT_ADDED, LISTENERS, NAMES, OPERATOR};
use crate::events::{Party, chat_member_bot_added, chat_member_user_added};
use crate::operations::im::v1::ChatPath;
use crate::people::People;
use crate::{Call, Input, Operation};
use crate::{rules, translate};

/// `POST /im/v1/chats/:chat_id/members`
pub(super) struct Create;

/// The form of the ids, and how to treat ids that cannot be added.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// `open_id` by default.
    member_id_type: Option<MemberIdType>,
    /// 0 (the default): only resigned users are listed; 1: all ids that cannot be added are listed; 2: they refuse the
    /// call.
    #[schemars(range(min = 0, max = 2))]
    succeed_type: Option<i64>,
}

/// The ids that were not added.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Ids that exist but cannot be added.
    invalid_id_list: Vec<String>,
    /// Ids that do not exist.
    not_existed_id_list: Vec<String>,
    /// Ids that wait for the approval of owner or managers.
    pending_approval_id_list: Vec<String>,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_members.create",
        summary: "Add users or bots to a group",
        reference: "im-v1/chat-members/create",
        route: post("/open-apis/im/v1/chats/{chat_id}/members"),
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
            codes::CHAT_DISSOLVED,
            codes::TENANT_MISMATCH,
            codes::OPERATOR_NOT_IN_CHAT,
            codes::MEMBER_LIMIT,
            codes::NEEDS_OWNER_OR_CREATOR,
            codes::CHAT_BUSY,
            codes::NOT_VISIBLE,
            codes::BOT_NOT_ACTIVATED,
            codes::NO_VALID_MEMBERS,
            codes::EXTERNAL_MEMBER_IN_INTERNAL_CHAT,
            codes::EXTERNAL_NOT_ALLOWED,
            codes::APP_UNAVAILABLE,
            codes::IDS_UNAVAILABLE,
            codes::MEMBER_LIMIT_BY_ADMIN,
            codes::CHAT_UNSUPPORTED,
            codes::OPEN_ID_UNKNOWN,
            codes::USER_ID_UNKNOWN,
            codes::OPEN_ID_CROSS_APP,
            codes::UNION_ID_NOT_EXISTED,
        ],
        recodes: &[],
        emits: &[&events::USER_ADDED, &events::BOT_ADDED],
        example: r#"{"id_list":["{open_id}"]}"#,
        behaviours: &[super::CAPS, LIMITER, IDS, APPROVAL, LISTENERS, BOT_ADDED, OPERATOR, NAMES],
        deviations: &["Users of other tenants cannot be added, even to external chats (232028)."],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Query;
    type Body = IdList;
    type Output = Output;

    fn people(input: &Input<Self>) -> Option<People<'_>> {
        // With 1 and 2 the answer itself lists unknown ids.
        let strict = input.query.succeed_type.unwrap_or(0) == 0;
        let people = input.body.people(input.query.member_id_type).filter(|_| strict)?;
        Some(People { unknown_union: guests::UNKNOWN_UNION, ..people.with_strangers() })
    }

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let asked = input.query.member_id_type;
        let form = translate::member_form(call, asked, codes::PARAM_INVALID)?;
        let chat_id = &input.path.chat_id;
        let (chat, standing) = super::lock_group(tx, call, chat_id, codes::CHAT_UNSUPPORTED).await?;
        rules::members::may_add(&chat, &standing)?;
        let ids = input.body.distinct(asked)?;
        let policy = match input.query.succeed_type {
            Some(1) => Policy::Lenient,
            Some(2) => Policy::AllOrNone,
            _ => Policy::Strict,
        };
        let sorted = guests::sort(tx, call, &chat, form, &ids, policy).await?;
        if sorted.welcome.is_empty() && policy != Policy::Lenient {
            let notes = sorted.notes.join(", ");
            let note = format!("no id of the list can be added: {notes}");
            return Err(Fault::new(codes::NO_VALID_MEMBERS, note).with_fact("cannot_be_added", notes));
        }
        let present = members::among(tx, chat.chat_id, sorted.welcome.iter().map(|(_, who)| who)).await?;
        let mut new: Vec<(&str, Member)> = sorted.welcome;
        new.retain(|(_, member)| !present.contains(member));
        let mut waiting = Vec::new();
        if rules::members::needs_approval(&chat, &standing) {
            let inviter = call.operator();
            let (ids, guests): (Vec<&str>, Vec<Member>) = new.into_iter().unzip();
            pending::add_all(tx, &chat, &guests, &inviter, call.now).await?;
            waiting.extend(ids.into_iter().map(str::to_owned));
        } else {
            let new: Vec<Member> = new.into_iter().map(|(_, member)| member).collect();
            rules::members::fits(&chat, &new, limits::chat_users(tx).await?)?;
            members::add_all(tx, &chat, &new, false, call.now).await?;
            let operator = Party::of(call);
            chat_member_user_added::emit(tx, &chat, &new, &operator, call.now).await?;
            chat_member_bot_added::emit(tx, &chat, &new, &operator, call.now).await?;
        }
        let owned = |ids: Vec<&str>| ids.into_iter().map(str::to_owned).collect();
        Ok(Output {
            invalid_id_list: owned(sorted.invalid),
            not_existed_id_list: owned(sorted.absent),
            pending_approval_id_list: waiting,
        })
    }
}

const IDS: Behaviour = Behaviour {
    name: "member_ids_that_cannot_come_in",
    rule: "succeed_type 0: an unknown user is the gateway's 9999235x/236x, a user who does not see the app 232024, a user of another tenant 232028, an app that is unknown or without a bot 232043; resigned users are listed. 1: the call always succeeds; unknown ids are in not_existed_id_list, others that cannot be added in invalid_id_list. 2: 232043 with the ids. Members of the chat are skipped. If no id can be added, the call is 232027 (except with 1). The app's visibility matters if a bot invites, not if a user does.",
    basis: Assumed,
    switch: false,
};
const APPROVAL: Behaviour = Behaviour {
    name: "membership_approval",
    rule: "With membership_approval, invitations by owner or managers take effect at once. Other invitations wait until the control API approves or rejects them, including those by the bot that created the chat.",
    basis: Assumed,
    switch: false,
};
