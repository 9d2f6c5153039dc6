//! Which scopes the calls of each app needed: counted as calls are recorded, and kept when the calls are dropped.

use std::collections::{HashMap, HashSet};

use larkspur_contract::events::{self, Form};
use larkspur_contract::ids::AppId;
use larkspur_contract::{Access, EventType, Scope};
use larkspur_control::traffic::ledger::CountedEvents;
use larkspur_store::{Mixing, Scoped};

use super::record::Record;
use crate::call_id::CallId;

/// The most rows of each kind in a world. Beyond, further operations and events are not counted.
const ROWS_MAX: usize = 8192;

/// What is counted in a world.
#[derive(Default)]
pub(super) struct Tallies {
    calls: HashMap<Key, Tally, Mixing>,
    events: HashMap<EventKey, EventTally>,
    /// The types of the events and callbacks of each app.
    types: HashSet<(AppId, &'static str)>,
}

/// The events of one type for one app that need the same scopes.
#[derive(Clone, Copy)]
struct EventTally {
    kind: &'static EventType,
    any_of: &'static [Scope],
    told: u64,
    untold: u64,
    /// The call that caused the first one that was told, and the first one that was not.
    first_told: Option<CallId>,
    first_untold: Option<CallId>,
}

/// An app, a type, and where the list of scopes is.
type EventKey = (AppId, &'static str, usize);

/// An app, whether a user called, and where the operation's name is: cheaper to hash than the name itself.
type Key = (AppId, bool, u64);

/// The calls of one operation by one app, with one kind of token.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    operation: &'static str,
    /// The scopes of which one is needed.
    pub(super) any_of: &'static [Scope],
    /// For each scope that let calls through: how many, and the first one.
    pub(super) used: Vec<(Scope, u64, CallId)>,
    /// How many calls were refused for want of a scope, and the first one.
    pub(super) missing: Option<(u64, CallId)>,
    /// How many calls lacked a scope and were let through, and the first one.
    pub(super) soft: Option<(u64, CallId)>,
}

impl Tallies {
    /// Counts a call, if its operation needs a scope and its caller is known, and the events that it caused.
    pub(super) fn count(&mut self, call: &Record) {
        for event in &call.work.events {
            self.sent(event.kind, event.app_id);
        }
        for event in &call.work.scoped {
            self.sent(event.kind, event.app_id);
            let Some(tally) = self.event(event) else { continue };
            let (count, first) = match event.told {
                true => (&mut tally.told, &mut tally.first_told),
                false => (&mut tally.untold, &mut tally.first_untold),
            };
            *count += 1;
            first.get_or_insert(call.id);
        }
        let Some(Access::Token { scopes, .. }) = call.spec.map(|spec| spec.access) else { return };
        let (Some(operation), Some(app)) = (call.operation, call.app) else { return };
        if scopes.is_empty() || (call.used.is_none() && !call.lacked_scope() && !call.soft) {
            return;
        }
        let key = (app, call.who.user.is_some(), operation.as_ptr().addr() as u64);
        if self.calls.len() >= ROWS_MAX && !self.calls.contains_key(&key) {
            return;
        }
        let tally = self.calls.entry(key).or_insert_with(|| Tally {
            operation,
            any_of: scopes,
            used: Vec::new(),
            missing: None,
            soft: None,
        });
        match call.used {
            Some(scope) => match tally.used.iter_mut().find(|(known, ..)| *known == scope) {
                Some((_, count, _)) => *count += 1,
                None => tally.used.push((scope, 1, call.id)),
            },
            None if call.soft => tally.soft.get_or_insert((0, call.id)).0 += 1,
            None => tally.missing.get_or_insert((0, call.id)).0 += 1,
        }
    }

    /// What was counted for an app: whether of users, the operation, the counts.
    pub(super) fn of(&self, app: AppId) -> Vec<(bool, &'static str, Tally)> {
        let own = self.calls.iter().filter(|((known, ..), _)| *known == app);
        let mut rows: Vec<_> =
            own.map(|((_, user, _), tally)| (*user, tally.operation, tally.clone())).collect();
        rows.sort_by_key(|(user, operation, _)| (*user, *operation));
        rows
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.calls.clear();
        self.events.clear();
        self.types.clear();
    }

    /// Notes that an app is sent events of a type. Those that no app subscribes to do not count.
    fn sent(&mut self, kind: &'static EventType, app_id: AppId) {
        let own = kind.form == Form::Challenge || kind.name == events::APP_TICKET.name;
        if !own && self.types.len() < ROWS_MAX {
            self.types.insert((app_id, kind.name));
        }
    }

    /// The types of the events and callbacks that were counted for an app.
    pub(super) fn types_of(&self, app: AppId) -> Vec<&'static EventType> {
        let own = self.types.iter().filter(|(known, _)| *known == app);
        own.filter_map(|(_, name)| events::named(name)).collect()
    }

    /// The count of events like this one; `None` if there are too many counts.
    fn event(&mut self, event: &Scoped) -> Option<&mut EventTally> {
        let (kind, any_of) = (event.kind, event.any_of);
        let key = (event.app_id, kind.name, any_of.as_ptr().addr());
        if self.events.len() >= ROWS_MAX && !self.events.contains_key(&key) {
            return None;
        }
        let fresh = EventTally { kind, any_of, told: 0, untold: 0, first_told: None, first_untold: None };
        Some(self.events.entry(key).or_insert(fresh))
    }

    /// The events that were counted for an app.
    pub(super) fn events_of(&self, app: AppId) -> Vec<CountedEvents> {
        let own = self.events.iter().filter(|((known, ..), _)| *known == app).map(|(_, tally)| tally);
        let first = |id: Option<CallId>, count: u64| id.map(|id| (count, id.log_id().to_owned()));
        let mut all: Vec<CountedEvents> = own
            .map(|tally| CountedEvents {
                event_type: tally.kind.name,
                any_of: tally.any_of,
                told: first(tally.first_told, tally.told),
                untold: first(tally.first_untold, tally.untold),
            })
            .collect();
        all.sort_by_key(|one| (one.event_type, one.any_of));
        all
    }
}
