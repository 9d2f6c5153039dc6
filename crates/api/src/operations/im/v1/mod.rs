//! `im/v1`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) mod batch_message;
pub(crate) mod chat;
pub(crate) mod chat_announcement;
pub(crate) mod chat_managers;
pub(crate) mod chat_members;
mod chat_menu_item {
    pub(super) mod patch;
}
pub(crate) mod chat_menu_tree;
pub(crate) mod chat_moderation;
pub(crate) mod chat_nickname;
pub(crate) mod chat_p2p;
pub(crate) mod chat_tab;
pub(crate) mod chat_top_notice;
pub(crate) mod chat_user_setting;
pub(crate) mod file;
pub(crate) mod image;
pub(crate) mod message;
pub(crate) mod message_reaction;
pub(crate) mod message_resource;
pub(crate) mod pin;
pub(crate) mod thread;

/// The chat.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ChatPath {
    /// The chat's id.
    chat_id: String,
}
