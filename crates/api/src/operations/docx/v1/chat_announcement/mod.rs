//! `docx/v1/chats/:chat_id/announcement`: what an announcement is

use crate::{Entry, entry};

mod get;

pub(crate) static ENTRIES: &[Entry] = &[entry::<get::Get>()];
