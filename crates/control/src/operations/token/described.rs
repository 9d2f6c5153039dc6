//! What a token is, and whether it is accepted.

use std::sync::Arc;

use larkspur_api::Actor;
use larkspur_api::rules::oauth::{self as rules, Spent};
use larkspur_api::tokens::{Holder, Token, judging};
use larkspur_contract::model::UserStatus;
use larkspur_contract::{Code, Fault, codes};
use larkspur_store::apps::{self, Scopes};
use larkspur_store::oauth::Refresh;
use larkspur_store::{Tx, users};
use schemars::JsonSchema;
use serde::Serialize;

use crate::refused::Refusal;

/// What the token is. The token itself is not answered.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Whether this server issued it.
    pub(super) known: bool,
    /// Whether it is of this world. Nothing more is said of a token of another world.
    pub(super) of_this_world: bool,
    /// `tenant`, `user`, `app`, `refresh` or `unknown`.
    pub(super) kind: &'static str,
    /// Whether it is a JSON web token.
    pub(super) jwt: bool,
    /// Its last four characters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) tail: String,
    /// The app that it was issued to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) app: Option<App>,
    /// The user in whose name the app acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<User>,
    /// What it may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scopes: Option<Vec<String>>,
    /// Whether it may do less than the user granted.
    pub(super) narrowed: bool,
    /// When it expires, in milliseconds since 1970 by the world's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_at_ms: Option<i64>,
    /// How long it is still valid, in seconds by the world's clock; negative if it has expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_in_s: Option<i64>,
    /// The world's time, in milliseconds since 1970.
    pub(super) world_now_ms: i64,
    /// Whether it is accepted now.
    pub(super) valid: bool,
    /// Why it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<Refusal>,
}

/// The app of a token.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct App {
    /// Its ID.
    app_id: String,
    /// Its name; absent if it was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Whether the world uses it: `enabled`, `disabled` or `uninstalled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

/// The user of a token.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct User {
    /// The user_id.
    user_id: String,
    /// The name.
    name: String,
    /// The user, as seen by the app.
    open_id: String,
    /// State of the account.
    status: UserStatus,
}

/// The kind of a token by its prefix.
pub(super) fn kind(text: &str) -> &'static str {
    match text.split_once('-').map(|(prefix, _)| prefix) {
        Some("t") => "tenant",
        Some("u") => "user",
        Some("a") => "app",
        Some("ur") => "refresh",
        _ if text.starts_with("eyJ") => "user",
        _ => "unknown",
    }
}

pub(super) async fn of_access(
    tx: &mut Tx,
    text: &str,
    token: &Token,
    narrowed: Option<&Scopes>,
    head: Output,
) -> Result<(Output, Result<(), Fault>), Fault> {
    let now = head.world_now_ms;
    let install = apps::stored_install(tx, token.app).await?;
    let (mut grant, mut user) = (None, None);
    if let Holder::User { number, .. } = token.holder {
        grant = users::stored_grant(tx, token.app, number).await?.map(Arc::new);
        user = shown_user(tx, number, token).await?;
    }
    let judged = match (&install, token.holder) {
        (None, _) => Err(judging::gone(text)),
        // It is accepted where an app has to show who it is.
        (Some(_), Holder::App) if token.expires_at > now => Ok(None),
        (Some(_), _) => judging::judge(text, token, narrowed, grant.clone(), now).map(Some),
    };
    let held = match &judged {
        Ok(Some(Actor::User { grant, .. })) => Some(grant.scopes.clone()),
        _ => install.as_ref().filter(|_| token.holder == Holder::Tenant).map(|found| found.scopes.clone()),
    };
    let shown = Output {
        app: Some(App {
            app_id: token.app.to_string(),
            status: install.as_ref().map(|install| install.status.as_str()),
            name: install.map(|install| install.name),
        }),
        user,
        scopes: held.map(|scopes| scopes.iter().map(str::to_owned).collect()),
        narrowed: narrowed.is_some(),
        expires_at_ms: Some(token.expires_at),
        expires_in_s: Some(token.expires_at.saturating_sub(now).div_euclid(1000)),
        ..head
    };
    Ok((shown, judged.map(drop)))
}

async fn shown_user(tx: &mut Tx, number: u64, token: &Token) -> Result<Option<User>, Fault> {
    let found = users::by_numbers(tx, [number.cast_signed()]).await?.pop();
    let open_id = tx.engine().keys.open_id(number, token.app).to_string();
    Ok(found.map(|user| User { user_id: user.user_id, name: user.name, open_id, status: user.status }))
}

pub(super) async fn of_refresh(
    tx: &mut Tx,
    found: &Refresh,
    head: Output,
) -> Result<(Output, Result<(), Fault>), Fault> {
    let now = head.world_now_ms;
    let install = apps::stored_install(tx, found.app_id).await?;
    let user = users::by_id(tx, &found.user_id).await?;
    let grant = match &user {
        Some(user) => users::stored_grant(tx, found.app_id, user.user_no.cast_unsigned()).await?,
        None => None,
    };
    let current = grant.as_ref().is_some_and(|grant| rules::is_of_grant(found, grant.epoch));
    let spent = rules::spent(found, now).or_else(|| (!current).then_some(Spent::Revoked));
    let judged = spent.map_or(Ok(()), |spent| {
        let (code, note): (Code, _) = match spent {
            Spent::Used => (codes::OAUTH_REFRESH_USED, "the token was used"),
            Spent::Expired => (codes::OAUTH_REFRESH_EXPIRED, "the token has expired"),
            Spent::Revoked => (codes::OAUTH_REFRESH_REVOKED, "the grant was revoked"),
        };
        Err(Fault::new(code, note).by_rule("refresh_token"))
    });
    let keys = &tx.engine().keys;
    let open_id = |number: i64| keys.open_id(number.cast_unsigned(), found.app_id).to_string();
    let shown = Output {
        app: Some(App {
            app_id: found.app_id.to_string(),
            status: install.as_ref().map(|install| install.status.as_str()),
            name: install.map(|install| install.name),
        }),
        user: user.map(|user| User {
            open_id: open_id(user.user_no),
            user_id: user.user_id,
            name: user.name,
            status: user.status,
        }),
        scopes: grant.map(|grant| grant.scopes.iter().map(str::to_owned).collect()),
        expires_at_ms: Some(found.expires_at),
        expires_in_s: Some(found.expires_at.saturating_sub(now).div_euclid(1000)),
        ..head
    };
    Ok((shown, judged))
}
