//! `docx/v1/chats/:chat_id/announcement/blocks/:block_id/children`

use crate::{Entry, entry};

mod batch_delete;
mod create;
mod get;

pub(crate) static ENTRIES: &[Entry] =
    &[entry::<get::Get>(), entry::<create::Create>(), entry::<batch_delete::BatchDelete>()];
