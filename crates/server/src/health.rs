//! Whether the store can be read and written: checked with the store itself, at most once a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use larkspur_contract::Effect;
use larkspur_contract::ids::AppId;
use larkspur_store::{Engine, apps, probe};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// The timeout of the check.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the result of a check is reused.
const FRESH: Duration = Duration::from_secs(1);

/// The store's last answer.
#[derive(Default)]
pub(crate) struct Health {
    last: Mutex<Option<(Instant, Result<(), String>)>>,
    available: AtomicBool,
}

impl Health {
    /// Whether the store works, or why it does not.
    pub(crate) async fn look(&self, engine: &Arc<Engine>) -> Result<(), String> {
        let looked = match engine.driver.trouble() {
            Some(why) => Err(why),
            None => self.asked(engine).await,
        };
        self.available.store(looked.is_ok(), Ordering::Relaxed);
        looked
    }

    /// The result of the last check.
    pub(crate) fn was_available(&self) -> bool {
        self.available.load(Ordering::Relaxed)
    }

    /// The store's answer, at most a moment old. Callers that arrive during a check wait for its result.
    async fn asked(&self, engine: &Arc<Engine>) -> Result<(), String> {
        let mut last = self.last.lock().await;
        if let Some((_, answer)) = last.as_ref().filter(|(when, _)| when.elapsed() < FRESH) {
            return answer.clone();
        }
        let asking = async {
            // A read-only server only needs to read.
            if !engine.read_only {
                probe::write(engine).await?;
            }
            // On a reader where there are readers: they see the file as it is now.
            engine.run(Effect::Reads, |root| Box::pin(apps::find(root, AppId(0)))).await.map(drop)
        };
        let answer = match timeout(PATIENCE, asking).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err(format!("the store did not answer in {} s", PATIENCE.as_secs())),
        };
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}
