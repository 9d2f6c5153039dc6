//! Seeds: the content of a world from a file.

use larkspur_testkit::{Lab, Reply, World};
use serde_json::{Value, json};

use crate::scenarios::{text, world};

const SEED: &str = include_str!("../../../../../../../examples/seeds/release-bot.yaml");

fn card() -> Value {
    serde_json::from_str(include_str!("../../../../../../../examples/seeds/approve.json")).expect("JSON")
}

fn given(seed: &str) -> Value {
    json!({"seed": seed, "files": {"approve.json": card()}})
}

async fn control(lab: &Lab, method: &str, path: &str, body: Value) -> Reply {
    lab.control(method, path).body(body).send().await
}

async fn made(lab: &Lab, seed: &str) -> Value {
    control(lab, "POST", "/worlds", given(seed)).await.data()
}

async fn get(lab: &Lab, path: &str) -> Value {
    lab.control("GET", path).send().await.data()
}

/// The mistakes of a seed, as they are reported.
async fn mistakes(lab: &Lab, seed: Value) -> Vec<String> {
    let worlds = get(lab, "/worlds").await["worlds"].clone();
    let reply = control(lab, "POST", "/worlds", json!({"seed": seed})).await;
    let refused = reply.refused(5275400);
    assert_eq!(get(lab, "/worlds").await["worlds"], worlds, "nothing is loaded");
    let found = refused["error"]["field_violations"].as_array().expect("violations").clone();
    found.iter().map(|one| text(one, "description")).collect()
}

#[tokio::test]
async fn the_example_is_loaded() {
    let lab = Lab::start().await;
    let made = made(&lab, SEED).await;
    let key = text(&made, "tenant_key");
    let seeded = &made["seeded"];
    let counts =
        json!({"apps": 1, "users": 2, "tags": 1, "documents": 1, "chats": 1, "messages": 2, "faults": 1});
    assert_eq!(seeded["loaded"], counts);
    let ids = &seeded["ids"];
    assert_eq!(ids["users"], json!({"ada": "ada", "ben": "ben"}));
    let (app, chat) = (text(&ids["apps"], "demo"), text(&ids["chats"], "ops"));
    let at = |path: &str| format!("/worlds/{key}{path}");

    let shown = get(&lab, &at("")).await;
    assert_eq!(shown["name"], "release bot");
    let now = shown["now_ms"].as_i64().expect("a time");
    assert!((1_772_326_800_000..1_772_326_860_000).contains(&now), "{now}");
    assert_eq!(get(&lab, &at("/settings")).await["rate_limits"], "off");
    let ada = get(&lab, &at("/users/ada")).await;
    assert_eq!(
        (&ada["name"], &ada["locale"], &ada["status"]),
        (&json!("Ada Larkin"), &json!("zh_cn"), &json!("active"))
    );
    assert_eq!(get(&lab, &at("/users/ben")).await["status"], "resigned");
    let scopes = json!(["im:chat", "im:message", "im:message.group_at_msg:readonly"]);
    assert_eq!(get(&lab, &at(&format!("/apps/{app}"))).await["scopes"], scopes);
    let events = get(&lab, &at(&format!("/apps/{app}/events"))).await;
    assert_eq!(events["mode"], "websocket");
    assert_eq!(events["types"], json!(["im.message.receive_v1"]));
    assert_eq!(events["callbacks"]["request_url"], "http://127.0.0.1:9000/card");

    let room = get(&lab, &at(&format!("/chats/{chat}"))).await;
    assert_eq!((&room["name"], &room["owner"]), (&json!("Ops room"), &json!("ada")));
    let roles: Vec<(String, String)> = room["members"]
        .as_array()
        .expect("members")
        .iter()
        .map(|one| (text(one, "member"), text(one, "role")))
        .collect();
    let role = |member: &str, role: &str| (member.to_owned(), role.to_owned());
    assert_eq!(roles.len(), 3);
    for expected in [role("ada", "owner"), role(&app, "manager"), role("ben", "member")] {
        assert!(roles.contains(&expected), "{roles:?}");
    }
    let tabs: Vec<String> =
        room["tabs"].as_array().expect("tabs").iter().map(|tab| text(tab, "tab_type")).collect();
    assert_eq!(tabs, ["message", "url", "doc"]);
    assert_eq!(room["announcement"]["revision"], 2);
    let document = get(&lab, &at("/documents/runbook")).await;
    assert_eq!((&document["owner"], &document["title"]), (&json!("ada"), &json!("Runbook")));
    assert_eq!(document["collaborators"], json!([{"member": app, "perm": "edit"}]));

    let said = get(&lab, &at(&format!("/chats/{chat}/messages"))).await;
    let said = said["messages"].as_array().expect("messages").clone();
    assert_eq!(said.len(), 2, "{said:?}");
    let kinds: Vec<String> = said.iter().map(|one| text(one, "msg_type")).collect();
    assert!(kinds.contains(&"text".to_owned()) && kinds.contains(&"interactive".to_owned()), "{kinds:?}");
    let mentions = said.iter().find_map(|one| one["mentions"].as_array()).expect("a mention");
    assert_eq!(mentions[0]["name"], "Demo", "{mentions:?}");
    let faults = get(&lab, &at("/faults")).await;
    assert_eq!(
        (&faults["faults"][0]["name"], &faults["faults"][0]["skip"]),
        (&json!("rate-limited"), &json!(3))
    );

    // The app signs in with the secret that was answered once, and is told of nothing that was there before.
    let secret = text(&seeded["app_secrets"], "demo");
    let body = json!({"app_id": app, "app_secret": secret});
    let token =
        lab.request("POST", "/open-apis/auth/v3/tenant_access_token/internal").body(body).send().await;
    let token = text(&token.json(), "tenant_access_token");
    let seen =
        lab.request("GET", &format!("/open-apis/im/v1/chats/{chat}")).token(&token).send().await.data();
    assert_eq!(seen["name"], "Ops room");
    assert_eq!(get(&lab, &at("/events")).await["events"], json!([]), "seeding emits no event");
}

/// What a world contains, without what a time or a counter shows.
async fn content(lab: &Lab, key: &str, report: &Value) -> Value {
    let mut all = json!({});
    let ids = &report["ids"];
    for path in ["/users", "/apps", "/settings", "/faults", "/documents/runbook"] {
        all[path] = get(lab, &format!("/worlds/{key}{path}")).await;
    }
    let chat = text(&ids["chats"], "ops");
    for path in [
        format!("/chats/{chat}"),
        format!("/chats/{chat}/messages"),
        format!("/apps/{}/events", text(&ids["apps"], "demo")),
    ] {
        all[&path] = get(lab, &format!("/worlds/{key}{path}")).await;
    }
    all
}

#[tokio::test]
async fn a_seed_that_is_merged_twice_changes_nothing() {
    let lab = Lab::start().await;
    let made = made(&lab, SEED).await;
    let key = text(&made, "tenant_key");
    let before = content(&lab, &key, &made["seeded"]).await;
    let path = format!("/worlds/{key}/seed");
    for _ in 0..2 {
        let again = control(&lab, "POST", &path, given(SEED)).await.data();
        assert_eq!(again["ids"], made["seeded"]["ids"]);
        assert_eq!(again["app_secrets"], json!({}));
        let none =
            json!({"apps": 0, "users": 0, "tags": 0, "documents": 0, "chats": 0, "messages": 0, "faults": 0});
        assert_eq!(again["loaded"], none);
        assert_eq!(again["merged"]["users"], 2);
        assert_eq!(content(&lab, &key, &made["seeded"]).await, before);
    }
    let moved = SEED.replace("2026-03-01T", "2030-03-01T");
    control(&lab, "POST", &path, given(&moved)).await.data();
    let now = get(&lab, &format!("/worlds/{key}")).await["now_ms"].as_i64().expect("a time");
    assert!(now < 1_780_000_000_000, "the clock of a world that is there is not moved");
}

#[tokio::test]
async fn a_reset_to_the_start_is_the_seed_as_it_was_loaded() {
    let lab = Lab::start().await;
    let made = made(&lab, SEED).await;
    let (key, seeded) = (text(&made, "tenant_key"), &made["seeded"]);
    let (app, chat) = (text(&seeded["ids"]["apps"], "demo"), text(&seeded["ids"]["chats"], "ops"));
    let fresh = content(&lab, &key, seeded).await;
    let change = async |method: &str, path: &str, body: Value| {
        control(&lab, method, &format!("/worlds/{key}{path}"), body).await.data()
    };
    for (method, path, body) in [
        ("PUT", "/clock".to_owned(), json!({"advance_seconds": 3600})),
        ("PATCH", "/users/ada".to_owned(), json!({"name": "Other"})),
        ("POST", "/users".to_owned(), json!({"name": "New"})),
        ("POST", format!("/chats/{chat}/messages"), json!({"as": "ada", "text": "later"})),
        ("PATCH", format!("/chats/{chat}"), json!({"name": "Other room"})),
        ("PUT", "/settings".to_owned(), json!({"rate_limits": "platform"})),
        ("DELETE", "/faults".to_owned(), json!({})),
        ("PATCH", "/documents/runbook".to_owned(), json!({"deleted": true})),
        ("PUT", format!("/apps/{app}"), json!({"scopes": ["im:chat"]})),
        ("PUT", format!("/apps/{app}/events"), json!({"mode": "webhook"})),
        ("POST", "/apps".to_owned(), json!({"name": "Another"})),
    ] {
        change(method, &path, body).await;
    }
    let changed = content(&lab, &key, seeded).await;
    for (path, before) in fresh.as_object().expect("an object") {
        assert_ne!(changed[path], *before, "{path}");
    }
    change("POST", &format!("/chats/{chat}/dissolve"), json!({"as": "ada"})).await;
    change("POST", "/reset", json!({})).await;
    assert_eq!(content(&lab, &key, seeded).await, fresh);
    let differs = get(&lab, &format!("/worlds/{key}/snapshots/diff?a=@start")).await;
    assert_eq!(differs["tables"], json!([]), "{differs}");
    // The seed finds nothing to change.
    let body = json!({"seed": SEED, "files": {"approve.json": card()}});
    change("POST", "/seed", body).await;
    assert_eq!(content(&lab, &key, seeded).await, fresh);
    let secret = text(&seeded["app_secrets"], "demo");
    let body = json!({"app_id": app, "app_secret": secret});
    let token =
        lab.request("POST", "/open-apis/auth/v3/tenant_access_token/internal").body(body).send().await;
    assert_eq!(token.code(), 0, "the secret of the seed is the app's again");
}

#[tokio::test]
async fn a_merge_adds_what_is_missing_and_changes_what_is_named() {
    let world = world().await;
    let seed = "larkspur: 1\nusers: {dora: {name: Dora}}\nchats: {demo: {name: Larkspur demo, description: changed, members: [dora], tabs: [{name: Wiki, url: \"https://example.com\"}]}}\nfaults: [{preset: slow-3s}]\n";
    let post =
        async |seed: &str| world.control("POST", "/seed").body(json!({"seed": seed})).send().await.data();
    let first = post(seed).await;
    assert_eq!((&first["loaded"]["chats"], &first["merged"]["chats"]), (&json!(0), &json!(1)));
    assert_eq!(first["ids"]["chats"]["demo"], json!(world.chat_id));
    let shown = world.control("GET", &format!("/chats/{}", world.chat_id)).send().await.data();
    assert_eq!(shown["description"], "changed");
    assert_eq!(shown["members"].as_array().map(Vec::len), Some(5), "{shown}");
    assert_eq!(shown["tabs"].as_array().map(Vec::len), Some(2));
    // A rule with the same name is replaced, if it does something else, and the others stay.
    world.control("POST", "/faults").body(json!({"preset": "edge-502"})).send().await.data();
    let changed =
        seed.replace("preset: slow-3s", "preset: slow-3s, skip: 1").replace("name: Dora", "name: Theodora");
    let second = post(&changed).await;
    assert_eq!((&second["loaded"]["faults"], &second["merged"]["users"]), (&json!(1), &json!(1)));
    let rules = world.control("GET", "/faults").send().await.data();
    let names: Vec<String> =
        rules["faults"].as_array().expect("rules").iter().map(|rule| text(rule, "name")).collect();
    assert_eq!(names, ["slow-3s", "edge-502"]);
    assert_eq!(world.control("GET", "/users/dora").send().await.data()["name"], "Theodora");
}

#[tokio::test]
async fn a_replacement_begins_with_nothing() {
    let world = world().await;
    let path = format!("/worlds/{}/seed", world.tenant_key);
    let mut body = given(SEED);
    body["mode"] = json!("replace");
    let first = control(&world.lab, "POST", &path, body.clone()).await.data();
    let users = world.control("GET", "/users").send().await.data();
    assert_eq!(users["users"].as_array().map(Vec::len), Some(2), "{users}");
    world.call("GET", &format!("/im/v1/chats/{}", world.chat_id)).send().await.refused(99991663);
    let again = control(&world.lab, "POST", &path, body).await.data();
    assert_eq!(again["loaded"], first["loaded"]);
    assert_ne!(again["ids"]["chats"], first["ids"]["chats"]);
}

#[tokio::test]
async fn the_first_hundred_mistakes_are_listed_and_the_others_counted() {
    let lab = Lab::start().await;
    let users: String = (0..150).map(|number| format!("  u{number}: {{name: 5}}\n")).collect();
    let found = mistakes(&lab, json!(format!("larkspur: 1\nworld: {{name: many}}\nusers:\n{users}"))).await;
    assert_eq!((found.len(), found[100].as_str()), (101, "and 50 more mistakes"));
    assert!(found[0].starts_with("4:") && found[99].starts_with("103:"), "{found:?}");
}

#[tokio::test]
async fn five_mistakes_are_five_errors() {
    let lab = Lab::start().await;
    let seed = "\
larkspur: 1
world: {name: broken}
apps:
  demo: {name: Demo, scops: [im:chat]}
users:
  ada: {name: no}
  ben: {name: Ben, status: gone}
chats:
  ops:
    owner: adda
    members: [ben]
    messages:
      - {as: ada, text: 5}
";
    let found = mistakes(&lab, json!(seed)).await;
    assert_eq!(found.len(), 5, "{found:#?}");
    for (line, (place, part)) in found.iter().zip([
        ("4:", "apps.demo.scops: no such field; did you mean \"scopes\"?"),
        ("6:15: ", "users.ada.name: must be a string; as a text: \"no\""),
        ("7:28: ", "users.ben.status: "),
        ("10:12: ", "chats.ops.owner: no user or app has the name \"adda\"; did you mean \"ada\"?"),
        ("13:25: ", "chats.ops.messages[0].text: a text is wanted, not 5; as a text: \"5\""),
    ]) {
        assert!(line.starts_with(place) && line.contains(part), "{place} {part}: {line}");
    }
    // As an object, there are no lines to name.
    let object = json!({"larkspur": 1, "world": {"name": "x"}, "users": {"ada": {"name": false}}});
    assert_eq!(mistakes(&lab, object).await, ["users.ada.name: must be a string; as a text: \"false\""]);
}

#[tokio::test]
async fn every_kind_of_mistake_says_where_it_is() {
    let lab = Lab::start().await;
    let head = "larkspur: 1\nworld: {name: w}\nusers: {ada: {}, ben: {status: resigned}}\napps: {demo: {}}\n";
    for (rest, place, why) in [
        ("larkspur: 2", "5:1", "larkspur is here twice"),
        ("chat: {}", "5:1", "did you mean \"chats\"?"),
        ("chats: []", "5:8", "an object is wanted, not a list"),
        ("tags: {a: {nam: x}}", "5:17", "did you mean \"name\"?"),
        ("tags: {a: {i18n: {zh_cn: x, zh-CN: y}}}", "5:", "must not repeat"),
        ("documents: {d: {share: {ada: own}}}", "5:30", "documents.d.share.ada"),
        ("documents: {d: {share: {eve: edit}}}", "5:25", "no user, app or chat has the name \"eve\""),
        ("documents: {\"a b\": {}}", "5:13", "documents.a b"),
        ("chats: {c: {tags: [x]}}", "5:20", "no tag has the name \"x\""),
        ("chats: {c: {tabs: [{name: W}]}}", "5:20", "one of url, document and type is wanted"),
        ("chats: {c: {tabs: [{name: W, document: d}]}}", "5:40", "no document has the name \"d\""),
        ("chats: {c: {chat_type: open}}", "5:24", "chats.c.chat_type"),
        ("chats: {c: {messages: [{as: ada, text: hi}]}}", "5:24", "(230002)"),
        (
            "chats: {c: {members: [ada], messages: [{as: ada, card: a.json}]}}",
            "5:56",
            "was not sent with the seed",
        ),
        ("chats: {c: {members: [ada], messages: [{as: ada}]}}", "5:40", "either text or content"),
        ("chats: {c: {members: [ben], messages: [{as: ben, text: hi}]}}", "5:45", "the user is not active"),
        ("chats: {c: {announcement: [a]}}", "5:27", "a text is wanted, not a list"),
        ("faults: [{match: {}}]", "5:10", "a name is wanted"),
        ("faults: [{preset: rate-limitd}]", "5:19", "did you mean \"rate-limited\"?"),
        ("faults: [{preset: slow-3s, match: {app_id: dem}}]", "5:44", "did you mean \"demo\"?"),
        ("faults: [{name: x, match: {operaton: y}, effect: {delay: {ms: 1}}}]", "5:", "faults[0]"),
    ] {
        let seed = format!("{head}{rest}\n");
        let found = mistakes(&lab, json!(seed)).await;
        assert_eq!(found.len(), 1, "{rest}: {found:?}");
        assert!(found[0].starts_with(place) && found[0].contains(why), "{rest}: {place} {why}: {found:?}");
    }
    for (seed, place, why) in [
        ("world: {name: w}\n", "1:1", "a seed begins with larkspur: 1"),
        ("larkspur: 1\n", "1:1", "world.name: a text is wanted"),
        ("larkspur: 1\nworld: {name: w, clock: soon}\n", "2:25", "a time is wanted"),
        (
            "larkspur: 1\nworld: {name: w, settings: {rate_limits: fast}}\n",
            "2:42",
            "platform, off or a number",
        ),
        (
            "larkspur: 1\nworld: {name: w, settings: {behaviours: {tag_ownr: app}}}\n",
            "2:52",
            "did you mean \"tag_owner\"?",
        ),
        ("larkspur: 1\nworld: {name: w}\napps: {a: {secret: abc}}\n", "3:20", "write from-env NAME"),
        (
            "larkspur: 1\nworld: {name: w}\napps: {a: {secret: from-env X}}\n",
            "3:20",
            "there is no value for X",
        ),
        ("larkspur: 1\nworld: {name: w}\napps: {a: {events: {way: pigeon}}}\n", "3:26", "apps.a.events.way"),
        (
            "larkspur: 1\nworld: {name: w}\napps: {a: {}}\nusers: {a: {}}\n",
            "4:9",
            "an app has this name, too",
        ),
        ("larkspur: 1\nworld: {name: w}\ntags: {a: {}}\n", "3:8", "an app makes a tag"),
        ("a: [", "", "not YAML"),
    ] {
        let found = mistakes(&lab, json!(seed)).await;
        assert_eq!(found.len(), 1, "{seed}: {found:?}");
        assert!(found[0].starts_with(place) && found[0].contains(why), "{seed}: {place} {why}: {found:?}");
    }
}

#[tokio::test]
async fn a_dry_run_keeps_nothing() {
    let lab = Lab::start().await;
    let mut body = given(SEED);
    body["dry_run"] = json!(true);
    let tried = control(&lab, "POST", "/worlds", body.clone()).await.data();
    assert_eq!(tried["seeded"]["loaded"]["messages"], 2);
    assert_eq!((&tried["seeded"]["dry_run"], &tried["seeded"]["ids"]["apps"]), (&json!(true), &json!({})));
    assert_eq!(get(&lab, "/worlds").await["worlds"], json!([]));
    let world = lab.world().await;
    body["mode"] = json!("replace");
    world.control("POST", "/seed").body(body.clone()).send().await.data();
    world.call("GET", &format!("/im/v1/chats/{}", world.chat_id)).send().await.data();
    let users = world.control("GET", "/users").send().await.data();
    assert_eq!(users["users"].as_array().map(Vec::len), Some(3));
    control(&lab, "POST", "/worlds", json!({"dry_run": true})).await.refused(5275400);
}

#[tokio::test]
async fn secrets_come_from_outside() {
    let lab = Lab::start().await;
    let seed = "larkspur: 1\nworld: {name: w}\napps: {demo: {secret: from-env DEMO_SECRET}}\n";
    let body = json!({"seed": seed, "secrets": {"DEMO_SECRET": "a-secret-of-my-own"}});
    let made = control(&lab, "POST", "/worlds", body).await.data();
    assert_eq!(made["seeded"]["app_secrets"], json!({}), "what the caller knows is not answered");
    let id = &made["seeded"]["ids"]["apps"]["demo"];
    let body = json!({"app_id": id, "app_secret": "a-secret-of-my-own"});
    let token =
        lab.request("POST", "/open-apis/auth/v3/tenant_access_token/internal").body(body).send().await;
    assert_eq!(token.json()["code"], 0);
    // Neither the secret nor the seed is in a record.
    let kept = get(&lab, "/traffic?kind=control").await;
    for row in kept["entries"].as_array().expect("rows") {
        let whole = get(&lab, &format!("/traffic/{}", text(row, "log_id"))).await.to_string();
        assert!(!whole.contains("a-secret-of-my-own"), "{whole}");
    }
}

/// What the settings of a seed refuse is refused in its messages, as it would be in a call.
#[tokio::test]
async fn the_rules_of_the_world_hold() {
    let lab = Lab::start().await;
    let seed = "larkspur: 1\nworld: {name: w, settings: {forbidden_words: [secret], edit_ms: 60000}}\nusers: {ada: {}}\nchats: {c: {members: [ada], announcement: a, messages: [{as: ada, text: a secret}]}}\n";
    let found = mistakes(&lab, json!(seed)).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("230022"), "{found:?}");
}

async fn unchanged(world: &World) -> bool {
    world.call("GET", &format!("/im/v1/chats/{}", world.chat_id)).send().await.code() == 0
}

#[tokio::test]
async fn a_seed_stays_in_its_world() {
    let lab = Lab::start().await;
    let (one, other) = (lab.world().await, lab.world().await);
    one.control("POST", "/seed").body(json!({"seed": "larkspur: 1", "mode": "replace"})).send().await.data();
    assert!(!unchanged(&one).await && unchanged(&other).await);
    let nowhere = lab.control("POST", "/worlds/0000000000000000/seed").body(json!({"seed": "larkspur: 1"}));
    nowhere.send().await.refused(5275404);
}
