//! What the gateway adds to its refusals for those who ask why: rule, facts, and the call that would help.

use larkspur_api::rules::policies;
use larkspur_api::{Actor, Call};
use larkspur_contract::{Fault, Fix, Scope};
use serde_json::json;

use super::rate_limits::Full;

/// A token of the wrong kind.
pub(super) fn kind(fault: Fault, given: &'static str, wanted: &'static str) -> Fault {
    fault.by_rule("token_kind").with_fact("token", given).with_fact("wanted", wanted)
}

/// An app that is not in use.
pub(super) fn not_in_use(fault: Fault, call: &Call) -> Fault {
    fault
        .by_rule("app_status")
        .with_fact("status", call.app.status.as_str())
        .with_fix(set_app(call, json!({"status": "enabled"})))
}

fn set_app(call: &Call, body: serde_json::Value) -> Fix {
    Fix::new("larkspur.v1.app.update", vec![("app_id", call.app_id().to_string())], body)
}

/// A call without any of the scopes. The narrowest one is proposed.
pub(super) fn scopes(fault: Fault, call: &Call, any_of: &[Scope]) -> Fault {
    let missing = any_of.iter().max_by_key(|scope| scope.len()).copied().unwrap_or_default();
    let fault = fault.by_rule("scopes").with_fact("any_of", any_of.join(", "));
    let with = |held: &larkspur_store::apps::Scopes| -> Vec<String> {
        held.iter().chain([missing]).map(str::to_owned).collect()
    };
    match &call.actor {
        Actor::Bot => fault
            .with_fact("held", call.app.scopes.iter().count().to_string())
            .with_fix(set_app(call, json!({"scopes": with(&call.app.scopes)}))),
        Actor::User { grant, .. } => {
            let path = vec![("user_id", grant.user_id.clone())];
            let body = json!({"app_id": call.app_id().to_string(), "scopes": with(&grant.scopes)});
            fault.with_fact("held", grant.scopes.iter().count().to_string()).with_fix(Fix::new(
                "larkspur.v1.user.token",
                path,
                body,
            ))
        }
    }
}

/// A call beyond the rate limit.
pub(super) fn rate(fault: Fault, full: Full, tier: &'static str) -> Fault {
    fault
        .by_rule("rate_limit")
        .with_fact("tier", tier)
        .with_fact("window", format!("{0} of {0}", full.cap))
        .with_fact("reset_seconds", full.seconds.to_string())
        .with_fix(Fix::new("larkspur.v1.world.clock", Vec::new(), json!({"advance_seconds": full.seconds})))
}

/// A call beyond the quota of the month.
pub(super) fn quota(fault: Fault, call: &Call, most: i64, seconds: u32) -> Fault {
    fault
        .by_rule("monthly_quota")
        .with_fact("monthly_calls", most.to_string())
        .with_fact("reset_seconds", seconds.to_string())
        .with_fix(policies::without(&call.policy, "monthly_calls"))
}
