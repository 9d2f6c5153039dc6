//! The thread that writes log lines. Logging never waits for it and never fails.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

/// The most lines that wait to be written while the reader of the log is stuck.
const WAITING: usize = 4096;
/// How often the thread calls `tend`.
const TEND: Duration = Duration::from_secs(1);
/// How long the end of the process waits for pending lines.
const FLUSH: Duration = Duration::from_secs(1);

/// Lines dropped since the process started.
static DROPPED: AtomicU64 = AtomicU64::new(0);
/// The channel to the thread, once it runs.
static LINES: OnceLock<SyncSender<Message>> = OnceLock::new();

/// How many lines were dropped: standard error was closed, full, or not read.
pub(crate) fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

enum Message {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// Passes lines to the thread.
#[derive(Clone)]
pub(super) struct Writer(SyncSender<Message>);

impl Writer {
    /// Starts the thread, which writes to `out` and calls `tend` about once a second.
    pub(super) fn start(
        out: impl Write + Send + 'static,
        tend: impl Fn() + Send + 'static,
    ) -> io::Result<Writer> {
        let (sender, lines) = sync_channel(WAITING);
        thread::Builder::new().name("larkspur-logs".to_owned()).spawn(move || write(&lines, out, &tend))?;
        // The first one is the process's; others are from tests.
        let _ = LINES.set(sender.clone());
        Ok(Writer(sender))
    }
}

/// Waits until earlier lines are written, for at most [`FLUSH`].
pub(super) fn flush() {
    let Some(lines) = LINES.get() else { return };
    let (done, written) = sync_channel(1);
    let until = Instant::now() + FLUSH;
    let mut message = Message::Flush(done);
    // The queue may be full for a moment, or for as long as the log is not read.
    while let Err(back) = lines.try_send(message) {
        let (std::sync::mpsc::TrySendError::Full(back) | std::sync::mpsc::TrySendError::Disconnected(back)) =
            back;
        if Instant::now() >= until {
            return;
        }
        message = back;
        thread::sleep(Duration::from_millis(5));
    }
    let _ = written.recv_timeout(until.saturating_duration_since(Instant::now()));
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = &'a Writer;

    fn make_writer(&'a self) -> &'a Writer {
        self
    }
}

/// Each write is a whole line.
impl Write for &Writer {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.try_send(Message::Line(line.to_vec())).is_err() {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes lines until the last sender is gone.
fn write(lines: &Receiver<Message>, mut out: impl Write, tend: &dyn Fn()) {
    let (mut tended, mut reported) = (Instant::now(), 0);
    // A failed line may have been written in part: the next one must start on a new line.
    let mut torn = false;
    loop {
        match lines.recv_timeout(TEND) {
            Ok(Message::Line(line)) => {
                let begun = if torn { out.write_all(b"\n") } else { Ok(()) };
                torn = begun.and_then(|()| out.write_all(&line)).is_err();
                DROPPED.fetch_add(u64::from(torn), Ordering::Relaxed);
            }
            Ok(Message::Flush(done)) => {
                let _ = out.flush();
                let _ = done.try_send(());
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if tended.elapsed() >= TEND {
            tended = Instant::now();
            tend();
            let lost = dropped();
            if !torn && lost > reported {
                tracing::warn!(lost = lost - reported, "log lines could not be written and are lost");
                reported = lost;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Accepts writes while it has room, and then fails until there is more.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<(Vec<u8>, usize)>>);

    impl Disk {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("no panic").0.clone()).expect("text")
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut disk = self.0.lock().expect("no panic");
            let some = bytes.len().min(disk.1);
            if some == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            disk.1 -= some;
            disk.0.extend_from_slice(&bytes[..some]);
            Ok(some)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn settle(writer: &Writer) {
        let (done, written) = sync_channel(1);
        writer.0.send(Message::Flush(done)).expect("there is a thread");
        written.recv().expect("it answers");
    }

    #[test]
    fn a_line_that_does_not_fit_is_dropped_counted_and_never_gone_on_with() {
        let disk = Disk::default();
        disk.0.lock().expect("no panic").1 = 10;
        let writer = Writer::start(disk.clone(), || {}).expect("a thread");
        let before = dropped();
        for line in ["first\n", "second\n", "third\n"] {
            (&writer).write_all(line.as_bytes()).expect("never fails");
        }
        settle(&writer);
        assert_eq!(disk.text(), "first\nseco");
        assert!(dropped() >= before + 2);
        disk.0.lock().expect("no panic").1 = 1000;
        (&writer).write_all(b"fourth\n").expect("never fails");
        settle(&writer);
        assert_eq!(disk.text(), "first\nseco\nfourth\n");
    }

    /// A log reader that has stopped reading.
    struct Stuck(Arc<Mutex<()>>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            drop(self.0.lock());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn logging_does_not_wait_for_a_reader_that_is_stuck() {
        let gate = Arc::new(Mutex::new(()));
        let held = gate.lock().expect("no panic");
        let writer = Writer::start(Stuck(gate.clone()), || {}).expect("a thread");
        let before = dropped();
        for _ in 0..WAITING + 100 {
            (&writer).write_all(b"line\n").expect("never fails");
        }
        assert!(dropped() >= before + 99, "{} lines", dropped() - before);
        drop(held);
    }
}
