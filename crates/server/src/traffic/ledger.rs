//! Which scopes the calls of each app needed: counted as calls are recorded, and kept when the calls are dropped.

use std::collections::HashMap;

use larkspur_contract::ids::AppId;
use larkspur_contract::{Access, Scope};

use super::record::Record;
use crate::call_id::CallId;

/// The most rows of a world. Beyond, calls of further operations are not counted.
const ROWS_MAX: usize = 8192;

/// What is counted in a world.
#[derive(Default)]
pub(super) struct Tallies(HashMap<Key, Tally>);

/// An app, whether a user called, and where the operation's name is: cheaper to hash than the name itself.
type Key = (AppId, bool, usize);

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
    /// Counts a call, if its operation needs a scope and its caller is known.
    pub(super) fn count(&mut self, call: &Record) {
        let Some(Access::Token { scopes, .. }) = call.spec.map(|spec| spec.access) else { return };
        let (Some(operation), Some(app)) = (call.operation, call.app) else { return };
        if scopes.is_empty() || (call.used.is_none() && !call.lacked_scope() && !call.soft) {
            return;
        }
        let key = (app, call.who.user.is_some(), operation.as_ptr().addr());
        if self.0.len() >= ROWS_MAX && !self.0.contains_key(&key) {
            return;
        }
        let tally = self.0.entry(key).or_insert_with(|| Tally {
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
        let own = self.0.iter().filter(|((known, ..), _)| *known == app);
        let mut rows: Vec<_> =
            own.map(|((_, user, _), tally)| (*user, tally.operation, tally.clone())).collect();
        rows.sort_by_key(|(user, operation, _)| (*user, *operation));
        rows
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
