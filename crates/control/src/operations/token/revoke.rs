use larkspur_api::tokens::{self, Holder, LIFE_MS};
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::Basis::Assumed;
use larkspur_contract::ids::AppId;
use larkspur_contract::{Behaviour, Consumes, Effect, Fault, Spec, codes, post};
use larkspur_store::users::User;
use larkspur_store::{Root, Tx, oauth, users};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Known;
use crate::operations::{CONTROL, WorldPath};
use crate::{support, values};

/// `POST /larkspur/v1/worlds/:tenant_key/tokens/revoke`
pub(crate) struct Revoke;

/// A token, or a user and an app.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// A user's access token or a refresh token: its sign-in ends. It is neither logged nor answered.
    token: Option<String>,
    /// A user_id, with `app_id` and instead of `token`: all tokens of this user for the app end.
    user_id: Option<String>,
    /// The app.
    app_id: Option<String>,
}

/// What has ended.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// What was revoked.
    revoked: Revoked,
    /// The app.
    app_id: String,
    /// The user.
    user_id: String,
}

/// What was revoked.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Revoked {
    /// The access tokens and the refresh tokens of one sign-in.
    SignIn,
    /// All tokens of the user for the app.
    Grant,
}

impl Operation for Revoke {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.token.revoke",
        summary: "Revoke the tokens of a sign-in, or all tokens of a user for an app",
        route: post("/larkspur/v1/worlds/{tenant_key}/tokens/revoke"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        example: r#"{"user_id":"{user_id}","app_id":"{app_id}"}"#,
        behaviours: &[ENDED],
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let (mut tx, now) = support::lock(root, call, &input.path.tenant_key).await?;
        let body = &input.body;
        match (&body.token, &body.user_id, &body.app_id) {
            (Some(text), None, None) => by_token(root, &mut tx, text.trim(), now).await,
            (None, Some(user_id), Some(app_id)) => {
                let user = support::user(&mut tx, "user_id", user_id).await?;
                let app = support::app(&mut tx, "app_id", app_id).await?.app_id;
                end_grant(&mut tx, app, &user).await
            }
            _ => Err(values::invalid("token", None, "either token, or user_id and app_id")),
        }
    }
}

async fn by_token(root: &mut Root, tx: &mut Tx, text: &str, now: i64) -> Result<Output, Fault> {
    let wrong = |why: &str| values::invalid("token", None, why);
    let known = match super::read(root, tx, text).await {
        Err(fault) if fault.code().status >= 500 => return Err(fault),
        Err(_) => return Err(wrong("not a token of this server")),
        Ok(known) => known,
    };
    match known {
        Known::Elsewhere => Err(wrong("a token of another world")),
        Known::Refresh(found) => {
            let user = users::by_id(tx, &found.user_id).await?;
            let user = user.ok_or_else(|| wrong("the user was deleted"))?;
            let family = tokens::family(&found.family);
            end(tx, found.app_id, &user, family, now).await
        }
        Known::Access(token, _) => match token.holder {
            Holder::Tenant | Holder::App => {
                Err(wrong("the token of an app cannot be revoked; it expires, or the app is disabled"))
            }
            Holder::User { number, family, .. } => {
                let user = users::by_numbers(tx, [number.cast_signed()]).await?.pop();
                let user = user.ok_or_else(|| wrong("the user was deleted"))?;
                end(tx, token.app, &user, family, now).await
            }
        },
    }
}

/// Ends a sign-in; all of the grant for tokens without a sign-in.
async fn end(tx: &mut Tx, app: AppId, user: &User, family: u32, now: i64) -> Result<Output, Fault> {
    if family == 0 {
        return end_grant(tx, app, user).await;
    }
    oauth::end_families(tx, &format!("{family:08x}")).await?;
    // The last of its tokens was issued now at the latest, and its expiry was rounded up.
    users::end_sign_in(tx, app, user, family, now, now + LIFE_MS + 1000).await?;
    Ok(Output { revoked: Revoked::SignIn, app_id: app.to_string(), user_id: user.user_id.clone() })
}

async fn end_grant(tx: &mut Tx, app: AppId, user: &User) -> Result<Output, Fault> {
    let grant = users::stored_grant(tx, app, user.user_no.cast_unsigned()).await?;
    let grant = grant.ok_or_else(|| {
        support::not_found("user_id", &user.user_id, "this user granted nothing to the app")
    })?;
    users::set_grant(tx, app, user, &grant.scopes, true).await?;
    Ok(Output { revoked: Revoked::Grant, app_id: app.to_string(), user_id: user.user_id.clone() })
}

const ENDED: Behaviour = Behaviour {
    name: "token_revoke",
    rule: "A token of a sign-in ends the tokens of that sign-in. A token that the control API issued has no sign-in: all tokens of its user for its app end. What the user granted stays. Tokens of apps are not revoked.",
    basis: Assumed,
    switch: false,
};
