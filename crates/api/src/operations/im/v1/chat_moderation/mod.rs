//! `im/v1/chats/:chat_id/moderation`

use crate::{Entry, entry};

mod get;
mod update;

pub(crate) static ENTRIES: &[Entry] = &[entry::<get::Get>(), entry::<update::Update>()];
