//! Assertions about recorded calls: how many, in which order, and which ones nearly matched.

use larkspur_api::rules::matcher::Matcher;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Entry, matching};

/// How many near misses are listed.
const NEAR: usize = 3;
/// The most log ids that are listed.
const LISTED: usize = 100;

/// How many calls are wanted; at least one by default.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
pub struct Count {
    /// This many.
    #[schemars(range(min = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exactly: Option<i64>,
    /// This many or more.
    #[schemars(range(min = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<i64>,
    /// This many or fewer.
    #[schemars(range(min = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<i64>,
}

impl Count {
    fn fits(self, count: i64) -> bool {
        let Count { exactly, at_least, at_most } = self;
        if exactly.is_none() && at_least.is_none() && at_most.is_none() {
            return count >= 1;
        }
        exactly.is_none_or(|wanted| count == wanted)
            && at_least.is_none_or(|least| count >= least)
            && at_most.is_none_or(|most| count <= most)
    }

    /// Whether more calls cannot make it fit.
    fn is_exceeded(self, count: i64) -> bool {
        [self.exactly, self.at_most].into_iter().flatten().any(|most| count > most)
    }
}

/// What is asserted.
pub struct Wanted {
    /// One matcher with its count, or several that must match in this order.
    pub matchers: Vec<Matcher>,
    /// Whether they are a sequence.
    pub in_order: bool,
    /// How many calls, if they are not a sequence.
    pub count: Count,
    /// Whether calls of the control API count, too.
    pub control: bool,
}

/// The result of an assertion.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Checked {
    /// Whether it holds.
    pub passed: bool,
    /// How many calls matched; of a sequence, how many of its matchers.
    pub count: i64,
    /// The log ids of the calls that matched, at most 100.
    pub log_ids: Vec<String>,
    /// If it does not hold: the calls that matched most of the conditions, at most 3.
    pub near: Vec<Near>,
}

/// A call that nearly matched.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Near {
    /// Its log id.
    pub log_id: String,
    /// The share of conditions that hold.
    pub score: f64,
    /// The conditions that do not.
    pub differs: Vec<Differs>,
}

/// A condition that does not hold.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Differs {
    /// Its field and path.
    pub path: String,
    /// Its test.
    pub wanted: Value,
    /// The value of the call; absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<Value>,
}

/// Judges an assertion, and says whether later calls could still change the result.
pub fn judge(wanted: &Wanted, entries: &[Entry]) -> (Checked, bool) {
    let (passed, matched, open, missing) = if wanted.in_order {
        let (matched, missing) = sequence(wanted, entries);
        (missing.is_none(), matched, missing.is_some(), missing)
    } else {
        let first = wanted.matchers.first();
        let matched: Vec<&Entry> =
            first.map(|matcher| matching(entries, matcher, wanted.control).collect()).unwrap_or_default();
        let count = i64::try_from(matched.len()).unwrap_or(i64::MAX);
        let passed = wanted.count.fits(count);
        (passed, matched, !passed && !wanted.count.is_exceeded(count), first)
    };
    let near = match missing.filter(|_| !passed) {
        Some(matcher) => near(matcher, entries, wanted.control),
        None => Vec::new(),
    };
    let count = i64::try_from(matched.len()).unwrap_or(i64::MAX);
    let log_ids = matched.iter().take(LISTED).map(|entry| entry.row.log_id.clone()).collect();
    (Checked { passed, count, log_ids, near }, open)
}

/// The first calls that match one after the other, and the first matcher without one.
fn sequence<'a>(wanted: &'a Wanted, entries: &'a [Entry]) -> (Vec<&'a Entry>, Option<&'a Matcher>) {
    let mut matched = Vec::new();
    let mut rest = entries;
    for matcher in &wanted.matchers {
        let found = matching(rest, matcher, wanted.control).next();
        let Some(entry) = found else { return (matched, Some(matcher)) };
        matched.push(entry);
        let at = rest.iter().position(|other| std::ptr::eq(other, entry)).unwrap_or(rest.len());
        rest = rest.get(at + 1..).unwrap_or_default();
    }
    (matched, None)
}

fn near(matcher: &Matcher, entries: &[Entry], control: bool) -> Vec<Near> {
    let considered = entries.iter().rev().filter(|entry| control || entry.row.kind == "platform");
    let mut all: Vec<Near> = considered
        .filter_map(|entry| {
            let (score, differs) = matcher.compare(entry);
            let differs = differs.into_iter();
            let differs: Vec<Differs> =
                differs.map(|one| Differs { path: one.path, wanted: one.wanted, got: one.got }).collect();
            let near = score > 0.0 && !differs.is_empty();
            near.then(|| Near { log_id: entry.row.log_id.clone(), score, differs })
        })
        .collect();
    // Stable: of equally near ones, the newest first.
    all.sort_by(|one, other| other.score.total_cmp(&one.score));
    all.truncate(NEAR);
    all
}
