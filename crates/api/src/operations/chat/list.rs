use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::UserIdType;
use larkspur_contract::{
    Access, Behaviour, Bot, Consumes, Effect, Fault, Reply, Spec, Tokens, codes, get, rates,
};
use larkspur_store::Tx;
use larkspur_store::listing::{self, Order, Place};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::items::{self, Page};
use crate::{Call, Empty, Input, Operation};
use crate::{paging, standing, translate};

/// `GET /im/v1/chats`
pub(super) struct List;

/// Which page, in which order.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The form of user ids in the answer.
    user_id_type: Option<UserIdType>,
    /// The oldest first, by default.
    sort_type: Option<SortType>,
    /// Empty for the first page.
    page_token: Option<String>,
    /// 20 by default.
    #[schemars(range(min = 1, max = 100))]
    page_size: Option<i64>,
}

/// An order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
enum SortType {
    /// The oldest first.
    ByCreateTimeAsc,
    /// The most recently active first.
    ByActiveTimeDesc,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat.list",
        summary: "List the groups that the operator is in",
        reference: "im-v1/chat/list",
        route: get("/open-apis/im/v1/chats"),
        access: Access::Token {
            tokens: Tokens::TenantOrUser,
            scopes: super::LISTING_SCOPES,
            bot: Bot::Required,
        },
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::PARAM_INVALID,
        codes: &[
            codes::PARAM_INVALID,
            codes::APP_NOT_FOUND,
            codes::BOT_NOT_ACTIVATED,
            codes::APP_UNAVAILABLE,
        ],
        example: "sort_type=ByActiveTimeDesc&page_size=20",
        behaviours: &[LISTED, ACTIVE],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Query;
    type Body = Empty;
    type Output = Page;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Page, Fault> {
        let query = &input.query;
        standing::app_may(call)?;
        let form = translate::form(call, query.user_id_type, codes::PARAM_INVALID)?;
        let (order, about) = match query.sort_type {
            None | Some(SortType::ByCreateTimeAsc) => (Order::Creation, "creation"),
            Some(SortType::ByActiveTimeDesc) => (Order::Activity, "activity"),
        };
        let list = items::list(Self::SPEC.id, call, about);
        let place = paging::read(&tx.engine().keys, &list, query.page_token.as_deref())?;
        let place = place.as_deref().and_then(items::read);
        let size = items::size(query.page_size);
        let mut found = listing::page(tx, &call.operator(), order, place, size + 1).await?;
        let more = found.len() > size;
        found.truncate(size);
        let ids: Vec<_> = found.iter().map(|place| place.chat_id).collect();
        let items = items::show(tx, call, &ids, form).await?;
        let last = found.last().filter(|_| more);
        let token = |last: &Place| paging::write(&tx.engine().keys, &list, &items::write(*last));
        Ok(Page::new(items, last.map(token)))
    }
}

const LISTED: Behaviour = Behaviour {
    name: "chat_list_dissolved",
    rule: "Beside p2p chats, the list leaves out dissolved ones, but not those whose history was kept.",
    basis: Assumed,
    switch: false,
};
const ACTIVE: Behaviour = Behaviour {
    name: "chat_active_time",
    rule: "A chat is active when an operation changes it or anything in it; in chats of more than 100 members, at most once in a minute counts.",
    basis: Assumed,
    switch: false,
};
