//! Rules about the source, which no type and no lint holds.

mod invariants;
mod log_names;
