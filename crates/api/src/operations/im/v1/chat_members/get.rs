use larkspur_contract::Basis::{Assumed, Documented};
use larkspur_contract::model::UserIdType;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::Tx;
use larkspur_store::chats::Chat;
use larkspur_store::members::{self, Cursor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::people::{self, UserMember};
use crate::operations::im::v1::ChatPath;
use crate::{Call, Empty, Input, Operation};
use crate::{paging, standing, translate};

/// `GET /im/v1/chats/:chat_id/members`
pub(super) struct Get;

/// The page, and the form of ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// `open_id` by default.
    member_id_type: Option<UserIdType>,
    /// Number of members, including bots; 20 by default.
    #[schemars(range(min = 1, max = 100))]
    page_size: Option<i64>,
    /// Token of the page; empty for the first one.
    page_token: Option<String>,
    /// Whether to report that a security setting truncated the list. It is always reported.
    check_security_conf: Option<bool>,
}

/// A page of users.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// The users.
    items: Vec<UserMember>,
    /// Token of the next page; empty on the last one.
    page_token: String,
    /// Whether there is a next page.
    has_more: bool,
    /// Number of users in the chat.
    member_total: i64,
    /// Whether a security setting truncated the list; always false.
    trigger_security_conf_limit: bool,
    /// The limit of that setting; always 0.
    security_conf_limit: i64,
}

/// The most rows of a page: it can exceed its size to keep members with the same join time together.
const PAGE_MAX: i64 = 1000;

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_members.get",
        summary: "List the users of a chat",
        reference: "im-v1/chat-members/get",
        route: get("/open-apis/im/v1/chats/{chat_id}/members"),
        access: Access::tenant_or_user(&[
            scopes::IM_CHAT,
            scopes::IM_CHAT_READONLY,
            scopes::IM_CHAT_MEMBERS_READ,
            scopes::IM_CHAT_GROUP_INFO,
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
        behaviours: &[standing::EXTERNAL, PAGES, TOTAL, UNCUT],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let query = &input.query;
        let form = translate::form_of(call, "member_id_type", query.member_id_type, codes::PARAM_INVALID)?;
        let (chat, standing) = standing::visible(tx, call, &input.path.chat_id).await?;
        standing::in_use(&chat)?;
        standing::joined(call, &standing)?;
        let list = format!("im.v1.chat_members {} {}", tx.tenant(), chat.chat_id);
        let keys = tx.engine().clone();
        let begin = paging::read(&keys.keys, &list, query.page_token.as_deref())?;
        let begin = begin.as_deref().and_then(people::parse_cursor);
        let (rows, has_more) =
            page(tx, &chat, begin.as_ref(), query.page_size.unwrap_or(people::PAGE_DEFAULT)).await?;
        let page_token = match rows.last().filter(|_| has_more) {
            Some(last) => paging::write(&keys.keys, &list, &people::write_cursor(last)),
            None => String::new(),
        };
        let items = people::show(tx, call, form, &rows).await?;
        Ok(Output {
            items,
            page_token,
            has_more,
            member_total: chat.user_count,
            trigger_security_conf_limit: false,
            security_conf_limit: 0,
        })
    }
}

/// The rows of a page, and whether there are more.
async fn page(
    tx: &mut Tx,
    chat: &Chat,
    begin: Option<&Cursor>,
    size: i64,
) -> Result<(Vec<Cursor>, bool), Fault> {
    let mut rows = members::after(tx, chat.chat_id, begin, size + 1).await?;
    if i64::try_from(rows.len()).unwrap_or(i64::MAX) <= size {
        return Ok((rows, false));
    }
    let beyond = rows.pop();
    let (Some(last), Some(beyond)) = (rows.last(), beyond) else { return Ok((rows, false)) };
    if beyond.joined_at != last.joined_at {
        return Ok((rows, true));
    }
    let rest = members::together(tx, chat.chat_id, last, PAGE_MAX - size).await?;
    rows.extend(rest);
    let Some(last) = rows.last() else { return Ok((rows, false)) };
    let more = !members::after(tx, chat.chat_id, Some(last), 1).await?.is_empty();
    Ok((rows, more))
}

const PAGES: Behaviour = Behaviour {
    name: "member_pages",
    rule: "Members are in the order of joining. Bots count toward page_size but are omitted, so a page can be short. Members with the same join time are on one page, so a page can be long, up to 1000.",
    basis: Documented,
    switch: false,
};
const TOTAL: Behaviour = Behaviour {
    name: "member_total",
    rule: "member_total counts users, not bots.",
    basis: Assumed,
    switch: false,
};
const UNCUT: Behaviour = Behaviour {
    name: "member_list_uncut",
    rule: "No security setting truncates the list: trigger_security_conf_limit is false and security_conf_limit 0, whatever check_security_conf is.",
    basis: Assumed,
    switch: false,
};
