//! Helpers of the control operations: worlds, people and refusals.

use std::sync::Arc;

use larkspur_api::RootCall;
use larkspur_contract::ids::{AppId, ChatId, TenantKey};
use larkspur_contract::model::{InstallStatus, UserStatus};
use larkspur_contract::{Fault, codes};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::events::subscriptions::{self, Subscription};
use larkspur_store::policies::Policy;
use larkspur_store::tenants::Tenant;
use larkspur_store::users::User;
use larkspur_store::{LockedChat, Root, StoreError, Tx, apps, chats, members, tenants, users};

use crate::values;

/// The refusal of an unknown id: 5275404.
pub(crate) fn not_found(field: &str, id: &str, why: &str) -> Fault {
    Fault::new(codes::CONTROL_NOT_FOUND, format!("{field} {id}: {why}")).with_violation(field, Some(id), why)
}

/// The refusal of an id that is in use: 5275409.
pub(crate) fn conflict(field: &str, id: &str) -> Fault {
    Fault::new(codes::CONTROL_CONFLICT, format!("{field} {id} is taken")).with_violation(
        field,
        Some(id),
        codes::CONTROL_CONFLICT.text,
    )
}

/// Opens a world for reading; also returns its time.
pub(crate) async fn open(root: &mut Root, call: &RootCall, key: &str) -> Result<(Tx, i64), Fault> {
    let mut tx = root.tenant(tenant_key(key)?);
    let world = tenants::get(&mut tx).await?.ok_or_else(|| no_world(key))?;
    Ok((tx, call.now + world.clock_offset_ms))
}

/// Like [`open`]; also returns what the world's administrators allow, before its time.
pub(crate) async fn open_world(
    root: &mut Root,
    call: &RootCall,
    key: &str,
) -> Result<(Tx, Arc<Policy>, i64), Fault> {
    let (mut tx, now) = open(root, call, key).await?;
    let world = tenants::get(&mut tx).await?.ok_or_else(|| no_world(key))?;
    Ok((tx, world.policy.clone(), now))
}

/// Locks a world for a change; also returns its time.
pub(crate) async fn lock(root: &mut Root, call: &RootCall, key: &str) -> Result<(Tx, i64), Fault> {
    let (tx, _, now) = lock_world(root, call, key).await?;
    Ok((tx, now))
}

/// Like [`lock`]; also returns the world itself, before its time.
pub(crate) async fn lock_world(
    root: &mut Root,
    call: &RootCall,
    key: &str,
) -> Result<(Tx, Tenant, i64), Fault> {
    let mut tx = root.tenant(tenant_key(key)?);
    let world = tenants::lock(&mut tx).await?.ok_or_else(|| no_world(key))?;
    let now = call.now + world.clock_offset_ms;
    Ok((tx, world, now))
}

/// Parses the tenant key of a path.
pub(crate) fn tenant_key(key: &str) -> Result<TenantKey, Fault> {
    TenantKey::parse(key).ok_or_else(|| no_world(key))
}

/// The refusal of an unknown world.
pub(crate) fn no_world(key: &str) -> Fault {
    not_found("tenant_key", key, "no such world")
}

/// An app that is installed in the world.
pub(crate) async fn app(tx: &mut Tx, field: &str, id: &str) -> Result<apps::Install, Fault> {
    let found = match AppId::parse(id) {
        Some(app) => apps::stored_install(tx, app).await?,
        None => None,
    };
    found.ok_or_else(|| not_found(field, id, "no app with this id is installed in this world"))
}

/// A user of the world.
pub(crate) async fn user(tx: &mut Tx, field: &str, id: &str) -> Result<User, Fault> {
    let found = users::by_id(tx, id).await?;
    found.ok_or_else(|| not_found(field, id, "no such user in this world"))
}

/// The user who does something in the client: an active one of the world.
pub(crate) async fn actor(tx: &mut Tx, id: &str) -> Result<User, Fault> {
    let found = user(tx, "as", id).await?;
    if found.status != UserStatus::Active {
        return Err(values::invalid("as", Some(id), "the user is not active"));
    }
    Ok(found)
}

/// Like [`actor`], for something that is done in a chat, by one of its members.
pub(crate) async fn actor_in(tx: &mut Tx, chat: &Chat, id: &str) -> Result<User, Fault> {
    let found = actor(tx, id).await?;
    let member = Member::User(found.user_id.clone());
    if members::get(tx, chat.chat_id, &member).await?.is_none() {
        return Err(values::invalid("as", Some(id), "the user is not in the chat"));
    }
    Ok(found)
}

/// Like [`actor_in`], if one is named.
pub(crate) async fn actor_or_none(tx: &mut Tx, chat: &Chat, id: Option<&str>) -> Result<Option<User>, Fault> {
    match id {
        Some(id) => actor_in(tx, chat, id).await.map(Some),
        None => Ok(None),
    }
}

/// The bot of an app that a user finds in the client: the app is in use, and the user sees it.
pub(crate) async fn bot_for(tx: &mut Tx, app_id: &str, user: &User) -> Result<AppId, Fault> {
    let install = app(tx, "app_id", app_id).await?;
    let why = if !install.bot || install.status != InstallStatus::Enabled {
        "the app has no bot in use"
    } else if !apps::is_visible_to(tx, &install, &user.user_id).await? {
        "the user does not see the app"
    } else {
        return Ok(install.app_id);
    };
    Err(values::invalid("app_id", Some(app_id), why))
}

/// The member of chats that a user_id or an app_id of the world names.
pub(crate) async fn member(tx: &mut Tx, field: &str, id: &str) -> Result<Member, Fault> {
    if id.starts_with(AppId::PREFIX) {
        return Ok(Member::Bot(app(tx, field, id).await?.app_id));
    }
    Ok(Member::User(user(tx, field, id).await?.user_id))
}

/// A chat of the world.
pub(crate) async fn chat(tx: &mut Tx, id: &str) -> Result<Chat, Fault> {
    let found = match ChatId::parse(id) {
        Some(chat) => chats::get(tx, chat).await?,
        None => None,
    };
    found.ok_or_else(|| no_chat(id))
}

/// Locks a chat of the world for a change.
pub(crate) async fn lock_chat(tx: &mut Tx, id: &str) -> Result<LockedChat, Fault> {
    let found = match ChatId::parse(id) {
        Some(chat) => chats::lock(tx, chat).await?,
        None => None,
    };
    found.ok_or_else(|| no_chat(id))
}

/// The refusal of an unknown chat.
pub(crate) fn no_chat(id: &str) -> Fault {
    not_found("chat_id", id, "no such chat in this world")
}

/// Checks that all users of a list exist.
pub(crate) async fn known_users(tx: &mut Tx, field: &str, ids: &[String]) -> Result<(), Fault> {
    let found = users::by_ids(tx, ids.iter().map(String::as_str)).await?;
    match ids.iter().find(|id| found.iter().all(|user| user.user_id != **id)) {
        Some(unknown) => Err(not_found(field, unknown, "no such user in this world")),
        None => Ok(()),
    }
}

/// A new app id.
pub(crate) fn app_id(tx: &Tx) -> AppId {
    AppId(tx.random_id() as u64)
}

/// A new tenant key.
pub(crate) fn fresh_tenant(root: &Root) -> TenantKey {
    TenantKey(root.engine().ids.random() as u64)
}

/// Creates an app and installs it in its developer's world; `None` if the id is in use.
pub(crate) async fn make_app(
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

/// Subscribes a new custom app of the world to everything by long connection, so that a bot that connects hears at once.
pub(crate) async fn subscribe(tx: &mut Tx, app_id: AppId) -> Result<(), StoreError> {
    let subscription = Subscription::by_connection();
    subscriptions::set(tx, app_id, &subscription).await?;
    subscriptions::announce_here(tx, app_id, &subscription).await
}
