//! Apps: the directory of all apps, and each app as installed in a tenant.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::model::{AppKind, InstallStatus};

use crate::driver::StoreError;
pub use crate::memory::records::{Install, Scopes};
use crate::tx::{PIECE, found_rows, more_rows, wanted};
use crate::{Root, Row, Tx, Value};

/// An entry of the directory: an app's identity, wherever it is installed.
#[derive(Debug, Clone)]
pub struct App {
    /// Its id.
    pub app_id: AppId,
    /// The tenant that made it.
    pub developer: TenantKey,
    /// Custom or ISV.
    pub kind: AppKind,
    /// Its name, which is also its bot's.
    pub name: String,
    /// The stored hash of its secret.
    pub secret_hash: String,
}

/// Finds an app by its id alone.
pub async fn find(root: &mut Root, app_id: AppId) -> Result<Option<App>, StoreError> {
    let sql = "SELECT app_id, tenant, kind, name, secret_hash FROM app WHERE app_id = $1";
    let rows = root.rows(sql, &[app_id.into()]).await?;
    rows.into_iter().next().map(app).transpose()
}

/// Whether an app is in the directory, whichever tenant made it: it tells 210504 from 210506.
pub async fn is_known(tx: &mut Tx, app_id: AppId) -> Result<bool, StoreError> {
    Ok(find(&mut tx.root(), app_id).await?.is_some())
}

fn app(mut row: Row) -> Result<App, StoreError> {
    Ok(App {
        app_id: row.id(0, AppId::parse)?,
        developer: row.id(1, TenantKey::parse)?,
        kind: row.id(2, AppKind::parse)?,
        name: row.text(3)?,
        secret_hash: row.text(4)?,
    })
}

/// Enters an app into the directory; false if the id is taken.
pub async fn register(root: &mut Root, app: &App, now_ms: i64) -> Result<bool, StoreError> {
    let sql = "INSERT INTO app (app_id, tenant, kind, name, secret_hash, created_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (app_id) DO NOTHING RETURNING app_id";
    let params = [
        app.app_id.into(),
        app.developer.into(),
        app.kind.as_str().into(),
        app.name.as_str().into(),
        app.secret_hash.as_str().into(),
        now_ms.into(),
    ];
    let added = !root.rows(sql, &params).await?.is_empty();
    if added {
        keep(root, app.app_id).await?;
    }
    Ok(added)
}

/// The prefix of the note about a deleted app in the table of job slots: its rows are swept again later.
pub(crate) const DELETED: &str = "gone app ";

/// Before an app with the id of a deleted one is written: from now on, no sweep deletes its rows. One that does so now is waited
/// for.
pub(crate) async fn keep(root: &mut Root, app: AppId) -> Result<(), StoreError> {
    if !root.engine().driver.is_shared() {
        return Ok(());
    }
    let sql = "DELETE FROM job_slot WHERE job = $1";
    root.rows(sql, &[format!("{DELETED}{app}").into()]).await.map(drop)
}

/// Replaces the stored hash of an app's secret.
pub async fn set_secret(root: &mut Root, app_id: AppId, secret_hash: &str) -> Result<(), StoreError> {
    root.rows("UPDATE app SET secret_hash = $2 WHERE app_id = $1", &[app_id.into(), secret_hash.into()])
        .await
        .map(drop)
}

/// The apps that a tenant made, in the order of their ids.
pub async fn made_by(root: &mut Root, tenant: TenantKey) -> Result<Vec<App>, StoreError> {
    let sql = "SELECT app_id, tenant, kind, name, secret_hash FROM app WHERE tenant = $1 ORDER BY app_id";
    root.rows(sql, &[tenant.into()]).await?.into_iter().map(app).collect()
}

/// An app in the transaction's tenant.
pub async fn install(tx: &mut Tx, app_id: AppId) -> Result<Option<Arc<Install>>, StoreError> {
    let key = (tx.tenant(), app_id);
    if let Some(known) = tx.engine().memory.installs.get(&key, tx.effect()) {
        return Ok(Some(known));
    }
    let Some(found) = stored_install(tx, app_id).await? else { return Ok(None) };
    let found = Arc::new(found);
    tx.engine().memory.installs.fill(tx.may_fill(), key, found.clone());
    Ok(Some(found))
}

/// As [`install`], but never from memory. For changes: an earlier unit of the same commit may have changed the row.
pub async fn stored_install(tx: &mut Tx, app_id: AppId) -> Result<Option<Install>, StoreError> {
    let sql = "SELECT a.app_id, a.tenant, a.kind, a.name, i.status, i.bot, i.external_sharing, i.scopes, i.visible_to \
               FROM app_install i JOIN app a ON a.app_id = i.app_id WHERE i.tenant = $1 AND i.app_id = $2";
    let found = tx.look_up(sql, [app_id.into()]).await?.into_iter().next();
    found.map(|mut row| read_install(&mut row, 0)).transpose()
}

/// Reads an installation from a row's columns from `at` on.
pub(crate) fn read_install(row: &mut Row, at: usize) -> Result<Install, StoreError> {
    Ok(Install {
        app_id: row.id(at, AppId::parse)?,
        developer: row.id(at + 1, TenantKey::parse)?,
        kind: row.id(at + 2, AppKind::parse)?,
        name: row.text(at + 3)?,
        status: row.id(at + 4, InstallStatus::parse)?,
        bot: row.flag(at + 5)?,
        external_sharing: row.flag(at + 6)?,
        scopes: Scopes::parse(&row.text(at + 7)?),
        visible_to_all: row.text(at + 8)? == "all",
    })
}

/// The apps of a list that are installed in the transaction's tenant.
pub async fn installed_among(
    tx: &mut Tx,
    ids: impl IntoIterator<Item = AppId>,
) -> Result<HashSet<AppId>, StoreError> {
    let (tenant, effect, engine) = (tx.tenant(), tx.effect(), tx.engine().clone());
    let known = |id: &AppId| engine.memory.installs.get(&(tenant, *id), effect).is_some();
    let (mut found, asked): (HashSet<AppId>, HashSet<AppId>) = ids.into_iter().partition(known);
    for piece in Vec::from_iter(asked).chunks(PIECE) {
        let mut values: Vec<Value> = piece.iter().map(|id| (*id).into()).collect();
        let wanted = wanted(2, "TEXT", &mut values);
        let sql = format!(
            "SELECT app_id FROM {wanted} LEFT JOIN app_install ON app_install.tenant = $1 AND app_install.app_id = w.column1"
        );
        for mut row in found_rows(tx.look_up_of(&sql, values).await?) {
            found.insert(row.id(0, AppId::parse)?);
        }
    }
    Ok(found)
}

/// As [`installed_among`], with the installations.
pub async fn installs(
    tx: &mut Tx,
    ids: impl IntoIterator<Item = AppId>,
) -> Result<HashMap<AppId, Arc<Install>>, StoreError> {
    let (tenant, effect, engine) = (tx.tenant(), tx.effect(), tx.engine().clone());
    let (mut found, mut asked) = (HashMap::new(), Vec::new());
    for id in ids {
        match engine.memory.installs.get(&(tenant, id), effect) {
            Some(known) => drop(found.insert(id, known)),
            None => asked.push(id),
        }
    }
    for piece in asked.chunks(PIECE) {
        let mut values: Vec<Value> = piece.iter().map(|id| (*id).into()).collect();
        let wanted = wanted(2, "TEXT", &mut values);
        let sql = format!(
            "SELECT a.app_id, a.tenant, a.kind, a.name, i.status, i.bot, i.external_sharing, i.scopes, i.visible_to \
             FROM {wanted} LEFT JOIN app_install i ON i.tenant = $1 AND i.app_id = w.column1 LEFT JOIN app a ON a.app_id = i.app_id"
        );
        for mut row in found_rows(tx.look_up_of(&sql, values).await?) {
            let install = Arc::new(read_install(&mut row, 0)?);
            engine.memory.installs.fill(tx.may_fill(), (tenant, install.app_id), install.clone());
            found.insert(install.app_id, install);
        }
    }
    Ok(found)
}

/// The apps installed in the transaction's tenant, in the order of their ids.
pub async fn installed(tx: &mut Tx) -> Result<Vec<AppId>, StoreError> {
    let rows = tx.rows("SELECT app_id FROM app_install WHERE tenant = $1 ORDER BY app_id", []).await?;
    rows.into_iter().map(|mut row| row.id(0, AppId::parse)).collect()
}

/// The tenants in which an app is installed, in the order of their keys.
pub async fn homes(root: &mut Root, app_id: AppId) -> Result<Vec<TenantKey>, StoreError> {
    let sql = "SELECT tenant FROM app_install WHERE app_id = $1 ORDER BY tenant";
    let rows = root.rows(sql, &[app_id.into()]).await?;
    rows.into_iter().map(|mut row| row.id(0, TenantKey::parse)).collect()
}

/// The settings of an installation.
#[derive(Debug, Clone)]
pub struct InstallSettings {
    /// Whether the tenant uses it.
    pub status: InstallStatus,
    /// Whether it has a bot.
    pub bot: bool,
    /// Whether its bot may be in external chats.
    pub external_sharing: bool,
    /// What it may do.
    pub scopes: Scopes,
    /// The users who see it; `None` means all.
    pub visible_to: Option<Vec<String>>,
}

/// Installs an app in the transaction's tenant, or changes its installation.
pub async fn set_install(tx: &mut Tx, app_id: AppId, settings: &InstallSettings) -> Result<(), StoreError> {
    let sql = "INSERT INTO app_install (tenant, app_id, status, bot, external_sharing, scopes, visible_to) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, app_id) DO UPDATE SET \
               status = excluded.status, bot = excluded.bot, external_sharing = excluded.external_sharing, \
               scopes = excluded.scopes, visible_to = excluded.visible_to";
    let params: [Value; 6] = [
        app_id.into(),
        settings.status.as_str().into(),
        settings.bot.into(),
        settings.external_sharing.into(),
        settings.scopes.to_column().into(),
        if settings.visible_to.is_none() { "all" } else { "some" }.into(),
    ];
    tx.rows(sql, params).await?;
    tx.rows("DELETE FROM app_visible_user WHERE tenant = $1 AND app_id = $2", [app_id.into()]).await?;
    for piece in settings.visible_to.as_deref().unwrap_or_default().chunks(PIECE) {
        let mut values: Vec<Value> = piece.iter().map(|user_id| user_id.as_str().into()).collect();
        let more = more_rows("$1,$2,", 3, 1, &mut values);
        let sql = format!(
            "INSERT INTO app_visible_user (tenant, app_id, user_id) VALUES ($1, $2, $3){more} ON CONFLICT (tenant, app_id, user_id) DO NOTHING"
        );
        values.insert(0, app_id.into());
        tx.rows_of(&sql, values).await?;
    }
    let key = (tx.tenant(), app_id);
    tx.forget(move |engine| {
        engine.memory.installs.forget(&key);
        engine.memory.subscribers.forget(&key.0);
    });
    Ok(())
}

/// Sets what an app installed in the transaction's tenant may do.
pub async fn set_scopes(tx: &mut Tx, app_id: AppId, scopes: &Scopes) -> Result<(), StoreError> {
    let sql = "UPDATE app_install SET scopes = $3 WHERE tenant = $1 AND app_id = $2";
    tx.rows(sql, [app_id.into(), scopes.to_column().into()]).await?;
    let key = (tx.tenant(), app_id);
    tx.forget(move |engine| {
        engine.memory.installs.forget(&key);
        engine.memory.subscribers.forget(&key.0);
    });
    Ok(())
}

/// The users who see an app that is not visible to all, in the order of their ids.
pub async fn visible_users(tx: &mut Tx, app_id: AppId) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT user_id FROM app_visible_user WHERE tenant = $1 AND app_id = $2 ORDER BY user_id";
    tx.rows(sql, [app_id.into()]).await?.into_iter().map(|mut row| row.text(0)).collect()
}

/// Whether a user sees an app.
pub async fn is_visible_to(tx: &mut Tx, install: &Install, user_id: &str) -> Result<bool, StoreError> {
    Ok(audience(tx, install, [user_id]).await?.has(user_id))
}

/// The users, of several, who see an app.
pub struct Audience {
    all: bool,
    users: HashSet<String>,
}

impl Audience {
    /// Whether this user, one of those asked for, sees it.
    pub fn has(&self, user_id: &str) -> bool {
        self.all || self.users.contains(user_id)
    }
}

/// As [`is_visible_to`], for several users.
pub async fn audience<'a>(
    tx: &mut Tx,
    install: &Install,
    user_ids: impl IntoIterator<Item = &'a str>,
) -> Result<Audience, StoreError> {
    let mut audience = Audience { all: install.visible_to_all, users: HashSet::new() };
    if audience.all {
        return Ok(audience);
    }
    let ids: Vec<Value> = user_ids.into_iter().map(Value::from).collect();
    for piece in ids.chunks(PIECE) {
        let mut values = piece.to_vec();
        let wanted = wanted(3, "TEXT", &mut values);
        let sql = format!(
            "SELECT user_id FROM {wanted} LEFT JOIN app_visible_user ON app_visible_user.tenant = $1 AND app_visible_user.user_id = w.column1 AND app_id = $2"
        );
        values.insert(0, install.app_id.into());
        for mut row in found_rows(tx.look_up_of(&sql, values).await?) {
            audience.users.insert(row.text(0)?);
        }
    }
    Ok(audience)
}

/// Until when the app's present token of a kind is valid, in the tenant's time.
pub async fn issued_token(tx: &mut Tx, app_id: AppId, kind: &str) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT expires_at FROM token_issue WHERE tenant = $1 AND app_id = $2 AND kind = $3";
    tx.row(sql, [app_id.into(), kind.into()]).await?.map(|row| row.int(0)).transpose()
}

/// Records until when a newly issued token is valid, unless another call was first and its token expires within this
/// range. Returns the expiry of the token that all callers now get.
///
/// A read-only server records nothing. The token works all the same: it is signed, and everything that it says is in
/// it.
pub async fn record_token(
    tx: &mut Tx,
    app_id: AppId,
    kind: &str,
    expires_at: i64,
    good: &RangeInclusive<i64>,
) -> Result<i64, StoreError> {
    if tx.engine().read_only {
        return Ok(expires_at);
    }
    let sql = "INSERT INTO token_issue (tenant, app_id, kind, expires_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (tenant, app_id, kind) DO UPDATE SET expires_at = excluded.expires_at \
               WHERE token_issue.expires_at < $5 OR token_issue.expires_at > $6 RETURNING expires_at";
    let (from, to) = (*good.start(), *good.end());
    let params = [app_id.into(), kind.into(), expires_at.into(), from.into(), to.into()];
    if tx.row(sql, params).await?.is_some() {
        return Ok(expires_at);
    }
    Ok(issued_token(tx, app_id, kind).await?.unwrap_or(expires_at))
}
