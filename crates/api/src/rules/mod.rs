//! Rules as pure functions: no store, no clock, no randomness.

pub mod chats;
pub mod documents;
pub mod images;
pub mod members;
pub mod oauth;
pub mod tabs;
pub mod tags;
