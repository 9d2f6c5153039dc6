//! A server is killed exactly between writing an upload's file and its row.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use larkspur_contract::ids::TenantKey;
use larkspur_server::blobs::Objects;
use larkspur_store::blobs::{BlobKey, Blobs, Swept, sweep};
use larkspur_store::{Clock, Driver, SystemClock};
use larkspur_store_postgres::{Options, Postgres};
use larkspur_testkit::{Lab, LabOptions, ManualClock};
use tokio_postgres::{Client as Connection, NoTls};

use crate::support::cluster::{Cluster, sign_in};
use crate::support::program::Program;

const GRACE: i64 = 3_600_000;
const PATIENCE: Duration = Duration::from_secs(20);

struct Place {
    cluster: Cluster,
    folder: PathBuf,
    settings: PathBuf,
    _directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let directory = tempfile::tempdir().expect("a directory");
        let (folder, settings) = (directory.path().join("blobs"), directory.path().join("settings.toml"));
        std::fs::write(&settings, format!("[blobs]\nurl = \"file://{}\"\n", folder.display()))
            .expect("written");
        Place { cluster: Cluster::new(), folder, settings, _directory: directory }
    }

    fn server(&self) -> Program {
        let settings = self.settings.to_str().expect("a path");
        self.cluster.spawn_with(&["--config", settings]).until_ready()
    }

    fn file(&self, key: &BlobKey) -> PathBuf {
        self.folder.join(key.to_string())
    }

    async fn connection(&self) -> Connection {
        let (client, connection) =
            tokio_postgres::connect(&self.cluster.url(), NoTls).await.expect("connects");
        tokio::spawn(connection);
        client
    }
}

async fn count(connection: &Connection, sql: &str) -> i64 {
    connection.query_one(sql, &[]).await.expect(sql).get(0)
}

/// Waits without blocking other tasks.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Uploads these bytes, and kills the server once their file exists and their row waits.
async fn killed_between(place: &Place, token: &str, key: &BlobKey, content: Vec<u8>) {
    let server = place.server();
    let (holder, watcher) = (place.connection().await, place.connection().await);
    holder.batch_execute("BEGIN; LOCK TABLE blob IN EXCLUSIVE MODE").await.expect("locked");
    let (mut client, token) = (server.client(), token.to_owned());
    let upload = thread::spawn(move || client.upload(&token, &content));
    let waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'blob'::regclass AND NOT granted";
    until("the row waits", async || count(&watcher, waiting).await == 1).await;
    assert!(place.file(key).is_file(), "the file comes first");
    server.kill();
    assert_eq!(upload.join().expect("no panic"), None, "no caller got an answer");
    // The waiting statement has lost its connection, and commits nothing.
    holder.batch_execute("ROLLBACK").await.expect("unlocked");
    let others =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'larkspur%' AND state <> 'idle'";
    until("nothing is under way", async || count(&watcher, others).await == 0).await;
}

fn sound(path: &Path, content: &[u8]) -> bool {
    std::fs::read(path).is_ok_and(|found| found == content)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_without_its_row_is_nobodys_and_goes() {
    let place = Place::new();
    let first = place.server();
    let world = first.ready.clone();
    let token = sign_in(&mut first.client(), &world);
    first.kill();
    let tenant = world["tenant_key"].as_str().and_then(TenantKey::parse).expect("a tenant");
    let [lost, again] = [1, 2].map(|number| [larkspur_testkit::png(number, 5), vec![7; 5000]].concat());
    let [lost_key, again_key] = [&lost, &again].map(|content| BlobKey::of(tenant, content));
    killed_between(&place, &token, &lost_key, lost.clone()).await;
    killed_between(&place, &token, &again_key, again.clone()).await;

    // No row after a restart; the files wait for the sweep.
    let server = place.server();
    let watcher = place.connection().await;
    assert_eq!(count(&watcher, "SELECT count(*) FROM image").await, 0);
    assert_eq!(count(&watcher, "SELECT count(*) FROM blob").await, 0);
    assert!(sound(&place.file(&lost_key), &lost) && sound(&place.file(&again_key), &again));

    // The sweep of a server whose clock is moved.
    let clock = ManualClock::at(SystemClock.now_ms());
    let driver: Arc<dyn Driver> =
        Arc::new(Postgres::open(&place.cluster.url(), &Options::default()).await.expect("opens"));
    let objects = Objects::open(&format!("file://{}", place.folder.display())).expect("opens");
    let blobs: Arc<dyn Blobs> = objects.clone();
    let options = LabOptions {
        driver: Some(driver),
        clock: clock.clone(),
        blobs: Some(blobs),
        ..LabOptions::default()
    };
    let lab = Lab::with(options).await;
    let swept = async || sweep(lab.app.engine(), &*objects, GRACE, u64::MAX).await.expect("swept");
    assert_eq!(swept().await, Swept { seen: 2, removed: 0 }, "an upload may be under way");
    clock.advance(2 * GRACE);
    assert_eq!(swept().await, Swept { seen: 2, removed: 0 }, "doomed, and not yet gone");

    // The partial file of a server that was killed while writing.
    let part = format!("{}#1", place.file(&lost_key).display());
    std::fs::write(&part, &lost[..100]).expect("written");

    // The same bytes once more, while they are doomed.
    let mut client = server.client();
    let (status, answer) = client.upload(&token, &again).expect("an answer");
    assert!(status == 200 && answer["code"] == 0, "{status} {answer}");
    let image = answer["data"]["image_key"].as_str().expect("a key").to_owned();
    let mut removed = 0;
    for _ in 0..4 {
        clock.advance(GRACE + 1);
        removed += swept().await.removed;
    }
    assert_eq!(removed, 1);
    assert!(!place.file(&lost_key).exists(), "the orphan is gone");
    assert!(!Path::new(&part).exists(), "so is the part of a file");
    assert_eq!(client.image(&token, &image), Some(again), "what was uploaded again is not");

    // And once it is gone, a new upload of its bytes restores it.
    let (_, answer) = client.upload(&token, &lost).expect("an answer");
    let image = answer["data"]["image_key"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    assert_eq!(client.image(&token, &image), Some(lost));
    assert_eq!(count(&watcher, "SELECT count(*) FROM image").await, 2);
}
