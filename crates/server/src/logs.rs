//! Log lines on standard error: for people on a terminal, else JSON.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Logs};

/// Starts logging, once for the process.
///
/// # Errors
/// The level cannot be read.
pub(crate) fn start(logs: &Logs) -> Result<(), String> {
    let filter = EnvFilter::try_new(&logs.level)
        .map_err(|error| format!("logs.level is {:?}: {error}", logs.level))?;
    let terminal = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let json = match logs.format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    // A subscriber that is already there, as in tests, stays.
    let _ = if json {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        lines.with_ansi(terminal).with_target(false).try_init()
    };
    Ok(())
}
