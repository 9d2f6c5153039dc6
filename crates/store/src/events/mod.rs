//! Events: which apps are told, what is to be sent to them, and which server sends it now.
//!
//! An event lies in the tenant where it happened, one row for each app that is told. Who writes one adds rows and nothing
//! else; only workers change them. Where an app receives events is kept in the tenant that made it, and looked up when the
//! event is claimed.

pub mod claims;
pub mod connections;
pub mod history;
pub mod outbox;
pub mod subscriptions;
pub mod tickets;

/// Milliseconds between two tickets of an app. Source: the page of the app_ticket event ("every hour").
pub const TICKET_EVERY_MS: i64 = 3600 * 1000;
