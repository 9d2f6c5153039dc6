//! The role of a member of a chat.

use larkspur_store::chats::{Chat, Member};
use schemars::JsonSchema;
use serde::Serialize;

/// The role of a member.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    /// The owner, who may be a manager, too.
    Owner,
    /// A manager.
    Manager,
    /// An ordinary member.
    Member,
}

impl Role {
    /// The role of a member.
    pub(super) fn of(chat: &Chat, member: &Member, manager: bool) -> Self {
        match chat.owner.as_ref() == Some(member) {
            true => Role::Owner,
            false if manager => Role::Manager,
            false => Role::Member,
        }
    }
}
