//! Events: what apps are told, and their delivery.

mod chats;
mod clients;
mod delivery;
mod faults;
pub(super) mod listening;
mod long_connections;
mod reach;
mod recipients;
mod unreadable;
mod upgrade;
mod verification;
