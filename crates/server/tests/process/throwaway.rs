//! Worlds that tests create and delete leave no large files.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::program::{CONTROL_KEY, Program};

/// The most that the log keeps, and far more than one world takes in the database: 16 MB and 2 MB.
const MOST: [(&str, u64); 2] = [("larkspur.db-wal", 16 << 20), ("larkspur.db", 2 << 20)];

#[test]
fn many_deleted_worlds_leave_small_files() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let program = Program::start(&data);
    let size = |name: &str| std::fs::metadata(data.join(name)).map_or(0, |file| file.len());
    // A slow machine empties the log before it is large: then it takes more worlds.
    let grown = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (mut client, grown) = (program.client(), grown.clone());
            std::thread::spawn(move || {
                for number in 0..500 {
                    if number >= 100 && grown.load(Ordering::Relaxed) {
                        break;
                    }
                    let made = client.send(CONTROL_KEY, "POST", "/larkspur/v1/worlds", &json!({}));
                    let made = made.expect("an answer").1;
                    let key = made["data"]["tenant_key"].as_str().expect("a world");
                    let path = format!("/larkspur/v1/worlds/{key}");
                    let gone = client.send(CONTROL_KEY, "DELETE", &path, &json!({})).expect("an answer").1;
                    assert_eq!(gone["code"], 0, "{gone}");
                }
            })
        })
        .collect();
    let mut peak = 0;
    while threads.iter().any(|thread| !thread.is_finished()) {
        peak = peak.max(size("larkspur.db-wal"));
        grown.store(peak > 16 << 20, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(5));
    }
    threads.into_iter().for_each(|thread| thread.join().expect("it ends"));
    assert!(peak.max(size("larkspur.db-wal")) > 16 << 20, "too few worlds to see the log shrink: {peak}");
    let began = Instant::now();
    while let Some((name, most)) = MOST.into_iter().find(|(name, most)| size(name) > *most) {
        assert!(began.elapsed() < Duration::from_secs(30), "{name} keeps {} of {most}", size(name));
        std::thread::sleep(Duration::from_millis(50));
    }
}
