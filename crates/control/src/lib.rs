//! The control API, `/larkspur/v1`: Larkspur's own operations, which make and change worlds, for tests and operators.
//!
//! It stands above the platform's operations, which do not know it, and takes from them how an operation is written,
//! the rules that also bind clients, tokens, and the ids of bots.

pub mod demo;
mod operations;
mod support;
mod values;

pub use operations::ENTRIES;
