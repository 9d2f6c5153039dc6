//! Two servers on one database, as real processes.

use std::process::Command;
use std::time::{Duration, Instant};

use larkspur_testkit::postgres::Server;
use serde_json::{Value, json};

use crate::support::cluster::{Cluster, NO_SERVER, sign_in};
use crate::support::program::{Client, Program, binary};

/// The names of the custom tabs of the world's chat.
fn tabs(client: &mut Client, token: &str, chat: &str) -> Vec<String> {
    let path = format!("/im/v1/chats/{chat}/chat_tabs/list_tabs");
    let answer = client.call(token, "GET", &path, &Value::Null).expect("an answer");
    let tabs = answer["data"]["chat_tabs"].as_array().expect("tabs").iter();
    tabs.filter_map(|tab| Some(tab["tab_name"].as_str()?.to_owned()))
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn what_one_server_acknowledged_every_server_knows() {
    let cluster = Cluster::new();
    // Both start at once on an empty database: one creates the tables and the demo world, the other waits for it.
    let (one, two) = (cluster.spawn(), cluster.spawn());
    let (one, two) = (one.until_ready(), two.until_ready());
    let made = [&one.ready, &two.ready].into_iter().find(|ready| ready["app_id"].is_string());
    let world = made.cloned().expect("one of them made the demo world");
    let chat = world["chat_id"].as_str().expect("a chat");
    let (mut first, mut second) = (one.client(), two.client());
    let token = sign_in(&mut first, &world);
    for round in 0..8 {
        let clients = [&mut first, &mut second];
        let tab = json!({"chat_tabs": [{"tab_name": format!("tab {round}"), "tab_type": "url", "tab_content": {"url": "https://a"}}]});
        let path = format!("/im/v1/chats/{chat}/chat_tabs");
        clients[round % 2].call(&token, "POST", &path, &tab).expect("an answer");
        let seen = [&mut first, &mut second].map(|client| tabs(client, &token, chat).len());
        assert_eq!(seen, [round + 1, round + 1]);
    }
    // A right that is revoked on one server is gone on the other once the call is answered.
    let tenant = world["tenant_key"].as_str().expect("a tenant");
    let app = world["app_id"].as_str().expect("an app");
    for (status, code) in [("disabled", 99991662), ("enabled", 0)] {
        let path = format!("/larkspur/v1/worlds/{tenant}/apps/{app}");
        let answer = first.send("kill-control-key", "PUT", &path, &json!({"status": status}));
        assert_eq!(answer.expect("an answer").1["code"], 0, "{status}");
        let answer = second.send(&token, "GET", "/open-apis/bot/v3/info", &Value::Null).expect("an answer");
        assert_eq!(answer.1["code"], code, "{status}: {}", answer.1);
    }
    one.kill();
    assert_eq!(tabs(&mut second, &token, chat).len(), 8, "the other one serves on");
    two.terminate();
    let (status, log) = two.wait();
    assert!(status.success(), "{log}");
}

#[test]
fn the_commands_know_a_database_on_a_server() {
    // A check requires a server that loses nothing.
    let cluster = Cluster::on(Server::start(&[]));
    for _ in 0..2 {
        let said = cluster.command(&["migrate"]).expect("migrates");
        assert!(said.contains("larkspur-postgres"), "{said}");
        assert!(said.contains(&format!("has schema {}", larkspur_store::SCHEMA_VERSION)), "{said}");
    }
    let said = cluster.command(&["check"]).expect("it will do");
    assert!(said.contains("is suitable"), "{said}");
    let refused = cluster.command(&["backup", "nowhere"]).expect_err("refused");
    assert!(refused.contains("pg_basebackup") && refused.lines().count() == 1, "{refused}");
    for command in ["check", "migrate"] {
        let refused = cluster.command(&[command, "--store", NO_SERVER]).expect_err("no server listens there");
        assert!(
            refused.contains("cannot connect to PostgreSQL") && !refused.contains("hunter2"),
            "{refused}"
        );
        assert!(
            refused.contains(": see that a primary runs there") && refused.lines().count() == 1,
            "{refused}"
        );
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for sql in ["CREATE ROLE stranger LOGIN", "CREATE DATABASE closed"] {
        runtime.block_on(cluster.database().run("postgres", sql));
    }
    let url = cluster.database().url("closed").replace("larkspur@", "stranger@");
    let refused = cluster.command(&["migrate", "--store", &url]).expect_err("not allowed");
    assert!(
        refused.contains("permission denied") && refused.contains("create and alter tables"),
        "{refused}"
    );
    let refused = cluster.command(&["migrate", "--store", "here"]).expect_err("no address");
    assert!(refused.contains("write postgres://user:password@host/database"), "{refused}");
}

#[test]
fn servers_that_start_at_once_make_one_demo_world() {
    for _ in 0..3 {
        let cluster = Cluster::new();
        let started: Vec<Program> = (0..4).map(|_| cluster.spawn()).collect();
        let started: Vec<Program> = started.into_iter().map(Program::until_ready).collect();
        let made = started.iter().filter(|program| program.ready["app_id"].is_string()).count();
        let worlds = started[0].client().control("/worlds");
        assert_eq!((made, worlds["worlds"].as_array().map(Vec::len)), (1, Some(1)), "{worlds}");
    }
}

/// The setting reaches the store: of two servers, the one that may read cached values does.
#[test]
fn a_server_may_be_allowed_to_use_cached_reads() {
    let cluster = Cluster::new();
    let settings = cluster.directory().join("old.toml");
    std::fs::write(&settings, "[postgres]\nstale_ms = 60000\n").expect("written");
    let one = cluster.spawn_with(&["--config", settings.to_str().expect("text")]).until_ready();
    let two = cluster.spawn().until_ready();
    let clients = &mut [one.client(), two.client()];
    let token = sign_in(&mut clients[0], &one.ready);
    let body = json!({"create_tag": {"tag_type": "tenant", "name": "first"}});
    let made = clients[0].call(&token, "POST", "/im/v2/tags", &body).expect("an answer");
    let id = made["data"]["id"].as_str().expect("an id");
    let named = |clients: &mut [Client; 2]| {
        clients.each_mut().map(|client| {
            let path = format!("/im/v2/tags?ids={id}");
            let answer = client.call(&token, "GET", &path, &Value::Null).expect("an answer");
            answer["data"]["tag_infos"][0]["name"].as_str().expect("a name").to_owned()
        })
    };
    assert_eq!(named(clients), ["first", "first"]);
    for (by, name, seen) in [(1, "second", ["first", "second"]), (0, "third", ["third", "third"])] {
        let (path, body) = (format!("/im/v2/tags/{id}"), json!({"patch_tag": {"name": name}}));
        clients[by].call(&token, "PATCH", &path, &body).expect("an answer");
        assert_eq!(named(clients), seen);
    }
}

/// Windows begin at their first call, so admitted calls come in bunches of the limit, whichever server is asked.
#[test]
fn frequency_is_counted_together() {
    let cluster = Cluster::new();
    let one = cluster.spawn_with(&["--rate-limits", "2"]).until_ready();
    let two = cluster.spawn_with(&["--rate-limits", "2"]).until_ready();
    let mut clients = [one.client(), two.client()];
    let token = sign_in(&mut clients[0], &one.ready);
    // Only windows that were used up while they were open tell the limit: a slow machine may need more than one for ten calls.
    let (mut quick, mut inside, mut opened) = (Vec::new(), 0, Instant::now());
    let began = Instant::now();
    for round in 0.. {
        let path = "/open-apis/im/v2/tags?ids=7307000000000000000";
        let asked = Instant::now();
        let answer = clients[round % 2].send(&token, "GET", path, &Value::Null).expect("an answer");
        if answer.1["code"] != 99991400 {
            opened = if inside == 0 { asked } else { opened };
            inside += 1;
        } else if inside > 0 {
            quick.extend((opened.elapsed() < Duration::from_millis(900)).then_some(inside));
            inside = 0;
        }
        if quick.len() == 4 {
            break;
        }
        assert!(began.elapsed().as_secs() < 60, "{quick:?} {inside}");
    }
    assert_eq!(quick, [10; 4], "5 a second, twice");
}

#[test]
fn who_makes_no_ids_takes_no_number() {
    // A check requires a server that loses nothing.
    let server = Server::start(&[]);
    let larkspur = |command: &str| {
        let mut program = Command::new(binary());
        program.args([command, "--store", &server.url("postgres")]).env_clear();
        let output = program.output().expect("it runs");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let count = |sql| runtime.block_on(server.run("postgres", sql));
    larkspur("migrate");
    larkspur("check");
    assert_eq!(count("SELECT count(*) FROM node_lease"), ["0"]);
    assert_eq!(count("SELECT count(*) FROM meta WHERE name = 'master_key'"), ["1"]);
}
