//! What `larkspur check` finds on a PostgreSQL server, and a server whose role may not create tables.

use std::process::Command;

use larkspur_testkit::postgres::Server;
use serde_json::json;
use tempfile::TempDir;

use crate::support::cluster::sign_in;
use crate::support::program::{Program, binary};

struct Database {
    server: Server,
    runtime: tokio::runtime::Runtime,
}

impl Database {
    fn new(settings: &[&str]) -> Database {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        Database { server: Server::start(settings), runtime }
    }

    fn run(&self, database: &str, sql: &str) {
        self.runtime.block_on(self.server.run(database, sql));
    }

    fn url(&self, role: &str) -> String {
        self.server.url("data").replace("larkspur@", &format!("{role}@"))
    }

    /// Runs a command as a role. Returns whether it succeeds, and its output.
    fn larkspur(&self, command: &str, role: &str) -> (bool, String) {
        let output = Command::new(binary()).args([command, "--store", &self.url(role)]).env_clear().output();
        let output = output.expect("it runs");
        (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).expect("text"))
    }
}

#[test]
fn who_serves_needs_no_right_to_make_tables() {
    let database = Database::new(&[]);
    for sql in [
        "CREATE ROLE keeper LOGIN",
        "CREATE ROLE clerk LOGIN",
        "CREATE ROLE reader LOGIN",
        "CREATE DATABASE data OWNER keeper",
    ] {
        database.run("postgres", sql);
    }
    // Before there are tables, the serving role cannot create them, and the message says which role can.
    let (will_do, said) = database.larkspur("check", "clerk");
    assert!(!will_do && said.contains("the role clerk may not make or change tables"), "{said}");
    let (done, said) = database.larkspur("migrate", "clerk");
    assert!(
        !done && said.contains("permission denied") && said.contains("create and alter tables"),
        "{said}"
    );
    let (will_do, said) = database.larkspur("check", "keeper");
    assert!(will_do && said.contains("there are no tables yet"), "{said}");
    assert!(database.larkspur("migrate", "keeper").0);
    let grant = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO clerk; \
                 GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader";
    database.run("data", grant);

    let directory = TempDir::new().expect("a directory");
    let url = database.url("clerk");
    let program = Program::spawn_at(directory.path(), &["--store".as_ref(), url.as_ref()], "").until_ready();
    let mut client = program.client();
    let token = sign_in(&mut client, &program.ready);
    let body = json!({"create_tag": {"tag_type": "tenant", "name": "by the clerk"}});
    client.call(&token, "POST", "/im/v2/tags", &body).expect("an answer");
    program.terminate();
    assert!(program.wait().0.success());

    let (will_do, said) = database.larkspur("check", "clerk");
    assert!(
        will_do && said.contains("the role clerk may serve, and may not make or change tables"),
        "{said}"
    );
    assert!(said.contains("durability and permissions are right"), "{said}");
    // There is nothing to do, so nothing is forbidden.
    let (done, said) = database.larkspur("migrate", "clerk");
    assert!(done, "{said}");
    let (will_do, said) = database.larkspur("check", "reader");
    assert!(!will_do && said.contains("the role reader lacks INSERT, UPDATE, DELETE on app, "), "{said}");
    database.run("data", "REVOKE DELETE ON tag FROM clerk");
    let (will_do, said) = database.larkspur("check", "clerk");
    assert!(!will_do && said.contains("the role clerk lacks DELETE on tag: GRANT"), "{said}");
    database
        .run("data", "GRANT DELETE ON tag TO clerk; ALTER ROLE clerk SET default_transaction_read_only = on");
    let (will_do, said) = database.larkspur("check", "clerk");
    assert!(!will_do && said.contains("default_transaction_read_only is on"), "{said}");
    assert!(!said.contains("cannot connect"), "{said}");
}

#[test]
fn a_check_tells_what_no_server_may_serve() {
    let database = Database::new(&[]);
    database.run("postgres", "CREATE DATABASE data");
    assert!(database.larkspur("migrate", "larkspur").0);
    let (will_do, said) = database.larkspur("check", "larkspur");
    assert!(will_do && said.lines().count() == 1, "{said}");
    for (wrong, right, part) in [
        (
            "INSERT INTO meta VALUES ('copying', 'x')",
            "DELETE FROM meta WHERE name = 'copying'",
            "an unfinished copy into it exists",
        ),
        (
            "UPDATE meta SET value = '9999' WHERE name IN ('schema_version', 'compatible_since')",
            "UPDATE meta SET value = '1' WHERE name IN ('schema_version', 'compatible_since')",
            "the data has schema 9999 and this program knows",
        ),
        ("DROP TABLE chat_hold", "SELECT 1", "the data have schema 1"),
        ("UPDATE meta SET value = '' WHERE name = 'master_key'", "SELECT 1", "the master key is lost"),
    ] {
        database.run("data", wrong);
        let (_, said) = database.larkspur("check", "larkspur");
        assert!(said.contains(part), "{wrong}: {said}");
        database.run("data", right);
    }
}

#[test]
fn a_check_reports_settings_that_lose_acknowledged_writes() {
    let database = Database::new(&["fsync=off", "full_page_writes=off"]);
    database.run("postgres", "CREATE DATABASE data");
    let (will_do, said) = database.larkspur("check", "larkspur");
    assert!(!will_do, "{said}");
    for part in ["fsync is off: ", "full_page_writes is off: ", "2 of these lines must be fixed"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let standby = "ALTER SYSTEM SET default_transaction_read_only = on";
    database.run("postgres", standby);
    database.run("postgres", "SELECT pg_reload_conf()");
    let began = std::time::Instant::now();
    loop {
        let (_, said) = database.larkspur("check", "larkspur");
        if said.contains("the database takes no writes, since default_transaction_read_only is on") {
            break;
        }
        assert!(began.elapsed().as_secs() < 20, "{said}");
    }
}
