//! Users, and what they granted to apps.

use larkspur_contract::ids::AppId;
use larkspur_contract::model::UserStatus;
use std::collections::BTreeSet;

use crate::driver::StoreError;
use crate::memory::records::Scopes;
pub use crate::memory::records::{Ended, Grant};
use crate::text::{self, fold};
use crate::tx::{found_rows, wanted};
use crate::{Row, Tx, Value};

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The tenant's own id.
    pub user_id: String,
    /// The number from which open_id and union_id are derived.
    pub user_no: i64,
    /// Name.
    pub name: String,
    /// State of the account.
    pub status: UserStatus,
    /// Mail address.
    pub email: Option<String>,
    /// Telephone number.
    pub mobile: Option<String>,
}

const COLUMNS: &str = "user_id, user_no, name, status, email, mobile";

/// Reads a user from a row of these columns.
pub(crate) fn user(mut row: Row) -> Result<User, StoreError> {
    Ok(User {
        user_id: row.text(0)?,
        user_no: row.int(1)?,
        name: row.text(2)?,
        status: row.id(3, UserStatus::parse)?,
        email: row.text_or_null(4)?,
        mobile: row.text_or_null(5)?,
    })
}

/// Adds a user; false if the user_id is taken.
pub async fn insert(tx: &mut Tx, user: &User, now_ms: i64) -> Result<bool, StoreError> {
    let sql = "INSERT INTO users (tenant, user_id, user_no, name, name_folded, status, email, mobile, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant, user_id) DO NOTHING RETURNING user_id";
    let params = [
        user.user_id.as_str().into(),
        user.user_no.into(),
        user.name.as_str().into(),
        fold(&user.name).into(),
        user.status.as_str().into(),
        user.email.clone().into(),
        user.mobile.clone().into(),
        now_ms.into(),
    ];
    let added = tx.row(sql, params).await?.is_some();
    if added {
        set_terms(tx, &user.user_id, &user.name).await?;
    }
    Ok(added)
}

/// Replaces everything of a user except the two ids.
pub async fn update(tx: &mut Tx, user: &User) -> Result<(), StoreError> {
    let sql = "UPDATE users SET name = $3, name_folded = $4, status = $5, email = $6, mobile = $7 \
               WHERE tenant = $1 AND user_id = $2";
    let params = [
        user.user_id.as_str().into(),
        user.name.as_str().into(),
        fold(&user.name).into(),
        user.status.as_str().into(),
        user.email.clone().into(),
        user.mobile.clone().into(),
    ];
    tx.rows(sql, params).await?;
    set_terms(tx, &user.user_id, &user.name).await?;
    let (tenant, number) = (tx.tenant(), user.user_no.cast_unsigned());
    // A grant includes the state of the account.
    tx.forget(move |engine| engine.memory.grants.forget_where(|key| key.0 == tenant && key.2 == number));
    Ok(())
}

/// A user by the tenant's own id.
pub async fn by_id(tx: &mut Tx, user_id: &str) -> Result<Option<User>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM users WHERE tenant = $1 AND user_id = $2");
    tx.look_up(&sql, [user_id.into()]).await?.into_iter().next().map(user).transpose()
}

/// Users by the tenant's own ids, in no order; unknown ids are left out.
pub async fn by_ids<'a>(
    tx: &mut Tx,
    ids: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<User>, StoreError> {
    several(tx, "user_id", ids.into_iter().map(Value::from).collect()).await
}

/// Users by number, in no order; unknown numbers are left out.
pub async fn by_numbers(
    tx: &mut Tx,
    numbers: impl IntoIterator<Item = i64>,
) -> Result<Vec<User>, StoreError> {
    several(tx, "user_no", numbers.into_iter().map(Value::from).collect()).await
}

async fn several(tx: &mut Tx, column: &str, values: Vec<Value>) -> Result<Vec<User>, StoreError> {
    let mut users = Vec::with_capacity(values.len());
    for chunk in values.chunks(64) {
        let mut params = chunk.to_vec();
        let kind = if column == "user_no" { "BIGINT" } else { "TEXT" };
        let wanted = wanted(2, kind, &mut params);
        let sql = format!(
            "SELECT {COLUMNS} FROM {wanted} LEFT JOIN users ON users.tenant = $1 AND users.{column} = w.column1"
        );
        for row in found_rows(tx.look_up_of(&sql, params).await?) {
            users.push(user(row)?);
        }
    }
    Ok(users)
}

/// Makes sure that users exist until this transaction ends: until then, they cannot be deleted.
///
/// If one process has the store, there is nothing to do: units that write run one after another. Otherwise the rows are
/// locked in shared mode, and only a deletion waits.
///
/// # Errors
/// [`StoreError::Collided`] if one was deleted meanwhile: the retry sees it.
pub(crate) async fn hold(tx: &mut Tx, ids: impl IntoIterator<Item = &str>) -> Result<(), StoreError> {
    if !tx.engine().driver.is_shared() {
        return Ok(());
    }
    let ids: BTreeSet<&str> = ids.into_iter().collect();
    for chunk in Vec::from_iter(ids).chunks(64) {
        let mut params: Vec<Value> = chunk.iter().map(|id| (*id).into()).collect();
        let wanted = wanted(2, "TEXT", &mut params);
        // The one statement that SQLite does not know. Rows are locked one by one, in the order of the list.
        let sql = format!(
            "SELECT u.user_id FROM {wanted} CROSS JOIN LATERAL \
             (SELECT user_id FROM users WHERE tenant = $1 AND user_id = w.column1 FOR KEY SHARE) u"
        );
        if tx.rows_of(&sql, params).await?.len() < chunk.len() {
            return Err(tx.collided());
        }
    }
    Ok(())
}

/// Every user of the tenant, in the order of their ids.
pub async fn all(tx: &mut Tx) -> Result<Vec<User>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM users WHERE tenant = $1 ORDER BY user_id");
    tx.rows(&sql, []).await?.into_iter().map(user).collect()
}

/// Active users whose name contains a text (folded), by name, at most `limit` of them.
pub async fn active_by_name(tx: &mut Tx, part: &str, limit: i64) -> Result<Vec<User>, StoreError> {
    let escaped = part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let sql = format!(
        "SELECT {COLUMNS} FROM users WHERE tenant = $1 AND status = 'active' AND name_folded LIKE $2 ESCAPE '\\' \
         ORDER BY name_folded, user_id LIMIT CAST($3 AS BIGINT)"
    );
    let rows = tx.rows(&sql, [format!("%{escaped}%").into(), limit.into()]).await?;
    rows.into_iter().map(user).collect()
}

/// Users by one of their contacts: `column` is `email` or `mobile`; in no order.
pub async fn by_contact(tx: &mut Tx, column: Contact, values: &[String]) -> Result<Vec<User>, StoreError> {
    let column = match column {
        Contact::Email => "email",
        Contact::Mobile => "mobile",
    };
    several(tx, column, values.iter().map(|value| value.as_str().into()).collect()).await
}

/// How a user can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact {
    /// By mail.
    Email,
    /// By telephone.
    Mobile,
}

/// What a user, by number, granted to an app. Never from memory. For changes: an earlier unit of the same commit may
/// have changed the row.
pub async fn stored_grant(tx: &mut Tx, app_id: AppId, user_no: u64) -> Result<Option<Grant>, StoreError> {
    let sql = "SELECT u.user_id, u.status, g.scopes, g.epoch, g.ended FROM users u JOIN user_grant g \
               ON g.tenant = u.tenant AND g.user_id = u.user_id WHERE u.tenant = $1 AND u.user_no = $2 AND g.app_id = $3";
    let row = tx.row(sql, [Value::Int(user_no.cast_signed()), app_id.into()]).await?;
    row.map(|mut row| read_grant(&mut row, 0)).transpose()
}

/// Reads a grant from a row's columns from `at` on.
pub(crate) fn read_grant(row: &mut Row, at: usize) -> Result<Grant, StoreError> {
    Ok(Grant {
        user_id: row.text(at)?,
        status: row.id(at + 1, UserStatus::parse)?,
        scopes: Scopes::parse(&row.text(at + 2)?),
        epoch: row.int(at + 3)?,
        ended: Ended::parse(&row.text(at + 4)?),
    })
}

/// What users granted to an app, by user_id: with their numbers and names, at most `size`.
///
/// # Errors
/// The store is unavailable.
pub async fn grants_to(
    tx: &mut Tx,
    app_id: AppId,
    size: usize,
) -> Result<Vec<(Grant, u64, String)>, StoreError> {
    let sql = "SELECT g.user_id, u.status, g.scopes, g.epoch, g.ended, u.user_no, u.name FROM \
               (SELECT i.user_id, i.scopes, i.epoch, i.ended FROM user_grant i WHERE i.tenant = $1 AND i.app_id = $2 ORDER BY i.user_id LIMIT CAST($3 AS BIGINT)) g \
               JOIN users u ON u.tenant = $1 AND u.user_id = g.user_id ORDER BY g.user_id";
    let rows = tx.rows(sql, [app_id.into(), crate::listing::limit(size)]).await?;
    let read = |mut row: Row| {
        let (number, name) = (row.int(5)?.cast_unsigned(), row.text(6)?);
        Ok((read_grant(&mut row, 0)?, number, name))
    };
    rows.into_iter().map(read).collect()
}

/// Records a grant and returns its epoch; with `revoke`, every earlier token of it becomes invalid.
pub async fn set_grant(
    tx: &mut Tx,
    app_id: AppId,
    user: &User,
    scopes: &Scopes,
    revoke: bool,
) -> Result<i64, StoreError> {
    hold(tx, [user.user_id.as_str()]).await?;
    let sql = "INSERT INTO user_grant (tenant, app_id, user_id, scopes, epoch) VALUES ($1, $2, $3, $4, 1) \
               ON CONFLICT (tenant, app_id, user_id) DO UPDATE SET scopes = excluded.scopes, \
               epoch = user_grant.epoch + CAST($5 AS BIGINT) RETURNING epoch";
    let params = [app_id.into(), user.user_id.as_str().into(), scopes.to_column().into(), revoke.into()];
    let row = tx.row(sql, params).await?;
    let key = (tx.tenant(), app_id, user.user_no.cast_unsigned());
    tx.forget(move |engine| engine.memory.grants.forget(&key));
    row.map_or_else(|| Err(StoreError::Broken("an upsert returned no row".to_owned())), |row| row.int(0))
}

/// Revokes the access tokens of one sign-in, which expire at `until` at the latest. Revokes all tokens of the grant if
/// too many of its sign-ins were revoked individually. Has no effect if the grant is gone.
pub async fn end_sign_in(
    tx: &mut Tx,
    app_id: AppId,
    user: &User,
    family: u32,
    now: i64,
    until: i64,
) -> Result<(), StoreError> {
    // The row is locked before it is read: another call may revoke a sign-in of the same user.
    let take = "UPDATE user_grant SET epoch = epoch WHERE tenant = $1 AND app_id = $2 AND user_id = $3 RETURNING ended";
    let key = || [Value::from(app_id), user.user_id.as_str().into()];
    let Some(mut row) = tx.row(take, key()).await? else { return Ok(()) };
    let mut ended = Ended::parse(&row.text(0)?);
    let all = ended.add(family, now, until);
    let write = "UPDATE user_grant SET ended = $4, epoch = epoch + CAST($5 AS BIGINT) WHERE tenant = $1 AND app_id = $2 AND user_id = $3";
    let [app, user_id] = key();
    tx.rows(write, [app, user_id, ended.to_column().into(), all.into()]).await?;
    let key = (tx.tenant(), app_id, user.user_no.cast_unsigned());
    tx.forget(move |engine| engine.memory.grants.forget(&key));
    Ok(())
}

/// Rewrites the terms of a user.
pub(crate) async fn set_terms(tx: &mut Tx, user_id: &str, name: &str) -> Result<(), StoreError> {
    tx.rows("DELETE FROM user_term WHERE tenant = $1 AND user_id = $2", [user_id.into()]).await?;
    let sql = "INSERT INTO user_term (tenant, user_id, term) VALUES ($1, $2, $3)";
    for term in text::terms([name]) {
        tx.rows(sql, [user_id.into(), term.into()]).await?;
    }
    Ok(())
}
