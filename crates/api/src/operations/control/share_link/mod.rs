//! Links into chats, as clients open them.

use super::support;

pub(super) mod open;
