//! When ISV apps get their tickets.

use larkspur_contract::ids::{AppId, TenantKey};

use super::TICKET_EVERY_MS;
use crate::driver::StoreError;
use crate::{Root, Tx};

/// The most apps that one search returns.
const AT_ONCE: i64 = 64;

/// An app whose ticket is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The tenant that made it.
    pub tenant: TenantKey,
    /// The app.
    pub app_id: AppId,
    /// When it became due, in real time.
    at: i64,
}

/// Some of the apps whose ticket is due, the longest waiting first. `real_now` is the real time.
pub async fn due(root: &mut Root, real_now: i64) -> Result<Vec<Due>, StoreError> {
    let sql = "SELECT tenant, app_id, ticket_at FROM app_events WHERE ticket_at IS NOT NULL AND ticket_at <= $1 \
               ORDER BY ticket_at LIMIT CAST($2 AS BIGINT)";
    let rows = root.rows(sql, &[real_now.into(), AT_ONCE.into()]).await?;
    let due = rows.into_iter().map(|mut row| {
        Ok(Due { tenant: row.id(0, TenantKey::parse)?, app_id: row.id(1, AppId::parse)?, at: row.int(2)? })
    });
    due.collect()
}

/// Takes a due ticket and sets the time of the next one; false if another server was first, or if the app's URL is not
/// verified (the ticket follows when it is).
///
/// The schedule stays the same; missed hours cause one ticket.
pub async fn take(tx: &mut Tx, due: &Due, real_now: i64) -> Result<bool, StoreError> {
    let next = due.at + ((real_now - due.at) / TICKET_EVERY_MS + 1) * TICKET_EVERY_MS;
    let sql = "UPDATE app_events SET ticket_at = $4 WHERE tenant = $1 AND app_id = $2 AND ticket_at = $3 RETURNING state, mode";
    let taken = tx.row(sql, [due.app_id.into(), due.at.into(), next.into()]).await?;
    Ok(match taken {
        Some(mut row) => row.text(0)? == "verified" || row.text(1)? == "connection",
        None => false,
    })
}

/// Like [`super::outbox::move_clock`]. A clock that is moved back does not delay the next ticket by as much.
pub(super) async fn move_clock(tx: &mut Tx, by_ms: i64, real_now: i64) -> Result<(), StoreError> {
    let sql = "UPDATE app_events SET ticket_at = CASE WHEN ticket_at - CAST($2 AS BIGINT) < $3 THEN ticket_at - CAST($2 AS BIGINT) ELSE $3 END \
               WHERE tenant = $1 AND ticket_at IS NOT NULL";
    tx.rows(sql, [by_ms.into(), (real_now + TICKET_EVERY_MS).into()]).await.map(drop)
}
