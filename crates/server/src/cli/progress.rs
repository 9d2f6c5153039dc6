//! How far a long command is: on a terminal, and nowhere else.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// How often what is shown is looked at again.
const TICK: Duration = Duration::from_millis(100);

/// A line at the end of standard error that says what is being done, and is gone with it.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// For work of which only the time is known that it has taken.
    pub(super) fn of(what: &str) -> Self {
        Progress::with(what, |_: &ProgressState, _: &mut dyn Write| {})
    }

    /// For work that fills a file, which holds at most `whole` bytes in the end.
    pub(super) fn of_file(what: &str, file: PathBuf, whole: Option<u64>) -> Self {
        Progress::with(what, move |_: &ProgressState, out: &mut dyn Write| {
            let done = std::fs::metadata(&file).map_or(0, |file| file.len());
            let end = whole.map(|whole| format!(" of at most {}", HumanBytes(whole))).unwrap_or_default();
            // It can only fail where nothing is shown.
            let _ = write!(out, "{}{end}", HumanBytes(done));
        })
    }

    fn with(
        what: &str,
        size: impl Fn(&ProgressState, &mut dyn Write) + Clone + Send + Sync + 'static,
    ) -> Self {
        // Hidden by itself where standard error is no terminal.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if !bar.is_hidden() {
            let style = ProgressStyle::with_template("{spinner} {msg} {size} [{elapsed}]");
            if let Ok(style) = style {
                bar.set_style(style.with_key("size", size));
            }
            bar.set_message(what.to_owned());
            bar.enable_steady_tick(TICK);
        }
        Progress(bar)
    }

    /// Whether a terminal shows it.
    pub(super) fn is_shown(&self) -> bool {
        !self.0.is_hidden()
    }

    /// Says something else from now on.
    pub(super) fn now(&self, what: String) {
        self.0.set_message(what);
    }

    /// Writes a line to standard error that stays.
    #[expect(clippy::print_stderr, reason = "progress is no output")]
    pub(super) fn say(&self, line: &str) {
        self.0.suspend(|| eprintln!("{line}"));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
