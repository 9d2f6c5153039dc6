//! Links into chats, as clients open them.

pub(super) mod open;
