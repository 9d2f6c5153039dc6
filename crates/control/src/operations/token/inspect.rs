use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::Basis::Assumed;
use larkspur_contract::{Behaviour, Consumes, Effect, Fault, Spec, codes, post};
use larkspur_store::Root;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Known;
use super::described::{Output, kind, of_access, of_refresh};
use crate::operations::{CONTROL, WorldPath};
use crate::refused::Refusal;
use crate::support;

/// `POST /larkspur/v1/worlds/:tenant_key/tokens/inspect`
pub(crate) struct Inspect;

/// The token.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// An access token or a refresh token. It is neither logged nor answered.
    token: String,
}

impl Operation for Inspect {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.token.inspect",
        summary: "Show what a token is, and why it would be refused now",
        route: post("/larkspur/v1/worlds/{tenant_key}/tokens/inspect"),
        effect: Effect::Reads,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        example: r#"{"token":"t-x"}"#,
        behaviours: &[JUDGED],
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let (world, text) = (&input.path.tenant_key, input.body.token.trim());
        let (mut tx, now) = support::open(root, call, world).await?;
        let head =
            Output { kind: kind(text), jwt: text.starts_with("eyJ"), world_now_ms: now, ..Output::default() };
        let known = match super::read(root, &mut tx, text).await {
            Ok(known) => known,
            // What the store says is not about the token.
            Err(fault) if fault.code().status >= 500 => return Err(fault),
            Err(fault) => {
                return Ok(Output { kind: "unknown", refusal: Some(Refusal::of(&fault, world)), ..head });
            }
        };
        let head = Output { known: true, of_this_world: true, tail: super::tail(text), ..head };
        let (shown, judged) = match known {
            Known::Elsewhere => return Ok(Output { of_this_world: false, tail: String::new(), ..head }),
            Known::Access(token, narrowed) => {
                of_access(&mut tx, text, &token, narrowed.as_ref(), head).await?
            }
            Known::Refresh(found) => of_refresh(&mut tx, &found, head).await?,
        };
        let refusal = judged.err().map(|fault| Refusal::of(&fault, world));
        Ok(Output { valid: refusal.is_none(), refusal, ..shown })
    }
}

const JUDGED: Behaviour = Behaviour {
    name: "token_inspect",
    rule: "A token is judged as a call with it would be, before scopes and rates; the token of an ISV app as where apps show who they are. A refresh token has the codes of authen/v2. Tokens do not contain when they were issued.",
    basis: Assumed,
    switch: false,
};
