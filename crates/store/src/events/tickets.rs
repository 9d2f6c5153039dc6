//! When ISV apps are sent their tickets.

use larkspur_contract::ids::{AppId, TenantKey};

use super::TICKET_EVERY_MS;
use crate::driver::StoreError;
use crate::{Root, Tx};

/// Apps that one look finds.
const AT_ONCE: i64 = 64;

/// An app whose ticket is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The tenant that made it.
    pub tenant: TenantKey,
    /// The app.
    pub app_id: AppId,
    /// Since when, in the real time.
    at: i64,
}

/// Apps whose ticket is due, those that wait longest first; some of them, if there are many. `real_now` is the real time.
pub async fn due(root: &mut Root, real_now: i64) -> Result<Vec<Due>, StoreError> {
    let sql = "SELECT tenant, app_id, ticket_at FROM app_events WHERE ticket_at IS NOT NULL AND ticket_at <= $1 \
               ORDER BY ticket_at LIMIT CAST($2 AS BIGINT)";
    let rows = root.rows(sql, &[real_now.into(), AT_ONCE.into()]).await?;
    let due = rows.into_iter().map(|mut row| {
        Ok(Due { tenant: row.id(0, TenantKey::parse)?, app_id: row.id(1, AppId::parse)?, at: row.int(2)? })
    });
    due.collect()
}

/// Takes a ticket that is due and sets the time of the next one; false if another server was first, or if the app's address
/// does not want events (now: it is asked for again when it does).
///
/// The rhythm stays; hours that were missed bring one ticket.
pub async fn take(tx: &mut Tx, due: &Due, real_now: i64) -> Result<bool, StoreError> {
    let next = due.at + ((real_now - due.at) / TICKET_EVERY_MS + 1) * TICKET_EVERY_MS;
    let sql = "UPDATE app_events SET ticket_at = $4 WHERE tenant = $1 AND app_id = $2 AND ticket_at = $3 RETURNING state, mode";
    let taken = tx.row(sql, [due.app_id.into(), due.at.into(), next.into()]).await?;
    Ok(match taken {
        Some(mut row) => row.text(0)? == "verified" || row.text(1)? == "connection",
        None => false,
    })
}

/// As [`super::outbox::move_clock`]. A clock that goes back does not leave an app without a ticket for as long.
pub(super) async fn move_clock(tx: &mut Tx, by_ms: i64, real_now: i64) -> Result<(), StoreError> {
    let sql = "UPDATE app_events SET ticket_at = CASE WHEN ticket_at - CAST($2 AS BIGINT) < $3 THEN ticket_at - CAST($2 AS BIGINT) ELSE $3 END \
               WHERE tenant = $1 AND ticket_at IS NOT NULL";
    tx.rows(sql, [by_ms.into(), (real_now + TICKET_EVERY_MS).into()]).await.map(drop)
}
