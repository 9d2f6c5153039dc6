//! The state after a failed statement.

mod deliveries;
mod failed_statements;
