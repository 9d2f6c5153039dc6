//! Step 2: who calls.

use std::sync::Arc;

use larkspur_api::tokens::{Holder, Token};
use larkspur_api::{Actor, Call, Caller, RootCall};
use larkspur_contract::model::UserStatus;
use larkspur_contract::{Access, Code, Effect, Fault, Spec, Tokens, codes};
use larkspur_store::apps::{self, Install};
use larkspur_store::tenants::{self, Tenant};
use larkspur_store::users::{self, Grant};
use larkspur_store::{Engine, StoreError};

use crate::App;

/// Finds out who calls, or why that cannot be told. `now` is the real time.
pub(super) async fn authenticate(
    app: &App,
    spec: &Spec,
    authorization: Option<&str>,
    now: i64,
) -> Result<Caller, Fault> {
    let bearer = authorization.and_then(|header| header.strip_prefix("Bearer ")).map(str::trim);
    match spec.access {
        Access::Open => Ok(root(app, now)),
        Access::Control => {
            let given = bearer.ok_or_else(|| Fault::new(codes::CONTROL_KEY_INVALID, "no control key"))?;
            if !app.engine.keys.secret_matches(given, &app.control_hash) {
                return Err(Fault::new(codes::CONTROL_KEY_INVALID, "wrong control key"));
            }
            Ok(root(app, now))
        }
        Access::Token { tokens, .. } => {
            let text = bearer
                .filter(|text| !text.is_empty())
                .ok_or_else(|| Fault::new(codes::TOKEN_MISSING, "no Authorization: Bearer"))?;
            let call = by_token(app, text, now).await?;
            match (tokens, &call.actor) {
                (Tokens::User, Actor::Bot) => {
                    Err(Fault::new(codes::TOKEN_INVALID, "a tenant token where only users may call"))
                }
                (Tokens::Tenant, Actor::User { .. }) => {
                    Err(Fault::new(codes::USER_TOKEN_UNSUPPORTED, "a user token where only apps may call"))
                }
                _ => Ok(Caller::Token(call)),
            }
        }
    }
}

fn root(app: &App, now: i64) -> Caller {
    Caller::Root(RootCall { engine: app.engine.clone(), now, settings: app.options.settings.clone() })
}

/// What a bad token is answered with, which its prefix decides. Source: contract A4, probed live.
fn refusal(text: &str) -> Code {
    if text.starts_with("t-") {
        codes::TOKEN_INVALID
    } else if text.starts_with("u-") || text.starts_with("eyJ") {
        codes::USER_TOKEN_INVALID
    } else if text.starts_with("a-") {
        codes::APP_TOKEN_INVALID
    } else {
        codes::TOKEN_PREFIX_UNKNOWN
    }
}

async fn by_token(app: &App, text: &str, now: i64) -> Result<Call, Fault> {
    let bad = |why: &'static str| Fault::new(refusal(text), why);
    let token = Token::read(text, &app.engine.keys).ok_or_else(|| bad("not a token of this server"))?;
    let facts = match recall(&app.engine, &token) {
        Some(facts) => facts,
        None => look_up(&app.engine, token).await?.ok_or_else(|| bad("tenant, app or grant is gone"))?,
    };
    let now = now.saturating_add(facts.tenant.clock_offset_ms);
    if token.expires_at <= now {
        return Err(bad("the token has expired"));
    }
    let actor = match (token.holder, facts.grant) {
        (Holder::Tenant, _) => Actor::Bot,
        (Holder::User { number, epoch }, Some(grant)) => {
            if grant.epoch != epoch {
                return Err(bad("the token was revoked"));
            }
            if grant.status != UserStatus::Active {
                return Err(bad("the user is not active"));
            }
            Actor::User { number, grant }
        }
        (Holder::User { .. }, None) => return Err(bad("the grant is gone")),
    };
    let settings = app.options.settings.clone();
    Ok(Call { now, tenant: token.tenant, app: facts.install, actor, settings })
}

/// What a token leads to.
struct Facts {
    tenant: Arc<Tenant>,
    install: Arc<Install>,
    grant: Option<Arc<Grant>>,
}

/// From memory alone: the usual case.
fn recall(engine: &Engine, token: &Token) -> Option<Facts> {
    let tenant = engine.memory.tenants.get(&token.tenant)?;
    let install = engine.memory.installs.get(&(token.tenant, token.app))?;
    let grant = match token.holder {
        Holder::Tenant => None,
        Holder::User { number, .. } => Some(engine.memory.grants.get(&(token.tenant, token.app, number))?),
    };
    Some(Facts { tenant, install, grant })
}

/// From the store, which fills memory on the way. `None` if something of it is not there.
async fn look_up(engine: &Arc<Engine>, token: Token) -> Result<Option<Facts>, StoreError> {
    engine
        .run(Effect::Reads, move |root| {
            let mut tx = root.tenant(token.tenant);
            Box::pin(async move {
                let Some(tenant) = tenants::get(&mut tx).await? else { return Ok(None) };
                let Some(install) = apps::install(&mut tx, token.app).await? else { return Ok(None) };
                let grant = match token.holder {
                    Holder::Tenant => None,
                    Holder::User { number, .. } => users::grant(&mut tx, token.app, number).await?,
                };
                tx.outcome()?;
                Ok(Some(Facts { tenant, install, grant }))
            })
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_decides_the_refusal() {
        for (text, code) in [
            ("t-x", codes::TOKEN_INVALID),
            ("u-x", codes::USER_TOKEN_INVALID),
            ("eyJhbGciOiJFUzI1NiIs", codes::USER_TOKEN_INVALID),
            ("a-x", codes::APP_TOKEN_INVALID),
            ("x", codes::TOKEN_PREFIX_UNKNOWN),
            ("T-x", codes::TOKEN_PREFIX_UNKNOWN),
        ] {
            assert_eq!(refusal(text), code, "{text}");
        }
    }
}
