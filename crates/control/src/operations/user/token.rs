use larkspur_api::tokens::{Holder, LIFE_MS, Token};
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, post};
use larkspur_store::{Root, users};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Path;
use crate::operations::CONTROL;
use crate::{support, values};

/// `POST /larkspur/v1/worlds/:tenant_key/users/:user_id/tokens`
pub(crate) struct Issue;

/// What the user grants, and to which app.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// An app of the world.
    app_id: String,
    /// What the app may do for the user, with this token and earlier ones; the app's own scopes by default.
    #[schemars(transform = values::scope_list)]
    scopes: Option<Vec<String>>,
    /// Seconds from the present time of the world, at most ten years; 7200 by default. 0 or less creates an expired
    /// token.
    #[schemars(range(min = -315_360_000, max = 315_360_000), extend("default" = 7200))]
    expires_in: Option<i64>,
    /// Whether to revoke the earlier tokens of this user for this app.
    #[schemars(extend("default" = false))]
    revoke_previous: Option<bool>,
}

/// The token.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// `u-…`
    access_token: String,
    /// Seconds.
    expires_in: i64,
    /// The user, as seen by the app.
    open_id: String,
}

impl Operation for Issue {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.user.token",
        summary: "Issue a user_access_token",
        route: post("/larkspur/v1/worlds/{tenant_key}/users/{user_id}/tokens"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"app_id":"{app_id}"}"#,
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let body = &input.body;
        let (mut tx, now) = support::lock(root, call, &input.path.tenant_key).await?;
        let user = support::user(&mut tx, "user_id", &input.path.user_id).await?;
        let install = support::app(&mut tx, "app_id", &body.app_id).await?;
        let scopes = match &body.scopes {
            Some(scopes) => values::scopes(scopes),
            None => install.scopes,
        };
        let revoke = body.revoke_previous.unwrap_or(false);
        let epoch = users::set_grant(&mut tx, install.app_id, &user, &scopes, revoke).await?;
        let expires_in = body.expires_in.unwrap_or(LIFE_MS / 1000);
        let number = user.user_no.cast_unsigned();
        let token = Token {
            // No sign-in produced it.
            holder: Holder::User { number, epoch, family: 0 },
            tenant: tx.tenant(),
            app: install.app_id,
            expires_at: now + expires_in * 1000,
        };
        let keys = &call.engine.keys;
        Ok(Output {
            access_token: token.issue(keys),
            expires_in,
            open_id: keys.open_id(number, install.app_id).to_string(),
        })
    }
}
