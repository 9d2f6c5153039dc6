//! What a worker reads to find due events, while the backlogs of other apps wait in front of them.

use std::sync::Arc;

use larkspur_contract::Effect;
use larkspur_contract::events::APP_TICKET;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_store::events::claims::{self, Due, InProgress};
use larkspur_store::events::outbox::{self, Event};
use larkspur_store::{Driver, Engine};
use larkspur_store_postgres::{Options, Postgres};
use larkspur_store_sqlite::Sqlite;
use larkspur_testkit::postgres::Server;
use larkspur_testkit::{ManualClock, Recording};
use tokio_postgres::NoTls;

use super::plans::visited;

const NOW: i64 = 1_700_000_000_000;
const TENANT: TenantKey = TenantKey(7);
/// Events of each app that is left out.
const BACKLOG: usize = 1_500;
/// How many are added in a transaction.
const BATCH: usize = 100;
/// How many events a worker asks for.
const MOST: usize = 100;
/// The 512 rows of the first search, and those of the apps that are found.
const ROWS: usize = 600;

/// Adds events, a few in each transaction, since a transaction has a deadline.
async fn add(engine: &Arc<Engine>, app_id: AppId, count: usize) {
    for added in (0..count).step_by(BATCH) {
        add_few(engine, app_id, BATCH.min(count - added)).await;
    }
}

async fn add_few(engine: &Arc<Engine>, app_id: AppId, count: usize) {
    let adding = engine.run(Effect::Writes, move |root| {
        let mut tx = root.tenant(TENANT);
        Box::pin(async move {
            for _ in 0..count {
                let event =
                    Event { kind: &APP_TICKET, app_id, developer: TENANT, payload: "{}", created_at: 0 };
                outbox::add(&mut tx, &event).await?;
            }
            Ok(())
        })
    });
    adding.await.expect("a transaction");
}

async fn look(engine: &Arc<Engine>, except: &[AppId], from: &str) -> Due {
    let (except, from) = (Arc::new(except.to_vec()), from.to_owned());
    let looking = engine.run(Effect::Reads, move |root| {
        let (except, from) = (except.clone(), from.clone());
        Box::pin(
            async move { claims::due(root, NOW + 1, MOST, &except, &InProgress::new(), (&from, &[])).await },
        )
    });
    looking.await.expect("a look")
}

/// Three apps have a backlog and are left out; the events of two others came later. Returns the recorder of the search
/// that finds them.
async fn found_behind_backlogs(driver: Arc<dyn Driver>) -> Arc<Recording> {
    let recording = Recording::over(driver);
    let clock = ManualClock::at(NOW);
    let engine = Engine::open(recording.clone(), clock.clone(), 0).await.expect("opens");
    let left_out: Vec<AppId> = [2, 4, 6].map(AppId).to_vec();
    for app_id in &left_out {
        add(&engine, *app_id, BACKLOG).await;
    }
    clock.advance(1);
    add(&engine, AppId(5), 3).await;
    add(&engine, AppId(7), 2).await;
    let (runs, rows) = (recording.runs(), recording.rows());
    let due = look(&engine, &left_out, "").await;
    let (runs, rows) = (recording.runs() - runs, recording.rows() - rows);
    assert_eq!((due.len(), due.next.as_str()), (5, ""));
    assert!(runs <= 20 && rows <= ROWS, "{runs} statements, {rows} rows");
    // A search that goes on behind an app does not come back to it.
    assert_eq!(look(&engine, &left_out, &AppId(5).to_string()).await.len(), 2);
    recording
}

/// Every condition is one of the index, so the rows that are read are those that are returned.
#[tokio::test]
async fn a_backlog_that_is_left_out_is_not_read_on_sqlite() {
    found_behind_backlogs(Arc::new(Sqlite::memory().expect("a store in memory"))).await;
}

#[tokio::test]
async fn a_backlog_that_is_left_out_is_not_read_on_postgres() {
    let server = Server::start(&["fsync=off"]);
    server.run("postgres", "CREATE DATABASE due").await;
    let url = server.url("due");
    let driver = Arc::new(Postgres::open(&url, &Options::default()).await.expect("the database opens"));
    let recording = found_behind_backlogs(driver).await;
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("connects");
    tokio::spawn(connection);
    client.batch_execute(larkspur_store_postgres::PLANNING).await.expect("the settings of a session");
    for state in ["SELECT 1", "ANALYZE"] {
        client.batch_execute(state).await.expect("it runs");
        let statements = recording.statements();
        let searches: Vec<_> = statements
            .iter()
            .filter(|(sql, _)| {
                sql.starts_with("SELECT") && sql.contains("FROM event_delivery WHERE state = 'waiting' AND")
            })
            .collect();
        assert_eq!(searches.len(), 5, "{searches:?}");
        for (sql, params) in searches {
            let values = super::plans::values(params, "");
            let script =
                format!("PREPARE s AS {sql}; EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE s{values}; DEALLOCATE s");
            let answer = client.simple_query(&script).await.expect("a plan");
            let text: String = answer
                .iter()
                .filter_map(|message| match message {
                    tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
                    _ => None,
                })
                .collect();
            let plan: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let read = visited(&plan[0]["Plan"]);
            assert!(read <= 512, "{state}: {read} rows: {sql} {text}");
        }
    }
}
