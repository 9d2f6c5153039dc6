//! The contact directory: pages of users, and their profiles.

use std::collections::HashMap;

use larkspur_contract::ids::AppId;
use larkspur_contract::profile::Profile;

use crate::driver::StoreError;
use crate::tx::{PIECE, found_rows, wanted};
use crate::users::{User, user};
use crate::{Row, Tx, Value, listing};

const HERE: &str = "SELECT user_id, user_no, name, status, email, mobile FROM users WHERE tenant = $1 AND user_no > $2 \
                    AND status <> 'resigned' ORDER BY user_no LIMIT $3";
/// The cross join fixes the order in which the tables are read: SQLite keeps it, and the index has the order of the
/// page.
const GRANTED: &str = "SELECT u.user_id, u.user_no, u.name, u.status, u.email, u.mobile FROM app_visible_user v CROSS JOIN users u \
                       WHERE v.tenant = $1 AND v.app_id = $2 AND v.user_id > $3 AND u.tenant = $1 AND u.user_id = v.user_id \
                       AND u.status <> 'resigned' ORDER BY v.user_id LIMIT $4";

/// The statements that page, for the test of their query plans.
pub const STATEMENTS: &[&str] = &[HERE, GRANTED];

/// Up to `size` users who have not left the tenant, after the one with a number, in the order of creation. Numbers are
/// above 0.
pub async fn here(tx: &mut Tx, after: i64, size: usize) -> Result<Vec<User>, StoreError> {
    read(tx.rows(HERE, [after.into(), listing::limit(size)]).await?)
}

/// Up to `size` users who have not left the tenant and whom an app was granted one by one, after a user_id and in the
/// order of user_ids. The empty text is before the first.
pub async fn granted(tx: &mut Tx, app: AppId, after: &str, size: usize) -> Result<Vec<User>, StoreError> {
    read(tx.rows(GRANTED, [app.into(), after.into(), listing::limit(size)]).await?)
}

fn read(rows: Vec<Row>) -> Result<Vec<User>, StoreError> {
    rows.into_iter().map(user).collect()
}

/// The profiles of users, by user_id; unknown ids are left out.
pub async fn profiles<'a>(
    tx: &mut Tx,
    ids: impl IntoIterator<Item = &'a str>,
) -> Result<HashMap<String, Profile>, StoreError> {
    let ids: Vec<Value> = ids.into_iter().map(Value::from).collect();
    let mut found = HashMap::with_capacity(ids.len());
    for piece in ids.chunks(PIECE) {
        let mut values = piece.to_vec();
        let wanted = wanted(2, "TEXT", &mut values);
        let sql = format!(
            "SELECT user_id, profile FROM {wanted} LEFT JOIN users ON users.tenant = $1 AND user_id = w.column1"
        );
        for mut row in found_rows(tx.rows_of(&sql, values).await?) {
            let (user_id, text) = (row.text(0)?, row.text(1)?);
            let profile = serde_json::from_str(&text)
                .map_err(|error| StoreError::Broken(format!("users.profile of {user_id}: {error}")))?;
            found.insert(user_id, profile);
        }
    }
    Ok(found)
}

/// Replaces a user's profile.
pub async fn set_profile(tx: &mut Tx, user_id: &str, profile: &Profile) -> Result<(), StoreError> {
    let text = serde_json::to_string(profile).map_err(|error| StoreError::Broken(error.to_string()))?;
    let sql = "UPDATE users SET profile = $3 WHERE tenant = $1 AND user_id = $2";
    tx.rows(sql, [user_id.into(), text.into()]).await.map(drop)
}
