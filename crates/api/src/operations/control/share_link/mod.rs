//! Links into chats, as clients open them.

use super::{support, values};

pub(super) mod open;
