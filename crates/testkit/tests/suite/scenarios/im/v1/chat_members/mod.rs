//! `im/v1/chats/:chat_id/members`.

mod changes;
mod lists;
mod pages;
