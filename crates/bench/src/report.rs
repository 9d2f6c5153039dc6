//! The table, and the document around it.

use std::fmt::Write;

use crate::disk::Probe;
use crate::machine::Noise;
use crate::stats::{Goal, Spread, Verdict};

/// A line of the table.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) cpu_us: Option<Spread>,
    pub(crate) rate: Option<Spread>,
    pub(crate) p50_us: Option<Spread>,
    pub(crate) p99_us: Option<Spread>,
    /// The shares of processors that the server and the load used.
    pub(crate) busy: Option<(Spread, Spread)>,
    pub(crate) noise: Option<Noise>,
    pub(crate) ratio: Option<(String, Spread)>,
    pub(crate) goal: Option<(Goal, Verdict)>,
    pub(crate) note: String,
}

impl Row {
    pub(crate) fn named(name: impl Into<String>) -> Self {
        Row { name: name.into(), ..Row::default() }
    }

    /// Sets the ratio that is judged, and its name.
    pub(crate) fn against(mut self, what: &str, ratio: Option<Spread>) -> Self {
        self.ratio = ratio.map(|spread| (what.to_owned(), spread));
        self
    }

    /// Judges the ratio.
    pub(crate) fn should_be(mut self, goal: Goal, quiet: bool) -> Self {
        self.goal = self.ratio.as_ref().map(|(_, spread)| (goal, goal.judge(*spread, quiet)));
        self
    }

    pub(crate) fn note(mut self, note: String) -> Self {
        self.note = note;
        self
    }
}

/// All lines, in sections.
pub(crate) struct Table {
    sections: Vec<(String, Vec<Row>)>,
    /// Whether there are too few rounds for a verdict.
    few: bool,
}

/// The rounds that a verdict needs.
const ENOUGH: usize = 5;

impl Table {
    pub(crate) fn of_rounds(rounds: usize) -> Self {
        Table { sections: Vec::new(), few: rounds < ENOUGH }
    }

    pub(crate) fn section(&mut self, title: String) {
        self.sections.push((title, Vec::new()));
    }

    pub(crate) fn row(&mut self, mut row: Row) {
        if let (true, Some((_, verdict))) = (self.few, &mut row.goal) {
            *verdict = Verdict::Few;
        }
        if let Some((_, rows)) = self.sections.last_mut() {
            rows.push(row);
        }
    }

    /// Lines with a goal that was missed in every round.
    pub(crate) fn failures(&self) -> usize {
        let rows = self.sections.iter().flat_map(|(_, rows)| rows);
        rows.filter(|row| matches!(row.goal, Some((_, Verdict::Fail)))).count()
    }

    /// The goals alone.
    pub(crate) fn goals(&self) -> String {
        let mut text = String::from(
            "| Goal | Figure | Wanted | Measured: median [min – max] | Verdict |\n|---|---|---|---|---|\n",
        );
        for row in self.sections.iter().flat_map(|(_, rows)| rows) {
            if let (Some((goal, verdict)), Some((what, spread))) = (&row.goal, &row.ratio) {
                let note = if row.note.is_empty() { String::new() } else { format!(" ({})", row.note) };
                let name = row.name.replace("**", "");
                let _ = writeln!(text, "| {name} | {what} | {goal}{note} | {} | {verdict} |", shown(*spread));
            }
        }
        text
    }

    /// The whole table.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from(
            "| | CPU µs/request | requests/s | p50 µs | p99 µs | ratio | goal | verdict | busy: server, load | others, steal |\n|---|---|---|---|---|---|---|---|---|---|\n",
        );
        for (title, rows) in &self.sections {
            let _ = writeln!(text, "| ***{title}*** | | | | | | | | | |");
            for row in rows {
                let figure = |spread: Option<Spread>| spread.map(shown).unwrap_or_default();
                let ratio = row.ratio.as_ref().map(|(what, spread)| format!("{} {what}", shown(*spread)));
                let note = &row.note;
                let (goal, verdict) = match row.goal {
                    Some((goal, verdict)) if note.is_empty() => (goal.to_string(), verdict.to_string()),
                    Some((goal, verdict)) => (format!("{goal}; {note}"), verdict.to_string()),
                    None => (note.clone(), String::new()),
                };
                let busy = row.busy.map(|(server, load)| {
                    format!("{:.0} %, {:.0} %", server.median * 100.0, load.median * 100.0)
                });
                let noise = row
                    .noise
                    .map(|noise| format!("{:.0} %, {:.1} %", noise.others * 100.0, noise.steal * 100.0));
                let _ = writeln!(
                    text,
                    "| {} | {} | {} | {} | {} | {} | {goal} | {verdict} | {} | {} |",
                    row.name,
                    figure(row.cpu_us),
                    figure(row.rate),
                    figure(row.p50_us),
                    figure(row.p99_us),
                    ratio.unwrap_or_default(),
                    busy.unwrap_or_default(),
                    noise.unwrap_or_default(),
                );
            }
        }
        text
    }
}

/// The disk alone.
pub(crate) fn probes(probes: &[Probe]) -> String {
    let mut text = String::from("| block | p50 µs | p99 µs | syncs |\n|---|---|---|---|\n");
    for probe in probes {
        let _ = writeln!(
            text,
            "| {} {} KiB + fdatasync | {} | {} | {} |",
            probe.what,
            probe.bytes >> 10,
            number(probe.latency.quantile_us(0.5)),
            number(probe.latency.quantile_us(0.99)),
            probe.latency.count(),
        );
    }
    text
}

fn shown(spread: Spread) -> String {
    let (median, min, max) = (number(spread.median), number(spread.min), number(spread.max));
    if min == max { median } else { format!("{median} [{min} – {max}]") }
}

/// Three significant digits.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => {
            let text = format!("{value:.0}");
            if size < 10_000.0 { text } else { format!("{:.1}k", value / 1000.0) }
        }
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// What a document says besides the figures.
pub(crate) struct Conditions {
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) settings: String,
}

/// The whole document.
pub(crate) fn document(table: &Table, disk: &[Probe], conditions: &Conditions) -> String {
    let mut facts = String::new();
    for (name, value) in &conditions.facts {
        let _ = writeln!(facts, "- {name}: {value}");
    }
    format!(
        "{HEAD}\n## Goals\n\n{}\n## Conditions\n\n{facts}- {}\n\n## All figures\n\n{}\n{READING}\n## The disk alone\n\n{}\n{RUNNING}",
        table.goals(),
        conditions.settings,
        table.markdown(),
        probes(disk),
    )
}

const HEAD: &str = "# Benchmarks

<!-- Written by `cargo xtask bench --write docs/benchmarks.md`. -->

Larkspur against yardsticks that ran beside it, in the same run, taking turns (A B C, C B A, …). Each yardstick is a
process of its own: hyper and axum with a fixed answer of the same bytes, hyper with one SQLite query for each request,
Larkspur with a commit for each request, and a bare append and `fdatasync`. On PostgreSQL, a private server with its
files on the same disk, the yardstick is a pool of connections that insert a row of the same shape with one prepared
statement, which commits by itself. Larkspur is the release program, with
authentication, checks and everything else that a request passes; only frequency control is off.

Lists and searches are measured on stores of two sizes or more. The product writes the first users, chats and tags of a
store; the database copies them, with other ids, names and times, until one tenant has as many as the row says. On
PostgreSQL these rows are measured in two states: never analyzed, as if every row had just been written, and after
ANALYZE. Autovacuum is off for their tables. In both states, the goal is that the median time of a call grows by less than
half from the smallest store to the largest, and that no call takes 100 ms.

The figure to compare is processor time for each request: all threads of the server, as the kernel counts them. Rates
and latencies depend on what else the machine does.
";

const READING: &str = "Median over the rounds, and in brackets the least and the greatest. Ratios are taken within a
round, between two that ran one after the other. A verdict is PASS or FAIL if every round agrees, UNDECIDED if they do
not, if there were fewer than five, or if the machine was busy with other work. *busy* is in parts of one processor. *others* is the share of the
machine that was used by neither the server nor the load; it includes the kernel's own work for the network. The load
is a closed loop: its latencies are those of a server at its limit.
";

const RUNNING: &str = "## How to run it

```
cargo xtask bench                                  # the table, in about a quarter of an hour
cargo xtask bench --quick                          # a smoke test: do not read its figures
cargo xtask bench --rounds 9 --seconds 4           # narrower spreads
cargo xtask bench --only reads                     # or writes, start, sizes, lists, events, messages, worlds, postgres, postgres-lists
cargo xtask bench --only postgres --tags 10000,1000000,10000000
cargo xtask bench --only postgres,lists            # lists and searches on both kinds of store; --chats sets the sizes
cargo xtask bench --write docs/benchmarks.md       # this document
target/python/bin/python tests/clients/run.py console_soak   # the console's figures, of target/release/larkspur
cargo xtask bench --console target/console/budgets.json   # their rows, after the others
cargo xtask bench instructions --check             # instructions per request, against the accepted numbers
cargo xtask bench instructions --accept            # accept new ones
```

On Linux, with two processors or more. `taskset` ties server and load to one processor each where requests are read;
`valgrind` counts instructions. The rows on PostgreSQL need PostgreSQL 15 or newer; `cargo xtask setup` installs it. The
stores are written below `target`: it must be on the disk that you want to know about.
";
