//! `im/v1/chats`.

mod create;
mod delete;
mod get;
mod link;
mod list;
mod search;
mod update;
