//! What an announcement says, for those who show it.

use std::collections::HashMap;

use larkspur_contract::Fault;
use larkspur_contract::model::AnnouncementType;
use larkspur_store::chats::Chat;
use larkspur_store::{Tx, announcements, docx, users};

use crate::rules;
use crate::rules::docx::{Block, Tree};

/// The most blocks that are read of an announcement.
const BLOCKS: usize = 2000;
/// The most characters that are shown of it.
const CHARACTERS: usize = 4000;

/// An announcement as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its form.
    pub kind: AnnouncementType,
    /// Whether only owner and managers can access its document.
    pub locked: bool,
    /// The number of edits, or the latest revision.
    pub revision: i64,
    /// Its beginning, a line for each block.
    pub text: String,
    /// Whether it has more.
    pub cut: bool,
}

/// The announcement of a chat as text.
///
/// # Errors
/// The store is unavailable.
pub async fn told(tx: &mut Tx, chat: &Chat) -> Result<Told, Fault> {
    let found = announcements::get(tx, chat).await?;
    let (text, revision, whole) = match found.kind {
        AnnouncementType::Absent => (String::new(), found.revision, true),
        AnnouncementType::Doc => (rules::announcements::plain(&found.content), found.revision, true),
        AnnouncementType::Docx => {
            let revision = docx::get(tx, chat.chat_id).await?.map_or(1, |state| state.revision);
            let (text, whole) = of_blocks(tx, chat).await?;
            (text, revision, whole)
        }
    };
    let end = text.char_indices().nth(CHARACTERS).map(|(end, _)| end);
    Ok(Told {
        kind: found.kind,
        locked: found.locked,
        revision,
        cut: end.is_some() || !whole,
        text: end.map_or(text.as_str(), |end| &text[..end]).to_owned(),
    })
}

/// The text of the docx form, and whether all of it was read.
async fn of_blocks(tx: &mut Tx, chat: &Chat) -> Result<(String, bool), Fault> {
    let rows = docx::latest(tx, chat.chat_id, BLOCKS + 1).await?;
    let whole = rows.len() <= BLOCKS;
    // A block that cannot be read says nothing.
    let read = rows.into_iter().filter_map(|row| {
        let block: Block = serde_json::from_str(&row.content).ok()?;
        Some((row.block_id, row.parent_id, row.position, block))
    });
    let tree = Tree::new(&chat.chat_id.to_string(), read.collect());
    let numbers = rules::docx::mentioned(&tree).into_iter().filter_map(|number| number.parse().ok());
    let found = users::by_numbers(tx, numbers.collect::<Vec<i64>>()).await?;
    let names: HashMap<String, String> =
        found.into_iter().map(|user| (user.user_no.to_string(), user.name)).collect();
    Ok((rules::docx::plain(&tree, &|number| names.get(number).cloned()), whole))
}
