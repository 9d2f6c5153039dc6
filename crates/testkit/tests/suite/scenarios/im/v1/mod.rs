//! `im/v1`.

mod chat;
mod chat_announcement;
mod chat_managers;
mod chat_members;
mod chat_menu;
mod chat_moderation;
mod chat_p2p;
mod chat_tab;
mod chat_top_notice;
mod chat_user_setting;
mod file;
mod group_rules;
mod image;
mod message;
mod message_resource;
