//! Recorded calls of a world. These operations run on the process, whose calls they show.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use larkspur_api::rules::matcher::{Matcher, Wrong};
use larkspur_api::{Process, RootCall};
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::{Basis, Behaviour, Fault};
use larkspur_store::{apps, tenants};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::traffic::{Entry, GRAMMAR, Row, Traffic, Whose};
use crate::{support, values};

pub(super) mod all;
pub(super) mod check;
pub(super) mod clear;
pub(super) mod diff;
pub(super) mod export;
pub(super) mod find;
pub(super) mod get;
pub(super) mod list;
pub(super) mod replay;
pub(super) mod stream;
pub(super) mod summary;

/// A recorded call of a world.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Path {
    /// The tenant.
    tenant_key: String,
    /// The log id: the `X-Tt-Logid` of the answer.
    log_id: String,
}

/// What is recorded.
pub(crate) const RECORDED: Behaviour = Behaviour {
    name: "traffic_recorded",
    rule: "A server records the calls that it answers itself, in memory; `node` says which server that is. Secrets are removed when a call is recorded. A call belongs to the tenant of its token, even if that has expired or was revoked, else to the world of the app that it names. Calls of the operations `larkspur.v1.traffic.*` are not recorded, and other calls of the control API are listed only if `kind` is asked for.",
    basis: Basis::Assumed,
    switch: false,
};

/// A world whose calls are asked for.
pub(crate) struct Asked {
    traffic: Arc<dyn Traffic>,
    tenant: TenantKey,
    /// How far its clock is ahead.
    ahead_ms: i64,
    /// Whether its calls are recorded.
    recording: bool,
    /// The names of its apps, by id.
    names: HashMap<String, String>,
}

impl Asked {
    fn whose(&self) -> Whose {
        Whose::World(self.tenant, self.ahead_ms)
    }

    /// Every call that is kept, and how many older ones are not; with `since`, those after the call with this number.
    fn calls(&self, since: Option<u64>) -> (Vec<Entry>, u64) {
        let calls = self.traffic.calls(self.whose(), since.unwrap_or(0), usize::MAX);
        let dropped = match since {
            Some(since) => calls.oldest.saturating_sub(since.saturating_add(1)),
            None => calls.dropped,
        };
        (calls.entries, dropped)
    }

    /// The number of the call with a log id that a caller names as `since`.
    fn since(&self, log_id: Option<&str>) -> Result<Option<u64>, Fault> {
        log_id.map(|log_id| Ok(self.call("since", log_id)?.row.seq)).transpose()
    }

    pub(crate) fn call(&self, field: &str, log_id: &str) -> Result<Entry, Fault> {
        let mut entry = self.traffic.call(self.whose(), log_id).ok_or_else(|| no_call(field, log_id))?;
        self.name(&mut entry.row);
        Ok(entry)
    }

    /// Adds the name of its app to a row.
    fn name(&self, row: &mut Row) {
        row.app = row.app_id.as_ref().and_then(|id| self.names.get(id)).cloned();
    }
}

/// The refusal of an unknown log id.
fn no_call(field: &str, log_id: &str) -> Fault {
    support::not_found(field, log_id, "no such call is recorded, or it was dropped")
}

/// Opens a world, so that calls which name only one of its apps are found in it.
pub(crate) async fn open(process: &Process, call: &RootCall, key: &str) -> Result<Asked, Fault> {
    let traffic: Arc<dyn Traffic> = process.service()?;
    let (call, key) = (call.clone(), key.to_owned());
    let read = process.read(move |root| {
        let (call, key) = (call.clone(), key.clone());
        Box::pin(async move {
            let (mut tx, now) = support::open(root, &call, &key).await?;
            let (tenant, world) = (tx.tenant(), tenants::get(&mut tx).await?);
            let record = world.and_then(|world| world.policy.overrides.as_ref()?.traffic.record);
            let own = apps::made_by(root, tenant).await?;
            Ok((tenant, now - call.now, own, record))
        })
    });
    let (tenant, ahead_ms, own, record) = read.await?;
    let recording = record.unwrap_or(traffic.is_on());
    let ids: Vec<AppId> = own.iter().map(|app| app.app_id).collect();
    traffic.adopt(tenant, &ids);
    let names = own.into_iter().map(|app| (app.app_id.to_string(), app.name)).collect();
    Ok(Asked { traffic, tenant, ahead_ms, recording, names })
}

/// A matcher of a body.
fn matcher(field: &str, value: &Value) -> Result<Matcher, Fault> {
    Matcher::parse(value, &GRAMMAR).map_err(|wrong| refusal(field, &wrong))
}

/// The matcher that the parameters of a query are, and whether calls of the control API are asked for.
fn filter(pairs: &BTreeMap<String, String>) -> Result<(Matcher, bool), Fault> {
    let texts = pairs.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let matcher = Matcher::from_pairs(texts, &GRAMMAR).map_err(|wrong| refusal("", &wrong))?;
    Ok((matcher, pairs.contains_key("kind")))
}

fn refusal(field: &str, wrong: &Wrong) -> Fault {
    let path = match (field, wrong.at.as_str()) {
        ("", at) => at.to_owned(),
        (field, "") => field.to_owned(),
        (field, at) => format!("{field}.{at}"),
    };
    values::invalid(&path, None, &wrong.why)
}
