//! What each operation does, one file for each resource: every code that its page lists, and every rule.

mod tab_changes;
mod tags;
