//! Content of messages by type: what may be sent, and the form that is stored and read back. Pure functions.

use larkspur_contract::Fault;
use larkspur_contract::model::MsgType;
use serde_json::{Value, json};

use crate::events::Party;
use crate::messages::invalid;

/// The content of a message, read and found valid as far as it says itself.
pub struct Parsed {
    kind: MsgType,
    content: String,
    resources: Vec<Resource>,
    chat: Option<String>,
    user: Option<String>,
}

/// An uploaded file that content names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its key.
    pub key: String,
    /// What it must be.
    pub kind: ResourceKind,
}

/// What an uploaded file must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceKind {
    /// An image.
    Image,
    /// A file.
    File,
    /// A voice message.
    Opus,
    /// A video.
    Mp4,
    /// A sticker.
    Sticker,
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
pub struct Stored {
    /// JSON in the form of received messages.
    pub content: String,
    /// Who is mentioned.
    pub mentions: Vec<Mentioned>,
}

/// Reads the content of a message.
pub fn parse(kind: MsgType, content: &str) -> Result<Parsed, Fault> {
    let value: Value =
        serde_json::from_str(content).map_err(|_| invalid("content is not a string in json format"))?;
    let word = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let content = match (kind, word("text")) {
        (MsgType::Text, Some(text)) => json!({ "text": text }).to_string(),
        (MsgType::Text, None) => return Err(invalid("content format of the text type is incorrect")),
        _ => content.to_owned(),
    };
    let image = word("image_key").filter(|_| kind == MsgType::Image);
    let resources = image.map(|key| Resource { key, kind: ResourceKind::Image }).into_iter().collect();
    let chat = word("chat_id").filter(|_| kind == MsgType::ShareChat);
    let user = word("user_id").filter(|_| kind == MsgType::ShareUser);
    Ok(Parsed { kind, content, resources, chat, user })
}

impl Parsed {
    /// Its type.
    pub fn kind(&self) -> MsgType {
        self.kind
    }
    /// The IDs that it mentions.
    pub fn ids(&self) -> Vec<&str> {
        Vec::new()
    }
    /// Whether it mentions everyone in the chat.
    pub fn mentions_all(&self) -> bool {
        self.content.contains("user_id=\\\"all\\\"")
    }
    /// The images and files that it names.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }
    /// The chat that it shares.
    pub fn share_chat(&self) -> Option<&str> {
        self.chat.as_deref()
    }
    /// The user that it shares.
    pub fn share_user(&self) -> Option<&str> {
        self.user.as_deref()
    }
    /// The stored form.
    pub fn stored(&self, _resolve: &dyn Fn(&str) -> Option<Mentioned>) -> Result<Stored, Fault> {
        Ok(Stored { content: self.content.clone(), mentions: Vec::new() })
    }
}
