//! The caller, as far as it is known: for the log and for recorders.

use larkspur_api::tokens::{Holder, Token, jwt};
use larkspur_api::{Actor, Caller, Presented};
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::{Access, Spec};
use larkspur_store::Keys;

/// The caller, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    /// The tenant.
    pub tenant: Option<TenantKey>,
    /// The app.
    pub app_id: Option<AppId>,
    /// The user's number, from which open_id and union_id are derived.
    pub user: Option<u64>,
    /// The credential: `tenant`, `user`, `app`, `control`, `basic`, `none`, or `unreadable`.
    pub token: &'static str,
    /// Whether the other fields are only claims of a token that this server did not sign.
    pub claimed: bool,
}

impl Who {
    /// From the caller, or else from the token's own claims. The token is not kept.
    pub(super) fn of(
        keys: &Keys,
        spec: Option<&Spec>,
        authorization: Option<&str>,
        caller: Option<&Caller>,
    ) -> Self {
        let nothing = |token| Who { tenant: None, app_id: None, user: None, token, claimed: false };
        if let Some(Caller::Token(call)) = caller {
            let (token, user) = match call.actor {
                Actor::Bot => ("tenant", None),
                Actor::User { number, .. } => ("user", Some(number)),
            };
            let (tenant, app_id) = (Some(call.tenant), Some(call.app.app_id));
            return Who { tenant, app_id, user, token, claimed: false };
        }
        let is_control = spec.is_some_and(|spec| matches!(spec.access, Access::Control));
        let bearer = authorization.and_then(|text| text.strip_prefix("Bearer ")).map(str::trim);
        let mut who = match (authorization, bearer) {
            (None, _) if caller.is_some() && is_control => nothing("control"),
            (None, _) | (_, Some("")) => nothing("none"),
            (Some(text), None) if text.starts_with("Basic ") => nothing("basic"),
            (Some(_), None) => nothing("unreadable"),
            (Some(_), Some(_)) if caller.is_some() && is_control => nothing("control"),
            (Some(_), Some(text)) => Who::by_token(keys, text).unwrap_or(nothing("unreadable")),
        };
        if let Some(Caller::Root(call)) = caller
            && let Presented::App(app_id) = call.presented
        {
            who.app_id = Some(app_id);
        }
        who
    }

    /// For the control API, whose key names no tenant: the world and the app in the path.
    pub(super) fn about(self, params: &[(&'static str, &str)]) -> Self {
        if self.token != "control" {
            return self;
        }
        let value = |name: &str| params.iter().find(|(param, _)| *param == name).map(|(_, value)| *value);
        let (tenant, app_id) = (value("tenant_key"), value("app_id"));
        Who { tenant: tenant.and_then(TenantKey::parse), app_id: app_id.and_then(AppId::parse), ..self }
    }

    fn by_token(keys: &Keys, text: &str) -> Option<Self> {
        let is_jwt = text.starts_with("eyJ");
        let signed =
            if is_jwt { jwt::read(text, keys).map(|(token, _)| token) } else { Token::read(text, keys) };
        let claimed = signed.is_none();
        let token = signed.or_else(|| if is_jwt { jwt::claimed(text) } else { Token::claimed(text) })?;
        let (kind, user) = match token.holder {
            Holder::Tenant => ("tenant", None),
            Holder::App => ("app", None),
            Holder::User { number, .. } => ("user", Some(number)),
        };
        Some(Who { tenant: Some(token.tenant), app_id: Some(token.app), user, token: kind, claimed })
    }
}
