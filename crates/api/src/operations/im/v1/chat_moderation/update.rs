use larkspur_contract::Basis::{Assumed, Documented};
use larkspur_contract::model::{MemberIdType, Moderation, UserIdType};
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, put, rates, scopes};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::{LockedChat, Tx, chats, members, moderation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::busy::{self, LIMITER};
use crate::operations::im::v1::ChatPath;
use crate::people::People;
use crate::rules::chats as rules;
use crate::translate::{self, Named};
use crate::{Call, Empty, Input, Operation, standing};

/// `PUT /im/v1/chats/:chat_id/moderation`
pub(super) struct Update;

/// How to read the ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// `open_id` by default; `app_id` is refused.
    user_id_type: Option<MemberIdType>,
}

/// Who shall speak. What is absent is left as it is.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Body {
    /// Everybody, owner and managers, or a list.
    moderation_setting: Option<Moderation>,
    /// Who goes on the list.
    #[schemars(length(max = 500))]
    moderator_added_list: Vec<String>,
    /// Who goes off the list; nobody of those who go on it.
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
        emits: &[],
        example: r#"{"moderation_setting":"moderator_list","moderator_added_list":["{open_id}"]}"#,
        behaviours: &[SPEAKERS, LISTS, HOLDS, LIMITER],
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
        let holds = moderation::holds(tx, chat.chat_id).await?;
        if holds.banned {
            return Err(Fault::new(codes::CHAT_BANNED, "the chat is banned"));
        }
        rules::owns(&standing)?;
        if holds.meeting {
            return Err(Fault::new(codes::MEETING_IN_PROGRESS, "a meeting is going on in the chat"));
        }
        let form = form(call, input.query.user_id_type)?;
        disjoint(body)?;
        let setting = body.moderation_setting.unwrap_or(chat.settings.moderation_permission);
        if setting != chat.settings.moderation_permission {
            let mut new = Chat::clone(&chat);
            new.settings.moderation_permission = setting;
            chats::update(tx, &chat, &new).await?;
        }
        for (field, ids, speaks) in [
            ("moderator_added_list[*]", &body.moderator_added_list, true),
            ("moderator_removed_list[*]", &body.moderator_removed_list, false),
        ] {
            let speakers = present(tx, call, &chat, form, (field, ids)).await?;
            if setting == Moderation::ModeratorList {
                moderation::set_all(tx, &chat, &speakers, speaks).await?;
            }
        }
        Ok(Empty {})
    }
}

fn form(call: &Call, asked: Option<MemberIdType>) -> Result<UserIdType, Fault> {
    let form = match asked.unwrap_or(MemberIdType::OpenId) {
        MemberIdType::AppId => {
            return Err(Fault::new(codes::MEMBER_ID_TYPE_UNSUPPORTED, "speakers are users"));
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
        Some(id) => Err(Fault::new(codes::PARAM_INVALID, "somebody goes on the list and off it")
            .with_violation("moderator_removed_list[*]", Some(id), "must not be in moderator_added_list")),
    }
}

/// Those of a list of ids, under its name, who are users in the chat.
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
    rule: "The owner sets who may speak, and so does the bot that made the chat with im:chat:operate_as_owner while it is in it; managers do not. Whoever is not in the chat is passed over.",
    basis: Documented,
    switch: false,
};
const LISTS: Behaviour = Behaviour {
    name: "moderation_lists",
    rule: "Bots on the lists are left out, too; unknown users are the gateway's 9999235x/236x, also where the lists do not count; user_id_type app_id is 232015. The lists count only where the setting is or becomes moderator_list; the list is kept under another setting, and whoever leaves the chat leaves it. At most 500 ids each.",
    basis: Assumed,
    switch: false,
};
const HOLDS: Behaviour = Behaviour {
    name: "chat_holds",
    rule: "A ban (232060) and a meeting in the chat (232092) are set by the control API; a ban is answered before the operator's rights are looked at.",
    basis: Assumed,
    switch: false,
};
