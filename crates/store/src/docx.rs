//! Announcements of the docx form: their revisions, and the blocks of each of them.

use larkspur_contract::ids::ChatId;

use crate::chats::Member;
use crate::driver::StoreError;
use crate::listing::limit;
use crate::tx::{PIECE, in_list, more_rows};
use crate::{LockedChat, Row, Tx, Value};

/// An announcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The latest revision; 1 before the first edit.
    pub revision: i64,
    /// Who edited it last.
    pub modifier: Option<Member>,
    /// When it was edited last, in milliseconds since 1970, on the tenant's clock.
    pub updated_at: i64,
    /// The real times of the last three edits, in milliseconds since 1970, the latest one first; 0 for none.
    pub edits: [i64; 3],
}

/// A block of an announcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its id.
    pub block_id: String,
    /// The block that it is in; empty for the page.
    pub parent_id: String,
    /// Its place: siblings are in the order of their positions.
    pub position: i64,
    /// The JSON of its type and content.
    pub content: String,
}

/// The changes of an edit.
#[derive(Debug, Default)]
pub struct Changes {
    /// New blocks, and those with another content or position.
    pub written: Vec<Block>,
    /// The earlier blocks among them, and those that were deleted.
    pub replaced: Vec<String>,
    /// The least revision whose blocks are still kept.
    pub oldest: i64,
}

const STATE: &str = "SELECT revision, modifier, updated_at, edit_1, edit_2, edit_3 FROM docx_announcement \
                     WHERE tenant = $1 AND chat_id = $2";
const LATEST: &str = "SELECT block_id, parent_id, position, content FROM docx_block \
                      WHERE chat_id = $2 AND tenant = $1 LIMIT $3";
const SURVIVORS: &str = "SELECT block_id, parent_id, position, content FROM docx_block \
                         WHERE chat_id = $2 AND tenant = $1 AND since <= $4 LIMIT $3";
const PAST: &str = "SELECT block_id, parent_id, position, content FROM docx_block_past \
                    WHERE chat_id = $2 AND tenant = $1 AND until > $4 AND since <= $4 LIMIT $3";
const EXISTED: &str =
    "SELECT block_id FROM docx_block_past WHERE block_id = $3 AND chat_id = $2 AND tenant = $1 LIMIT 1";
const ELSEWHERE: &str =
    "SELECT block_id FROM docx_block WHERE block_id = $3 AND tenant = $1 AND chat_id <> $2 LIMIT 1";

/// The statements of this file that look for rows, for the test of their query plans.
pub const STATEMENTS: &[&str] = &[STATE, LATEST, SURVIVORS, PAST, EXISTED, ELSEWHERE];

/// The announcement of a chat; `None` before its first edit.
pub async fn get(tx: &mut Tx, chat: ChatId) -> Result<Option<Announcement>, StoreError> {
    let Some(mut row) = tx.row(STATE, [chat.into()]).await? else { return Ok(None) };
    Ok(Some(Announcement {
        revision: row.int(0)?,
        modifier: Some(row.text(1)?).filter(|text| !text.is_empty()).map(|text| Member::parse(&text)),
        updated_at: row.int(2)?,
        edits: [row.int(3)?, row.int(4)?, row.int(5)?],
    }))
}

/// Replaces everything of an announcement except its blocks.
pub async fn set(tx: &mut Tx, chat: &LockedChat, new: &Announcement) -> Result<(), StoreError> {
    let sql = "INSERT INTO docx_announcement (tenant, chat_id, revision, modifier, updated_at, edit_1, edit_2, edit_3) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant, chat_id) DO UPDATE SET \
               revision = excluded.revision, modifier = excluded.modifier, updated_at = excluded.updated_at, \
               edit_1 = excluded.edit_1, edit_2 = excluded.edit_2, edit_3 = excluded.edit_3";
    let params = [
        chat.chat_id.into(),
        new.revision.into(),
        new.modifier.as_ref().map(Member::to_column).unwrap_or_default().into(),
        new.updated_at.into(),
        new.edits[0].into(),
        new.edits[1].into(),
        new.edits[2].into(),
    ];
    tx.rows(sql, params).await.map(drop)
}

fn block(mut row: Row) -> Result<Block, StoreError> {
    Ok(Block {
        block_id: row.text(0)?,
        parent_id: row.text(1)?,
        position: row.int(2)?,
        content: row.text(3)?,
    })
}

/// The blocks of the latest revision, at most `most`, in no order.
pub async fn latest(tx: &mut Tx, chat: ChatId, most: usize) -> Result<Vec<Block>, StoreError> {
    tx.rows(LATEST, [chat.into(), limit(most)]).await?.into_iter().map(block).collect()
}

/// The blocks of an earlier revision, at most `most`, in no order.
pub async fn at_revision(
    tx: &mut Tx,
    chat: ChatId,
    revision: i64,
    most: usize,
) -> Result<Vec<Block>, StoreError> {
    let mut rows = tx.rows(SURVIVORS, [chat.into(), limit(most), revision.into()]).await?;
    rows.extend(tx.rows(PAST, [chat.into(), limit(most), revision.into()]).await?);
    rows.into_iter().map(block).collect()
}

/// Whether the announcement had a block in a revision that is still kept, but no longer has it.
pub async fn existed(tx: &mut Tx, chat: ChatId, block_id: &str) -> Result<bool, StoreError> {
    Ok(tx.row(EXISTED, [chat.into(), block_id.into()]).await?.is_some())
}

/// Whether a block belongs to the announcement of another chat of the tenant.
pub async fn is_elsewhere(tx: &mut Tx, chat: ChatId, block_id: &str) -> Result<bool, StoreError> {
    Ok(tx.row(ELSEWHERE, [chat.into(), block_id.into()]).await?.is_some())
}

/// Writes the blocks of a new revision, keeps the earlier ones for those who read older revisions, and deletes what no
/// kept revision has.
pub async fn write(
    tx: &mut Tx,
    chat: &LockedChat,
    revision: i64,
    changes: &Changes,
) -> Result<(), StoreError> {
    for piece in changes.replaced.chunks(PIECE) {
        let ids = || piece.iter().map(Value::from).collect::<Vec<_>>();
        let mut values = ids();
        let list = in_list(4, &mut values);
        let sql = format!(
            "INSERT INTO docx_block_past (tenant, chat_id, block_id, since, until, parent_id, position, content) \
             SELECT tenant, chat_id, block_id, since, CAST($3 AS BIGINT), parent_id, position, content FROM docx_block \
             WHERE chat_id = $2 AND tenant = $1 AND block_id IN {list}"
        );
        values.splice(0..0, [chat.chat_id.into(), revision.into()]);
        tx.rows_of(&sql, values).await?;
        let mut values = ids();
        let list = in_list(3, &mut values);
        let sql = format!("DELETE FROM docx_block WHERE chat_id = $2 AND tenant = $1 AND block_id IN {list}");
        values.insert(0, chat.chat_id.into());
        tx.rows_of(&sql, values).await?;
    }
    for piece in changes.written.chunks(PIECE) {
        let mut values = Vec::with_capacity(piece.len() * 4);
        for block in piece {
            let texts = [&block.block_id, &block.parent_id].map(Value::from);
            values.extend(texts);
            values.extend([block.position.into(), block.content.as_str().into()]);
        }
        let more = more_rows("$1,$2,$3,", 4, 4, &mut values);
        let sql = format!(
            "INSERT INTO docx_block (tenant, chat_id, since, block_id, parent_id, position, content) \
             VALUES ($1, $2, $3, $4, $5, $6, $7){more} ON CONFLICT (tenant, chat_id, block_id) DO NOTHING"
        );
        values.splice(0..0, [chat.chat_id.into(), revision.into()]);
        tx.rows_of(&sql, values).await?;
    }
    let sql = "DELETE FROM docx_block_past WHERE chat_id = $2 AND tenant = $1 AND until <= $3";
    tx.rows(sql, [chat.chat_id.into(), changes.oldest.into()]).await.map(drop)
}

/// How many edits of an announcement are allowed in any second. Source: the pages of the edits.
pub const EDITS_PER_SECOND: u32 = 3;

/// Whether three edits were made within the last second, in the real time. The caller has locked the chat, so that the
/// edits of all servers are counted.
pub fn is_full(tx: &Tx, announcement: &Announcement) -> bool {
    let (now, third) = (tx.engine().clock.now_ms(), announcement.edits[2]);
    third > now.saturating_sub(1000) && third <= now.saturating_add(SKEW_MS)
}

/// The times of the last three edits, if one is made now.
pub fn with_this_edit(tx: &Tx, announcement: &Announcement) -> [i64; 3] {
    [tx.engine().clock.now_ms(), announcement.edits[0], announcement.edits[1]]
}

/// Tolerated difference between the clocks of two servers, in milliseconds: a time further in the future does not count.
const SKEW_MS: i64 = 1000;
