//! Rules for the source that no type and no lint enforces.

mod house_rules;
mod invariants;
mod log_names;
