//! Rules as pure functions: no store, no clock, no randomness.

pub mod announcements;
pub mod card;
pub mod chats;
pub mod content;
pub mod documents;
pub mod docx;
pub mod emoji;
pub mod events;
pub mod files;
pub mod hooks;
pub mod images;
pub mod links;
pub mod lists;
pub mod matcher;
pub mod members;
pub mod menus;
pub mod oauth;
pub mod policies;
pub mod resources;
pub mod scopes;
pub mod search;
pub mod tabs;
pub mod tags;
pub mod times;
pub mod webhook;
pub mod widgets;
