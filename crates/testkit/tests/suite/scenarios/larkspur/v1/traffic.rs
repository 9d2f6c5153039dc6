//! Recorded calls.

use larkspur_server::{RateLimits, TrafficOptions};
use larkspur_testkit::{Lab, LabOptions, ManualClock, Reply, World};
use serde_json::{Value, json};

use super::{declined, get};
use crate::scenarios::{text, world};

/// The newest recorded call of the platform.
async fn newest(world: &World) -> Value {
    let list = get(world, "/traffic?limit=1").await;
    entry(world, &text(&list["entries"][0], "log_id")).await
}

async fn entry(world: &World, log_id: &str) -> Value {
    get(world, &format!("/traffic/{log_id}")).await
}

fn log_id(reply: &Reply) -> String {
    reply.response.header("x-tt-logid").expect("a log id").into_owned()
}

async fn check(world: &World, body: Value) -> Value {
    world.control("POST", "/traffic/check").body(body).send().await.data()
}

fn tab() -> Value {
    json!([{"tab_type": "url", "tab_name": "Wiki", "tab_content": {"url": "https://example.com"}}])
}

#[tokio::test]
async fn a_refused_call_says_why_and_what_helps() {
    let world = world().await;
    world
        .control("PATCH", &format!("/chats/{}", world.chat_id))
        .body(json!({"manage_widgets": "only_owner"}))
        .send()
        .await
        .data();
    let reply = world.add_tabs(&tab()).send().await;
    reply.refused(232055);
    let shown = entry(&world, &log_id(&reply)).await;
    assert_eq!(shown["operation"], "im.v1.chat_tab.create");
    assert_eq!(
        (&shown["outcome"], &shown["status"], &shown["code"]),
        (&json!("refused"), &json!(400), &json!(232055))
    );
    assert_eq!(shown["world"], world.tenant_key);
    assert_eq!(shown["request"]["body"], json!({"chat_tabs": tab()}));
    assert_eq!(shown["answer"]["body"], reply.json());
    assert_eq!(
        (&shown["caller"]["app_id"], &shown["caller"]["token"]),
        (&json!(world.app_id), &json!("tenant"))
    );
    assert!(shown["app"].is_string(), "{shown}");
    let steps: Vec<&str> =
        shown["steps"].as_array().expect("steps").iter().filter_map(|one| one["step"].as_str()).collect();
    assert_eq!(steps, ["authenticate", "authorize", "admit", "decode"]);
    assert!(shown["steps"][1]["used"].is_string() && shown["steps"][2]["windows"][0]["cap"].is_number());
    let why = &shown["why"];
    assert_eq!(
        (&why["step"], &why["rule"], &why["basis"]),
        (&json!("execute"), &json!("manage_widgets"), &json!("documented"))
    );
    assert_eq!(why["facts"], json!({"manage_widgets": "only_owner", "standing": "member"}));
    let fix = &why["fixes"][0];
    assert_eq!(fix["id"], "chat.update");
    // The fix is a call as it is.
    let path = format!("/chats/{}", text(&fix["path"], "chat_id"));
    world.control("PATCH", &path).body(fix["body"].clone()).send().await.data();
    let replay = world.control("POST", &format!("/traffic/{}/replay", text(&shown, "log_id")));
    let replayed = replay.body(json!({})).send().await.data();
    assert_eq!((&replayed["a"]["code"], &replayed["b"]["code"]), (&json!(232055), &json!(0)));
    let paths: Vec<&str> = replayed["changes"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["path"].as_str())
        .collect();
    assert!(paths.contains(&"answer.code") && !paths.iter().any(|path| path.contains("log_id")), "{paths:?}");
    let path =
        format!("/traffic/diff?a={}&b={}", text(&replayed["a"], "log_id"), text(&replayed["b"], "log_id"));
    assert_eq!(get(&world, &path).await["changes"], replayed["changes"]);
}

/// Every fix of the gateway's refusals is a call that can be made, and the refused call then passes.
#[tokio::test]
async fn fixes_of_the_gateway_help() {
    let clock = ManualClock::at(1_750_000_000_000);
    let options = LabOptions { rate_limits: RateLimits::Platform, clock, ..LabOptions::default() };
    let world = Lab::with(options).await.world().await;
    let tags = || world.call("GET", "/im/v2/tags").query("ids", "1");
    for (settings, code, rule) in [
        (json!({"scopes": []}), 99991672, "scopes"),
        (json!({"bot": false}), 232025, "bot_ability"),
        (json!({"status": "disabled"}), 232034, "app_status"),
    ] {
        world.set_app(&world.app_id, settings).await;
        let chat = || world.call("GET", &format!("/im/v1/chats/{}", world.chat_id)).send();
        chat().await.refused(code);
        let shown = newest(&world).await;
        assert_eq!(shown["why"]["rule"], rule);
        let fix = &shown["why"]["fixes"][0];
        assert_eq!((&fix["id"], &fix["path"]["app_id"]), (&json!("app.update"), &json!(world.app_id)));
        world.set_app(&world.app_id, fix["body"].clone()).await;
        assert_eq!(chat().await.code(), 0, "{rule}");
        world.set_app(&world.app_id, json!({"scopes": larkspur_contract::scopes::ALL})).await;
    }
    // The call too many: the window is full, and the clock helps.
    while tags().send().await.code() == 0 {}
    let shown = newest(&world).await;
    assert_eq!((&shown["code"], &shown["why"]["step"]), (&json!(99991400), &json!("admit")));
    assert_eq!(shown["why"]["facts"]["window"], "5 of 5", "{shown}");
    let before = get(&world, "/traffic?operation=im.v2.tag.list&outcome=ok&limit=1").await;
    let last = entry(&world, &text(&before["entries"][0], "log_id")).await;
    let windows = &last["steps"][2]["windows"];
    assert_eq!(windows[0], json!({"cap": 5, "seconds": 1, "used": 5}), "{last}");
    let seconds = shown["why"]["facts"]["reset_seconds"].as_i64().expect("seconds");
    assert_eq!(shown["why"]["fixes"][0]["body"], json!({"advance_seconds": seconds}));
    let summary = get(&world, "/traffic/summary").await;
    let peak = summary["peaks"]
        .as_array()
        .expect("peaks")
        .iter()
        .find(|peak| peak["operation"] == "im.v2.tag.list" && peak["seconds"] == 1);
    assert_eq!(peak.expect("a peak")["calls"], 6);
    assert_eq!(peak.expect("a peak")["over"], true);
    world.advance(seconds).await;
    assert_eq!(tags().send().await.code(), 0);
}

#[tokio::test]
async fn a_call_belongs_to_its_world_whatever_its_credential() {
    let world = world().await;
    let other = world.lab.world().await;
    let info = |token: &str| world.lab.request("GET", "/open-apis/bot/v3/info").token(token).send();
    // Expired, by the world's clock.
    world.advance(7200 + 90).await;
    info(&world.token).await.refused(99991663);
    let shown = newest(&world).await;
    assert_eq!(
        (&shown["why"]["rule"], &shown["why"]["facts"]["expired_seconds_ago"]),
        (&json!("token_life"), &json!(90))
    );
    assert_eq!(shown["caller"]["expires_in_s"], -90);
    assert_eq!(shown["why"]["fixes"][0]["id"], "app.token");
    // Revoked.
    let user = world.user_token(0, json!({})).await;
    world.user_token(0, json!({"revoke_previous": true})).await;
    info(&user).await.refused(99991668);
    assert_eq!(newest(&world).await["why"]["rule"], "token_revoked");
    // A wrong secret names its app.
    let body = json!({"app_id": world.app_id, "app_secret": "wrong"});
    let reply =
        world.lab.request("POST", "/open-apis/auth/v3/tenant_access_token/internal").body(body).send().await;
    assert_ne!(reply.code(), 0);
    let shown = newest(&world).await;
    assert_eq!(
        (&shown["log_id"], &shown["request"]["body"]["app_secret"]),
        (&json!(log_id(&reply)), &json!("…"))
    );
    // The token of a custom bot names its world, and is not shown.
    let made =
        world.control("POST", &format!("/chats/{}/hooks", world.chat_id)).body(json!({})).send().await.data();
    let (_, token) =
        text(&made, "url").rsplit_once('/').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a URL");
    let hook =
        world.lab.request("POST", &format!("/open-apis/bot/v2/hook/{token}")).body(json!({})).send().await;
    let shown = newest(&world).await;
    assert_eq!((&shown["log_id"], &shown["operation"]), (&json!(log_id(&hook)), &json!("bot.v2.hook.send")));
    assert!(!shown.to_string().contains(&token), "{shown}");
    // Nothing is known of the others.
    for reply in [info("t-forged").await, world.lab.request("GET", "/im/v1/chats").send().await] {
        let id = log_id(&reply);
        world.control("GET", &format!("/traffic/{id}")).send().await.refused(5275404);
        let found = world.lab.control("GET", &format!("/traffic/{id}")).send().await.data();
        assert!(found.get("world").is_none(), "{found}");
        let list = world.lab.control("GET", "/traffic?world=none").send().await.data();
        assert!(list["entries"].as_array().expect("a list").iter().any(|row| row["log_id"] == id), "{list}");
    }
    world.lab.control("GET", "/traffic/x").send().await.refused(5275404);
    declined(&world.lab.control("GET", "/traffic?world=x").send().await, 5275404, "tenant_key");
    declined(&world.lab.control("GET", "/traffic?limit=x").send().await, 5275400, "limit");
    let found = world.lab.control("GET", "/traffic?world=none&outcome=unrouted").send().await.data();
    let unrouted = world
        .lab
        .control("GET", &format!("/traffic/{}", text(&found["entries"][0], "log_id")))
        .send()
        .await
        .data();
    assert_eq!(unrouted["near"][0]["path"], "/open-apis/im/v1/chats");
    assert!(text(&unrouted["near"][0], "differs").contains("/open-apis"), "{unrouted}");
    // The other world has its own calls alone.
    for row in get(&other, "/traffic").await["entries"].as_array().expect("a list") {
        assert_eq!(row["world"], other.tenant_key);
    }
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let world = world().await;
    get(&world, "/traffic").await;
    for n in 0..5 {
        world.tag(&format!("tag {n}")).await;
    }
    let list = |query: &'static str| {
        let world = &world;
        async move { get(world, &format!("/traffic?{query}")).await }
    };
    let count = async |query: &'static str| list(query).await["entries"].as_array().expect("a list").len();
    assert_eq!(count("operation=im.v2.tag.*").await, 5);
    assert_eq!(count("operation=im.v2.tag.create&body.create_tag.name=tag%202").await, 1);
    assert_eq!(count("operation=im.v2.tag.create&outcome=!ok").await, 0);
    assert_eq!(count("method=POST&status=200&code=0&path=*/tags").await, 5);
    assert_eq!(count("kind=control&operation=larkspur.v1.world.create").await, 1);
    assert_eq!(count("operation=larkspur.*").await, 0, "control calls are hidden");
    let first = list("limit=2").await;
    assert_eq!(first["entries"][0]["operation"], "im.v2.tag.create");
    let before = first["next_before"].as_u64().expect("more");
    let second = get(&world, &format!("/traffic?limit=2&before={before}")).await;
    assert!(second["entries"][0]["seq"].as_u64() < Some(before));
    let since = text(&first["entries"][1], "log_id");
    assert_eq!(
        get(&world, &format!("/traffic?since={since}")).await["entries"].as_array().expect("a list").len(),
        1
    );
    let all = list("limit=1000").await;
    assert!(all.get("next_before").is_none() && all["recording"] == true, "{all}");
    world.control("DELETE", "/traffic").send().await.data();
    let cleared = list("limit=10").await;
    assert_eq!((&cleared["entries"], &cleared["newest"]), (&json!([]), &all["newest"]));
}

#[tokio::test]
async fn assertions_count_wait_and_name_near_misses() {
    let world = world().await;
    let create = json!({"operation": "im.v2.tag.create", "body": {"create_tag.name": "Wiki"}});
    let failed = check(&world, json!({"match": create})).await;
    assert_eq!((&failed["passed"], &failed["count"]), (&json!(false), &json!(0)));
    world.tag("wiki").await;
    let failed = check(&world, json!({"match": create})).await;
    assert_eq!(
        failed["near"][0]["differs"],
        json!([{"path": "body.create_tag.name", "wanted": "Wiki", "got": "wiki"}])
    );
    assert_eq!(failed["near"][0]["score"], 0.5);
    let request = world.control("POST", "/traffic/check?fail=status").body(json!({"match": create}));
    let refused = request.send().await;
    declined(&refused, 5275412, "match");
    assert!(refused.text().contains("create_tag.name"), "{}", refused.text());
    // The call comes later.
    let waiting = check(&world, json!({"match": create, "wait_ms": 20_000}));
    let (passed, _) = tokio::join!(waiting, async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        world.tag("Wiki").await
    });
    assert_eq!((&passed["passed"], &passed["count"]), (&json!(true), &json!(1)));
    let passed = async |body: Value| check(&world, body).await["passed"] == true;
    let any = json!({"operation": "im.v2.tag.create"});
    assert!(passed(json!({"match": any, "count": {"exactly": 2}})).await);
    assert!(
        !passed(json!({"match": any, "count": {"at_most": 1}, "wait_ms": 60_000})).await,
        "waiting cannot help"
    );
    assert!(!passed(json!({"never": any})).await);
    assert!(passed(json!({"never": {"operation": "im.v1.chat.delete"}})).await);
    let token = json!({"operation": "auth.v3.*"});
    assert!(passed(json!({"in_order": [token, {"body": {"create_tag.name": "wiki"}}, create]})).await);
    assert!(!passed(json!({"in_order": [create, token]})).await);
    assert!(!passed(json!({"in_order": [any, any, any]})).await);
}

#[tokio::test]
async fn what_has_an_upper_limit_holds_when_the_time_has_passed() {
    let world = world().await;
    let any = json!({"operation": "im.v2.tag.create"});
    world.tag("one").await;
    for (wanted, too_many) in [
        (json!({"never": {"operation": "im.v2.tag.create", "body": {"create_tag.name": "late 0"}}}), 1),
        (json!({"match": any, "count": {"exactly": 2}}), 3),
        (json!({"match": any, "count": {"at_least": 1, "at_most": 3}}), 4),
    ] {
        // It holds now, and holds at the end.
        let mut short = wanted.clone();
        short["wait_ms"] = json!(200);
        let began = std::time::Instant::now();
        let held = check(&world, short).await;
        assert_eq!((&held["passed"], &held["dropped"]), (&json!(true), &json!(0)), "{wanted}");
        assert!(began.elapsed() >= std::time::Duration::from_millis(200), "{wanted}: it did not wait");
        // It holds now, and a later call breaks it, which ends the wait.
        let mut long = wanted.clone();
        long["wait_ms"] = json!(60_000);
        let (broken, ()) = tokio::join!(check(&world, long), async {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            world.tag(&format!("late {}", too_many - 1)).await;
        });
        assert_eq!((&broken["passed"], &broken["count"]), (&json!(false), &json!(too_many)), "{wanted}");
    }
    // What cannot be broken any more is answered at once.
    assert_eq!(check(&world, json!({"match": any, "wait_ms": 60_000})).await["passed"], true);
}

/// Longer than what is masked, and nowhere else.
const CANARY: &str = "k4n4ry-9f8e7d6c5b4a-39281706";

#[tokio::test]
async fn no_secret_is_recorded() {
    let world = world().await;
    let lab = &world.lab;
    let token = "/open-apis/auth/v3/tenant_access_token/internal";
    let oauth = "/open-apis/authen/v2/oauth/token";
    let form = Some("application/x-www-form-urlencoded");
    let multipart = [("image_type", "message"), ("password", CANARY)];
    for request in [
        lab.request("POST", token).body(json!({"app_id": world.app_id, "app_secret": CANARY})),
        lab.request("POST", token).body(json!({"app_id": world.app_id, "app_secret": [CANARY]})),
        lab.request("POST", token)
            .raw(format!("{{\"app_id\":\"{}\",\"app_secret\":\"{CANARY}", world.app_id)),
        lab.request("POST", token).raw(format!("app_secret={CANARY}")),
        lab.request("POST", token).raw(format!("{{'app_secret':'{CANARY}'}}")),
        lab.request("POST", oauth)
            .raw(format!("client_id={}&client_secret={CANARY}&code={CANARY}", world.app_id))
            .content_type(form),
        lab.request("POST", oauth)
            .body(json!({"grant_type": "refresh_token", "refresh_token": CANARY, "code_verifier": CANARY})),
        lab.request("GET", &format!("/open-apis/im/v1/chats?access_token={CANARY}")),
        lab.request("GET", "/open-apis/im/v1/chats").token(CANARY),
        lab.request("GET", "/open-apis/im/v1/chats")
            .header("cookie", &format!("session={CANARY}"))
            .header("x-lark-signature", CANARY),
        lab.request("POST", &format!("/open-apis/bot/v2/hook/{CANARY}")).body(json!({"sign": CANARY})),
        lab.request("GET", &format!("/callback/ws/endpoint?ticket={CANARY}")),
        world
            .call("GET", "/im/v1/chats")
            .header("referer", &format!("wss://127.0.0.1/ws?ticket={CANARY}&service_id=1")),
        world.call("POST", "/im/v1/images").multipart(&multipart, ("image", CANARY.as_bytes())),
        world
            .call("PUT", &format!("/im/v1/chats/{}", world.chat_id))
            .body(json!({"description": json!({"secret": CANARY}).to_string()})),
        world
            .control("PUT", &format!("/apps/{}/events", world.app_id))
            .body(json!({"request_url": "", "encrypt_key": CANARY, "verification_token": CANARY})),
        world.control("POST", "/users").body(json!({"user_id": "x", "password": CANARY})),
        world.control("GET", "/users").token(CANARY),
    ] {
        let reply = request.send().await;
        assert!(reply.status() < 500, "{}", reply.text());
    }
    world.sign_in(&world.app_id, &world.app_secret).await;
    let mut ids = Vec::new();
    for path in
        ["/traffic?limit=1000", "/traffic?limit=1000&kind=control", "/traffic?limit=1000&kind=platform"]
    {
        let list = lab.control("GET", path).send().await.data();
        assert!(!list.to_string().contains(CANARY), "{list}");
        ids.extend(list["entries"].as_array().expect("a list").iter().map(|row| text(row, "log_id")));
    }
    assert!(ids.len() > 18, "{}", ids.len());
    for id in &ids {
        let shown = lab.control("GET", &format!("/traffic/{id}")).send().await.data().to_string();
        for secret in [CANARY, &world.app_secret, &world.token] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
    let own = get(&world, "/traffic?limit=200").await;
    let own: Vec<&str> =
        own["entries"].as_array().expect("a list").iter().filter_map(|row| row["log_id"].as_str()).collect();
    for format in FORMATS {
        let body = json!({"log_ids": own, "as": format});
        let exported = world.control("POST", "/traffic/export").body(body).send().await.data().to_string();
        assert!(!exported.contains(CANARY) && !exported.contains(&world.app_secret), "{exported}");
    }
    // What had a secret cannot be sent again.
    let list = get(&world, "/traffic?operation=auth.v3.*&outcome=refused&limit=1").await;
    let path = format!("/traffic/{}/replay", text(&list["entries"][0], "log_id"));
    declined(&world.control("POST", &path).body(json!({})).send().await, 5275409, "log_id");
}

const FORMATS: [&str; 10] =
    ["curl", "python", "node", "go", "larkspur", "pytest", "vitest", "har", "ndjson", "html"];

#[tokio::test]
async fn exports_carry_ids_from_one_call_to_the_next() {
    let world = world().await;
    let made = world.call("POST", "/im/v1/chats").body(json!({"name": "a </script> 'b'"})).send().await;
    let chat = text(&made.data(), "chat_id");
    let got =
        world.call("GET", &format!("/im/v1/chats/{chat}")).query("user_id_type", "user_id").send().await;
    let user = world.user_token(0, json!({})).await;
    let refused = world.call("GET", "/im/v1/chats/oc_x").token(&user).send().await;
    let ids = [log_id(&made), log_id(&got), log_id(&refused)];
    let export = async |format: &str| {
        let body = json!({"log_ids": ids, "as": format});
        text(&world.control("POST", "/traffic/export").body(body).send().await.data(), "text")
    };
    let curl = export("curl").await;
    assert!(
        curl.contains("-H \"Authorization: Bearer $LARKSPUR_TOKEN\"")
            && curl.contains("$LARKSPUR_USER_TOKEN"),
        "{curl}"
    );
    assert!(curl.contains(r"'\''b'\''"), "{curl}");
    let pytest = export("pytest").await;
    assert!(pytest.contains("chat_id_1 = answer[\"data\"][\"chat_id\"]"), "{pytest}");
    assert!(
        pytest.contains("\"/open-apis/im/v1/chats/\" + chat_id_1 + \"\"") && !pytest.contains(&chat),
        "{pytest}"
    );
    assert!(pytest.contains("== 232006") && pytest.contains("user=True"), "{pytest}");
    let vitest = export("vitest").await;
    assert!(
        vitest.contains("const chat_id_1 = answer[\"data\"][\"chat_id\"];") && !vitest.contains(&chat),
        "{vitest}"
    );
    assert!(export("larkspur").await.contains(&format!(
        "larkspur call im.v1.chat.get --path 'chat_id={chat}' --query 'user_id_type=user_id'"
    )));
    let har: Value = serde_json::from_str(&export("har").await).expect("JSON");
    assert_eq!(har["log"]["entries"].as_array().expect("entries").len(), 3);
    assert_eq!(export("ndjson").await.lines().count(), 3);
    assert!(export("html").await.contains("a &lt;/script&gt; 'b'"));
    for format in ["python", "node", "go"] {
        assert!(export(format).await.contains("/open-apis/im/v1/chats"), "{format}");
    }
}

#[tokio::test]
async fn the_ledger_says_which_scopes_an_app_needs() {
    let world = world().await;
    let (app, token) =
        world.app(json!({"name": "narrow", "scopes": ["im:chat:readonly", "im:resource"]})).await;
    let chat = format!("/im/v1/chats/{}", world.chat_id);
    world.call("GET", &chat).token(&token).send().await.data();
    let refused = world.call("POST", "/im/v2/tags").token(&token).body(json!({})).send().await;
    refused.refused(99991672);
    let ledger = get(&world, &format!("/apps/{app}/ledger")).await;
    let state = |scope: &str| {
        let rows = ledger["scopes"].as_array().expect("rows").iter();
        rows.clone().find(|row| row["scope"] == scope).map(|row| text(row, "state"))
    };
    assert_eq!(state("im:chat:readonly").as_deref(), Some("used"), "{ledger}");
    assert_eq!(state("im:resource").as_deref(), Some("unused"));
    assert_eq!(ledger["unused"], json!(["im:resource"]));
    assert_eq!(ledger["exact"], true);
    // With the minimal set alone, the same calls pass; without any one of them, not.
    let minimal: Vec<String> = ledger["minimal"]["tenant"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one.as_str())
        .map(str::to_owned)
        .collect();
    assert_eq!(ledger["manifest"]["scopes"]["tenant"], json!(minimal));
    let passes = async |scopes: Vec<String>| {
        world.set_app(&app, json!({"scopes": scopes})).await;
        let get = world.call("GET", &chat).token(&token).send().await.code();
        let create = world.call("POST", "/im/v2/tags").token(&token).body(json!({})).send().await.code();
        get != 99991672 && create != 99991672
    };
    assert!(passes(minimal.clone()).await);
    for left_out in &minimal {
        assert!(
            !passes(minimal.iter().filter(|scope| *scope != left_out).cloned().collect()).await,
            "{left_out}"
        );
    }
}

#[tokio::test]
async fn streams_are_counted_and_deleted_worlds_are_forgotten() {
    let world = world().await;
    let stream = || world.control("GET", "/stream").send();
    let mut open = Vec::new();
    for _ in 0..16 {
        let reply = stream().await;
        assert_eq!((reply.status(), reply.response.content_type.as_ref()), (200, "text/event-stream"));
        open.push(reply);
    }
    stream().await.refused(5275429);
    open.pop();
    open.push(stream().await);
    assert_eq!(open[15].status(), 200);
    let id = log_id(&world.call("GET", "/im/v1/chats").send().await);
    world.control("DELETE", "").send().await.data();
    world.lab.control("GET", &format!("/traffic/{id}")).send().await.refused(5275404);
}

#[tokio::test]
async fn a_server_that_does_not_record_says_so() {
    let world = Lab::with(LabOptions { traffic: None, ..LabOptions::default() }).await.world().await;
    let list = get(&world, "/traffic").await;
    assert_eq!((&list["recording"], &list["entries"]), (&json!(false), &json!([])));
    let checked = check(&world, json!({"match": {}, "wait_ms": 1})).await;
    assert_eq!(checked["passed"], false);
}

#[tokio::test]
async fn a_small_ring_keeps_the_newest_calls() {
    let traffic = TrafficOptions { entries: 3, body_bytes: 40, ..TrafficOptions::default() };
    let world = Lab::with(LabOptions { traffic: Some(traffic), ..LabOptions::default() }).await.world().await;
    for n in 0..5 {
        world.tag(&format!("a tag with a rather long name {n}")).await;
    }
    let list = get(&world, "/traffic").await;
    assert_eq!(list["entries"].as_array().expect("a list").len(), 3);
    assert_eq!(list["oldest"].as_u64(), list["dropped"].as_u64().map(|dropped| dropped + 1));
    let shown = newest(&world).await;
    assert_eq!(shown["request"]["cut"], true);
    assert!(shown["request"]["bytes"].as_u64() > Some(40), "{shown}");
    let path = format!("/traffic/{}/replay", text(&shown, "log_id"));
    declined(&world.control("POST", &path).body(json!({})).send().await, 5275409, "log_id");
}
