//! `im/v1/chats/:chat_id/chat_tabs`.

mod changes;
mod create;
mod rights;
