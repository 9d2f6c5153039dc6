use larkspur_contract::Basis::Documented;
use larkspur_contract::model::UserIdType;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding::{self, BOUNDED, MATCHING, PINYIN, VISIBLE};
use super::items::{self, Page};
use crate::rules::search as rules;
use crate::{Call, Empty, Input, Operation};
use crate::{paging, standing, translate};

/// `GET /im/v1/chats/search`
pub(super) struct Search;

/// The query, and the page.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The form of user ids in the answer.
    user_id_type: Option<UserIdType>,
    /// Words of names, at most 64 characters; an empty query finds nothing.
    query: Option<String>,
    /// Empty for the first page.
    page_token: Option<String>,
    /// 20 by default.
    #[schemars(range(min = 1, max = 100))]
    page_size: Option<i64>,
}

impl Operation for Search {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat.search",
        summary: "Search the groups that the operator sees",
        reference: "im-v1/chat/search",
        route: get("/open-apis/im/v1/chats/search"),
        access: Access::tenant_or_user(&[
            scopes::IM_CHAT,
            scopes::IM_CHAT_READONLY,
            scopes::IM_CHAT_READ,
            scopes::IM_CHAT_GROUP_INFO,
        ])
        .with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::PARAM_INVALID,
        codes: &[codes::PARAM_INVALID, codes::APP_NOT_FOUND, codes::BOT_NOT_ACTIVATED, codes::APP_INACTIVE],
        recodes: &[(codes::APP_UNAVAILABLE, codes::APP_INACTIVE)],
        emits: &[],
        example: "query=demo",
        behaviours: &[VISIBLE, EMPTY, MATCHING, BOUNDED],
        deviations: &[PINYIN],
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
        let text = query.query.as_deref().unwrap_or_default();
        let list = items::list(Self::SPEC.id, call, &format!("{text:?}"));
        let last = paging::read(&tx.engine().keys, &list, query.page_token.as_deref())?;
        let last = last.as_deref().and_then(items::read);
        let long = text.chars().count() > rules::QUERY_MAX;
        let words = if long { Vec::new() } else { rules::words(text) };
        let size = items::size(query.page_size);
        // One more than fits on the page shows whether there is a next page.
        let found = finding::candidates(tx, call, &words, true, (last, size + 1)).await?;
        let (page, more) = finding::page_of(&found, last, size);
        let ids: Vec<_> = page.iter().map(|cursor| cursor.chat_id).collect();
        let shown = items::show(tx, call, &ids, form).await?;
        let last = page.last().filter(|_| more);
        Ok(Page::new(shown, last.map(|last| paging::write(&tx.engine().keys, &list, &items::write(*last)))))
    }
}

const EMPTY: Behaviour = Behaviour {
    name: "search_empty",
    rule: "An empty query, or one of more than 64 characters, finds nothing: the call succeeds without items.",
    basis: Documented,
    switch: false,
};
