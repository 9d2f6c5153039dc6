//! What a tenant's edition and its administrators allow, and whether edits of one chat collide in it.

use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use crate::Tx;
use crate::chats::{from_json, to_json};
use crate::driver::StoreError;

/// What a tenant's edition and its administrators allow. By default everything is allowed and nothing collides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Whether the edition has restricted mode.
    pub restricted_mode: bool,
    /// Whether the edition has `hide_member_count_setting`.
    pub hide_member_count: bool,
    /// Whether the administrators allow public groups.
    pub public_groups: bool,
    /// Words that names and descriptions of chats may not hold, whatever their case.
    pub forbidden_words: Vec<String>,
    /// The most bytes that all images may have together; `None` means no quota.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_bytes: Option<i64>,
    /// How long an edit of a chat takes, in milliseconds of the tenant's clock: others collide with it for so long. 0 means
    /// that none does, since they wait for one another.
    pub edit_ms: i64,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            restricted_mode: true,
            hide_member_count: true,
            public_groups: true,
            forbidden_words: Vec::new(),
            storage_bytes: None,
            edit_ms: 0,
        }
    }
}

/// What most tenants have: one for all of them.
static USUAL: LazyLock<Arc<Policy>> = LazyLock::new(Arc::default);

/// Reads the column.
pub(crate) fn read(text: &str) -> Result<Arc<Policy>, StoreError> {
    if text == "{}" { Ok(USUAL.clone()) } else { from_json(text).map(Arc::new) }
}

/// Replaces the tenant's policy.
pub async fn set(tx: &mut Tx, policy: &Policy) -> Result<(), StoreError> {
    let text = if *policy == **USUAL { "{}".to_owned() } else { to_json(policy)? };
    tx.rows("UPDATE tenant SET policy = $2 WHERE tenant = $1", [text.into()]).await?;
    let key = tx.tenant();
    tx.forget(move |engine| engine.memory.tenants.forget(&key));
    Ok(())
}
