//! `docx/v1/chats/:chat_id/announcement/blocks`

use crate::{Entry, entry};

mod batch_update;
mod get;
mod list;

pub(crate) static ENTRIES: &[Entry] =
    &[entry::<list::List>(), entry::<get::Get>(), entry::<batch_update::BatchUpdate>()];
