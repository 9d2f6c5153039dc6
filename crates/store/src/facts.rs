//! What a token leads to: tenant, installation and grant.

use std::sync::Arc;

use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, TenantKey};

use crate::apps::{self, Install};
use crate::driver::StoreError;
use crate::tenants::{self, Tenant};
use crate::users::{self, Grant};
use crate::{Engine, Value};

/// What a token leads to.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The tenant that it acts in.
    pub tenant: Arc<Tenant>,
    /// The app, as installed there.
    pub install: Arc<Install>,
    /// What the user granted to the app; none if the token is not a user's, or if there is no grant.
    pub grant: Option<Arc<Grant>>,
}

const OF_AN_APP: &str = "SELECT tenant.tenant, tenant.name, tenant.clock_offset_ms, tenant.refuses, \
     a.app_id, a.tenant, a.kind, a.name, i.status, i.bot, i.external_sharing, i.scopes, i.visible_to \
     FROM tenant JOIN app_install i ON i.tenant = tenant.tenant JOIN app a ON a.app_id = i.app_id \
     WHERE tenant.tenant = $1 AND i.tenant = $1 AND i.app_id = $2";

const OF_A_USER: &str = "SELECT tenant.tenant, tenant.name, tenant.clock_offset_ms, tenant.refuses, \
     a.app_id, a.tenant, a.kind, a.name, i.status, i.bot, i.external_sharing, i.scopes, i.visible_to, \
     u.user_id, u.status, g.scopes, g.epoch \
     FROM tenant JOIN app_install i ON i.tenant = tenant.tenant JOIN app a ON a.app_id = i.app_id \
     LEFT JOIN users u ON u.tenant = tenant.tenant AND u.user_no = $3 \
     LEFT JOIN user_grant g ON g.tenant = tenant.tenant AND g.app_id = i.app_id AND g.user_id = u.user_id \
     WHERE tenant.tenant = $1 AND i.tenant = $1 AND i.app_id = $2";

/// What a token of an app leads to in a tenant, in the name of the user with this number if there is one; from memory or
/// with one statement. `None` if there is no such tenant, or if the app is not installed in it.
///
/// `effect` is that of the call: one that writes goes by nothing that can be old.
pub async fn facts(
    engine: &Engine,
    effect: Effect,
    tenant: TenantKey,
    app_id: AppId,
    user_no: Option<u64>,
) -> Result<Option<Facts>, StoreError> {
    if let Some(known) = remembered(engine, effect, tenant, app_id, user_no) {
        return Ok(Some(known));
    }
    // Before the statement begins, as with every transaction that fills memory.
    let opened = Some(engine.memory.moment());
    let mut params: Vec<Value> = vec![tenant.into(), app_id.into()];
    params.extend(user_no.map(|number| Value::Int(number.cast_signed())));
    let sql = if user_no.is_some() { OF_A_USER } else { OF_AN_APP };
    let Some(mut row) = engine.driver.query(Effect::Reads, sql, params).await?.into_iter().next() else {
        return Ok(None);
    };
    let found = Arc::new(tenants::tenant(&mut row, 0)?);
    engine.memory.tenants.fill(opened, tenant, found.clone());
    let install = Arc::new(apps::read_install(&mut row, 4)?);
    engine.memory.installs.fill(opened, (tenant, app_id), install.clone());
    let grant = match user_no {
        Some(number) if row.0.get(16).is_some_and(|epoch| *epoch != Value::Null) => {
            let grant = Arc::new(users::read_grant(&mut row, 13)?);
            engine.memory.grants.fill(opened, (tenant, app_id, number), grant.clone());
            Some(grant)
        }
        _ => None,
    };
    Ok(Some(Facts { tenant: found, install, grant }))
}

/// From memory alone: the usual case where it keeps anything.
fn remembered(
    engine: &Engine,
    effect: Effect,
    tenant: TenantKey,
    app_id: AppId,
    user_no: Option<u64>,
) -> Option<Facts> {
    let memory = &engine.memory;
    let found = memory.tenants.get(&tenant, effect)?;
    let install = memory.installs.get(&(tenant, app_id), effect)?;
    let grant = match user_no {
        None => None,
        Some(number) => Some(memory.grants.get(&(tenant, app_id, number), effect)?),
    };
    Some(Facts { tenant: found, install, grant })
}
