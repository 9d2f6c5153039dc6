//! Step 6: the operation itself, in one transaction.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use larkspur_api::{Answer, Caller, Entry, Invocation, Received};
use larkspur_contract::{Effect, EventType, Fault, Reply, Spec, codes};
use larkspur_store::blobs::BlobKey;
use larkspur_store::{Engine, StoreError};

use crate::metrics::Metrics;

/// Runs an operation; its answer, and the events that it emitted. The driver owns the transaction: a caller who goes away meanwhile does not cut it in two.
pub(super) async fn execute(
    engine: &Arc<Engine>,
    metrics: &Metrics,
    entry: &Entry,
    (caller, received): (Caller, Received),
) -> Result<(Answer, Vec<&'static EventType>), Fault> {
    match entry.prepare(engine.clone(), caller, received)? {
        Invocation::Recalled(answer) => {
            metrics.recalled.fetch_add(1, Ordering::Relaxed);
            Ok((answer, Vec::new()))
        }
        Invocation::Pending(job) => {
            // Before the row that names it: a crash in between leaves what a sweep removes.
            if let Some(blobs) = &engine.blobs
                && let Some((key, file)) = job.keeps()
            {
                blobs.put(&key, file).await?;
                job.kept(key);
            }
            let effect = if engine.read_only { Effect::Reads } else { entry.spec.effect };
            let ended = engine.driver.transact(effect, job.clone().unit()).await;
            ended.map_err(|error| failed(engine, entry.spec.effect, error))?;
            let answer = match job.take()? {
                Answer::Kept(key, media) => fetch(engine, &key, media).await?,
                answer => answer,
            };
            Ok((answer, job.events()))
        }
    }
}

/// What a server that only reads answers to a call that would change something, before it is run. Signing in of apps is
/// run all the same: a token says itself what it is good for, and need not be written down.
pub(super) fn permitted(engine: &Engine, spec: &Spec) -> Result<(), Fault> {
    if engine.read_only && spec.effect == Effect::Writes && !matches!(spec.reply, Reply::FlatAuth(_)) {
        return Err(Fault::new(codes::READ_ONLY, "the server was started with --read-only"));
    }
    Ok(())
}

/// A transaction that failed. What only reads leaves no doubt.
fn failed(engine: &Engine, effect: Effect, error: StoreError) -> Fault {
    // It came to a statement that writes, which is a defect nowhere else.
    if engine.read_only && effect == Effect::Writes && matches!(error, StoreError::Broken(_)) {
        return Fault::new(codes::READ_ONLY, error.to_string());
    }
    let doubtful = effect == Effect::Writes && matches!(error, StoreError::UnknownOutcome(_));
    let fault = Fault::from(error);
    if doubtful { fault.in_doubt() } else { fault }
}

/// The bytes of an answer, which are read when its transaction has ended.
async fn fetch(engine: &Engine, key: &BlobKey, media: String) -> Result<Answer, Fault> {
    let Some(blobs) = &engine.blobs else {
        return Err(Fault::new(
            codes::INTERNAL,
            "the file is stored outside of the database, and blobs.url is not set",
        ));
    };
    let content = blobs.get(key).await?;
    let content = content.ok_or_else(|| Fault::new(codes::INTERNAL, format!("the file {key} is missing")))?;
    if !key.fits(&content) {
        return Err(Fault::new(
            codes::INTERNAL,
            format!("the file {key} is damaged: its bytes do not match its name"),
        ));
    }
    Ok(Answer::Bytes(content, media))
}
