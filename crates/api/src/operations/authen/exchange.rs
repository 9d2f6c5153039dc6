//! Codes and refresh tokens become a user's session: one set of rules, told in the numbers of two generations of the API.

use std::sync::Arc;

use larkspur_contract::ids::TenantKey;
use larkspur_contract::model::{InstallStatus, UserStatus};
use larkspur_contract::scopes::OFFLINE_ACCESS;
use larkspur_contract::{Code, Fault, codes};
use larkspur_store::apps::{self, App, Install};
use larkspur_store::oauth::{self, Refresh};
use larkspur_store::users::{self, Grant, User};
use larkspur_store::{Keys, Root, Tx, tenants};

use crate::tokens::{Holder, LIFE_MS, Token};
use crate::{RootCall, rules};

/// After so long a user must grant again, in milliseconds. Source: the refresh page (365 days).
const AUTHORIZED_MS: i64 = 365 * 24 * 3600 * 1000;

/// The generation of the endpoint, which decides the numbers and texts of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::operations) enum Form {
    /// `authen/v2` and `oauth/v3`.
    OAuth,
    /// `authen/v1`.
    Historic,
}

impl Form {
    fn fault(self, oauth: Code, historic: Code, note: &'static str) -> Fault {
        Fault::new(if self == Form::OAuth { oauth } else { historic }, note)
    }

    /// How long a refresh token lives, in milliseconds. Source: samples of the pages (7 days, 30 days).
    fn refresh_life(self) -> i64 {
        let days = if self == Form::OAuth { 7 } else { 30 };
        days * 24 * 3600 * 1000
    }
}

/// Somebody who has signed in.
pub(in crate::operations) struct Session {
    /// The user's tenant.
    pub(in crate::operations) tx: Tx,
    /// The tenant's time.
    pub(in crate::operations) now: i64,
    pub(in crate::operations) user: User,
    pub(in crate::operations) install: Arc<Install>,
    pub(in crate::operations) grant: Grant,
    /// When the user granted.
    authorized_at: i64,
}

/// Opens the tenant that stands in front of a code or token.
async fn home(root: &mut Root, call: &RootCall, text: &str) -> Result<Option<(Tx, i64)>, Fault> {
    let Some(tenant) = text.get(..16).and_then(TenantKey::parse) else { return Ok(None) };
    let mut tx = root.tenant(tenant);
    let found = tenants::get(&mut tx).await?;
    Ok(found.map(|found| (tx, call.now + found.clock_offset_ms)))
}

/// Uses a code up.
pub(in crate::operations) async fn by_code(
    root: &mut Root,
    call: &RootCall,
    form: Form,
    app: &App,
    code: &str,
    redirect_uri: Option<&str>,
    verifier: Option<&str>,
) -> Result<Session, Fault> {
    let unknown = || form.fault(codes::OAUTH_CODE_NOT_FOUND, codes::AUTHEN_CODE_INVALID, "no such code");
    let (mut tx, now) = home(root, call, code).await?.ok_or_else(unknown)?;
    let hash = call.engine.keys.hash_secret(code);
    let found = oauth::code(&mut tx, &hash).await?.ok_or_else(unknown)?;
    let used = || form.fault(codes::OAUTH_CODE_USED, codes::AUTHEN_CODE_INVALID, "the code was used");
    if found.app_id != app.app_id {
        return Err(mismatch(form));
    }
    if found.used {
        return Err(used());
    }
    if found.expires_at <= now {
        return Err(form.fault(
            codes::OAUTH_CODE_EXPIRED,
            codes::AUTHEN_CODE_EXPIRED,
            "the code has expired",
        ));
    }
    if redirect_uri.is_some_and(|uri| uri != found.redirect_uri) {
        return Err(Fault::new(codes::OAUTH_REDIRECT_MISMATCH, "the code went to another address"));
    }
    if !found.challenge.is_empty()
        && !rules::oauth::verifies(&found.challenge, &found.challenge_method, verifier.unwrap_or_default())
    {
        // The historic endpoints take no verifier, so that such a code is none of theirs.
        return Err(form.fault(
            codes::OAUTH_PKCE,
            codes::AUTHEN_CODE_INVALID,
            "the code_verifier does not fit",
        ));
    }
    let session = session(tx, form, app, &found.user_id, now, now).await?;
    let mut session = session.ok_or_else(unknown)?;
    if !oauth::use_code(&mut session.tx, &hash, now).await? {
        return Err(used());
    }
    Ok(session)
}

/// Uses a refresh token up.
pub(in crate::operations) async fn by_refresh(
    root: &mut Root,
    call: &RootCall,
    form: Form,
    app: &App,
    token: &str,
) -> Result<Session, Fault> {
    let unknown = || form.fault(codes::OAUTH_REFRESH_INVALID, codes::AUTHEN_REFRESH_INVALID, "no such token");
    let body = token.strip_prefix("ur-").ok_or_else(unknown)?;
    let (mut tx, now) = home(root, call, body).await?.ok_or_else(unknown)?;
    let hash = call.engine.keys.hash_secret(token);
    let found = oauth::refresh(&mut tx, &hash).await?.ok_or_else(unknown)?;
    let used = || form.fault(codes::OAUTH_REFRESH_USED, codes::AUTHEN_REFRESH_INVALID, "the token was used");
    let revoked =
        || form.fault(codes::OAUTH_REFRESH_REVOKED, codes::AUTHEN_REFRESH_INVALID, "the grant was revoked");
    if found.app_id != app.app_id {
        return Err(mismatch(form));
    }
    if found.used {
        return Err(used());
    }
    if found.expires_at <= now || found.authorized_at + AUTHORIZED_MS <= now {
        return Err(form.fault(
            codes::OAUTH_REFRESH_EXPIRED,
            codes::AUTHEN_REFRESH_EXPIRED,
            "the token has expired",
        ));
    }
    let session = session(tx, form, app, &found.user_id, now, found.authorized_at).await?;
    let mut session = session.filter(|session| session.grant.epoch == found.epoch).ok_or_else(revoked)?;
    let allowed = session.install.scopes.has(OFFLINE_ACCESS) && session.grant.scopes.has(OFFLINE_ACCESS);
    if form == Form::OAuth && !allowed {
        return Err(Fault::new(codes::OAUTH_REFRESH_NOT_ALLOWED, "offline_access is gone"));
    }
    if !oauth::use_refresh(&mut session.tx, &hash, now).await? {
        return Err(used());
    }
    Ok(session)
}

fn mismatch(form: Form) -> Fault {
    form.fault(codes::OAUTH_CLIENT_MISMATCH, codes::AUTHEN_CLIENT_MISMATCH, "it was given to another app")
}

/// Whether the app and the user may still go on; `None` if the user's grant is gone.
async fn session(
    mut tx: Tx,
    form: Form,
    app: &App,
    user_id: &str,
    now: i64,
    authorized_at: i64,
) -> Result<Option<Session>, Fault> {
    let disabled = |oauth, note| form.fault(oauth, codes::AUTHEN_APP_DISABLED, note);
    let gone = || disabled(codes::OAUTH_APP_NOT_INSTALLED, "the tenant has not installed the app");
    let install = apps::stored_install(&mut tx, app.app_id).await?.ok_or_else(gone)?;
    match install.status {
        InstallStatus::Enabled => {}
        InstallStatus::Uninstalled => return Err(gone()),
        InstallStatus::Disabled => {
            return Err(disabled(codes::OAUTH_APP_NOT_ENABLED, "the tenant has disabled the app"));
        }
    }
    let absent = || form.fault(codes::OAUTH_USER_ABSENT, codes::AUTHEN_USER_ABSENT, "there is no such user");
    let user = users::by_id(&mut tx, user_id).await?.ok_or_else(absent)?;
    let inactive = |historic| form.fault(codes::OAUTH_USER_STATUS, historic, "the user is not active");
    match user.status {
        UserStatus::Active => {}
        UserStatus::Frozen => return Err(inactive(codes::AUTHEN_USER_FROZEN)),
        UserStatus::Resigned => return Err(inactive(codes::AUTHEN_USER_RESIGNED)),
    }
    if form == Form::OAuth && !apps::is_visible_to(&mut tx, &install, user_id).await? {
        return Err(Fault::new(codes::OAUTH_USER_NOT_PERMITTED, "the user does not see the app"));
    }
    let grant = users::stored_grant(&mut tx, app.app_id, user.user_no.cast_unsigned()).await?;
    let install = Arc::new(install);
    Ok(grant.map(|grant| Session { tx, now, user, install, grant, authorized_at }))
}

impl Session {
    /// The access token that the session gives; its expiry is a whole second.
    pub(in crate::operations) fn token(&self) -> Token {
        Token {
            holder: Holder::User { number: self.user.user_no.cast_unsigned(), epoch: self.grant.epoch },
            tenant: self.tx.tenant(),
            app: self.install.app_id,
            expires_at: (self.now + LIFE_MS + 999) / 1000 * 1000,
        }
    }

    /// A new refresh token, with the seconds that it lives.
    pub(in crate::operations) async fn refresh(&mut self, form: Form) -> Result<(String, i64), Fault> {
        let token = format!("ur-{}{}", self.tx.tenant(), Keys::fresh_secret());
        let kept = Refresh {
            app_id: self.install.app_id,
            user_id: self.user.user_id.clone(),
            epoch: self.grant.epoch,
            authorized_at: self.authorized_at,
            expires_at: self.now + form.refresh_life(),
            used: false,
        };
        let hash = self.tx.engine().keys.hash_secret(&token);
        oauth::insert_refresh(&mut self.tx, &hash, &kept, self.now).await?;
        Ok((token, form.refresh_life() / 1000))
    }
}
