//! `larkspur copy`: whole stores between the drivers.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use larkspur_contract::Effect;
use larkspur_server::blobs::Objects;
use larkspur_store::blobs::Blobs;
use larkspur_store::copy::Source;
use larkspur_store::tenants::TABLES;
use larkspur_store::{BoxFuture, Driver, Engine, Row, Session, StoreError, SystemClock, Unit, Verdict};
use larkspur_store_sqlite::{Options, Sqlite};
use larkspur_testkit::postgres::{Server, Tables, database};
use larkspur_testkit::{Lab, LabOptions, World};
use tempfile::TempDir;

use crate::program::{Program, binary};
use crate::statements::journey;

struct Statement(String, Mutex<Vec<Row>>);

impl Unit for Statement {
    fn run(&self, mut session: Box<dyn Session>) -> BoxFuture<'_, Result<Verdict, StoreError>> {
        Box::pin(async move {
            *self.1.lock().expect("not poisoned") = session.query(&self.0, &[]).await?;
            Ok(Verdict::Commit)
        })
    }
}

async fn sql(driver: &dyn Driver, text: &str) -> Vec<Row> {
    let unit = Arc::new(Statement(text.to_owned(), Mutex::default()));
    driver.transact(Effect::Writes, unit.clone()).await.unwrap_or_else(|error| panic!("{text}: {error}"));
    std::mem::take(&mut *unit.1.lock().expect("not poisoned"))
}

/// Every row of every table, in an order that does not depend on the store.
async fn rows(driver: &dyn Driver) -> Vec<(&'static str, Vec<String>)> {
    let mut all = Vec::new();
    for table in TABLES.iter().copied() {
        let found = sql(driver, &format!("SELECT * FROM {table}")).await;
        let mut found: Vec<String> = found.iter().map(|row| format!("{row:?}")).collect();
        found.sort();
        all.push((table, found));
    }
    all
}

/// Adds a row to every table that has none: text of every kind of letter, and NULL where there may be one.
async fn fill(sqlite: &dyn Driver) {
    for table in TABLES {
        if !sql(sqlite, &format!("SELECT 1 FROM {table} LIMIT 1")).await.is_empty() {
            continue;
        }
        let columns =
            sql(sqlite, &format!("SELECT type, \"notnull\" FROM pragma_table_info('{table}')")).await;
        let values = columns.into_iter().map(|mut column| match (column.int(1), column.text(0).as_deref()) {
            (Ok(0), _) => "NULL",
            (_, Ok("TEXT")) => "'\u{e9} \u{1f99c} \" \\'",
            (_, Ok("BIGINT")) => "-9223372036854775808",
            _ => "x'00ff'",
        });
        let values: Vec<&str> = values.collect();
        sql(sqlite, &format!("INSERT INTO {table} VALUES ({})", values.join(", "))).await;
    }
}

async fn lab(driver: &Arc<dyn Driver>, blobs: &Arc<Objects>) -> Lab {
    let (driver, blobs) = (Some(driver.clone()), Some(blobs.clone() as Arc<dyn Blobs>));
    Lab::with(LabOptions { driver, blobs, ..LabOptions::default() }).await
}

/// What the world's app is answered when it looks around.
async fn answers(world: &World, lab: &Lab, tag: &str, image: &str) -> Vec<String> {
    let chat = &world.chat_id;
    let mut found = Vec::new();
    for path in [
        format!("/open-apis/im/v2/tags?ids={tag}"),
        format!("/open-apis/im/v1/images/{image}"),
        format!("/open-apis/im/v1/chats/{chat}"),
        format!("/open-apis/im/v1/chats/{chat}/members"),
        format!("/open-apis/im/v1/chats/{chat}/chat_tabs/list_tabs"),
        "/open-apis/im/v1/chats".to_owned(),
    ] {
        let answer = lab.request("GET", &path).token(&world.token).send().await;
        assert_eq!(answer.status(), 200, "{path}");
        found.push(format!("{:?}", answer.response.body));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_with_everything_in_it_goes_through_every_driver() {
    let first: Arc<dyn Driver> = Arc::new(Sqlite::memory().expect("a store in memory"));
    // Files that are kept apart stay where they are.
    let blobs = Objects::open("memory:").expect("files in memory");
    let old = lab(&first, &blobs).await;
    journey(&old).await;
    let world = old.world().await;
    let tag = world.tag("a tag").await;
    let picture = super::png(3, 4);
    let upload =
        world.call("POST", "/im/v1/images").multipart(&[("image_type", "message")], ("image", &picture));
    let image = upload.send().await.data()["image_key"].as_str().expect("a key").to_owned();
    fill(&*first).await;
    let (before, said) = (rows(&*first).await, answers(&world, &old, &tag, &image).await);
    assert!(before.iter().all(|(_, rows)| !rows.is_empty()));

    let mut driver = first;
    for next in [
        database(Tables::None).await,
        database(Tables::Partitioned).await,
        database(Tables::Plain).await,
        Arc::new(Sqlite::memory().expect("a store in memory")),
    ] {
        let name = next.name();
        let source = Source::of(driver).await.expect("a source");
        source.copy_to(&next, &mut |_| {}).await.unwrap_or_else(|error| panic!("to {name}: {error}"));
        driver = next;
    }
    assert_eq!(rows(&*driver).await, before);
    // The tokens of before are as good as they were.
    assert_eq!(answers(&world, &lab(&driver, &blobs).await, &tag, &image).await, said);
}

struct Places {
    server: Server,
    directory: TempDir,
}

impl Places {
    /// A PostgreSQL server with an empty database, and a data directory with many tags.
    async fn new(tags: usize) -> Places {
        let places = Places {
            server: Server::start(&["fsync=off"]),
            directory: tempfile::tempdir().expect("a directory"),
        };
        let driver = Arc::new(Sqlite::open(&places.path("data"), &Options::default()).expect("opens"));
        let engine = Engine::open(driver.clone(), Arc::new(SystemClock), 0).await.expect("the tables");
        let many = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {tags}) \
             INSERT INTO tag SELECT 'tenant', i, 'tenant', 'tag ' || i, '[]', 'cli_a', i, i FROM n"
        );
        sql(&*driver, &many).await;
        drop(engine);
        driver.close();
        places
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn data(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    fn url(&self) -> String {
        self.server.url("postgres")
    }

    fn spawn(&self, from: &str, to: &str) -> Child {
        Command::new(binary())
            .args(["copy", "--from", from, "--to", to])
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs")
    }

    /// What it prints, or what it complains of.
    fn copy(&self, from: &str, to: &str) -> Result<String, String> {
        let output = self.spawn(from, to).wait_with_output().expect("it ends");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    /// Begins a copy and kills it once something of it is there.
    async fn kill_in_the_middle(&self, from: &str, to: &str) {
        let mut child = self.spawn(from, to);
        let began = Instant::now();
        loop {
            assert!(began.elapsed() < Duration::from_secs(60), "no row arrives");
            assert!(child.try_wait().expect("a child").is_none(), "it ended before it was killed");
            let arrived = if to.starts_with("postgres") {
                let there = "SELECT 1 FROM pg_class WHERE relname = 'tag' AND pg_relation_size(oid) > 200000";
                !self.server.run("postgres", there).await.is_empty()
            } else {
                Path::new(to).join("larkspur.db-wal").metadata().is_ok_and(|file| file.len() > 1_500_000)
            };
            if arrived {
                break;
            }
        }
        child.kill().expect("killed");
        child.wait().expect("an end");
    }
}

const TAGS: usize = 60_000;

#[tokio::test]
async fn a_copy_that_was_killed_goes_on() {
    let places = Places::new(TAGS).await;
    let (data, url, back) = (places.data("data"), places.url(), places.data("back"));
    for (from, to) in [(&data, &url), (&url, &back)] {
        places.kill_in_the_middle(from, to).await;
        // Until it is whole, nobody serves it or takes it for a source.
        let elsewhere = places.data("elsewhere");
        let refused = places.copy(to, &elsewhere).expect_err("half a store");
        assert!(refused.contains("itself a copy that did not end"), "{refused}");
        let place = if to.starts_with("postgres") { "--store" } else { "--data" };
        let (status, log) =
            Program::spawn_at(places.directory.path(), &[place.as_ref(), to.as_ref()], "").wait();
        assert!(!status.success() && log.contains("run `larkspur copy` again"), "{log}");
        let said = places.copy(from, to).unwrap_or_else(|error| panic!("{error}"));
        assert!(said.contains(&format!("holds all {TAGS} rows")), "{said}");
    }
    let count = "SELECT count(*) FROM tag WHERE name = 'tag ' || tag_id";
    assert_eq!(places.server.run("postgres", count).await, [TAGS.to_string()]);
    let refused = places.copy(&data, &url).expect_err("it is whole");
    assert!(refused.contains("not empty: its table tag has rows"), "{refused}");
}

#[tokio::test]
async fn a_source_that_changed_meanwhile_is_noticed() {
    let places = Places::new(TAGS).await;
    let (data, url) = (places.data("data"), places.url());
    places.kill_in_the_middle(&data, &url).await;
    let driver = Sqlite::open(&places.path("data"), &Options::default()).expect("opens");
    sql(&driver, "UPDATE tag SET name = 'changed' WHERE tag_id = 7").await;
    driver.close();
    let refused = places.copy(&data, &url).expect_err("changed");
    assert!(refused.contains("table tag is not what the source has now"), "{refused}");
    let other = Places::new(1).await;
    let refused = places.copy(&other.data("data"), &url).expect_err("another source");
    assert!(refused.contains("a copy of another store was begun"), "{refused}");
}

#[tokio::test]
async fn what_must_not_be_copied_is_refused() {
    let places = Places::new(1).await;
    let (data, url, free) = (places.data("data"), places.url(), places.data("free"));
    let refused = |from: &str, to: &str, part: &str| {
        let why = places.copy(from, to).expect_err(part);
        assert!(why.contains(part), "{why}");
    };
    refused(&places.data("nowhere"), &free, "has no data");
    refused(&data, &data, "the same place");
    refused(&url, &free, "there is no store in the source");
    assert!(!places.path("nowhere").exists() && !Sqlite::exists(&places.path("free")));

    let served = Program::start(&places.path("data"));
    refused(&data, &url, "in use by another larkspur process");
    refused(&url, &data, "there is no store in the source");
    served.kill();
    let served =
        Program::spawn_at(places.directory.path(), &["--store".as_ref(), url.as_ref()], "").until_ready();
    refused(&data, &url, "the target is in use");
    refused(&url, &free, "the source is in use");
    served.kill();
    // Its connections end soon.
    let others = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'larkspur'";
    while !places.server.run("postgres", others).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    refused(&data, &url, "the target is not empty");
    let other_release = Sqlite::open(&places.path("data"), &Options::default()).expect("opens");
    sql(&other_release, "UPDATE meta SET value = '1' WHERE name = 'schema_version'").await;
    other_release.close();
    refused(&data, &places.data("fresh"), "the source has schema 1");
    let alone = Command::new(binary()).arg("copy").env_clear().output().expect("runs");
    assert!(!alone.status.success(), "neither source nor target");
}
