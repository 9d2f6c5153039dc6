//! `larkspur copy`: whole stores between the drivers.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use larkspur_contract::Effect;
use larkspur_contract::ids::TenantKey;
use larkspur_server::blobs::Objects;
use larkspur_store::blobs::{BlobKey, Blobs};
use larkspur_store::copy::Source;
use larkspur_store::tenants::TABLES;
use larkspur_store::{BoxFuture, Driver, Engine, Row, Session, StoreError, SystemClock, Unit, Verdict};
use larkspur_store_sqlite::{Options, Sqlite};
use larkspur_testkit::journey;
use larkspur_testkit::postgres::{Server, Tables, database};
use larkspur_testkit::{Lab, LabOptions, World};
use tempfile::TempDir;

use crate::support::cluster::NO_SERVER;
use crate::support::program::{Program, binary};

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

/// Adds a row to every empty table: text in all kinds of scripts, and NULL where it is allowed.
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

/// The answers to typical reads by the world's app.
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
        found.push(format!("{:?}", answer.bytes()));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_with_everything_in_it_goes_through_every_driver() {
    let first: Arc<dyn Driver> = Arc::new(Sqlite::memory().expect("a store in memory"));
    // Files outside of the database stay where they are.
    let blobs = Objects::open("memory:").expect("files in memory");
    let old = lab(&first, &blobs).await;
    journey(&old).await;
    let world = old.world().await;
    let tag = world.tag("a tag").await;
    let picture = larkspur_testkit::png(3, 4);
    let upload =
        world.call("POST", "/im/v1/images").multipart(&[("image_type", "message")], ("image", &picture));
    let image = upload.send().await.data()["image_key"].as_str().expect("a key").to_owned();
    fill(&*first).await;
    sql(&*first, "UPDATE event_delivery SET owner = 'other', lease_until = 9000000000000").await;
    let said = answers(&world, &old, &tag, &image).await;
    assert!(rows(&*first).await.iter().all(|(_, rows)| !rows.is_empty()));

    let mut driver = first.clone();
    for next in [
        database(Tables::None).await,
        database(Tables::Partitioned).await,
        database(Tables::Plain).await,
        Arc::new(Sqlite::memory().expect("a store in memory")),
    ] {
        let name = next.name();
        let source = Source::of(driver).await.expect("a source");
        let files: &dyn Blobs = &*blobs;
        let copied = source.copy_to(&next, Some((files, files)), &mut |_| {}).await;
        copied.unwrap_or_else(|error| panic!("to {name}: {error}"));
        driver = next;
    }
    // In-progress work of the first servers is not in the copies.
    let forgotten = [
        "DELETE FROM call_count",
        "DELETE FROM app_connection",
        "DELETE FROM callback_relay",
        "UPDATE event_delivery SET owner = '', lease_until = 0",
    ];
    for statement in forgotten {
        sql(&*first, statement).await;
    }
    assert_eq!(rows(&*driver).await, rows(&*first).await);
    // Earlier tokens are still valid.
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

    /// The URL of a folder for files.
    fn folder(&self, name: &str) -> String {
        format!("file://{}", self.data(name))
    }

    fn url(&self) -> String {
        self.server.url("postgres")
    }

    fn spawn(&self, from: &str, to: &str) -> Child {
        self.spawn_with(from, to, &[])
    }

    fn spawn_with(&self, from: &str, to: &str, more: &[&str]) -> Child {
        Command::new(binary())
            .args(["copy", "--from", from, "--to", to])
            .args(more)
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs")
    }

    /// The output of a command, or its error.
    fn copy(&self, from: &str, to: &str) -> Result<String, String> {
        self.copy_with(from, to, &[])
    }

    fn copy_with(&self, from: &str, to: &str, more: &[&str]) -> Result<String, String> {
        let output = self.spawn_with(from, to, more).wait_with_output().expect("it ends");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    /// Starts a copy and kills it once a part of it exists.
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
async fn a_killed_copy_resumes() {
    let places = Places::new(TAGS).await;
    let (data, url, back) = (places.data("data"), places.url(), places.data("back"));
    for (from, to) in [(&data, &url), (&url, &back)] {
        places.kill_in_the_middle(from, to).await;
        // Until it is whole, no server opens it, and no copy takes it as a source.
        let elsewhere = places.data("elsewhere");
        let refused = places.copy(to, &elsewhere).expect_err("half a store");
        assert!(refused.contains("itself an unfinished copy"), "{refused}");
        let place = if to.starts_with("postgres") { "--store" } else { "--data" };
        let (status, log) =
            Program::spawn_at(places.directory.path(), &[place.as_ref(), to.as_ref()], "").wait();
        assert!(!status.success() && log.contains("run `larkspur copy` again"), "{log}");
        let said = places.copy(from, to).unwrap_or_else(|error| panic!("{error}"));
        assert!(said.contains(&format!("Copied all {TAGS} rows")), "{said}");
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
    assert!(!places.path("nowhere").exists() && !Sqlite::exists(&places.path("free")).expect("to look"));

    let served = Program::start(&places.path("data"));
    refused(&data, &url, "in use by another larkspur process");
    refused(&url, &data, "there is no store in the source");
    served.kill();
    let served =
        Program::spawn_at(places.directory.path(), &["--store".as_ref(), url.as_ref()], "").until_ready();
    refused(&data, &url, "the target is in use");
    refused(&url, &free, "the source is in use");
    served.kill();
    // Its connections close soon.
    let others = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'larkspur'";
    while !places.server.run("postgres", others).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    refused(&data, &url, "the target is not empty");
    let why = places.copy(&data, &url).expect_err("rows");
    assert!(why.trim_end().ends_with("name another one with --to"), "nothing was begun: {why}");
    for (from, to, what) in [(NO_SERVER, &*free, "source"), (&*data, NO_SERVER, "target")] {
        let why = places.copy(from, to).expect_err("no server listens there");
        let told = format!("the {what}: cannot connect to PostgreSQL");
        assert!(why.contains(&told) && why.contains(": see that a primary runs there"), "{why}");
        assert!(!why.contains("hunter2") && why.lines().count() == 1, "{why}");
    }
    let other_release = Sqlite::open(&places.path("data"), &Options::default()).expect("opens");
    sql(&other_release, "UPDATE meta SET value = '1' WHERE name = 'schema_version'").await;
    other_release.close();
    refused(&data, &places.data("fresh"), "the source has schema 1");
    let alone = Command::new(binary()).arg("copy").env_clear().output().expect("runs");
    assert!(!alone.status.success(), "neither source nor target");
}

/// A data directory with an image whose file is in the folder `files`.
struct Pictures {
    places: Places,
    content: Vec<u8>,
    token: String,
    image: String,
    /// Its file: tenant and hash.
    name: String,
}

impl Pictures {
    async fn new() -> Pictures {
        let places = Places::new(1).await;
        let driver = Arc::new(Sqlite::open(&places.path("data"), &Options::default()).expect("opens"));
        let files = Objects::open(&places.folder("files")).expect("opens");
        let lab = lab(&(driver.clone() as Arc<dyn Driver>), &files).await;
        let (world, content) = (lab.world().await, larkspur_testkit::png(3, 4));
        let upload = world.call("POST", "/im/v1/images");
        let upload = upload.multipart(&[("image_type", "message")], ("image", &content)).send().await;
        let image = upload.data()["image_key"].as_str().expect("a key").to_owned();
        let tenant = TenantKey::parse(&world.tenant_key).expect("a tenant");
        let name = BlobKey::of(tenant, &content).to_string();
        driver.close();
        Pictures { places, content, token: world.token.clone(), image, name }
    }

    /// Copies the data directory to another, with the image's file in it or elsewhere.
    fn copy(&self, to: &str, files: Option<&str>) -> Result<String, String> {
        let (from_url, to_url) = (self.places.folder("files"), files.map(|files| self.places.folder(files)));
        let more = match &to_url {
            Some(to_url) => vec!["--blobs-from", &from_url, "--blobs-to", to_url],
            None => Vec::new(),
        };
        self.places.copy_with(&self.places.data("data"), &self.places.data(to), &more)
    }

    /// The image, as served by a server on a data directory and a folder of files.
    async fn answered(&self, data: &str, files: &str) -> Vec<u8> {
        let driver = Arc::new(Sqlite::open(&self.places.path(data), &Options::default()).expect("opens"));
        let files = Objects::open(&self.places.folder(files)).expect("opens");
        let lab = lab(&(driver.clone() as Arc<dyn Driver>), &files).await;
        let path = format!("/open-apis/im/v1/images/{}", self.image);
        let answer = lab.request("GET", &path).token(&self.token).send().await;
        driver.close();
        answer.bytes().to_vec()
    }

    /// The files in a folder, and when each was written.
    fn files(&self, folder: &str) -> BTreeMap<String, SystemTime> {
        let mut found = BTreeMap::new();
        for tenant in std::fs::read_dir(self.places.path(folder)).into_iter().flatten() {
            for file in std::fs::read_dir(tenant.expect("a tenant").path()).expect("a folder") {
                let file = file.expect("a file");
                let name = file.file_name().to_string_lossy().into_owned();
                // Others are still being written.
                if name.len() == 64
                    && let Ok(about) = file.metadata()
                {
                    found.insert(name, about.modified().expect("a time"));
                }
            }
        }
        found
    }
}

#[tokio::test]
async fn files_that_are_kept_apart_move_too_and_go_on_after_a_kill() {
    const MORE: u64 = 3000;
    let pictures = Pictures::new().await;
    let refused = pictures.copy("new", None).expect_err("files are left behind");
    assert!(
        refused.contains("1 files of uploads are kept apart") && refused.contains("--blobs-to"),
        "{refused}"
    );
    assert!(pictures.answered("data", "files").await == pictures.content, "nothing happened to it");
    for number in 0..MORE {
        let key = BlobKey::of(TenantKey(7), &number.to_be_bytes());
        let path = pictures.places.path("files").join(key.to_string());
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, number.to_be_bytes()).expect("written");
    }
    let (data, new) = (pictures.places.data("data"), pictures.places.data("new"));
    let (from, to) = (pictures.places.folder("files"), pictures.places.folder("moved"));
    let mut child = pictures.places.spawn_with(&data, &new, &["--blobs-from", &from, "--blobs-to", &to]);
    let began = Instant::now();
    while pictures.files("moved").len() < 100 {
        assert!(began.elapsed() < Duration::from_secs(60), "no file arrives");
        assert!(child.try_wait().expect("a child").is_none(), "it ended before it was killed");
    }
    child.kill().expect("killed");
    child.wait().expect("an end");
    let before = pictures.files("moved");
    assert!(before.len() < MORE as usize, "it was killed in the middle");
    let (status, log) =
        Program::spawn_at(pictures.places.directory.path(), &["--data".as_ref(), new.as_ref()], "").wait();
    assert!(!status.success() && log.contains("run `larkspur copy` again"), "{log}");
    let said = pictures.copy("new", Some("moved")).unwrap_or_else(|error| panic!("{error}"));
    assert!(said.contains("moved has its 1 image files"), "{said}");
    let after = pictures.files("moved");
    assert_eq!(after.keys().collect::<Vec<_>>(), pictures.files("files").keys().collect::<Vec<_>>());
    assert!(before.iter().all(|(name, written)| after[name] == *written), "what was there was written again");
    std::fs::remove_dir_all(pictures.places.path("files")).expect("removed");
    assert!(pictures.answered("new", "moved").await == pictures.content);
}

#[tokio::test]
async fn files_may_stay_where_they_are() {
    let pictures = Pictures::new().await;
    let before = pictures.files("files");
    let settings = pictures.places.path("settings.toml");
    let text = format!("[blobs]\nurl = \"{}\"\n", pictures.places.folder("files"));
    std::fs::write(&settings, text).expect("written");
    let (data, new) = (pictures.places.data("data"), pictures.places.data("new"));
    let config = settings.to_string_lossy();
    let said = pictures.places.copy_with(&data, &new, &["--config", &config]);
    let said = said.unwrap_or_else(|error| panic!("{error}"));
    assert!(said.contains("files has its 1 image files"), "{said}");
    assert_eq!(pictures.files("files"), before);
    assert!(pictures.answered("new", "files").await == pictures.content);
}

#[tokio::test]
async fn files_that_are_damaged_or_missing_are_named() {
    let pictures = Pictures::new().await;
    let file = pictures.places.path("files").join(&pictures.name);
    std::fs::write(&file, b"damaged").expect("written");
    let refused = pictures.copy("new", Some("moved")).expect_err("damaged");
    assert!(refused.contains(&format!("the file {} is damaged", pictures.name)), "{refused}");
    // A file that is missing in the source may be missing in the copy.
    std::fs::remove_file(&file).expect("removed");
    let said = pictures.copy("new", Some("moved")).unwrap_or_else(|error| panic!("{error}"));
    assert!(said.contains("moved has its 0 image files"), "{said}");
    assert!(said.contains(&format!("missing in the source as well: {}", pictures.name)), "{said}");
}

/// A file store that silently keeps nothing.
struct Lossy;

impl Blobs for Lossy {
    fn put<'a>(&'a self, _: &'a BlobKey, _: bytes::Bytes) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
    fn get<'a>(&'a self, _: &'a BlobKey) -> BoxFuture<'a, Result<Option<bytes::Bytes>, StoreError>> {
        Box::pin(async { Ok(None) })
    }
    fn remove<'a>(&'a self, _: &'a BlobKey) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
    fn tenants(&self) -> BoxFuture<'_, Result<Vec<TenantKey>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn list(&self, _: TenantKey) -> BoxFuture<'_, Result<Vec<(BlobKey, i64)>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

#[tokio::test]
async fn a_copy_whose_files_do_not_arrive_is_not_whole() {
    let pictures = Pictures::new().await;
    let files = Objects::open(&pictures.places.folder("files")).expect("opens");
    let driver = Sqlite::open(&pictures.places.path("data"), &Options::default()).expect("opens");
    let source = Source::of(Arc::new(driver)).await.expect("a source");
    let target: Arc<dyn Driver> = Arc::new(Sqlite::memory().expect("a store in memory"));
    let copied = source.copy_to(&target, Some((&*files, &Lossy)), &mut |_| {}).await;
    let refused = copied.expect_err("nothing arrived").to_string();
    assert!(refused.contains(&format!("the file {}, which an image names, did not arrive", pictures.name)));
    let refused = Engine::open(target, Arc::new(SystemClock), 0).await.err().expect("marked").to_string();
    assert!(refused.contains("run `larkspur copy` again"), "{refused}");
}
