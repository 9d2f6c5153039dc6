//! Whether the store can be read and written: asked of the store itself, at most once a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use larkspur_contract::Effect;
use larkspur_contract::ids::AppId;
use larkspur_store::{Engine, apps, probe};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long the store may take before it counts as unable to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer of the store speaks for those who ask next.
const FRESH: Duration = Duration::from_secs(1);

/// What the store last answered.
#[derive(Default)]
pub(crate) struct Health {
    last: Mutex<Option<(Instant, Result<(), String>)>>,
    available: AtomicBool,
}

impl Health {
    /// Whether the store answers, or why it does not.
    pub(crate) async fn look(&self, engine: &Arc<Engine>) -> Result<(), String> {
        let looked = match engine.driver.trouble() {
            Some(why) => Err(why),
            None => self.asked(engine).await,
        };
        self.available.store(looked.is_ok(), Ordering::Relaxed);
        looked
    }

    /// What came of the last look.
    pub(crate) fn was_available(&self) -> bool {
        self.available.load(Ordering::Relaxed)
    }

    /// What the store answers, or answered a moment ago. Who comes while it is asked waits for that answer.
    async fn asked(&self, engine: &Arc<Engine>) -> Result<(), String> {
        let mut last = self.last.lock().await;
        if let Some((_, answer)) = last.as_ref().filter(|(when, _)| when.elapsed() < FRESH) {
            return answer.clone();
        }
        let asking = async {
            // A server that only reads is ready to do that.
            if !engine.read_only {
                probe::write(engine).await?;
            }
            // Beside the writer, where there are readers: they see the file as it is now.
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
