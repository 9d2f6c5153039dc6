//! Faults by rule: what a test wants done to the calls of a world, in place of their own results.
//!
//! A rule has a match, as filters of recorded calls have, and one effect. The first rule that matches and decides for a call
//! ends it; delays of the rules before it add up. Whether a rule decides for the nth call that it matched depends on its seed,
//! its id and n alone: so it is the same in every run, on every store and on every server.

use std::collections::BTreeMap;

use larkspur_api::rules::matcher::{Grammar, Matcher, Subject};
use larkspur_store::faults::{self, Count};
use larkspur_store::{StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod effect;
pub mod presets;

pub use effect::{
    Answer, Corrupt, Cut, Delay, Disconnect, Effect, Ending, How, Nothing, Refuse, Repeat, SignIn,
    SignInResult, Slow, What, When,
};

/// What a rule may name in a call.
pub const GRAMMAR: Grammar = Grammar {
    fields: &["operation", "app_id", "user", "token", "method", "path"],
    globs: &["operation", "path"],
    maps: &["header", "query"],
    trees: &["body"],
};

/// What a rule for events may name.
pub const EVENT_GRAMMAR: Grammar = Grammar {
    fields: &["event_type", "app_id", "way", "form"],
    globs: &["event_type"],
    maps: &[],
    trees: &[],
};
/// What a rule for long connections may name.
pub const CONNECTION_GRAMMAR: Grammar = Grammar { fields: &["app_id"], globs: &[], maps: &[], trees: &[] };

/// What a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Calls.
    Calls,
    /// Events and callbacks for apps.
    Events,
    /// Long connections of apps.
    Connections,
}

impl Kind {
    /// What such a rule may name.
    pub const fn grammar(self) -> &'static Grammar {
        match self {
            Kind::Calls => &GRAMMAR,
            Kind::Events => &EVENT_GRAMMAR,
            Kind::Connections => &CONNECTION_GRAMMAR,
        }
    }

    /// What a rule with this effect and match is for. A delay is for events if its match names `event_type` or `way`.
    pub fn of(effect: &Effect, conditions: &Value) -> Self {
        let names = |name: &str| conditions.get(name).is_some();
        if effect.disconnect.is_some() {
            Kind::Connections
        } else if effect.is_for_events() || (effect.delay.is_some() && (names("event_type") || names("way")))
        {
            Kind::Events
        } else {
            Kind::Calls
        }
    }
}

/// The most rules of a world.
pub const RULES_MAX: usize = 64;
/// The most bytes of a world's rules together.
pub const BYTES_MAX: usize = 128 << 10;
/// The longest time that a call is delayed by all rules together, in milliseconds.
pub const DELAY_MAX_MS: u64 = 60_000;

/// A rule, as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Its id, unique in its world.
    pub id: String,
    /// Its name, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The calls that it is for: an object of conditions.
    pub r#match: Value,
    /// What it does to them.
    pub effect: Effect,
    /// The share of calls that it changes, from 0 to 1.
    #[serde(default = "always")]
    pub probability: f64,
    /// What the decisions are derived from.
    #[serde(default)]
    pub seed: i64,
    /// The number of calls that it leaves alone first.
    #[serde(default)]
    pub skip: i64,
    /// The most calls that it changes; `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<i64>,
    /// How long it is used, in seconds of the world's time; `None` for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_s: Option<i64>,
    /// Whether it is used.
    #[serde(default = "used")]
    pub enabled: bool,
    /// When it was added, in the world's time, in milliseconds since 1970.
    pub since_ms: i64,
}

const fn always() -> f64 {
    1.0
}

const fn used() -> bool {
    true
}

/// A rule and how often it was used.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Shown {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The calls that it is for.
    pub r#match: Value,
    /// What it does to them.
    pub effect: Effect,
    /// The share of calls that it changes, from 0 to 1.
    pub probability: f64,
    /// What the decisions are derived from.
    pub seed: i64,
    /// The number of calls that it leaves alone first.
    pub skip: i64,
    /// The most calls that it changes; absent for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<i64>,
    /// How long it is used, in seconds of the world's time; absent for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_s: Option<i64>,
    /// Whether it is used.
    pub enabled: bool,
    /// The number of calls that it changed.
    pub hits: i64,
    /// The number of calls that it matched.
    pub seen: i64,
    /// Whether it would change the next call that it matches, if no rule before it ends that call.
    pub next: bool,
}

impl Rule {
    /// With its counts, at a time of the world.
    pub fn shown(self, count: Count, now: i64) -> Shown {
        let coming = Count { seen: count.seen.saturating_add(1), ..count };
        Shown {
            next: self.is_live(now) && self.decides(coming),
            id: self.id,
            name: self.name,
            r#match: self.r#match,
            effect: self.effect,
            probability: self.probability,
            seed: self.seed,
            skip: self.skip,
            times: self.times,
            for_s: self.for_s,
            enabled: self.enabled,
            hits: count.hits,
            seen: count.seen,
        }
    }

    /// What it is for.
    pub fn kind(&self) -> Kind {
        Kind::of(&self.effect, &self.r#match)
    }

    /// Whether it is used at a time of the world, in milliseconds since 1970.
    pub fn is_live(&self, now: i64) -> bool {
        let over = self.for_s.map(|seconds| self.since_ms.saturating_add(seconds.saturating_mul(1000)));
        self.enabled && over.is_none_or(|over| now < over)
    }

    /// Whether it changes the call that it saw last. `count` is with that call.
    pub fn decides(&self, count: Count) -> bool {
        count.seen > self.skip
            && draw(self.seed, &self.id, count.seen) < self.probability
            && self.times.is_none_or(|most| count.hits < most)
    }

    /// How long it delays the nth call, in milliseconds; 0 if it does not delay.
    pub fn delay_ms(&self, n: i64) -> u64 {
        let Effect { delay: Some(Delay { ms, jitter_ms }), .. } = &self.effect else { return 0 };
        let jitter = jitter_ms.unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, reason = "at most two minutes")]
        let drawn = (draw(self.seed ^ 1, &self.id, n) * (2 * jitter + 1) as f64) as i64;
        u64::try_from(ms - jitter + drawn).unwrap_or(0)
    }
}

/// The nth number of a rule: evenly spread, from 0 to below 1. It is part of what tests rely on and never changes.
///
/// FNV-1a of the id, mixed with seed and n by the finalizer of `SplitMix64`.
pub fn draw(seed: i64, id: &str, n: i64) -> f64 {
    let id = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = mix(mix(seed.cast_unsigned()) ^ id).wrapping_add(n.cast_unsigned());
    #[expect(clippy::cast_precision_loss, reason = "53 bits")]
    let number = (mix(mixed) >> 11) as f64 / (1_u64 << 53) as f64;
    number
}

const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The rules of a world, ready to be looked at for each call.
#[derive(Debug, Default)]
pub struct Rules(Vec<(Rule, Kind, Matcher)>);

impl Rules {
    /// Reads the rules as they are stored. Those that this release does not understand have no effect.
    pub fn read(text: &str) -> Self {
        let matched = |rule: Rule| {
            let kind = rule.kind();
            let matcher = Matcher::parse(&rule.r#match, kind.grammar()).ok()?;
            Some((rule, kind, matcher))
        };
        Rules(stored(text).into_iter().filter_map(matched).collect())
    }

    /// The rules of a kind that are used at a time of the world and match, in their order.
    pub fn matching<'a>(
        &'a self,
        kind: Kind,
        now: i64,
        subject: &'a dyn Subject,
    ) -> impl Iterator<Item = &'a Rule> {
        let live = self.0.iter().filter(move |(rule, own, _)| *own == kind && rule.is_live(now));
        live.filter(move |(.., matcher)| matcher.matches(subject)).map(|(rule, ..)| rule)
    }

    /// Whether any rule of a kind is used.
    pub fn has(&self, kind: Kind) -> bool {
        self.0.iter().any(|(rule, own, _)| *own == kind && rule.enabled)
    }

    /// Whether any rule that is used looks at the body.
    pub fn reads_bodies(&self) -> bool {
        self.0.iter().any(|(rule, ..)| rule.enabled && rule.r#match.get("body").is_some())
    }
}

/// What matching rules decide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Decided {
    /// The delays together, in milliseconds.
    pub delay_ms: u64,
    /// The place of the rule that ends it, else of the first one that delays it.
    pub used: Option<usize>,
}

/// Counts a call, an event or a connection for the rules that match it, in their order, until one ends it.
///
/// # Errors
/// Those of the store.
pub async fn decide(tx: &mut Tx, matching: &[Rule]) -> Result<Decided, StoreError> {
    let mut decided = Decided::default();
    for (place, rule) in matching.iter().enumerate() {
        let Some(count) = faults::see(tx, &rule.id).await? else { continue };
        if !rule.decides(count) {
            continue;
        }
        faults::hit(tx, &rule.id).await?;
        if rule.effect.is_ending() {
            decided.used = Some(place);
            break;
        }
        decided.used = decided.used.or(Some(place));
        decided.delay_ms = decided.delay_ms.saturating_add(rule.delay_ms(count.seen));
    }
    tx.outcome()?;
    Ok(decided)
}

/// The rules as they are stored; none if they cannot be read.
pub fn stored(text: &str) -> Vec<Rule> {
    if text.is_empty() { Vec::new() } else { serde_json::from_str(text).unwrap_or_default() }
}

/// Members of a rule that a client sends; absent ones are the preset's, else those of every rule.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Given {
    /// Its id: 1 to 100 letters, digits, `_`, `-` and `.`, with no `.` at the start; by default a new one, such as `f_01`.
    #[schemars(length(min = 1, max = 100))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// A rule that is ready-made: its other members can be given as well, and then replace the preset's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Its name.
    #[schemars(length(max = 100))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The calls that it is for: an object of conditions, as in `traffic/check`; all calls by default.
    #[schemars(with = "Option<BTreeMap<String, Value>>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#match: Option<Value>,
    /// What it does to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// The share of calls that it changes, from 0 to 1; 1 by default.
    #[schemars(with = "Option<f64>", range(min = 0, max = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<Value>,
    /// What the decisions are derived from; 0 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// The number of calls that it leaves alone first; 0 by default.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip: Option<i64>,
    /// The most calls that it changes; all by default.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<i64>,
    /// How long it is used, in seconds of the world's time; for ever by default.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_s: Option<i64>,
    /// Whether it is used; true by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(text: Value) -> Rule {
        serde_json::from_value(text).expect("a rule")
    }

    /// The calls of the first forty that a rule with 0.3 and the seed 42 changes: they never change.
    #[test]
    fn decisions_depend_on_seed_id_and_number_alone() {
        let effect = json!({"delay": {"ms": 1}});
        let flaky = |id: &str, seed: i64| {
            rule(
                json!({"id": id, "match": {}, "effect": effect, "probability": 0.3, "seed": seed, "since_ms": 0}),
            )
        };
        let decided = |rule: &Rule| -> Vec<i64> {
            (1..=40).filter(|seen| rule.decides(Count { seen: *seen, hits: 0 })).collect()
        };
        assert_eq!(decided(&flaky("f_01", 42)), GOLDEN);
        assert_ne!(decided(&flaky("f_02", 42)), GOLDEN);
        assert_ne!(decided(&flaky("f_01", 43)), GOLDEN);
        let many = flaky("f_01", 42);
        let hits = (1..=10_000).filter(|seen| many.decides(Count { seen: *seen, hits: 0 })).count();
        assert!((2800..3200).contains(&hits), "{hits} of 10000");
    }

    const GOLDEN: &[i64] = &[1, 14, 17, 25, 26, 30, 32, 34, 37];

    #[test]
    fn skip_times_and_time() {
        let rule = rule(json!({
            "id": "a", "match": {}, "effect": {"delay": {"ms": 1}}, "skip": 2, "times": 3, "for_s": 60, "since_ms": 1000
        }));
        let decides = |seen: i64, hits: i64| rule.decides(Count { seen, hits });
        assert!(!decides(1, 0) && !decides(2, 0) && decides(3, 0) && decides(9, 2) && !decides(9, 3));
        assert!(rule.is_live(60_999) && !rule.is_live(61_000));
    }

    #[test]
    fn jitter_stays_in_its_bounds() {
        let slow = rule(json!({
            "id": "a", "match": {}, "effect": {"delay": {"ms": 3000, "jitter_ms": 500}}, "since_ms": 0
        }));
        let all: Vec<u64> = (1..1000).map(|n| slow.delay_ms(n)).collect();
        assert!(all.iter().all(|ms| (2500..=3500).contains(ms)));
        assert!(all.iter().any(|ms| *ms < 2600) && all.iter().any(|ms| *ms > 3400));
    }
}
