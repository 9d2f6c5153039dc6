use std::collections::HashMap;

use larkspur_contract::Basis::{Assumed, Observed};
use larkspur_contract::ids::ChatId;
use larkspur_contract::model::UserIdType;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::Tx;
use larkspur_store::listing::Facts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::filter::{self, Filter, Sorter};
use crate::operations::im::v1::chat::finding::{self, BOUNDED, MATCHING, PINYIN, VISIBLE};
use crate::operations::im::v1::chat::items::{self, Item};
use crate::people::People;
use crate::rules::search as rules;
use crate::{Call, Empty, Input, Operation};
use crate::{paging, standing, translate};

/// `POST /im/v2/chats/search`
pub(crate) struct Search;

/// The page.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Query {
    /// The form of user ids, in the request and in the answer.
    user_id_type: Option<UserIdType>,
    /// Empty for the first page.
    page_token: Option<String>,
    /// 20 by default.
    #[schemars(range(min = 1, max = 100))]
    page_size: Option<i64>,
}

/// The query or members to search for; one is required.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Body {
    /// Words of names.
    #[schemars(length(max = 64))]
    query: String,
    /// The conditions on the chats.
    filter: Filter,
    /// The order, always descending; without it, oldest first.
    sorter: Option<Sorter>,
}

/// A page of chats.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Page {
    /// The chats.
    items: Vec<Found>,
    /// How many chats were found.
    total: usize,
    /// Token of the next page; empty on the last one.
    page_token: String,
    /// Whether there is a next page.
    has_more: bool,
}

/// A chat that was found.
#[derive(Debug, Serialize, JsonSchema)]
struct Found {
    /// Its id, again.
    id: String,
    /// The chat.
    meta_data: Meta,
}

/// A chat, as a search answers it.
#[derive(Debug, Serialize, JsonSchema)]
struct Meta {
    /// The fields that lists return.
    #[serde(flatten)]
    item: Item,
    /// When it was created, in milliseconds since 1970.
    create_time: String,
    /// When it was last active, in milliseconds since 1970.
    update_time: String,
}

impl Operation for Search {
    const SPEC: &'static Spec = &Spec {
        id: "im.v2.chat.search",
        summary: "Search the groups that the operator sees, by names and members",
        reference: "im-v2/chat/search",
        route: post("/open-apis/im/v2/chats/search"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT_READ]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::PARAM_INVALID,
        codes: &[
            codes::PARAM_INVALID,
            codes::BOT_NOT_ACTIVATED,
            codes::APP_UNAVAILABLE,
            codes::OPEN_ID_UNKNOWN,
            codes::USER_ID_UNKNOWN,
            codes::UNION_ID_UNKNOWN,
            codes::OPEN_ID_CROSS_APP,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"query":"demo","filter":{"search_types":["private"]},"sorter":"create_time_desc"}"#,
        behaviours: &[SHAPE, TIMES, CODES, VISIBLE, MATCHING, filter::FILTERS, BOUNDED],
        deviations: &[PINYIN],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Query;
    type Body = Body;
    type Output = Page;

    fn people(input: &Input<Self>) -> Option<People<'_>> {
        Some(People::new(input.query.user_id_type, "filter.member_ids[*]", &input.body.filter.member_ids))
    }

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Page, Fault> {
        let (query, body) = (&input.query, &input.body);
        standing::app_may(call)?;
        let form = translate::form(call, query.user_id_type, codes::PARAM_INVALID)?;
        let members = filter::members(tx, call, form, &body.filter).await?;
        if body.query.is_empty() && members.is_empty() {
            let fault = Fault::new(codes::PARAM_INVALID, "neither a query nor members");
            return Err(fault.with_violation("query", None, "query or filter.member_ids is required"));
        }
        let about = serde_json::to_string(body).unwrap_or_default();
        let list = items::list(Self::SPEC.id, call, &about);
        let last = paging::read(&tx.engine().keys, &list, query.page_token.as_deref())?;
        let last = last.as_deref().and_then(items::read);
        let found = match members.first() {
            Some(first) if body.query.is_empty() => filter::shared(tx, call, first).await?,
            _ => {
                let people = !body.filter.disable_search_by_user;
                let all = (None, usize::MAX);
                finding::candidates(tx, call, &rules::words(&body.query), people, all).await?
            }
        };
        let kept = filter::kept(tx, call, &found, &body.filter, &members).await?;
        let found = filter::sorted(&kept, body.sorter);
        let (page, more) = finding::page_of(&found, last, items::size(query.page_size));
        let ids: Vec<_> = page.iter().map(|cursor| cursor.chat_id).collect();
        let shown = items::show(tx, call, &ids, form).await?;
        let facts: HashMap<ChatId, &Facts> = kept.iter().map(|facts| (facts.chat_id, facts)).collect();
        let items = shown.into_iter().map(|mut item| {
            let facts = ChatId::parse(&item.chat_id).and_then(|id| facts.get(&id));
            let time = |of: fn(&Facts) -> i64| facts.map_or(0, |facts| of(facts)).to_string();
            let (create_time, update_time) = (time(|facts| facts.created_at), time(|facts| facts.active_at));
            item.chat_mode = Some(item.mode);
            Found { id: item.chat_id.clone(), meta_data: Meta { item, create_time, update_time } }
        });
        let last = page.last().filter(|_| more);
        Ok(Page {
            items: items.collect(),
            total: found.len(),
            page_token: last.map_or_else(String::new, |last| {
                paging::write(&tx.engine().keys, &list, &items::write(*last))
            }),
            has_more: more,
        })
    }
}

const SHAPE: Behaviour = Behaviour {
    name: "search_v2_shape",
    rule: "This operation has no public page: request and answer are those of the official command line client. Each item has its id, and in meta_data the fields of the other search, chat_mode, create_time and update_time. display_info and notice, whose meaning is unknown, are omitted. page_size and page_token are query parameters; in the body they are ignored.",
    basis: Observed,
    switch: false,
};
const CODES: Behaviour = Behaviour {
    name: "search_v2_codes",
    rule: "Neither a query nor member_ids, and a query of more than 64 characters, are 232001; unknown member_ids are the gateway's 9999235x/236x; the rate limit is that of the other search.",
    basis: Assumed,
    switch: false,
};
const TIMES: Behaviour = Behaviour {
    name: "search_v2_times",
    rule: "create_time and update_time are milliseconds, as decimal text; update_time is when something last happened in the chat, and update_time_desc sorts by it.",
    basis: Assumed,
    switch: false,
};
