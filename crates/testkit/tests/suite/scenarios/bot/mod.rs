//! Bots.

mod hook;
mod v3;
