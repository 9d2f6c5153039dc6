use larkspur_contract::Basis::{Assumed, Documented};
use larkspur_contract::ids::{ChatId, TabId};
use larkspur_contract::model::{ChatStatus, ChatType, GroupMessageType, Permission, UserIdType};
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, events, post, rates, scopes,
};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::{LockedChat, Tx, announcements, chats, members, tabs};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::draft::{self, BY_USER, Body, POLICY, TOPICS, UUID};
use super::info::{self, ChatInfo};
use super::invite;
use crate::busy::{self, LIMITER};
use crate::events::chat::{BOT_ADDED, NAMES, OPERATOR};
use crate::events::{Party, chat_member_bot_added};
use crate::people::People;
use crate::{Actor, Call, Empty, Input, Operation, rules, standing, translate};

/// `POST /im/v1/chats`
pub(super) struct Create;

/// Options of the creation.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The form of user ids in the request and the answer.
    user_id_type: Option<UserIdType>,
    /// Whether the bot becomes a manager if it is not the owner.
    #[serde(default)]
    set_bot_manager: bool,
    /// Calls with the same uuid and owner create one chat within ten hours.
    #[schemars(length(max = 50))]
    uuid: Option<String>,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat.create",
        summary: "Create a group",
        reference: "im-v1/chat/create",
        route: post("/open-apis/im/v1/chats"),
        access: Access::tenant(&[scopes::IM_CHAT, scopes::IM_CHAT_CREATE]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::PARAM_INVALID,
        codes: &[
            codes::PARAM_INVALID,
            codes::APP_NOT_FOUND,
            codes::CHAT_BUSY,
            codes::PUBLIC_NAME_TOO_SHORT,
            codes::BOT_NOT_FOUND,
            codes::USER_RESIGNED,
            codes::REVIEW_FAILED,
            codes::BOT_NOT_ACTIVATED,
            codes::USER_ID_INVALID,
            codes::OWNER_OTHER_TENANT,
            codes::EXTERNAL_NOT_ALLOWED,
            codes::APP_UNAVAILABLE,
            codes::LABELS_NOT_ALLOWED,
            codes::PUBLIC_NAME_EMPTY,
            codes::IDS_UNAVAILABLE,
            codes::RESTRICTED_MODE_NOT_ALLOWED,
            codes::CHAT_BEING_CREATED,
            codes::EXTERNAL_CANNOT_BE_PUBLIC,
            codes::HIDE_COUNT_NOT_ALLOWED,
            codes::HIDE_COUNT_UNSUPPORTED,
            codes::PUBLIC_NOT_ALLOWED,
            codes::TAG_KIND_NOT_ALLOWED,
            codes::OPEN_ID_UNKNOWN,
            codes::USER_ID_UNKNOWN,
            codes::UNION_ID_UNKNOWN,
            codes::OPEN_ID_CROSS_APP,
        ],
        recodes: &[],
        emits: &[&events::BOT_ADDED],
        example: r#"{"name":"larkspur","description":"made by a test"}"#,
        behaviours: &[
            TOPICS, BY_USER, AVATAR, PEOPLE, UUID, POLICY, LIMITER, BOT_ADDED, FIRST, OPERATOR, NAMES,
        ],
        deviations: &["A new chat is internal; external chats are created by the control API."],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Query;
    type Body = Body;
    type Output = ChatInfo;

    fn people(input: &Input<Self>) -> Option<People<'_>> {
        let body = &input.body;
        let owner = body.owner_id.iter().filter(|id| !id.is_empty());
        let people = People::new(input.query.user_id_type, "owner_id", owner);
        Some(people.and("user_id_list[*]", &body.user_id_list).with_strangers())
    }

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<ChatInfo, Fault> {
        let (query, body) = (&input.query, &input.body);
        standing::app_may(call)?;
        let form = translate::form(call, query.user_id_type, codes::PARAM_INVALID)?;
        let chat_type = body.chat_type.unwrap_or(ChatType::Private);
        let name = rules::chats::name(chat_type, &body.name)?;
        rules::chats::text_fits("name", name, rules::chats::NAME_MAX, codes::PARAM_INVALID)?;
        rules::chats::i18n_names_fit(&body.i18n_names, codes::PARAM_INVALID)?;
        rules::chats::description_fits(&body.description)?;
        rules::chats::restricted_mode(&body.restricted_mode_setting.clone().unwrap_or_default())?;
        let mode = body.mode(call.settings.topic_as_group);
        rules::chats::may_hide_count(mode, body.hide_member_count_setting)?;
        body.fits(&call.policy)?;
        super::owns_avatar(tx, call, &body.avatar, codes::PARAM_INVALID).await?;
        let owner = match body.owner_id.as_deref().filter(|id| !id.is_empty()) {
            Some(id) => invite::owner(tx, call, form, id).await?,
            None => call.operator(),
        };
        let chat_id = ChatId(tx.random_id());
        if let Some(first) = draft::first_answer(tx, call, query.uuid.as_deref(), &owner, chat_id).await? {
            let people =
                People::new(query.user_id_type, "user_id_list[*]", &body.user_id_list).with_strangers();
            return match people.unknown(tx, call).await? {
                Some(refusal) => Err(refusal),
                None => show(tx, call, &first, form).await,
            };
        }
        busy::create(tx, call).await?;
        let invited = invite::members(tx, call, form, &body.user_id_list, &body.bot_id_list).await?;
        let chat = Chat {
            chat_id,
            mode,
            chat_type,
            tag: "inner".to_owned(),
            status: ChatStatus::Normal,
            external: false,
            name: name.to_owned(),
            description: body.description.clone(),
            i18n_names: body.i18n_names.clone(),
            avatar: body.avatar.clone(),
            owner: Some(owner.clone()),
            creator_app: matches!(call.actor, Actor::Bot).then_some(call.app_id()),
            group_message_type: body.group_message_type.unwrap_or(GroupMessageType::Chat),
            settings: body.settings(),
            manage_widgets: Permission::AllMembers,
            conditions: Vec::new(),
            user_count: 0,
            bot_count: 0,
        };
        let locked = chats::insert(tx, chat, call.now).await?;
        announcements::begin(tx, &locked, call.policy.announcement_type()).await?;
        people(tx, call, &locked, &owner, query.set_bot_manager, &invited).await?;
        let message = tabs::Tab::message(TabId(tx.next_id()));
        tabs::insert(tx, &locked, &message).await?;
        show(tx, call, &locked, form).await
    }
}

async fn show(tx: &mut Tx, call: &Call, chat: &Chat, form: UserIdType) -> Result<ChatInfo, Fault> {
    let shown = info::show(tx, call, chat, form).await?;
    Ok(ChatInfo { chat_id: Some(chat.chat_id.to_string()), ..shown })
}

async fn people(
    tx: &mut Tx,
    call: &Call,
    chat: &LockedChat,
    owner: &Member,
    bot_manages: bool,
    invited: &[Member],
) -> Result<(), Fault> {
    let operator = call.operator();
    if operator != *owner {
        let manages = bot_manages && matches!(call.actor, Actor::Bot);
        members::add(tx, chat, &operator, manages, call.now).await?;
    }
    let all: Vec<Member> = std::iter::once(owner).chain(invited).cloned().collect();
    members::add_all(tx, chat, &all, false, call.now).await?;
    let others: Vec<Member> = all.into_iter().filter(|member| *member != operator).collect();
    Ok(chat_member_bot_added::emit(tx, chat, &others, &Party::of(call), call.now).await?)
}

const AVATAR: Behaviour = Behaviour {
    name: "chat_create_avatar",
    rule: "An avatar must be an image of type avatar that this app uploaded, or default-avatar_<uuid>; otherwise 232001.",
    basis: Assumed,
    switch: false,
};
const PEOPLE: Behaviour = Behaviour {
    name: "chat_create_people",
    rule: "An owner who does not see the app is 232043, and no chat is created; the same applies to users in the list. An unknown owner or user is the gateway's 9999235x/236x. In addition to the pages: an owner of another tenant is 232032, a suspended owner 232030, a resigned owner or user 232022. In the list of users, a bot or a person of another tenant is 232043; an unknown app or one without a bot is 232021.",
    basis: Documented,
    switch: false,
};
const FIRST: Behaviour = Behaviour {
    name: "event_first_members",
    rule: "The bots of a new chat are told that they were added, except the one that created it. Its first users are not told.",
    basis: Assumed,
    switch: false,
};
