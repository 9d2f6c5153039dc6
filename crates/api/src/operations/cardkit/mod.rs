//! `cardkit`: entities of cards, which are changed apart from the messages that show them.

pub(crate) mod v1;
