//! Share links of chats, as clients open them.

pub(super) mod open;
