//! Two servers, calls that start together, and their results.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::{Arc, Barrier, Mutex};

use larkspur_server::REGISTRY;
use larkspur_store::{Driver, Value as Cell};
use larkspur_store_postgres::{Options, Postgres};
use larkspur_testkit::reading;
use larkspur_testkit::{Lab, LabOptions, Request, World};
use serde_json::Value;

use crate::support::cluster::Cluster;
use crate::support::program::{CONTROL_KEY, Program};

/// The usual number of racing calls.
pub(super) const CALLS: usize = 12;

/// Two servers on one database, and a third in this process, which prepares and checks.
pub(super) struct Stage {
    pub(super) servers: [Program; 2],
    pub(super) lab: Lab,
    pub(super) driver: Arc<dyn Driver>,
    /// By operation: how many calls each of the two servers got.
    pub(super) raced: Mutex<BTreeMap<&'static str, [u32; 2]>>,
    // Dropped last.
    _cluster: Cluster,
    pub(super) files: tempfile::TempDir,
}

impl Stage {
    pub(super) async fn new() -> Stage {
        let (cluster, files) = (Cluster::new(), tempfile::tempdir().expect("a directory"));
        let settings = files.path().join("settings.toml");
        let url = format!("file://{}/blobs", files.path().display());
        std::fs::write(&settings, format!("[blobs]\nurl = \"{url}\"\n")).expect("written");
        let flags = ["--config", settings.to_str().expect("a path")];
        let servers = [cluster.spawn_with(&flags), cluster.spawn_with(&flags)].map(Program::until_ready);
        let postgres = Postgres::open(&cluster.url(), &Options::default()).await.expect("opens");
        let driver: Arc<dyn Driver> = Arc::new(postgres);
        let blobs = larkspur_server::blobs::Objects::open(&url).expect("opens");
        let options =
            LabOptions { driver: Some(driver.clone()), blobs: Some(blobs), ..LabOptions::default() };
        Stage {
            servers,
            lab: Lab::with(options).await,
            driver,
            raced: Mutex::default(),
            _cluster: cluster,
            files,
        }
    }
}

/// A world on the stage.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) stage: Arc<Stage>,
    pub(super) world: World,
}

impl Deref for Place {
    type Target = World;
    fn deref(&self) -> &World {
        &self.world
    }
}

impl Place {
    /// Sends all at once, alternating between the servers.
    pub(super) async fn race(&self, requests: Vec<Request>) -> Answers {
        let start = Arc::new(Barrier::new(requests.len()));
        let mut calls = Vec::new();
        for (number, request) in requests.into_iter().enumerate() {
            let (method, path, token, _) = request.parts();
            let operation = operation(&method, &path);
            let mut raced = self.stage.raced.lock().expect("no panic");
            raced.entry(operation).or_default()[number % 2] += 1;
            let (mut client, start) = (self.stage.servers[number % 2].client(), start.clone());
            calls.push(std::thread::spawn(move || {
                let token = if path.starts_with("/larkspur/") { CONTROL_KEY } else { &token };
                let (kind, body) = request.content();
                client.connect().expect("a connection");
                start.wait();
                let (status, bytes) =
                    client.send_bytes(token, &method, &path, kind, body).expect("an answer");
                let json = serde_json::from_slice(&bytes).unwrap_or_default();
                assert!(status < 500, "{operation}: {status} {json}");
                Answer { operation, status, json }
            }));
        }
        let join = || calls.into_iter().map(std::thread::JoinHandle::join).collect::<Vec<_>>();
        let all = tokio::task::block_in_place(join);
        Answers(all.into_iter().map(|answer| answer.expect("an answer below 500")).collect())
    }

    /// The same call several times.
    pub(super) async fn race_same(&self, request: Request) -> Answers {
        self.race(vec![request; CALLS]).await
    }

    /// The answer to a call in this process.
    pub(super) async fn get(&self, path: &str) -> Value {
        self.call("GET", path).send().await.data()
    }

    /// A thing of this world, as the control API shows it.
    pub(super) async fn shown(&self, path: &str) -> Value {
        self.control("GET", path).send().await.data()
    }

    pub(super) async fn rows(&self, sql: &str) -> Vec<Vec<Cell>> {
        reading::rows(&self.stage.driver, sql.to_owned(), vec![self.tenant_key.as_str().into()]).await
    }

    /// The number of rows of this world in a table.
    pub(super) async fn count(&self, table: &str) -> usize {
        self.rows(&format!("SELECT 1 FROM {table} WHERE tenant = $1")).await.len()
    }

    /// Checks that the chat's counts match its members and its owner is one of them. Returns the numbers of users and
    /// bots.
    pub(super) async fn is_sound(&self, chat: &str) -> (usize, usize) {
        let shown = self.shown(&format!("/chats/{chat}")).await;
        let members = texts(&shown["members"], "member");
        let bots = members.iter().filter(|member| member.starts_with("cli_")).count();
        let sql =
            format!("SELECT user_count, bot_count, owner FROM chat WHERE tenant = $1 AND chat_id = '{chat}'");
        let row = self.rows(&sql).await.remove(0);
        let counts = (members.len() - bots, bots);
        assert_eq!(row[..2], [Cell::from(counts.0 as i64), Cell::from(counts.1 as i64)], "{shown}");
        assert_eq!(members.iter().collect::<BTreeSet<_>>().len(), members.len(), "{shown}");
        if let Some(owner) = shown["owner"].as_str() {
            assert!(members.iter().any(|member| member == owner), "{shown}");
        }
        counts
    }

    /// More users; their ids.
    pub(super) async fn users(&self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for number in 0..count {
            let id = format!("racer{number:02}");
            self.control("POST", "/users").body(serde_json::json!({"user_id": id})).send().await.data();
            ids.push(id);
        }
        ids
    }
}

/// Calls of several kinds, interleaved so that both servers get some of each.
pub(super) fn mixed(kinds: Vec<Vec<Request>>) -> Vec<Request> {
    let mut kinds: Vec<_> = kinds.into_iter().map(Vec::into_iter).collect();
    let mut all = Vec::new();
    loop {
        let before = all.len();
        for kind in &mut kinds {
            all.extend(kind.by_ref().take(2));
        }
        if all.len() == before {
            return all;
        }
    }
}

pub(super) struct Answer {
    pub(super) operation: &'static str,
    pub(super) status: u16,
    pub(super) json: Value,
}

pub(super) struct Answers(pub(super) Vec<Answer>);

impl Answers {
    pub(super) fn of(&self, operation: &str) -> Vec<&Answer> {
        self.0.iter().filter(|answer| answer.operation == operation).collect()
    }

    /// All succeeded: their data.
    #[track_caller]
    pub(super) fn all_done(&self) -> Vec<Value> {
        self.won(self.0.len(), &[])
    }

    /// This many succeeded, and the others were refused with one of these codes.
    #[track_caller]
    pub(super) fn won(&self, count: usize, lost: &[i64]) -> Vec<Value> {
        let won = self.done_or(lost);
        let shown: Vec<String> = self.0.iter().map(|answer| answer.json.to_string()).collect();
        assert_eq!(won.len(), count, "{}", shown.join("\n"));
        won
    }

    /// The data of the successes, if all others were refused with one of these codes.
    #[track_caller]
    pub(super) fn done_or(&self, lost: &[i64]) -> Vec<Value> {
        let mut won = Vec::new();
        for Answer { operation, status, json } in &self.0 {
            let code = json["code"].as_i64().unwrap_or_else(|| panic!("{operation}: {status} {json}"));
            assert!(code == 0 || lost.contains(&code), "{operation}: {status} {json}");
            if code == 0 {
                won.push(if json["data"].is_object() { json["data"].clone() } else { json.clone() });
            }
        }
        won
    }
}

pub(super) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}")).to_owned()
}

/// A field of every item of a list.
pub(super) fn texts(list: &Value, name: &str) -> Vec<String> {
    list.as_array().unwrap_or_else(|| panic!("no list: {list}")).iter().map(|one| text(one, name)).collect()
}

/// Whether all are different.
pub(super) fn distinct(all: &[String]) -> bool {
    all.iter().collect::<BTreeSet<_>>().len() == all.len()
}

/// The operation of a call: the matching one with the fewest parameters.
pub(super) fn operation(method: &str, path: &str) -> &'static str {
    let path = path.split('?').next().unwrap_or_default();
    let fits = |pattern: &str| {
        let (mut parts, mut given) = (pattern.split('/'), path.split('/'));
        loop {
            match (parts.next(), given.next()) {
                (None, None) => return true,
                (Some(part), Some(given)) if part == given || part.starts_with('{') => {}
                _ => return false,
            }
        }
    };
    let all = REGISTRY.iter().copied().flatten().map(|entry| entry.spec);
    let found = all.filter(|spec| spec.route.method.name() == method && fits(spec.route.path));
    let best = found.min_by_key(|spec| spec.route.path.matches('{').count());
    best.unwrap_or_else(|| panic!("{method} {path} is no operation")).id
}
