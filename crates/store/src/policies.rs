//! What a tenant's edition and its administrators allow, and whether edits of one chat collide in it.

use std::sync::{Arc, LazyLock};

use crate::Tx;
use crate::driver::StoreError;
pub use crate::memory::overrides::{Overrides, TrafficOverrides};
pub use crate::memory::records::Policy;
use crate::value::{from_json, to_json};

/// The policy of most tenants, shared by all of them.
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
