//! Full disks, under the database and under the files: writes are refused with a reason, none is half done, and the
//! server recovers.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use larkspur_contract::Effect;
use larkspur_contract::ids::TenantKey;
use larkspur_store::Driver;
use larkspur_store::blobs::BlobKey;
use larkspur_store_sqlite::{Options, Sqlite};
use larkspur_testkit::disk::SmallDisk;
use larkspur_testkit::postgres::Server;
use serde_json::{Value, json};
use tokio_postgres::NoTls;

use crate::support::cluster::{Cluster, sign_in};
use crate::support::program::{Client, Program};

const WRITERS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(40);

/// Two writes that can be repeated: a tag by its name, a chat by its uuid.
#[derive(Clone)]
enum Write {
    Tag(String),
    Chat(String),
}

impl Write {
    fn send(&self, by: &mut Client, world: &Value, token: &str) -> (u16, Value) {
        let (path, body) = match self {
            Write::Tag(name) => {
                // Large, so that tables grow.
                let filler = "字".repeat(200);
                let names: Vec<Value> =
                    (0..20).map(|n| json!({"locale": format!("l{n}"), "name": filler})).collect();
                let tag = json!({"tag_type": "tenant", "name": name, "i18n_names": names});
                ("/open-apis/im/v2/tags".to_owned(), json!({"create_tag": tag}))
            }
            Write::Chat(uuid) => {
                let people = [1, 2].map(|user| world["users"][user]["open_id"].clone());
                let body = json!({"name": uuid, "user_id_list": people});
                (format!("/open-apis/im/v1/chats?uuid={uuid}"), body)
            }
        };
        by.send(token, "POST", &path, &body).expect("an answer")
    }

    /// The id of what an answer created, or found from an earlier call.
    fn made(&self, data: &Value) -> String {
        let id = match self {
            Write::Tag(_) => data["id"].as_str().or(data["create_tag_fail_reason"]["duplicate_id"].as_str()),
            Write::Chat(_) => data["chat_id"].as_str(),
        };
        id.unwrap_or_else(|| panic!("no id: {data}")).to_owned()
    }

    /// Checks that it exists, and is whole.
    fn stands(&self, by: &mut Client, world: &Value, token: &str, id: &str) {
        match self {
            Write::Tag(name) => {
                let answer = by.call(token, "GET", &format!("/im/v2/tags?ids={id}"), &Value::Null);
                let tag = answer.expect("an answer")["data"]["tag_infos"][0].clone();
                assert_eq!(tag["name"], name.as_str(), "{id}");
                assert_eq!(tag["i18n_names"].as_array().map(Vec::len), Some(20), "{id}");
            }
            Write::Chat(name) => {
                let tenant = world["tenant_key"].as_str().expect("a tenant");
                let chat = by.control(&format!("/worlds/{tenant}/chats/{id}"));
                assert_eq!(chat["name"], name.as_str());
                assert_eq!(chat["members"].as_array().map(Vec::len), Some(3), "half of it: {chat}");
                assert_eq!(chat["tabs"].as_array().map(Vec::len), Some(1), "half of it: {chat}");
            }
        }
    }
}

/// The answers to the writers.
#[derive(Default)]
struct Told {
    acknowledged: Mutex<Vec<(Write, String)>>,
    refused: Mutex<Vec<Write>>,
    /// By writer: the numbers of successes and of refusals.
    done: [AtomicUsize; WRITERS],
    not: [AtomicUsize; WRITERS],
    ending: AtomicBool,
}

impl Told {
    fn write(&self, writer: usize, mut by: Client, world: &Value, token: &str) {
        for number in 0.. {
            if self.ending.load(Ordering::SeqCst) {
                return;
            }
            let name = format!("{writer}-{number}");
            let write = if number % 2 == 0 { Write::Tag(name) } else { Write::Chat(name) };
            let (status, answer) = write.send(&mut by, world, token);
            match (status, answer["code"].as_i64()) {
                (200, Some(0)) => {
                    let id = write.made(&answer["data"]);
                    self.acknowledged.lock().expect("no panic").push((write, id));
                    self.done[writer].fetch_add(1, Ordering::SeqCst);
                }
                (503, Some(5000)) => {
                    self.refused.lock().expect("no panic").push(write);
                    self.not[writer].fetch_add(1, Ordering::SeqCst);
                    // Pause after a refusal.
                    thread::sleep(Duration::from_millis(5));
                }
                _ => panic!("{status} {answer}"),
            }
        }
    }

    /// Waits until every writer has counted this many more.
    fn wait(&self, what: &str, counters: &[AtomicUsize; WRITERS], more: usize) {
        let now = || -> Vec<usize> { counters.iter().map(|one| one.load(Ordering::SeqCst)).collect() };
        let (before, began) = (now(), Instant::now());
        while now().iter().zip(&before).any(|(now, before)| *now < before + more) {
            assert!(began.elapsed() < PATIENCE, "{what}: from {before:?} to {:?}", now());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Runs statements beside the server until one fails or the database is gone. Returns whether it is gone.
fn fails(database: &Server, sql: &str) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let Ok((client, connection)) = tokio_postgres::connect(&database.url("postgres"), NoTls).await else {
            return true;
        };
        let connection = tokio::spawn(connection);
        let failed = client.batch_execute(sql).await.is_err();
        connection.abort();
        failed
    })
}

#[test]
fn a_full_disk_under_postgresql_is_a_503_and_passes() {
    let settings = ["min_wal_size=24MB", "max_wal_size=32MB", "checkpoint_timeout=30min"];
    let cluster = Cluster::on(Server::on_small_disk(112, &settings));
    let (database, disk) = (cluster.database(), cluster.database().disk().expect("a small one"));
    let program = cluster.spawn().until_ready();
    let world = program.ready.clone();
    let token = sign_in(&mut program.client(), &world);
    // Reserve space in the log, so that tables fill the disk first.
    let message = "SELECT pg_logical_emit_message(true, 'filler', repeat('x', 700000))";
    for _ in 0..16 {
        assert!(!fails(database, message));
    }
    assert!(!fails(database, "CHECKPOINT"));
    let told = Told::default();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (told, world, token, client) = (&told, &world, &token, program.client());
            scope.spawn(move || told.write(writer, client, world, token));
        }
        let ending = Ending(&told.ending);
        told.wait("there is room", &told.done, 10);

        // Tables cannot grow: PostgreSQL continues, and reads still work.
        assert!(disk.fill() > 1 << 20);
        told.wait("there is none", &told.not, 10);
        let (write, id) = told.acknowledged.lock().expect("no panic")[0].clone();
        write.stands(&mut program.client(), &world, &token, &id);
        disk.make_room();
        told.wait("there is room again", &told.done, 10);
        let log = database.log();
        assert!(log.contains("could not extend file") && !log.contains("PANIC"), "{log}");

        // The log cannot grow: PostgreSQL stops, and must be started when there is space.
        assert!(disk.fill() > 0);
        let began = Instant::now();
        while !fails(database, message) {
            assert!(began.elapsed() < PATIENCE, "the log never ends");
        }
        told.wait("there is no database", &told.not, 10);
        assert!(database.log().contains("PANIC"), "{}", database.log());
        disk.make_room();
        database.restart();
        told.wait("there is one again", &told.done, 10);
        drop(ending);
    });
    let mut client = program.client();
    let acknowledged = told.acknowledged.into_inner().expect("no panic");
    let refused = told.refused.into_inner().expect("no panic");
    println!("{} acknowledged, {} refused", acknowledged.len(), refused.len());
    for (write, id) in &acknowledged {
        write.stands(&mut client, &world, &token, id);
    }
    // A refused write is either whole or absent, so it can be repeated.
    for write in refused.iter().rev().take(300) {
        let (status, answer) = write.send(&mut client, &world, &token);
        assert!(status == 200 && answer["code"] == 0, "{status} {answer}");
        write.stands(&mut client, &world, &token, &write.made(&answer["data"]));
    }
    assert!(!program.log().contains("panicked"), "{}", program.log());
}

/// Stops the writers, also if the waiting thread fails.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// All files of a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn picture(number: u8, kilobytes: usize) -> Vec<u8> {
    [larkspur_testkit::png(3, 4), vec![number; kilobytes * 1024]].concat()
}

#[test]
fn a_full_disk_under_the_files_is_a_503_and_passes() {
    let directory = tempfile::tempdir().expect("a directory");
    let disk = SmallDisk::new(4000);
    let (data, settings) = (directory.path().join("data"), directory.path().join("settings.toml"));
    let url = format!("[blobs]\nurl = \"file://{}/blobs\"\n", disk.folder().display());
    std::fs::write(&settings, url).expect("written");
    let place = ["--data".as_ref(), data.as_os_str(), "--config".as_ref(), settings.as_os_str()];
    let program = Program::spawn_by(disk.command("sh"), directory.path(), &place, "").until_ready();
    let (world, full) = (program.ready.clone(), disk.of(program.id()));
    assert_eq!(full.take(2_500_000) / 100_000, 25);
    let mut client = program.client();
    let token = sign_in(&mut client, &world);
    let mut kept: Vec<(String, Vec<u8>)> = Vec::new();
    let mut number = 0;
    // Until it is full, then some more of every size.
    let mut refused = Vec::new();
    while refused.len() < 8 {
        number += 1;
        let content = picture(number, [120, 300, 50, 200][usize::from(number) % 4]);
        let (status, answer) = client.upload(&token, &content).expect("an answer");
        match (status, answer["code"].as_i64()) {
            (200, Some(0)) => {
                kept.push((answer["data"]["image_key"].as_str().expect("a key").to_owned(), content));
            }
            (503, Some(5000)) => {
                assert_eq!(answer["msg"], "internal error", "{answer}");
                assert!(answer.get("data").is_none(), "{answer}");
                refused.push(content);
            }
            _ => panic!("{status} {answer}"),
        }
        assert!(number < 100, "the disk is never full");
    }
    assert!(kept.len() > 2, "there was room at first");
    let log = program.log();
    assert!(
        log.contains("keeping a file") && log.contains("No space left"),
        "the log says what is wrong: {log}"
    );
    // Existing files are whole, and there are no others.
    let tenant = world["tenant_key"].as_str().and_then(TenantKey::parse).expect("a tenant");
    let hash = |content: &[u8]| BlobKey::of(tenant, content).hash().to_owned();
    let whole = |kept: &[(String, Vec<u8>)]| {
        let hashes = kept.iter().map(|(_, content)| hash(content));
        let expected: BTreeSet<String> = hashes.collect();
        let found = files(&full.folder().join("blobs"));
        let names = found.iter().map(|file| file.file_name().expect("a name").to_string_lossy().into_owned());
        assert_eq!(names.collect::<BTreeSet<_>>(), expected, "parts of files");
        for file in found {
            let content = std::fs::read(&file).expect("readable");
            assert!(file.ends_with(hash(&content)), "{}", file.display());
        }
    };
    whole(&kept);
    for (key, content) in &kept {
        assert!(client.image(&token, key).as_ref() == Some(content), "{key}");
    }
    // With space, the refused files can be uploaded at once.
    full.make_room();
    for content in refused {
        let (status, answer) = client.upload(&token, &content).expect("an answer");
        assert!(status == 200 && answer["code"] == 0, "{status} {answer}");
        kept.push((answer["data"]["image_key"].as_str().expect("a key").to_owned(), content));
    }
    whole(&kept);
    for (key, content) in &kept {
        assert!(client.image(&token, key).as_ref() == Some(content), "{key}");
    }
    drop(client);
    program.terminate();
    assert!(program.wait().0.success());
    let driver = Sqlite::open(&data, &Options::default()).expect("opens");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let sql = "SELECT image_key FROM image";
    let rows = runtime.block_on(driver.query(Effect::Reads, sql, Vec::new())).expect("reads");
    assert_eq!(rows.len(), kept.len(), "rows of images that were refused");
}
