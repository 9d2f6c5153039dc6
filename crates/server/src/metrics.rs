//! Metrics of the process, in Prometheus' text format.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use larkspur_contract::{Code, Reply, codes};
use larkspur_store::events::delivery::Outcome;

use crate::gateway::route::Routes;
use crate::{App, logs};

/// Upper bounds of the latency buckets, in microseconds.
const BOUNDS: [u64; 14] =
    [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000];

/// Codes that alerts watch: defects, and an unavailable store.
const WATCHED: [Code; 2] = [codes::INTERNAL, codes::UNAVAILABLE];

/// The counters.
#[derive(Default)]
pub(crate) struct Metrics {
    operations: Vec<Operation>,
    /// Requests for paths that are unknown to Larkspur and the platform.
    unrouted: AtomicU64,
    /// Calls of platform operations that Larkspur does not serve.
    unserved: Mutex<BTreeMap<&'static str, Unserved>>,
    /// Answers from memory alone.
    pub(crate) recalled: AtomicU64,
    /// Answers with a code that the spec does not list.
    pub(crate) undocumented: AtomicU64,
    /// Open connections.
    pub(crate) connections: AtomicU64,
    /// Connections closed to make room for others.
    pub(crate) shed: AtomicU64,
    /// Failed calls that may have taken effect.
    pub(crate) doubtful: AtomicU64,
    /// Attempts to deliver an event, in the order of [`OUTCOMES`].
    deliveries: [AtomicU64; OUTCOMES.len()],
}

/// Counts one more in a gauge until it is dropped.
pub(crate) struct Counted<'a>(&'a AtomicU64);

impl<'a> Counted<'a> {
    pub(crate) fn up(gauge: &'a AtomicU64) -> Self {
        gauge.fetch_add(1, Ordering::Relaxed);
        Counted(gauge)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The outcomes of an attempt to deliver an event, by name.
const OUTCOMES: [(Outcome, &str); 4] = [
    (Outcome::Delivered, "delivered"),
    (Outcome::Retried, "retried"),
    (Outcome::Dropped, "dropped"),
    (Outcome::Lost, "lost"),
];

/// How often an operation that is not served was called.
#[derive(Default)]
struct Unserved {
    calls: u64,
    /// When it was last logged as a warning, in milliseconds since 1970.
    told_at: Option<i64>,
}

/// How long further calls of an unserved operation are logged quietly, in milliseconds.
const QUIET_MS: i64 = 60_000;

#[derive(Default)]
struct Operation {
    successes: AtomicU64,
    refusals: Mutex<BTreeMap<u32, u64>>,
    buckets: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Metrics {
    pub(crate) fn of(routes: &Routes) -> Self {
        Metrics { operations: routes.all().iter().map(|_| Operation::default()).collect(), ..Self::default() }
    }

    /// Counts an answer; code 0 is success.
    pub(crate) fn record(&self, operation: usize, code: u32, took: Duration) {
        let Some(operation) = self.operations.get(operation) else { return };
        if code == 0 {
            operation.successes.fetch_add(1, Ordering::Relaxed);
        } else {
            let mut refusals = operation.refusals.lock().unwrap_or_else(PoisonError::into_inner);
            *refusals.entry(code).or_default() += 1;
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| *bound < micros);
        operation.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        operation.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Counts a request of an unknown path.
    pub(crate) fn unrouted(&self) {
        self.unrouted.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a call of a platform operation that is not served. Returns whether to log it as a warning: once per
    /// operation and minute. `now` is the real time. The operations come from the platform's table, so there are few.
    pub(crate) fn unserved(&self, operation: &'static str, now: i64) -> bool {
        let mut unserved = self.unserved.lock().unwrap_or_else(PoisonError::into_inner);
        let known = unserved.entry(operation).or_default();
        known.calls += 1;
        // A clock that was set back does not suppress warnings.
        let loud = known.told_at.is_none_or(|told| !(0..QUIET_MS).contains(&(now - told)));
        if loud {
            known.told_at = Some(now);
        }
        loud
    }

    /// Counts an attempt to deliver an event.
    pub(crate) fn delivered(&self, outcome: Outcome) {
        let place = OUTCOMES.iter().position(|(known, _)| *known == outcome);
        if let Some(counter) = place.and_then(|place| self.deliveries.get(place)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// All metrics, as text.
pub(crate) fn text(app: &App) -> String {
    let mut out = String::new();
    requests(app, &mut out);
    unserved(&app.metrics, &mut out);
    deliveries(&app.metrics, &mut out);
    let metrics = &app.metrics;
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let memory = &app.engine.memory;
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let mut line = |kind: &str, name: &str, help: &str, value: u64| one(&mut out, kind, name, help, value);
    line("counter", "unrouted_total", "Requests for unknown paths.", load(&metrics.unrouted));
    line("counter", "recalled_total", "Calls answered from memory.", load(&metrics.recalled));
    line(
        "counter",
        "undocumented_total",
        "Answers whose code the operation does not list.",
        load(&metrics.undocumented),
    );
    line("counter", "doubtful_total", "Failed calls that may have taken effect.", load(&metrics.doubtful));
    line("gauge", "connections", "Open connections.", load(&metrics.connections));
    line("gauge", "long_connections", "Open long connections.", count(app.long_connections.count()));
    line(
        "counter",
        "connections_shed_total",
        "Connections closed to make room for others: idle, slow, or not reading.",
        load(&metrics.shed),
    );
    line("counter", "log_lines_dropped_total", DROPPED, logs::dropped());
    line("gauge", "store_available", AVAILABLE, u64::from(app.health.was_available()));
    line("gauge", "memory_tags", "Tags in the read model.", count(memory.tags.len()));
    line("gauge", "memory_tenants", "Tenants in the read model.", count(memory.tenants.len()));
    line("gauge", "memory_installs", "Installed apps in the read model.", count(memory.installs.len()));
    line("gauge", "memory_grants", "User grants in the read model.", count(memory.grants.len()));
    line("gauge", "limiter_keys", "Keys counted by rate limits in this process.", count(app.frequency.len()));
    for (name, help, value) in app.options.store_stats.as_ref().map(|stats| stats()).unwrap_or_default() {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        line(kind, name, help, value);
    }
    out
}

const AVAILABLE: &str = "1 if the store can be read and written, else 0.";
const DROPPED: &str = "Log lines that could not be written.";

fn one(out: &mut String, kind: &str, name: &str, help: &str, value: u64) {
    let _ = writeln!(
        out,
        "# HELP larkspur_{name} {help}\n# TYPE larkspur_{name} {kind}\nlarkspur_{name} {value}"
    );
}

/// The metrics while there is no store yet.
pub(crate) fn before(dropped: u64) -> String {
    let mut out = String::new();
    one(&mut out, "counter", "log_lines_dropped_total", DROPPED, dropped);
    one(&mut out, "gauge", "store_available", AVAILABLE, 0);
    out
}

fn unserved(metrics: &Metrics, out: &mut String) {
    out.push_str("# HELP larkspur_unserved_total Calls of platform operations that are not served.\n# TYPE larkspur_unserved_total counter\n");
    for (id, known) in metrics.unserved.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        let _ = writeln!(out, "larkspur_unserved_total{{operation=\"{id}\"}} {}", known.calls);
    }
}

fn deliveries(metrics: &Metrics, out: &mut String) {
    out.push_str("# HELP larkspur_deliveries_total Attempts to deliver an event; lost: the claim had expired.\n# TYPE larkspur_deliveries_total counter\n");
    for ((_, outcome), number) in OUTCOMES.iter().zip(&metrics.deliveries) {
        let number = number.load(Ordering::Relaxed);
        let _ = writeln!(out, "larkspur_deliveries_total{{outcome=\"{outcome}\"}} {number}");
    }
}

fn requests(app: &App, out: &mut String) {
    let named = || app.routes.all().iter().zip(&app.metrics.operations);
    out.push_str("# HELP larkspur_requests_total Answers by operation and code; code 0 is success.\n# TYPE larkspur_requests_total counter\n");
    for (route, operation) in named() {
        let id = route.entry.spec.id;
        let successes = operation.successes.load(Ordering::Relaxed);
        let refusals = operation.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        // From the start, so that the first failure is an increase.
        let watched = WATCHED.map(|code| match route.entry.spec.reply {
            Reply::OAuth | Reply::Page => codes::oauth_instead(code).number,
            _ => code.number,
        });
        let watched = [(0, successes), (watched[0], 0), (watched[1], 0)];
        let counted = watched.into_iter().filter(|(code, _)| !refusals.contains_key(code));
        for (code, number) in counted.chain(refusals.iter().map(|(code, number)| (*code, *number))) {
            let _ = writeln!(out, "larkspur_requests_total{{operation=\"{id}\",code=\"{code}\"}} {number}");
        }
    }
    out.push_str("# HELP larkspur_request_seconds Time from the request's head to its answer.\n# TYPE larkspur_request_seconds histogram\n");
    for (route, operation) in named() {
        let id = route.entry.spec.id;
        let counts: Vec<u64> =
            operation.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let all: u64 = counts.iter().sum();
        if all == 0 {
            continue;
        }
        let mut sum = 0;
        for (bound, number) in BOUNDS.iter().zip(&counts) {
            sum += number;
            let bound = seconds(*bound);
            let _ =
                writeln!(out, "larkspur_request_seconds_bucket{{operation=\"{id}\",le=\"{bound}\"}} {sum}");
        }
        let _ = writeln!(out, "larkspur_request_seconds_bucket{{operation=\"{id}\",le=\"+Inf\"}} {all}");
        let total = seconds(operation.micros.load(Ordering::Relaxed));
        let _ = writeln!(out, "larkspur_request_seconds_sum{{operation=\"{id}\"}} {total}");
        let _ = writeln!(out, "larkspur_request_seconds_count{{operation=\"{id}\"}} {all}");
    }
}

fn seconds(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64()
}
