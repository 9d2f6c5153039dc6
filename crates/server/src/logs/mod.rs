//! Log lines on standard error: text on a terminal, else JSON.
//!
//! Logging never delays an answer: a thread of its own writes the lines, and lines that cannot be written are dropped
//! and counted. Repeated warnings and errors are written once and then summed up.

mod sums;
mod writer;

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, Logs};
use sums::Sums;
use writer::Writer;
pub(crate) use writer::dropped;

/// Starts logging, once per process. From then on a panic is a log line, too.
///
/// # Errors
/// The level cannot be read, or no thread can be started.
pub(crate) fn start(logs: &Logs) -> Result<(), String> {
    let filter = EnvFilter::try_new(&logs.level)
        .map_err(|error| format!("logs.level is {:?}: {error}", logs.level))?;
    let terminal = std::io::stderr().is_terminal();
    let writer = Writer::start(std::io::stderr(), sums::write_due)
        .map_err(|error| format!("cannot start the thread that writes the log: {error}"))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).log_internal_errors(false);
    let json = match logs.format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let registry = tracing_subscriber::registry().with(filter).with(Sums);
    // An existing subscriber, as in tests, stays.
    let _ = if json {
        registry
            .with(lines.json().flatten_event(true).with_current_span(false).with_span_list(false))
            .try_init()
    } else {
        registry.with(lines.with_ansi(terminal).with_target(false)).try_init()
    };
    std::panic::set_hook(Box::new(|panic| tracing::error!(why = %panic, "panicked")));
    Ok(())
}

/// Writes pending lines, including sums, for at most a second.
pub(crate) fn finish() {
    sums::write_all();
    writer::flush();
}
