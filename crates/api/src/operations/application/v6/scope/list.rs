use larkspur_contract::{Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates};
use larkspur_store::{Tx, publishing};
use schemars::JsonSchema;
use serde::Serialize;

use crate::operations::application::v6::application::IDENTITIES;
use crate::rules::scopes::{self, Identity};
use crate::{Call, Empty, Input, Operation};

/// `GET /application/v6/scopes`
pub(super) struct List;

/// The app's scopes.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// The scopes that it holds or requests, once for each identity, in the order of their names.
    scopes: Vec<Granted>,
}

/// A scope and whether it was granted.
#[derive(Debug, Serialize, JsonSchema)]
struct Granted {
    /// Its name.
    scope_name: String,
    /// 1: granted; 2: not granted.
    grant_status: u8,
    /// The identity.
    scope_type: Identity,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "application.v6.scope.list",
        summary: "List the app's scopes and whether each was granted",
        reference: "application-v6/scope/list",
        route: get("/open-apis/application/v6/scopes"),
        access: Access::tenant(&[]),
        rate: rates::SPECIAL,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[codes::SCOPES_APP_NOT_INSTALLED],
        recodes: &[],
        emits: &[],
        example: "",
        behaviours: &[IDENTITIES, ASKED],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, _input: &Input<Self>) -> Result<Output, Fault> {
        let open = publishing::wishes(tx, call.app_id()).await?.open();
        // Scopes that it holds are read from the call, as in the check of scopes.
        let held = call.app.scopes.iter().map(|scope| (scope, 1));
        let open = open.iter().filter(|scope| !call.app.scopes.has(scope)).map(|scope| (scope, 2));
        let mut all: Vec<(&str, u8)> = held.chain(open).collect();
        all.sort_unstable();
        let scopes = all.into_iter().flat_map(|(scope, grant_status)| {
            scopes::identities(scope).iter().map(move |identity| Granted {
                scope_name: scope.to_owned(),
                grant_status,
                scope_type: *identity,
            })
        });
        Ok(Output { scopes: scopes.collect() })
    }
}

const ASKED: Behaviour = Behaviour {
    name: "app_scopes_listed",
    rule: "The list has the scopes that the app holds (1), and those in the control API's requested_scopes that it does not hold (2). Other scopes are not listed.",
    basis: Basis::Assumed,
    switch: false,
};
