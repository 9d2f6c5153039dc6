//! Events: which apps receive them, what waits to be sent, and which server sends it.
//!
//! An event is stored in the tenant where it happened, one row for each app that receives it. Writers only add rows; only
//! workers change them. How an app receives events is stored in the tenant that made it, and read when the event is
//! claimed.

pub mod claims;
pub mod connections;
pub mod delivery;
pub mod history;
pub mod outbox;
pub mod relays;
pub mod settlements;
mod shares;
pub mod steering;
pub mod subscriptions;
pub mod tickets;
mod turns;

/// Milliseconds between two tickets of an app. Source: the page of the app_ticket event ("every hour").
pub const TICKET_EVERY_MS: i64 = 3600 * 1000;
