//! Tokens of apps.

mod v3;
