//! Bots.

mod v3;
