//! `im/v1/pins`

use larkspur_contract::{Scope, scopes};

use crate::{Entry, entry};

mod create;
mod delete;
mod list;

pub(crate) static ENTRIES: &[Entry] =
    &[entry::<create::Create>(), entry::<delete::Delete>(), entry::<list::List>()];

/// Scopes that let an app pin and unpin messages.
const WRITE: &[Scope] = &[scopes::IM_MESSAGE, scopes::IM_MESSAGE_PINS_WRITE, scopes::IM_MESSAGE_SEND_AS_BOT];
