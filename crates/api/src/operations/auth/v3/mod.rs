//! `auth/v3`: an app authenticates.

use larkspur_contract::ids::AppId;
use larkspur_contract::{Fault, codes};
use larkspur_store::apps::{self, App};
use larkspur_store::{Root, Tx};

use crate::tokens::{Holder, RENEW_MS, Token};
use crate::{Entry, RootCall, entry};

/// How far the clocks of servers may differ.
const SKEW_MS: i64 = 10_000;

mod app_access_token {
    pub(crate) mod create;
    pub(crate) mod internal;
}
mod app_ticket {
    pub(crate) mod resend;
}
mod tenant_access_token {
    pub(crate) mod create;
    pub(crate) mod internal;
}

pub(crate) static ENTRIES: &[Entry] = &[
    entry::<tenant_access_token::internal::Create>(),
    entry::<app_access_token::internal::Create>(),
    entry::<app_access_token::create::Create>(),
    entry::<tenant_access_token::create::Create>(),
    entry::<app_ticket::resend::Resend>(),
];

/// The app with this id and secret.
async fn by_secret(
    root: &mut Root,
    call: &RootCall,
    app_id: &Option<String>,
    app_secret: &Option<String>,
) -> Result<App, Fault> {
    let app_id = app_id.as_deref().and_then(AppId::parse).ok_or_else(|| {
        Fault::new(codes::AUTH_PARAM_INVALID, "app_id is missing or not cli_ and 16 hex digits")
    })?;
    let secret = app_secret
        .as_deref()
        .filter(|secret| !secret.is_empty())
        .ok_or_else(|| Fault::new(codes::AUTH_PARAM_INVALID, "app_secret is missing"))?;
    let app = apps::find(root, app_id)
        .await?
        .ok_or_else(|| Fault::new(codes::APP_ID_UNKNOWN, "no app has this id"))?;
    if !call.engine.keys.secret_matches(secret, &app.secret_hash) {
        return Err(Fault::new(codes::APP_SECRET_INVALID, "wrong app_secret"));
    }
    Ok(app)
}

/// The app's tenant token in a tenant, and the seconds left. `life` is that of a new one, in milliseconds.
pub(crate) async fn tenant_token(
    tx: &mut Tx,
    call: &RootCall,
    app: AppId,
    now: i64,
    life: i64,
) -> Result<(String, i64), Fault> {
    let expires_at = current_or_new(tx, app, "tenant", now, life).await?;
    let token = Token { holder: Holder::Tenant, tenant: tx.tenant(), app, expires_at };
    Ok((token.issue(&call.engine.keys), seconds_left(expires_at, now, life)))
}

/// The seconds that a token has left, never more than its lifetime.
fn seconds_left(expires_at: i64, now: i64, life: i64) -> i64 {
    (expires_at - now).min(life) / 1000
}

/// Returns the app's present token if it has half an hour or more left, otherwise a new one; both are then valid.
async fn current_or_new(tx: &mut Tx, app_id: AppId, kind: &str, now: i64, life: i64) -> Result<i64, Fault> {
    // A token with more than a full lifetime left was issued before the tenant's clock was moved back, or by a server
    // whose clock is ahead of this one's.
    let good = now + RENEW_MS..=now + life + SKEW_MS;
    let present = apps::issued_token(tx, app_id, kind).await?;
    if let Some(expires_at) = present.filter(|at| good.contains(at)) {
        return Ok(expires_at);
    }
    Ok(apps::record_token(tx, app_id, kind, now + life, &good).await?)
}
