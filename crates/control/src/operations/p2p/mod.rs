//! Chats of a user and a bot, as clients open them.

pub(super) mod open;
