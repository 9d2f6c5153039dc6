//! Signing in: redirect addresses, app tickets, codes and refresh tokens.

use larkspur_contract::ids::AppId;

use crate::driver::StoreError;
use crate::{Row, Tx};

/// For how long an expired code or token is kept, so that its caller learns why it fails: 30 days.
pub(crate) const KEPT_MS: i64 = 30 * 24 * 3600 * 1000;

/// An app's settings for signing in; kept in the tenant that made it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignIn {
    /// The addresses that codes may be sent to; empty allows any on this machine.
    pub redirect_uris: Vec<String>,
    /// How many tickets were made for the app after its first.
    pub ticket_no: i64,
    /// The number of the oldest valid ticket. No ticket of the last hour is older.
    pub tickets_from: i64,
}

/// A code that was given to a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthCode {
    /// The app that it was made for.
    pub app_id: AppId,
    /// The user who granted.
    pub user_id: String,
    /// The address that it was sent to.
    pub redirect_uri: String,
    /// The scopes granted with it, separated by blanks.
    pub scopes: String,
    /// The challenge of PKCE; empty for none.
    pub challenge: String,
    /// `S256` or `plain`.
    pub challenge_method: String,
    /// When it expires, in the tenant's time.
    pub expires_at: i64,
    /// Whether it was exchanged already.
    pub used: bool,
}

/// A refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    /// The app that it was given to.
    pub app_id: AppId,
    /// The user.
    pub user_id: String,
    /// The hash of the code from which it comes, directly or through earlier tokens; empty if made by an earlier
    /// release.
    pub family: String,
    /// The epoch of its grant; 0 if it was revoked individually.
    pub epoch: i64,
    /// When the user granted, in the tenant's time; the tokens that follow keep it.
    pub authorized_at: i64,
    /// When it expires, in the tenant's time.
    pub expires_at: i64,
    /// Whether it was exchanged already.
    pub used: bool,
}

/// The sign-in settings of an app made in the transaction's tenant.
pub async fn sign_in(tx: &mut Tx, app_id: AppId) -> Result<SignIn, StoreError> {
    let sql =
        "SELECT redirect_uris, ticket_no, tickets_from FROM app_sign_in WHERE tenant = $1 AND app_id = $2";
    let Some(mut row) = tx.row(sql, [app_id.into()]).await? else { return Ok(SignIn::default()) };
    Ok(SignIn {
        redirect_uris: row.text(0)?.split_ascii_whitespace().map(str::to_owned).collect(),
        ticket_no: row.int(1)?,
        tickets_from: row.int(2)?,
    })
}

/// Replaces the addresses that codes may be sent to.
pub async fn set_redirect_uris(tx: &mut Tx, app_id: AppId, uris: &[String]) -> Result<(), StoreError> {
    let sql = "INSERT INTO app_sign_in (tenant, app_id, redirect_uris, ticket_no) VALUES ($1, $2, $3, 0) \
               ON CONFLICT (tenant, app_id) DO UPDATE SET redirect_uris = excluded.redirect_uris";
    tx.rows(sql, [app_id.into(), uris.join(" ").into()]).await.map(drop)
}

/// The minimum lifetime of a ticket, however many follow it: an hour, in milliseconds. Source: observed; an SDK asks
/// for a ticket at each start and continues with the first that arrives.
const TICKET_GOOD_MS: i64 = 3600 * 1000;

/// Counts a new ticket of an app and returns its number. `now_ms` is the time of the tenant that made the app.
///
/// A mark points at one of the tickets. An hour after it was set, all tickets before it are more than an hour old. Then
/// the tickets from the mark on stay valid, and the mark moves to the new ticket.
pub async fn next_ticket(tx: &mut Tx, app_id: AppId, now_ms: i64) -> Result<i64, StoreError> {
    let sql = "INSERT INTO app_sign_in (tenant, app_id, redirect_uris, ticket_no, tickets_from, ticket_mark, ticket_marked_at) \
               VALUES ($1, $2, '', 1, 0, 1, $3) \
               ON CONFLICT (tenant, app_id) DO UPDATE SET ticket_no = app_sign_in.ticket_no + 1, \
               tickets_from = CASE WHEN app_sign_in.ticket_marked_at <= $4 THEN app_sign_in.ticket_mark ELSE app_sign_in.tickets_from END, \
               ticket_mark = CASE WHEN app_sign_in.ticket_marked_at <= $4 THEN app_sign_in.ticket_no + 1 ELSE app_sign_in.ticket_mark END, \
               ticket_marked_at = CASE WHEN app_sign_in.ticket_marked_at <= $4 THEN $3 ELSE app_sign_in.ticket_marked_at END \
               RETURNING ticket_no";
    let row = tx.row(sql, [app_id.into(), now_ms.into(), (now_ms - TICKET_GOOD_MS).into()]).await?;
    row.map_or_else(|| Err(StoreError::Broken("no ticket was counted".to_owned())), |row| row.int(0))
}

/// Stores a new code, and deletes those that expired long ago.
pub async fn insert_code(tx: &mut Tx, hash: &str, code: &AuthCode, now_ms: i64) -> Result<(), StoreError> {
    let old = "DELETE FROM oauth_code WHERE tenant = $1 AND expires_at < $2";
    tx.rows(old, [(now_ms - KEPT_MS).into()]).await?;
    let sql = "INSERT INTO oauth_code (tenant, code_hash, app_id, user_id, redirect_uri, scopes, challenge, challenge_method, expires_at, used_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL)";
    let params = [
        hash.into(),
        code.app_id.into(),
        code.user_id.as_str().into(),
        code.redirect_uri.as_str().into(),
        code.scopes.as_str().into(),
        code.challenge.as_str().into(),
        code.challenge_method.as_str().into(),
        code.expires_at.into(),
    ];
    tx.rows(sql, params).await.map(drop)
}

/// A code by its hash.
pub async fn code(tx: &mut Tx, hash: &str) -> Result<Option<AuthCode>, StoreError> {
    let sql = "SELECT app_id, user_id, redirect_uri, scopes, challenge, challenge_method, expires_at, used_at \
               FROM oauth_code WHERE tenant = $1 AND code_hash = $2";
    tx.row(sql, [hash.into()]).await?.map(auth_code).transpose()
}

fn auth_code(mut row: Row) -> Result<AuthCode, StoreError> {
    Ok(AuthCode {
        app_id: row.id(0, AppId::parse)?,
        user_id: row.text(1)?,
        redirect_uri: row.text(2)?,
        scopes: row.text(3)?,
        challenge: row.text(4)?,
        challenge_method: row.text(5)?,
        expires_at: row.int(6)?,
        used: row.int_or_null(7)?.is_some(),
    })
}

/// Marks a code as used; false if another call did so first.
pub async fn use_code(tx: &mut Tx, hash: &str, now_ms: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE oauth_code SET used_at = $3 WHERE tenant = $1 AND code_hash = $2 AND used_at IS NULL RETURNING code_hash";
    Ok(tx.row(sql, [hash.into(), now_ms.into()]).await?.is_some())
}

/// Stores a new refresh token, and deletes those that expired long ago.
pub async fn insert_refresh(
    tx: &mut Tx,
    hash: &str,
    refresh: &Refresh,
    now_ms: i64,
) -> Result<(), StoreError> {
    let old = "DELETE FROM oauth_refresh WHERE tenant = $1 AND expires_at < $2";
    tx.rows(old, [(now_ms - KEPT_MS).into()]).await?;
    let sql = "INSERT INTO oauth_refresh (tenant, token_hash, app_id, user_id, epoch, authorized_at, expires_at, used_at, family) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $8)";
    let params = [
        hash.into(),
        refresh.app_id.into(),
        refresh.user_id.as_str().into(),
        refresh.epoch.into(),
        refresh.authorized_at.into(),
        refresh.expires_at.into(),
        refresh.family.as_str().into(),
    ];
    tx.rows(sql, params).await.map(drop)
}

/// A refresh token by its hash.
pub async fn refresh(tx: &mut Tx, hash: &str) -> Result<Option<Refresh>, StoreError> {
    let sql = "SELECT app_id, user_id, epoch, authorized_at, expires_at, used_at, family FROM oauth_refresh \
               WHERE tenant = $1 AND token_hash = $2";
    let Some(mut row) = tx.row(sql, [hash.into()]).await? else { return Ok(None) };
    Ok(Some(Refresh {
        app_id: row.id(0, AppId::parse)?,
        user_id: row.text(1)?,
        family: row.text(6)?,
        epoch: row.int(2)?,
        authorized_at: row.int(3)?,
        expires_at: row.int(4)?,
        used: row.int_or_null(5)?.is_some(),
    }))
}

/// Revokes the unused refresh tokens of a sign-in.
pub async fn end_family(tx: &mut Tx, family: &str) -> Result<(), StoreError> {
    let sql = "UPDATE oauth_refresh SET epoch = 0 WHERE tenant = $1 AND family = $2 AND used_at IS NULL";
    tx.rows(sql, [family.into()]).await.map(drop)
}

/// Revokes the unused refresh tokens of the sign-ins whose codes have hashes that begin like this, in hex.
pub async fn end_families(tx: &mut Tx, prefix: &str) -> Result<(), StoreError> {
    let sql = "UPDATE oauth_refresh SET epoch = 0 WHERE tenant = $1 AND family >= $2 AND family < $3 AND used_at IS NULL";
    tx.rows(sql, [prefix.into(), format!("{prefix}g").into()]).await.map(drop)
}

/// The refresh tokens of an app that can still be exchanged, by user and epoch, with their expiries: of the 5,000 of the
/// tenant that expire last.
const LIVE: &str = "SELECT o.user_id, o.epoch, o.expires_at FROM (SELECT app_id, user_id, epoch, expires_at, used_at FROM oauth_refresh \
                    WHERE tenant = $1 AND expires_at > $2 ORDER BY expires_at DESC LIMIT 5000) o \
                    WHERE o.app_id = $3 AND o.used_at IS NULL";

/// A refresh token that can still be exchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// The user.
    pub user_id: String,
    /// The epoch of its grant.
    pub epoch: i64,
    /// When it expires, in the tenant's time.
    pub expires_at: i64,
}

/// The refresh tokens of an app that were not used and have not expired: of the 5,000 of the tenant that expire last.
///
/// # Errors
/// The store is unavailable.
pub async fn live(tx: &mut Tx, app_id: AppId, now_ms: i64) -> Result<Vec<Live>, StoreError> {
    let rows = tx.rows(LIVE, [now_ms.into(), app_id.into()]).await?;
    let live = |mut row: Row| Ok(Live { user_id: row.text(0)?, epoch: row.int(1)?, expires_at: row.int(2)? });
    rows.into_iter().map(live).collect()
}

/// The statements of this file that read lists, for the test of their query plans.
pub const STATEMENTS: &[&str] = &[LIVE];

/// Marks a refresh token as used; false if another call did so first.
pub async fn use_refresh(tx: &mut Tx, hash: &str, now_ms: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE oauth_refresh SET used_at = $3 WHERE tenant = $1 AND token_hash = $2 AND used_at IS NULL RETURNING token_hash";
    Ok(tx.row(sql, [hash.into(), now_ms.into()]).await?.is_some())
}
