//! A store of the previous release: its events are migrated.

use std::sync::Arc;

use larkspur_api::events::app_ticket;
use larkspur_contract::Effect;
use larkspur_store::{Clock, Driver, Engine, Keys, Row, migrations};
use larkspur_store_sqlite::Sqlite;
use larkspur_testkit::ManualClock;

use super::faults::claim_in;

/// The last schema in which events were kept in the tenant that made the app.
const BEFORE: usize = 16;
const NOW: i64 = 1_700_000_000_000;
const TENANT: &str = "00000000000000aa";

async fn sql(driver: &dyn Driver, text: String) -> Vec<Row> {
    let text: &'static str = text.leak();
    driver.query(Effect::Writes, text, Vec::new()).await.unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A store of that schema, with a world whose clock is five seconds ahead, and these rows of apps and events.
async fn store(apps: &[&str], events: &[&str]) -> Arc<dyn Driver> {
    let driver: Arc<dyn Driver> = Arc::new(Sqlite::memory().expect("a store in memory"));
    let meta = "CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)".to_owned();
    for statement in [meta].into_iter().chain(migrations().take(BEFORE).flatten()) {
        sql(&*driver, statement).await;
    }
    for (name, value) in [("schema_version", BEFORE.to_string()), ("master_key", Keys::fresh_master())] {
        sql(&*driver, format!("INSERT INTO meta VALUES ('{name}', '{value}')")).await;
    }
    sql(&*driver, format!("INSERT INTO tenant (tenant, name, clock_offset_ms, created_at) VALUES ('{TENANT}', 'old', 5000, 0)"))
        .await;
    for app in apps {
        sql(&*driver, format!("INSERT INTO app_events VALUES ('{TENANT}', {app})")).await;
    }
    for event in events {
        sql(&*driver, format!("INSERT INTO event_outbox VALUES ('{TENANT}', {event})")).await;
    }
    driver
}

#[tokio::test]
async fn what_a_store_of_the_release_before_knew_of_events_is_moved() {
    let later = NOW + 600_000 + 5000;
    let apps = [
        format!("'cli_000000000000000a', 'http://a/', '', 'verified', '', {later}"),
        format!("'cli_000000000000000b', 'http://b/', '', 'verified', '', {later}"),
        "'cli_000000000000000c', 'http://c/', '', 'pending', '', NULL".to_owned(),
    ];
    let events = [
        "'e1', 1, 'cli_000000000000000a', 'app_ticket', '7', 1, 'delivered', 1, 1, 'x', 0, 200, ''",
        "'e2', 2, 'cli_000000000000000a', 'app_ticket', '8', 2, 'waiting', 2, 1, 'x', 9, 500, 'HTTP 500'",
        "'e3', 3, 'cli_000000000000000c', 'url_verification', 'abc', 3, 'waiting', 3, 0, '', 0, NULL, ''",
    ];
    let driver = store(&apps.each_ref().map(String::as_str), &events).await;
    let clock = ManualClock::at(NOW);
    let engine = Engine::open(driver.clone(), clock.clone(), 0).await.expect("it is migrated");
    assert!(sql(&*driver, "SELECT 1 FROM event_outbox".to_owned()).await.is_empty());
    // The verification is sent; of the tickets, the waiting one is replaced, and the other app's comes at its time.
    let asked = claim_in(&engine, NOW).await;
    assert_eq!(asked.iter().map(|event| event.event_id.as_str()).collect::<Vec<_>>(), ["e3"]);
    assert_eq!(
        (asked[0].payload.as_str(), asked[0].channel().request_url.as_str()),
        (r#"{"challenge":"abc"}"#, "http://c/")
    );
    assert_eq!(app_ticket::send_due(&engine, clock.now_ms()).await, Ok(1));
    let sent = claim_in(&engine, NOW).await;
    assert_eq!(
        sent.iter().map(|event| event.channel().request_url.as_str()).collect::<Vec<_>>(),
        ["http://a/"]
    );
    let number = |row: &Row| row.int(0).expect("a number");
    let kept = "SELECT number FROM event_delivery WHERE state <> 'waiting' ORDER BY number";
    assert_eq!(sql(&*driver, kept.to_owned()).await.iter().map(number).collect::<Vec<_>>(), [1, 2]);
    clock.advance(599_999);
    assert_eq!(app_ticket::send_due(&engine, clock.now_ms()).await, Ok(0));
    clock.advance(1);
    assert_eq!(app_ticket::send_due(&engine, clock.now_ms()).await, Ok(1));
}
