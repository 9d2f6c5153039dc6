//! Sends one message to many people, each in their chat with the bot.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use larkspur_contract::Basis::{Assumed, Documented};
use larkspur_contract::ids::{AppId, ChatId};
use larkspur_contract::model::{ChatCondition, MsgType, UserIdType, UserStatus};
use larkspur_contract::{Behaviour, Code, Fault, codes};
use larkspur_store::batches::{self, Batch};
use larkspur_store::chats::{self, Member};
use larkspur_store::users::User;
use larkspur_store::{StoreError, Tx, directory, frequency, parties, tenants};
use serde_json::Value;

use super::building::Built;
use super::{Speaker, building, sending};
use crate::rules::card::{self, Card};
use crate::rules::content::{self, Malformed, Parsed};
use crate::rules::policies;
use crate::translate::{self, Named};
use crate::{Call, p2p};

/// The most people that one call reaches: three lists of 200 ids. Source: the page, for the lists; assumed for departments.
pub const RECEIVERS_MAX: usize = 600;

/// The department of all users. Source: the contact pages.
const ROOT: &str = "0";

/// Those whom a request names.
#[derive(Debug, Default)]
pub struct Receivers {
    /// The users, by user_id.
    pub users: BTreeMap<String, User>,
}

impl Receivers {
    /// Adds users by ids of one form, and returns the ids that name no user who can be written to.
    ///
    /// # Errors
    /// The store is unavailable.
    pub async fn add(
        &mut self,
        tx: &mut Tx,
        call: &Call,
        form: UserIdType,
        ids: &[String],
    ) -> Result<Vec<String>, Fault> {
        let asked: Vec<&str> = ids.iter().map(String::as_str).collect();
        let named = translate::all_named(tx, call, form, &asked).await?;
        let audience = translate::audience(tx, call, &named).await?;
        let mut invalid = Vec::new();
        for (id, named) in ids.iter().zip(named) {
            match named {
                Named::User(user) if user.status != UserStatus::Resigned && audience.has(&user.user_id) => {
                    self.users.insert(user.user_id.clone(), user);
                }
                _ => invalid.push(id.clone()),
            }
        }
        Ok(invalid)
    }

    /// Adds the users of departments, one more than can be reached at most, and returns the unknown departments.
    ///
    /// # Errors
    /// The store is unavailable.
    pub async fn add_departments(
        &mut self,
        tx: &mut Tx,
        call: &Call,
        ids: &[String],
    ) -> Result<Vec<String>, Fault> {
        if ids.iter().any(|id| id == ROOT) {
            let found = if call.app.visible_to_all {
                directory::here(tx, 0, RECEIVERS_MAX + 1).await?
            } else {
                directory::granted(tx, call.app_id(), "", RECEIVERS_MAX + 1).await?
            };
            self.users.extend(found.into_iter().map(|user| (user.user_id.clone(), user)));
        }
        Ok(ids.iter().filter(|id| *id != ROOT).cloned().collect())
    }
}

/// Reads the content of a request.
///
/// # Errors
/// 10003, and 11246 for what is not a card or too long.
pub fn read(msg_type: &str, content: Option<&Value>, card: Option<&Value>) -> Result<Parsed, Fault> {
    let kind = MsgType::parse(msg_type);
    let kind = kind.ok_or_else(|| Fault::new(codes::BATCH_INVALID, format!("msg_type {msg_type}")))?;
    let none = Value::Null;
    let part = if kind == MsgType::Interactive { card } else { content };
    let parsed = content::batch(kind, part.unwrap_or(&none)).map_err(|why| {
        let (code, note) = match why {
            Malformed::Kind => (codes::BATCH_INVALID, "messages of this type are not sent to many"),
            Malformed::Text => (codes::BATCH_INVALID, "content is a string, not an object"),
            Malformed::Content => (codes::BATCH_INVALID, "content is not that of its msg_type"),
            Malformed::Card => (codes::BATCH_CONTENT_REFUSED, "card is missing or not a card"),
            Malformed::TooLong => (codes::BATCH_CONTENT_REFUSED, "the content has more than 30 KB"),
        };
        Fault::new(code, note)
    })?;
    let entity = parsed.card().is_some_and(|text| matches!(card::check(text), Ok(Card::Entity(_))));
    if entity {
        return Err(Fault::new(codes::BATCH_CONTENT_REFUSED, "a card entity is sent once"));
    }
    Ok(parsed)
}

/// The p2p chats of the bot with people, by user_id. Those that do not exist are made, one after the other.
async fn chats_with(
    tx: &mut Tx,
    speaker: &Speaker,
    bot: AppId,
    receivers: &BTreeMap<String, User>,
) -> Result<HashMap<Member, ChatId>, StoreError> {
    let others: Vec<Member> = receivers.keys().cloned().map(Member::User).collect();
    let mut found = parties::between(tx, &speaker.member(), &others).await?;
    if found.len() < others.len() {
        tenants::lock(tx).await?;
    }
    for (other, user) in others.into_iter().zip(receivers.values()) {
        if let Entry::Vacant(free) = found.entry(other) {
            let chat_id = p2p::open(tx, user, bot, &speaker.party(), speaker.now).await?;
            free.insert(chat_id);
        }
    }
    Ok(found)
}

/// Sends content to people who may receive it; the batch.
///
/// # Errors
/// The refusals of the content, in the codes of messages; see [`RECODES`].
pub async fn send(
    tx: &mut Tx,
    call: &Call,
    receivers: &BTreeMap<String, User>,
    parsed: Parsed,
) -> Result<Batch, Fault> {
    let speaker = Speaker { limited: false, ..Speaker::of(call) };
    within_the_day(tx, call, receivers.len()).await?;
    let kind = parsed.kind();
    let mut unbuilt = Some(parsed);
    let mut content: Option<Built> = None;
    let mut parts = Vec::with_capacity(receivers.len());
    let found = chats_with(tx, &speaker, call.app_id(), receivers).await?;
    for user_id in receivers.keys() {
        let place = match found.get(&Member::User(user_id.clone())) {
            Some(chat_id) => chats::place(tx, *chat_id, &speaker.member()).await?,
            None => None,
        };
        let place =
            place.ok_or_else(|| Fault::new(codes::BATCH_FAILED, format!("no chat with {user_id}")))?;
        if place.chat.is(ChatCondition::Stopped) {
            continue;
        }
        if let Some(parsed) = unbuilt.take() {
            content = Some(building::finish(tx, &speaker, &place, parsed).await?);
        }
        let Some(built) = content.clone() else { continue };
        let sent = sending::post(tx, &speaker, &place, (kind, built), None).await?;
        parts.push((sent.number, user_id.clone()));
    }
    let batch = Batch {
        batch_id: format!("bm-{:032x}", tx.random_id()),
        app_id: call.app_id(),
        total: i64::try_from(parts.len()).unwrap_or(i64::MAX),
        created_at: call.now,
        recalled_at: 0,
        recalled: 0,
    };
    batches::insert(tx, &batch, &parts).await?;
    Ok(batch)
}

/// The most messages that an app's batches may have in a day. Source: the page.
pub const DAILY_MAX: i64 = 500_000;
const DAY_MS: i64 = 24 * 3600 * 1000;
/// Days begin at midnight in UTC+8.
const ZONE_MS: i64 = 8 * 3600 * 1000;

/// Counts the messages of a batch: 11247 beyond those of a day.
async fn within_the_day(tx: &mut Tx, call: &Call, messages: usize) -> Result<(), Fault> {
    let most = call.policy.daily_batch_messages.unwrap_or(DAILY_MAX);
    let day = (call.now + ZONE_MS).div_euclid(DAY_MS) * DAY_MS - ZONE_MS;
    let messages = i64::try_from(messages).unwrap_or(i64::MAX);
    if frequency::count_batch(tx, call.app_id(), day, messages, most).await? {
        return Ok(());
    }
    let fault = Fault::new(codes::BATCH_TOO_MANY, format!("more than {most} messages in a day"))
        .by_rule(DAILY.name)
        .with_fact("daily_batch_messages", most.to_string());
    Err(match call.policy.daily_batch_messages {
        Some(_) => fault.with_fix(policies::without(&call.policy, "daily_batch_messages")),
        None => fault,
    })
}

/// How many messages a day takes.
pub const DAILY: Behaviour = Behaviour {
    name: "batch_daily",
    rule: "An app's batches have at most 500,000 messages in a day of the world's clock (UTC+8), or as its settings say, over all servers of a store: more are 11247. People who stopped the bot count, too; a batch that is refused does not.",
    basis: Documented,
    switch: false,
};

/// The codes of the page in place of those of messages.
pub const RECODES: &[(Code, Code)] = &[
    (codes::MESSAGE_INVALID, codes::BATCH_INVALID),
    (codes::NOT_RESOURCE_OWNER, codes::BATCH_IMAGE_NOT_FOUND),
    (codes::FILE_TYPE_MISMATCH, codes::BATCH_IMAGE_NOT_FOUND),
    (codes::MESSAGE_NOT_IN_CHAT, codes::BATCH_CHAT_NOT_FOUND),
    (codes::P2P_CHAT_NOT_SHARED, codes::BATCH_CHAT_NOT_FOUND),
    (codes::SPEAKING_NOT_ALLOWED, codes::BATCH_AT_ALL_DENIED),
    (codes::CARD_NOT_CREATED, codes::BATCH_CONTENT_REFUSED),
    (codes::MESSAGE_TOO_LONG, codes::BATCH_CONTENT_REFUSED),
    (codes::MESSAGE_SENSITIVE, codes::BATCH_NOT_AUDITED),
];

/// The batch that a request names.
///
/// # Errors
/// 230001 for an id that is not `bm-` and 32 hex digits.
pub fn id(batch_message_id: &str) -> Result<&str, Fault> {
    let digits = batch_message_id.strip_prefix("bm-").unwrap_or_default();
    let valid = digits.len() == 32 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    if valid {
        return Ok(batch_message_id);
    }
    Err(super::invalid_field("batch_message_id", batch_message_id))
}

/// The refusal of an id that names no batch of the tenant.
pub fn unknown(batch_message_id: &str) -> Fault {
    Fault::new(codes::BATCH_MESSAGE_NOT_FOUND, format!("no batch {batch_message_id}"))
}

/// The calling app's batch of an id.
///
/// # Errors
/// 230001 and 230030; `not_own` for the batch of another app.
pub async fn find(tx: &mut Tx, call: &Call, batch_message_id: &str, not_own: Code) -> Result<Batch, Fault> {
    let found = batches::get(tx, id(batch_message_id)?).await?;
    own(call, found.ok_or_else(|| unknown(batch_message_id))?, not_own)
}

/// A batch, if the calling app sent it.
///
/// # Errors
/// `not_own`.
pub fn own(call: &Call, batch: Batch, not_own: Code) -> Result<Batch, Fault> {
    if batch.app_id == call.app_id() {
        return Ok(batch);
    }
    Err(Fault::new(not_own, "another app sent the batch"))
}

/// Who is told.
pub const RECEIVERS: Behaviour = Behaviour {
    name: "batch_receivers",
    rule: "Each person gets the message once, in the p2p chat with the bot, where it is a message like others; those who stopped the bot get none. Unknown people, those who left and those who do not see the app are in the invalid_… lists; if no one is left, the answer is 11101. The only department is the root, 0: everyone who sees the app. A call reaches at most 600 people; more are 10003.",
    basis: Assumed,
    switch: false,
};
/// How content is refused.
pub const CONTENT: Behaviour = Behaviour {
    name: "batch_content",
    rule: "Order of checks: fields, bot ability, status of the app, msg_type and content, ids, scopes, people, what the content names. A card that is refused, one of the card kit, and content of more than 30 KB are 11246; an image that is unknown, an avatar or another app's 11227; a shared chat that the bot is not in 11231; forbidden words 11312.",
    basis: Assumed,
    switch: false,
};
/// Which batches are found.
pub const FOUND: Behaviour = Behaviour {
    name: "batch_found",
    rule: "A malformed batch_message_id is 230001, an unknown one and that of another tenant 230030; the batch of another app is 230012, and 230026 when it is recalled.",
    basis: Assumed,
    switch: false,
};
