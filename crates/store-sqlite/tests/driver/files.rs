//! Backups, damage, and the size of files.

use std::path::Path;
use std::time::Duration;

use larkspur_contract::Effect::Writes;
use larkspur_store::{Value, Verdict};
use larkspur_store_sqlite::{OpenError, Options, Sqlite};
use tempfile::tempdir;

use super::{INSERT, count, one, open, put, run, settle, sql, table};

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
    // A store that is not running can be copied, too.
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

/// Waits until the log file is as small as one that was never large.
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
    // A reader of an old snapshot keeps the log from starting again.
    let looking = rusqlite::Connection::open(directory.path().join("larkspur.db")).unwrap();
    looking.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
    for key in 0..50 {
        let long = Value::Text("x".repeat(600_000));
        one(&store, Writes, INSERT, vec![Value::Int(key), long]).await.unwrap();
    }
    let log = directory.path().join("larkspur.db-wal");
    assert!(std::fs::metadata(&log).unwrap().len() > 24 << 20);
    looking.execute_batch("COMMIT").unwrap();
    // There are no more writes that would request a checkpoint.
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
