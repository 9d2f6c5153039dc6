//! The announcement of a chat, in any state.

use larkspur_contract::Fault;
use larkspur_contract::model::AnnouncementType;
use larkspur_store::chats::Chat;
use larkspur_store::{LockedChat, Tx, announcements};
use schemars::JsonSchema;
use serde::Serialize;

/// The announcement of a chat, as the old operations edit it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// Its format; `none` if there is no announcement.
    announcement_type: AnnouncementType,
    /// Whether only owner and managers can access its document.
    locked: bool,
    /// The number of edits.
    revision: i64,
    /// The latest 100 edits at most, oldest first.
    edits: Vec<ShownEdit>,
}

/// An edit of an announcement.
#[derive(Debug, Serialize, JsonSchema)]
struct ShownEdit {
    /// The resulting revision.
    revision: i64,
    /// The editor: a user_id or an app_id.
    editor: String,
    /// Its requests, as sent.
    requests: Vec<String>,
}

/// The stored announcement of a chat.
pub(super) async fn show(tx: &mut Tx, chat: &Chat) -> Result<Shown, Fault> {
    let found = announcements::get(tx, chat).await?;
    let edits = announcements::edits(tx, chat.chat_id).await?.into_iter();
    Ok(Shown {
        announcement_type: found.kind,
        locked: found.locked,
        revision: found.revision,
        edits: edits
            .map(|edit| ShownEdit {
                revision: edit.revision,
                editor: edit.editor.to_column(),
                requests: edit.requests,
            })
            .collect(),
    })
}

/// Changes the fields that are present.
pub(super) async fn set(
    tx: &mut Tx,
    chat: &LockedChat,
    kind: Option<AnnouncementType>,
    locked: Option<bool>,
) -> Result<(), Fault> {
    if kind.is_none() && locked.is_none() {
        return Ok(());
    }
    let mut announcement = announcements::get(tx, chat).await?;
    announcement.kind = kind.unwrap_or(announcement.kind);
    announcement.locked = locked.unwrap_or(announcement.locked);
    Ok(announcements::set(tx, chat, &announcement).await?)
}
