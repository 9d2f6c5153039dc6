//! Calls that come at the same time find out together what their tokens lead to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use larkspur_store::token_lookup::{self, MOST, TokenRecords, TokenSubject};
use larkspur_store::{Engine, StoreError, gather};
use tokio::sync::oneshot;
use tokio::task::yield_now;

/// The most statements under way at a time; more than one only while there is a whole statement's worth to be found. What
/// comes meanwhile waits for the next one, which finds all of it: never for one that was sent before, since a call must
/// not see less than what was acknowledged before it came.
const STATEMENTS: usize = 4;

type Answer = Result<Option<TokenRecords>, StoreError>;

#[derive(Default)]
struct State {
    running: usize,
    waiting: HashMap<TokenSubject, Vec<oneshot::Sender<Answer>>>,
}

/// What waits to be looked up.
#[derive(Default)]
pub(crate) struct Lookups(Mutex<State>);

impl Lookups {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a token leads to: what the store holds at some moment after this was called.
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
            // A task of its own: a caller who goes away must not keep the others waiting.
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
                    // Whoever asked may be gone.
                    drop(reply.send(answer.clone()));
                }
            }
        }
    }

    /// What the next statement is to find; none, and one runs less, if nothing waits.
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
