//! Events: what apps are told, and their delivery.

mod chats;
mod clients;
mod delivery;
mod faults;
mod listening;
mod reach;
mod long_connections;
mod recipients;
mod upgrade;
