//! Executes units once, from the beginning of their transaction to its end.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use larkspur_contract::Effect;
use larkspur_store::{Hook, StoreError, Unit, Verdict};
use tokio::time::Instant;

use crate::connection::Connection;
use crate::errors::Failure;
use crate::session::Handle;
use crate::transaction::Transaction;

/// The minimum wait for the end of a transaction: an answer is worth more than the time that is left.
const END: Duration = Duration::from_secs(1);

/// A unit, and its deadline.
pub(crate) struct Member<'a> {
    pub(crate) unit: &'a dyn Unit,
    pub(crate) until: Instant,
    /// Whether it is limited to [`Unit::only_adds`], since other units of its tenant run concurrently.
    pub(crate) only_adds: bool,
}

/// The result of a run.
pub(crate) struct Ran {
    /// The outcome of each unit. `None`: rolled back, retry each unit alone.
    pub(crate) outcomes: Option<Vec<Result<(), StoreError>>>,
    /// The connection, if nothing is open on it.
    pub(crate) connection: Option<Connection>,
    /// Whether the connection was lost before the units could do anything.
    pub(crate) untouched: bool,
}

/// A unit that has run.
struct Done {
    verdict: Result<Verdict, StoreError>,
    hooks: Vec<Hook>,
    until: Instant,
    untouched: bool,
    wrote: bool,
    failure: Option<Failure>,
    /// Whether it asked for more than to add a row, and must be retried alone.
    overstepped: bool,
    /// Whether it may have seen rows of another unit of its tenant that commits.
    follows: bool,
}

/// Runs units once in one transaction: those of a chain one after another, and the chains concurrently. Several units
/// must be writing ones, and each chain of another tenant, unless the units only add.
pub(crate) async fn execute(connection: Connection, effect: Effect, chains: &[Vec<Member<'_>>]) -> Ran {
    let count = chains.iter().map(Vec::len).sum();
    let tenants = chains.iter().flatten().filter_map(|member| member.unit.tenant()).collect();
    let transaction = Arc::new(Transaction::new(connection, effect, (chains.len(), count), &tenants));
    let done: Vec<Done> = drive_chains(&transaction, chains).await.into_iter().flatten().collect();
    // If another handle is left, it was abandoned in the middle of a statement.
    let Some(transaction) = Arc::into_inner(transaction) else {
        let outcome = Err(StoreError::Broken("the transaction was abandoned by its unit".to_owned()));
        return Ran { outcomes: Some(vec![outcome; count]), connection: None, untouched: false };
    };
    let untouched = done.iter().any(|done| done.untouched);
    let (outcomes, connection) = conclude(transaction, effect, count, done).await;
    Ran { outcomes, connection, untouched }
}

/// Runs chains concurrently. When all of them wait, the rows that they want to add are sent.
async fn drive_chains(transaction: &Arc<Transaction>, chains: &[Vec<Member<'_>>]) -> Vec<Vec<Done>> {
    let mut running = pin!(join_all(chains.iter().map(|chain| drive_chain(transaction, chain))));
    let mut sent = FuturesUnordered::new();
    poll_fn(|context| {
        loop {
            if let Poll::Ready(done) = running.as_mut().poll(context) {
                return Poll::Ready(done);
            }
            sent.extend(transaction.adding().into_values().map(|rows| transaction.add(rows)));
            // Rows were added, so the units that waited for this can continue.
            let Poll::Ready(Some(())) = sent.poll_next_unpin(context) else { return Poll::Pending };
        }
    })
    .await
}

/// Runs units one after another, up to the first that fails.
async fn drive_chain(transaction: &Arc<Transaction>, chain: &[Member<'_>]) -> Vec<Done> {
    let mut all: Vec<Done> = Vec::with_capacity(chain.len());
    for member in chain {
        let follows = member.only_adds || all.iter().any(Done::commits);
        let done = Done { follows, ..call_unit(transaction, member).await };
        let spoiled = done.is_spoiled();
        all.push(done);
        if spoiled {
            break;
        }
    }
    all
}

/// Runs one unit, and closes its handle.
async fn call_unit(transaction: &Arc<Transaction>, member: &Member<'_>) -> Done {
    let handle = Handle::on(transaction.clone(), member.until, member.only_adds);
    let running = AssertUnwindSafe(async { member.unit.run(Box::new(handle.clone())).await });
    let verdict = running.catch_unwind().await;
    let verdict = verdict.unwrap_or_else(|_| Err(StoreError::Broken("the unit panicked".to_owned())));
    let (part, hooks) = handle.close().await;
    // No other code closes it.
    let (untouched, wrote, failure, overstepped) = part.map_or((false, true, None, false), |part| {
        (part.untouched, part.wrote, part.failure, part.overstepped)
    });
    Done { verdict, hooks, until: member.until, untouched, wrote, failure, overstepped, follows: false }
}

impl Done {
    /// What to do with its writes. A unit with a failed statement cannot commit, even if it ignored the error.
    fn verdict(&self) -> Result<Verdict, StoreError> {
        match (&self.verdict, &self.failure) {
            (Ok(Verdict::Commit), Some(failure)) => Err(failure.error.clone()),
            _ if self.overstepped => Err(StoreError::Collided),
            (verdict, _) => verdict.clone(),
        }
    }

    fn commits(&self) -> bool {
        self.failure.is_none() && !self.overstepped && self.verdict == Ok(Verdict::Commit)
    }

    /// Whether its writes, and with them those of all others, must be undone.
    fn is_spoiled(&self) -> bool {
        let in_time = !self.wrote && (self.overstepped || self.verdict == Ok(Verdict::Rollback));
        self.failure.is_some() || !self.commits() && !in_time
    }
}

type Outcomes = Option<Vec<Result<(), StoreError>>>;

/// Ends the transaction of `count` units, of which these have run.
async fn conclude(
    transaction: Transaction,
    effect: Effect,
    count: usize,
    done: Vec<Done>,
) -> (Outcomes, Option<Connection>) {
    let begun = transaction.has_begun();
    let connection = transaction.into_connection();
    let at_odds = count > 1 && done.iter().any(Done::is_spoiled);
    let lost = done.iter().any(|done| done.failure.as_ref().is_some_and(|failure| failure.lost));
    let verdicts: Vec<_> = done.iter().map(|done| (done.verdict(), done.follows)).collect();
    let commits = effect == Effect::Writes && done.iter().any(Done::commits);
    if at_odds || !commits {
        if begun && !lost {
            connection.roll_back().await;
        }
        let outcomes =
            (!at_odds).then(|| verdicts.into_iter().map(|(verdict, _)| verdict.map(drop)).collect());
        return (outcomes, (!lost).then_some(connection));
    }
    let until = done.iter().map(|done| done.until).max().unwrap_or_else(Instant::now);
    let mut after = Vec::new();
    for hook in done.into_iter().filter(Done::commits).flat_map(|done| done.hooks) {
        (hook.before)();
        after.push(hook.after);
    }
    let committed = match begun {
        true => connection.commit(until.max(Instant::now() + END)).await,
        // Nothing was sent, so nothing is open.
        false => Ok(()),
    };
    let of = |(verdict, follows)| match (verdict, &committed) {
        (Ok(Verdict::Commit), Err(failure)) => Err(failure.error.clone()),
        // Its refusal may be based on rows that are lost. It wrote nothing, so it can be retried alone.
        (Ok(Verdict::Rollback), Err(_)) if follows => Err(StoreError::Collided),
        (verdict, _) => verdict.map(drop),
    };
    let outcomes = verdicts.into_iter().map(of).collect();
    let lost = match committed {
        Ok(()) => {
            for hook in after {
                // The commit stands. Memory was invalidated before and is only missing this hook's update, which is
                // safe.
                drop(catch_unwind(AssertUnwindSafe(hook)));
            }
            false
        }
        Err(failure) => failure.lost,
    };
    (Some(outcomes), (!lost).then_some(connection))
}
