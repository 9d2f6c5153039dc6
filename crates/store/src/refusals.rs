//! Refusals that a test planned for the next calls of an operation.

use crate::driver::StoreError;
use crate::{Tx, Value};

/// A planned refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The operation's id.
    pub operation: String,
    /// The number of the code to answer.
    pub code: i64,
    /// How many more calls it refuses.
    pub remaining: i64,
}

/// The refusals planned in the transaction's tenant, used up or not, in the order of the operations.
pub async fn all(tx: &mut Tx) -> Result<Vec<Refusal>, StoreError> {
    let sql = "SELECT operation, code, remaining FROM planned_refusal WHERE tenant = $1 ORDER BY operation";
    let rows = tx.rows(sql, []).await?;
    rows.into_iter()
        .map(|mut row| Ok(Refusal { operation: row.text(0)?, code: row.int(1)?, remaining: row.int(2)? }))
        .collect()
}

/// Plans a refusal, in place of the operation's earlier one. The caller has locked the tenant's row.
pub async fn plan(tx: &mut Tx, refusal: &Refusal) -> Result<(), StoreError> {
    let sql = "INSERT INTO planned_refusal (tenant, operation, code, remaining) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (tenant, operation) DO UPDATE SET code = excluded.code, remaining = excluded.remaining";
    let values: [Value; 3] =
        [refusal.operation.as_str().into(), refusal.code.into(), refusal.remaining.into()];
    tx.rows(sql, values).await?;
    mark(tx, true).await
}

/// Cancels a planned refusal; false if there is none. The caller has locked the tenant's row.
pub async fn remove(tx: &mut Tx, operation: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM planned_refusal WHERE tenant = $1 AND operation = $2 RETURNING operation";
    if tx.row(sql, [operation.into()]).await?.is_none() {
        return Ok(false);
    }
    let more = tx.row("SELECT 1 FROM planned_refusal WHERE tenant = $1 LIMIT 1", []).await?.is_some();
    mark(tx, more).await?;
    Ok(true)
}

/// Counts a call. Returns the number of the code to refuse it with, if it is to be refused.
pub async fn take(tx: &mut Tx, operation: &str) -> Result<Option<i64>, StoreError> {
    let sql = "UPDATE planned_refusal SET remaining = remaining - 1 \
               WHERE tenant = $1 AND operation = $2 AND remaining > 0 RETURNING code";
    tx.row(sql, [operation.into()]).await?.map(|row| row.int(0)).transpose()
}

async fn mark(tx: &mut Tx, refuses: bool) -> Result<(), StoreError> {
    let sql = "UPDATE tenant SET refuses = $2 WHERE tenant = $1";
    tx.rows(sql, [i64::from(refuses).into()]).await?;
    let key = tx.tenant();
    tx.forget(move |engine| engine.memory.tenants.forget(&key));
    Ok(())
}
