//! Signing in: the addresses that codes may be sent to, app tickets, codes and refresh tokens.

use larkspur_contract::ids::AppId;

use crate::driver::StoreError;
use crate::{Row, Tx};

/// For how long a code or token that has ended is remembered, so that its caller learns why: 30 days.
pub(crate) const KEPT_MS: i64 = 30 * 24 * 3600 * 1000;

/// What an app says of signing in; kept in the tenant that made it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignIn {
    /// The addresses that codes may be sent to; none means any on this machine.
    pub redirect_uris: Vec<String>,
    /// How many tickets were made for the app after its first.
    pub ticket_no: i64,
    /// The first of its tickets that is still good: none that was made in the last hour is older.
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
    /// What was granted with it, separated by blanks.
    pub scopes: String,
    /// The challenge of PKCE; empty for none.
    pub challenge: String,
    /// `S256` or `plain`.
    pub challenge_method: String,
    /// In the tenant's time.
    pub expires_at: i64,
    /// Whether it was exchanged already.
    pub used: bool,
}

/// A refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    /// The app that it was given to.
    pub app_id: AppId,
    /// In whose name.
    pub user_id: String,
    /// The hash of the code that it came of, directly or by way of others; empty for one of an earlier release.
    pub family: String,
    /// The epoch of the grant that it belongs to; 0 if it was revoked by itself.
    pub epoch: i64,
    /// When the user granted, in the tenant's time; the tokens that follow keep it.
    pub authorized_at: i64,
    /// In the tenant's time.
    pub expires_at: i64,
    /// Whether it was exchanged already.
    pub used: bool,
}

/// What an app made in the transaction's tenant says of signing in.
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

/// How long a ticket is good at least, however many follow it: an hour, in milliseconds. Source: observed; an SDK asks for
/// tickets at each start and goes on with the first that comes.
const TICKET_GOOD_MS: i64 = 3600 * 1000;

/// Counts a new ticket of an app; its number. `now_ms` is the time of the tenant that made the app.
///
/// A mark stands at one of the tickets. When an hour has gone by since it was set, all tickets before the marked one are
/// older than that: those from the mark on stay good, and the mark moves to the new ticket.
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

/// Keeps a new code, and forgets those that ended long ago.
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

/// Uses a code up; false if another call did so first.
pub async fn use_code(tx: &mut Tx, hash: &str, now_ms: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE oauth_code SET used_at = $3 WHERE tenant = $1 AND code_hash = $2 AND used_at IS NULL RETURNING code_hash";
    Ok(tx.row(sql, [hash.into(), now_ms.into()]).await?.is_some())
}

/// Keeps a new refresh token, and forgets those that ended long ago.
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

/// Revokes the refresh tokens that came of a code and are not used up.
pub async fn end_family(tx: &mut Tx, family: &str) -> Result<(), StoreError> {
    let sql = "UPDATE oauth_refresh SET epoch = 0 WHERE tenant = $1 AND family = $2 AND used_at IS NULL";
    tx.rows(sql, [family.into()]).await.map(drop)
}

/// Uses a refresh token up; false if another call did so first.
pub async fn use_refresh(tx: &mut Tx, hash: &str, now_ms: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE oauth_refresh SET used_at = $3 WHERE tenant = $1 AND token_hash = $2 AND used_at IS NULL RETURNING token_hash";
    Ok(tx.row(sql, [hash.into(), now_ms.into()]).await?.is_some())
}
