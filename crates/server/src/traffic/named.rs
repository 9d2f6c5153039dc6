//! Whom a call without an access token is about, from what it sent. A body that could not be decoded may still name an
//! app.

use bytes::Bytes;
use larkspur_api::tokens::Token;
use larkspur_api::{Caller, Presented};
use larkspur_contract::ids::{AppId, HookToken, TenantKey};
use larkspur_store::Keys;
use serde_json::Value;

/// Longer bodies are not looked at.
const BODY_MAX: usize = 1 << 16;

/// Whom a call names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// No tenant, and no app.
    Nothing,
    /// The tenant of a custom bot.
    Tenant(TenantKey),
    /// An app, in a tenant.
    Token(TenantKey, AppId),
    /// An app.
    App(AppId),
}

/// What a call sent.
#[derive(Clone, Copy)]
pub(crate) struct Sent<'a> {
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) body: Option<&'a Bytes>,
    pub(crate) caller: Option<&'a Caller>,
}

impl Named {
    /// Whom a call names: by the token of a custom bot in its path, by an app token in its body, or by the id of an app in its
    /// credentials, its body or its query.
    pub(crate) fn by(sent: Sent<'_>, keys: &Keys) -> Self {
        if let Some(tenant) = of_hook(sent.path, keys) {
            return Named::Tenant(tenant);
        }
        let short = sent.body.filter(|body| body.len() <= BODY_MAX);
        let body: Value = short.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
        let inner = body["app_access_token"].as_str().and_then(|text| Token::read(text, keys));
        if let Some(token) = inner {
            return Named::Token(token.tenant, token.app);
        }
        let app = match sent.caller {
            Some(Caller::Root(root)) => match &root.presented {
                Presented::App(app) => Some(*app),
                Presented::Basic { id, .. } => AppId::parse(id),
                Presented::Nothing | Presented::Unreadable => None,
            },
            _ => None,
        };
        let member =
            || ["app_id", "client_id", "AppID"].iter().find_map(|name| AppId::parse(body[name].as_str()?));
        let pair = || in_pairs(sent.query, short);
        app.or_else(member).or_else(pair).map_or(Named::Nothing, Named::App)
    }
}

/// The tenant of the custom bot that a path names.
fn of_hook(path: &str, keys: &Keys) -> Option<TenantKey> {
    let (_, token) = path.rsplit_once("/hook/")?;
    keys.read_hook_token(HookToken::parse(token.trim_end_matches('/'))?).map(|(_, tenant)| tenant)
}

/// The app that a query or a form names.
fn in_pairs(query: &str, body: Option<&Bytes>) -> Option<AppId> {
    let body = body.and_then(|body| str::from_utf8(body).ok()).unwrap_or_default();
    let pairs = query.split('&').chain(body.split('&'));
    let named = pairs.filter_map(|pair| pair.split_once('='));
    named
        .filter(|(name, _)| matches!(*name, "client_id" | "app_id"))
        .find_map(|(_, value)| AppId::parse(value))
}
