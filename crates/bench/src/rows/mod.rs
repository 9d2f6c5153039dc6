//! The measurements: one file for each part of the table.

pub(crate) mod console;
pub(crate) mod events;
pub(crate) mod lists;
pub(crate) mod messages;
pub(crate) mod postgres;
pub(crate) mod reads;
pub(crate) mod sizes;
pub(crate) mod start;
pub(crate) mod worlds;
pub(crate) mod writes;

use std::time::Duration;

use crate::Res;
use crate::load::{Measured, Plan, Times};
use crate::machine::{self, Group, Noise};
use crate::product::Place;
use crate::report::Row;
use crate::stats::Spread;

/// The options of a run.
pub(crate) struct Run {
    pub(crate) place: Place,
    pub(crate) rounds: usize,
    pub(crate) times: Times,
    /// Whether server and load are each pinned to a processor in read measurements.
    pub(crate) pinned: bool,
    /// Sizes of stores, in tags.
    pub(crate) sizes: Vec<u64>,
    /// Sizes of stores, in chats.
    pub(crate) chats: Vec<u64>,
    /// Sizes of stores, in messages.
    pub(crate) messages: Vec<u64>,
    /// Numbers of concurrent clients that create.
    pub(crate) clients: Vec<usize>,
    /// The most idle long connections.
    pub(crate) idle: usize,
    /// Starts per cold-start figure.
    pub(crate) starts: usize,
}

impl Run {
    /// The processor of a server that is measured alone.
    pub(crate) fn server_processor(&self) -> Option<usize> {
        self.pinned.then_some(0)
    }

    /// The processor of its load.
    pub(crate) fn load_processor(&self) -> Option<usize> {
        self.pinned.then_some(1)
    }

    /// For many kinds of calls of a few milliseconds: half the time has enough calls of each.
    pub(crate) fn short(&self) -> Times {
        let measure = (self.times.measure / 2).max(Duration::from_millis(200));
        Times { warmup: self.times.warmup / 2, measure }
    }

    /// How long to measure a store alone or a disk alone, so that a round has equal parts.
    pub(crate) fn alone(&self) -> Duration {
        self.times.measure
    }
}

/// A participant of a round.
pub(crate) struct Contender<'a, T> {
    pub(crate) name: String,
    pub(crate) measure: Box<dyn FnMut() -> Res<T> + 'a>,
}

impl<'a, T> Contender<'a, T> {
    pub(crate) fn new(name: impl Into<String>, measure: impl FnMut() -> Res<T> + 'a) -> Self {
        Contender { name: name.into(), measure: Box::new(measure) }
    }
}

impl<'a> Contender<'a, Measured> {
    /// A server under load as a participant.
    pub(crate) fn load(
        name: impl Into<String>,
        plans: Vec<Plan>,
        group: impl Into<Group>,
        times: Times,
    ) -> Self {
        let group = group.into();
        Contender::new(name, move || crate::load::run(&plans, &group, times))
    }
}

/// Measures all in turn, forward and backward (A B C, C B A, …), and returns the rounds of each.
pub(crate) fn take_turns<T>(rounds: usize, contenders: &mut [Contender<'_, T>]) -> Res<Vec<Vec<T>>> {
    let mut results: Vec<Vec<T>> = contenders.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        let forward = round % 2 == 0;
        for place in 0..contenders.len() {
            let index = if forward { place } else { contenders.len() - 1 - place };
            let contender = &mut contenders[index];
            let result = (contender.measure)().map_err(|error| format!("{}: {error}", contender.name))?;
            results[index].push(result);
        }
        eprintln!("  round {} of {rounds}", round + 1);
    }
    Ok(results)
}

/// A spread over rounds.
pub(crate) fn over<T>(rounds: &[T], of: impl Fn(&T) -> f64) -> Option<Spread> {
    Spread::of(rounds.iter().map(of))
}

/// A spread over pairs of rounds that were measured next to each other.
pub(crate) fn ratio<A, B>(
    upper: &[A],
    lower: &[B],
    of: impl Fn(&A) -> f64,
    by: impl Fn(&B) -> f64,
) -> Option<Spread> {
    Spread::of(upper.iter().zip(lower).map(|(a, b)| of(a) / by(b)))
}

/// A row for a server under load.
pub(crate) fn load_row(name: impl Into<String>, rounds: &[Measured]) -> Row {
    Row {
        cpu_us: over(rounds, Measured::cpu_us),
        rate: over(rounds, Measured::rate),
        p50_us: over(rounds, |m| m.loads[0].latency.quantile_us(0.50)),
        p99_us: over(rounds, |m| m.loads[0].latency.quantile_us(0.99)),
        busy: over(rounds, Measured::server_use).zip(over(rounds, Measured::client_use)),
        noise: noise(rounds),
        ..Row::named(name)
    }
}

/// The median disturbance of the rounds.
pub(crate) fn noise(rounds: &[Measured]) -> Option<Noise> {
    let all: Vec<Noise> = rounds.iter().map(|measured| measured.noise).collect();
    median_noise(&all)
}

/// The median of some disturbances.
pub(crate) fn median_noise(rounds: &[Noise]) -> Option<Noise> {
    let middle = |of: fn(&Noise) -> f64| Spread::of(rounds.iter().map(of)).map(|spread| spread.median);
    Some(Noise {
        steal: middle(|noise| noise.steal)?,
        others: middle(|noise| noise.others)?,
        pressure: middle(|noise| noise.pressure)?,
    })
}

/// Whether a pinned measurement was quiet: its busiest side had a whole processor.
pub(crate) fn had_a_processor(rounds: &[Measured]) -> bool {
    over(rounds, |measured| measured.server_use().max(measured.client_use()))
        .is_some_and(|spread| spread.median >= 0.85)
}

/// Whether other work left the machine to all of these rounds.
pub(crate) fn quiet(all: &[&[Measured]]) -> bool {
    all.iter().all(|rounds| noise(rounds).is_some_and(Noise::is_quiet))
}

/// Shows the next step.
pub(crate) fn announce(what: &str) {
    eprintln!("{what} ({} processors)", machine::processors());
}
