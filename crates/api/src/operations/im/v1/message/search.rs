use larkspur_contract::model::UserIdType;
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::messages::searching::{self, Filter, Hit};
use crate::messages::speaker::bot_may;
use crate::messages::{Viewer, conditions, standing};
use crate::people::People;
use crate::{Call, Empty, Input, Operation, paging, translate};

/// `POST /im/v1/messages/search`
pub(super) struct Search;

/// The page, and the form of ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The form of user ids, in the request and in the answer; `open_id` by default.
    user_id_type: Option<UserIdType>,
    /// Number of messages; 20 by default.
    #[schemars(range(min = 1, max = 50))]
    page_size: Option<i64>,
    /// Token of the page; empty for the first one.
    page_token: Option<String>,
}

/// What is sought.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Body {
    /// Words; may be empty.
    #[schemars(length(max = 200))]
    query: String,
    /// Conditions.
    filter: Filter,
}

/// A page of messages.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Whether there is a next page.
    has_more: bool,
    /// The messages.
    items: Vec<Item>,
    /// Token of the next page; empty on the last one.
    page_token: String,
    /// How many messages were found.
    total: usize,
}

/// A message that was found.
#[derive(Debug, Serialize, JsonSchema)]
struct Item {
    /// Its id.
    id: String,
    /// The message.
    meta_data: Meta,
}

/// A message, as a search answers it.
#[derive(Debug, Serialize, JsonSchema)]
struct Meta {
    /// Its chat.
    chat_id: String,
    /// When it was sent, in milliseconds since 1970.
    create_time: String,
    /// Its author: of a bot the app_id.
    from_id: String,
    /// Whether the chat is one of two parties.
    is_p2p_chat: bool,
    /// Its id.
    message_id: String,
    /// Its thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_id: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    kind: &'static str,
    /// When it was last changed, in milliseconds since 1970.
    update_time: String,
}

impl Operation for Search {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message.search",
        summary: "Search messages",
        reference: "im-v1/message/search",
        route: post("/open-apis/im/v1/messages/search"),
        access: Access::tenant_or_user(&[scopes::SEARCH_MESSAGE]),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::MESSAGE_INVALID,
            codes::MESSAGE_BOT_NOT_ACTIVATED,
            codes::OPEN_ID_UNKNOWN,
            codes::OPEN_ID_CROSS_APP,
            codes::UNION_ID_UNKNOWN,
            codes::USER_ID_UNKNOWN,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"query":"hello","filter":{"chat_ids":["{chat_id}"]}}"#,
        behaviours: &[conditions::CONDITIONS, searching::SHAPE, searching::MATCHING, standing::READING],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Query;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let (query, body) = (&input.query, &input.body);
        let form = translate::form(call, query.user_id_type, codes::FIELD_VALIDATION)?;
        bot_may(call)?;
        let about = serde_json::to_string(body).unwrap_or_default();
        let (operator, tenant) = (call.operator().to_column(), tx.tenant());
        let list = format!("{} {tenant} {} {operator} {about}", Self::SPEC.id, call.app_id());
        let keys = tx.engine().clone();
        let begin = paging::read_or(&keys.keys, &list, query.page_token.as_deref(), codes::MESSAGE_INVALID);
        let begin = begin.map_err(|fault| fault.with_cause("invalid page_token"))?;
        let begin = begin.as_deref().and_then(parse_place);
        let hits = searching::search(tx, call, form, &body.query, &body.filter).await?;
        let total = hits.len();
        let rest = hits.into_iter().skip_while(|hit| begin.is_some_and(|begin| place(hit) >= begin));
        let size = usize::try_from(query.page_size.unwrap_or(PAGE_DEFAULT)).unwrap_or(usize::MAX);
        let mut page: Vec<Hit> = rest.take(size + 1).collect();
        let has_more = page.len() > size;
        page.truncate(size);
        let next = page.last().filter(|_| has_more).map(|last| {
            let (created_at, number) = place(last);
            paging::write(&keys.keys, &list, &format!("{created_at} {number}"))
        });
        let viewer = Viewer::of(call, Some(form), None);
        let item = |hit: Hit| {
            let message = hit.message;
            let id = keys.keys.message_id(message.number, tenant).to_string();
            let meta_data = Meta {
                chat_id: message.chat_id.to_string(),
                create_time: message.created_at.to_string(),
                from_id: viewer.sender(&keys.keys, &message.sender).id,
                is_p2p_chat: hit.is_p2p,
                message_id: id.clone(),
                thread_id: message.thread.map(|thread| thread.to_string()),
                kind: searching::word(message.msg_type),
                update_time: message.updated_at.to_string(),
            };
            Item { id, meta_data }
        };
        let items = page.into_iter().map(item).collect();
        Ok(Output { has_more, items, page_token: next.unwrap_or_default(), total })
    }

    fn people(input: &Input<Self>) -> Option<People<'_>> {
        let (form, filter) = (input.query.user_id_type, &input.body.filter);
        let from = People::new(form, "filter.from_ids[*]", &filter.from_ids);
        Some(from.and("filter.at_chatter_ids[*]", &filter.at_chatter_ids))
    }
}

const PAGE_DEFAULT: i64 = 20;

/// The place of a message in the order of the list.
fn place(hit: &Hit) -> (i64, i64) {
    (hit.message.created_at, hit.message.number)
}

fn parse_place(text: &str) -> Option<(i64, i64)> {
    let (created_at, number) = text.split_once(' ')?;
    Some((created_at.parse().ok()?, number.parse().ok()?))
}
