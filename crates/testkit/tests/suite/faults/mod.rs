//! The state after a failed statement.

mod deliveries;
mod failed_statements;
mod messages;

use std::sync::Arc;

use larkspur_store::Driver as _;
use larkspur_testkit::{Faulty, Lab, LabOptions, Reply};
use serde_json::Value;

/// A lab whose store fails on demand.
async fn lab() -> (Lab, Arc<Faulty>) {
    let driver = Faulty::over(larkspur_testkit::empty_store().await);
    (Lab::with(LabOptions { driver: Some(driver.clone()), ..LabOptions::default() }).await, driver)
}

/// What an answer says about the outcome of the call.
fn outcome(reply: &Reply) -> Option<String> {
    reply.response.header("X-Larkspur-Outcome").map(|value| value.into_owned())
}

/// An answer without ids and times: what must not depend on the number of runs.
fn shape_of(data: &Value) -> Value {
    match data {
        Value::Object(map) => {
            let is_time = |key: &str| key == "ms" || key.ends_with("_ms");
            let shape = |key: &str, value| if is_time(key) { Value::Null } else { shape_of(value) };
            Value::Object(map.iter().map(|(key, value)| (key.clone(), shape(key, value))).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(shape_of).collect()),
        Value::String(_) => Value::Null,
        other => other.clone(),
    }
}

/// Whether a fault may have met a statement of the server itself, which has some where servers share a store: the call did not
/// feel it. Tried three times, since a call that ignores a fault does so each time.
fn is_stray(driver: &Faulty, strays: &mut u32) -> bool {
    *strays += 1;
    driver.is_shared() && *strays < 3
}
