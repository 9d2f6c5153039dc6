//! The frame of the three edits: who may, how often, on which revision, and the answer of a repeated call.

use std::fmt::Write as _;

use larkspur_contract::model::UserIdType;
use larkspur_contract::{Fault, Fix, codes};
use larkspur_store::chats::Member;
use larkspur_store::docx::{self, Announcement, Changes};
use larkspur_store::{LockedChat, Tx, Uuid, idempotency};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{EditQuery, open};
use crate::rules::docx::{REVISIONS_KEPT, Tree, edits_revision};
use crate::{Call, translate};

mod announce;

pub use announce::announce;

/// How long a client_token is known, in milliseconds.
const KNOWN_MS: i64 = 24 * 60 * 60 * 1000;

/// An edit in progress.
pub(super) struct Edit {
    chat: LockedChat,
    state: Announcement,
    /// The form of user ids.
    pub(super) form: UserIdType,
    /// The blocks of the latest revision, to change.
    pub(super) tree: Tree,
    /// The revision that the edit makes.
    pub(super) revision: i64,
    /// The client_token of the answer: the caller's, or a new one.
    pub(super) client_token: String,
    name: Option<String>,
}

/// How an edit begins.
pub(super) enum Begun<T> {
    /// It is new.
    Open(Box<Edit>),
    /// It was done before, with this answer.
    Done(T),
}

impl Edit {
    /// Locks the chat and checks what does not depend on the edit.
    pub(super) async fn begin<T: DeserializeOwned>(
        tx: &mut Tx,
        call: &Call,
        chat_id: &str,
        query: &EditQuery,
        operation: &str,
    ) -> Result<Begun<T>, Fault> {
        let form = translate::form(call, query.user_id_type, codes::FIELD_VALIDATION)?;
        let chat = open::to_edit(tx, call, chat_id).await?;
        let sent = query.client_token.as_deref().filter(|token| !token.is_empty());
        let name = sent.map(|token| name(call, &chat, operation, token));
        if let Some(name) = &name
            && let Some(text) = idempotency::answer(tx, name, call.now).await?
        {
            tx.named(Uuid::Recalled);
            let answer = serde_json::from_str(&text);
            return answer
                .map(Begun::Done)
                .map_err(|error| Fault::new(codes::INTERNAL, format!("a stored answer: {error}")));
        }
        let state = docx::get(tx, chat.chat_id).await?;
        let state =
            state.unwrap_or(Announcement { revision: 1, modifier: None, updated_at: 0, edits: [0; 3] });
        if call.settings.limits_edits && docx::is_full(tx, &state) {
            let fault = Fault::new(codes::RATE_LIMITED, "three edits of the announcement within a second");
            let most = docx::EDITS_PER_SECOND;
            return Err(fault
                .with_retry(most, 1)
                .by_rule("rate_limit")
                .with_fact("window", format!("{most} of {most}"))
                .with_fact("reset_seconds", "1")
                .with_fix(Fix::new("larkspur.v1.world.clock", Vec::new(), json!({"advance_seconds": 1}))));
        }
        edits_revision(query.revision_id.unwrap_or(-1), state.revision)?;
        let tree = open::tree(tx, chat.chat_id, None).await?;
        let client_token = sent.map_or_else(|| uuid(tx.random_id()), str::to_owned);
        let revision = state.revision + 1;
        Ok(Begun::Open(Box::new(Edit { chat, state, form, tree, revision, client_token, name })))
    }

    /// Refuses a block that is not in the announcement: 1770003 if it was, 1770015 if it is in another one, otherwise
    /// 1770002.
    pub(super) async fn has(&self, tx: &mut Tx, block_id: &str) -> Result<(), Fault> {
        let Err(unknown) = self.tree.find(block_id) else { return Ok(()) };
        if docx::existed(tx, self.chat.chat_id, block_id).await? {
            return Err(unknown.with_code(codes::DOCX_RESOURCE_DELETED));
        }
        if docx::is_elsewhere(tx, self.chat.chat_id, block_id).await? {
            return Err(unknown.with_code(codes::DOCX_MULTI_DOCUMENT));
        }
        Err(unknown)
    }

    /// Writes the new revision, and keeps the answer for a repeated call.
    pub(super) async fn finish<T: Serialize>(self, tx: &mut Tx, call: &Call, answer: T) -> Result<T, Fault> {
        self.write(tx, Some(call.operator()), call.now).await?;
        if let Some(name) = &self.name {
            let text = serde_json::to_string(&answer).map_err(|error| broken(&error))?;
            idempotency::claim(tx, name, &text, call.now, call.now.saturating_add(KNOWN_MS)).await?;
            tx.named(Uuid::New);
        }
        Ok(answer)
    }

    /// Writes the new revision, made by a member at the tenant's time `now`.
    async fn write(&self, tx: &mut Tx, by: Option<Member>, now: i64) -> Result<(), Fault> {
        let mut changes = Changes { oldest: self.revision - REVISIONS_KEPT, ..Changes::default() };
        changes.replaced.extend(self.tree.removals().map(str::to_owned));
        for (id, node, is_new) in self.tree.changes() {
            if !is_new {
                changes.replaced.push(id.to_owned());
            }
            changes.written.push(docx::Block {
                block_id: id.to_owned(),
                parent_id: node.parent.clone(),
                position: node.position,
                content: serde_json::to_string(&node.block).map_err(|error| broken(&error))?,
            });
        }
        docx::write(tx, &self.chat, self.revision, &changes).await?;
        let new = Announcement {
            revision: self.revision,
            modifier: by,
            updated_at: now,
            edits: docx::with_this_edit(tx, &self.state),
        };
        docx::set(tx, &self.chat, &new).await?;
        Ok(())
    }
}

fn broken(error: &serde_json::Error) -> Fault {
    Fault::new(codes::INTERNAL, error.to_string())
}

/// The name of a client_token among all calls that are answered once.
fn name(call: &Call, chat: &LockedChat, operation: &str, token: &str) -> String {
    let operator = call.operator().to_column();
    let mut name = format!("docx {} {operator} {} {operation} ", call.app_id(), chat.chat_id);
    for byte in Sha256::digest(token.as_bytes()) {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// A UUID of version 4.
fn uuid(random: u128) -> String {
    let hex = format!("{:032x}", (random & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// A source of ids of blocks: 27 letters and digits.
pub(super) fn new_ids(tx: &Tx) -> impl FnMut() -> String + use<> {
    let engine = tx.engine().clone();
    move || {
        let mut id = word(engine.ids.random(), 14);
        id.push_str(&word(engine.ids.random(), 13));
        id
    }
}

/// A new token of an upload.
pub(crate) fn new_token(tx: &Tx) -> String {
    new_ids(tx)()
}

fn word(mut random: u128, length: usize) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut word = String::with_capacity(length);
    for _ in 0..length {
        word.push(char::from(LETTERS[usize::try_from(random % 62).unwrap_or_default()]));
        random /= 62;
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_uuids() {
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(word(61 + 62, 3), "9BA");
    }
}
