use larkspur_contract::Basis::{Assumed, Documented};
use larkspur_contract::ids::{ChatId, ThreadId};
use larkspur_contract::model::{CardContentType, ContainerIdType, MessageSort};
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::messages::{self, Cursor, Message, Span};
use larkspur_store::{StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::messages::speaker::bot_may;
use crate::messages::standing::{self, Act};
use crate::messages::{Shown, Speaker, Viewer, changing, conditions, invalid, invalid_field, shown};
use crate::paging;
use crate::rules::card;
use crate::{Call, Empty, Input, Operation};

/// `GET /im/v1/messages`
pub(super) struct List;

/// The chat or thread, the time, and the page.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// What `container_id` is.
    container_id_type: ContainerIdType,
    /// The chat or the thread.
    container_id: String,
    /// The earliest time, in seconds since 1970; ignored for a thread.
    start_time: Option<String>,
    /// The latest time, in seconds since 1970; ignored for a thread.
    end_time: Option<String>,
    /// The order; the oldest first by default.
    sort_type: Option<MessageSort>,
    /// Number of messages; 20 by default.
    #[schemars(range(min = 1, max = 50))]
    page_size: Option<i64>,
    /// Token of the page; empty for the first one.
    page_token: Option<String>,
    /// The form of cards; simplified by default.
    card_msg_content_type: Option<CardContentType>,
    /// Whether senders have their names.
    with_sender_name: Option<bool>,
}

/// A page of messages.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Whether there is a next page.
    has_more: bool,
    /// The messages.
    items: Vec<Shown>,
    /// Token of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    page_token: Option<String>,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message.list",
        summary: "List the messages of a chat or a thread",
        reference: "im-v1/message/list",
        route: get("/open-apis/im/v1/messages"),
        access: Access::tenant_or_user(&[
            scopes::IM_MESSAGE,
            scopes::IM_MESSAGE_READONLY,
            scopes::IM_MESSAGE_HISTORY,
        ]),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::MESSAGE_INVALID,
            codes::MESSAGE_NOT_IN_CHAT,
            codes::MESSAGE_BOT_NOT_ACTIVATED,
            codes::USER_NOT_AVAILABLE,
            codes::MESSAGE_LACKS_PERMISSION,
            codes::THREAD_INVISIBLE,
            codes::MESSAGE_DELETED,
            codes::LIST_CHAT_UNSUPPORTED,
            codes::LIST_APP_UNSUPPORTED,
        ],
        recodes: &[],
        emits: &[],
        example: "container_id_type=chat&container_id={chat_id}&page_size=2",
        behaviours: &[
            conditions::CONDITIONS,
            standing::ORDER,
            standing::READING,
            changing::WITHDRAWN,
            shown::OBJECT,
            shown::POSITIONS,
            card::SHOWN,
            SHOWN,
            TIMES,
        ],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let query = &input.query;
        let span = span(query)?;
        bot_may(call)?;
        let absent = || invalid_field("container_id", &query.container_id);
        let (chat_id, root) = container(tx, query).await?.ok_or_else(absent)?;
        let speaker = Speaker::of(call);
        let place = standing::enter(tx, &speaker, chat_id, Act::Read).await?.ok_or_else(absent)?;
        standing::may_read(call, &place.chat)?;
        let hidden = conditions::lists(tx, &speaker, &place, root.as_ref()).await?;
        let list = format!("{} {} {} {span:?}", Self::SPEC.id, tx.tenant(), query.container_id);
        let token = query.page_token.as_deref();
        let begin = paging::read_or(&tx.engine().keys, &list, token, codes::MESSAGE_INVALID);
        let changed = "the request parameters have changed, page_token is invalid";
        let begin = begin.map_err(|fault| fault.with_cause(changed))?.as_deref().and_then(parse_cursor);
        let size = usize::try_from(query.page_size.unwrap_or(PAGE_DEFAULT)).unwrap_or(usize::MAX);
        let span = Span { from: span.from.max(hidden.unwrap_or(i64::MIN)), ..span };
        let mut found = match root.and_then(|root| root.thread) {
            Some(thread) => messages::of_thread(tx, thread, span, begin, size + 1).await?,
            None => messages::of_chat(tx, chat_id, span, begin, size + 1).await?,
        };
        let has_more = found.len() > size;
        found.truncate(size);
        let next = found.last().filter(|_| has_more);
        let page_token = next.map(|last| paging::write(&tx.engine().keys, &list, &write_cursor(last)));
        let viewer = Viewer::of(call, None, query.card_msg_content_type);
        let viewer = viewer.with_names(query.with_sender_name == Some(true));
        Ok(Output { has_more, items: shown::show_all(tx, &viewer, found).await?, page_token })
    }
}

const PAGE_DEFAULT: i64 = 20;

/// The chat, and the thread if the container is one; `None` if the tenant has no such container.
async fn container(tx: &mut Tx, query: &Query) -> Result<Option<(ChatId, Option<Message>)>, StoreError> {
    match query.container_id_type {
        ContainerIdType::Chat => Ok(ChatId::parse(&query.container_id).map(|chat_id| (chat_id, None))),
        ContainerIdType::Thread => {
            let Some(thread) = ThreadId::parse(&query.container_id) else { return Ok(None) };
            let root = messages::of_thread(tx, thread, Span::ALL, None, 1).await?.into_iter().next();
            Ok(root.map(|root| (root.chat_id, Some(root))))
        }
    }
}

/// The time and the order that a request asks for.
fn span(query: &Query) -> Result<Span, Fault> {
    let backwards = query.sort_type == Some(MessageSort::ByCreateTimeDesc);
    let all = Span { backwards, ..Span::ALL };
    if query.container_id_type == ContainerIdType::Thread {
        return Ok(all);
    }
    let from = seconds("start_time", query.start_time.as_deref())?;
    let to = seconds("end_time", query.end_time.as_deref())?;
    if let (Some(from), Some(to)) = (from, to)
        && to < from
    {
        return Err(invalid("The end_time is earlier than the start_time"));
    }
    let milliseconds = |seconds: i64| seconds.saturating_mul(1000);
    Ok(Span {
        from: from.map_or(all.from, milliseconds),
        to: to.map_or(all.to, |to| milliseconds(to).saturating_add(999)),
        ..all
    })
}

fn seconds(field: &str, text: Option<&str>) -> Result<Option<i64>, Fault> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let read = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let cause = format!("invalid {field}: {text}");
    read.map(Some)
        .ok_or_else(|| invalid(cause).with_violation(field, Some(text), "must be seconds since 1970"))
}

fn write_cursor(last: &Message) -> String {
    format!("{} {}", last.created_at, last.number)
}

fn parse_cursor(text: &str) -> Option<Cursor> {
    let (created_at, number) = text.split_once(' ')?;
    Some(Cursor { created_at: created_at.parse().ok()?, number: number.parse().ok()? })
}

const SHOWN: Behaviour = Behaviour {
    name: "message_list",
    rule: "A chat lists its messages, and of each thread only the root; a thread lists its root and all replies. Recalled messages stay. The order is that of create_time. A message that is sent after another one was answered is later, also if the clock of its server is up to a second behind. page_token is left out on the last page, and is refused with 230001 if container, times or order have changed.",
    basis: Documented,
    switch: false,
};
const TIMES: Behaviour = Behaviour {
    name: "message_list_times",
    rule: "start_time and end_time are whole seconds, both included; they are ignored for a thread. An empty one counts as absent.",
    basis: Assumed,
    switch: false,
};
