use larkspur_contract::Basis::Assumed;
use larkspur_contract::ids::ChatId;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::Tx;
use larkspur_store::pins::{self, Cursor, Pin};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::messages::pinning::ShownPin;
use crate::messages::speaker::bot_may;
use crate::messages::standing::{self, Act};
use crate::messages::{Speaker, Viewer, invalid, invalid_field};
use crate::paging;
use crate::{Call, Empty, Input, Operation};

/// `GET /im/v1/pins`
pub(super) struct List;

/// The chat, the time, and the page.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The chat.
    chat_id: String,
    /// The earliest time, in milliseconds since 1970.
    start_time: Option<String>,
    /// The latest time, in milliseconds since 1970.
    end_time: Option<String>,
    /// Number of pins; 20 by default.
    #[schemars(range(min = 1, max = 50))]
    page_size: Option<i64>,
    /// Token of the page; empty for the first one.
    page_token: Option<String>,
}

/// A page of pins.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Whether there is a next page.
    has_more: bool,
    /// The pins, the newest first.
    items: Vec<ShownPin>,
    /// Token of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    page_token: Option<String>,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.pin.list",
        summary: "List the pins of a chat",
        reference: "im-v1/pin/list",
        route: get("/open-apis/im/v1/pins"),
        access: Access::tenant_or_user(&[
            scopes::IM_MESSAGE,
            scopes::IM_MESSAGE_PINS_READ,
            scopes::IM_MESSAGE_READONLY,
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
            codes::PIN_LIST_TOO_OFTEN,
        ],
        recodes: &[],
        emits: &[],
        example: "chat_id={chat_id}&page_size=20",
        behaviours: &[standing::ORDER, TIMES],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let query = &input.query;
        let from = milliseconds("start_time", query.start_time.as_deref())?.unwrap_or(i64::MIN);
        let to = milliseconds("end_time", query.end_time.as_deref())?.unwrap_or(i64::MAX);
        if to < from {
            return Err(invalid("The end_time is earlier than the start_time"));
        }
        bot_may(call)?;
        let absent = || invalid_field("chat_id", &query.chat_id);
        let chat_id = ChatId::parse(&query.chat_id).ok_or_else(absent)?;
        standing::enter(tx, &Speaker::of(call), chat_id, Act::Read).await?.ok_or_else(absent)?;
        let list = format!("{} {} {chat_id} {from} {to}", Self::SPEC.id, tx.tenant());
        let token = query.page_token.as_deref();
        let begin = paging::read_or(&tx.engine().keys, &list, token, codes::MESSAGE_INVALID);
        let begin = begin.map_err(|fault| {
            fault.with_cause("the request parameters have changed, page_token is invalid")
        })?;
        let begin = begin.as_deref().and_then(parse_cursor);
        let size = usize::try_from(query.page_size.unwrap_or(PAGE_DEFAULT)).unwrap_or(usize::MAX);
        let mut found = pins::page(tx, chat_id, from, to, begin, size + 1).await?;
        let has_more = found.len() > size;
        found.truncate(size);
        let next = found.last().filter(|_| has_more).map(write_cursor);
        let viewer = Viewer::of(call, None, None);
        Ok(Output {
            has_more,
            items: found.iter().map(|pin| ShownPin::of(tx, &viewer, pin)).collect(),
            page_token: next.map(|place| paging::write(&tx.engine().keys, &list, &place)),
        })
    }
}

const PAGE_DEFAULT: i64 = 20;

fn milliseconds(field: &str, text: Option<&str>) -> Result<Option<i64>, Fault> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let read = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let described = "must be milliseconds since 1970";
    let fault = || invalid(format!("invalid {field}: {text}")).with_violation(field, Some(text), described);
    read.map(Some).ok_or_else(fault)
}

fn write_cursor(last: &Pin) -> String {
    format!("{} {}", last.created_at, last.number)
}

fn parse_cursor(text: &str) -> Option<Cursor> {
    let (created_at, number) = text.split_once(' ')?;
    Some(Cursor { created_at: created_at.parse().ok()?, number: number.parse().ok()? })
}

const TIMES: Behaviour = Behaviour {
    name: "pin_list",
    rule: "The newest pin comes first. start_time and end_time are milliseconds, both included; an empty one counts as absent. page_token is left out on the last page, and is refused with 230001 if chat or times have changed. Only membership is needed, no scope for reading group messages.",
    basis: Assumed,
    switch: false,
};
