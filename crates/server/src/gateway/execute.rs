//! Step 6: the operation itself, in one transaction.

use larkspur_api::{Answer, Caller, Entry, Invocation, Received};
use larkspur_contract::{Effect, Fault, codes};
use larkspur_store::StoreError;
use larkspur_store::blobs::BlobKey;

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
            // Before the row that names it: a crash in between leaves what a sweep removes.
            if let Some(blobs) = &app.engine.blobs
                && let Some((key, file)) = job.keeps()
            {
                blobs.put(&key, file).await?;
                job.kept(key);
            }
            let ended = app.engine.driver.transact(entry.spec.effect, job.clone().unit()).await;
            ended.map_err(|error| failed(entry.spec.effect, error))?;
            match job.take()? {
                Answer::Kept(key, media) => fetch(app, &key, media).await,
                answer => Ok(answer),
            }
        }
    }
}

/// A transaction that failed. What only reads leaves no doubt.
fn failed(effect: Effect, error: StoreError) -> Fault {
    let doubtful = effect == Effect::Writes && matches!(error, StoreError::UnknownOutcome(_));
    let fault = Fault::from(error);
    if doubtful { fault.in_doubt() } else { fault }
}

/// The bytes of an answer, which are read when its transaction has ended.
async fn fetch(app: &App, key: &BlobKey, media: String) -> Result<Answer, Fault> {
    let Some(blobs) = &app.engine.blobs else {
        return Err(Fault::new(codes::INTERNAL, "the file is kept apart, and blobs.url does not say where"));
    };
    let content = blobs.get(key).await?;
    let content = content.ok_or_else(|| Fault::new(codes::INTERNAL, format!("the file {key} is missing")))?;
    Ok(Answer::Bytes(content, media))
}
