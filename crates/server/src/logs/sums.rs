//! Repeated warnings and errors: the first is written, the others are counted, and the count is written once a minute.

use std::collections::HashMap;
use std::fmt::{Debug, Write};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// How long repetitions of a line are only counted.
const QUIET: Duration = Duration::from_secs(60);
/// The most lines that are distinguished; all others from one place in the source count as one.
const KINDS: usize = 1000;
/// The most bytes of a reason that distinguish lines, and that a sum repeats.
const WHY: usize = 500;
/// The target of sums themselves.
const TARGET: &str = "larkspur_server::logs::sums";

/// What a line says; equal lines agree in it. Whom the line is about is not part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Said {
    line: String,
    operation: Option<String>,
    code: Option<u64>,
    why: Option<String>,
}

impl Visit for Said {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "code" {
            self.code = Some(value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "operation" => self.operation = Some(value.to_owned()),
            "why" => self.why = Some(beginning(value).to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let slot = match field.name() {
            "message" => &mut self.line,
            "why" => self.why.insert(String::new()),
            _ => return,
        };
        let _ = write!(slot, "{value:?}");
        slot.truncate(beginning(slot).len());
    }
}

/// The beginning of a text, of at most [`WHY`] bytes.
fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(WHY)]
}

struct Sum {
    level: Level,
    written: Instant,
    /// Lines suppressed since.
    held: u64,
}

type Table = HashMap<(Identifier, Said), Sum>;

/// Writes warnings and errors that were not written within a minute.
pub(super) struct Sums;

fn sums() -> MutexGuard<'static, Table> {
    static SUMS: OnceLock<Mutex<Table>> = OnceLock::new();
    SUMS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: Subscriber> Layer<S> for Sums {
    fn event_enabled(&self, event: &Event<'_>, _context: Context<'_, S>) -> bool {
        let (metadata, now) = (event.metadata(), Instant::now());
        if *metadata.level() > Level::WARN || metadata.target() == TARGET {
            return true;
        }
        let mut said = Said::default();
        event.record(&mut said);
        let mut sums = sums();
        let mut key = (metadata.callsite(), said);
        if sums.len() >= KINDS && !sums.contains_key(&key) {
            // Bounded, however many reasons there are.
            key.1 = Said { line: key.1.line, ..Said::default() };
        }
        is_written(&mut sums, key, *metadata.level(), now)
    }
}

/// Counts a line. Returns whether to write it.
fn is_written(sums: &mut Table, key: (Identifier, Said), level: Level, now: Instant) -> bool {
    match sums.get_mut(&key) {
        None => {
            sums.insert(key, Sum { level, written: now, held: 0 });
            true
        }
        // Its sum is due, and is written with it.
        Some(sum) if sum.held == 0 && now.duration_since(sum.written) >= QUIET => {
            sum.written = now;
            true
        }
        Some(sum) => {
            sum.held += 1;
            false
        }
    }
}

/// The sums that are due. Lines without repetitions for a minute are forgotten.
fn due(sums: &mut Table, now: Instant, quiet: Duration) -> Vec<(Level, Said, u64)> {
    let mut due = Vec::new();
    sums.retain(|(_, said), sum| {
        if now.duration_since(sum.written) < quiet {
            return true;
        }
        if sum.held == 0 {
            return false;
        }
        due.push((sum.level, said.clone(), std::mem::take(&mut sum.held)));
        sum.written = now;
        true
    });
    due
}

/// Writes the sums that are due.
pub(super) fn write_due() {
    write_after(QUIET);
}

/// Writes all sums, at the end of the process.
pub(super) fn write_all() {
    write_after(Duration::ZERO);
}

fn write_after(quiet: Duration) {
    let due = due(&mut sums(), Instant::now(), quiet);
    for (level, said, times) in due {
        let (line, operation) = (said.line.as_str(), said.operation.as_deref());
        let (code, why) = (said.code, said.why.as_deref());
        if level == Level::ERROR {
            tracing::error!(target: TARGET, line, times, operation, code, why, "repeated");
        } else {
            tracing::warn!(target: TARGET, line, times, operation, code, why, "repeated");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn repeated_lines_are_written_once_and_then_summed_up() {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(Sums).with(layer);
        tracing::subscriber::with_default(subscriber, || {
            for round in 0..10 {
                tracing::error!(
                    log_id = round,
                    operation = "im.v2.tag.get",
                    code = 5000_u32,
                    why = "away",
                    "failed"
                );
                tracing::warn!(why = %"the same", "not ready");
                tracing::info!(round, "refused");
            }
            tracing::error!(operation = "im.v2.tag.get", code = 5000_u32, why = "full", "failed");
            write_all();
            write_all();
        });
        let text = String::from_utf8(lines.0.lock().expect("no panic").clone()).expect("text");
        let count = |what: &str| text.lines().filter(|line| line.contains(what)).count();
        assert_eq!((count("failed log_id"), count(" failed operation")), (1, 1), "{text}");
        assert_eq!((count("not ready why"), count("refused round")), (1, 10), "{text}");
        let sum = "ERROR larkspur_server::logs::sums: repeated line=\"failed\" times=9 operation=\"im.v2.tag.get\" code=5000 why=\"away\"";
        assert_eq!(
            (count(sum), count("WARN larkspur_server::logs::sums: repeated line=\"not ready\" times=9")),
            (1, 1),
            "{text}"
        );
        assert_eq!(count("repeated"), 2, "{text}");
    }
}
