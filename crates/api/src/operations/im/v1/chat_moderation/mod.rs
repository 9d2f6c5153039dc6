//! `im/v1/chats/:chat_id/moderation`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Entry, entry};

mod get;
mod update;

pub(crate) static ENTRIES: &[Entry] = &[entry::<get::Get>(), entry::<update::Update>()];

/// Which chat.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct ChatPath {
    /// Its id.
    chat_id: String,
}
