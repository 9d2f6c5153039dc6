use larkspur_contract::model::AppKind;
use larkspur_contract::{Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates};
use larkspur_store::{Root, oauth, tenants};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::auth::v3;
use crate::tokens::{Holder, ISV_LIFE_MS, Token};
use crate::{Empty, Input, Operation, RootCall};

/// The most tickets that are valid at a time. Each is tried until one matches.
const VALID_MAX: i64 = 10_000;

/// `POST /auth/v3/app_access_token`
pub(crate) struct Create;

/// The credentials of an ISV app.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The app's id.
    app_id: Option<String>,
    /// The app's secret.
    app_secret: Option<String>,
    /// The ticket that was pushed to the app.
    app_ticket: Option<String>,
}

/// A token and its lifetime.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// `a-…`
    app_access_token: String,
    /// Seconds.
    expire: i64,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "auth.v3.app_access_token.create",
        summary: "Get the app_access_token of an ISV app",
        reference: "auth-v3/auth/app_access_token",
        route: post("/open-apis/auth/v3/app_access_token"),
        access: Access::Open,
        rate: rates::UNLIMITED,
        effect: Effect::Writes,
        consumes: Consumes::Form,
        reply: Reply::FlatAuth("success"),
        invalid: codes::AUTH_PARAM_INVALID,
        codes: &[
            codes::AUTH_PARAM_INVALID,
            codes::APP_TICKET_INVALID,
            codes::APP_ID_UNKNOWN,
            codes::APP_SECRET_INVALID,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"app_id":"{app_id}","app_secret":"{app_secret}","app_ticket":"the pushed ticket"}"#,
        behaviours: &[Behaviour {
            name: "app_ticket_lifetime",
            rule: "A ticket is valid for at least an hour, up to 10,000 later ones. The latest two tickets are always valid.",
            basis: Basis::Observed,
            switch: false,
        }],
        deviations: &[],
    };
    type Ground = Root;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let body = &input.body;
        let app = v3::by_secret(root, call, &body.app_id, &body.app_secret).await?;
        if app.kind != AppKind::Isv {
            return Err(Fault::new(codes::AUTH_PARAM_INVALID, "a custom app signs in without a ticket"));
        }
        let mut tx = root.tenant(app.developer);
        let tickets = oauth::sign_in(&mut tx, app.app_id).await?;
        let (keys, given) = (&call.engine.keys, body.app_ticket.as_deref().unwrap_or_default());
        let latest = tickets.ticket_no;
        let oldest = tickets.tickets_from.max(latest - VALID_MAX).min(latest - 1).max(0);
        let mut numbers = (oldest..=latest).rev();
        if !numbers.any(|number| keys.app_ticket_matches(given, app.app_id, number)) {
            return Err(Fault::new(codes::APP_TICKET_INVALID, "not one of the valid tickets"));
        }
        let now = call.now + tenants::get(&mut tx).await?.map_or(0, |tenant| tenant.clock_offset_ms);
        let expires_at = v3::current_or_new(&mut tx, app.app_id, "app", now, ISV_LIFE_MS).await?;
        let token = Token { holder: Holder::App, tenant: app.developer, app: app.app_id, expires_at };
        let expire = v3::seconds_left(expires_at, now, ISV_LIFE_MS);
        Ok(Output { app_access_token: token.issue(keys), expire })
    }
}
