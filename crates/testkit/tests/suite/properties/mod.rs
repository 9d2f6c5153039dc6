//! Invariants under random sequences of operations, and the answers to these.

mod differential;
mod members;
mod snapshots;
mod sound;
mod talk;
