//! Announcements of chats: their form, and the content of those of the old form, a document that is changed by edits.
//! The content of the others is in [`crate::docx`].

use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{AnnouncementType, ChatMode};

use crate::chats::{Chat, Member};
use crate::driver::StoreError;
use crate::value::{from_json, to_json};
use crate::{LockedChat, Row, Tx, tenants};

/// How many of the latest edits are kept, as they were sent.
pub const EDITS_KEPT: i64 = 100;

/// A chat's announcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Its form.
    pub kind: AnnouncementType,
    /// Whether only the owner and managers may work with its document. No public operation reads or writes it.
    pub locked: bool,
    /// The number of edits so far.
    pub revision: i64,
    /// The JSON of its document; empty if it was never edited.
    pub content: String,
    /// Who edited it last.
    pub modifier: Option<Member>,
    /// When the chat was made, in milliseconds since 1970.
    pub created_at: i64,
    /// When it was edited last.
    pub updated_at: i64,
}

/// An edit, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The revision that it led to.
    pub revision: i64,
    /// Its requests.
    pub requests: Vec<String>,
    /// Who sent it.
    pub editor: Member,
}

/// The announcement of a chat: of the docx form unless a row says something else. A p2p chat has none.
pub async fn get(tx: &mut Tx, chat: &Chat) -> Result<Announcement, StoreError> {
    let sql = "SELECT c.created_at, a.announcement_type, a.locked, a.revision, a.content, a.modifier, a.updated_at \
               FROM chat c LEFT JOIN chat_announcement a ON a.tenant = c.tenant AND a.chat_id = c.chat_id \
               WHERE c.tenant = $1 AND c.chat_id = $2";
    let row = tx.row(sql, [chat.chat_id.into()]).await?;
    let mut row = row.ok_or_else(|| StoreError::Broken("a chat that was read is gone".to_owned()))?;
    let created_at = row.int(0)?;
    let kind = row.text_or_null(1)?;
    let Some(kind) = kind else {
        return Ok(Announcement {
            kind: if chat.mode == ChatMode::P2p { AnnouncementType::Absent } else { AnnouncementType::Docx },
            locked: false,
            revision: 0,
            content: String::new(),
            modifier: None,
            created_at,
            updated_at: created_at,
        });
    };
    let kind = AnnouncementType::parse(&kind)
        .ok_or_else(|| StoreError::Broken(format!("an announcement of type {kind:?}")))?;
    Ok(Announcement {
        kind: if chat.mode == ChatMode::P2p { AnnouncementType::Absent } else { kind },
        locked: row.flag(2)?,
        revision: row.int(3)?,
        content: row.text(4)?,
        modifier: Some(row.text(5)?).filter(|text| !text.is_empty()).map(|text| Member::parse(&text)),
        created_at,
        updated_at: row.int(6)?,
    })
}

/// The form of the announcements of new groups.
pub async fn usual(tx: &mut Tx) -> Result<AnnouncementType, StoreError> {
    let tenant = tenants::get(tx).await?;
    Ok(tenant.map_or(AnnouncementType::Docx, |tenant| tenant.policy.announcement_type()))
}

/// Gives a new group an announcement of a form; docx is the usual one, and a p2p chat has none.
pub async fn begin(tx: &mut Tx, chat: &LockedChat, kind: AnnouncementType) -> Result<(), StoreError> {
    if kind == AnnouncementType::Docx || chat.mode == ChatMode::P2p {
        return Ok(());
    }
    let usual = get(tx, chat).await?;
    set(tx, chat, &Announcement { kind, ..usual }).await
}

/// Replaces everything of a chat's announcement.
pub async fn set(tx: &mut Tx, chat: &LockedChat, new: &Announcement) -> Result<(), StoreError> {
    let sql = "INSERT INTO chat_announcement (tenant, chat_id, announcement_type, locked, revision, content, modifier, \
               updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant, chat_id) DO UPDATE SET \
               announcement_type = excluded.announcement_type, locked = excluded.locked, revision = excluded.revision, \
               content = excluded.content, modifier = excluded.modifier, updated_at = excluded.updated_at";
    let params = [
        chat.chat_id.into(),
        new.kind.as_str().into(),
        new.locked.into(),
        new.revision.into(),
        new.content.as_str().into(),
        new.modifier.as_ref().map(Member::to_column).unwrap_or_default().into(),
        new.updated_at.into(),
    ];
    tx.rows(sql, params).await.map(drop)
}

/// Keeps an edit as it was sent, and deletes the one beyond [`EDITS_KEPT`].
pub async fn keep_edit(tx: &mut Tx, chat: &LockedChat, edit: &Edit, now_ms: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO chat_announcement_edit (tenant, chat_id, revision, requests, editor, edited_at) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    let params = [
        chat.chat_id.into(),
        edit.revision.into(),
        to_json(&edit.requests)?.into(),
        edit.editor.to_column().into(),
        now_ms.into(),
    ];
    tx.rows(sql, params).await?;
    let sql = "DELETE FROM chat_announcement_edit WHERE tenant = $1 AND chat_id = $2 AND revision <= $3";
    tx.rows(sql, [chat.chat_id.into(), (edit.revision - EDITS_KEPT).into()]).await.map(drop)
}

/// The edits that are kept, the oldest first.
pub async fn edits(tx: &mut Tx, chat: ChatId) -> Result<Vec<Edit>, StoreError> {
    let sql = "SELECT revision, requests, editor FROM chat_announcement_edit \
               WHERE tenant = $1 AND chat_id = $2 ORDER BY revision";
    let edit = |mut row: Row| {
        Ok(Edit {
            revision: row.int(0)?,
            requests: from_json(&row.text(1)?)?,
            editor: Member::parse(&row.text(2)?),
        })
    };
    tx.rows(sql, [chat.into()]).await?.into_iter().map(edit).collect()
}
