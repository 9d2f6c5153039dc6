use larkspur_api::messages::standing::{self, Act};
use larkspur_api::messages::{Speaker, conditions, finding};
use larkspur_api::rules::card::render::{Tree, render};
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::Basis::Assumed;
use larkspur_contract::{Behaviour, Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::chats::Chat;
use larkspur_store::messages::{self, Cursor, Message, Span};
use larkspur_store::users::User;
use larkspur_store::{Root, StoreError, Tx, ephemeral, tenants};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Path;
use super::names::LANGUAGE;
use super::shown_message::{self, Item, Look};
use crate::operations::CONTROL;
use crate::operations::message::PEOPLE;
use crate::{support, values};

/// `GET /larkspur/v1/worlds/:tenant_key/chats/:chat_id/messages`
pub(crate) struct Messages;

/// Whose view, and which messages.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Query {
    /// The user_id of a member: the chat as this user sees it. Without it, everything as it is stored.
    r#as: Option<String>,
    /// 1 adds the render tree of each card.
    #[schemars(range(min = 0, max = 1))]
    render: Option<i64>,
    /// The language of cards, such as `zh_cn`; `en_us` by default.
    lang: Option<String>,
    /// A message_id: what was sent before it. Without it, the latest messages.
    before: Option<String>,
    /// How many messages; 20 by default. Replies in their threads are not counted.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<i64>,
}

/// Messages of a chat.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The messages, the oldest first, each with the first 100 replies in its thread.
    messages: Vec<Item>,
    /// Whether older ones exist.
    has_more: bool,
    /// The latest cards that this user alone sees, the oldest first.
    ephemeral: Vec<Private>,
}

/// A card that one user sees.
#[derive(Debug, Serialize, JsonSchema)]
struct Private {
    /// Its id.
    message_id: String,
    /// The app that sent it.
    app_id: String,
    /// When, in milliseconds since 1970.
    create_time: String,
    /// Its JSON.
    content: String,
    /// Its render tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    tree: Option<Tree>,
}

impl Operation for Messages {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.chat.messages",
        summary: "Show the messages of a chat as they are stored, or as a member sees them",
        route: get("/larkspur/v1/worlds/{tenant_key}/chats/{chat_id}/messages"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND, codes::MESSAGE_NOT_IN_CHAT],
        example: "as={user_id}&render=1&limit=20",
        behaviours: &[PEOPLE, VIEW],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let query = &input.query;
        let (mut tx, now) = support::open(root, call, &input.path.tenant_key).await?;
        let chat = support::chat(&mut tx, &input.path.chat_id).await?;
        let (reader, from) = match &query.r#as {
            Some(id) => reader(&mut tx, &chat, id, now).await?,
            None => (None, i64::MIN),
        };
        let before = match &query.before {
            Some(id) => Some(cursor(&mut tx, &chat, id).await?),
            None => None,
        };
        let limit = usize::try_from(query.limit.unwrap_or(LIMIT)).unwrap_or_default();
        let span = Span { backwards: true, from, ..Span::ALL };
        let mut found = messages::of_chat(&mut tx, chat.chat_id, span, before, limit + 1).await?;
        let has_more = found.len() > limit;
        found.truncate(limit);
        found.reverse();
        let all = with_threads(&mut tx, found).await?;
        let look = Look {
            reader: reader.clone(),
            log_ids: shown_message::log_ids(call, &tx, &all),
            language: (query.render == Some(1))
                .then(|| query.lang.clone().unwrap_or_else(|| LANGUAGE.to_owned())),
        };
        let items = shown_message::items(&mut tx, all, &look).await?;
        let ephemeral = match &reader {
            Some(reader) => private(&mut tx, &chat, reader, look.language.as_deref()).await?,
            None => Vec::new(),
        };
        Ok(Output { messages: items, has_more, ephemeral })
    }
}

const LIMIT: i64 = 20;
/// The most replies of a thread that are shown.
const REPLIES: usize = 100;
/// The most cards for one user that are shown.
const PRIVATE: usize = 20;

/// The user whose view it is, and the time from which the user sees what was sent.
async fn reader(tx: &mut Tx, chat: &Chat, id: &str, now: i64) -> Result<(Option<User>, i64), Fault> {
    let user = support::user(tx, "as", id).await?;
    let world = tenants::get(tx).await?;
    let policy = world.map(|world| world.policy.clone()).unwrap_or_default();
    let speaker = Speaker::person(&user, policy, now);
    match standing::enter(tx, &speaker, chat.chat_id, Act::Read).await? {
        Some(place) => {
            let hidden = conditions::hidden_before(tx, &speaker, &place.chat).await?;
            Ok((Some(user), hidden.unwrap_or(i64::MIN)))
        }
        None => Err(standing::outside(&speaker)),
    }
}

async fn cursor(tx: &mut Tx, chat: &Chat, id: &str) -> Result<Cursor, Fault> {
    let found = match finding::number(tx, id) {
        Some(number) => messages::get(tx, number).await?,
        None => None,
    };
    let found = found.ok_or_else(|| support::not_found("before", id, "no such message in this world"))?;
    if found.chat_id != chat.chat_id {
        return Err(values::invalid("before", Some(id), "the message is in another chat"));
    }
    Ok(Cursor { created_at: found.created_at, number: found.number })
}

/// Messages, each followed by the replies in its thread.
async fn with_threads(tx: &mut Tx, found: Vec<Message>) -> Result<Vec<Message>, StoreError> {
    let mut all = Vec::with_capacity(found.len());
    for message in found {
        let (root, thread) = (message.number, message.thread);
        all.push(message);
        if let Some(thread) = thread {
            let replies = messages::of_thread(tx, thread, Span::ALL, None, REPLIES + 1).await?;
            all.extend(replies.into_iter().filter(|reply| reply.number != root));
        }
    }
    Ok(all)
}

async fn private(
    tx: &mut Tx,
    chat: &Chat,
    reader: &User,
    language: Option<&str>,
) -> Result<Vec<Private>, StoreError> {
    let mut found = ephemeral::seen(tx, chat.chat_id, &reader.user_id, PRIVATE).await?;
    found.retain(|card| !card.deleted);
    found.reverse();
    let (keys, tenant) = (&tx.engine().keys, tx.tenant());
    let shown = |card: ephemeral::Ephemeral| Private {
        message_id: keys.message_id(card.number, tenant).to_string(),
        app_id: card.app_id.to_string(),
        create_time: card.created_at.to_string(),
        tree: language
            .map(|language| render(&serde_json::from_str(&card.content).unwrap_or_default(), language)),
        content: card.content,
    };
    Ok(found.into_iter().map(shown).collect())
}

const VIEW: Behaviour = Behaviour {
    name: "chat_view",
    rule: "Without `as`, recalled messages keep the content that is stored, in `stored`, and cards that are not shared are listed in `own_cards` for the users who have another one than was sent. With `as`, the user sees what the client shows: the history of the chat, from when the user joined if it hides what was before, recalled messages as such, and the cards that this user alone sees, also in place of those that were sent. Looking does not mark anything as read.",
    basis: Assumed,
    switch: false,
};
