//! The state after a failed statement.

mod failed_statements;
