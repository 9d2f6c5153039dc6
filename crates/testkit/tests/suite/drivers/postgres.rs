//! Failures of a PostgreSQL server: it stops, hangs, answers a COMMIT unclearly, or is the wrong one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use larkspur_contract::Effect::{Reads, Writes};
use larkspur_store::{Driver, StoreError, Verdict};
use larkspur_store_postgres::{Options, Postgres};
use larkspur_testkit::postgres::Server;

use super::{INSERT, Store, TABLE, row};

const DEADLINE: Duration = Duration::from_millis(2000);
/// The driver's connections.
const OTHERS: &str = "FROM pg_stat_activity WHERE application_name = 'larkspur' AND pid <> pg_backend_pid()";

async fn open(server: &Server, rest: &str) -> Result<Postgres, StoreError> {
    let options = Options { deadline: DEADLINE, ..Options::default() };
    Postgres::open(&server.url(rest), &options).await
}

async fn store(server: &Server) -> (Store, Arc<Postgres>) {
    let driver = Arc::new(open(server, "postgres").await.expect("opens"));
    let store = Store { driver: driver.clone(), _directory: None };
    store.must(TABLE, vec![]).await;
    (store, driver)
}

/// Closes every connection of the driver.
pub(super) async fn off(server: &Server) {
    server.run("postgres", &format!("SELECT pg_terminate_backend(pid) {OTHERS}")).await;
}

#[tokio::test]
async fn a_database_that_will_not_do_is_refused_in_words() {
    let server = Server::start(&["fsync=off"]);
    for (name, how) in [
        ("ascii", "ENCODING 'SQL_ASCII' LOCALE 'C'"),
        ("english", "ENCODING 'UTF8' LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"),
        ("bytes", "ENCODING 'UTF8' LOCALE 'C'"),
    ] {
        server.run("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0 {how}")).await;
    }
    for (rest, part) in [
        ("ascii", "encoding is SQL_ASCII and must be UTF8: make one with CREATE DATABASE"),
        ("english", "does not order text by its bytes"),
        ("postgres?options=-c%20synchronous_commit%3Doff", "synchronous_commit is off"),
        ("nowhere", "database \"nowhere\" does not exist"),
    ] {
        let error = open(&server, rest).await.err().expect(rest).to_string();
        assert!(error.contains(part), "{rest}: {error}");
    }
    open(&server, "bytes").await.expect("the order of bytes");
    let refused = Postgres::open("postgres://larkspur@127.0.0.1:1/postgres", &Options::default()).await;
    let error = refused.err().expect("no server listens there").to_string();
    assert!(error.contains("cannot connect to PostgreSQL"), "{error}");
}

#[tokio::test]
async fn a_standby_alone_is_refused_in_words() {
    let primary = Server::start(&["fsync=off"]);
    let standby = Server::standby_of(&primary, &["fsync=off"]);
    let error = open(&standby, "postgres").await.err().expect("it takes no writes").to_string();
    assert!(error.contains("every host of the address that answers is a standby"), "{error}");
    let both = standby.url_with(&primary, "postgres");
    Postgres::open(&both, &Options::default()).await.expect("one of them takes writes");
}

#[tokio::test]
async fn connections_that_ended_while_they_waited_are_made_anew() {
    let server = Server::start(&["fsync=off"]);
    let (store, driver) = store(&server).await;
    for key in 0..5 {
        off(&server).await;
        store.put(key, "v").await;
    }
    assert_eq!(store.keys().await, [0, 1, 2, 3, 4]);
    assert!(driver.stats().connections >= 5, "{:?}", driver.stats());
}

/// Whether a writing statement outside of a transaction was committed is unknown, unless PostgreSQL said so; after a
/// failed BEGIN, what was sent behind it has no effect.
#[tokio::test]
async fn a_statement_by_itself_that_is_not_answered_has_an_unknown_outcome() {
    let server = Server::start(&["fsync=off"]);
    let (store, driver) = store(&server).await;
    let slow = "SELECT CAST(pg_sleep(9) AS TEXT)";
    let outcome = driver.query(Writes, slow, vec![]).await;
    assert!(matches!(outcome, Err(StoreError::UnknownOutcome(_))), "{outcome:?}");
    let outcome = driver.query(Reads, slow, vec![]).await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    assert_eq!(driver.stats().unknown_outcomes, 1);
    for key in 0..5 {
        off(&server).await;
        // Time for the driver to notice; then it takes another connection.
        tokio::time::sleep(Duration::from_millis(300)).await;
        driver.query(Writes, INSERT, row(key, "v")).await.expect("on a new connection");
    }
    assert_eq!(store.keys().await, [0, 1, 2, 3, 4]);
    let alone = driver.query(Reads, "SELECT current_setting('default_transaction_read_only')", vec![]).await;
    assert_eq!(alone.expect("a setting")[0].clone().text(0).expect("text"), "on");
}

#[tokio::test]
async fn a_connection_that_ends_in_the_middle_leaves_nothing() {
    let server = Arc::new(Server::start(&["fsync=off"]));
    let (store, _) = store(&server).await;
    let ended = server.clone();
    let outcome = store.run(Writes, move |mut session| {
        let server = ended.clone();
        Box::pin(async move {
            session.query(INSERT, &row(1, "v")).await?;
            off(&server).await;
            session.query(INSERT, &row(2, "v")).await.map(|_| Verdict::Commit)
        })
    });
    let outcome = outcome.await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    assert_eq!(store.keys().await, [0i64; 0]);
}

#[tokio::test]
async fn a_unit_that_waits_too_long_for_a_row_gives_up() {
    let server = Server::start(&["fsync=off"]);
    let (store, _) = store(&server).await;
    store.put(1, "v").await;
    let held = Arc::new(tokio::sync::Notify::new());
    let told = held.clone();
    let holding = super::unit(move |mut session| {
        let held = told.clone();
        Box::pin(async move {
            session.query("UPDATE t SET v = 'held' WHERE k = 1", &[]).await?;
            held.notify_one();
            tokio::time::sleep(DEADLINE * 2).await;
            Ok(Verdict::Rollback)
        })
    });
    let driver = store.driver.clone();
    let holder = tokio::spawn(async move { driver.transact(Writes, holding).await });
    held.notified().await;
    let began = Instant::now();
    let outcome = store.one(Writes, "UPDATE t SET v = 'late' WHERE k = 1", vec![]).await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    assert!(began.elapsed() >= DEADLINE && began.elapsed() < DEADLINE * 2, "{:?}", began.elapsed());
    assert_eq!(holder.await.expect("no panic"), Ok(()));
    store.must("UPDATE t SET v = 'again' WHERE k = 1", vec![]).await;
}

#[tokio::test]
async fn a_commit_without_a_plain_answer_has_an_unknown_outcome() {
    let server = Arc::new(Server::start(&["fsync=off"]));
    let (store, driver) = store(&server).await;
    // From now on a commit waits for a standby that does not exist.
    server.run("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'absent'").await;
    server.run("postgres", "SELECT pg_reload_conf()").await;
    while server.run("postgres", "SHOW synchronous_standby_names").await != ["absent"] {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for (key, what, part) in [
        (1, None, "no answer in time"),
        (2, Some("pg_cancel_backend"), "warned at the commit"),
        (3, Some("pg_terminate_backend"), "closed"),
    ] {
        // The abandoned session still waits on its server; without this, the next steps would affect it.
        off(&server).await;
        let beside = server.clone();
        let meddler = tokio::spawn(async move {
            let Some(what) = what else { return };
            let waiting = format!("SELECT {what}(pid) {OTHERS} AND wait_event = 'SyncRep'");
            // Repeatedly: the first one found may be the previous one, which is still closing.
            loop {
                beside.run("postgres", &waiting).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let outcome = store.one(Writes, INSERT, row(key, "v")).await;
        let doubt = matches!(&outcome, Err(StoreError::UnknownOutcome(why)) if why.contains(part));
        assert!(doubt, "{what:?}: {outcome:?}");
        meddler.abort();
    }
    assert_eq!(driver.stats().unknown_outcomes, 3);
    server.run("postgres", "ALTER SYSTEM RESET synchronous_standby_names").await;
    server.run("postgres", "SELECT pg_reload_conf()").await;
    // In this case they did commit: on this server only.
    store.put(4, "v").await;
    assert_eq!(store.keys().await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_unit_that_panics_is_a_defect_and_leaves_nothing() {
    let server = Server::start(&["fsync=off"]);
    let (store, _) = store(&server).await;
    let outcome = store.run(Writes, |mut session| {
        Box::pin(async move {
            session.query(INSERT, &row(1, "v")).await?;
            panic!("as a defect would")
        })
    });
    let outcome = outcome.await;
    assert!(matches!(outcome, Err(StoreError::Broken(_))), "{outcome:?}");
    assert_eq!(store.keys().await, [0i64; 0]);
}

/// The server for measurements: configured as for real data.
#[tokio::test]
async fn a_server_may_keep_its_data_in_a_folder() {
    let folder = tempfile::tempdir().expect("a directory");
    let server = Server::in_folder(folder.path(), &["autovacuum=on"]);
    assert!(folder.path().join("data/PG_VERSION").exists());
    for setting in ["data_checksums", "autovacuum", "fsync"] {
        assert_eq!(server.run("postgres", &format!("SHOW {setting}")).await, ["on"], "{setting}");
    }
    assert!(server.process().await > 1);
}
