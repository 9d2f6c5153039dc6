//! Searches in messages.

use larkspur_contract::Basis::{Assumed, Observed};
use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{AttachmentKind, AuthorKind, ChatMode, MsgType, SearchedChat, UserIdType};
use larkspur_contract::{Behaviour, Fault};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::listing::{self, Kind, Order};
use larkspur_store::messages::{self, Cursor, Message, Sender, Span, Subject};
use larkspur_store::{Tx, text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::standing::{self, Act};
use super::{Speaker, building, conditions, invalid, invalid_field};
use crate::events::Party;
use crate::rules::{content, times};
use crate::translate::{self, Named};
use crate::{Call, cards};

/// The most chats that are searched, the most recently active ones first.
const CHATS_MAX: usize = 100;
/// The most messages that are read.
const READ_MAX: usize = 5000;
/// How many messages are read at once.
const PIECE: usize = 200;

/// The conditions.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Filter {
    /// Their authors.
    #[schemars(length(max = 50))]
    pub from_ids: Vec<String>,
    /// Their chats.
    #[schemars(length(max = 50))]
    pub chat_ids: Vec<String>,
    /// Those whom they mention; messages that mention all are found, too.
    #[schemars(length(max = 50))]
    pub at_chatter_ids: Vec<String>,
    /// When they were sent.
    pub time_range: Option<TimeRange>,
    /// What they contain: one of these.
    pub include_attachment_types: Vec<AttachmentKind>,
    /// The kinds of authors.
    pub from_types: Vec<AuthorKind>,
    /// The kinds of other authors.
    pub exclude_from_types: Vec<AuthorKind>,
    /// The kind of chats.
    pub chat_type: Option<SearchedChat>,
    /// Whether they mention the caller.
    pub is_at_me: Option<bool>,
}

/// A time.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TimeRange {
    /// The earliest time: seconds since 1970, or ISO 8601 with an offset.
    pub start_time: Option<String>,
    /// The latest time, in the same forms.
    pub end_time: Option<String>,
}

/// A message that was found.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The message.
    pub message: Message,
    /// Whether it is in a p2p chat.
    pub is_p2p: bool,
}

/// What is sought.
#[derive(Clone)]
struct Sought {
    words: Vec<String>,
    span: Span,
    from: Vec<Subject>,
    at: Vec<Subject>,
    me: Option<Subject>,
}

/// The messages that the caller may read and that fit, the newest first.
///
/// # Errors
/// 230001 for a chat or a time that means nothing, 9999235x for an unknown user.
pub async fn search(
    tx: &mut Tx,
    call: &Call,
    form: UserIdType,
    query: &str,
    filter: &Filter,
) -> Result<Vec<Hit>, Fault> {
    let speaker = Speaker::of(call);
    let sought = Sought {
        words: query.split_whitespace().map(text::fold).collect(),
        span: span(filter.time_range.as_ref())?,
        from: subjects(tx, call, form, "filter.from_ids[*]", &filter.from_ids).await?,
        at: subjects(tx, call, form, "filter.at_chatter_ids[*]", &filter.at_chatter_ids).await?,
        me: (filter.is_at_me == Some(true)).then(|| building::subject(speaker.party())),
    };
    let (mut hits, mut room) = (Vec::new(), READ_MAX);
    for (chat, from) in chats(tx, call, &speaker, filter).await? {
        let sought =
            Sought { span: Span { from: sought.span.from.max(from), ..sought.span }, ..sought.clone() };
        for in_threads in [false, true] {
            read(tx, &sought, filter, &chat, in_threads, &mut room, &mut hits).await?;
        }
    }
    hits.sort_by_key(|hit| std::cmp::Reverse((hit.message.created_at, hit.message.number)));
    Ok(hits)
}

/// Reads the messages of a chat, or the replies in its threads, the newest first.
async fn read(
    tx: &mut Tx,
    sought: &Sought,
    filter: &Filter,
    chat: &Chat,
    in_threads: bool,
    room: &mut usize,
    hits: &mut Vec<Hit>,
) -> Result<(), Fault> {
    let mut last = None;
    while *room > 0 {
        let size = PIECE.min(*room);
        let found = if in_threads {
            messages::in_threads(tx, chat.chat_id, sought.span, last, size).await?
        } else {
            messages::of_chat(tx, chat.chat_id, sought.span, last, size).await?
        };
        *room -= found.len();
        let more = found.len() == size;
        last = found.last().map(|message| Cursor { created_at: message.created_at, number: message.number });
        for mut message in cards::filled(tx, found).await? {
            if fits(sought, filter, &message) {
                // The answer does not show it, and thousands may fit.
                message.content = String::new();
                message.mentions = Vec::new();
                hits.push(Hit { message, is_p2p: chat.mode == ChatMode::P2p });
            }
        }
        if !more {
            break;
        }
    }
    Ok(())
}

/// The chats to search: those that the caller may read, each with the time from which.
async fn chats(
    tx: &mut Tx,
    call: &Call,
    speaker: &Speaker,
    filter: &Filter,
) -> Result<Vec<(Chat, i64)>, Fault> {
    let mut ids: Vec<ChatId> = Vec::new();
    for id in &filter.chat_ids {
        let id = ChatId::parse(id).ok_or_else(|| {
            invalid("invalid chat_ids").with_violation("filter.chat_ids[*]", Some(id), "invalid chat_id")
        })?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    if ids.is_empty() {
        let me: Member = speaker.member();
        let kinds: &[Kind] = match filter.chat_type {
            None => &[Kind::Groups, Kind::P2p],
            Some(SearchedChat::Group) => &[Kind::Groups],
            Some(SearchedChat::P2p) => &[Kind::P2p],
        };
        let mut found = Vec::new();
        for kind in kinds {
            found.extend(listing::page(tx, &me, *kind, Order::Activity, None, CHATS_MAX).await?);
        }
        found.sort_by(|one, other| other.cmp(one));
        ids = found.into_iter().take(CHATS_MAX).map(|cursor| cursor.chat_id).collect();
    }
    let mut chats = Vec::with_capacity(ids.len());
    for id in ids {
        let place = match standing::enter(tx, speaker, id, Act::Read).await {
            Ok(Some(place)) => place,
            Ok(None) => continue,
            Err(fault) if fault.code().status < 500 => continue,
            Err(fault) => return Err(fault),
        };
        let wanted = match filter.chat_type {
            None => true,
            Some(SearchedChat::P2p) => place.chat.mode == ChatMode::P2p,
            Some(SearchedChat::Group) => place.chat.mode != ChatMode::P2p,
        };
        if wanted && standing::may_read(call, &place.chat).is_ok() {
            let hidden = conditions::hidden_before(tx, speaker, &place.chat).await?;
            chats.push((place.chat, hidden.unwrap_or(i64::MIN)));
        }
    }
    Ok(chats)
}

/// The users and bots of ids.
async fn subjects(
    tx: &mut Tx,
    call: &Call,
    form: UserIdType,
    field: &'static str,
    ids: &[String],
) -> Result<Vec<Subject>, Fault> {
    let asked: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut found = Vec::with_capacity(asked.len());
    for (id, named) in ids.iter().zip(translate::all_named(tx, call, form, &asked).await?) {
        found.push(building::subject(match named {
            Named::User(user) => Party::from(&user),
            Named::Bot(app_id) => Party::Bot(app_id),
            other => return Err(translate::refusal(form, id, &other).about(field)),
        }));
    }
    Ok(found)
}

fn span(range: Option<&TimeRange>) -> Result<Span, Fault> {
    let mut span = Span { backwards: true, ..Span::ALL };
    let Some(range) = range else { return Ok(span) };
    if let Some(from) = time("start_time", range.start_time.as_deref())? {
        span.from = from;
    }
    if let Some(to) = time("end_time", range.end_time.as_deref())? {
        span.to = to.saturating_add(999);
    }
    if span.to < span.from {
        return Err(invalid("The end_time is earlier than the start_time"));
    }
    Ok(span)
}

fn time(field: &str, text: Option<&str>) -> Result<Option<i64>, Fault> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let read = times::milliseconds(text);
    read.map(Some).ok_or_else(|| invalid_field(field, text).about(&format!("filter.time_range.{field}")))
}

fn fits(sought: &Sought, filter: &Filter, message: &Message) -> bool {
    let author = match &message.sender {
        Sender::User { user_id, number } => Some(Subject::User { user_id: user_id.clone(), number: *number }),
        Sender::Bot(app_id) => Some(Subject::Bot { bot: app_id.0 }),
        Sender::Hook(_) => None,
    };
    let kind = match message.sender {
        Sender::User { .. } => AuthorKind::User,
        Sender::Bot(_) | Sender::Hook(_) => AuthorKind::Bot,
    };
    let mentions = |who: &Subject| message.mentions.iter().any(|mention| mention.who == *who);
    let all = message.content.contains("@_all");
    message.recalled.is_none()
        && message.msg_type != MsgType::System
        && (sought.from.is_empty() || author.is_some_and(|author| sought.from.contains(&author)))
        && (filter.from_types.is_empty() || filter.from_types.contains(&kind))
        && !filter.exclude_from_types.contains(&kind)
        && (sought.at.is_empty() || all || sought.at.iter().any(mentions))
        && sought.me.as_ref().is_none_or(|me| all || mentions(me))
        && (filter.include_attachment_types.is_empty()
            || filter.include_attachment_types.iter().any(|attached| contains(message, *attached)))
        && has_words(sought, message)
}

fn has_words(sought: &Sought, message: &Message) -> bool {
    if sought.words.is_empty() {
        return true;
    }
    let mut all = content::words(&message.content);
    for mention in &message.mentions {
        all.push_str(&mention.name);
        all.push('\n');
    }
    let all = text::fold(&all);
    sought.words.iter().all(|word| all.contains(word.as_str()))
}

fn contains(message: &Message, attached: AttachmentKind) -> bool {
    let rich = matches!(message.msg_type, MsgType::Post | MsgType::Interactive);
    match attached {
        AttachmentKind::Image => {
            message.msg_type == MsgType::Image || (rich && message.content.contains("\"img"))
        }
        AttachmentKind::Video => {
            message.msg_type == MsgType::Media || (rich && message.content.contains("\"media\""))
        }
        AttachmentKind::File => message.msg_type == MsgType::File,
        AttachmentKind::Link => message.content.contains("http://") || message.content.contains("https://"),
    }
}

/// The word of a type in answers of the search.
pub fn word(kind: MsgType) -> &'static str {
    match kind {
        MsgType::Interactive => "card",
        MsgType::ShareChat => "share_group_chat",
        MsgType::ShareUser => "share_user_card",
        other => other.as_str(),
    }
}

/// Where the operation comes from.
pub const SHAPE: Behaviour = Behaviour {
    name: "message_search_shape",
    rule: "This operation has no public page: request and answer are those of the official command line client. display_info, notice, position and thread_position, whose meaning is unknown, are left out. Times in the request are seconds or ISO 8601 with an offset, in the answer milliseconds as decimal text. type has the words of the client, such as card and share_group_chat.",
    basis: Observed,
    switch: false,
};
/// What is found.
pub const MATCHING: Behaviour = Behaviour {
    name: "message_search_matching",
    rule: "A message is found if every word of the query, in any case, is in the texts that people can read of it, or in the names of those whom it mentions; an empty query finds all. Only chats that the caller may read are searched: the 100 most recently active ones, or those of chat_ids; of them, at most the latest 5000 messages, chat by chat. Recalled messages and those of the system are not found; at_chatter_ids and is_at_me find messages to all, too. Chats that may not be read are skipped, a malformed chat_id is 230001.",
    basis: Assumed,
    switch: false,
};
