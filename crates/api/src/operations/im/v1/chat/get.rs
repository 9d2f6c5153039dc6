use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::ChatMode;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::chats::Member;
use larkspur_store::{Tx, members, users};

use super::IdType;
use super::info::{self, ChatInfo};
use crate::operations::im::v1::ChatPath;
use crate::standing;
use crate::translate;
use crate::{Call, Empty, Input, Operation};

/// `GET /im/v1/chats/:chat_id`
pub(super) struct Get;

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat.get",
        summary: "Get a chat",
        reference: "im-v1/chat/get",
        route: get("/open-apis/im/v1/chats/{chat_id}"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT, scopes::IM_CHAT_READ, scopes::IM_CHAT_READONLY])
            .with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::PARAM_INVALID,
        codes: &[
            codes::PARAM_INVALID,
            codes::APP_NOT_FOUND,
            codes::CHAT_ID_INVALID,
            codes::TENANT_MISMATCH,
            codes::OPERATOR_NOT_IN_CHAT,
            codes::BOT_NOT_ACTIVATED,
            codes::EXTERNAL_NOT_ALLOWED,
            codes::APP_UNAVAILABLE,
        ],
        recodes: &[],
        emits: &[],
        example: "",
        behaviours: &[OUTSIDERS, standing::EXTERNAL],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = IdType;
    type Body = Empty;
    type Output = ChatInfo;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<ChatInfo, Fault> {
        let form = translate::form(call, input.query.user_id_type, codes::PARAM_INVALID)?;
        let (chat, standing) = standing::visible(tx, call, &input.path.chat_id).await?;
        if !standing.is_member() && chat.mode == ChatMode::P2p {
            return Err(Fault::new(codes::OPERATOR_NOT_IN_CHAT, "only its two parties see a p2p chat")
                .by_rule("chat_member")
                .with_fact("operator", call.operator().to_column())
                .with_fact("chat_mode", chat.mode.as_str()));
        }
        let shown = info::show(tx, call, &chat, form).await?;
        let counted = ChatInfo {
            user_count: Some(chat.user_count.to_string()),
            bot_count: Some(chat.bot_count.to_string()),
            chat_status: Some(chat.status.as_str().to_owned()),
            ..shown
        };
        if !standing.is_member() {
            let ChatInfo { avatar, name, user_count, bot_count, chat_status, .. } = counted;
            return Ok(ChatInfo { avatar, name, user_count, bot_count, chat_status, ..ChatInfo::default() });
        }
        let managers = members::managers(tx, chat.chat_id).await?;
        let (mut user_ids, mut bots) = (Vec::new(), Vec::new());
        for manager in managers {
            match manager {
                Member::Bot(app) => bots.push(app.to_string()),
                Member::User(user_id) => user_ids.push(user_id),
            }
        }
        let found = users::by_ids(tx, user_ids.iter().map(String::as_str)).await?;
        let keys = &tx.engine().keys;
        let shown_ids = user_ids
            .iter()
            .filter_map(|id| found.iter().find(|user| user.user_id == *id))
            .map(|user| translate::user_id(keys, call, user, form));
        Ok(ChatInfo {
            user_manager_id_list: Some(shown_ids.collect()),
            bot_manager_id_list: Some(bots),
            ..counted
        })
    }
}

const OUTSIDERS: Behaviour = Behaviour {
    name: "chat_get_outsider",
    rule: "An operator who is not in a group sees its name, avatar, counts and status; a p2p chat is 232011. An unknown chat is 232006, although the gateway's 99992356 was seen live.",
    basis: Assumed,
    switch: false,
};
