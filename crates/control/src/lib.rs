//! The control API, `/larkspur/v1`: Larkspur's own operations to create and change worlds, for tests and operators.
//!
//! It is built on the platform's operations, which do not depend on it. It shares with them the `Operation` trait,
//! the rules that also apply to clients, tokens, and the ids of bots.

pub mod catalog;
pub mod console;
pub mod demo;
pub mod faults;
mod operations;
mod refused;
pub mod seeds;
mod snapshots;
mod support;
pub mod traffic;
mod values;
mod webhook_checks;

pub use operations::ENTRIES;
pub use snapshots::keep_start;
