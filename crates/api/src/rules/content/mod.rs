//! Content of messages by type: what may be sent, and the form that is stored and read back. Pure functions.
//!
//! [`parse`] reads what an operation was given, [`webhook`] and [`batch`] the forms of custom bots and of batch
//! messages. The caller then looks up [`Parsed::ids`] and [`Parsed::resources`], and gets the stored form with its mentions from
//! [`Parsed::stored`]. [`preview()`] prints any stored content as one line.
//!
//! Source of all rules: the pages on the content of sent and of received messages, and the page on code 230001.

mod behaviours;
mod divider;
mod files;
mod hook;
mod inline;
mod markdown;
mod post;
mod preview;
#[cfg(test)]
mod tests;
mod text;
mod words;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;

use larkspur_contract::model::MsgType;
use larkspur_contract::{Fault, codes};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::events::Party;

pub use behaviours::{BEHAVIOURS, CONTENT_V2, DIVIDERS, MARKDOWN, MENTIONS, POSTS, TEXTS};
pub use hook::{Malformed, batch, webhook};
pub use preview::preview;
pub use words::words;

/// The most bytes of a text message's content; 150 KB. The page counts the whole request.
pub const TEXT_MAX: usize = 150 * 1024;
/// The most bytes of the content of all other messages; 30 KB. Source: the create page, for rich texts and cards.
pub const RICH_MAX: usize = 30 * 1024;

/// The ID that mentions everyone in the chat.
const ALL: &str = "all";

/// Why content is refused: the reason that follows `ext=`. Source: the page on code 230001.
type Cause = Cow<'static, str>;

const NOT_JSON: &str = "content is not a string in json format";
const EMPTY: &str = "content cannot be empty";
const NOT_VALID: &str = "invalid message content. validate content fail";

/// The content of a message. Its form is valid; the caller checks that its keys and IDs exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    kind: MsgType,
    body: Body,
    resources: Vec<Resource>,
    /// Whether a mention of an unknown ID becomes the name in it.
    named: bool,
    /// Whether Markdown of a rich text is kept.
    markdown: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Body {
    Text(text::Text),
    Post(post::Post),
    File(files::Files),
    Card(String),
    Chat(String),
    User(String),
    Divider(divider::Divider),
}

/// An uploaded file that content names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its image_key or file_key, as sent; not empty.
    pub key: String,
    /// What it must be.
    pub kind: ResourceKind,
}

/// What an uploaded file must be. A file of another upload type is refused with 230055.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceKind {
    /// An image, also the cover of a video.
    Image,
    /// A file of any upload type but opus and mp4.
    File,
    /// An opus upload, for voice messages.
    Opus,
    /// An mp4 upload, for videos.
    Mp4,
    /// A sticker that the bot received before.
    Sticker,
}

impl ResourceKind {
    /// Whether a file of this upload type (`file_type` of the upload) may be used. Always `false` for images, which are
    /// uploaded elsewhere.
    pub fn accepts(self, file_type: &str) -> bool {
        match self {
            ResourceKind::Image => false,
            ResourceKind::File => !matches!(file_type, "opus" | "mp4"),
            ResourceKind::Opus => file_type == "opus",
            ResourceKind::Mp4 => file_type == "mp4",
            ResourceKind::Sticker => true,
        }
    }
}

/// A user or a bot that content mentions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mentioned {
    /// Who it is.
    pub party: Party,
    /// The name.
    pub name: String,
}

/// Content as it is stored and read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// JSON in the form of received messages.
    pub content: String,
    /// Who is mentioned, each once, in order of appearance. The key of mention i is `@_user_{i+1}`.
    pub mentions: Vec<Mentioned>,
}

/// Reads the content of a message that an operation was given: a string that contains a JSON object.
///
/// # Errors
/// 230025 if it is too long; 230001 with the reason in every other case.
pub fn parse(kind: MsgType, content: &str) -> Result<Parsed, Fault> {
    if content.is_empty() {
        return Err(invalid(EMPTY));
    }
    let max = if kind == MsgType::Text { TEXT_MAX } else { RICH_MAX };
    if content.len() > max {
        let note = format!("the content has {} bytes, at most {max} are allowed", content.len());
        return Err(Fault::new(codes::MESSAGE_TOO_LONG, note));
    }
    let object = match serde_json::from_str::<Object>(content) {
        Ok(object) => object,
        Err(error) if error.is_data() => return Err(invalid(wrong_form(kind))),
        Err(_) => return Err(invalid(NOT_JSON)),
    };
    read(kind, content, &object).map_err(invalid)
}

fn read(kind: MsgType, content: &str, object: &Object) -> Result<Parsed, Cause> {
    let body = match kind {
        MsgType::Text => match object.get("text") {
            Some(Value::String(text)) if text.is_empty() => return Err(EMPTY.into()),
            Some(Value::String(text)) => Body::Text(text::Text::parse(text.clone(), true)),
            _ => return Err(wrong_form(kind)),
        },
        MsgType::Post => Body::Post(post::Post::parse(object, post::Form::Message)?),
        MsgType::Image | MsgType::File | MsgType::Audio | MsgType::Media | MsgType::Sticker => {
            Body::File(files::Files::parse(kind, object)?)
        }
        MsgType::Interactive => Body::Card(content.to_owned()),
        MsgType::ShareChat => Body::Chat(files::key(kind, object, "chat_id")?),
        MsgType::ShareUser => Body::User(files::key(kind, object, "user_id")?),
        MsgType::System => Body::Divider(divider::Divider::parse(object)?),
        MsgType::MergeForward => return Err("invalid msg_type".into()),
    };
    Ok(Parsed::of(kind, body))
}

impl Parsed {
    fn of(kind: MsgType, body: Body) -> Parsed {
        let resources = match &body {
            Body::Post(post) => post.resources(),
            Body::File(files) => files.resources(kind),
            _ => Vec::new(),
        };
        Parsed { kind, body, resources, named: false, markdown: false }
    }

    /// Its type.
    pub fn kind(&self) -> MsgType {
        self.kind
    }

    /// The IDs that it mentions, each once, in order of appearance; not `all`.
    pub fn ids(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        self.mentioned().into_iter().filter(|id| *id != ALL && seen.insert(*id)).collect()
    }

    /// Whether it mentions everyone in the chat.
    pub fn mentions_all(&self) -> bool {
        self.mentioned().contains(&ALL)
    }

    fn mentioned(&self) -> Vec<&str> {
        match &self.body {
            Body::Text(text) => text.ids().collect(),
            Body::Post(post) => post.ids().collect(),
            _ => Vec::new(),
        }
    }

    /// The images and files that it names, in order of appearance.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// The chat that it shares, as sent.
    pub fn share_chat(&self) -> Option<&str> {
        match &self.body {
            Body::Chat(chat_id) => Some(chat_id),
            _ => None,
        }
    }

    /// The open_id of the user that it shares, as sent.
    pub fn share_user(&self) -> Option<&str> {
        match &self.body {
            Body::User(user_id) => Some(user_id),
            _ => None,
        }
    }

    /// The JSON of a card, as sent. Its rules are those of cards.
    pub fn card(&self) -> Option<&str> {
        match &self.body {
            Body::Card(card) => Some(card),
            _ => None,
        }
    }

    /// Adds what is stored with a file: the name for files and videos, the duration in milliseconds for voice messages
    /// and videos. Other content stays as it is.
    pub fn with_file(mut self, name: &str, duration_ms: Option<i64>) -> Parsed {
        if let Body::File(files) = &mut self.body {
            files.describe(self.kind, name, duration_ms);
        }
        self
    }

    /// Keeps Markdown of a rich text, in `content_v2`, beside the nodes that it becomes.
    #[must_use]
    pub fn keeping_markdown(self, markdown: bool) -> Parsed {
        Parsed { markdown, ..self }
    }

    /// The stored form. `resolve` finds users and bots by the IDs of [`Parsed::ids`].
    ///
    /// # Errors
    /// 230001 if Markdown mentions an unknown ID of the form `ou_…`.
    pub fn stored(&self, resolve: &dyn Fn(&str) -> Option<Mentioned>) -> Result<Stored, Fault> {
        let mut mentions = Mentions::new(resolve);
        let content = match &self.body {
            Body::Text(text) => text.stored(&mut mentions, self.named),
            Body::Post(post) => post.stored(&mut mentions, self.markdown).map_err(invalid)?,
            Body::File(files) => written(files),
            Body::Card(card) => card.clone(),
            Body::Chat(chat_id) => written(&HashMap::from([("chat_id", chat_id)])),
            Body::User(user_id) => written(&HashMap::from([("user_id", user_id)])),
            Body::Divider(divider) => divider.stored(),
        };
        Ok(Stored { content, mentions: mentions.found })
    }
}

/// The mentions of one message: each user or bot has one key.
struct Mentions<'a> {
    resolve: &'a dyn Fn(&str) -> Option<Mentioned>,
    found: Vec<Mentioned>,
    by_id: HashMap<String, Option<usize>>,
    by_party: HashMap<String, usize>,
}

impl<'a> Mentions<'a> {
    fn new(resolve: &'a dyn Fn(&str) -> Option<Mentioned>) -> Self {
        Mentions { resolve, found: Vec::new(), by_id: HashMap::new(), by_party: HashMap::new() }
    }

    /// The key of an ID: `@_user_N`, `@_all` for `all`, `None` if the ID is unknown.
    fn key(&mut self, id: &str) -> Option<String> {
        if id == ALL {
            return Some("@_all".to_owned());
        }
        let place = match self.by_id.get(id) {
            Some(place) => *place,
            None => {
                let place = (self.resolve)(id).map(|mentioned| self.place(mentioned));
                self.by_id.insert(id.to_owned(), place);
                place
            }
        };
        place.map(|place| format!("@_user_{}", place + 1))
    }

    /// The place of a user or bot; the same person under another ID keeps the first one. Source: assumed.
    fn place(&mut self, mentioned: Mentioned) -> usize {
        let party = match &mentioned.party {
            Party::User { number, .. } => number.to_string(),
            Party::Bot(app_id) => app_id.to_string(),
        };
        let next = self.found.len();
        let place = *self.by_party.entry(party).or_insert(next);
        if place == next {
            self.found.push(mentioned);
        }
        place
    }
}

/// The top of content: an object whose members are in the order in which they were sent.
struct Object(Vec<(String, Value)>);

impl Object {
    /// A member; `None` also if it is `null`. The last one counts, if a name is repeated.
    fn get(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().rev().find(|(member, _)| member == name);
        found.map(|(_, value)| value).filter(|value| !value.is_null())
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

impl From<&serde_json::Map<String, Value>> for Object {
    fn from(map: &serde_json::Map<String, Value>) -> Self {
        Object(map.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
    }
}

/// A refusal of content.
fn invalid(cause: impl Into<Cause>) -> Fault {
    let cause = cause.into();
    Fault::new(codes::MESSAGE_INVALID, cause.clone()).with_cause(cause)
}

fn wrong_form(kind: MsgType) -> Cause {
    format!("content format of the {} type is incorrect", kind.as_str()).into()
}

/// JSON of a value of this module, all of which can be written.
fn written(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
