//! What the control operations share: worlds, people and refusals.

use larkspur_contract::ids::{AppId, ChatId, TenantKey};
use larkspur_contract::{Fault, codes};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::users::User;
use larkspur_store::{LockedChat, Root, StoreError, Tx, apps, chats, tenants, users};

use crate::RootCall;

/// The most that a clock may be moved, and a token's life be, in milliseconds: a hundred years, so that no sum overflows.
pub(super) const TIME_MAX_MS: i64 = 100 * 365 * 24 * 3600 * 1000;

/// A refusal of a value: 5275400.
pub(super) fn invalid(field: &str, value: Option<&str>, why: &str) -> Fault {
    Fault::new(codes::CONTROL_PARAM_INVALID, format!("{field}: {why}")).with_violation(field, value, why)
}

/// A refusal of an id that names nothing: 5275404.
pub(super) fn not_found(field: &str, id: &str, why: &str) -> Fault {
    Fault::new(codes::CONTROL_NOT_FOUND, format!("{field} {id}: {why}")).with_violation(field, Some(id), why)
}

/// A refusal of an id that is taken: 5275409.
pub(super) fn conflict(field: &str, id: &str) -> Fault {
    Fault::new(codes::CONTROL_CONFLICT, format!("{field} {id} is taken")).with_violation(
        field,
        Some(id),
        codes::CONTROL_CONFLICT.text,
    )
}

/// A world opened for reading, and its time.
pub(super) async fn open(root: &mut Root, call: &RootCall, key: &str) -> Result<(Tx, i64), Fault> {
    let mut tx = root.tenant(tenant_key(key)?);
    let world = tenants::get(&mut tx).await?.ok_or_else(|| no_world(key))?;
    Ok((tx, call.now + world.clock_offset_ms))
}

/// A world taken for a change, and its time.
pub(super) async fn lock(root: &mut Root, call: &RootCall, key: &str) -> Result<(Tx, i64), Fault> {
    let mut tx = root.tenant(tenant_key(key)?);
    let world = tenants::lock(&mut tx).await?.ok_or_else(|| no_world(key))?;
    Ok((tx, call.now + world.clock_offset_ms))
}

/// The tenant that a path names.
pub(super) fn tenant_key(key: &str) -> Result<TenantKey, Fault> {
    TenantKey::parse(key).ok_or_else(|| no_world(key))
}

/// The refusal of a world that is not there.
pub(super) fn no_world(key: &str) -> Fault {
    not_found("tenant_key", key, "there is no such world")
}

/// An app as it is installed in the world.
pub(super) async fn app(tx: &mut Tx, field: &str, id: &str) -> Result<apps::Install, Fault> {
    let found = match AppId::parse(id) {
        Some(app) => apps::stored_install(tx, app).await?,
        None => None,
    };
    found.ok_or_else(|| not_found(field, id, "no such app is installed in this world"))
}

/// A user of the world.
pub(super) async fn user(tx: &mut Tx, field: &str, id: &str) -> Result<User, Fault> {
    let found = users::by_id(tx, id).await?;
    found.ok_or_else(|| not_found(field, id, "there is no such user in this world"))
}

/// A user_id or an app_id of the world, as a member of chats.
pub(super) async fn member(tx: &mut Tx, field: &str, id: &str) -> Result<Member, Fault> {
    if id.starts_with(AppId::PREFIX) {
        return Ok(Member::Bot(app(tx, field, id).await?.app_id));
    }
    Ok(Member::User(user(tx, field, id).await?.user_id))
}

/// A chat of the world.
pub(super) async fn chat(tx: &mut Tx, id: &str) -> Result<Chat, Fault> {
    let found = match ChatId::parse(id) {
        Some(chat) => chats::get(tx, chat).await?,
        None => None,
    };
    found.ok_or_else(|| no_chat(id))
}

/// A chat of the world, taken for a change.
pub(super) async fn lock_chat(tx: &mut Tx, id: &str) -> Result<LockedChat, Fault> {
    let found = match ChatId::parse(id) {
        Some(chat) => chats::lock(tx, chat).await?,
        None => None,
    };
    found.ok_or_else(|| no_chat(id))
}

fn no_chat(id: &str) -> Fault {
    not_found("chat_id", id, "there is no such chat in this world")
}

/// Words that fit into a list separated by blanks.
pub(super) fn scopes(field: &str, scopes: &[String]) -> Result<apps::Scopes, Fault> {
    match scopes.iter().find(|scope| scope.is_empty() || scope.contains(char::is_whitespace)) {
        Some(wrong) => Err(invalid(field, Some(wrong), "a scope is a word without blanks")),
        None => Ok(apps::Scopes::new(scopes.iter().map(String::as_str))),
    }
}

/// The users in a list, all of whom must be there.
pub(super) async fn known_users(tx: &mut Tx, field: &str, ids: &[String]) -> Result<(), Fault> {
    let found = users::by_ids(tx, ids.iter().map(String::as_str)).await?;
    match ids.iter().find(|id| found.iter().all(|user| user.user_id != **id)) {
        Some(unknown) => Err(not_found(field, unknown, "there is no such user in this world")),
        None => Ok(()),
    }
}

/// Whether a text may be a user_id: nothing that another id could be taken for, and nothing that a URL would change.
pub(super) fn user_id(id: &str) -> Result<(), Fault> {
    let why = if id.is_empty() || id.len() > 64 {
        "1 to 64 characters"
    } else if ["cli_", "oc_", "ou_", "on_"].iter().any(|prefix| id.starts_with(prefix)) {
        "must not start with cli_, oc_, ou_ or on_"
    } else if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.@".contains(&byte)) {
        "letters, digits and _ - . @ only"
    } else {
        return Ok(());
    };
    Err(invalid("user_id", Some(id), why))
}

/// Whether a text may be the token of a document: one segment of a URL.
pub(super) fn document_token(token: &str) -> Result<(), Fault> {
    let fits = (1..=64).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if fits { Ok(()) } else { Err(invalid("token", Some(token), "1 to 64 letters, digits, _ and -")) }
}

/// The first `length` base-36 digits, lower case, of a random number; at most 24 of them are random.
pub(super) fn word(mut random: u128, length: usize) -> String {
    const DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(length);
    for _ in 0..length {
        #[allow(clippy::cast_possible_truncation, reason = "a remainder of 36")]
        text.push(char::from(DIGITS[(random % 36) as usize]));
        random /= 36;
    }
    text
}

/// A fresh app id.
#[allow(clippy::cast_possible_truncation, reason = "any 64 of the random bits")]
pub(super) fn app_id(tx: &Tx) -> AppId {
    AppId(tx.random_id() as u64)
}

/// A fresh tenant.
#[allow(clippy::cast_possible_truncation, reason = "any 64 of the random bits")]
pub(super) fn fresh_tenant(root: &Root) -> TenantKey {
    TenantKey(root.engine().ids.random() as u64)
}

/// Makes an app and installs it in its developer's world; `None` if the id is taken.
pub(super) async fn make_app(
    root: &mut Root,
    tx: &mut Tx,
    app: &apps::App,
    settings: &apps::InstallSettings,
    now: i64,
) -> Result<Option<()>, StoreError> {
    if !apps::register(root, app, now).await? {
        return Ok(None);
    }
    apps::set_install(tx, app.app_id, settings).await.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_ids() {
        for good in ["a", "4d7a3c6g", "anna.b@example-corp_1", &"x".repeat(64)] {
            assert!(user_id(good).is_ok(), "{good}");
        }
        for bad in ["", "cli_1", "oc_1", "ou_1", "on_1", "a b", "a/b", "user:1", "ä", &"x".repeat(65)] {
            assert_eq!(user_id(bad).expect_err(bad).code(), codes::CONTROL_PARAM_INVALID);
        }
    }

    #[test]
    fn document_tokens() {
        assert!(document_token("doxcnAbC_-1").is_ok());
        for bad in ["", "a/b", "a?b", "a#b", "a b", &"x".repeat(65)] {
            assert!(document_token(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn words_are_as_long_as_asked_and_differ() {
        let (one, other) = (word(1, 8), word(2, 8));
        assert_eq!((one.len(), other.len()), (8, 8));
        assert_ne!(one, other);
        assert!(user_id(&word(u128::MAX, 24)).is_ok());
    }

    #[test]
    fn scopes_are_words() {
        assert!(scopes("scopes", &["im:chat".to_owned()]).is_ok());
        for bad in ["", "im:chat im:tag:read", "a\tb"] {
            assert!(scopes("scopes", &[bad.to_owned()]).is_err(), "{bad:?}");
        }
    }
}
