//! `im/v2/biz_entity_tag_relation`

use larkspur_contract::Basis::Assumed;
use larkspur_contract::ids::{ChatId, TagId};
use larkspur_contract::model::{ChatStatus, TagBizType};
use larkspur_contract::{Behaviour, Fault, codes};
use larkspur_store::chats::{self, Chat};
use larkspur_store::{LockedChat, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Entry, entry};

mod create;
mod get;
mod update;

pub(crate) static ENTRIES: &[Entry] =
    &[entry::<create::Create>(), entry::<get::Get>(), entry::<update::Update>()];

/// The tags and the chat.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Relation {
    /// The kind of entity.
    tag_biz_type: TagBizType,
    /// The chat.
    #[schemars(length(min = 1))]
    biz_entity_id: String,
    /// The tags.
    #[serde(default)]
    #[schemars(length(max = 40))]
    tag_ids: Vec<String>,
    /// Accepted and ignored: client libraries declare it, but no page does.
    bot_id: Option<String>,
}

impl Relation {
    /// The tags without duplicates.
    fn tags(&self) -> Result<Vec<TagId>, Fault> {
        let mut distinct = Vec::with_capacity(self.tag_ids.len());
        for text in &self.tag_ids {
            let id = TagId::parse(text).ok_or_else(|| {
                Fault::new(codes::TAG_PARAM_INVALID, "a tag id is not a decimal number").with_violation(
                    "tag_ids[*]",
                    Some(text),
                    "must be a decimal number",
                )
            })?;
            if !distinct.contains(&id) {
                distinct.push(id);
            }
        }
        Ok(distinct)
    }
}

/// Locks the chat to bind to.
async fn lock(tx: &mut Tx, id: &str) -> Result<LockedChat, Fault> {
    let chat = match ChatId::parse(id) {
        Some(id) => chats::lock(tx, id).await?,
        None => None,
    };
    let chat = chat.ok_or_else(|| no_entity(id))?;
    in_use(&chat, id)?;
    Ok(chat)
}

fn in_use(chat: &Chat, id: &str) -> Result<(), Fault> {
    if chat.status == ChatStatus::Normal { Ok(()) } else { Err(no_entity(id)) }
}

fn no_entity(id: &str) -> Fault {
    Fault::new(codes::TAG_PARAM_INVALID, "no such chat in this tenant, or it is dissolved").with_violation(
        "biz_entity_id",
        Some(id),
        "no such chat",
    )
}

const ENTITY: Behaviour = Behaviour {
    name: "tag_relation_entity",
    rule: "A chat that is unknown, dissolved or of another tenant, or a malformed id, is 230001. Every chat_mode is allowed, and the bot need not be in the chat.",
    basis: Assumed,
    switch: false,
};
