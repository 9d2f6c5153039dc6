//! Chats and their parts.

mod v1;
mod v2;
