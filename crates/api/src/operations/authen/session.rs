//! A signed-in user, and the checks whether the session may continue.

use std::sync::Arc;

use larkspur_contract::model::{InstallStatus, UserStatus};
use larkspur_contract::{Code, Fault, codes};
use larkspur_store::apps::{self, App, Install};
use larkspur_store::oauth::{self, Refresh};
use larkspur_store::users::{self, Grant, User};
use larkspur_store::{Keys, Tx};

use crate::tokens::{self, Holder, LIFE_MS, Token};

/// The generation of the endpoint, which decides the codes and texts of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `authen/v2` and `oauth/v3`.
    OAuth,
    /// `authen/v1`.
    Historic,
}

impl Form {
    pub(crate) fn fault(self, oauth: Code, historic: Code, note: &'static str) -> Fault {
        Fault::new(if self == Form::OAuth { oauth } else { historic }, note)
    }

    /// How long a refresh token lives, in milliseconds. Source: samples of the pages (7 days, 30 days).
    fn refresh_life(self) -> i64 {
        let days = if self == Form::OAuth { 7 } else { 30 };
        days * 24 * 3600 * 1000
    }
}

/// A signed-in user.
pub(crate) struct Session {
    /// The user's tenant.
    pub(crate) tx: Tx,
    /// The tenant's time.
    pub(crate) now: i64,
    pub(crate) user: User,
    pub(crate) install: Arc<Install>,
    pub(crate) grant: Grant,
    /// When the user granted.
    authorized_at: i64,
    /// The hash of the code that produced it; empty for a session of an earlier release.
    family: String,
}

/// Checks whether app and user may continue; `None` if the user's grant was deleted. The last argument is when the user
/// granted, and the hash of the code.
pub(crate) async fn session(
    mut tx: Tx,
    form: Form,
    app: &App,
    user_id: &str,
    now: i64,
    (authorized_at, family): (i64, &str),
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
    let absent = || form.fault(codes::OAUTH_USER_ABSENT, codes::AUTHEN_USER_ABSENT, "no such user");
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
    Ok(grant.map(|grant| Session { tx, now, user, install, grant, authorized_at, family: family.to_owned() }))
}

impl Session {
    /// The access token of the session; its expiry is a whole second.
    pub(crate) fn token(&self) -> Token {
        Token {
            holder: Holder::User {
                number: self.user.user_no.cast_unsigned(),
                epoch: self.grant.epoch,
                family: tokens::family(&self.family),
            },
            tenant: self.tx.tenant(),
            app: self.install.app_id,
            expires_at: (self.now + LIFE_MS + 999) / 1000 * 1000,
        }
    }

    /// The whole seconds that its access token has left.
    pub(crate) fn seconds_left(&self) -> i64 {
        (self.token().expires_at - self.now) / 1000
    }

    /// Creates a refresh token; also returns its lifetime in seconds.
    pub(crate) async fn refresh(&mut self, form: Form) -> Result<(String, i64), Fault> {
        let token = format!("ur-{}{}", self.tx.tenant(), Keys::fresh_secret());
        let kept = Refresh {
            app_id: self.install.app_id,
            user_id: self.user.user_id.clone(),
            family: self.family.clone(),
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
