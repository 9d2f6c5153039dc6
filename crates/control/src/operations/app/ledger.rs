use std::collections::BTreeSet;
use std::sync::Arc;

use larkspur_api::{Empty, Input, Operation, Process, RootCall};
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, Fault, Spec, codes, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Path;
use crate::operations::CONTROL;
use crate::operations::traffic::open;
use crate::support;
use crate::traffic::Traffic;
use crate::traffic::ledger::{self, Ledger as Output};

/// `GET /larkspur/v1/worlds/:tenant_key/apps/:app_id/ledger`
pub(crate) struct Ledger;

/// What to count.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Query {
    /// Only the calls after the one with this log id, of those that are still kept.
    since: Option<String>,
}

impl Operation for Ledger {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.ledger",
        summary: "Get the scopes that an app has, used and lacks, and the smallest set that it needs",
        route: get("/larkspur/v1/worlds/{tenant_key}/apps/{app_id}/ledger"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        behaviours: &[Behaviour {
            name: "scope_ledger",
            rule: "Calls are counted while they are recorded, by the server that answers them, and remain counted when their records are dropped. Of several scopes that would let a call through, the granted one with the longest name counts as used. An event counts for the app that is told, or would be if it had one of the scopes that let this event through: of a message, by its chat, its sender and whether it mentions the bot. An app that hears some messages of groups does not lack the scopes for others.",
            basis: Basis::Assumed,
            switch: false,
        }],
        ..CONTROL
    };
    type Ground = Process;
    type Path = Path;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(process: &mut Process, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let Path { tenant_key, app_id } = &input.path;
        let since = match &input.query.since {
            Some(log_id) => Some(open(process, call, tenant_key).await?.call("since", log_id)?.row.seq),
            None => None,
        };
        let (call, tenant_key, app_id) = (call.clone(), tenant_key.clone(), app_id.clone());
        let read = process.read(move |root| {
            let (call, tenant_key, app_id) = (call.clone(), tenant_key.clone(), app_id.clone());
            Box::pin(async move {
                let (mut tx, _) = support::open(root, &call, &tenant_key).await?;
                let install = support::app(&mut tx, "app_id", &app_id).await?;
                let granted: BTreeSet<String> = install.scopes.iter().map(str::to_owned).collect();
                Ok((tx.tenant(), install.app_id, granted))
            })
        });
        let (tenant, app, granted) = read.await?;
        let traffic: Arc<dyn Traffic> = process.service()?;
        Ok(ledger::ledger(&traffic.scopes(tenant, app, since), &granted))
    }
}
