//! Units that share a commit, and concurrent readers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use larkspur_contract::Effect::{Reads, Writes};
use larkspur_store::{BoxFuture, Driver, Hook, Row, Session, StoreError, Unit, Value, Verdict};
use larkspur_store_sqlite::{Options, Sqlite};
use tempfile::tempdir;

use super::{INSERT, Outcome, count, hold, hook, one, open, put, run, settle, sql, table};

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
    // What is on disk now, including the log, is what a crash would leave.
    let (crashed, again) = (tempdir().unwrap(), tempdir().unwrap());
    for name in ["larkspur.db", "larkspur.db-wal"] {
        std::process::Command::new("cp")
            .arg(directory.path().join(name))
            .arg(crashed.path())
            .status()
            .unwrap();
    }
    assert_eq!(count(&open(crashed.path())).await, 64);
    // And without group commit each unit has its own commit.
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

/// Waits for something other than the store.
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
async fn a_hook_that_panics_stops_no_other_unit() {
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
