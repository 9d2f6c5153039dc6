//! Progress of a long command, shown on a terminal only.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// How often the display is updated.
const TICK: Duration = Duration::from_millis(100);

/// A line on standard error that shows what is being done, and disappears with it.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// For work of unknown length.
    pub(super) fn of(what: &str) -> Self {
        Progress::with(what, |_: &ProgressState, _: &mut dyn Write| {})
    }

    /// For work that fills a file, which will have at most `whole` bytes.
    pub(super) fn of_file(what: &str, file: PathBuf, whole: Option<u64>) -> Self {
        Progress::with(what, move |_: &ProgressState, out: &mut dyn Write| {
            let done = std::fs::metadata(&file).map_or(0, |file| file.len());
            let end = whole.map(|whole| format!(" of at most {}", HumanBytes(whole))).unwrap_or_default();
            // It can only fail if nothing is shown.
            let _ = write!(out, "{}{end}", HumanBytes(done));
        })
    }

    fn with(
        what: &str,
        size: impl Fn(&ProgressState, &mut dyn Write) + Clone + Send + Sync + 'static,
    ) -> Self {
        // Hidden automatically if standard error is not a terminal.
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

    /// Changes the text.
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
