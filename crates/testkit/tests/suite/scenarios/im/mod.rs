//! Chats and what they have.

mod v1;
mod v2;
