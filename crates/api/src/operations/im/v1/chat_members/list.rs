use larkspur_contract::Basis::{Assumed, Observed};
use larkspur_contract::model::UserIdType;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::chats::Chat;
use larkspur_store::{Tx, apps, members};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::people::{self, UserMember};
use crate::operations::im::v1::ChatPath;
use crate::{Call, Empty, Input, Operation};
use crate::{paging, rules, standing, translate};

/// `GET /im/v1/chats/:chat_id/members/list`
pub(super) struct List;

/// The kinds of members, the page, and the form of ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The form of user ids; `open_id` by default.
    member_id_type: Option<UserIdType>,
    /// `user` and `bot`, repeated or joined by commas; both by default.
    #[serde(default)]
    member_types: Vec<String>,
    /// Number of users; 20 by default.
    #[schemars(range(min = 1, max = 100))]
    page_size: Option<i64>,
    /// Token of the page; empty for the first one.
    page_token: Option<String>,
}

/// A page of members.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Users.
    users: Vec<UserMember>,
    /// Bots; the first page has all of them.
    bots: Vec<BotMember>,
    /// Number of users in the chat; -1 if the operator may not see it.
    user_total: i64,
    /// Number of bots in the chat.
    bot_total: i64,
    /// Whether there is a next page.
    has_more: bool,
    /// Token of the next page; empty on the last one.
    page_token: String,
    /// Kinds of members that were truncated: always empty.
    truncations: Vec<Truncation>,
}

/// A bot in the chat.
#[derive(Debug, Serialize, JsonSchema)]
struct BotMember {
    /// `open_id`
    member_id_type: UserIdType,
    /// Its open_id, as the calling app sees it.
    member_id: String,
    /// Its name.
    name: String,
    /// Its app.
    app_id: String,
    /// Its tenant.
    tenant_key: String,
}

/// A truncated kind of members.
#[derive(Debug, Serialize, JsonSchema)]
struct Truncation {
    /// `user` or `bot`.
    member_type: String,
    /// The number that was kept.
    limit: i64,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_members.list",
        summary: "List the users and bots of a chat",
        reference: "im-v1/chat-members/list",
        route: get("/open-apis/im/v1/chats/{chat_id}/members/list"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT_MEMBERS_READ]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::PARAM_INVALID,
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
        example: "member_types=user,bot&page_size=20",
        behaviours: &[SHAPE, PAGES],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let query = &input.query;
        let form = translate::form_of(call, "member_id_type", query.member_id_type, codes::FIELD_VALIDATION)?;
        let types = rules::lists::chosen("member_types", ["user", "bot"], &query.member_types)?;
        let [users, bots] = types.unwrap_or([true; 2]);
        let (chat, standing) = standing::visible(tx, call, &input.path.chat_id).await?;
        standing::in_use(&chat)?;
        standing::joined(call, &standing)?;
        let list = format!("{} {} {}", Self::SPEC.id, tx.tenant(), chat.chat_id);
        let begin = paging::read(&tx.engine().keys, &list, query.page_token.as_deref())?;
        let begin = begin.as_deref().and_then(people::parse_cursor);
        let told = rules::members::may_count(&chat, &standing);
        let (mut rows, mut next) = (Vec::new(), None);
        if users && told {
            let size = query.page_size.unwrap_or(people::PAGE_DEFAULT);
            rows = members::users_after(tx, chat.chat_id, begin.as_ref(), size + 1).await?;
            if i64::try_from(rows.len()).unwrap_or(i64::MAX) > size {
                rows.pop();
                next = rows.last().map(people::write_cursor);
            }
        }
        let bots = if bots && begin.is_none() { self::bots(tx, call, &chat).await? } else { Vec::new() };
        Ok(Output {
            users: people::show(tx, call, form, &rows).await?,
            bots,
            user_total: if told { chat.user_count } else { -1 },
            bot_total: chat.bot_count,
            has_more: next.is_some(),
            page_token: next
                .map_or_else(String::new, |cursor| paging::write(&tx.engine().keys, &list, &cursor)),
            truncations: Vec::new(),
        })
    }
}

async fn bots(tx: &mut Tx, call: &Call, chat: &Chat) -> Result<Vec<BotMember>, Fault> {
    let bots = members::bots(tx, chat.chat_id).await?;
    let installs = apps::installs(tx, bots.iter().copied()).await?;
    let (keys, tenant_key) = (&tx.engine().keys, tx.tenant().to_string());
    let shown = bots.into_iter().map(|app| BotMember {
        member_id_type: UserIdType::OpenId,
        member_id: translate::bot_id(keys, call, app),
        name: installs.get(&app).map(|found| found.name.clone()).unwrap_or_default(),
        app_id: app.to_string(),
        tenant_key: tenant_key.clone(),
    });
    Ok(shown.collect())
}

const SHAPE: Behaviour = Behaviour {
    name: "member_list_shape",
    rule: "This operation has no public page: request and answer are those of the official command line client. Nothing is truncated, so truncations is empty.",
    basis: Observed,
    switch: false,
};
const PAGES: Behaviour = Behaviour {
    name: "member_list_pages",
    rule: "Pages have exactly page_size users, in the order of joining; only the first page has bots. Both totals are the same on all pages and for all member_types. If hide_member_count_setting is only_owner, members other than owner and managers get no users and user_total -1. A page_token that was not issued is 232001; refusals are those of the other list of members.",
    basis: Assumed,
    switch: false,
};
