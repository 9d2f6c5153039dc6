//! Looks up the tokens of simultaneous calls together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use larkspur_store::token_lookup::{self, MOST, TokenRecords, TokenSubject};
use larkspur_store::{Engine, StoreError, gather};
use tokio::sync::oneshot;
use tokio::task::yield_now;

/// The most concurrent statements; more than one only while a full batch waits. Later calls wait for the next
/// statement, which covers all of them. They never join one that was already sent: a call must see everything that was
/// acknowledged before it arrived.
const STATEMENTS: usize = 4;

type Answer = Result<Option<TokenRecords>, StoreError>;

#[derive(Default)]
struct State {
    running: usize,
    waiting: HashMap<TokenSubject, Vec<oneshot::Sender<Answer>>>,
}

/// The waiting look-ups.
#[derive(Default)]
pub(crate) struct Lookups(Mutex<State>);

impl Lookups {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The records behind a token, as stored at some moment after this call.
    pub(super) async fn find(self: &Arc<Self>, engine: &Arc<Engine>, subject: TokenSubject) -> Answer {
        let (reply, answer) = oneshot::channel();
        let first = {
            let mut state = self.state();
            state.waiting.entry(subject).or_default().push(reply);
            let full = state.waiting.len() >= MOST;
            let first = state.running == 0 || full && state.running < STATEMENTS;
            state.running += usize::from(first);
            first
        };
        if first {
            // A task of its own: a client that disconnects must not make the others wait.
            tokio::spawn(self.clone().run(engine.clone()));
        }
        answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the look-up was ended".to_owned())))
    }

    async fn run(self: Arc<Self>, engine: Arc<Engine>) {
        loop {
            gather(|| self.state().waiting.len(), usize::MAX, yield_now).await;
            let Some(waiting) = self.take() else { return };
            let subjects: Vec<TokenSubject> = waiting.iter().map(|(subject, _)| *subject).collect();
            let found = token_lookup::find(&engine, &subjects).await;
            for (subject, replies) in waiting {
                let answer = found.as_ref().map(|found| found.get(&subject).cloned()).map_err(Clone::clone);
                for reply in replies {
                    // The caller may be gone.
                    drop(reply.send(answer.clone()));
                }
            }
        }
    }

    /// The batch for the next statement; if nothing waits, `None`, and one fewer statement runs.
    fn take(&self) -> Option<Vec<(TokenSubject, Vec<oneshot::Sender<Answer>>)>> {
        let mut state = self.state();
        if state.waiting.is_empty() {
            state.running -= 1;
            return None;
        }
        if state.waiting.len() <= MOST {
            return Some(state.waiting.drain().collect());
        }
        let some: Vec<TokenSubject> = state.waiting.keys().copied().take(MOST).collect();
        Some(some.into_iter().filter_map(|subject| state.waiting.remove_entry(&subject)).collect())
    }
}
