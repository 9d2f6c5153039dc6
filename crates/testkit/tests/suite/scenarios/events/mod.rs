//! Events: what apps are told, and their delivery.

mod callbacks;
mod chats;
mod clients;
mod delivery;
mod faults;
mod handed;
pub(super) mod listening;
pub(crate) mod long_connections;
mod open_connections;
mod order;
mod reach;
mod recipients;
mod rules;
mod steering;
mod unreadable;
mod upgrade;
mod verification;
