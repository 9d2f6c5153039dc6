//! What is asked of a store: every statement, its plans, how many there are, and searches among many rows.

mod many_chats;
mod plans;
mod round_trips;
mod statements;
