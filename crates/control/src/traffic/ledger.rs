//! The scope ledger: which scopes an app has, which its calls used, and which it lacks.

use std::collections::{BTreeMap, BTreeSet};

use larkspur_contract::events::Form;
use larkspur_contract::{EventType, Scope};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// The most scopes for which the smallest set is exact.
const EXACT_MAX: usize = 20;

/// The calls of one operation by an app, with one kind of token.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The operation.
    pub operation: &'static str,
    /// Whether with user tokens.
    pub user: bool,
    /// The scopes of which one is needed.
    pub any_of: &'static [Scope],
    /// For each scope that let calls through: how many, and the log id of the first.
    pub used: Vec<(Scope, u64, String)>,
    /// How many calls were refused for want of a scope, and the log id of the first.
    pub missing: Option<(u64, String)>,
    /// How many calls lacked a scope and were let through, and the log id of the first.
    pub soft: Option<(u64, String)>,
}

/// The events of one type for an app that need the same scopes.
#[derive(Debug, Clone)]
pub struct CountedEvents {
    /// Their type.
    pub event_type: &'static str,
    /// The scopes of which one is needed: those that let these events through, which may be fewer than those of the type.
    pub any_of: &'static [Scope],
    /// How many the app was told, and the log id of the call that caused the first.
    pub told: Option<(u64, String)>,
    /// How many it was not told for want of a scope, and the log id of the call that caused the first.
    pub untold: Option<(u64, String)>,
}

/// What was counted for an app.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Its calls.
    pub calls: Vec<Counted>,
    /// Its events that need a scope.
    pub events: Vec<CountedEvents>,
    /// The types of all events and callbacks that it was sent, or would have been with a scope.
    pub types: Vec<&'static EventType>,
}

/// The ledger of an app.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Ledger {
    /// The scopes that it has, used or lacks.
    pub scopes: Vec<Row>,
    /// The smallest set with which all these calls would pass.
    pub minimal: Sets,
    /// Whether `minimal` is the smallest set for certain; with more than 20 scopes it may not be.
    pub exact: bool,
    /// Scopes that it has and that no call and no event used: without them, no recorded call would be refused.
    pub unused: Vec<String>,
    /// Scopes that it has and cannot lose: without one of them, a recorded call would be refused, or an event not be told.
    pub tight: Vec<String>,
    /// `minimal`, in the forms that consoles import.
    pub manifest: Manifest,
}

/// A scope of an app.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Row {
    /// The scope.
    pub scope: String,
    /// `tenant` or `user`: with which kind of token it was used or is missing.
    pub identity: &'static str,
    /// Whether the app has it.
    pub granted: bool,
    /// `used`, `unused`, `missing`: a refused call, or an event that was not told, needed it or another one, or `soft`: calls
    /// that needed it or another one were let through.
    pub state: &'static str,
    /// How many calls it let through, or would have.
    pub calls: u64,
    /// The operations of these calls.
    pub operations: Vec<&'static str>,
    /// The types of the events that it let through, or would have.
    pub events: Vec<&'static str>,
    /// The log id of the first of these calls, and of those that caused the events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_log_id: Option<String>,
}

/// Scopes by identity.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Sets {
    /// Of the app.
    pub tenant: Vec<String>,
    /// Of its users.
    pub user: Vec<String>,
}

/// Two forms of a manifest.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Manifest {
    /// What the page of permissions imports.
    pub scopes: Sets,
    /// What creates an app with one click.
    pub one_click: Value,
}

/// The rows of an app's scopes, by identity and scope.
type Rows = BTreeMap<(bool, &'static str), Row>;

fn rows(Counts { calls, events, .. }: &Counts, granted: &BTreeSet<String>) -> Rows {
    let mut rows = Rows::new();
    for one in calls {
        for (scope, calls, first) in &one.used {
            let row = rows.entry((one.user, scope)).or_insert_with(|| row(scope, one.user, granted));
            row.state = "used";
            row.add(*calls, one.operation, first);
        }
        for (state, lacking) in [("soft", &one.soft), ("missing", &one.missing)] {
            let Some((calls, first)) = lacking else { continue };
            // Of several, the narrowest is proposed.
            let scope = one.any_of.iter().max_by_key(|scope| scope.len()).copied().unwrap_or_default();
            let row = rows.entry((one.user, scope)).or_insert_with(|| row(scope, one.user, granted));
            // A refusal says more than a call that was let through.
            if row.state == "unused" || (row.state == "soft" && state == "missing") {
                row.state = state;
            }
            row.add(*calls, one.operation, first);
        }
    }
    for one in events {
        let narrowest = |of: &mut dyn Iterator<Item = Scope>| of.max_by_key(|scope| scope.len());
        let held = narrowest(&mut one.any_of.iter().copied().filter(|scope| granted.contains(*scope)));
        let any = narrowest(&mut one.any_of.iter().copied()).unwrap_or_default();
        if let Some((_, first)) = &one.told {
            // One that was taken away since is missing now.
            let scope = held.unwrap_or(any);
            let row = rows.entry((false, scope)).or_insert_with(|| row(scope, false, granted));
            row.state = if held.is_some() { "used" } else { "missing" };
            row.add_event(one.event_type, first);
        }
        if let (Some((_, first)), None) = (&one.untold, held) {
            let row = rows.entry((false, any)).or_insert_with(|| row(any, false, granted));
            if row.state != "used" {
                row.state = "missing";
            }
            row.add_event(one.event_type, first);
        }
    }
    rows
}

/// Makes the ledger of an app with these scopes.
pub fn ledger(counts: &Counts, granted: &BTreeSet<String>) -> Ledger {
    let rows = rows(counts, granted);
    let used: BTreeSet<&str> =
        rows.iter().filter(|(_, row)| row.state == "used").map(|((_, scope), _)| *scope).collect();
    let unused: Vec<String> =
        granted.iter().filter(|scope| !used.contains(scope.as_str())).cloned().collect();
    let mut scopes: Vec<Row> = rows.into_values().collect();
    for scope in &unused {
        if !scopes.iter().any(|row| row.scope == *scope) {
            scopes.push(row(scope, false, granted));
        }
    }
    let lists = |user: bool| {
        let own = counts.calls.iter().filter(move |one| one.user == user).map(|one| one.any_of);
        let events = counts.events.iter().filter(|_| !user).map(|one| one.any_of);
        own.chain(events).map(<[Scope]>::to_vec).collect::<Vec<_>>()
    };
    let tight = tight(&lists(false), granted);
    let ((tenant, one), (user, other)) = (minimal(&lists(false)), minimal(&lists(true)));
    let minimal = Sets { tenant, user };
    let types = |callbacks: bool| -> BTreeSet<&str> {
        let wanted = counts.types.iter().filter(|kind| (kind.form == Form::Callback) == callbacks);
        wanted.map(|kind| kind.name).collect()
    };
    let one_click = json!({
        "preset": false,
        "scopes": {"tenant": minimal.tenant, "user": minimal.user},
        "events": {"items": {"tenant": types(false)}},
        "callbacks": {"items": types(true)},
    });
    let manifest = Manifest { scopes: minimal.clone(), one_click };
    Ledger { scopes, minimal, exact: one && other, unused, tight, manifest }
}

/// The scopes that are the only granted one of a list.
fn tight(lists: &[Vec<Scope>], granted: &BTreeSet<String>) -> Vec<String> {
    let only = lists.iter().filter_map(|list| {
        let mut held = list.iter().filter(|scope| granted.contains(**scope));
        held.next().filter(|_| held.next().is_none())
    });
    let found: BTreeSet<&str> = only.copied().collect();
    found.into_iter().map(str::to_owned).collect()
}

fn row(scope: &str, user: bool, granted: &BTreeSet<String>) -> Row {
    Row {
        scope: scope.to_owned(),
        identity: if user { "user" } else { "tenant" },
        granted: granted.contains(scope),
        state: "unused",
        calls: 0,
        operations: Vec::new(),
        events: Vec::new(),
        first_log_id: None,
    }
}

impl Row {
    fn add(&mut self, calls: u64, operation: &'static str, first: &str) {
        self.calls += calls;
        if !self.operations.contains(&operation) {
            self.operations.push(operation);
        }
        self.since(first);
    }

    fn add_event(&mut self, event_type: &'static str, first: &str) {
        if !self.events.contains(&event_type) {
            self.events.push(event_type);
        }
        self.since(first);
    }

    fn since(&mut self, first: &str) {
        // Log ids begin with their time.
        if self.first_log_id.as_deref().is_none_or(|known| first < known) {
            self.first_log_id = Some(first.to_owned());
        }
    }
}

/// The smallest set that has one of each list, and whether it is the smallest for certain. Of several smallest sets, one
/// with narrow scopes, which have long names.
pub fn minimal(lists: &[Vec<Scope>]) -> (Vec<String>, bool) {
    let mut known: Vec<Scope> = lists.iter().flatten().copied().collect();
    known.sort_by_key(|scope| (usize::MAX - scope.len(), *scope));
    known.dedup();
    let found = if known.len() <= EXACT_MAX { exact(lists, &known) } else { greedy(lists, &known) };
    let mut found: Vec<String> = found.into_iter().map(str::to_owned).collect();
    found.sort();
    (found, known.len() <= EXACT_MAX)
}

fn exact(lists: &[Vec<Scope>], known: &[Scope]) -> Vec<Scope> {
    let mask = |list: &Vec<Scope>| {
        let own = known.iter().enumerate().filter(|(_, scope)| list.contains(scope));
        own.fold(0_u32, |mask, (index, _)| mask | 1 << index)
    };
    let mut masks: Vec<u32> = lists.iter().map(mask).filter(|mask| *mask != 0).collect();
    masks.sort_unstable();
    masks.dedup();
    let hits = |set: u32| masks.iter().all(|mask| mask & set != 0);
    let sets = 0..1_u32 << known.len();
    // The narrow scopes have the low bits, so the first of the smallest sets has them.
    let best = sets.filter(|set| hits(*set)).min_by_key(|set| set.count_ones()).unwrap_or_default();
    known.iter().enumerate().filter(|(index, _)| best & 1 << index != 0).map(|(_, scope)| *scope).collect()
}

fn greedy(lists: &[Vec<Scope>], known: &[Scope]) -> Vec<Scope> {
    let mut left: Vec<&Vec<Scope>> = lists.iter().filter(|list| !list.is_empty()).collect();
    let mut taken = Vec::new();
    while !left.is_empty() {
        let hits = |scope: &Scope| left.iter().filter(|list| list.contains(scope)).count();
        let Some(best) = known.iter().rev().max_by_key(|scope| hits(scope)).copied() else { break };
        taken.push(best);
        left.retain(|list| !list.contains(&best));
    }
    taken
}

#[cfg(test)]
mod tests {
    use larkspur_contract::events;

    use super::*;

    #[test]
    fn the_smallest_set_hits_every_list() {
        let (set, exact) = minimal(&[vec!["im:chat", "im:chat:readonly"], vec!["im:chat", "im:tag:write"]]);
        assert_eq!((set, exact), (vec!["im:chat".to_owned()], true));
        let (set, _) = minimal(&[vec!["im:chat", "im:chat:readonly"]]);
        assert_eq!(set, ["im:chat:readonly"], "the narrowest");
        assert_eq!(minimal(&[]).0, [""; 0]);
        let names: Vec<Scope> = (0..30).map(|n| &*format!("scope:{n:02}").leak()).collect();
        let lists: Vec<Vec<Scope>> = names.windows(2).map(<[Scope]>::to_vec).collect();
        let (set, exact) = minimal(&lists);
        assert!(
            !exact && lists.iter().all(|list| list.iter().any(|scope| set.contains(&(*scope).to_owned())))
        );
    }

    #[test]
    fn used_missing_and_unused() {
        let counted = [
            Counted {
                operation: "im.v1.chat.get",
                user: false,
                any_of: &["im:chat", "im:chat:read"],
                used: vec![("im:chat", 3, "2026A".to_owned())],
                missing: None,
                soft: None,
            },
            Counted {
                operation: "im.v2.tag.create",
                user: false,
                any_of: &["im:tag:write"],
                used: Vec::new(),
                missing: Some((2, "2026B".to_owned())),
                soft: None,
            },
        ];
        let granted = ["im:chat", "im:resource"].map(str::to_owned).into();
        let told = vec![CountedEvents {
            event_type: "im.message.receive_v1",
            any_of: &["im:message.p2p_msg"],
            told: None,
            untold: Some((1, "2026C".to_owned())),
        }];
        let types = vec![&events::MESSAGE_RECEIVE, &events::CARD_ACTION];
        let ledger = ledger(&Counts { calls: counted.into(), events: told, types }, &granted);
        let state = |scope: &str| {
            ledger.scopes.iter().find(|row| row.scope == scope).map(|row| (row.state, row.calls))
        };
        assert_eq!(state("im:chat"), Some(("used", 3)));
        assert_eq!(state("im:tag:write"), Some(("missing", 2)));
        assert_eq!(state("im:resource"), Some(("unused", 0)));
        assert_eq!(state("im:message.p2p_msg"), Some(("missing", 0)));
        assert_eq!(ledger.minimal.tenant, ["im:chat:read", "im:message.p2p_msg", "im:tag:write"]);
        assert_eq!(ledger.tight, ["im:chat"]);
        assert_eq!(ledger.unused, ["im:resource"]);
        let one_click = &ledger.manifest.one_click;
        assert_eq!(one_click["events"]["items"]["tenant"], json!(["im.message.receive_v1"]));
        assert_eq!(one_click["callbacks"]["items"], json!(["card.action.trigger"]));
    }

    /// Events of one type that need different scopes are different lists.
    #[test]
    fn scopes_of_one_type_are_not_interchangeable() {
        let told = |any_of: &'static [Scope]| CountedEvents {
            event_type: "im.message.receive_v1",
            any_of,
            told: Some((1, "2026A".to_owned())),
            untold: None,
        };
        let events = vec![told(&["p2p", "p2p:readonly"]), told(&["group"]), told(&["group", "mention"])];
        let granted = ["p2p", "group", "mention"].map(str::to_owned).into();
        let ledger = ledger(&Counts { calls: Vec::new(), events, types: Vec::new() }, &granted);
        assert_eq!(ledger.minimal.tenant, ["group", "p2p:readonly"]);
        assert_eq!(ledger.unused, [""; 0], "each let one through");
        assert!(ledger.scopes.iter().all(|row| row.events == ["im.message.receive_v1"]));
        assert_eq!(ledger.tight, ["group", "p2p"]);
    }
}
