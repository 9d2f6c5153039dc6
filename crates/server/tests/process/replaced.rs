//! A primary that was replaced and does not know it: which one a server uses if it can reach both.

use std::ffi::OsStr;
use std::thread;
use std::time::{Duration, Instant};

use larkspur_testkit::postgres::Server;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::cluster::sign_in;
use crate::support::program::{Client, Program};

/// Each round opens connections to a randomly chosen primary.
const ROUNDS: usize = 12;
/// Concurrent connections.
const READERS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(20);

/// Two primaries with a common past, and a world in both. One of its tags is called `older` in one and `newer` in the
/// other.
struct Replaced {
    older: Server,
    newer: Server,
    directory: TempDir,
    runtime: Runtime,
    token: String,
    tag: String,
}

impl Replaced {
    /// The newer one does not run yet.
    fn new() -> Replaced {
        let (directory, runtime) = (TempDir::new().expect("a directory"), Runtime::new().expect("a runtime"));
        let older = Server::start(&["fsync=off"]);
        let url = older.url("postgres");
        let program = Program::spawn_at(directory.path(), &["--store".as_ref(), url.as_ref()], "");
        let program = program.until_ready();
        let mut client = program.client();
        let token = sign_in(&mut client, &program.ready);
        let body = json!({"create_tag": {"tag_type": "tenant", "name": "both"}});
        let made = client.call(&token, "POST", "/im/v2/tags", &body).expect("an answer");
        let tag = made["data"]["id"].as_str().expect("an id").to_owned();
        program.kill();
        let newer = Server::standby_of(&older, &["fsync=off"]);
        let replaced = Replaced { older, newer, directory, runtime, token, tag };
        assert_eq!(replaced.run(&replaced.newer, "SELECT pg_promote()"), ["t"]);
        for (server, name) in [(&replaced.older, "older"), (&replaced.newer, "newer")] {
            let sql = format!("UPDATE tag SET name = '{name}'");
            replaced.run(server, &sql);
        }
        replaced.newer.stop();
        replaced
    }

    fn run(&self, server: &Server, sql: &str) -> Vec<String> {
        self.runtime.block_on(server.run("postgres", sql))
    }

    /// A server that can reach both.
    fn start(&self) -> Program {
        let url = self.older.url_with(&self.newer, "postgres");
        let place: [&OsStr; 2] = ["--store".as_ref(), url.as_ref()];
        Program::spawn_at(self.directory.path(), &place, "").until_ready()
    }

    /// Closes every connection of the program to a primary.
    fn cut(&self, server: &Server) {
        self.run(
            server,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'larkspur'",
        );
    }

    /// Makes a call, and repeats it if it is refused for lack of a store, as the guide says. `None` if the last attempt
    /// is refused as well.
    fn call(
        &self,
        client: &mut Client,
        method: &str,
        path: &str,
        body: &Value,
        patience: Duration,
    ) -> Option<Value> {
        let began = Instant::now();
        loop {
            let answer = client.send(&self.token, method, &format!("/open-apis/im/v2/tags{path}"), body);
            let (status, answer) = answer.expect("an answer");
            if status == 200 && answer["code"] == 0 {
                return Some(answer);
            }
            assert_eq!((status, answer["code"].as_i64()), (503, Some(5000)), "{answer}");
            assert_eq!(client.outcome.as_deref(), Some("none"), "nothing of it was done");
            if began.elapsed() >= patience {
                return None;
            }
        }
    }

    /// The tag's name, from a server.
    fn name(&self, client: &mut Client, patience: Duration) -> Option<String> {
        let answer = self.call(client, "GET", &format!("?ids={}", self.tag), &Value::Null, patience)?;
        Some(answer["data"]["tag_infos"][0]["name"].as_str().expect("a name").to_owned())
    }

    /// Creates a tag of this name; returns whether it was acknowledged.
    fn make(&self, client: &mut Client, name: &str, patience: Duration) -> bool {
        let body = json!({"create_tag": {"tag_type": "tenant", "name": name}});
        self.call(client, "POST", "", &body, patience).is_some()
    }

    fn names(&self, server: &Server) -> Vec<String> {
        self.run(server, "SELECT name FROM tag ORDER BY tag_id")
    }
}

#[test]
fn a_server_that_has_seen_a_newer_primary_never_returns_to_an_older_one() {
    let replaced = Replaced::new();
    let (older, newer) = (&replaced.older, &replaced.newer);
    let program = replaced.start();
    let mut client = program.client();
    // No server can know that there is another primary.
    assert_eq!(replaced.name(&mut client, PATIENCE).as_deref(), Some("older"));
    assert!(replaced.make(&mut client, "before", PATIENCE));

    newer.restart();
    let began = Instant::now();
    while replaced.name(&mut client, PATIENCE).expect("an answer") == "older" {
        assert!(began.elapsed() < PATIENCE, "it never meets the newer one");
        replaced.cut(older);
    }
    let before = replaced.names(older);
    let mut made = vec!["newer".to_owned()];
    for round in 0..ROUNDS {
        replaced.cut(newer);
        let seen: Vec<Option<String>> = thread::scope(|scope| {
            let reader = || replaced.name(&mut program.client(), PATIENCE);
            let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(reader)).collect();
            readers.into_iter().map(|reader| reader.join().expect("no panic")).collect()
        });
        assert_eq!(seen, vec![Some("newer".to_owned()); READERS], "in round {round}");
        replaced.cut(newer);
        let name = format!("round {round}");
        assert!(replaced.make(&mut client, &name, PATIENCE));
        made.push(name);
    }

    // For a server that can reach only the older one, both are gone.
    newer.stop();
    for _ in 0..READERS {
        assert_eq!(replaced.name(&mut client, Duration::ZERO), None);
        assert!(!replaced.make(&mut client, "lost", Duration::ZERO));
    }
    newer.restart();
    assert_eq!(replaced.name(&mut client, PATIENCE).as_deref(), Some("newer"), "it goes on without help");
    assert!(replaced.make(&mut client, "after", PATIENCE));
    made.push("after".to_owned());
    assert_eq!(replaced.names(newer), made);
    assert_eq!(replaced.names(older), before, "nothing more was written there");
}
