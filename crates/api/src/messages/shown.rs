//! The message object of answers. Its keys are in alphabetical order, as in live answers.

use std::collections::{BTreeSet, HashMap};

use larkspur_contract::Basis::{Assumed, Observed};
use larkspur_contract::Behaviour;
use larkspur_contract::ids::{AppId, OpenId, TenantKey};
use larkspur_contract::model::{CardContentType, I18nNames, MsgType, UserIdType};
use larkspur_store::messages::{Message, Sender, Subject};
use larkspur_store::users::User;
use larkspur_store::{Keys, StoreError, Tx, apps, users};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::building::SharedUser;
use crate::cards;
use crate::rules::card::{self, CardForm};
use crate::{Actor, Call};

/// The content of a recalled message. Source: the list page.
pub const RECALLED: &str = "This message was recalled";

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shown {
    /// Its content.
    pub body: Body,
    /// Its chat.
    pub chat_id: String,
    /// When it was sent, in milliseconds since 1970.
    pub create_time: String,
    /// Whether it was recalled.
    pub deleted: bool,
    /// Those whom it mentions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<ShownMention>,
    /// Its id.
    pub message_id: String,
    /// Its type.
    pub msg_type: MsgType,
    /// The message that it replies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// The root of the tree of replies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_id: Option<String>,
    /// Its sender.
    pub sender: ShownSender,
    /// Its thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// When it was last changed, in milliseconds since 1970.
    pub update_time: String,
    /// Whether it was edited.
    pub updated: bool,
    /// The forwarded bundle that it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper_message_id: Option<String>,
}

/// The content of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Body {
    /// JSON as text.
    pub content: String,
}

/// Someone whom a message mentions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShownMention {
    /// The id.
    pub id: String,
    /// The form of the id.
    pub id_type: String,
    /// The placeholder in the content: `@_user_1`, …
    pub key: String,
    /// The name.
    pub name: String,
    /// The tenant.
    pub tenant_key: String,
}

/// The sender of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShownSender {
    /// The id: of a bot its app_id.
    pub id: String,
    /// The form of the id.
    pub id_type: String,
    /// The open_id of a bot, as the reading app sees it, if names were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_bot_id: Option<String>,
    /// The name by language, if names were asked for. Users and bots have one name, which each language shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_i18n_names: Option<I18nNames>,
    /// The name, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<String>,
    /// `user` or `app`.
    pub sender_type: String,
    /// The tenant.
    pub tenant_key: String,
}

/// Who reads, and in which form.
#[derive(Debug, Clone)]
pub struct Viewer {
    eyes: Eyes,
    tenant: TenantKey,
    cards: Option<CardContentType>,
    named: bool,
    /// The number of the user who reads; `None` for a bot, and for messages as they are stored.
    reader: Option<i64>,
}

/// Whose ids a reader sees.
#[derive(Debug, Clone, Copy)]
enum Eyes {
    /// Those that an app knows.
    App {
        app_id: AppId,
        developer: TenantKey,
        form: UserIdType,
        /// Whether mentioned bots have their app_id.
        by_app: bool,
    },
    /// The tenant's own.
    Tenant,
}

impl Viewer {
    /// The caller of an operation. `form` is the form of user ids that the request names, if it does; `cards` the form of cards.
    pub fn of(call: &Call, form: Option<UserIdType>, cards: Option<CardContentType>) -> Self {
        let eyes = Eyes::App {
            app_id: call.app_id(),
            developer: call.app.developer,
            form: form.unwrap_or(UserIdType::OpenId),
            by_app: form.is_some(),
        };
        let reader = match &call.actor {
            Actor::Bot => None,
            Actor::User { number, .. } => Some(number.cast_signed()),
        };
        Viewer { eyes, tenant: call.tenant, cards, named: false, reader }
    }

    /// A reader who sees the tenant's own ids: user_ids, and app_ids for bots.
    pub fn tenant(tenant: TenantKey, cards: Option<CardContentType>) -> Self {
        Viewer { eyes: Eyes::Tenant, tenant, cards, named: false, reader: None }
    }

    /// The same, who is this user: the cards that the user has for its own are shown in the place of those that were sent.
    #[must_use]
    pub fn reading_as(self, user: &User) -> Self {
        Viewer { reader: Some(user.user_no), ..self }
    }

    /// The same, who also sees the names of senders.
    #[must_use]
    pub fn with_names(self, named: bool) -> Self {
        Viewer { named, ..self }
    }

    /// The id of a user, and its form.
    pub fn user(&self, keys: &Keys, user_id: &str, number: u64) -> (String, &'static str) {
        match self.eyes {
            Eyes::App { app_id, form: UserIdType::OpenId, .. } => {
                (keys.open_id(number, app_id).to_string(), "open_id")
            }
            Eyes::App { developer, form: UserIdType::UnionId, .. } => {
                (keys.union_id(number, developer).to_string(), "union_id")
            }
            Eyes::App { form: UserIdType::UserId, .. } | Eyes::Tenant => (user_id.to_owned(), "user_id"),
        }
    }

    fn mentioned(&self, keys: &Keys, who: &Subject) -> (String, &'static str) {
        match (who, self.eyes) {
            (Subject::User { user_id, number }, _) => self.user(keys, user_id, *number),
            (Subject::Bot { bot }, Eyes::App { app_id, by_app: false, .. }) => {
                (keys.open_id(*bot, app_id).to_string(), "open_id")
            }
            (Subject::Bot { bot }, _) => (AppId(*bot).to_string(), "app_id"),
        }
    }

    /// Who sent a message, reacted to it or pinned it.
    pub fn sender(&self, keys: &Keys, sender: &Sender) -> ShownSender {
        let ((id, id_type), sender_type) = match sender {
            Sender::User { user_id, number } => (self.user(keys, user_id, *number), "user"),
            Sender::Bot(app_id) | Sender::Hook(app_id) => ((app_id.to_string(), "app_id"), "app"),
        };
        ShownSender {
            id,
            id_type: id_type.to_owned(),
            open_bot_id: None,
            sender_i18n_names: None,
            sender_name: None,
            sender_type: sender_type.to_owned(),
            tenant_key: self.tenant.to_string(),
        }
    }

    fn app(&self) -> Option<AppId> {
        match self.eyes {
            Eyes::App { app_id, .. } => Some(app_id),
            Eyes::Tenant => None,
        }
    }
}

/// A message as answers show it.
///
/// # Errors
/// The store is unavailable.
pub async fn show(tx: &mut Tx, viewer: &Viewer, message: Message) -> Result<Shown, StoreError> {
    Ok(show_all(tx, viewer, vec![message]).await?.remove(0))
}

/// Messages as answers show them, in their order.
///
/// # Errors
/// The store is unavailable.
pub async fn show_all(
    tx: &mut Tx,
    viewer: &Viewer,
    messages: Vec<Message>,
) -> Result<Vec<Shown>, StoreError> {
    let messages = cards::filled(tx, messages).await?;
    let messages = match viewer.reader {
        Some(reader) => cards::seen_by(tx, reader, messages).await?,
        None => messages,
    };
    let keys = &tx.engine().keys;
    let mut shown: Vec<Shown> = messages.iter().map(|message| shown(keys, viewer, message)).collect();
    if viewer.cards == Some(CardContentType::RawCardContent) {
        with_people(tx, &messages, &mut shown).await?;
    }
    if viewer.named { with_names(tx, viewer, &messages, shown).await } else { Ok(shown) }
}

/// Adds the names of people whom cards name by open_id to the internal form of the cards.
async fn with_people(tx: &mut Tx, messages: &[Message], shown: &mut [Shown]) -> Result<(), StoreError> {
    let named: Vec<Vec<(String, i64)>> =
        messages.iter().map(|message| people_of(&tx.engine().keys, message)).collect();
    let numbers: BTreeSet<i64> = named.iter().flatten().map(|(_, number)| *number).collect();
    if numbers.is_empty() {
        return Ok(());
    }
    let people = users::by_numbers(tx, numbers).await?;
    let names: HashMap<i64, &str> = people.iter().map(|user| (user.user_no, user.name.as_str())).collect();
    for (named, shown) in named.iter().zip(shown) {
        let known = named
            .iter()
            .filter_map(|(id, number)| Some((id.clone(), json!({"content": names.get(number)?}))));
        let known: Map<String, Value> = known.collect();
        if let (false, Ok(mut raw)) = (known.is_empty(), serde_json::from_str::<Value>(&shown.body.content)) {
            raw["json_attachment"] = json!({ "persons": known }).to_string().into();
            shown.body.content = raw.to_string();
        }
    }
    Ok(())
}

/// The open_ids in a card that the app which sent it knows, with the numbers of their users.
fn people_of(keys: &Keys, message: &Message) -> Vec<(String, i64)> {
    let is_card = message.msg_type == MsgType::Interactive && message.recalled.is_none();
    let mut found = Vec::new();
    if let (true, Ok(card)) = (is_card, serde_json::from_str(&message.content)) {
        each_text(&card, &mut |text| {
            let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            found.extend(words.filter_map(|word| {
                let (number, app) = keys.read_open_id(OpenId::parse(word)?);
                let number = i64::try_from(number).ok().filter(|_| message.app == Some(app));
                Some((word.to_owned(), number?))
            }));
        });
    }
    found
}

/// Each text in a JSON value.
fn each_text(value: &Value, see: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(list) => list.iter().for_each(|inside| each_text(inside, see)),
        Value::Object(map) => map.values().for_each(|inside| each_text(inside, see)),
        _ => {}
    }
}

/// Adds the names of senders. A user who was deleted, and a custom bot, have none.
async fn with_names(
    tx: &mut Tx,
    viewer: &Viewer,
    messages: &[Message],
    mut shown: Vec<Shown>,
) -> Result<Vec<Shown>, StoreError> {
    let people: BTreeSet<&str> = messages.iter().filter_map(|message| message.sender.user_id()).collect();
    let people = users::by_ids(tx, people).await?;
    let people: HashMap<&str, &str> =
        people.iter().map(|user| (user.user_id.as_str(), user.name.as_str())).collect();
    let bots: BTreeSet<AppId> = messages.iter().filter_map(|message| message.sender.bot()).collect();
    let bots = apps::installs(tx, bots).await?;
    let keys = &tx.engine().keys;
    for (message, shown) in messages.iter().zip(&mut shown) {
        if let Some(user_id) = message.sender.user_id() {
            shown.sender.sender_name = people.get(user_id).map(|name| (*name).to_owned());
        }
        if let Some(bot) = message.sender.bot() {
            shown.sender.sender_name = bots.get(&bot).map(|install| install.name.clone());
            shown.sender.open_bot_id = viewer.app().map(|app| keys.open_id(bot.0, app).to_string());
        }
        shown.sender.sender_i18n_names = shown.sender.sender_name.as_deref().map(in_all_languages);
    }
    Ok(shown)
}

/// One name in every language that answers have.
fn in_all_languages(name: &str) -> I18nNames {
    let name = || Some(name.to_owned());
    I18nNames { en_us: name(), ja_jp: name(), zh_cn: name() }
}

fn shown(keys: &Keys, viewer: &Viewer, message: &Message) -> Shown {
    let id = |number: i64| keys.message_id(number, viewer.tenant).to_string();
    let of = |number: i64| (number != 0).then(|| id(number));
    let recalled = message.recalled.is_some();
    let mentions = message.mentions.iter().enumerate().filter(|_| !recalled).map(|(index, mention)| {
        let (id, id_type) = viewer.mentioned(keys, &mention.who);
        ShownMention {
            id,
            id_type: id_type.to_owned(),
            key: key(index),
            name: mention.name.clone(),
            tenant_key: viewer.tenant.to_string(),
        }
    });
    let content =
        if recalled { RECALLED.to_owned() } else { content(keys, viewer.app(), message, viewer.cards) };
    Shown {
        body: Body { content },
        chat_id: message.chat_id.to_string(),
        create_time: message.created_at.to_string(),
        deleted: recalled,
        mentions: mentions.collect(),
        message_id: id(message.number),
        msg_type: message.msg_type,
        parent_id: of(message.parent),
        root_id: of(message.root),
        sender: viewer.sender(keys, &message.sender),
        thread_id: message.thread.map(|thread| thread.to_string()),
        update_time: message.updated_at.to_string(),
        updated: message.edits > 0,
        upper_message_id: of(message.upper),
    }
}

/// The placeholder of a mention, by its index from 0.
pub fn key(index: usize) -> String {
    format!("@_user_{}", index + 1)
}

/// The content of a message that was not recalled, for an app or, without one, with the tenant's own ids.
pub(crate) fn content(
    keys: &Keys,
    app: Option<AppId>,
    message: &Message,
    cards: Option<CardContentType>,
) -> String {
    match message.msg_type {
        MsgType::Interactive => {
            let form = match cards {
                None => CardForm::Default,
                Some(CardContentType::UserCardContent) => CardForm::User,
                Some(CardContentType::RawCardContent) => CardForm::Raw,
            };
            card::shown(&message.content, form)
        }
        MsgType::ShareUser => match serde_json::from_str::<SharedUser>(&message.content) {
            Ok(SharedUser { user_id, number }) => {
                let shown = app.map_or(user_id, |app| keys.open_id(number, app).to_string());
                json!({ "user_id": shown }).to_string()
            }
            Err(_) => message.content.clone(),
        },
        _ => message.content.clone(),
    }
}

/// The shape of the message object.
pub const OBJECT: Behaviour = Behaviour {
    name: "message_object",
    rule: "Keys are in alphabetical order; root_id, parent_id, thread_id, mentions and upper_message_id are left out if they do not apply, never empty. The sender id of a bot is its app_id. A mentioned bot has its open_id, or its app_id if the request names a user_id_type. A recalled message keeps its msg_type, and has no mentions.",
    basis: Observed,
    switch: false,
};
/// Fields that are left out.
pub const POSITIONS: Behaviour = Behaviour {
    name: "message_positions",
    rule: "message_position and thread_message_position, which no page documents, are left out: a position would have to be counted for each message of a chat, one after the other. So is message_app_link. with_sender_name, which official clients send, adds sender_name, sender_i18n_names with the one name in zh_cn, en_us and ja_jp, and open_bot_id for bots.",
    basis: Assumed,
    switch: false,
};
