//! `im`: chats, what belongs to them, and tags.

pub(crate) mod v1;
pub(crate) mod v2;
