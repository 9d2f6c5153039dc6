//! Rules about the source, which no type and no lint holds.

mod house_rules;
mod invariants;
mod log_names;
