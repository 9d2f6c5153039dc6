//! Step 6: the operation itself, in one transaction.

use larkspur_api::{Answer, Caller, Entry, Invocation, Received};
use larkspur_contract::Fault;

use crate::App;

/// Runs an operation. The driver owns the transaction: a caller who goes away meanwhile does not cut it in two.
pub(super) async fn execute(
    app: &App,
    entry: &Entry,
    caller: Caller,
    received: Received,
) -> Result<Answer, Fault> {
    match entry.prepare(app.engine.clone(), caller, received)? {
        Invocation::Recalled(answer) => {
            app.metrics.recalled.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok(answer)
        }
        Invocation::Pending(job) => {
            app.engine.driver.transact(entry.spec.effect, job.clone().unit()).await?;
            job.take()
        }
    }
}
