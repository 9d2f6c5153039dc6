use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::UserIdType;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::Tx;
use larkspur_store::messages::Message;
use larkspur_store::reads::{self, Cursor, Read};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MessagePath;
use crate::messages::speaker::bot_may;
use crate::messages::standing::{self, Act};
use crate::messages::{Speaker, Viewer, changing, explained, finding, invalid_field, read};
use crate::{Call, Empty, Input, Operation};
use crate::{paging, translate};

/// `GET /im/v1/messages/:message_id/read_users`
pub(super) struct ReadUsers;

/// The form of ids, and the page.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The form of user ids.
    user_id_type: UserIdType,
    /// Number of users; 20 by default.
    #[schemars(range(min = 1, max = 100))]
    page_size: Option<i64>,
    /// Token of the page; empty for the first one.
    page_token: Option<String>,
}

/// A page of readers.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Whether there is a next page.
    has_more: bool,
    /// The readers.
    items: Vec<Reader>,
    /// Token of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    page_token: Option<String>,
}

/// A user who has read the message.
#[derive(Debug, Serialize, JsonSchema)]
struct Reader {
    /// The tenant.
    tenant_key: String,
    /// When the user read it, in milliseconds since 1970.
    timestamp: String,
    /// The user's id.
    user_id: String,
    /// The form of `user_id`.
    user_id_type: UserIdType,
}

impl Operation for ReadUsers {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message.read_users",
        summary: "List the users who have read a message",
        reference: "im-v1/message/read_users",
        route: get("/open-apis/im/v1/messages/{message_id}/read_users"),
        access: Access::tenant_or_user(&[
            scopes::IM_MESSAGE,
            scopes::IM_MESSAGE_READONLY,
            scopes::IM_MESSAGE_BASIC,
            scopes::IM_MESSAGE_GET_AS_USER,
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
            codes::NOT_MESSAGE_SENDER,
            codes::USER_NOT_AVAILABLE,
            codes::MESSAGE_LACKS_PERMISSION,
            codes::READ_STATUS_EXPIRED,
            codes::MESSAGE_DELETED,
            codes::MESSAGE_ID_UNKNOWN,
        ],
        recodes: &[],
        emits: &[],
        example: "user_id_type=open_id&page_size=20",
        behaviours: &[standing::ORDER, finding::UNKNOWN, read::READING, READERS],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = MessagePath;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let (query, message_id) = (&input.query, &input.path.message_id);
        let form = translate::form(call, Some(query.user_id_type), codes::FIELD_VALIDATION)?;
        bot_may(call)?;
        let speaker = Speaker::of(call);
        let message = finding::message(tx, message_id).await?;
        let place = standing::enter(tx, &speaker, message.chat_id, Act::Read).await?;
        place.ok_or_else(|| invalid_field("message_id", message_id))?;
        may_ask(&speaker, &message)?;
        let list = format!("{} {} {}", Self::SPEC.id, tx.tenant(), message.number);
        let token = query.page_token.as_deref();
        let begin = paging::read_or(&tx.engine().keys, &list, token, codes::MESSAGE_INVALID);
        let begin = begin.map_err(|fault| fault.with_cause("invalid page_token"))?;
        let begin = begin.as_deref().and_then(parse_cursor);
        let size = usize::try_from(query.page_size.unwrap_or(PAGE_DEFAULT)).unwrap_or(usize::MAX);
        let mut found = reads::page(tx, message.number, begin, size + 1).await?;
        let has_more = found.len() > size;
        found.truncate(size);
        let next = found.last().filter(|_| has_more).map(write_cursor);
        let (keys, viewer) = (&tx.engine().keys, Viewer::of(call, Some(form), None));
        let reader = |read: Read| Reader {
            tenant_key: call.tenant.to_string(),
            timestamp: read.read_at.to_string(),
            user_id: viewer.user(keys, &read.reader, read.reader_no).0,
            user_id_type: form,
        };
        Ok(Output {
            has_more,
            page_token: next.map(|place| paging::write(keys, &list, &place)),
            items: found.into_iter().map(reader).collect(),
        })
    }
}

const PAGE_DEFAULT: i64 = 20;
/// How long readers are listed, in milliseconds: 7 days. Source: the page.
const LISTED_MS: i64 = 7 * 24 * 3600 * 1000;

fn may_ask(speaker: &Speaker, message: &Message) -> Result<(), Fault> {
    changing::apart(speaker, message)?;
    if !speaker.sent(message) {
        let fault = Fault::new(codes::NOT_MESSAGE_SENDER, "another sender's message");
        return Err(explained::not_sender(fault, speaker));
    }
    if message.recalled.is_some() {
        return Err(Fault::new(codes::MESSAGE_DELETED, "the message was recalled"));
    }
    if speaker.now.saturating_sub(message.created_at) > LISTED_MS {
        let fault = Fault::new(codes::READ_STATUS_EXPIRED, "the message is older than 7 days");
        return Err(explained::too_old(fault, message, LISTED_MS, speaker.now));
    }
    Ok(())
}

fn write_cursor(last: &Read) -> String {
    format!("{} {}", last.read_at, last.reader)
}

fn parse_cursor(text: &str) -> Option<Cursor> {
    let (read_at, reader) = text.split_once(' ')?;
    Some(Cursor { read_at: read_at.parse().ok()?, reader: reader.to_owned() })
}

const READERS: Behaviour = Behaviour {
    name: "message_readers",
    rule: "Readers come in the order in which they read. A bot asks about its own messages, a user about the user's own. A recalled message is 230110. page_token is left out on the last page.",
    basis: Assumed,
    switch: false,
};
