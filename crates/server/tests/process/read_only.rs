//! A read-only server on storage that cannot be written: reads are answered, and writes are refused with a reason.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use larkspur_contract::{Access, Consumes, Effect, Reply, codes};
use larkspur_server::REGISTRY;
use larkspur_store::{Driver, Engine, EngineOptions, SystemClock};
use larkspur_store_postgres::Postgres;
use larkspur_store_sqlite::{OpenError, Options, Sqlite};
use larkspur_testkit::disk::SmallDisk;
use larkspur_testkit::postgres::Server;
use larkspur_testkit::{Lab, LabOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::cluster::sign_in;
use crate::support::program::{Program, binary};

/// Makes a folder read-only for itself and its children, and continues.
const SEAL: &str = r#"
folder=$1
shift
mount --bind "$folder" "$folder" && mount -o remount,bind,ro "$folder" || { echo 'a folder cannot be made read-only' >&2; exit 9; }
if touch "$folder/probe" 2>/dev/null; then echo 'it is not read-only' >&2; exit 9; fi
exec "$@"
"#;

/// A command that runs a program with a folder on a read-only disk.
fn sealed(folder: &Path, program: &str) -> Command {
    let root = Command::new("id").arg("-u").output().expect("id runs").stdout == b"0\n";
    let mut command = Command::new("unshare");
    if !root {
        command.arg("--map-root-user");
    }
    command
        .args(["--mount", "--propagation", "private", "sh", "-c", SEAL, "sealed"])
        .arg(folder)
        .arg(program);
    command
}

/// Runs a command of the program on a read-only data directory. Returns whether it succeeds, and its output.
fn command(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = sealed(folder, &binary().to_string_lossy());
    let output = command.args(arguments).env_clear().env("PATH", "/usr/bin:/bin").output().expect("it runs");
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).expect("text"))
}

/// The name of the data directory, with characters that are special in file URLs.
const NAME: &str = "data 7%41 #?";

struct Before {
    directory: TempDir,
    world: Value,
    tag: String,
}

impl Before {
    /// A data directory that a server has left, by a stop or a kill.
    fn new(killed: bool) -> Before {
        let directory = TempDir::new().expect("a directory");
        let program = Program::start(&directory.path().join(NAME));
        let world = program.ready.clone();
        let mut client = program.client();
        let token = sign_in(&mut client, &world);
        let body = json!({"create_tag": {"tag_type": "tenant", "name": "before"}});
        let made = client.call(&token, "POST", "/im/v2/tags", &body).expect("an answer");
        let tag = made["data"]["id"].as_str().expect("an id").to_owned();
        drop(client);
        if killed {
            program.kill();
        } else {
            program.terminate();
            assert!(program.wait().0.success());
        }
        Before { directory, world, tag }
    }

    fn data(&self) -> std::path::PathBuf {
        self.directory.path().join(NAME)
    }

    /// A read-only server answers as it must.
    fn is_read(&self, program: &Program) {
        let mut client = program.client();
        assert_eq!(client.text("/larkspur/health/ready"), "ready\n");
        let token = sign_in(&mut client, &self.world);
        let path = format!("/im/v2/tags?ids={}", self.tag);
        let found = client.call(&token, "GET", &path, &Value::Null).expect("an answer");
        assert_eq!(found["data"]["tag_infos"][0]["name"], "before", "{found}");
        let chat = self.world["chat_id"].as_str().expect("a chat");
        client.call(&token, "GET", &format!("/im/v1/chats/{chat}/members"), &Value::Null).expect("an answer");
        client.control("/worlds");
        let body = json!({"create_tag": {"tag_type": "tenant", "name": "after"}});
        for (key, path, body) in [
            (token.as_str(), "/open-apis/im/v2/tags", &body),
            (crate::support::program::CONTROL_KEY, "/larkspur/v1/worlds", &json!({"name": "after"})),
        ] {
            let (status, answer) = client.send(key, "POST", path, body).expect("an answer");
            assert_eq!((status, answer["code"].as_u64()), (503, Some(5_275_503)), "{answer}");
            assert!(answer["msg"].as_str().is_some_and(|msg| msg.contains("--read-only")), "{answer}");
            assert_eq!(client.outcome.as_deref(), Some("none"));
        }
        assert!(!program.log().contains("ERROR"), "{}", program.log());
    }
}

#[test]
fn a_read_only_disk_is_served_checked_and_backed_up() {
    for killed in [false, true] {
        let before = Before::new(killed);
        let data = before.data();
        assert_eq!(data.join("larkspur.db-wal").exists(), killed);
        let place = ["--data".as_ref(), data.as_os_str(), "--read-only".as_ref()];
        let program =
            Program::spawn_by(sealed(&data, "sh"), before.directory.path(), &place, "").until_ready();
        before.is_read(&program);
        program.terminate();
        let (status, log) = program.wait();
        assert!(status.success(), "{log}");

        let shown = data.to_string_lossy();
        let (sound, said) = command(&data, &["check", "--data", &shown]);
        assert!(sound && said.contains("no damage found"), "killed {killed}: {said}");
        let file = before.directory.path().join("backup");
        let (done, said) = command(&data, &["backup", &file.to_string_lossy(), "--data", &shown]);
        assert!(done, "killed {killed}: {said}");
        let restored = before.directory.path().join("restored");
        Sqlite::restore(&file, &restored).expect("a backup");
        before.is_read(&Program::start_at(&restored, &["--read-only"]));
    }
}

#[test]
fn a_full_disk_is_served() {
    let before = Before::new(false);
    let disk = SmallDisk::new(4000);
    let data = disk.folder().join("data");
    let fill = format!(
        "cp -a '{}' '{}' && cat /dev/zero >'{}/filler' 2>/dev/null;",
        before.data().display(),
        data.display(),
        disk.folder().display()
    );
    let place = ["--data".as_ref(), data.as_os_str(), "--read-only".as_ref()];
    let program = Program::spawn_by(disk.command("sh"), before.directory.path(), &place, &fill).until_ready();
    assert_eq!(disk.of(program.id()).take(1), 0, "it is full");
    before.is_read(&program);
    assert!(program.log().contains("cannot write the ready file"), "{}", program.log());
    program.terminate();
    assert!(program.wait().0.success());
}

/// A read without the log would miss what only the log has.
#[test]
fn a_log_that_cannot_be_read_is_no_reason_to_answer_without_it() {
    let before = Before::new(true);
    let data = before.data();
    fs::remove_file(data.join("larkspur.db-shm")).expect("removed");
    let place = ["--data".as_ref(), data.as_os_str(), "--read-only".as_ref()];
    let (status, log) = Program::spawn_by(sealed(&data, "sh"), before.directory.path(), &place, "").wait();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("was not emptied") && log.contains("copy the directory"), "{log}");
}

#[test]
fn opening_to_read_creates_no_store_and_shares_none() {
    let directory = TempDir::new().expect("a directory");
    let data = directory.path().join("data");
    let refused = Sqlite::open_to_read(&data, &Options::default());
    assert!(matches!(refused, Err(OpenError::Missing(_))) && !data.exists());
    let program = Program::start(&data);
    let refused = Sqlite::open_to_read(&data, &Options::default());
    assert!(matches!(refused, Err(OpenError::InUse(_))), "a server has it");
    drop(program);
    let place = ["--memory".as_ref(), "--config".as_ref(), "settings.toml".as_ref()];
    let shell = "cd \"$(mktemp -d)\"; echo 'read_only = true' >settings.toml;";
    let (status, log) = Program::spawn_by(Command::new("sh"), directory.path(), &place, shell).wait();
    assert!(status.code() == Some(1) && log.contains("read_only cannot be used with memory"), "{log}");
}

/// By the registry: every operation that writes is refused before it has any effect; those that read are not.
#[tokio::test]
async fn every_operation_that_writes_is_refused_and_no_other() {
    let directory = TempDir::new().expect("a directory");
    let written = Arc::new(Sqlite::open(directory.path(), &Options::default()).expect("opens"));
    let lab = Lab::with(LabOptions { driver: Some(written.clone()), ..LabOptions::default() }).await;
    let world = lab.world().await;
    drop(lab);
    written.close();
    let driver = Arc::new(Sqlite::open_to_read(directory.path(), &Options::default()).expect("opens"));
    let lab =
        Lab::with(LabOptions { driver: Some(driver.clone()), read_only: true, ..LabOptions::default() })
            .await;
    let (mut refused, mut answered) = (0, 0);
    for entry in REGISTRY.iter().copied().flatten() {
        let spec = entry.spec;
        let path =
            spec.route.path.replace("{tenant_key}", &world.tenant_key).replace("{chat_id}", &world.chat_id);
        let request = match (path.strip_prefix("/larkspur/v1"), spec.access) {
            (Some(path), _) => lab.control(spec.route.method.name(), path),
            (None, Access::Token { .. }) => lab.request(spec.route.method.name(), &path).token(&world.token),
            (None, _) => lab.request(spec.route.method.name(), &path),
        };
        let example =
            spec.example.replace("{app_id}", &world.app_id).replace("{app_secret}", &world.app_secret);
        let request = if spec.consumes == Consumes::Nothing { request } else { request.raw(example) };
        let reply = request.send().await;
        let text = reply.text();
        let signs_in = matches!(spec.reply, Reply::FlatAuth(_));
        // A call without the right kind of token is refused for that first.
        let turned_away =
            ["9999166", "2001", "20014"].iter().any(|code| text.contains(code)) && reply.status() < 500;
        match (spec.effect, spec.reply) {
            (Effect::Writes, _) if signs_in || turned_away => {}
            (Effect::Writes, Reply::OAuth | Reply::Page) => {
                assert_eq!(reply.status(), codes::OAUTH_UNAVAILABLE.status, "{}: {text}", spec.id);
                refused += 1;
            }
            (Effect::Writes, _) => {
                assert_eq!(reply.code(), 5_275_503, "{}: {text}", spec.id);
                refused += 1;
            }
            (Effect::Reads, _) => {
                assert!(reply.status() < 500, "{}: {text}", spec.id);
                answered += 1;
            }
        }
    }
    assert!(refused > 50 && answered > 20, "{refused} refused, {answered} answered");
    // Apps can sign in; no ticket is made.
    let secret = json!({"app_id": world.app_id, "app_secret": world.app_secret});
    let path = "/open-apis/auth/v3/tenant_access_token/internal";
    let token = lab.request("POST", path).body(secret.clone()).send().await.json();
    let token = token["tenant_access_token"].as_str().expect("a token").to_owned();
    let path = format!("/open-apis/im/v1/chats/{}", world.chat_id);
    lab.request("GET", &path).token(&token).send().await.data();
    driver.close();
}

/// On PostgreSQL it takes no node number, counts nothing and leaves the schema alone.
#[tokio::test]
async fn a_database_is_read_and_left_as_it_is() {
    let server = Server::start(&["fsync=off"]);
    let open = async || {
        let driver =
            Postgres::open(&server.url("postgres"), &larkspur_store_postgres::Options::default()).await;
        Arc::new(driver.expect("connects")) as Arc<dyn Driver>
    };
    let options = || EngineOptions { read_only: true, ..EngineOptions::default() };
    let refused = Engine::open_with(open().await, Arc::new(SystemClock), options()).await;
    let refused = refused.err().expect("there is nothing to read").to_string();
    assert!(refused.contains("it has no tables") && refused.contains("larkspur migrate"), "{refused}");
    let lab = Lab::with(LabOptions { driver: Some(open().await), ..LabOptions::default() }).await;
    let world = lab.world().await;
    let sums = "SELECT CAST(SUM(n_tup_ins + n_tup_upd + n_tup_del) AS TEXT) FROM pg_stat_user_tables";
    let count = async || {
        server.run("postgres", "SELECT CAST(pg_stat_force_next_flush() AS TEXT)").await;
        tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
        server.run("postgres", sums).await
    };
    let before = count().await;
    let reader =
        Lab::with(LabOptions { driver: Some(open().await), read_only: true, ..LabOptions::default() }).await;
    let path = format!("/open-apis/im/v1/chats/{}", world.chat_id);
    reader.request("GET", &path).token(&world.token).send().await.data();
    let secret = json!({"app_id": world.app_id, "app_secret": world.app_secret});
    let sign_in = "/open-apis/auth/v3/tenant_access_token/internal";
    let token = reader.request("POST", sign_in).body(secret.clone()).send().await.json();
    assert_eq!(token["code"], 0, "{token}");
    reader
        .request("PUT", &path)
        .token(&world.token)
        .body(json!({"name": "new"}))
        .send()
        .await
        .refused(5_275_503);
    assert_eq!(count().await, before);
}
