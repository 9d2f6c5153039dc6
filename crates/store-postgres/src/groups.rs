//! Decides which writing units share a transaction.
//!
//! A lane writes one group after another. Units that arrive meanwhile wait and form its next group: one transaction,
//! one commit, and statements that are sent together. The larger the groups, the less each unit costs. So there is one
//! lane, and more only while a whole group waits or a unit has waited for long. In a group, the units of one tenant run
//! one after another, and those of different tenants concurrently, since they are independent. Units that only add a
//! row run concurrently, too; their tenant then has no other units in the group. No tenant is in two groups at a time:
//! groups that wait for each other's rows would block each other. If a tenant has more to write, its units run alone
//! and, if necessary, wait in PostgreSQL.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use larkspur_contract::ids::TenantKey;
use larkspur_store::{StoreError, Unit};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// The most lanes.
const LANES: usize = 4;
/// The most units in a group.
pub(crate) const GROUP: usize = 32;
/// The most units of one tenant in a group. They run one after another, and the rest of the group waits for them.
const CHAIN: usize = 4;

/// A waiting unit.
pub(crate) struct Waiting {
    pub(crate) tenant: TenantKey,
    pub(crate) unit: Arc<dyn Unit>,
    pub(crate) until: Instant,
    pub(crate) reply: oneshot::Sender<Result<(), StoreError>>,
}

/// How a unit is run.
pub(crate) enum Placement {
    /// Alone, now.
    Alone(Waiting),
    /// In a new lane, which must be started.
    NewLane,
    /// In a running lane.
    Queued,
}

#[derive(Default)]
struct State {
    lanes: usize,
    waiting: VecDeque<Waiting>,
    writing: HashMap<TenantKey, Writing>,
}

/// The writes of a tenant.
#[derive(Default)]
struct Writing {
    /// Whether a lane runs its units.
    lane: bool,
    /// How many of its units wait for a lane, and how many run alone.
    waiting: usize,
    alone: usize,
}

/// The waiting units and the running writers.
#[derive(Default)]
pub(crate) struct Groups(Mutex<State>);

impl Groups {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides how a unit is run. For a unit run alone, the caller must call [`Groups::ended_alone`] at its end.
    pub(crate) fn enter(&self, unit: Waiting) -> Placement {
        let mut state = self.state();
        let free = state.lanes < LANES;
        let (none, full) = (state.lanes == 0, state.waiting.len() + 1 >= GROUP);
        let writing = state.writing.entry(unit.tenant).or_default();
        if !unit.unit.only_adds() {
            if writing.alone > 0 || writing.waiting >= CHAIN || free && writing.lane {
                writing.alone += 1;
                return Placement::Alone(unit);
            }
            writing.waiting += 1;
        }
        // The unit waits for its tenant's lane; no other may take it.
        let wanted = none || free && full && !writing.lane;
        state.waiting.push_back(unit);
        if wanted {
            state.lanes += 1;
            return Placement::NewLane;
        }
        Placement::Queued
    }

    /// Whether to start another lane for a tenant's unit that has waited for long.
    pub(crate) fn hurry(&self, tenant: TenantKey) -> bool {
        let mut state = self.state();
        let in_lane = state.writing.get(&tenant).is_some_and(|writing| writing.lane);
        let more = !in_lane && !state.waiting.is_empty() && state.lanes < LANES;
        state.lanes += usize::from(more);
        more
    }

    /// How many units wait.
    pub(crate) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// The next group for a lane that has run units of these tenants, or starts: each tenant's units in order. An empty
    /// group ends the lane; what still waits belongs to other lanes.
    ///
    /// A tenant that is in another lane is left to it. In a group, a tenant either only adds or has a chain.
    pub(crate) fn next(&self, ran: &[TenantKey]) -> Vec<Vec<Waiting>> {
        let mut state = self.state();
        let State { lanes, waiting, writing } = &mut *state;
        for tenant in ran {
            leave(writing, *tenant, |writing| writing.lane = false);
        }
        let mut group: Vec<Vec<Waiting>> = Vec::new();
        if *lanes > 1 && !ran.is_empty() && waiting.len() < GROUP {
            *lanes -= 1;
            return group;
        }
        // The chain of a tenant, or `None` if its units in the group only add.
        let mut place: HashMap<TenantKey, Option<usize>> = HashMap::new();
        let mut left = VecDeque::new();
        let mut count = 0;
        while let Some(unit) = waiting.pop_front() {
            let of = writing.entry(unit.tenant).or_default();
            let adds = unit.unit.only_adds();
            let other_kind = place.get(&unit.tenant).is_some_and(|chain| chain.is_none() != adds);
            if of.lane || other_kind {
                left.push_back(unit);
                continue;
            }
            if !adds {
                of.waiting -= 1;
            }
            let next = (!adds).then_some(group.len());
            match place.entry(unit.tenant).or_insert(next).and_then(|index| group.get_mut(index)) {
                Some(chain) => chain.push(unit),
                None => group.push(vec![unit]),
            }
            count += 1;
            if count == GROUP {
                break;
            }
        }
        left.append(waiting);
        *waiting = left;
        for tenant in place.keys() {
            writing.entry(*tenant).or_default().lane = true;
        }
        if group.is_empty() {
            *lanes -= 1;
        }
        group
    }

    /// A unit of a group is to be run alone after all.
    pub(crate) fn goes_alone(&self, tenant: TenantKey) {
        self.state().writing.entry(tenant).or_default().alone += 1;
    }

    /// A unit that ran alone has ended.
    pub(crate) fn ended_alone(&self, tenant: TenantKey) {
        leave(&mut self.state().writing, tenant, |writing| writing.alone -= 1);
    }
}

/// Updates a tenant's writes, and forgets a tenant without any.
fn leave(all: &mut HashMap<TenantKey, Writing>, tenant: TenantKey, change: impl FnOnce(&mut Writing)) {
    if let Some(writing) = all.get_mut(&tenant) {
        change(writing);
        if !writing.lane && writing.waiting == 0 && writing.alone == 0 {
            all.remove(&tenant);
        }
    }
}
