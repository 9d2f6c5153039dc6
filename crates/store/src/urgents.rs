//! Users who were told urgently of messages.

use larkspur_contract::model::UrgentKind;

use crate::Tx;
use crate::driver::StoreError;

/// Records that a user was told of a message. Has no effect if the user was told in the same way before.
pub async fn add(
    tx: &mut Tx,
    message: i64,
    user_id: &str,
    kind: UrgentKind,
    now_ms: i64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO urgent (tenant, message, user_id, kind, created_at) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (tenant, message, user_id, kind) DO NOTHING";
    let params = [message.into(), user_id.into(), kind.as_str().into(), now_ms.into()];
    tx.rows(sql, params).await.map(drop)
}

const UNREAD: &str = "SELECT COUNT(*) FROM (SELECT u.message FROM urgent u WHERE u.user_id = $2 AND u.tenant = $1 \
     ORDER BY u.message DESC LIMIT 1000) o LEFT JOIN message_read r ON r.tenant = $1 AND r.message = o.message AND r.reader = $2 \
     WHERE r.reader IS NULL";

/// How many of the latest 1000 urgent messages a user has not read.
pub async fn unread(tx: &mut Tx, user_id: &str) -> Result<i64, StoreError> {
    tx.row(UNREAD, [user_id.into()]).await?.map_or(Ok(0), |row| row.int(0))
}

/// The statements of this file that look rows up, for the test of their query plans.
pub const STATEMENTS: &[&str] = &[UNREAD];
