//! Limits set by a tenant's administrators.

use crate::Tx;
use crate::driver::StoreError;

const CHAT_USERS: &str = "chat_users";

/// The most users of one chat, if the administrators set it.
pub async fn chat_users(tx: &mut Tx) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT value FROM tenant_limit WHERE tenant = $1 AND name = $2";
    tx.row(sql, [CHAT_USERS.into()]).await?.map(|row| row.int(0)).transpose()
}

/// Sets the most users of one chat; `None` returns to the platform's own limit.
pub async fn set_chat_users(tx: &mut Tx, most: Option<i64>) -> Result<(), StoreError> {
    let Some(most) = most else {
        let sql = "DELETE FROM tenant_limit WHERE tenant = $1 AND name = $2";
        return tx.rows(sql, [CHAT_USERS.into()]).await.map(drop);
    };
    let sql = "INSERT INTO tenant_limit (tenant, name, value) VALUES ($1, $2, $3) \
               ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value";
    tx.rows(sql, [CHAT_USERS.into(), most.into()]).await.map(drop)
}
