//! Worlds, and the apps in them.

use larkspur_store::tenants::TABLES;
use larkspur_store::{Clock, SystemClock, jobs};
use serde_json::{Value, json};

use super::{CALLS, Place, distinct, mixed, text};

/// Each is a separate world, and whole.
pub(super) async fn create(place: Place) {
    let made = place.race_same(place.lab.control("POST", "/worlds").body(json!({}))).await.all_done();
    let keys: Vec<String> = made.iter().map(|data| text(data, "tenant_key")).collect();
    let apps: Vec<String> = made.iter().map(|data| text(data, "app_id")).collect();
    assert!(distinct(&keys) && distinct(&apps), "{made:?}");
    for world in &made {
        let path = format!("/worlds/{}/chats/{}", text(world, "tenant_key"), text(world, "chat_id"));
        let chat = place.lab.control("GET", &path).send().await.data();
        assert_eq!(chat["members"].as_array().map(Vec::len), Some(4), "{chat}");
    }
}

/// Deleted once, and nothing of it is left in the end, even if calls write meanwhile.
pub(super) async fn delete(place: Place) {
    let people = json!({"name": "late", "user_id_list": [place.users[1].open_id]});
    let late = (0..12).map(|number| match number / 2 % 3 {
        0 => {
            let tag = json!({"tag_type": "tenant", "name": format!("late {number}")});
            place.call("POST", "/im/v2/tags").body(json!({"create_tag": tag}))
        }
        1 => place.call("POST", "/im/v1/chats").body(people.clone()),
        _ => place.add_tabs(&json!([{"tab_type": "url", "tab_content": {"url": "https://example.com"}}])),
    });
    let delete = place.lab.control("DELETE", &format!("/worlds/{}", place.tenant_key));
    let answers = place.race(mixed(vec![late.collect(), vec![delete; 4]])).await;
    let gone = answers.of("larkspur.v1.world.delete");
    assert_eq!(gone.iter().filter(|answer| answer.json["code"] == 0).count(), 1);
    // Its token, its chats and its users are unknown.
    answers.done_or(&[5275404, 99991663, 232006, 232043]);
    // Not before every call of that time has ended.
    let later = SystemClock.now_ms() + 11 * 60_000;
    jobs::sweep(place.lab.app.engine(), later).await.expect("swept");
    for table in TABLES {
        assert_eq!(place.count(table).await, 0, "{table}");
    }
}

/// Every step counts.
pub(super) async fn clock(place: Place) {
    place.race_same(place.control("PUT", "/clock").body(json!({"advance_seconds": 10}))).await.all_done();
    let offset = place.shown("").await["clock_offset_ms"].as_u64();
    assert_eq!(offset, Some(10_000 * CALLS as u64));
}

/// One of the limits is stored, and no other value.
pub(super) async fn limits(place: Place) {
    let put = |number: usize| place.control("PUT", "/limits").body(json!({"chat_users": 3 + number}));
    place.race((0..CALLS).map(put).collect()).await.all_done();
    let found = place.rows("SELECT value FROM tenant_limit WHERE tenant = $1").await;
    let set: Vec<_> = (0..CALLS).map(|number| vec![(3 + number as i64).into()]).collect();
    assert!(found.len() == 1 && set.contains(&found[0]), "{found:?}");
}

/// All settings come from the same call.
pub(super) async fn settings(place: Place) {
    let put = |number: usize| {
        let body = json!({"public_groups": number.is_multiple_of(2), "storage_bytes": number, "edit_ms": number,
            "forbidden_words": [format!("word {number}")]});
        place.control("PUT", "/settings").body(body)
    };
    place.race((0..CALLS).map(put).collect()).await.all_done();
    let shown = place.shown("/settings").await;
    let number = shown["edit_ms"].as_u64().expect("a number");
    let whole = json!({"restricted_mode": true, "hide_member_count": true, "public_groups": number.is_multiple_of(2),
        "forbidden_words": [format!("word {number}")], "storage_bytes": number, "edit_ms": number,
        "old_announcements": false});
    assert_eq!(shown, whole);
}

/// What a seed names is made once, and found by the others.
pub(super) async fn seed(place: Place) {
    let seed = json!({
        "larkspur": 1, "users": {"zoe": {}}, "tags": {"a": {}},
        "chats": {"ops": {"owner": "zoe", "tags": ["a"], "messages": [{"as": "zoe", "text": "hi"}]}},
        "faults": [{"preset": "slow-3s"}],
    });
    let load = place.control("POST", "/seed").body(json!({"seed": seed}));
    let loaded = place.race_same(load).await.all_done();
    let sum = |kind: &str| loaded.iter().filter_map(|one| one["loaded"][kind].as_u64()).sum::<u64>();
    for kind in ["users", "tags", "chats", "messages", "faults"] {
        assert_eq!(sum(kind), 1, "{kind}");
    }
    let chats: Vec<String> = loaded.iter().map(|one| text(&one["ids"]["chats"], "ops")).collect();
    assert!(chats.iter().all(|chat| *chat == chats[0]), "{chats:?}");
}

/// One call gets the id.
pub(super) async fn app(place: Place) {
    let id = format!("cli_{}", place.tenant_key);
    let made = |number: usize| {
        place.control("POST", "/apps").body(json!({"app_id": id, "name": format!("app {number}")}))
    };
    let won = place.race((0..CALLS).map(made).collect()).await.won(1, &[5275409]);
    place.sign_in(&id, &text(&won[0], "app_secret")).await;
    assert_eq!(place.count("app").await, 2);
}

/// All settings come from the same call.
pub(super) async fn app_settings(place: Place) {
    let path = format!("/apps/{}", place.app_id);
    let scopes = [json!(["im:chat"]), json!(["contact:user.id:readonly", "im:chat:readonly"])];
    let put = |number: usize| {
        let which = number / 2 % 2;
        let body = json!({"bot": which == 0, "external_sharing": which == 0, "scopes": scopes[which],
            "visible_to": [place.users[which].user_id]});
        place.control("PUT", &path).body(body)
    };
    place.race((0..CALLS).map(put).collect()).await.all_done();
    let shown = place.shown(&path).await;
    let which = usize::from(shown["bot"] == false);
    let visible = json!([place.users[which].user_id]);
    assert_eq!(
        (&shown["external_sharing"], &shown["scopes"], &shown["visible_to"]),
        (&shown["bot"], &scopes[which], &visible)
    );
}

/// One application is made; the others learn that it was.
pub(super) async fn applications(place: Place) {
    let wanted = json!({"scopes": ["im:chat"], "requested_scopes": ["im:resource"]});
    place.set_app(&place.app_id, wanted).await;
    let apply = place.call("POST", "/application/v6/scopes/apply");
    place.race_same(apply.clone()).await.won(1, &[212004]);
    apply.send().await.refused(212004);
}

/// The last secret is valid, and no other.
pub(super) async fn secret(place: Place) {
    let path = format!("/apps/{}/secret", place.app_id);
    let made = place.race_same(place.control("POST", &path)).await.all_done();
    let secrets: Vec<String> = made.iter().map(|data| text(data, "app_secret")).collect();
    assert!(distinct(&secrets));
    for server in &place.stage.servers {
        let mut client = server.client();
        let mut good = 0;
        for secret in &secrets {
            let body = json!({"app_id": place.app_id, "app_secret": secret});
            let path = "/open-apis/auth/v3/tenant_access_token/internal";
            let answer = client.send("", "POST", path, &body).expect("an answer").1;
            good += usize::from(answer["code"] == 0);
        }
        assert_eq!(good, 1, "of all secrets");
    }
}

/// Installed once.
pub(super) async fn install(place: Place) {
    let maker = place.lab.world().await;
    let made = maker.control("POST", "/apps").body(json!({"kind": "isv"})).send().await.data();
    let install = |number: usize| {
        place.control("POST", "/installs").body(json!({"app_id": made["app_id"], "bot": number % 4 < 2}))
    };
    let won = place.race((0..CALLS).map(install).collect()).await.won(1, &[5275409]);
    let shown = place.shown(&format!("/apps/{}", text(&made, "app_id"))).await;
    assert_eq!(shown["bot"], won[0]["bot"]);
}

/// Address and key come from the same call.
pub(super) async fn events(place: Place) {
    let path = format!("/apps/{}/events", place.app_id);
    let put = |number: usize| {
        let body = json!({"request_url": format!("http://127.0.0.1:9/{number}"), "encrypt_key": format!("key {number}")});
        place.control("PUT", &path).body(body)
    };
    place.race((0..CALLS).map(put).collect()).await.all_done();
    let shown = place.shown(&path).await;
    let number = text(&shown, "encrypt_key").replace("key ", "");
    assert_eq!(shown["request_url"], format!("http://127.0.0.1:9/{number}"));
    assert_eq!(place.count("app_events").await, 1);
}

/// Every type that a call adds is there in the end.
pub(super) async fn config(place: Place) {
    let path = format!("/application/v7/applications/{}/config", place.app_id);
    let patch = |number: usize| {
        let event = json!({"subscription_type": "websocket", "remove_events": ["app_ticket"], "add_events": [format!("test.{number}")]});
        place.call("PATCH", &path).body(json!({"event": event}))
    };
    place.race((0..CALLS).map(patch).collect()).await.all_done();
    let shown = place.shown(&format!("/apps/{}/events", place.app_id)).await;
    let types = shown["types"].as_array().expect("types");
    assert!((0..CALLS).all(|number| types.contains(&json!(format!("test.{number}")))), "{shown}");
}

/// Nothing listens there: no call verifies it.
pub(super) async fn challenge(place: Place) {
    let path = format!("/apps/{}", place.app_id);
    let body = json!({"request_url": "http://127.0.0.1:9/"});
    place.control("PUT", &format!("{path}/events")).body(body).send().await.data();
    let ask = place.control("POST", &format!("{path}/challenge"));
    let told = place.race_same(ask).await.all_done();
    assert!(told.iter().all(|one| one["verified"] == false), "{told:?}");
}

/// Each is a callback of its own. No app is connected.
pub(super) async fn called(place: Place) {
    let body = json!({"type": "card.action.trigger", "event": {}});
    let call = place.control("POST", &format!("/apps/{}/callbacks", place.app_id)).body(body);
    let told = place.race_same(call).await.all_done();
    assert!(told.iter().all(|one| one.get("answer").is_none() && one["code"].is_number()), "{told:?}");
    let ids: Vec<String> = told.iter().map(|data| text(data, "event_id")).collect();
    assert!(distinct(&ids), "{ids:?}");
}

/// No connection is open: each call succeeds.
pub(super) async fn cut(place: Place) {
    let path = format!("/apps/{}/connections", place.app_id);
    place.race_same(place.control("DELETE", &path)).await.all_done();
    assert_eq!(place.shown(&path).await, json!({"connections": []}));
}

/// Each of them takes effect.
pub(super) async fn steered(place: Place) {
    let path = format!("/apps/{}/deliveries", place.app_id);
    let put = place.control("PUT", &path).body(json!({"action": "drop", "next": 3}));
    let told = place.race_same(put).await.all_done();
    let expected = json!({"action": "drop", "left": 3, "held": 0});
    assert!(told.iter().all(|one| *one == expected), "{told:?}");
    assert_eq!(place.shown(&path).await, expected);
}

/// A second release finds nothing.
pub(super) async fn released(place: Place) {
    let path = format!("/apps/{}/deliveries", place.app_id);
    place.control("PUT", &path).body(json!({"action": "hold", "next": 3})).send().await.data();
    let told = place.race_same(place.control("DELETE", &path)).await.all_done();
    assert!(told.iter().all(|one| one["released"] == 0), "{told:?}");
    assert_eq!(place.shown(&path).await, json!({"left": 0, "held": 0}));
}

/// Each is an event of its own.
pub(super) async fn made_up(place: Place) {
    let body = json!({"app_id": place.app_id, "type": "test.made_up_v1", "event": {}, "raw": true});
    let made = place.race_same(place.control("POST", "/events").body(body)).await.all_done();
    let ids: Vec<String> = made.iter().map(|data| text(data, "event_id")).collect();
    assert!(distinct(&ids), "{ids:?}");
    let shown = place.shown("/events").await;
    assert_eq!(shown["events"].as_array().map(Vec::len), Some(ids.len()));
}

/// Each copy is there, beside the first one.
pub(super) async fn resent(place: Place) {
    let body = json!({"app_id": place.app_id, "type": "test.made_up_v1", "event": {}, "raw": true});
    let made = place.control("POST", "/events").body(body).send().await.data();
    let path = format!("/events/{}/resend", text(&made, "event_id"));
    let again = place.race_same(place.control("POST", &path).body(json!({}))).await.all_done();
    let shown = place.shown("/events").await;
    assert_eq!(shown["events"].as_array().map(Vec::len), Some(again.len() + 1));
}

/// All addresses come from the same call.
pub(super) async fn addresses(place: Place) {
    let path = format!("/apps/{}/sign_in", place.app_id);
    let sets: Vec<Value> = (0..CALLS)
        .map(|number| json!([format!("http://localhost/{number}"), format!("https://example.com/{number}")]))
        .collect();
    let put = |set: &Value| place.control("PUT", &path).body(json!({"redirect_uris": set}));
    place.race(sets.iter().map(put).collect()).await.all_done();
    let shown = place.shown(&path).await;
    assert!(sets.contains(&shown["redirect_uris"]), "{shown}");
}

fn path_of_refusal(operation: &str) -> String {
    format!("/refusals/{operation}")
}

/// Code and number come from the same call; as many calls as planned are refused.
pub(super) async fn refusal(place: Place) {
    let path = path_of_refusal("im.v1.chat_tab.create");
    let plans = [(232009, 3), (232011, 5), (99991400, 7)];
    let put = |number: usize| {
        let (code, times) = plans[number / 2 % 3];
        place.control("PUT", &path).body(json!({"code": code, "times": times}))
    };
    place.race((0..CALLS).map(put).collect()).await.all_done();
    let shown = place.shown("/refusals").await["refusals"][0].clone();
    let plan = plans.into_iter().find(|(code, _)| shown["code"] == *code).expect("one of them");
    assert_eq!(shown["remaining"], plan.1);
    let tab = json!([{"tab_type": "url", "tab_content": {"url": "https://example.com"}}]);
    place.race_same(place.add_tabs(&tab)).await.won(CALLS - plan.1, &[plan.0]);
    assert_eq!(place.shown("/refusals").await["refusals"][0]["remaining"], 0);
}

/// Canceled once.
pub(super) async fn no_refusal(place: Place) {
    let path = path_of_refusal("im.v1.chat_tab.create");
    place.control("PUT", &path).body(json!({"code": 232009, "times": 100})).send().await.data();
    place.race_same(place.control("DELETE", &path)).await.won(1, &[5275404]);
    let tab = json!([{"tab_type": "url", "tab_content": {"url": "https://example.com"}}]);
    place.race_same(place.add_tabs(&tab)).await.all_done();
}
