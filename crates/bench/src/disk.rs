//! The disk alone: the cost of a durable write without any of our code.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::Res;
use crate::stats::Histogram;

/// A line of the raw probe.
pub(crate) struct Probe {
    pub(crate) what: &'static str,
    pub(crate) bytes: usize,
    pub(crate) latency: Histogram,
}

/// Writes and syncs blocks of several sizes, at the end of a file and over existing data.
pub(crate) fn probe(directory: &Path, each: Duration) -> Res<Vec<Probe>> {
    let path = directory.join("probe");
    let mut probes = Vec::new();
    for bytes in [4 << 10, 16 << 10, 256 << 10] {
        let block = vec![7u8; bytes];
        let mut file = File::create(&path)?;
        let latency = timed(each, || {
            file.write_all(&block)?;
            file.sync_data()
        })?;
        probes.push(Probe { what: "append", bytes, latency });
        let latency = timed(each, || {
            file.write_all_at(&block, 0)?;
            file.sync_data()
        })?;
        probes.push(Probe { what: "overwrite", bytes, latency });
    }
    std::fs::remove_file(&path)?;
    Ok(probes)
}

fn timed(duration: Duration, mut once: impl FnMut() -> std::io::Result<()>) -> Res<Histogram> {
    let mut latency = Histogram::default();
    let begun = Instant::now();
    while begun.elapsed() < duration {
        let start = Instant::now();
        once()?;
        latency.record(start.elapsed());
    }
    Ok(latency)
}

/// The result of the raw log.
pub(crate) struct RawLog {
    pub(crate) rate: f64,
    pub(crate) latency: Histogram,
}

/// Appends `record` and syncs, for this many concurrent writers. Writers that wait during a sync share the next one:
/// the upper bound for any group commit. There is no index, no check and no recovery.
pub(crate) fn raw_log(directory: &Path, record: &[u8], writers: usize, duration: Duration) -> Res<RawLog> {
    let path = directory.join("raw.log");
    let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
    if writers == 1 {
        let begun = Instant::now();
        let latency = timed(duration, || {
            file.write_all(record)?;
            file.sync_data()
        })?;
        let rate = latency.count() as f64 / begun.elapsed().as_secs_f64();
        std::fs::remove_file(&path)?;
        return Ok(RawLog { rate, latency });
    }
    // The writers are slots in a ring, not threads: 256 threads would measure the scheduler.
    let (ask, asked) = mpsc::channel::<Instant>();
    let (answer, answered) = mpsc::channel::<usize>();
    let begun = Instant::now();
    let latency = thread::scope(|scope| -> Res<Histogram> {
        let client = scope.spawn(move || {
            for _ in 0..writers {
                let _ = ask.send(Instant::now());
            }
            while begun.elapsed() < duration {
                let Ok(count) = answered.recv() else { break };
                for _ in 0..count {
                    let _ = ask.send(Instant::now());
                }
            }
        });
        let mut latency = Histogram::default();
        let mut batch = Vec::new();
        let mut bytes = Vec::new();
        while let Ok(first) = asked.recv() {
            batch.clear();
            bytes.clear();
            batch.push(first);
            batch.extend(asked.try_iter().take(writers));
            for _ in &batch {
                bytes.extend_from_slice(record);
            }
            file.write_all(&bytes)?;
            file.sync_data()?;
            for began in &batch {
                latency.record(began.elapsed());
            }
            let _ = answer.send(batch.len());
        }
        client.join().map_err(|_| "a thread panicked")?;
        Ok(latency)
    })?;
    let rate = latency.count() as f64 / begun.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok(RawLog { rate, latency })
}
