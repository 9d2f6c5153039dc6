use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::model::UserStatus;
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::{Root, oauth, users};
use schemars::JsonSchema;
use serde::Serialize;

use super::Path;
use crate::operations::CONTROL;
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key/apps/:app_id/grants`
pub(crate) struct Grants;

/// What users granted to the app.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// At most 200, by user_id.
    grants: Vec<Granted>,
    /// Whether there are more.
    more: bool,
}

/// What a user granted to the app.
#[derive(Debug, Serialize, JsonSchema)]
struct Granted {
    /// The user_id.
    user_id: String,
    /// The name.
    name: String,
    /// State of the account.
    status: UserStatus,
    /// The user, as seen by the app.
    open_id: String,
    /// The scopes that the app may use in the user's name.
    scopes: Vec<String>,
    /// How often all tokens of the grant were revoked.
    revocations: i64,
    /// How many sign-ins were revoked whose access tokens have not expired.
    ended_sign_ins: usize,
    /// How many refresh tokens can be exchanged.
    refresh_tokens: usize,
    /// When the last of them expires, in milliseconds since 1970 by the world's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_until_ms: Option<i64>,
}

impl Operation for Grants {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.grants",
        summary: "List what users granted to an app, with the refresh tokens that can be exchanged",
        route: get("/larkspur/v1/worlds/{tenant_key}/apps/{app_id}/grants"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_NOT_FOUND],
        example: "",
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let (mut tx, now) = support::open(root, call, &input.path.tenant_key).await?;
        let app_id = support::app(&mut tx, "app_id", &input.path.app_id).await?.app_id;
        let mut found = users::grants_to(&mut tx, app_id, SHOWN + 1).await?;
        let more = found.len() > SHOWN;
        found.truncate(SHOWN);
        let live = oauth::live(&mut tx, app_id, now).await?;
        let keys = &call.engine.keys;
        let shown = |(grant, number, name): (users::Grant, u64, String)| {
            let own =
                live.iter().filter(|token| token.user_id == grant.user_id && token.epoch == grant.epoch);
            Granted {
                refresh_tokens: own.clone().count(),
                refresh_until_ms: own.map(|token| token.expires_at).max(),
                name,
                status: grant.status,
                open_id: keys.open_id(number, app_id).to_string(),
                scopes: grant.scopes.iter().map(str::to_owned).collect(),
                // The first epoch is 1.
                revocations: grant.epoch - 1,
                ended_sign_ins: grant.ended.count(now),
                user_id: grant.user_id,
            }
        };
        Ok(Output { grants: found.into_iter().map(shown).collect(), more })
    }
}

/// The most grants in an answer.
const SHOWN: usize = 200;
