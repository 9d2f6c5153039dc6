//! An announcement from a text.

use larkspur_contract::Fault;
use larkspur_contract::model::UserIdType;
use larkspur_store::docx::{self, Announcement};
use larkspur_store::{LockedChat, Tx, announcements};

use super::{Edit, broken, new_ids, open};
use crate::rules;
use crate::rules::docx::Block;

/// Adds paragraphs to the announcement of a chat, one for each line of a text. Rights are not checked. `now` is the
/// tenant's time.
///
/// # Errors
/// The announcement cannot have them, or is not of the docx form.
pub async fn announce(tx: &mut Tx, chat: LockedChat, text: &str, now: i64) -> Result<(), Fault> {
    let found = announcements::get(tx, &chat).await?;
    open::exists(&found)?;
    open::is_docx(&found, &chat)?;
    let state = docx::get(tx, chat.chat_id).await?;
    let state = state.unwrap_or(Announcement { revision: 1, modifier: None, updated_at: 0, edits: [0; 3] });
    let tree = open::tree(tx, chat.chat_id, None).await?;
    let revision = state.revision + 1;
    let (page, by) = (chat.chat_id.to_string(), chat.owner.clone());
    let form = UserIdType::OpenId;
    let mut edit = Edit { chat, state, form, tree, revision, client_token: String::new(), name: None };
    let paragraph = |line: &str| {
        let run = serde_json::json!({"text_run": {"content": line}});
        serde_json::from_value(serde_json::json!({"block_type": 2, "text": {"elements": [run], "style": {}}}))
    };
    let drafts: Vec<Block> =
        text.lines().map(paragraph).collect::<Result<_, _>>().map_err(|error| broken(&error))?;
    let mut new_id = new_ids(tx);
    rules::docx::create(&mut edit.tree, &page, -1, &drafts, true, &mut new_id)?;
    edit.write(tx, by, now).await
}
