//! Servers of the real program on one database.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use larkspur_testkit::postgres::Server;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::program::{Client, Program, binary};

/// The URL of a database without a server.
pub(crate) const NO_SERVER: &str = "postgres://me:hunter2@127.0.0.1:1/x";

/// Servers on one database.
pub(crate) struct Cluster {
    server: Server,
    directory: TempDir,
}

impl Cluster {
    pub(crate) fn new() -> Cluster {
        Cluster::on(Server::start(&["fsync=off"]))
    }

    pub(crate) fn on(server: Server) -> Cluster {
        Cluster { server, directory: tempfile::tempdir().expect("a directory") }
    }

    pub(crate) fn database(&self) -> &Server {
        &self.server
    }

    /// The directory of its servers' files.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn url(&self) -> String {
        self.server.url("postgres")
    }

    /// One more server, which may not be ready yet.
    pub(crate) fn spawn(&self) -> Program {
        self.spawn_with(&[])
    }

    pub(crate) fn spawn_with(&self, flags: &[&str]) -> Program {
        let url = self.url();
        let mut place: Vec<&OsStr> = vec!["--store".as_ref(), url.as_ref()];
        place.extend(flags.iter().map(OsStr::new));
        Program::spawn_at(self.directory.path(), &place, "")
    }

    /// Runs another command of the program; returns its output if it succeeds.
    pub(crate) fn command(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(binary())
            .args(arguments)
            .env_clear()
            .env("LARKSPUR_STORE", self.url())
            .output()
            .expect("the program runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }
}

pub(crate) fn sign_in(client: &mut Client, world: &Value) -> String {
    let body = json!({"app_id": world["app_id"], "app_secret": world["app_secret"]});
    let answer = client.call("", "POST", "/auth/v3/tenant_access_token/internal", &body).expect("an answer");
    answer["tenant_access_token"].as_str().expect("a token").to_owned()
}
