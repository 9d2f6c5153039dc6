//! What is left when a statement fails.

mod failed_statements;
