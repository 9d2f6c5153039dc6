//! Builds what is stored of a message from the content that was sent.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use larkspur_contract::Basis::{Assumed, Documented};
use larkspur_contract::ids::{AppId, ChatId, OpenId};
use larkspur_contract::model::{ChatMode, ImageType, MsgType, ScopeChecks, UserIdType};
use larkspur_contract::scopes::IM_MESSAGE_SYSTEM;
use larkspur_contract::{Behaviour, Fault, codes};
use larkspur_store::chats::{self, Place};
use larkspur_store::files::{self, File};
use larkspur_store::images::{self, Image};
use larkspur_store::messages::{Mention, Sender, Subject};
use larkspur_store::policies::Policy;
use larkspur_store::users::{self, User};
use larkspur_store::{StoreError, Tx, apps};
use serde::{Deserialize, Serialize};

use super::{Speaker, explained, hooks, invalid, invalid_field, standing};
use crate::cards;
use crate::events::Party;
use crate::rules::card::{self, Card};
use crate::rules::content::{self, Mentioned, Parsed, Resource, ResourceKind};
use crate::translate::{self, Named};

/// The stored form of a message's content.
#[derive(Debug, Clone)]
pub struct Built {
    /// The content, with placeholders for those whom it mentions.
    pub content: String,
    /// Those whom it mentions.
    pub mentions: Vec<Mention>,
}

/// What is stored of a shared user: readers see the id that their app knows.
#[derive(Serialize, Deserialize)]
pub(super) struct SharedUser {
    pub(super) user_id: String,
    pub(super) number: u64,
}

/// Builds content, and checks everything that it refers to. Operations that only add rows may call it.
///
/// # Errors
/// The refusals of the content: 230001, 230015, 230017, 230018, 230025, 230027, 230055, 230099; 230022 for forbidden words.
pub async fn build(
    tx: &mut Tx,
    speaker: &Speaker,
    place: &Place,
    kind: MsgType,
    text: &str,
) -> Result<Built, Fault> {
    let parsed = content::parse(kind, text)?.keeping_markdown(speaker.markdown);
    finish(tx, speaker, place, parsed).await
}

/// As [`build`], for content that was read.
///
/// # Errors
/// As [`build`].
pub async fn finish(tx: &mut Tx, speaker: &Speaker, place: &Place, parsed: Parsed) -> Result<Built, Fault> {
    if let Some(card) = parsed.card() {
        card_resources(tx, speaker, &card::check(card)?).await?;
    }
    let parsed = resources(tx, speaker, parsed).await?;
    refer(tx, speaker, place, &parsed).await?;
    let known = match &speaker.sender {
        Sender::Hook(_) => hooks::people(tx, place.chat.chat_id, &parsed.ids()).await?,
        _ => people(tx, speaker, &parsed.ids()).await?,
    };
    let stored = parsed.stored(&|id| known.get(id).cloned())?;
    let content = match parsed.share_user() {
        Some(id) => shared_user(tx, speaker, id).await?,
        None => stored.content,
    };
    let mentions = stored.mentions.into_iter().map(mention).collect();
    standing::may_speak(speaker, place)?;
    if parsed.mentions_all() {
        standing::may_mention_all(speaker, place)?;
    }
    passes_review(speaker, &content)?;
    Ok(Built { content, mentions })
}

/// Builds the content that replaces a card.
///
/// # Errors
/// 230001, 230025, 230099, and 230022 for forbidden words.
pub async fn card(tx: &mut Tx, speaker: &Speaker, text: &str) -> Result<String, Fault> {
    content::parse(MsgType::Interactive, text)?;
    let checked = card::check(text)?;
    if let Card::Entity(card_id) = &checked {
        may_send(tx, speaker, card_id).await?;
    }
    knows_people(tx, speaker, &checked).await?;
    match flaw(tx, &speaker.policy, text, &checked).await? {
        Some(Flaw::Image(key)) => Err(card::image_invalid(&key)),
        Some(Flaw::Word(word)) => Err(forbidden(&word, &speaker.policy.forbidden_words)),
        None => Ok(text.to_owned()),
    }
}

/// What is wrong with a card that replaces another one, besides its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// It shows an image that does not exist.
    Image(String),
    /// A text that people read contains a forbidden word.
    Word(String),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::Image(key) => write!(f, "no image {}", super::cut(key)),
            Flaw::Word(word) => write!(f, "the card contains the forbidden word {word:?}"),
        }
    }
}

/// What is wrong with a card that replaces another one, whichever way it comes: by PATCH, in the answer to a callback, or by the
/// token of one. `content` is its JSON.
///
/// # Errors
/// The store is unavailable.
pub async fn flaw(
    tx: &mut Tx,
    policy: &Policy,
    content: &str,
    checked: &Card,
) -> Result<Option<Flaw>, StoreError> {
    if let Some(key) = missing_image(tx, checked).await? {
        return Ok(Some(Flaw::Image(key)));
    }
    Ok(forbidden_word(policy, content).map(|word| Flaw::Word(word.to_owned())))
}

/// Checks the images that a card shows, whichever app uploaded them, and whether an entity may be sent.
async fn card_resources(tx: &mut Tx, speaker: &Speaker, checked: &Card) -> Result<(), Fault> {
    if let Card::Entity(card_id) = checked {
        return may_send(tx, speaker, card_id).await;
    }
    knows_people(tx, speaker, checked).await?;
    match missing_image(tx, checked).await? {
        Some(key) => Err(card::image_invalid(&key)),
        None => Ok(()),
    }
}

/// Whether the app knows the people whom its card names by open_id.
async fn knows_people(tx: &mut Tx, speaker: &Speaker, checked: &Card) -> Result<(), Fault> {
    let (ids, Some(app)) = (checked.people(), &speaker.app) else { return Ok(()) };
    if ids.is_empty() {
        return Ok(());
    }
    let named = translate::all_named_by(tx, app, UserIdType::OpenId, &ids).await?;
    let known = named.iter().all(|named| matches!(named, Named::User(_) | Named::Bot(_)));
    if known { Ok(()) } else { Err(card::person_invalid()) }
}

async fn may_send(tx: &mut Tx, speaker: &Speaker, card_id: &str) -> Result<(), Fault> {
    cards::may_send(tx, speaker.app.as_ref().map(|app| app.app_id), card_id, speaker.now).await
}

/// The first image that a card shows and that does not exist.
async fn missing_image(tx: &mut Tx, checked: &Card) -> Result<Option<String>, StoreError> {
    let keys = checked.image_keys();
    let found = images::several(tx, keys.iter().copied()).await?;
    let exists = |key: &str| found.get(key).is_some_and(|image| !image.deleted);
    Ok(keys.into_iter().find(|key| !exists(key)).map(str::to_owned))
}

/// A message with a forbidden word, in any case, in a text that people read is 230022.
fn passes_review(speaker: &Speaker, content: &str) -> Result<(), Fault> {
    match forbidden_word(&speaker.policy, content) {
        Some(word) => Err(forbidden(word, &speaker.policy.forbidden_words)),
        None => Ok(()),
    }
}

/// The first forbidden word, in any case, in a text that people read.
fn forbidden_word<'a>(policy: &'a Policy, content: &str) -> Option<&'a str> {
    let words = &policy.forbidden_words;
    if words.is_empty() {
        return None;
    }
    let folded = readable(content).to_lowercase();
    words.iter().find(|word| folded.contains(&word.to_lowercase())).map(String::as_str)
}

fn forbidden(word: &str, words: &[String]) -> Fault {
    let note = format!("the content contains the forbidden word {word:?}");
    explained::forbidden(Fault::new(codes::MESSAGE_SENSITIVE, note), word, words)
}

/// The texts that people read of content, without the placeholders of those whom it mentions.
fn readable(content: &str) -> String {
    let texts = content::words(content).replace("@_all", " ");
    let mut pieces = texts.split("@_user_");
    let mut found = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        found.push(' ');
        found.push_str(piece.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    found
}

fn mention(found: Mentioned) -> Mention {
    Mention { who: subject(found.party), name: found.name }
}

/// A party of events as it is stored.
pub fn subject(party: Party) -> Subject {
    match party {
        Party::User { number, user_id } => Subject::User { user_id, number },
        Party::Bot(app_id) => Subject::Bot { bot: app_id.0 },
    }
}

/// Checks the images and files that content names.
async fn resources(tx: &mut Tx, speaker: &Speaker, mut parsed: Parsed) -> Result<Parsed, Fault> {
    let (mut image_keys, mut file_keys) = (Vec::new(), Vec::new());
    for resource in parsed.resources() {
        match resource.kind {
            ResourceKind::Image => image_keys.push(resource.key.as_str()),
            ResourceKind::Sticker => {}
            ResourceKind::File | ResourceKind::Opus | ResourceKind::Mp4 => {
                file_keys.push(resource.key.as_str());
            }
        }
    }
    let images = images::several(tx, image_keys).await?;
    let files = files::several(tx, file_keys).await?;
    for resource in parsed.resources().to_vec() {
        match resource.kind {
            ResourceKind::Image => image(speaker, &resource, images.get(&resource.key))?,
            ResourceKind::Sticker => {}
            ResourceKind::File | ResourceKind::Opus | ResourceKind::Mp4 => {
                let file = file(speaker, &resource, files.get(&resource.key))?;
                parsed = parsed.with_file(&file.name, file.duration_ms);
            }
        }
    }
    Ok(parsed)
}

fn invalid_key(field: &str, key: &str) -> Fault {
    let cause = format!("invalid {field}");
    Fault::new(codes::MESSAGE_INVALID, format!("no {field} {}", super::cut(key))).with_cause(cause)
}

fn image(speaker: &Speaker, resource: &Resource, found: Option<&Image>) -> Result<(), Fault> {
    let found = found.filter(|image| !image.deleted);
    let image = found.ok_or_else(|| invalid_key("image_key", &resource.key))?;
    owned(speaker, image.app_id, OTHERS_IMAGE)?;
    if image.image_type != ImageType::Message {
        return Err(Fault::new(codes::FILE_TYPE_MISMATCH, "the image is an avatar"));
    }
    Ok(())
}

fn file<'a>(speaker: &Speaker, resource: &Resource, found: Option<&'a File>) -> Result<&'a File, Fault> {
    let found = found.filter(|file| !file.deleted);
    let file = found.ok_or_else(|| invalid_key("file_key", &resource.key))?;
    owned(speaker, file.app_id, OTHERS_FILE)?;
    if !resource.kind.accepts(file.file_type.as_str()) {
        let note = format!("the file was uploaded as {}", file.file_type.as_str());
        return Err(Fault::new(codes::FILE_TYPE_MISMATCH, note));
    }
    Ok(file)
}

const OTHERS_IMAGE: &str = "another app uploaded the image";
const OTHERS_FILE: &str = "another app uploaded the file";

/// Only the app that uploaded a file may send it; clients may send any.
fn owned(speaker: &Speaker, uploader: AppId, note: &'static str) -> Result<(), Fault> {
    if speaker.app.as_ref().is_none_or(|app| app.app_id == uploader) {
        return Ok(());
    }
    Err(Fault::new(codes::NOT_RESOURCE_OWNER, note))
}

/// The refusal of another app's image or file where the page lists no code for it: the key is unknown, 230001.
pub fn not_owned_as_unknown(fault: Fault) -> Fault {
    match (fault.code(), fault.note()) {
        (codes::NOT_RESOURCE_OWNER, OTHERS_FILE) => invalid("invalid file_key"),
        (codes::NOT_RESOURCE_OWNER, _) => invalid("invalid image_key"),
        _ => fault,
    }
}

/// Checks a shared chat, and who may send a message of the system.
async fn refer(tx: &mut Tx, speaker: &Speaker, place: &Place, parsed: &Parsed) -> Result<(), Fault> {
    if let Some(chat_id) = parsed.share_chat() {
        // A custom bot shares its own chat only.
        if matches!(speaker.sender, Sender::Hook(_)) {
            let own = ChatId::parse(chat_id) == Some(place.chat.chat_id);
            return own.then_some(()).ok_or_else(|| invalid_key("chat_id", chat_id));
        }
        return shared_chat(tx, speaker, chat_id).await;
    }
    if parsed.kind() != MsgType::System {
        return Ok(());
    }
    if !speaker.is_bot() {
        return Err(invalid("sending system messages as a user is not supported"));
    }
    if place.chat.mode != ChatMode::P2p {
        return Err(invalid("sending system messages in group chats is not supported"));
    }
    let unchecked = speaker.policy.permissions() == ScopeChecks::Off;
    if !unchecked && speaker.app.as_ref().is_none_or(|app| !app.scopes.has(IM_MESSAGE_SYSTEM)) {
        let fault = Fault::new(codes::MESSAGE_LACKS_PERMISSION, "system messages need their own scope")
            .with_cause(format!("need scope: {IM_MESSAGE_SYSTEM}"));
        return Err(explained::system_scope(fault, speaker, IM_MESSAGE_SYSTEM));
    }
    Ok(())
}

async fn shared_chat(tx: &mut Tx, speaker: &Speaker, chat_id: &str) -> Result<(), Fault> {
    let found = match ChatId::parse(chat_id) {
        Some(chat_id) => chats::place(tx, chat_id, &speaker.member()).await?,
        None => None,
    };
    let shared = found.ok_or_else(|| invalid_key("chat_id", chat_id))?;
    if shared.chat.mode == ChatMode::P2p {
        return Err(Fault::new(codes::P2P_CHAT_NOT_SHARED, "a p2p chat cannot be shared"));
    }
    if shared.manager.is_none() {
        return Err(standing::outside(speaker));
    }
    Ok(())
}

async fn shared_user(tx: &mut Tx, speaker: &Speaker, id: &str) -> Result<String, Fault> {
    let found = match &speaker.app {
        Some(app) => match translate::all_named_by(tx, app, UserIdType::OpenId, &[id]).await?.pop() {
            Some(Named::User(user)) => Some(user),
            _ => None,
        },
        None => users::by_id(tx, id).await?,
    };
    let user = found.ok_or_else(|| invalid_field_of_content("user_id", id))?;
    let shared = SharedUser { number: user.user_no.cast_unsigned(), user_id: user.user_id };
    serde_json::to_string(&shared).map_err(|error| Fault::new(codes::INTERNAL, error.to_string()))
}

fn invalid_field_of_content(field: &str, value: &str) -> Fault {
    invalid_field(field, value).with_violations(Vec::new())
}

/// Those whom ids in content name. An app may use the open_ids and union_ids that it knows and user_ids; a person at a client
/// uses user_ids, app_ids for bots, and the open_ids that any app knows.
async fn people(tx: &mut Tx, speaker: &Speaker, ids: &[&str]) -> Result<HashMap<String, Mentioned>, Fault> {
    let mut found = HashMap::with_capacity(ids.len());
    if ids.is_empty() {
        return Ok(found);
    }
    let of =
        |prefix: &str| -> Vec<&str> { ids.iter().copied().filter(|id| id.starts_with(prefix)).collect() };
    let mut bots = Vec::new();
    if let Some(app) = &speaker.app {
        for (prefix, form) in [("ou_", UserIdType::OpenId), ("on_", UserIdType::UnionId)] {
            let asked = of(prefix);
            let named = translate::all_named_by(tx, app, form, &asked).await?;
            for (id, named) in asked.into_iter().zip(named) {
                match named {
                    Named::User(user) => drop(found.insert(id.to_owned(), person(user))),
                    Named::Bot(app_id) => bots.push((id, app_id)),
                    Named::OtherApp | Named::OtherTenant | Named::Unknown => {}
                }
            }
        }
    } else {
        let parsed = of("cli_").into_iter();
        bots.extend(parsed.filter_map(|id| Some((id, AppId::parse(id)?))));
        for (id, named) in by_open_ids(tx, &of("ou_")).await? {
            match named {
                Named::User(user) => drop(found.insert(id.to_owned(), person(user))),
                Named::Bot(app_id) => bots.push((id, app_id)),
                Named::OtherApp | Named::OtherTenant | Named::Unknown => {}
            }
        }
    }
    let rest =
        ids.iter().copied().filter(|id| !["ou_", "on_", "cli_"].iter().any(|known| id.starts_with(known)));
    for user in users::by_ids(tx, rest).await? {
        found.insert(user.user_id.clone(), person(user));
    }
    let installs = apps::installs(tx, bots.iter().map(|(_, app_id)| *app_id)).await?;
    for (id, app_id) in bots {
        if let Some(install) = installs.get(&app_id).filter(|install| install.bot) {
            found.insert(id.to_owned(), Mentioned { party: Party::Bot(app_id), name: install.name.clone() });
        }
    }
    Ok(found)
}

/// Whom open_ids name, whichever app of the tenant knows each. Ids that no such app knows are left out.
pub(super) async fn by_open_ids<'a>(tx: &mut Tx, ids: &[&'a str]) -> Result<Vec<(&'a str, Named)>, Fault> {
    let mut by_app: BTreeMap<AppId, Vec<&'a str>> = BTreeMap::new();
    for id in ids {
        if let Some(open_id) = OpenId::parse(id) {
            let (_, app_id) = tx.engine().keys.read_open_id(open_id);
            by_app.entry(app_id).or_default().push(id);
        }
    }
    let installs = apps::installs(tx, by_app.keys().copied()).await?;
    let mut found = Vec::with_capacity(ids.len());
    for (app_id, asked) in by_app {
        let Some(app) = installs.get(&app_id) else { continue };
        let named = translate::all_named_by(tx, app, UserIdType::OpenId, &asked).await?;
        found.extend(asked.into_iter().zip(named));
    }
    Ok(found)
}

pub(super) fn person(user: User) -> Mentioned {
    Mentioned { party: Party::from(&user), name: user.name }
}

/// Who may be mentioned.
pub const MENTIONS: Behaviour = Behaviour {
    name: "message_mentioned",
    rule: "An at may have an open_id or union_id that the app knows, or a user_id; a bot is mentioned by its open_id. The person need not be in the chat. Each person has one key, in order of appearance.",
    basis: Assumed,
    switch: false,
};
/// Which cards of the card kit are sent.
pub const ENTITIES: Behaviour = Behaviour {
    name: "message_card_entities",
    rule: "An entity of the card kit is sent once, by the app that made it, within 14 days; otherwise 230099. Readers see its present card.",
    basis: Documented,
    switch: false,
};
/// What of a message is reviewed.
pub const REVIEW: Behaviour = Behaviour {
    name: "message_review",
    rule: "The forbidden words of the world's settings also apply to messages: one of them, in any case, in a text that people can read is 230022. The names of those whom the message mentions do not count. Nothing is audited, so 230028 does not occur.",
    basis: Assumed,
    switch: false,
};
/// What may be shared.
pub const SHARED: Behaviour = Behaviour {
    name: "message_sharing",
    rule: "A shared chat must be one that the sender is in: otherwise 230002, and 230001 for an unknown one. The user_id of a shared user is shown as the open_id for the reading app.",
    basis: Documented,
    switch: false,
};
