//! Assertions about recorded calls: how many, in which order, and which ones nearly matched.

use larkspur_api::rules::matcher::{Matcher, Subject};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Entry;

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

    /// The most calls that fit.
    fn most(self) -> Option<i64> {
        [self.exactly, self.at_most].into_iter().flatten().min()
    }

    /// Whether more calls can change whether it fits.
    fn is_open(self, count: i64) -> bool {
        match self.most() {
            Some(most) => count <= most,
            None => !self.fits(count),
        }
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

impl Wanted {
    /// From an assertion: one of a match, a sequence and what must not occur. `read` makes the matcher of a member.
    ///
    /// # Errors
    /// Those of `read`; `None` if there is not exactly one, or a count beside something else than a match.
    pub fn of<E>(
        one: Option<&Value>,
        in_order: Option<&Vec<Value>>,
        never: Option<&Value>,
        count: Option<Count>,
        read: impl Fn(&str, &Value) -> Result<Matcher, E>,
    ) -> Result<Option<Self>, E> {
        let none = Count { exactly: Some(0), ..Count::default() };
        let (matchers, in_order, count, values) = match (one, in_order, never) {
            (Some(value), None, None) => {
                (vec![read("match", value)?], false, count.unwrap_or_default(), vec![value])
            }
            (None, Some(list), None) if count.is_none() => {
                let matchers = list.iter().map(|value| read("in_order[*]", value));
                (matchers.collect::<Result<_, _>>()?, true, Count::default(), list.iter().collect())
            }
            (None, None, Some(value)) if count.is_none() => {
                (vec![read("never", value)?], false, none, vec![value])
            }
            _ => return Ok(None),
        };
        let control = values.iter().any(|value: &&Value| value.get("kind").is_some());
        Ok(Some(Wanted { matchers, in_order, count, control }))
    }
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
    /// How many older calls are not looked at, because they are not kept any more; 0 with `since`.
    pub dropped: u64,
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

/// What assertions are about.
pub trait Judged: Subject {
    /// Its id.
    fn id(&self) -> &str;
    /// Whether it counts although an assertion is not about the control API.
    fn is_counted(&self) -> bool;
}

impl Judged for Entry {
    fn id(&self) -> &str {
        &self.row.log_id
    }

    fn is_counted(&self) -> bool {
        self.row.kind == "platform"
    }
}

/// Judges an assertion about calls, of which so many older ones are not kept; says whether later calls could still change the
/// result.
pub fn judge(wanted: &Wanted, entries: &[Entry], dropped: u64) -> (Checked, bool) {
    let Verdict { passed, count, ids, near, open } = verdict(wanted, entries);
    let near = near.into_iter().map(|Nearly { id, score, differs }| Near { log_id: id, score, differs });
    (Checked { passed, count, log_ids: ids, near: near.collect(), dropped }, open)
}

/// The result of an assertion.
pub struct Verdict {
    /// Whether it holds.
    pub passed: bool,
    /// How many matched; of a sequence, how many of its matchers.
    pub count: i64,
    /// The ids of those that matched, at most 100.
    pub ids: Vec<String>,
    /// If it does not hold: those that matched most of the conditions, at most 3.
    pub near: Vec<Nearly>,
    /// Whether what happens later could still change the result.
    pub open: bool,
}

/// What nearly matched.
pub struct Nearly {
    /// Its id.
    pub id: String,
    /// The share of conditions that hold.
    pub score: f64,
    /// The conditions that do not.
    pub differs: Vec<Differs>,
}

/// Judges an assertion about things in their order.
pub fn verdict<T: Judged>(wanted: &Wanted, entries: &[T]) -> Verdict {
    let (passed, matched, open, missing) = if wanted.in_order {
        let (matched, missing) = sequence(wanted, entries);
        (missing.is_none(), matched, missing.is_some(), missing)
    } else {
        let first = wanted.matchers.first();
        let matched: Vec<&T> =
            first.map(|matcher| matching(entries, matcher, wanted.control).collect()).unwrap_or_default();
        let count = i64::try_from(matched.len()).unwrap_or(i64::MAX);
        let passed = wanted.count.fits(count);
        (passed, matched, wanted.count.is_open(count), first)
    };
    let near = match missing.filter(|_| !passed) {
        Some(matcher) => near(matcher, entries, wanted.control),
        None => Vec::new(),
    };
    let count = i64::try_from(matched.len()).unwrap_or(i64::MAX);
    let ids = matched.iter().take(LISTED).map(|entry| entry.id().to_owned()).collect();
    Verdict { passed, count, ids, near, open }
}

fn matching<'a, T: Judged>(
    entries: &'a [T],
    matcher: &'a Matcher,
    control: bool,
) -> impl Iterator<Item = &'a T> {
    entries.iter().filter(move |entry| (control || entry.is_counted()) && matcher.matches(*entry))
}

/// The first calls that match one after the other, and the first matcher without one.
fn sequence<'a, T: Judged>(wanted: &'a Wanted, entries: &'a [T]) -> (Vec<&'a T>, Option<&'a Matcher>) {
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

fn near<T: Judged>(matcher: &Matcher, entries: &[T], control: bool) -> Vec<Nearly> {
    let considered = entries.iter().rev().filter(|entry| control || entry.is_counted());
    let mut all: Vec<Nearly> = considered
        .filter_map(|entry| {
            let (score, differs) = matcher.compare(entry);
            let differs = differs.into_iter();
            let differs: Vec<Differs> =
                differs.map(|one| Differs { path: one.path, wanted: one.wanted, got: one.got }).collect();
            let near = score > 0.0 && !differs.is_empty();
            near.then(|| Nearly { id: entry.id().to_owned(), score, differs })
        })
        .collect();
    // Stable: of equally near ones, the newest first.
    all.sort_by(|one, other| other.score.total_cmp(&one.score));
    all.truncate(NEAR);
    all
}
