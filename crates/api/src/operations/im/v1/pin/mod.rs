//! `im/v1/pins`

use larkspur_contract::{Behaviour, Scope, scopes};

use crate::messages::{conditions, finding, pinning, standing};
use crate::{Entry, entry};

mod create;
mod delete;
mod list;

pub(crate) static ENTRIES: &[Entry] =
    &[entry::<create::Create>(), entry::<delete::Delete>(), entry::<list::List>()];

/// Scopes that let an app pin and unpin messages.
const WRITE: &[Scope] = &[scopes::IM_MESSAGE, scopes::IM_MESSAGE_PINS_WRITE, scopes::IM_MESSAGE_SEND_AS_BOT];
/// How messages are pinned and unpinned.
const CHANGING: &[Behaviour] =
    &[standing::ORDER, conditions::CONDITIONS, finding::UNKNOWN, pinning::PINNING, pinning::LIMIT];
