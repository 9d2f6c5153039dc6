use larkspur_contract::Basis::{Assumed, Documented};
use larkspur_contract::model::{MemberIdType, Moderation, UserIdType};
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, events, put, rates, scopes,
};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::{LockedChat, Tx, chats, members, moderation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::busy::{self, LIMITER};
use crate::events::Party;
use crate::events::chat::{LISTENERS, OPERATOR};
use crate::events::chat_updated::{self, Speakers};
use crate::operations::im::v1::ChatPath;
use crate::people::People;
use crate::rules::chats as rules;
use crate::translate::{self, Named};
use crate::{Call, Empty, Input, Operation, standing};

/// `PUT /im/v1/chats/:chat_id/moderation`
pub(super) struct Update;

/// The form of the ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// `open_id` by default; `app_id` is refused.
    user_id_type: Option<MemberIdType>,
}

/// The new setting and changes of the list. Absent fields are unchanged.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Body {
    /// All members, owner and managers, or a list.
    moderation_setting: Option<Moderation>,
    /// Members to add to the list.
    #[schemars(length(max = 500))]
    moderator_added_list: Vec<String>,
    /// Members to remove from the list; must not be in `moderator_added_list`.
    #[schemars(length(max = 500))]
    moderator_removed_list: Vec<String>,
}

impl Operation for Update {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_moderation.update",
        summary: "Set who may speak in a chat",
        reference: "im-v1/chat-moderation/update",
        route: put("/open-apis/im/v1/chats/{chat_id}/moderation"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT, scopes::IM_CHAT_MODERATION_WRITE]).with_bot(),
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
            codes::MEMBER_ID_TYPE_UNSUPPORTED,
            codes::NEEDS_OWNER_OR_CREATOR,
            codes::CHAT_BUSY,
            codes::BOT_NOT_ACTIVATED,
            codes::EXTERNAL_NOT_ALLOWED,
            codes::APP_UNAVAILABLE,
            codes::CHAT_BANNED,
            codes::MEETING_IN_PROGRESS,
            codes::OPEN_ID_UNKNOWN,
            codes::USER_ID_UNKNOWN,
            codes::UNION_ID_UNKNOWN,
            codes::OPEN_ID_CROSS_APP,
        ],
        recodes: &[],
        emits: &[&events::CHAT_UPDATED],
        example: r#"{"moderation_setting":"moderator_list","moderator_added_list":["{open_id}"]}"#,
        behaviours: &[SPEAKERS, LISTS, HOLDS, LIMITER, LISTENERS, chat_updated::SPEAKERS, OPERATOR],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Query;
    type Body = Body;
    type Output = Empty;

    fn people(input: &Input<Self>) -> Option<People<'_>> {
        let body = &input.body;
        let added =
            People::among(input.query.user_id_type, "moderator_added_list[*]", &body.moderator_added_list)?;
        Some(added.and("moderator_removed_list[*]", &body.moderator_removed_list))
    }

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let body = &input.body;
        let (chat, standing) = standing::lock_in_use(tx, call, &input.path.chat_id).await?;
        standing::joined(call, &standing)?;
        busy::edit(tx, call, &chat).await?;
        rules::may_moderate(moderation::holds(tx, chat.chat_id).await?, &standing)?;
        let form = form(call, input.query.user_id_type)?;
        disjoint(body)?;
        let setting = body.moderation_setting.unwrap_or(chat.settings.moderation_permission);
        let mut new = Chat::clone(&chat);
        new.settings.moderation_permission = setting;
        if new != *chat {
            chats::update(tx, &chat, &new).await?;
        }
        let mut changed = Speakers::default();
        for (field, ids, speaks) in [
            ("moderator_added_list[*]", &body.moderator_added_list, true),
            ("moderator_removed_list[*]", &body.moderator_removed_list, false),
        ] {
            let speakers = present(tx, call, &chat, form, (field, ids)).await?;
            if setting == Moderation::ModeratorList {
                let list = if speaks { &mut changed.added } else { &mut changed.removed };
                *list = moderation::set_all(tx, &chat, &speakers, speaks).await?;
            }
        }
        chat_updated::emit(tx, (&chat, &new), &changed, &Party::of(call), call.now).await?;
        Ok(Empty {})
    }
}

fn form(call: &Call, asked: Option<MemberIdType>) -> Result<UserIdType, Fault> {
    let form = match asked.unwrap_or(MemberIdType::OpenId) {
        MemberIdType::AppId => {
            return Err(Fault::new(codes::MEMBER_ID_TYPE_UNSUPPORTED, "only users can be moderators"));
        }
        MemberIdType::OpenId => UserIdType::OpenId,
        MemberIdType::UnionId => UserIdType::UnionId,
        MemberIdType::UserId => UserIdType::UserId,
    };
    translate::form(call, Some(form), codes::PARAM_INVALID)
}

fn disjoint(body: &Body) -> Result<(), Fault> {
    let added: std::collections::HashSet<&String> = body.moderator_added_list.iter().collect();
    match body.moderator_removed_list.iter().find(|id| added.contains(id)) {
        None => Ok(()),
        Some(id) => {
            Err(Fault::new(codes::PARAM_INVALID, "a user is both added to the list and removed from it")
                .with_violation("moderator_removed_list[*]", Some(id), "must not be in moderator_added_list"))
        }
    }
}

/// The ids of a list, named `field`, that are users in the chat.
async fn present(
    tx: &mut Tx,
    call: &Call,
    chat: &LockedChat,
    form: UserIdType,
    (field, ids): (&str, &[String]),
) -> Result<Vec<Member>, Fault> {
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut named = Vec::with_capacity(ids.len());
    for (id, found) in ids.iter().zip(translate::all_named(tx, call, form, &ids).await?) {
        match found {
            Named::User(user) => named.push(Member::User(user.user_id)),
            Named::Bot(_) => {}
            unknown => return Err(translate::refusal(form, id, &unknown).about(field)),
        }
    }
    let present = members::among(tx, chat.chat_id, &named).await?;
    named.retain(|member| present.contains(member));
    Ok(named)
}

const SPEAKERS: Behaviour = Behaviour {
    name: "moderation_by_owner",
    rule: "The owner may set who can speak, and so may the creator bot with im:chat:operate_as_owner while it is in the chat; managers may not. Users who are not in the chat are skipped.",
    basis: Documented,
    switch: false,
};
const LISTS: Behaviour = Behaviour {
    name: "moderation_lists",
    rule: "Bots in the lists are skipped, too. Unknown users are the gateway's 9999235x/236x, even if the lists are not used; user_id_type app_id is 232015. The lists are used only if the setting is or becomes moderator_list. The stored list is kept under other settings; members who leave the chat are removed from it. At most 500 ids each.",
    basis: Assumed,
    switch: false,
};
const HOLDS: Behaviour = Behaviour {
    name: "chat_holds",
    rule: "The control API sets a ban (232060) and a meeting in the chat (232092). A ban is checked before the operator's rights.",
    basis: Assumed,
    switch: false,
};
