//! Decides when a writing unit runs: in a group, in a lane, or alone.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use larkspur_contract::Effect;
use larkspur_contract::ids::TenantKey;
use larkspur_store::{StoreError, Unit, gather};
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};

use crate::attempts::Attempts;
use crate::execution::Member;
use crate::groups::{GROUP, Groups, Placement, Waiting};

/// How long a unit waits for its group before another lane is started, since the current group is slow.
const PATIENCE: Duration = Duration::from_millis(10);

/// State shared by a driver and its tasks.
pub(crate) struct Scheduler {
    pub(crate) attempts: Attempts,
    groups: Groups,
}

impl Scheduler {
    pub(crate) fn new(attempts: Attempts) -> Self {
        Scheduler { attempts, groups: Groups::default() }
    }

    /// Runs a unit that writes the rows of only one tenant; in a group if others wait, too.
    pub(crate) async fn transact_of(
        self: Arc<Self>,
        tenant: TenantKey,
        unit: Arc<dyn Unit>,
    ) -> Result<(), StoreError> {
        let (reply, mut answer) = oneshot::channel();
        let until = Instant::now() + self.attempts.deadline;
        match self.groups.enter(Waiting { tenant, unit, until, reply }) {
            Placement::Alone(unit) => drop(tokio::spawn(self.clone().alone(unit))),
            Placement::NewLane => drop(tokio::spawn(self.clone().serve_lane())),
            Placement::Queued => {}
        }
        let answered = match timeout(PATIENCE, &mut answer).await {
            Ok(answered) => answered,
            Err(_) => {
                if self.groups.hurry(tenant) {
                    drop(tokio::spawn(self.clone().serve_lane()));
                }
                answer.await
            }
        };
        answered.unwrap_or_else(|_| Err(StoreError::UnknownOutcome("aborted by shutdown".to_owned())))
    }

    /// Runs waiting units, group by group.
    async fn serve_lane(self: Arc<Self>) {
        let mut ran = Vec::new();
        loop {
            gather(|| self.groups.waiting(), GROUP, yield_now).await;
            let group = self.groups.next(&ran);
            ran = group.iter().flatten().map(|unit| unit.tenant).collect();
            if ran.is_empty() {
                return;
            }
            // A panic must not end the lane, or it and its tenants would stay blocked.
            drop(AssertUnwindSafe(self.commit_group(group)).catch_unwind().await);
        }
    }

    async fn commit_group(self: &Arc<Self>, group: Vec<Vec<Waiting>>) {
        if group.iter().map(Vec::len).sum::<usize>() > 1 {
            return self.together(group).await;
        }
        for unit in group.into_iter().flatten() {
            self.commit_alone(unit).await;
        }
    }

    async fn alone(self: Arc<Self>, unit: Waiting) {
        let tenant = unit.tenant;
        drop(AssertUnwindSafe(self.commit_alone(unit)).catch_unwind().await);
        self.groups.ended_alone(tenant);
    }

    async fn commit_alone(&self, unit: Waiting) {
        let outcome = self.attempts.transact(Effect::Writes, &*unit.unit, unit.until).await;
        self.reply(unit, outcome);
    }

    async fn together(self: &Arc<Self>, group: Vec<Vec<Waiting>>) {
        let member = |unit| {
            let Waiting { unit, until, .. }: &Waiting = unit;
            Member { unit: &**unit, until: *until, only_adds: unit.only_adds() }
        };
        let chains: Vec<Vec<Member<'_>>> =
            group.iter().map(|chain| chain.iter().map(member).collect()).collect();
        let until = chains.iter().flatten().map(|member| member.until).min().unwrap_or_else(Instant::now);
        let ran = self.attempts.attempt(Effect::Writes, &chains, until).await;
        drop(chains);
        self.attempts.counters.groups.fetch_add(1, Ordering::Relaxed);
        let units: Vec<Waiting> = group.into_iter().flatten().collect();
        let outcomes = match ran {
            Ok((ran, _)) => ran.outcomes,
            Err(error) => Some(vec![Err(error); units.len()]),
        };
        let outcomes = outcomes.unwrap_or_else(|| {
            self.attempts.counters.groups_undone.fetch_add(1, Ordering::Relaxed);
            vec![Err(StoreError::Collided); units.len()]
        });
        for (unit, outcome) in units.into_iter().zip(outcomes) {
            if outcome == Err(StoreError::Collided) {
                self.groups.goes_alone(unit.tenant);
                drop(tokio::spawn(self.clone().alone(unit)));
            } else {
                self.reply(unit, outcome);
            }
        }
    }

    fn reply(&self, waiting: Waiting, outcome: Result<(), StoreError>) {
        self.attempts.counters.count(Effect::Writes, &outcome);
        // The caller may be gone; the unit has completed all the same.
        drop(waiting.reply.send(outcome));
    }
}
