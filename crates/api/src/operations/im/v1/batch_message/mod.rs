//! `im/v1/batch_messages`

use larkspur_contract::{Scope, scopes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Entry, entry};

mod delete;
mod get_progress;
mod read_user;

pub(crate) static ENTRIES: &[Entry] =
    &[entry::<get_progress::GetProgress>(), entry::<read_user::ReadUser>(), entry::<delete::Delete>()];

/// The message to many people.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct BatchPath {
    /// Its id.
    batch_message_id: String,
}

/// Scopes that let an app send messages to many people.
const SCOPES: &[Scope] = &[scopes::IM_MESSAGE_MULTI_USERS, scopes::IM_MESSAGE_MULTI_DEPARTMENTS];
