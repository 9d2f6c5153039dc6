use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::Basis::Assumed;
use larkspur_contract::ids::ChatId;
use larkspur_contract::{Behaviour, Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::chats::Member;
use larkspur_store::listing::{self, Cursor, Kind, Order};
use larkspur_store::{Root, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::listed::{self, Listed};
use super::names::LANGUAGE;
use crate::operations::{CONTROL, WorldPath};
use crate::{support, values};

/// `GET /larkspur/v1/worlds/:tenant_key/chats`
pub(crate) struct List;

/// Whose chats, and which of them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Query {
    /// The user_id of a user: the chats in this user's client. Without it, all chats of the world.
    r#as: Option<String>,
    /// The language of names, such as `zh_cn`; `en_us` by default.
    lang: Option<String>,
    /// `before` of the previous page.
    before: Option<String>,
    /// The most chats in the answer; 50 by default.
    #[schemars(range(min = 1, max = 100), extend("default" = 50))]
    limit: Option<u16>,
}

/// The chats.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The most recently active first.
    chats: Vec<Listed>,
    /// `before` of the next page, if there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.chat.list",
        summary: "List the chats of a world, or those of a user as the client shows them",
        route: get("/larkspur/v1/worlds/{tenant_key}/chats"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        example: "as={user_id}&limit=20",
        behaviours: &[ALL, UNREAD],
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let query = &input.query;
        let (mut tx, _) = support::open(root, call, &input.path.tenant_key).await?;
        let reader = match &query.r#as {
            Some(id) => Some(Member::User(support::user(&mut tx, "as", id).await?.user_id)),
            None => None,
        };
        let last = query.before.as_deref().map(read_cursor).transpose()?;
        let size = query.limit.map_or(SHOWN, usize::from);
        let mut found = page(&mut tx, reader.as_ref(), last, size + 1).await?;
        let more = found.len() > size;
        found.truncate(size);
        let before = found.last().filter(|_| more).map(cursor_text);
        let language = query.lang.as_deref().unwrap_or(LANGUAGE);
        Ok(Output { chats: listed::show(&mut tx, &found, reader.as_ref(), language).await?, before })
    }
}

/// The number of chats in an answer by default.
const SHOWN: usize = 50;

/// Up to `size` chats after a cursor.
async fn page(
    tx: &mut Tx,
    reader: Option<&Member>,
    last: Option<Cursor>,
    size: usize,
) -> Result<Vec<Cursor>, StoreError> {
    let Some(reader) = reader else { return listing::of_world(tx, last, size).await };
    let mut found = listing::page(tx, reader, Kind::Groups, Order::Activity, last, size).await?;
    found.extend(listing::page(tx, reader, Kind::P2p, Order::Activity, last, size).await?);
    found.sort_unstable_by(|one, other| other.cmp(one));
    found.truncate(size);
    Ok(found)
}

fn cursor_text(cursor: &Cursor) -> String {
    format!("{}-{}", cursor.time, cursor.chat_id)
}

fn read_cursor(text: &str) -> Result<Cursor, Fault> {
    let read = text.rsplit_once('-').and_then(|(time, chat_id)| {
        Some(Cursor { time: time.parse().ok()?, chat_id: ChatId::parse(chat_id)? })
    });
    read.ok_or_else(|| values::invalid("before", Some(text), "the before of a previous answer"))
}

/// Which chats are listed.
const ALL: Behaviour = Behaviour {
    name: "chat_list",
    rule: "With `as`, dissolved chats are left out, as in the client. Without `as`, all are listed, of a world with more than 5,000 chats only those of 5,000. Activity is recorded as for the platform's own list: by messages at most once a minute.",
    basis: Assumed,
    switch: false,
};

/// What is unread.
pub(super) const UNREAD: Behaviour = Behaviour {
    name: "chat_unread",
    rule: "Unread are the messages after the latest one that the user read or sent, from when the user joined. Replies in threads, recalled messages and those of the system are not counted. The count ends at 100 messages.",
    basis: Assumed,
    switch: false,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back() {
        for time in [i64::MIN, -1, 0, i64::MAX] {
            let cursor = Cursor { time, chat_id: ChatId(7) };
            assert_eq!(read_cursor(&cursor_text(&cursor)).expect("it fits"), cursor);
        }
        for wrong in ["", "-", "1", "1-oc_x", "x-oc_00000000000000000000000000000007"] {
            assert_eq!(read_cursor(wrong).expect_err("refused").code(), codes::CONTROL_PARAM_INVALID);
        }
    }
}
