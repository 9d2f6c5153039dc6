//! How an app describes itself, and the scopes that it asks for.

use larkspur_contract::ids::AppId;

use crate::apps::Scopes;
use crate::driver::StoreError;
use crate::{Row, Tx};

/// An app's description and owner, the same wherever it is installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// Description.
    pub description: String,
    /// The user_id of its owner, in the tenant that made it; empty for none.
    pub owner: String,
}

/// The description of an installed app.
pub async fn about(tx: &mut Tx, app_id: AppId) -> Result<About, StoreError> {
    let sql = "SELECT a.description, a.owner FROM app_install i JOIN app a ON a.app_id = i.app_id \
               WHERE i.tenant = $1 AND i.app_id = $2";
    let read = |mut row: Row| Ok(About { description: row.text(0)?, owner: row.text(1)? });
    tx.row(sql, [app_id.into()]).await?.map(read).transpose().map(Option::unwrap_or_default)
}

/// Replaces the description of an app made in the transaction's tenant.
pub async fn set_about(tx: &mut Tx, app_id: AppId, about: &About) -> Result<(), StoreError> {
    let sql = "UPDATE app SET description = $3, owner = $4 WHERE tenant = $1 AND app_id = $2";
    let params = [app_id.into(), about.description.as_str().into(), about.owner.as_str().into()];
    tx.rows(sql, params).await.map(drop)
}

/// The scopes that an installed app asks for, holds, and last applied for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// What it holds.
    pub held: Scopes,
    /// What it asks for, besides what it holds.
    pub requested: Scopes,
    /// What it last applied for.
    pub applied: Scopes,
}

impl Wishes {
    /// What it asks for and does not hold.
    pub fn open(&self) -> Scopes {
        Scopes::new(self.requested.iter().filter(|scope| !self.held.has(scope)))
    }
}

/// The scopes that an installed app holds and asks for; empty if it is not installed.
pub async fn wishes(tx: &mut Tx, app_id: AppId) -> Result<Wishes, StoreError> {
    let sql = "SELECT scopes, requested, applied FROM app_install WHERE tenant = $1 AND app_id = $2";
    let read = |mut row: Row| {
        let mut scopes = |at| Ok::<_, StoreError>(Scopes::parse(&row.text(at)?));
        Ok(Wishes { held: scopes(0)?, requested: scopes(1)?, applied: scopes(2)? })
    };
    tx.row(sql, [app_id.into()]).await?.map(read).transpose().map(Option::unwrap_or_default)
}

/// As [`wishes`], and locks the row: until this transaction ends, no other one changes it.
pub async fn lock_wishes(tx: &mut Tx, app_id: AppId) -> Result<Wishes, StoreError> {
    let sql = "UPDATE app_install SET applied = applied WHERE tenant = $1 AND app_id = $2 RETURNING app_id";
    tx.rows(sql, [app_id.into()]).await?;
    wishes(tx, app_id).await
}

/// Replaces the scopes that an installed app asks for.
pub async fn request(tx: &mut Tx, app_id: AppId, requested: &Scopes) -> Result<(), StoreError> {
    let sql = "UPDATE app_install SET requested = $3 WHERE tenant = $1 AND app_id = $2";
    tx.rows(sql, [app_id.into(), requested.to_column().into()]).await.map(drop)
}

/// Records the scopes for which an installed app applied.
pub async fn apply(tx: &mut Tx, app_id: AppId, applied: &Scopes) -> Result<(), StoreError> {
    let sql = "UPDATE app_install SET applied = $3 WHERE tenant = $1 AND app_id = $2";
    tx.rows(sql, [app_id.into(), applied.to_column().into()]).await.map(drop)
}
