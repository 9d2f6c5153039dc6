use larkspur_api::{Challenge as Asked, Empty, Input, Operation, RootCall, Step};
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, Fault, Spec, codes, post};
use larkspur_store::Root;
use larkspur_store::events::subscriptions;
use schemars::JsonSchema;
use serde::Serialize;

use super::made_here;
use crate::operations::CONTROL;
use crate::operations::app::Path;
use crate::{support, values};

/// `POST /larkspur/v1/worlds/:tenant_key/apps/:app_id/challenge`
pub(crate) struct Challenge;

/// The result of the challenge.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The URL.
    request_url: String,
    /// Whether it returned the challenge in time.
    verified: bool,
    /// The HTTP status of the answer, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// How long it took, in milliseconds.
    took_ms: u64,
    /// The steps that were taken, in order: resolve, connect, encrypt (https only), answer, status, challenge.
    steps: Vec<Taken>,
}

/// A step.
#[derive(Debug, Serialize, JsonSchema)]
struct Taken {
    /// Its name.
    step: &'static str,
    /// Whether it succeeded.
    ok: bool,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl Operation for Challenge {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.events.challenge",
        summary: "Send a challenge to the URL of an app again, and show each step",
        route: post("/larkspur/v1/worlds/{tenant_key}/apps/{app_id}/challenge"),
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        behaviours: &[Behaviour {
            name: "challenge_again",
            rule: "The challenge is sent during the call. Its result decides whether the URL is verified.",
            basis: Basis::Assumed,
            switch: false,
        }],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let (mut tx, _) = support::lock(root, call, &input.path.tenant_key).await?;
        let app_id = made_here(&mut tx, &input.path.app_id).await?.app_id;
        let found = subscriptions::get(&mut tx, app_id).await?;
        let found = found.filter(|found| !found.events.request_url.is_empty());
        let found = found.ok_or_else(|| values::invalid("app_id", None, "the app has no request URL"))?;
        let request_url = found.events.request_url;
        let token = found.verification_token.unwrap_or_else(|| call.engine.keys.verification_token(app_id));
        let heard = input.asking.ask(Asked {
            app_id,
            request_url: request_url.clone(),
            encrypt_key: found.encrypt_key,
            verification_token: token,
        })?;
        if subscriptions::set_verified(&mut tx, app_id, &request_url, heard.failure.as_deref()).await? {
            subscriptions::announce(root, app_id).await?;
        }
        let encrypted = request_url.starts_with("https");
        let taken = Step::ALL.into_iter().filter(|step| encrypted || *step != Step::Encrypt);
        let taken = taken.take_while(|step| *step <= heard.step);
        let steps = taken.map(|step| {
            let why = heard.failure.clone().filter(|_| step == heard.step);
            Taken { step: step.as_str(), ok: why.is_none(), why }
        });
        Ok(Output {
            steps: steps.collect(),
            request_url,
            verified: heard.failure.is_none(),
            status: heard.status,
            took_ms: heard.took_ms,
        })
    }
}
