//! `im/v2/chats`

mod filter;
pub(crate) mod search;
