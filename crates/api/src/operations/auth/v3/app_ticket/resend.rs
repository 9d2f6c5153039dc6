use larkspur_contract::model::AppKind;
use larkspur_contract::{
    Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, events, post, rates,
};
use larkspur_store::events::subscriptions;
use larkspur_store::{Root, oauth, tenants};
use schemars::JsonSchema;
use serde::Serialize;

use crate::events::app_ticket;
use crate::operations::auth::v3;
use crate::operations::auth::v3::tenant_access_token::internal::Body;
use crate::{Empty, Input, Operation, RootCall};

/// `POST /auth/v3/app_ticket/resend`
pub(crate) struct Resend;

/// Empty.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {}

impl Operation for Resend {
    const SPEC: &'static Spec = &Spec {
        id: "auth.v3.app_ticket.resend",
        summary: "Ask for a new app_ticket",
        reference: "auth-v3/auth/app_ticket_resend",
        route: post("/open-apis/auth/v3/app_ticket/resend"),
        access: Access::Open,
        rate: rates::UNLIMITED,
        effect: Effect::Writes,
        consumes: Consumes::Form,
        reply: Reply::FlatAuth("success"),
        invalid: codes::AUTH_PARAM_INVALID,
        codes: &[
            codes::AUTH_PARAM_INVALID,
            codes::APP_ID_UNKNOWN,
            codes::APP_SECRET_INVALID,
            codes::APP_NOT_ISV,
        ],
        recodes: &[],
        emits: &[&events::APP_TICKET],
        example: r#"{"app_id":"{app_id}","app_secret":"{app_secret}"}"#,
        behaviours: &[
            Behaviour {
                name: "app_ticket_resend",
                rule: "A new ticket is created, as every hour, and pushed to the app's request URL if it has one (larkspur.v1.app.events.put). Earlier tickets stay valid for at least an hour (app_ticket_lifetime).",
                basis: Basis::Assumed,
                switch: false,
            },
            Behaviour {
                name: "app_ticket_hourly",
                rule: "Every hour, by the clock of the world that created the app, the latest ticket is pushed to its verified request URL. If the clock jumps over several hours, it is pushed once.",
                basis: Basis::Documented,
                switch: false,
            },
            Behaviour {
                name: "app_ticket_ts",
                rule: "The event's ts is the world's time when the ticket was created: seconds with six decimals.",
                basis: Basis::Assumed,
                switch: false,
            },
        ],
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
            return Err(Fault::new(codes::APP_NOT_ISV, "only ISV apps have tickets"));
        }
        let mut tx = root.tenant(app.developer);
        // Locks the world, so that a concurrent deletion leaves nothing behind.
        let Some(world) = tenants::lock(&mut tx).await? else { return Ok(Output {}) };
        let now = call.now + world.clock_offset_ms;
        if subscriptions::get(&mut tx, app.app_id).await?.is_some() {
            app_ticket::send(&mut tx, app.app_id, now).await?;
        } else {
            oauth::next_ticket(&mut tx, app.app_id, now).await?;
        }
        Ok(Output {})
    }
}
