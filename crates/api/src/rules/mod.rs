//! Rules as pure functions: no store, no clock, no randomness.

pub mod announcements;
pub mod chats;
pub mod documents;
pub mod events;
pub mod images;
pub mod links;
pub mod lists;
pub mod matcher;
pub mod members;
pub mod menus;
pub mod oauth;
pub mod policies;
pub mod scopes;
pub mod search;
pub mod tabs;
pub mod tags;
pub mod widgets;
