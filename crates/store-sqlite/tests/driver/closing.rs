//! Exclusive access to a store, and closing it.

use std::sync::Arc;

use larkspur_contract::Effect::Writes;
use larkspur_store::{Driver, Session, StoreError, Value, Verdict};
use larkspur_store_sqlite::{OpenError, Options, Sqlite};
use tempfile::tempdir;

use super::{Body, INSERT, count, hold, open, put, settle, sql, table};

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
    // The caller gives up, and all other references are dropped: the writer's thread drops the store.
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
