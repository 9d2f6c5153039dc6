//! Step 6: runs the operation in one transaction.

use std::sync::atomic::Ordering;

use larkspur_api::{Answer, Caller, Entry, Invocation, Media, QUESTIONS, Received};
use larkspur_contract::{Effect, Fault, Reply, Spec, codes};
use larkspur_store::blobs::BlobKey;
use larkspur_store::{Engine, StoreError, Work};

use crate::App;

/// Runs an operation, and says what it did, also if it refused. The driver owns the transaction: a client that
/// disconnects meanwhile does not interrupt it.
pub(super) async fn execute(
    app: &App,
    entry: &Entry,
    (caller, received): (Caller, Received),
    work: &mut Work,
) -> Result<Answer, Fault> {
    let (engine, metrics) = (&app.engine, &app.metrics);
    match entry.prepare(engine.clone(), caller, received)? {
        Invocation::Recalled(answer) => {
            metrics.recalled.fetch_add(1, Ordering::Relaxed);
            Ok(answer)
        }
        Invocation::Outside(run) => run.await,
        Invocation::Pending(job) => {
            // Before the row that names it: after a crash in between, a sweep removes it.
            if let Some(blobs) = &engine.blobs
                && let Some((key, file)) = job.keeps()
            {
                blobs.put(&key, file).await?;
                job.kept(key);
            }
            let effect = if engine.read_only { Effect::Reads } else { entry.spec.effect };
            let ended = engine.driver.transact(effect, job.clone().unit()).await;
            ended.map_err(|error| failed(engine, entry.spec.effect, error))?;
            for _ in 0..QUESTIONS {
                let Some(question) = job.question() else { break };
                // Its transaction has ended: none is open while an app is asked.
                job.told(app.ask(question).await);
                let ended = engine.driver.transact(effect, job.clone().unit()).await;
                ended.map_err(|error| failed(engine, entry.spec.effect, error))?;
            }
            *work = job.work();
            match job.take()? {
                Answer::Kept(key, media) => fetch(engine, &key, media).await,
                answer => Ok(answer),
            }
        }
    }
}

/// A read-only server refuses a call that would write, before it runs. Sign-in of apps still runs: tokens contain
/// everything and need not be stored.
pub(super) fn permitted(engine: &Engine, spec: &Spec) -> Result<(), Fault> {
    if engine.read_only && spec.effect == Effect::Writes && !matches!(spec.reply, Reply::FlatAuth(_)) {
        return Err(Fault::new(codes::READ_ONLY, "the server was started with --read-only"));
    }
    Ok(())
}

/// The fault of a failed transaction. One that only reads is never in doubt.
fn failed(engine: &Engine, effect: Effect, error: StoreError) -> Fault {
    // It reached a statement that writes; on other servers this would be a defect.
    if engine.read_only && effect == Effect::Writes && matches!(error, StoreError::Broken(_)) {
        return Fault::new(codes::READ_ONLY, error.to_string());
    }
    let doubtful = effect == Effect::Writes && matches!(error, StoreError::UnknownOutcome(_));
    let fault = Fault::from(error);
    if doubtful { fault.in_doubt() } else { fault }
}

/// The bytes of an answer, read after its transaction has ended.
async fn fetch(engine: &Engine, key: &BlobKey, media: Media) -> Result<Answer, Fault> {
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
