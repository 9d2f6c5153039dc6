//! The queries of the product: every statement, its plans, the number of statements, and searches among many rows.

mod due_events;
mod many_chats;
mod plans;
mod round_trips;
mod statements;
