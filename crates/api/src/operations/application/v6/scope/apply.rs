use larkspur_contract::{Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates};
use larkspur_store::{Tx, publishing};

use crate::{Call, Empty, Input, Operation};

/// `POST /application/v6/scopes/apply`
pub(super) struct Apply;

impl Operation for Apply {
    const SPEC: &'static Spec = &Spec {
        id: "application.v6.scope.apply",
        summary: "Apply for the scopes that the app requests and does not hold",
        reference: "application-v6/scope/apply",
        route: post("/open-apis/application/v6/scopes/apply"),
        access: Access::tenant(&[]),
        rate: rates::SPECIAL,
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::SCOPES_ONLY_SUPER,
            codes::SCOPES_ALL_GRANTED,
            codes::SCOPES_OVER_LIMIT,
            codes::SCOPES_APPLIED_ALREADY,
        ],
        recodes: &[],
        emits: &[],
        example: "",
        behaviours: &[APPLIED],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Empty;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, _input: &Input<Self>) -> Result<Empty, Fault> {
        let wishes = publishing::lock_wishes(tx, call.app_id()).await?;
        let open = wishes.open();
        if open.iter().next().is_none() {
            return Err(Fault::new(codes::SCOPES_ALL_GRANTED, "the app holds every scope that it requests"));
        }
        if open == wishes.applied {
            let why = "the app has applied for the same scopes before";
            return Err(Fault::new(codes::SCOPES_APPLIED_ALREADY, why));
        }
        publishing::apply(tx, call.app_id(), &open).await?;
        Ok(Empty {})
    }
}

const APPLIED: Behaviour = Behaviour {
    name: "app_scopes_applied",
    rule: "An application grants nothing: the control API grants scopes. Applying again for the same scopes is 212004.",
    basis: Basis::Assumed,
    switch: false,
};
