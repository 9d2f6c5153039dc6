//! Snapshots: a world is saved, put back, compared, and kept as a file.

use larkspur_testkit::{Lab, Reply, World};
use serde_json::{Value, json};

use super::{declined, get};
use crate::scenarios::{names, text, upload, world};

pub(super) async fn save(world: &World, name: &str) -> Value {
    world.control("POST", "/snapshots").body(json!({"name": name})).send().await.data()
}

pub(super) async fn restore(world: &World, name: &str, body: Value) -> Value {
    world.control("POST", &format!("/snapshots/{name}/restore")).body(body).send().await.data()
}

pub(super) async fn diff(world: &World, a: &str, b: &str) -> Value {
    world.control("GET", "/snapshots/diff").query("a", a).query("b", b).send().await.data()
}

async fn file(world: &World, name: &str) -> String {
    world.control("GET", &format!("/snapshots/{name}/file")).send().await.text().to_owned()
}

async fn put_file(world: &World, name: &str, file: &str) -> Reply {
    let request = world.control("PUT", &format!("/snapshots/{name}/file"));
    request.multipart(&[], ("file", file.as_bytes())).send().await
}

async fn say(world: &World, text: &str) -> String {
    let content = json!({"text": text}).to_string();
    let body = json!({"receive_id": world.chat_id, "msg_type": "text", "content": content});
    let request = world.call("POST", "/im/v1/messages").query("receive_id_type", "chat_id").body(body);
    text_of(&request.send().await.data(), "message_id")
}

fn text_of(data: &Value, name: &str) -> String {
    text(data, name)
}

async fn tag_name(world: &World, tag: &str) -> Option<String> {
    let data = world.call("GET", "/im/v2/tags").query("ids", tag).send().await.data();
    data["tag_infos"][0]["name"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn a_world_is_put_back_and_memory_with_it() {
    let world = world().await;
    let (kept, message) = (world.tag("kept").await, say(&world, "before").await);
    assert_eq!(tag_name(&world, &kept).await.as_deref(), Some("kept"), "read into memory");
    let saved = save(&world, "one").await;
    assert_eq!(names(&saved), ["bytes", "created_at_ms", "name", "note", "rows", "world_now_ms"]);
    assert!(saved["rows"].as_i64() > Some(20) && saved["bytes"].as_i64() > Some(1000), "{saved}");

    let body = json!({"patch_tag": {"name": "renamed"}});
    world.call("PATCH", &format!("/im/v2/tags/{kept}")).body(body).send().await.data();
    let (new, after) = (world.tag("new").await, say(&world, "after").await);
    world.call("DELETE", &format!("/im/v1/messages/{message}")).send().await.data();
    let chat = format!("/chats/{}", world.chat_id);
    world.control("PATCH", &chat).body(json!({"name": "Another name"})).send().await.data();
    world.control("PUT", "/settings").body(json!({"public_groups": false})).send().await.data();
    let rule = json!({"effect": {"refuse": {"code": 232004}}});
    world.control("POST", "/faults").body(rule).send().await.data();
    world.call("GET", &format!("/im/v1/chats/{}", world.chat_id)).send().await.refused(232004);
    let changes = diff(&world, "one", "now").await;
    let table = |name: &str| {
        let tables = changes["tables"].as_array().expect("tables");
        let found = tables.iter().find(|table| table["table"] == name);
        found.unwrap_or_else(|| panic!("{name}: {changes}")).clone()
    };
    assert_eq!(table("tag"), json!({"table": "tag", "added": 1, "gone": 0, "changed": 1}));
    assert_eq!(table("message"), json!({"table": "message", "added": 1, "gone": 0, "changed": 1}));
    let rows = changes["rows"].as_array().expect("rows");
    assert!(
        rows.iter().any(|row| row["key"]["message_id"] == after && row["change"] == "added"),
        "{changes}"
    );
    let column = rows.iter().find(|row| row["table"] == "tag" && row["change"] == "changed");
    let columns = column.expect("the tag")["columns"].as_array().expect("columns").clone();
    assert!(columns.contains(&json!({"name": "name", "a": "kept", "b": "renamed"})), "{columns:?}");

    let done = restore(&world, "one", json!({})).await;
    assert_eq!(names(&done), ["deleted", "name", "now_ms", "written"]);
    assert_eq!(diff(&world, "one", "now").await, json!({"tables": [], "rows": [], "more": 0}));
    assert_eq!(tag_name(&world, &kept).await.as_deref(), Some("kept"));
    assert_eq!(tag_name(&world, &new).await, None);
    let found = world.call("GET", &format!("/im/v1/messages/{message}")).send().await.data();
    assert_eq!(found["items"][0]["deleted"], false, "{found}");
    let shown = world.call("GET", &format!("/im/v1/chats/{}", world.chat_id)).send().await.data();
    assert_eq!(shown["name"], "Larkspur demo");
    assert_eq!(get(&world, "/settings").await["public_groups"], true);
    assert_eq!(get(&world, "/faults").await["faults"], json!([]));

    // Names that were taken afterwards are free, and new ids are new.
    let again = world.tag("new").await;
    assert!(again > new, "{again} {new}");
    let rows = diff(&world, "one", "now").await;
    assert_eq!(rows["tables"], json!([{"table": "tag", "added": 1, "gone": 0, "changed": 0}]));
    assert_eq!(restore(&world, "one", json!({})).await["deleted"], 1);
    assert_eq!(restore(&world, "one", json!({})).await["written"], 0, "there is nothing to do");
}

#[tokio::test]
async fn the_start_and_the_empty_world() {
    let world = world().await;
    let listed = get(&world, "/snapshots").await;
    assert_eq!(listed["snapshots"][0]["name"], "@start");
    assert_eq!(listed["snapshots"].as_array().map(Vec::len), Some(1));
    world.tag("a tag").await;
    world.advance(3600).await;
    let body = json!({"name": "one", "note": "a note"});
    world.control("POST", "/snapshots").body(body).send().await.data();
    let reset = async |body: Value| world.control("POST", "/reset").body(body).send().await;
    assert_eq!(reset(json!({})).await.data()["name"], "@start");
    assert_eq!(diff(&world, "@start", "now").await["tables"], json!([]));
    assert_eq!(get(&world, "").await["clock_offset_ms"], 0);
    // The world's own token was issued after its start, and is still valid.
    world.call("GET", &format!("/im/v1/chats/{}", world.chat_id)).send().await.data();
    assert_eq!(reset(json!({"to": "one"})).await.data()["name"], "one");
    assert_eq!(get(&world, "").await["clock_offset_ms"], 3_600_000);
    assert_eq!(reset(json!({"to": "empty"})).await.data()["name"], "empty");
    assert_eq!(get(&world, "/apps").await["apps"], json!([]));
    let request = world.call("GET", &format!("/im/v1/chats/{}", world.chat_id));
    assert_ne!(request.send().await.code(), 0, "its app is gone");
    let shown = get(&world, "").await;
    assert_eq!((&shown["name"], &shown["clock_offset_ms"]), (&json!("test"), &json!(0)));

    // It is what an empty world is.
    save(&world, "nothing").await;
    let empty = World { tenant_key: world.lab.empty_world().await, ..world.clone() };
    save(&empty, "nothing").await;
    let row = async |of: &World| {
        let lines = file(of, "nothing").await;
        let lines: Vec<String> = lines.lines().skip(1).map(str::to_owned).collect();
        let row: Vec<Value> = serde_json::from_str(&lines[1]).expect("the row of the tenant");
        (lines.len(), lines[0].clone(), row[1].clone(), row[3..].to_vec())
    };
    assert_eq!(row(&world).await, row(&empty).await);
    assert_eq!(reset(json!({"to": "one"})).await.data()["name"], "one");
    assert_eq!(diff(&world, "one", "now").await["more"], 0);
    let stay = get(&world, "/snapshots").await["snapshots"].clone();
    let mut names: Vec<String> =
        stay.as_array().expect("a list").iter().map(|one| text(one, "name")).collect();
    names.sort_unstable();
    assert_eq!(names, ["@start", "nothing", "one"], "snapshots stay");
}

#[tokio::test]
async fn the_clock_stays_if_asked() {
    let world = world().await;
    world.advance(100).await;
    save(&world, "one").await;
    world.advance(1000).await;
    restore(&world, "one", json!({"clock": "keep"})).await;
    assert_eq!(get(&world, "").await["clock_offset_ms"], 1_100_000);
    let changes = diff(&world, "one", "now").await;
    assert_eq!(changes["tables"], json!([{"table": "tenant", "added": 0, "gone": 0, "changed": 1}]));
    assert_eq!(changes["rows"][0]["columns"][0]["name"], "clock_offset_ms");
    let done = restore(&world, "one", json!({"clock": "snapshot"})).await;
    let shown = get(&world, "").await;
    assert_eq!(shown["clock_offset_ms"], 100_000);
    assert!((shown["now_ms"].as_i64().expect("a time") - done["now_ms"].as_i64().expect("a time")) < 60_000);
    let reply = world.control("POST", "/snapshots/one/restore").body(json!({"clock": "back"})).send().await;
    declined(&reply, 5275400, "clock");
}

#[tokio::test]
async fn names_and_limits() {
    let world = world().await;
    let saved =
        async |name: &str| world.control("POST", "/snapshots").body(json!({"name": name})).send().await;
    for wrong in ["", "a b", "@start", "now", "start", "empty", "é", &"x".repeat(65)] {
        declined(&saved(wrong).await, 5275400, "name");
    }
    for number in 0..20 {
        saved(&format!("s{number}")).await.data();
    }
    declined(&saved("one-more").await, 5275400, "name");
    let taken = saved("s7").await;
    declined(&taken, 5275409, "name");
    assert!(taken.text().contains("delete this snapshot first, or choose another name"), "{}", taken.text());
    let delete = async |name: &str| world.control("DELETE", &format!("/snapshots/{name}")).send().await;
    assert_eq!(delete("s7").await.data(), json!({}));
    saved("one-more").await.data();
    declined(&delete("s7").await, 5275404, "name");
    declined(&delete("@start").await, 5275400, "name");
    for (method, path, field) in [
        ("POST", "/snapshots/s7/restore", "name"),
        ("GET", "/snapshots/s7/file", "name"),
        ("GET", "/snapshots/diff?a=s7", "a"),
        ("GET", "/snapshots/diff?a=now&b=s7", "b"),
    ] {
        let reply = world.control(method, path).body(json!({})).send().await;
        declined(&reply, 5275404, field);
    }
    for (to, code) in [("s7", 5275404), (&*"x".repeat(65), 5275400)] {
        let reply = world.control("POST", "/reset").body(json!({"to": to})).send().await;
        declined(&reply, code, "to");
    }
    let limited = world.control("GET", "/snapshots/diff?a=now&b=@start&limit=0").send().await.data();
    assert_eq!(limited["rows"], json!([]));
    world.tag("a tag").await;
    let limited = world.control("GET", "/snapshots/diff?a=@start&limit=0").send().await.data();
    assert!(limited["more"].as_i64() > Some(0) && limited["rows"] == json!([]), "{limited}");
    let wrong = world.control("GET", "/snapshots/diff?a=now&limit=1001").send().await;
    declined(&wrong, 5275400, "limit");
}

#[tokio::test]
async fn a_snapshot_is_kept_as_a_file() {
    let world = world().await;
    let (tag, image) = (world.tag("a tag").await, upload(&world, &world.token, "message").await);
    save(&world, "one").await;
    let text = file(&world, "one").await;
    let head: Value = serde_json::from_str(text.lines().next().expect("a head")).expect("JSON");
    assert_eq!((&head["format"], &head["name"]), (&json!("larkspur-snapshot/1"), &json!("one")));
    assert_eq!(head["tenant_key"], world.tenant_key);

    let saved = put_file(&world, "two", &text).await.data();
    assert_eq!(saved["name"], "two");
    assert_eq!(diff(&world, "one", "two").await["tables"], json!([]));
    declined(&put_file(&world, "two", &text).await, 5275409, "name");
    let renamed = json!({"patch_tag": {"name": "renamed"}});
    world.call("PATCH", &format!("/im/v2/tags/{tag}")).body(renamed).send().await.data();
    restore(&world, "two", json!({})).await;
    assert_eq!(tag_name(&world, &tag).await.as_deref(), Some("a tag"));
    let picture = world.call("GET", &format!("/im/v1/images/{image}")).send().await;
    assert_eq!(picture.status(), 200);

    // Files of other schemas, and with errors.
    let schema = head["schema"].as_i64().expect("a schema");
    let other = text.replacen(&format!("\"schema\":{schema}"), "\"schema\":7", 1);
    let refused = put_file(&world, "three", &other).await;
    declined(&refused, 5275400, "file");
    assert!(refused.text().contains("schema 7"), "{}", refused.text());
    let cut: String = text.lines().take(2).map(|line| format!("{line}\n")).collect();
    for wrong in ["", "x", "{}", &cut, &format!("{text}[1]\n"), &format!("{text}{{}}\n")] {
        declined(&put_file(&world, "three", wrong).await, 5275400, "file");
    }
    let binary = world.control("PUT", "/snapshots/three/file").multipart(&[], ("file", &[0xff, 0xfe]));
    declined(&binary.send().await, 5275400, "file");
    for numbers in ["3,4,5", "-1,0,1", "5,4,0", "9223372036854775807,0,0"] {
        let wrong = with_tickets(&text, &world.app_id, numbers);
        let refused = put_file(&world, "three", &wrong).await;
        declined(&refused, 5275400, "file");
        assert!(refused.text().contains("ticket_no"), "{numbers}: {}", refused.text());
    }
    put_file(&world, "four", &with_tickets(&text, &world.app_id, "5,3,4")).await.data();
    let nowhere = World { tenant_key: "0000000000000000".to_owned(), ..world.clone() };
    declined(&put_file(&nowhere, "three", &text).await, 5275404, "tenant_key");
    let refused = put_file(&world, "three", &format!("{text}[1]\n")).await;
    let line = format!("line {}", text.lines().count() + 1);
    assert!(refused.text().contains(&line), "{line}: {}", refused.text());
}

/// The file with a row of `app_sign_in`: `ticket_no`, `tickets_from` and `ticket_mark`.
fn with_tickets(text: &str, app_id: &str, numbers: &str) -> String {
    let columns = ["app_id", "redirect_uris", "ticket_no", "tickets_from", "ticket_mark", "ticket_marked_at"];
    let table = json!({"table": "app_sign_in", "columns": columns});
    format!("{text}{table}\n[\"{app_id}\",\"\",{numbers},0]\n")
}

#[tokio::test]
async fn the_file_of_another_world_gets_new_ids() {
    let (world, other_lab) = (world().await, Lab::start().await);
    let tag = world.tag("a tag").await;
    world
        .call("POST", "/im/v2/biz_entity_tag_relation")
        .body(json!({"tag_biz_type": "chat", "biz_entity_id": world.chat_id, "tag_ids": [tag]}))
        .send()
        .await
        .data();
    save(&world, "one").await;
    let text = file(&world, "one").await;
    let beside = world.lab.world().await;
    let elsewhere = other_lab.world().await;
    for target in [&beside, &elsewhere] {
        put_file(target, "taken", &text).await.data();
        restore(target, "taken", json!({})).await;
        let apps = get(target, "/apps").await;
        let app = text_of(&apps["apps"][0], "app_id");
        assert_ne!(app, world.app_id);
        let named = file(target, "taken").await;
        for old in [&world.app_id, &world.chat_id, &tag, &world.users[0].user_id] {
            assert!(!named.contains(&format!("\"{old}\"")), "{old}");
        }
        let secret = if std::ptr::eq(target, &elsewhere) {
            let made = target.control("POST", &format!("/apps/{app}/secret")).send().await.data();
            text_of(&made, "app_secret")
        } else {
            world.app_secret.clone()
        };
        let token = target.sign_in(&app, &secret).await;
        let chats = target.call("GET", "/im/v1/chats").token(&token).send().await.data();
        assert_eq!(chats["items"][0]["name"], "Larkspur demo");
    }
    // On the other server the secrets of the first one are not accepted.
    let app = text_of(&get(&elsewhere, "/apps").await["apps"][0], "app_id");
    let body = json!({"app_id": app, "app_secret": world.app_secret});
    let path = "/open-apis/auth/v3/tenant_access_token/internal";
    assert_ne!(other_lab.request("POST", path).body(body).send().await.code(), 0);
}

#[tokio::test]
async fn an_app_that_is_gone_is_gone_everywhere() {
    let world = world().await;
    let other = world.lab.world().await;
    save(&world, "one").await;
    let made = world.control("POST", "/apps").body(json!({"kind": "isv"})).send().await.data();
    let app = text_of(&made, "app_id");
    other.control("POST", "/installs").body(json!({"app_id": app})).send().await.data();
    save(&other, "with-the-app").await;
    assert_eq!(get(&other, &format!("/apps/{app}")).await["app_id"], app);
    restore(&world, "one", json!({})).await;
    for of in [&world, &other] {
        of.control("GET", &format!("/apps/{app}")).send().await.refused(5275404);
    }
    // A snapshot with an installation of it is restored without it.
    restore(&other, "with-the-app", json!({})).await;
    other.control("GET", &format!("/apps/{app}")).send().await.refused(5275404);
    let listed = get(&other, "/apps").await;
    assert_eq!(listed["apps"].as_array().map(Vec::len), Some(1), "{listed}");
}

#[tokio::test]
async fn events_that_waited_are_sent_again() {
    let world = world().await;
    world.receive_by_connection().await;
    say(&world, "no app is told of what its own bot says").await;
    let body = json!({"as": world.users[0].user_id, "text": "hello"});
    world.control("POST", &format!("/chats/{}/messages", world.chat_id)).body(body).send().await.data();
    save(&world, "one").await;
    let waiting = async || {
        let events = get(&world, "/events").await;
        let events = events["events"].as_array().expect("events").clone();
        events.iter().filter(|event| event["state"] == "waiting").count()
    };
    let before = waiting().await;
    assert!(before > 0);
    world.lab.delivery_worker().round().await;
    let path = format!("/apps/{}/deliveries", world.app_id);
    world.control("PUT", &path).body(json!({"action": "drop", "next": 1})).send().await.data();
    restore(&world, "one", json!({})).await;
    assert_eq!(waiting().await, before);
    assert_eq!(diff(&world, "one", "now").await["tables"], json!([]));
}
