use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::{Moderation, UserIdType};
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::chats::Member;
use larkspur_store::users::User;
use larkspur_store::{Tx, moderation, users};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::im::v1::ChatPath;
use crate::{Call, Empty, Input, Operation};
use crate::{paging, standing, translate};

/// `GET /im/v1/chats/:chat_id/moderation`
pub(super) struct Get;

/// The page, and the form of ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// `open_id` by default.
    user_id_type: Option<UserIdType>,
    /// 20 by default.
    #[schemars(range(min = 1, max = 100))]
    page_size: Option<i64>,
    /// Empty for the first page.
    page_token: Option<String>,
}

/// Who may speak.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// All members, owner and managers, or a list.
    moderation_setting: Moderation,
    /// A page of the list, if the setting is a list.
    items: Vec<Item>,
    /// Token of the next page; empty on the last one.
    page_token: String,
    /// Whether there is a next page.
    has_more: bool,
}

/// A member who may speak.
#[derive(Debug, Serialize, JsonSchema)]
struct Item {
    /// The form of `user_id`.
    user_id_type: UserIdType,
    /// The member's id.
    user_id: String,
    /// The user's tenant.
    tenant_key: String,
}

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_moderation.get",
        summary: "Get who may speak in a chat",
        reference: "im-v1/chat-moderation/get",
        route: get("/open-apis/im/v1/chats/{chat_id}/moderation"),
        access: Access::tenant_or_user(&[
            scopes::IM_CHAT,
            scopes::IM_CHAT_MODERATION_READ,
            scopes::IM_CHAT_READONLY,
        ])
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
            codes::CHAT_DISSOLVED,
            codes::TENANT_MISMATCH,
            codes::OPERATOR_NOT_IN_CHAT,
            codes::BOT_NOT_ACTIVATED,
            codes::EXTERNAL_NOT_ALLOWED,
            codes::APP_UNAVAILABLE,
        ],
        recodes: &[],
        emits: &[],
        example: "page_size=20",
        behaviours: &[LIST, standing::EXTERNAL],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let query = &input.query;
        let form = translate::form(call, query.user_id_type, codes::PARAM_INVALID)?;
        let (chat, standing) = standing::visible(tx, call, &input.path.chat_id).await?;
        standing::in_use(&chat)?;
        standing::joined(call, &standing)?;
        let engine = tx.engine().clone();
        let list = format!("{} {} {}", Self::SPEC.id, tx.tenant(), chat.chat_id);
        let last = paging::read(&engine.keys, &list, query.page_token.as_deref())?.unwrap_or_default();
        let setting = chat.settings.moderation_permission;
        let size = query.page_size.and_then(|size| usize::try_from(size).ok()).unwrap_or(20);
        let mut speakers = match setting {
            Moderation::ModeratorList => moderation::page(tx, chat.chat_id, &last, size + 1).await?,
            Moderation::AllMembers | Moderation::OnlyOwner => Vec::new(),
        };
        let has_more = speakers.len() > size;
        speakers.truncate(size);
        let page_token = match speakers.last().filter(|_| has_more) {
            Some(last) => paging::write(&engine.keys, &list, &last.to_column()),
            None => String::new(),
        };
        let items = show(tx, call, &speakers, form).await?;
        Ok(Output { moderation_setting: setting, items, page_token, has_more })
    }
}

async fn show(tx: &mut Tx, call: &Call, speakers: &[Member], form: UserIdType) -> Result<Vec<Item>, Fault> {
    let ids = speakers.iter().filter_map(|speaker| match speaker {
        Member::User(user_id) => Some(user_id.as_str()),
        Member::Bot(_) => None,
    });
    let mut found: Vec<User> = users::by_ids(tx, ids).await?;
    // Restores the order of the list, which the lookup does not keep.
    found.sort_by(|a, b| a.user_id.cmp(&b.user_id));
    let tenant_key = tx.tenant().to_string();
    let keys = &tx.engine().keys;
    let item = |user: &User| Item {
        user_id_type: form,
        user_id: translate::user_id(keys, call, user, form),
        tenant_key: tenant_key.clone(),
    };
    Ok(found.iter().map(item).collect())
}

const LIST: Behaviour = Behaviour {
    name: "moderation_list",
    rule: "Items are returned only for moderator_list, in the order of the tenant's own ids. They are the members on the list, without owner and managers.",
    basis: Assumed,
    switch: false,
};
