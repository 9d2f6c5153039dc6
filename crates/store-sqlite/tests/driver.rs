//! What is particular to SQLite: group commit, one writer, files.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use larkspur_contract::Effect::{self, Reads, Writes};
use larkspur_store::{BoxFuture, Driver, Hook, Row, Session, StoreError, Unit, Value, Verdict};
use larkspur_store_sqlite::{OpenError, Options, Sqlite};
use tempfile::tempdir;

type Outcome = Result<Verdict, StoreError>;

/// A unit made of a function, which may drive the session with [`sql`].
struct Body<F>(F);

impl<F: Fn(Box<dyn Session>) -> Outcome + Send + Sync> Unit for Body<F> {
    fn run(&self, session: Box<dyn Session>) -> BoxFuture<'_, Outcome> {
        Box::pin(async move { (self.0)(session) })
    }
}

/// Runs a statement of a driver that never waits.
fn sql(session: &mut dyn Session, text: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
    let mut answer = session.query(text, params);
    match answer.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(answer) => answer,
        std::task::Poll::Pending => panic!("SQLite made somebody wait"),
    }
}

async fn run<F>(store: &Sqlite, effect: Effect, body: F) -> Result<(), StoreError>
where
    F: Fn(Box<dyn Session>) -> Outcome + Send + Sync + 'static,
{
    store.transact(effect, Arc::new(Body(body))).await
}

/// Runs one statement in a transaction of its own.
async fn one(
    store: &Sqlite,
    effect: Effect,
    text: &'static str,
    params: Vec<Value>,
) -> Result<Vec<Row>, StoreError> {
    let rows = Arc::new(Mutex::new(Vec::new()));
    let found = rows.clone();
    run(store, effect, move |mut session| {
        *found.lock().unwrap() = sql(session.as_mut(), text, &params)?;
        Ok(Verdict::Commit)
    })
    .await?;
    Ok(std::mem::take(&mut *rows.lock().unwrap()))
}

async fn table(store: &Sqlite) {
    one(store, Writes, "CREATE TABLE t (k BIGINT NOT NULL PRIMARY KEY, v TEXT)", vec![]).await.unwrap();
}

const INSERT: &str = "INSERT INTO t (k, v) VALUES ($1, $2)";

async fn put(store: &Sqlite, key: i64) -> Result<(), StoreError> {
    one(store, Writes, INSERT, vec![Value::Int(key), Value::from("v")]).await.map(drop)
}

async fn count(store: &Sqlite) -> i64 {
    one(store, Reads, "SELECT count(*) FROM t", vec![]).await.unwrap()[0].int(0).unwrap()
}

fn open(directory: &Path) -> Arc<Sqlite> {
    Arc::new(Sqlite::open(directory, &Options::default()).unwrap())
}

fn hook(log: &Arc<Mutex<Vec<String>>>, name: &str) -> Hook {
    let half = |when: &str| -> Box<dyn FnOnce() + Send> {
        let (log, line) = (log.clone(), format!("{when} {name}"));
        Box::new(move || log.lock().unwrap().push(line))
    };
    Hook { before: half("before"), after: half("after") }
}

/// Keeps the writer busy until the returned sender is used, so that what comes next shares one batch.
async fn hold(
    store: &Arc<Sqlite>,
) -> (std::sync::mpsc::Sender<()>, tokio::task::JoinHandle<Result<(), StoreError>>) {
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let (started, running) = tokio::sync::oneshot::channel();
    let gate = Mutex::new(gate);
    let started = Mutex::new(Some(started));
    let store = store.clone();
    let task = tokio::spawn(async move {
        run(&store, Writes, move |_| {
            if let Some(started) = started.lock().unwrap().take() {
                let _ = started.send(());
            }
            let _ = gate.lock().unwrap().recv();
            Ok(Verdict::Commit)
        })
        .await
    });
    running.await.unwrap();
    (go, task)
}

/// Time for spawned tasks to reach the queue.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

#[tokio::test]
async fn parameters_are_bound_by_number() {
    let store = Sqlite::memory().unwrap();
    let params = vec![Value::from("one"), Value::Int(2), Value::Null, Value::Bytes(vec![4])];
    let rows = one(&store, Reads, "SELECT $4, $2, $1, $3, $2", params).await.unwrap();
    let wanted = vec![Value::Bytes(vec![4]), Value::Int(2), Value::from("one"), Value::Null, Value::Int(2)];
    assert_eq!(rows, [Row(wanted)]);
    let ten: Vec<Value> = (1..=10).map(Value::Int).collect();
    assert_eq!(
        one(&store, Reads, "SELECT $10, $1", ten).await.unwrap()[0].0,
        [Value::Int(10), Value::Int(1)]
    );
    for (text, params) in [
        ("SELECT $1, $2", vec![Value::Null]),
        ("SELECT $1", vec![Value::Null, Value::Null]),
        ("SELECT ?", vec![Value::Null]),
        ("SELECT $name", vec![Value::Null]),
        ("SELECT 1.5", vec![]),
        ("SELEC 1", vec![]),
        ("SELECT 1; SELECT 2", vec![]),
        ("CREATE TABLE no (a)", vec![]),
    ] {
        let outcome = one(&store, Reads, text, params).await;
        assert!(matches!(outcome, Err(StoreError::Broken(_))), "{text}: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_wait_share_a_commit() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    table(&store).await;
    let before = store.stats();
    let (go, first) = hold(&store).await;
    let tasks: Vec<_> = (0..64)
        .map(|key| {
            let store = store.clone();
            tokio::spawn(async move { put(&store, key).await })
        })
        .collect();
    settle().await;
    go.send(()).unwrap();
    first.await.unwrap().unwrap();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let after = store.stats();
    assert_eq!(after.operations - before.operations, 65);
    assert!(after.commits - before.commits <= 3, "{after:?}");
    assert!(after.wal_bytes > 0);
    // What is on disk now, log included, is what a crash would leave.
    let (crashed, again) = (tempdir().unwrap(), tempdir().unwrap());
    for name in ["larkspur.db", "larkspur.db-wal"] {
        std::process::Command::new("cp")
            .arg(directory.path().join(name))
            .arg(crashed.path())
            .status()
            .unwrap();
    }
    assert_eq!(count(&open(crashed.path())).await, 64);
    // And without group commit each has its own.
    let options = Options { group_commit: false, ..Options::default() };
    let alone = Arc::new(Sqlite::open(again.path(), &options).unwrap());
    table(&alone).await;
    let before = alone.stats();
    let tasks: Vec<_> = (0..8)
        .map(|key| {
            let store = alone.clone();
            tokio::spawn(async move { put(&store, key).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(alone.stats().commits - before.commits, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_undone_leaves_its_batch_alone() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    table(&store).await;
    let log = Arc::new(Mutex::new(Vec::new()));
    let (go, first) = hold(&store).await;
    let mut tasks = Vec::new();
    for (key, end) in
        ["commit", "refuse", "break", "panic", "wait", "collide", "commit"].into_iter().enumerate()
    {
        let (store, log) = (store.clone(), log.clone());
        tasks.push(tokio::spawn(async move {
            if end == "wait" {
                return store.transact(Writes, Arc::new(Waits)).await;
            }
            run(&store, Writes, move |mut session| {
                session.on_commit(hook(&log, &format!("{key}")));
                sql(session.as_mut(), INSERT, &[Value::Int(i64::try_from(key).unwrap()), Value::Null])?;
                match end {
                    "commit" => Ok(Verdict::Commit),
                    "refuse" => Ok(Verdict::Rollback),
                    "break" => Err(StoreError::Broken("on purpose".to_owned())),
                    "collide" => Err(StoreError::Collided),
                    _ => panic!("on purpose"),
                }
            })
            .await
        }));
        settle().await;
    }
    go.send(()).unwrap();
    first.await.unwrap().unwrap();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    assert_eq!(outcomes[0], Ok(()));
    assert_eq!(outcomes[1], Ok(()));
    assert_eq!(outcomes[2], Err(StoreError::Broken("on purpose".to_owned())));
    assert_eq!(outcomes[3], Err(StoreError::Broken("the unit panicked: on purpose".to_owned())));
    assert!(matches!(outcomes[4], Err(StoreError::Broken(_))));
    assert_eq!(outcomes[5], Err(StoreError::Unavailable("collided 5 times".to_owned())));
    assert_eq!(outcomes[6], Ok(()));
    assert_eq!(store.stats().collisions, 5);
    let keys = one(&store, Reads, "SELECT k FROM t ORDER BY k", vec![]).await.unwrap();
    assert_eq!(keys, [Row(vec![Value::Int(0)]), Row(vec![Value::Int(6)])]);
    assert_eq!(*log.lock().unwrap(), ["before 0", "before 6", "after 0", "after 6"]);
}

/// Waits for something that is not the store.
struct Waits;

impl Unit for Waits {
    fn run(&self, _: Box<dyn Session>) -> BoxFuture<'_, Outcome> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_duplicate_key_is_run_again() {
    let store = Sqlite::memory().unwrap();
    table(&store).await;
    put(&store, 1).await.unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = runs.clone();
    run(&store, Writes, move |mut session| {
        let key = i64::from(counter.fetch_add(1, Ordering::SeqCst) == 2) + 1;
        sql(session.as_mut(), INSERT, &[Value::Int(key), Value::Null])?;
        Ok(Verdict::Commit)
    })
    .await
    .unwrap();
    assert_eq!((runs.load(Ordering::SeqCst), store.stats().collisions, count(&store).await), (3, 2, 2));
    let null = one(&store, Writes, INSERT, vec![Value::Null, Value::Null]).await;
    assert!(matches!(null, Err(StoreError::Broken(_))), "{null:?}");
}

#[tokio::test]
async fn a_transaction_that_sqlite_ends_takes_its_batch_along() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    table(&store).await;
    let (go, first) = hold(&store).await;
    let mate = tokio::spawn({
        let store = store.clone();
        async move { put(&store, 1).await }
    });
    settle().await;
    let culprit = tokio::spawn({
        let store = store.clone();
        async move {
            run(&store, Writes, |mut session| {
                sql(session.as_mut(), "ROLLBACK", &[])?;
                let next = sql(session.as_mut(), INSERT, &[Value::Int(2), Value::Null]);
                assert!(matches!(next, Err(StoreError::Unavailable(_))), "{next:?}");
                Ok(Verdict::Commit)
            })
            .await
        }
    });
    settle().await;
    let later = tokio::spawn({
        let store = store.clone();
        async move { put(&store, 3).await }
    });
    settle().await;
    go.send(()).unwrap();
    for task in [first, mate, culprit] {
        assert!(matches!(task.await.unwrap(), Err(StoreError::Unavailable(_))));
    }
    later.await.unwrap().unwrap();
    assert_eq!(count(&store).await, 1);
}

#[tokio::test]
async fn hooks_that_panic_stop_nobody() {
    let store = Sqlite::memory().unwrap();
    table(&store).await;
    let before = run(&store, Writes, |mut session| {
        sql(session.as_mut(), INSERT, &[Value::Int(1), Value::Null])?;
        session.on_commit(Hook { before: Box::new(|| panic!("on purpose")), after: Box::new(|| ()) });
        Ok(Verdict::Commit)
    });
    assert!(matches!(before.await, Err(StoreError::Unavailable(_))));
    let after = run(&store, Writes, |mut session| {
        sql(session.as_mut(), INSERT, &[Value::Int(2), Value::Null])?;
        session.on_commit(Hook { before: Box::new(|| ()), after: Box::new(|| panic!("on purpose")) });
        Ok(Verdict::Commit)
    });
    assert_eq!(after.await, Ok(()));
    assert_eq!(count(&store).await, 1);
}

#[tokio::test]
async fn a_handle_ends_with_its_transaction() {
    let store = Sqlite::memory().unwrap();
    table(&store).await;
    let kept: Arc<Mutex<Option<Box<dyn Session>>>> = Arc::default();
    let keep = kept.clone();
    run(&store, Writes, move |session| {
        *keep.lock().unwrap() = Some(session.share());
        Ok(Verdict::Commit)
    })
    .await
    .unwrap();
    let steal = |session: &mut Option<Box<dyn Session>>| {
        let session = session.as_mut().unwrap().as_mut();
        sql(session, INSERT, &[Value::Int(1), Value::Null])
    };
    assert!(matches!(steal(&mut kept.lock().unwrap()), Err(StoreError::Broken(_))));
    let stale = kept.clone();
    run(&store, Writes, move |_| {
        assert!(matches!(steal(&mut stale.lock().unwrap()), Err(StoreError::Broken(_))));
        Ok(Verdict::Commit)
    })
    .await
    .unwrap();
    assert_eq!(count(&store).await, 0);
}

#[tokio::test]
async fn one_process_at_a_time() {
    let directory = tempdir().unwrap();
    let place = directory.path().join("a/b");
    let store = open(&place);
    let Err(second) = Sqlite::open(&place, &Options::default()) else { panic!("opened twice") };
    assert!(matches!(second, OpenError::InUse(_)));
    assert!(second.to_string().ends_with("is in use by another larkspur process"));
    table(&store).await;
    store.close();
    store.close();
    let closed = put(&store, 1).await;
    assert_eq!(closed, Err(StoreError::Unavailable("the store is closed".to_owned())));
    assert_eq!(std::fs::metadata(place.join("larkspur.db-wal")).map_or(0, |log| log.len()), 0);
    assert_eq!(count(&open(&place)).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_serves_what_waits() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    table(&store).await;
    let (go, first) = hold(&store).await;
    let tasks: Vec<_> = (0..16)
        .map(|key| {
            let store = store.clone();
            tokio::spawn(async move { put(&store, key).await })
        })
        .collect();
    settle().await;
    let closing = std::thread::spawn({
        let store = store.clone();
        move || store.close()
    });
    settle().await;
    go.send(()).unwrap();
    first.await.unwrap().unwrap();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    closing.join().unwrap();
    assert_eq!(count(&open(directory.path())).await, 16);
}

#[tokio::test]
async fn the_last_unit_may_hold_the_store() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    table(&store).await;
    let (go, first) = hold(&store).await;
    let held = store.clone();
    let unit = Body(move |mut session: Box<dyn Session>| {
        assert_eq!(held.name(), "sqlite");
        sql(session.as_mut(), INSERT, &[Value::Int(1), Value::Null])?;
        Ok(Verdict::Commit)
    });
    let asking = tokio::spawn({
        let store = store.clone();
        async move { store.transact(Writes, Arc::new(unit)).await }
    });
    settle().await;
    // Whoever asked gives up, and everybody else lets go: the writer's thread drops the store.
    asking.abort();
    first.abort();
    drop(store);
    settle().await;
    go.send(()).unwrap();
    for _ in 0..100 {
        settle().await;
        if let Ok(again) = Sqlite::open(directory.path(), &Options::default()) {
            assert_eq!(count(&again).await, 1);
            return;
        }
    }
    panic!("the lock was never let go");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_what_is_committed() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    table(&store).await;
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let (wrote, written) = tokio::sync::oneshot::channel();
    let wrote = Mutex::new(Some(wrote));
    let writing = tokio::spawn({
        let store = store.clone();
        async move {
            run(&store, Writes, move |mut session| {
                sql(session.as_mut(), INSERT, &[Value::Int(1), Value::Null])?;
                wrote.lock().unwrap().take().unwrap().send(()).unwrap();
                let _ = gate.lock().unwrap().recv();
                Ok(Verdict::Commit)
            })
            .await
        }
    });
    written.await.unwrap();
    assert_eq!(count(&store).await, 0);
    go.send(()).unwrap();
    writing.await.unwrap().unwrap();
    assert_eq!(count(&store).await, 1);
    let write = one(&store, Reads, INSERT, vec![Value::Int(2), Value::Null]).await;
    assert!(matches!(write, Err(StoreError::Broken(_))), "{write:?}");
    assert_eq!(store.stats().reads, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backups_are_whole_and_can_be_restored() {
    let directory = tempdir().unwrap();
    let (data, copy, other) =
        (directory.path().join("data"), directory.path().join("copy.db"), directory.path().join("other"));
    assert!(matches!(Sqlite::backup(&data, &copy), Err(OpenError::Missing(_))));
    assert!(!data.exists() && !copy.exists());
    let store = open(&data);
    table(&store).await;
    let writing = tokio::spawn({
        let store = store.clone();
        async move {
            // Always in pairs: a copy with an odd number of rows is not one snapshot.
            for pair in 0..200 {
                run(&store, Writes, move |mut session| {
                    for key in [pair * 2, pair * 2 + 1] {
                        sql(session.as_mut(), INSERT, &[Value::Int(key), Value::Null])?;
                    }
                    Ok(Verdict::Commit)
                })
                .await
                .unwrap();
            }
        }
    });
    while count(&store).await < 20 {}
    Sqlite::backup(&data, &copy).unwrap();
    assert_eq!(Sqlite::check(&data).unwrap(), [""; 0]);
    writing.await.unwrap();
    assert!(matches!(Sqlite::backup(&data, &copy), Err(OpenError::Exists(_))));
    assert!(matches!(Sqlite::restore(&copy, &data), Err(OpenError::InUse(_))));
    store.close();
    assert!(matches!(Sqlite::restore(&copy, &data), Err(OpenError::Exists(_))));
    // A store that does not run is copied just so.
    Sqlite::backup(&data, &directory.path().join("still.db")).unwrap();
    Sqlite::restore(&copy, &other).unwrap();
    let restored = open(&other);
    let rows = count(&restored).await;
    assert!((20..=400).contains(&rows) && rows % 2 == 0, "{rows}");
    put(&restored, 1000).await.unwrap();
    let names = std::fs::read_dir(directory.path()).unwrap().chain(std::fs::read_dir(&other).unwrap());
    assert!(names.flatten().all(|entry| !entry.file_name().to_string_lossy().contains("partial")));
}

#[tokio::test]
async fn damage_is_found() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    table(&store).await;
    for key in 0..50 {
        let long = Value::Text("x".repeat(1000));
        one(&store, Writes, INSERT, vec![Value::Int(key), long]).await.unwrap();
    }
    store.close();
    assert_eq!(Sqlite::check(directory.path()).unwrap(), [""; 0]);
    let file = directory.path().join("larkspur.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xab);
    std::fs::write(&file, &bytes).unwrap();
    assert!(!Sqlite::check(directory.path()).unwrap().is_empty());
    let target = tempdir().unwrap();
    assert!(matches!(Sqlite::restore(&file, target.path()), Err(OpenError::Damaged(..))));
    std::fs::write(&file, b"this is not a database, it only has its name").unwrap();
    assert!(!Sqlite::check(directory.path()).unwrap().is_empty());
    assert!(Sqlite::open(directory.path(), &Options::default()).is_err());
    assert!(matches!(Sqlite::check(target.path()), Err(OpenError::Missing(_))));
}

#[tokio::test]
async fn the_log_is_bounded() {
    let directory = tempdir().unwrap();
    let options = Options { wal_limit_bytes: 256 << 10, ..Options::default() };
    let store = Sqlite::open(directory.path(), &options).unwrap();
    table(&store).await;
    for key in 0..300 {
        let long = Value::Text("x".repeat(8000));
        one(&store, Writes, INSERT, vec![Value::Int(key), long]).await.unwrap();
    }
    let stats = store.stats();
    assert!(stats.checkpoints > 2 && stats.wal_bytes < 512 << 10, "{stats:?}");
    let log = std::fs::metadata(directory.path().join("larkspur.db-wal")).unwrap().len();
    assert!(log < 512 << 10, "{log}");
}

#[tokio::test]
async fn the_log_is_emptied_beside_the_writer() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    table(&store).await;
    for key in 0..30 {
        let long = Value::Text("x".repeat(300_000));
        one(&store, Writes, INSERT, vec![Value::Int(key), long]).await.unwrap();
    }
    for _ in 0..40 {
        settle().await;
        if store.stats().checkpoints > 0 {
            return;
        }
    }
    panic!("{:?}", store.stats());
}

/// Waits until the file of the log is as small as one that was never large.
async fn given_back(directory: &Path) {
    let log = directory.join("larkspur.db-wal");
    let mut size = 0;
    for _ in 0..200 {
        size = std::fs::metadata(&log).unwrap().len();
        if size <= 16 << 20 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the log keeps {size} bytes");
}

#[tokio::test]
async fn a_log_that_has_grown_is_given_back() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    table(&store).await;
    // A reader of an old snapshot keeps the log from beginning anew.
    let looking = rusqlite::Connection::open(directory.path().join("larkspur.db")).unwrap();
    looking.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
    for key in 0..50 {
        let long = Value::Text("x".repeat(600_000));
        one(&store, Writes, INSERT, vec![Value::Int(key), long]).await.unwrap();
    }
    let log = directory.path().join("larkspur.db-wal");
    assert!(std::fs::metadata(&log).unwrap().len() > 24 << 20);
    looking.execute_batch("COMMIT").unwrap();
    // Nothing is written any more, so that nothing asks for it.
    given_back(directory.path()).await;
    assert_eq!(count(&store).await, 50);
    put(&store, 1000).await.unwrap();
    assert_eq!(Sqlite::check(directory.path()).unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_log_that_has_grown_is_given_back_while_little_is_written() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    table(&store).await;
    for key in 0..50 {
        let long = Value::Text("x".repeat(600_000));
        one(&store, Writes, INSERT, vec![Value::Int(key), long]).await.unwrap();
    }
    let writing = tokio::spawn({
        let store = store.clone();
        async move {
            for key in 1000.. {
                put(&store, key).await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    given_back(directory.path()).await;
    assert!(!writing.is_finished());
    writing.abort();
}

#[tokio::test]
async fn what_was_deleted_leaves_no_room_after_compacting() {
    let directory = tempdir().unwrap();
    assert!(matches!(Sqlite::compact(directory.path()), Err(OpenError::Missing(_))));
    let store = open(directory.path());
    table(&store).await;
    for key in 0..100 {
        let long = Value::Text("x".repeat(50_000));
        one(&store, Writes, INSERT, vec![Value::Int(key), long]).await.unwrap();
    }
    one(&store, Writes, "DELETE FROM t WHERE k > 3", vec![]).await.unwrap();
    assert!(matches!(Sqlite::compact(directory.path()), Err(OpenError::InUse(_))));
    store.close();
    let (before, after) = Sqlite::compact(directory.path()).unwrap();
    let file = std::fs::metadata(directory.path().join("larkspur.db")).unwrap().len();
    assert!(before > 5_000_000 && after < 500_000 && file == after, "{before} {after} {file}");
    assert_eq!(Sqlite::check(directory.path()).unwrap(), [""; 0]);
    let store = open(directory.path());
    assert_eq!(count(&store).await, 4);
    put(&store, 1000).await.unwrap();
}

#[tokio::test]
async fn memory_is_a_store() {
    let store = Sqlite::memory().unwrap();
    table(&store).await;
    put(&store, 1).await.unwrap();
    let refused = run(&store, Writes, |mut session| {
        sql(session.as_mut(), INSERT, &[Value::Int(2), Value::Null])?;
        Ok(Verdict::Rollback)
    });
    refused.await.unwrap();
    assert_eq!(count(&store).await, 1);
    assert_eq!(store.name(), "sqlite");
}
