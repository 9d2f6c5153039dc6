use larkspur_contract::model::AppKind;
use larkspur_contract::{Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates};
use larkspur_store::{Root, oauth};
use schemars::JsonSchema;
use serde::Serialize;

use super::tenant_access_token_internal::Body;
use crate::{Empty, Input, Operation, RootCall};

/// `POST /auth/v3/app_ticket/resend`
pub(super) struct Resend;

/// Nothing but success.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {}

impl Operation for Resend {
    const SPEC: &'static Spec = &Spec {
        id: "auth.v3.app_ticket.resend",
        summary: "Ask for a new app_ticket",
        reference: "auth-v3/auth/app_ticket_resend",
        route: post("/open-apis/auth/v3/app_ticket/resend"),
        access: Access::Open,
        rate: rates::UNLIMITED,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::FlatAuth("success"),
        invalid: codes::AUTH_PARAM_INVALID,
        codes: &[
            codes::AUTH_PARAM_INVALID,
            codes::APP_ID_UNKNOWN,
            codes::APP_SECRET_INVALID,
            codes::APP_NOT_ISV,
        ],
        example: r#"{"app_id":"{app_id}","app_secret":"{app_secret}"}"#,
        behaviours: &[Behaviour {
            name: "app_ticket_resend",
            rule: "A new ticket is made; the one before it stays valid, older ones do not.",
            basis: Basis::Assumed,
            switch: false,
        }],
        deviations: &[
            "No app_ticket event is pushed, neither now nor every hour: the control API shows the present ticket (larkspur.v1.app.sign_in.get).",
        ],
    };
    type Ground = Root;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let body = &input.body;
        let app = super::by_secret(root, call, &body.app_id, &body.app_secret).await?;
        if app.kind != AppKind::Isv {
            return Err(Fault::new(codes::APP_NOT_ISV, "only ISV apps have tickets"));
        }
        oauth::next_ticket(&mut root.tenant(app.developer), app.app_id).await?;
        Ok(Output {})
    }
}
