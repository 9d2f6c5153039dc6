//! The announcement of a chat, in any state.

use larkspur_contract::Fault;
use larkspur_contract::model::AnnouncementType;
use larkspur_store::chats::Chat;
use larkspur_store::{LockedChat, Tx, announcements, docx};
use schemars::JsonSchema;
use serde::Serialize;

/// The announcement of a chat.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// Its format; `none` if there is no announcement.
    announcement_type: AnnouncementType,
    /// Whether only owner and managers can access its document.
    locked: bool,
    /// Of the old format the number of edits; of the docx format the latest revision, which begins with 1.
    revision: i64,
    /// The latest 100 edits of the old format at most, oldest first.
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
    let revision = match found.kind {
        AnnouncementType::Docx => docx::get(tx, chat.chat_id).await?.map_or(1, |state| state.revision),
        AnnouncementType::Doc | AnnouncementType::Absent => found.revision,
    };
    Ok(Shown {
        announcement_type: found.kind,
        locked: found.locked,
        revision,
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
