//! Opens an announcement, to read it or to edit it.

use larkspur_contract::ids::ChatId;
use larkspur_contract::model::AnnouncementType;
use larkspur_contract::{Fault, codes};
use larkspur_store::announcements::{self, Announcement};
use larkspur_store::chats::Chat;
use larkspur_store::{LockedChat, Tx, docx};
use serde_json::json;

use super::PageQuery;
use crate::rules::docx::{BLOCKS_MAX, Block, REVISIONS_KEPT, Tree, reads_revision};
use crate::standing::{Standing, set_chat};
use crate::{Call, paging, rules, standing};

/// The chat and its announcement, whatever its form, for an operator who may read it.
pub(super) async fn any(
    tx: &mut Tx,
    call: &Call,
    chat_id: &str,
) -> Result<(Chat, Standing, Announcement), Fault> {
    let (chat, standing) = standing::visible(tx, call, chat_id).await?;
    standing::in_use(&chat)?;
    let found = announcements::get(tx, &chat).await?;
    exists(&found)?;
    standing::joined(call, &standing)?;
    Ok((chat, standing, found))
}

/// The chat, for an operator who may edit its announcement.
pub(super) async fn to_edit(tx: &mut Tx, call: &Call, chat_id: &str) -> Result<LockedChat, Fault> {
    let chat = standing::lock(tx, call, chat_id).await?;
    standing::shareable(call, &chat)?;
    standing::in_use(&chat)?;
    let found = announcements::get(tx, &chat).await?;
    exists(&found)?;
    let standing = standing::of(tx, call, &chat).await?;
    standing::joined(call, &standing)?;
    is_docx(&found, &chat)?;
    rules::announcements::may_edit(&chat, &standing)?;
    is_open(&found, &chat, &standing)?;
    Ok(chat)
}

pub(super) fn exists(found: &Announcement) -> Result<(), Fault> {
    if found.kind == AnnouncementType::Absent {
        return Err(Fault::new(codes::DOCX_ANNOUNCEMENT_NOT_FOUND, "the chat has no announcement"));
    }
    Ok(())
}

pub(super) fn is_docx(found: &Announcement, chat: &Chat) -> Result<(), Fault> {
    if found.kind != AnnouncementType::Docx {
        return Err(Fault::new(codes::DOCX_OLD_ANNOUNCEMENT, "the announcement is of type doc")
            .by_rule("announcement_type")
            .with_fact("announcement_type", "doc")
            .with_fix(set_chat(chat, json!({"announcement_type": "docx"}))));
    }
    Ok(())
}

/// Whether the operator may access the announcement's document.
pub(super) fn is_open(found: &Announcement, chat: &Chat, standing: &Standing) -> Result<(), Fault> {
    if found.locked && !standing.manages() {
        return Err(Fault::new(codes::DOCX_FORBIDDEN, "the announcement's document is locked")
            .by_rule("announcement_locked")
            .with_fact("announcement_locked", "true")
            .with_fact("standing", standing.role.name())
            .with_fix(set_chat(chat, json!({"announcement_locked": false}))));
    }
    Ok(())
}

/// The blocks of a revision, `None` being the latest one.
pub(super) async fn tree(tx: &mut Tx, chat: ChatId, revision: Option<i64>) -> Result<Tree, Fault> {
    // One more than there can be, so that a tree that is not whole is noticed by its size.
    let most = BLOCKS_MAX + 1;
    let rows = match revision {
        None => docx::latest(tx, chat, most).await?,
        Some(revision) => docx::at_revision(tx, chat, revision, most).await?,
    };
    let mut blocks = Vec::with_capacity(rows.len());
    for row in rows {
        let block: Block = serde_json::from_str(&row.content)
            .map_err(|error| Fault::new(codes::INTERNAL, format!("a stored block: {error}")))?;
        blocks.push((row.block_id, row.parent_id, row.position, block));
    }
    Ok(Tree::new(&chat.to_string(), blocks))
}

/// The announcement as it was in a revision, to read it.
pub(super) struct Reading {
    /// The revision.
    pub(super) revision: i64,
    /// Its blocks.
    pub(super) tree: Tree,
}

/// Reads a revision. Older ones are for those who may edit, except for the later pages of a list that began when it was the
/// latest one.
pub(super) async fn read(
    tx: &mut Tx,
    call: &Call,
    chat_id: &str,
    asked: Option<i64>,
    continued: Option<i64>,
) -> Result<Reading, Fault> {
    let (chat, standing, found) = any(tx, call, chat_id).await?;
    is_docx(&found, &chat)?;
    is_open(&found, &chat, &standing)?;
    let latest = docx::get(tx, chat.chat_id).await?.map_or(1, |state| state.revision);
    let revision = match continued {
        Some(revision) => reads_revision(revision, latest)?,
        None => {
            let revision = reads_revision(asked.unwrap_or(-1), latest)?;
            if revision != latest {
                rules::announcements::may_edit(&chat, &standing)
                    .map_err(|refused| refused.with_code(codes::DOCX_FORBIDDEN))?;
            }
            revision
        }
    };
    debug_assert!(latest - revision <= REVISIONS_KEPT, "the rows of older ones are deleted");
    let tree = tree(tx, chat.chat_id, Some(revision).filter(|revision| *revision != latest)).await?;
    Ok(Reading { revision, tree })
}

/// A position in a list of blocks: a revision, and how many blocks of it are on earlier pages.
pub(super) struct Place {
    revision: i64,
    skipped: usize,
}

/// Reads the place of a page_token; 1770001 if it was not issued for the list.
pub(super) fn place(tx: &Tx, list: &str, query: &PageQuery) -> Result<Option<Place>, Fault> {
    let keys = &tx.engine().keys;
    let invalid = codes::DOCX_INVALID_PARAM;
    let Some(text) = paging::read_or(keys, list, query.page_token.as_deref(), invalid)? else {
        return Ok(None);
    };
    let read = |text: &str| {
        let (revision, skipped) = text.split_once(' ')?;
        Some(Place { revision: revision.parse().ok()?, skipped: skipped.parse().ok()? })
    };
    read(&text).map(Some).ok_or_else(|| Fault::new(codes::INTERNAL, "a signed page_token cannot be read"))
}

/// The announcement that a page of a list shows, and where the page begins.
pub(super) async fn page(
    tx: &mut Tx,
    call: &Call,
    chat_id: &str,
    list: &str,
    query: &PageQuery,
) -> Result<(Reading, usize), Fault> {
    let begin = place(tx, list, query)?;
    let revision = begin.as_ref().map(|place| place.revision);
    let reading = read(tx, call, chat_id, query.revision_id, revision).await?;
    Ok((reading, begin.map_or(0, |place| place.skipped)))
}

/// The blocks of a page, and the token of the next one.
pub(super) fn cut(
    tx: &Tx,
    list: &str,
    reading: &Reading,
    ids: &[&str],
    skipped: usize,
    size: Option<i64>,
) -> (Vec<Block>, Option<String>) {
    let size = usize::try_from(size.unwrap_or(500)).unwrap_or(500);
    let end = skipped.saturating_add(size).min(ids.len());
    let shown = ids.get(skipped..end).unwrap_or(&[]);
    let blocks = shown.iter().filter_map(|id| reading.tree.shown(id)).collect();
    let next = || paging::write(&tx.engine().keys, list, &format!("{} {end}", reading.revision));
    (blocks, (end < ids.len()).then(next))
}
