//! State that several processes on one store share: node numbers, counts of calls, jobs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use larkspur_contract::Effect::{Reads, Writes};
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_store::frequency::{self, FullWindow, Window};
use larkspur_store::{Driver, Engine, StoreError, SystemClock, jobs, nodes};
use larkspur_store_postgres::{Options, Postgres};
use larkspur_store_sqlite::Sqlite;
use larkspur_testkit::postgres::{Server, Tables, database};
use larkspur_testkit::{Lab, LabOptions};
use serde_json::json;

async fn engine(server: &Server) -> Result<Arc<Engine>, StoreError> {
    let options = Options { connections: 2, ..Options::default() };
    let driver = Arc::new(Postgres::open(&server.url("postgres"), &options).await?);
    Engine::open(driver, Arc::new(SystemClock), 0).await
}

/// The node number in an id.
fn node(engine: &Engine) -> i64 {
    (engine.ids.snowflake().expect("a number is held") >> 12) & 1023
}

#[expect(clippy::disallowed_methods, reason = "leases go by the machine's clock")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("small")
}

async fn numbers(server: &Server, sql: &str) -> Vec<i64> {
    server.run("postgres", sql).await.iter().map(|text| text.parse().expect("a number")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn forty_at_once_make_ids_with_forty_numbers() {
    let server = Arc::new(Server::start(&["fsync=off"]));
    let tasks: Vec<_> = (0..40)
        .map(|_| {
            let server = server.clone();
            tokio::spawn(async move { engine(&server).await.expect("opens") })
        })
        .collect();
    let mut held = BTreeSet::new();
    let mut engines = Vec::new();
    for task in tasks {
        let engine = task.await.expect("no panic");
        assert!(held.insert(node(&engine)), "{held:?}");
        engines.push(engine);
    }
    assert_eq!(numbers(&server, "SELECT node_no FROM node_lease ORDER BY 1").await, Vec::from_iter(held));
}

#[tokio::test]
async fn a_number_is_taken_over_when_its_lease_is_over_and_not_before() {
    let server = Server::start(&["fsync=off"]);
    let first = engine(&server).await.expect("opens");
    let (number, last) = (node(&first), first.ids.snowflake().expect("an id"));
    // All the others are leased for long.
    let others = "INSERT INTO node_lease SELECT n, 'other', 1, 9000000000000 FROM generate_series(0, 1023) n ON CONFLICT DO NOTHING";
    server.run("postgres", others).await;
    let refused = engine(&server).await.err().expect("no number is free").to_string();
    assert!(refused.contains("all 1024 node numbers are held"), "{refused}");
    let over = format!("UPDATE node_lease SET until_ms = {} WHERE node_no = {number}", now() - 11_000);
    server.run("postgres", &over).await;
    let second = engine(&server).await.expect("opens");
    assert_eq!(node(&second), number);
    assert!(second.ids.snowflake() > Some(last));
    // The first one learns that its number was taken, and finds no other.
    let refused = nodes::hold_node(&first).await.expect_err("no number is free").to_string();
    assert!(refused.contains("all 1024 node numbers are held"), "{refused}");
    server.run("postgres", "DELETE FROM node_lease WHERE owner = 'other'").await;
    nodes::hold_node(&first).await.expect("one is free again");
    assert_ne!(node(&first), number);
}

#[tokio::test]
async fn who_cannot_renew_makes_no_ids_and_says_so() {
    let server = Server::start(&["fsync=off"]);
    let driver = Postgres::open(&server.url("postgres"), &Options::default()).await.expect("opens");
    let lab = Lab::with(LabOptions { driver: Some(Arc::new(driver)), ..LabOptions::default() }).await;
    let world = lab.world().await;
    let create = |name: &str| {
        let body = json!({"create_tag": {"tag_type": "tenant", "name": name}});
        world.call("POST", "/im/v2/tags").body(body)
    };
    create("a").send().await.data();
    let engine = lab.app.engine();
    // As if the last successful renewal were 111 seconds ago.
    nodes::hold(engine, now() - 111_000).await.expect("renewed");
    let refused = create("b").send().await;
    assert_eq!((refused.status(), refused.code()), (503, 5000), "{}", refused.text());
    world.call("GET", "/im/v1/chats").send().await.data();
    nodes::hold_node(engine).await.expect("renewed");
    create("b").send().await.data();
    assert_eq!(numbers(&server, "SELECT count(*) FROM tag WHERE name = 'b'").await, [1]);
}

/// Exactly a window's limit is admitted, however many calls and processes there are.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_at_once_are_counted_exactly() {
    let server = Server::start(&["fsync=off"]);
    let engines = [engine(&server).await.expect("opens"), engine(&server).await.expect("opens")];
    let windows = [Window { length_ms: 1000, cap: 30 }, Window { length_ms: 60_000, cap: 50 }];
    for (now, expected) in [(1000, 30), (1999, 0), (2000, 20), (3000, 0), (61_000, 30)] {
        let tasks = (0..8).map(|task| {
            let engine = engines[task % 2].clone();
            tokio::spawn(async move {
                let key = frequency::Key { tenant: TenantKey(1), app_id: AppId(2), operation: "some.call" };
                let (mut inside, mut full) = (0, None);
                for _ in 0..10 {
                    match frequency::count(&engine, key, windows, now, now).await.expect("counts").full {
                        None => inside += 1,
                        told => full = told,
                    }
                }
                (inside, full)
            })
        });
        let (mut inside, mut told) = (0, None);
        for task in Vec::from_iter(tasks) {
            let (some, full): (i32, Option<FullWindow>) = task.await.expect("no panic");
            (inside, told) = (inside + some, told.or(full));
        }
        assert_eq!(inside, expected, "at {now}");
        assert!(told.is_some_and(|full| full.left_ms > 0), "at {now}: {told:?}");
    }
    let sql = "SELECT CAST(relpersistence = 'u' AS INT) FROM pg_class WHERE relname = 'call_count'";
    assert_eq!(numbers(&server, sql).await, [1], "it keeps no log");
}

/// Two engines on one store, of each kind.
async fn pairs(server: &Server) -> Vec<[Arc<Engine>; 2]> {
    let sqlite: Arc<dyn Driver> = Arc::new(Sqlite::memory().expect("a store in memory"));
    let mut pair = Vec::new();
    for _ in 0..2 {
        pair.push(Engine::open(sqlite.clone(), Arc::new(SystemClock), 0).await.expect("opens"));
    }
    let sqlite = [pair[0].clone(), pair[1].clone()];
    vec![sqlite, [engine(server).await.expect("opens"), engine(server).await.expect("opens")]]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_slot_of_a_job_is_entered_once() {
    let server = Server::start(&["fsync=off"]);
    for engines in pairs(&server).await {
        let tasks = (0..8).map(|task| {
            let engine = engines[task % 2].clone();
            tokio::spawn(async move {
                let mut won = 0;
                for slot in 0..50 {
                    won += i32::from(jobs::claim(&engine, "a job", slot).await.expect("claims"));
                }
                won
            })
        });
        let mut won = 0;
        for task in Vec::from_iter(tasks) {
            won += task.await.expect("no panic");
        }
        assert_eq!(won, 50);
        jobs::forget(&engines[0], "a job", 40).await.expect("forgets");
        assert!(jobs::claim(&engines[1], "a job", 39).await.expect("claims"));
        assert!(!jobs::claim(&engines[1], "a job", 40).await.expect("claims"));
    }
}

const DAY: i64 = 24 * 3600 * 1000;

#[tokio::test]
async fn a_sweep_deletes_rows_that_expired_by_their_tenants_clock() {
    let server = Server::start(&["fsync=off"]);
    for [engine, _] in pairs(&server).await {
        let run = |sql: &'static str| engine.driver.query(Writes, sql, vec![]);
        // One tenant's clock is a hundred days ahead.
        for sql in [
            "INSERT INTO tenant (tenant, name, clock_offset_ms, created_at) VALUES ('0000000000000001', 'now', 0, 0), ('0000000000000002', 'ahead', 8640000000, 0)",
            "INSERT INTO idempotency (tenant, name, answer, expires_at) SELECT tenant, 'early', '', 8640000000 FROM tenant",
            "INSERT INTO idempotency (tenant, name, answer, expires_at) SELECT tenant, 'late', '', 18640000000 FROM tenant",
            "INSERT INTO call_count (tenant, app_id, operation, start_1, calls_1, start_2, calls_2, seen_at) SELECT tenant, 'a', 'b', 0, 1, 0, 1, 8640000000 FROM tenant UNION ALL SELECT '0000000000000000', 'a', 'b', 0, 1, 0, 1, 8640000000",
            "INSERT INTO oauth_refresh (tenant, token_hash, app_id, user_id, epoch, authorized_at, expires_at) SELECT tenant, 'hash', 'a', 'u', 1, 0, 8640000000 FROM tenant",
        ] {
            run(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        let many = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1200) \
                    INSERT INTO idempotency (tenant, name, answer, expires_at) SELECT '0000000000000001', CAST(x AS TEXT), '', 1 FROM n";
        run(many).await.expect("inserts");
        let mut swept = Vec::new();
        for now in [100 * DAY, 100 * DAY + 1, 100 * DAY + 600_001, 131 * DAY, 131 * DAY] {
            swept.push(jobs::sweep(&engine, now).await.expect("sweeps"));
        }
        // 1200, and of the second tenant the early name and the refresh token, which ended long ago there; the early
        // name of the first; the three counts; the first's refresh token after 30 days; late names never yet here.
        assert_eq!(swept, [1202, 1, 3, 2, 0]);
        let left =
            engine.driver.query(Reads, "SELECT tenant, name FROM idempotency ORDER BY tenant", vec![]).await;
        let left: Vec<_> =
            left.expect("reads").into_iter().map(|mut row| row.text(1).expect("a name")).collect();
        assert_eq!(left, ["late"]);
    }
}

/// A call in progress may write after its world was deleted. The races show it; here it always happens.
#[tokio::test]
async fn rows_written_into_a_deleted_world_are_deleted_once_no_call_can_write_more() {
    for tables in [Tables::Plain, Tables::Partitioned] {
        let driver = database(tables).await;
        let lab = Lab::with(LabOptions { driver: Some(driver.clone()), ..LabOptions::default() }).await;
        let (world, other) = (lab.world().await, lab.world().await);
        let shop = world.control("POST", "/apps").body(json!({"kind": "isv"})).send().await.data();
        other.control("POST", "/installs").body(json!({"app_id": shop["app_id"]})).send().await.data();
        other.tag("another").await;
        world.control("DELETE", "").send().await.data();
        let late = "INSERT INTO tag (tenant, tag_id, tag_type, name, i18n_names, app_id, create_time, update_time) \
                    VALUES ($1, 1, 'tenant', 'late', '[]', '', 0, 0)";
        driver.query(Writes, late, vec![world.tenant_key.as_str().into()]).await.expect("written");
        let install = "INSERT INTO app_install (tenant, app_id, status, bot, external_sharing, scopes, visible_to) \
                       VALUES ($1, $2, 'enabled', 1, 0, '', '')";
        let app = shop["app_id"].as_str().expect("an app_id");
        driver
            .query(Writes, install, vec![other.tenant_key.as_str().into(), app.into()])
            .await
            .expect("written");
        let left = async || {
            let tags = driver.query(Reads, "SELECT name FROM tag ORDER BY name", Vec::new()).await;
            let installs = "SELECT 1 FROM app_install WHERE app_id = $1";
            let installs = driver.query(Reads, installs, vec![app.into()]).await.expect("read").len();
            let noted = "SELECT 1 FROM job_slot WHERE job LIKE 'gone %'";
            let noted = driver.query(Reads, noted, Vec::new()).await.expect("read").len();
            (tags.expect("read").len(), installs, noted)
        };
        let engine = lab.app.engine();
        jobs::sweep(engine, now() + 9 * 60_000).await.expect("swept");
        assert_eq!(left().await, (2, 1, 3), "its apps are two");
        jobs::sweep(engine, now() + 11 * 60_000).await.expect("swept");
        assert_eq!(left().await, (1, 0, 0));
        assert_eq!(other.call("GET", "/bot/v3/info").send().await.code(), 0, "who lives is left alone");
    }
}

/// A restore removes an app while another tenant installs it; another restore brings the app back.
#[tokio::test]
async fn apps_that_a_restore_removes_are_swept_and_those_that_it_brings_back_are_not() {
    for tables in [Tables::Plain, Tables::Partitioned] {
        let driver = database(tables).await;
        let lab = Lab::with(LabOptions { driver: Some(driver.clone()), ..LabOptions::default() }).await;
        let (world, other) = (lab.world().await, lab.world().await);
        let shop = world.control("POST", "/apps").body(json!({"kind": "isv"})).send().await.data();
        let app = shop["app_id"].as_str().expect("an app_id");
        world.control("POST", "/snapshots").body(json!({"name": "with-it"})).send().await.data();
        let installs = async || {
            let sql = "SELECT 1 FROM app_install WHERE app_id = $1";
            driver.query(Reads, sql, vec![app.into()]).await.expect("read").len()
        };
        let back =
            async || world.control("POST", "/snapshots/with-it/restore").body(json!({})).send().await.data();
        let sweep = async || jobs::sweep(lab.app.engine(), now() + 11 * 60_000).await.expect("swept");

        // It is back before the sweep.
        world.control("POST", "/reset").body(json!({})).send().await.data();
        assert_eq!(installs().await, 0);
        back().await;
        sweep().await;
        assert_eq!(installs().await, 1, "its rows are left alone");

        // It is not, and the call that installed it ended late.
        world.control("POST", "/reset").body(json!({})).send().await.data();
        let late = "INSERT INTO app_install (tenant, app_id, status, bot, external_sharing, scopes, visible_to) \
                    VALUES ($1, $2, 'enabled', 1, 0, '', '')";
        let row = vec![other.tenant_key.as_str().into(), app.into()];
        driver.query(Writes, late, row).await.expect("written");
        sweep().await;
        assert_eq!(installs().await, 0);
        back().await;
        assert_eq!(installs().await, 1, "in the world that made it");

        // Created again with its id, it is another app: none of its rows is swept.
        world.control("POST", "/reset").body(json!({})).send().await.data();
        let again = json!({"kind": "isv", "app_id": app});
        world.control("POST", "/apps").body(again).send().await.data();
        sweep().await;
        assert_eq!(installs().await, 1, "the app that has its id now is left alone");
    }
}
