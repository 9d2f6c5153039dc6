//! Events as the control API shows and makes them.

use larkspur_contract::Effect;
use larkspur_contract::events::Form;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_store::events::history::{self, Made};
use larkspur_testkit::receiver::{Manner, Receiver};
use larkspur_testkit::{Lab, World};
use serde_json::{Value, json};

use super::{declined, get};
use crate::scenarios::{text, world};

const KIND: &str = "im.message.receive_v1";

async fn send(world: &World, event: Value) -> String {
    let body = json!({"app_id": world.app_id, "type": KIND, "event": event, "raw": true});
    text(&world.control("POST", "/events").body(body).send().await.data(), "event_id")
}

async fn listen(world: &World, receiver: &Receiver) {
    let path = format!("/apps/{}/events", world.app_id);
    world.control("PUT", &path).body(json!({"request_url": receiver.url()})).send().await.data();
    assert_eq!(world.lab.delivery_worker().round().await, 1);
}

fn ids(list: &Value) -> Vec<String> {
    list["events"].as_array().expect("events").iter().map(|event| text(event, "event_id")).collect()
}

#[tokio::test]
async fn a_new_custom_app_hears_everything_by_long_connection() {
    let lab = Lab::start().await;
    let made = lab.control("POST", "/worlds").body(json!({})).send().await.data();
    let path = format!("/worlds/{}/apps", text(&made, "tenant_key"));
    let events = async |app_id: &Value| {
        let path = format!("{path}/{}/events", app_id.as_str().expect("an id"));
        lab.control("GET", &path).send().await.data()
    };
    let app = lab.control("POST", &path).body(json!({})).send().await.data();
    for id in [&made["app_id"], &app["app_id"]] {
        let shown = events(id).await;
        assert_eq!(
            (&shown["mode"], &shown["verified"], shown.get("types")),
            (&json!("websocket"), &json!(true), None)
        );
        assert_eq!((&shown["callbacks"]["mode"], shown.get("reason")), (&json!("websocket"), None));
    }
    let isv = lab.control("POST", &path).body(json!({"kind": "isv"})).send().await.data();
    assert_eq!(events(&isv["app_id"]).await["reason"], "there is no request URL");
    // A body says otherwise.
    let receiver = Receiver::start();
    let setting = json!({"request_url": receiver.url(), "types": [KIND], "verification_token": "mine"});
    let app = lab.control("POST", &path).body(json!({"events": setting})).send().await.data();
    let world = lab.control("POST", "/worlds").body(json!({"events": setting})).send().await.data();
    assert_eq!(lab.delivery_worker().round().await, 2);
    let shown = events(&app["app_id"]).await;
    assert_eq!(
        (&shown["mode"], &shown["verified"], &shown["types"]),
        (&json!("webhook"), &json!(true), &json!([KIND]))
    );
    assert_eq!(shown["verification_token"], "mine");
    assert!(world["app_id"].is_string());
    let empty = json!({"template": "empty", "events": setting});
    declined(&lab.control("POST", "/worlds").body(empty).send().await, 5275400, "events");
    let wrong = json!({"kind": "isv", "events": {"mode": "websocket"}});
    declined(&lab.control("POST", &path).body(wrong).send().await, 5275400, "mode");
    for (wrong, field) in [
        (json!({"mode": "websocket", "request_url": "http://a/"}), "request_url"),
        (json!({"mode": "websocket", "types": ["a b"]}), "types[*]"),
        (json!({"mode": "x"}), "mode"),
        (
            json!({"mode": "websocket", "callbacks": {"mode": "websocket", "request_url": "http://a/"}}),
            "callbacks.request_url",
        ),
    ] {
        let path = format!("{path}/{}/events", text(&app, "app_id"));
        declined(&lab.control("PUT", &path).body(wrong).send().await, 5275400, field);
    }
}

#[tokio::test]
async fn an_event_is_made_up_listed_and_sent_again() {
    let (world, receiver) = (world().await, Receiver::start());
    listen(&world, &receiver).await;
    let worker = world.lab.delivery_worker();
    let first = send(&world, json!({"message": {"content": "{\"text\":\"hello\"}"}})).await;
    assert_eq!(worker.round().await, 1);
    let heard = receiver.events().remove(0);
    assert_eq!((&heard["header"]["event_id"], &heard["header"]["event_type"]), (&json!(first), &json!(KIND)));
    assert_eq!(heard["event"], json!({"message": {"content": "{\"text\":\"hello\"}"}}));
    let list = get(&world, "/events").await;
    let shown = &list["events"][0];
    assert_eq!((&shown["event_id"], &shown["state"]), (&json!(first), &json!("delivered")));
    assert_eq!((&shown["payload"], &shown["attempt_count"]), (&heard["event"], &json!(1)));
    assert_eq!(list["events"][1]["event_type"], "url_verification");
    assert_eq!((list.get("before"), list.get("not_sent")), (None, None));

    receiver.answer(Manner::With("500 Internal Server Error", "no".to_owned()));
    let path = format!("/events/{first}/resend");
    let again = world.control("POST", &path).body(json!({"times": 2})).send().await.data();
    assert_eq!(again["event_ids"], json!([first, first]));
    assert_eq!(worker.round().await, 2);
    let shown = get(&world, "/events?state=waiting").await["events"][0].clone();
    let attempt = &shown["attempts"].as_array().expect("attempts").last().expect("one").clone();
    assert_eq!((&attempt["status"], &attempt["failure"]), (&json!(500), &json!("HTTP 500: no")));
    assert_eq!(attempt["request_url"], receiver.url());
    let body: Value = serde_json::from_str(&text(&attempt["request"], "body")).expect("JSON");
    assert_eq!((&body["event"], &attempt["request"]["headers"]), (&heard["event"], &json!({})));
    assert_eq!(attempt["answer"], "no");
    assert!(shown["next_try_ms"].is_i64(), "{shown}");
    receiver.answer(Manner::Well);
    let body = json!({"app_id": world.app_id, "fresh_id": true});
    let fresh = world.control("POST", &path).body(body).send().await.data();
    assert_ne!(fresh["event_ids"][0], json!(first));
    assert_eq!(worker.round().await, 1);
    assert_eq!(receiver.events()[3]["event"], heard["event"]);
    assert_eq!(receiver.events()[3]["header"]["create_time"], heard["header"]["create_time"]);
}

/// An upgrade keeps tickets of earlier releases for display only.
#[tokio::test]
async fn an_event_without_a_payload_is_not_sent_again() {
    let (world, id) = (world().await, "0123456789abcdef0123456789abcdef");
    let tenant = TenantKey::parse(&world.tenant_key).expect("a tenant");
    let app_id = AppId::parse(&world.app_id).expect("an app");
    let added = world.lab.app.engine().run(Effect::Writes, move |root| {
        let mut tx = root.tenant(tenant);
        Box::pin(async move {
            let made = Made {
                event_id: Some(id),
                app_id,
                developer: tenant,
                event_type: "app_ticket",
                form: Form::V1,
                payload: "",
                sealed: false,
                created_at: 0,
            };
            history::send(&mut tx, &made).await
        })
    });
    added.await.expect("a transaction");
    let path = format!("/events/{id}/resend");
    declined(&world.control("POST", &path).body(json!({})).send().await, 5275400, "event_id");
}

#[tokio::test]
async fn a_list_is_read_in_pages() {
    let world = world().await;
    let mut sent = Vec::new();
    for number in 0..5 {
        sent.push(send(&world, json!({"number": number})).await);
    }
    sent.reverse();
    let page = get(&world, "/events?limit=2").await;
    assert_eq!(ids(&page), sent[..2]);
    let rest =
        get(&world, &format!("/events?app_id={}&before={}", world.app_id, text(&page, "before"))).await;
    assert_eq!((ids(&rest), rest.get("before")), (sent[2..].to_vec(), None));
    assert_eq!(world.lab.delivery_worker().round().await, 0, "there is no address");
    let dropped = get(&world, "/events?state=dropped&limit=1").await;
    assert_eq!(dropped["events"][0]["failure"], "there is no request URL");
    let (other, _) = world.app(json!({})).await;
    assert_eq!(ids(&get(&world, &format!("/events?app_id={other}")).await), [] as [&str; 0]);
}

/// Its ID carries its number; the ID of an event of an earlier release does not.
#[tokio::test]
async fn any_kept_event_is_sent_again() {
    let world = world().await;
    let first = send(&world, json!({"number": 1})).await;
    let (tenant, app_id) = world.keys();
    let adding = world.lab.app.engine().run(Effect::Writes, move |root| {
        let mut tx = root.tenant(tenant);
        Box::pin(async move {
            for number in 0..600 {
                let old = format!("{number:032x}");
                let made = Made {
                    event_id: Some(old.as_str()).filter(|_| number == 599),
                    app_id,
                    developer: tenant,
                    event_type: KIND,
                    form: Form::V2,
                    payload: "{}",
                    sealed: false,
                    created_at: 0,
                };
                history::send(&mut tx, &made).await?;
            }
            Ok(())
        })
    });
    adding.await.expect("a transaction");
    for id in [first.as_str(), &format!("{:032x}", 599)] {
        let path = format!("/events/{id}/resend");
        let again = world.control("POST", &path).body(json!({})).send().await.data();
        assert_eq!(again["event_ids"], json!([id]));
        assert_eq!(get(&world, "/events?limit=1").await["events"][0]["event_id"], id);
    }
    // A copy has the ID of its original, but each app has IDs of its own.
    let (other, _) = world.app(json!({})).await;
    let path = format!("/events/{first}/resend");
    let copy = world.control("POST", &path).body(json!({"app_id": other})).send().await.data();
    assert_ne!(copy["event_ids"], json!([first]));
    assert_eq!(
        ids(&get(&world, &format!("/events?app_id={other}")).await),
        [copy["event_ids"][0].as_str().expect("an id").to_owned()]
    );
    let elsewhere = world.lab.world().await;
    declined(&elsewhere.control("POST", &path).body(json!({})).send().await, 5275404, "event_id");
}

#[tokio::test]
async fn why_an_app_is_not_told() {
    let world = world().await;
    let kind = "app_ticket";
    let reasons = async |query: &str| {
        let list = get(&world, &format!("/events?type={kind}{query}")).await;
        let all = list["not_sent"].as_array().expect("a list").clone();
        all.iter().find(|one| one["app_id"] == world.app_id.as_str()).map(|one| text(one, "reason"))
    };
    assert_eq!(reasons("").await.as_deref(), Some("not_subscribed"));
    let path = format!("/apps/{}/events", world.app_id);
    world.control("PUT", &path).body(json!({"mode": "websocket"})).send().await.data();
    assert_eq!(reasons("").await.as_deref(), Some("no_connection"));
    let receiver = Receiver::start();
    listen(&world, &receiver).await;
    assert_eq!(reasons("").await, None);
    let chat = world.chat(json!({"members": [world.users[0].user_id]})).await;
    assert_eq!(reasons(&format!("&chat_id={}", world.chat_id)).await, None);
    assert_eq!(reasons(&format!("&chat_id={chat}")).await.as_deref(), Some("bot_absent"));
    world.set_app(&world.app_id, json!({"bot": false})).await;
    assert_eq!(reasons("").await.as_deref(), Some("bot_off"));
}

#[tokio::test]
async fn each_step_of_a_challenge_is_told() {
    let (world, receiver) = (world().await, Receiver::start());
    let path = format!("/apps/{}/challenge", world.app_id);
    let ask = || world.control("POST", &path);
    declined(&ask().send().await, 5275400, "app_id");
    listen(&world, &receiver).await;
    let names = |told: &Value| -> Vec<String> {
        told["steps"].as_array().expect("steps").iter().map(|step| text(step, "step")).collect()
    };
    let good = ask().send().await.data();
    assert_eq!((&good["verified"], &good["status"]), (&json!(true), &json!(200)));
    assert_eq!(names(&good), ["resolve", "connect", "answer", "status", "challenge"]);
    receiver.answer(Manner::With("503 Service Unavailable", String::new()));
    let bad = ask().send().await.data();
    assert_eq!(names(&bad), ["resolve", "connect", "answer", "status"]);
    assert_eq!(bad["steps"][3]["why"], "HTTP 503: with an empty body");
    let events = format!("/apps/{}/events", world.app_id);
    assert_eq!(get(&world, &events).await["verified"], false);
    let put = json!({"request_url": "http://127.0.0.1:9/"});
    world.control("PUT", &events).body(put).send().await.data();
    let closed = ask().send().await.data();
    assert_eq!(names(&closed), ["resolve", "connect"]);
    assert_eq!(closed.get("status"), None);
}

/// What Larkspur emits has the form that made-up events must have.
#[tokio::test]
async fn real_events_can_be_sent_as_made_up_ones() {
    let world = world().await;
    world.receive_by_connection().await;
    let path = format!("/im/v1/chats/{}", world.chat_id);
    world.call("PUT", &path).body(json!({"name": "b", "description": "c"})).send().await.data();
    let click = format!("/apps/{}/menu_clicks", world.app_id);
    let body = json!({"as": world.users[0].user_id, "event_key": "help"});
    world.control("POST", &click).body(body).send().await.data();
    let body = json!({"as": world.users[0].user_id, "app_id": world.app_id});
    world.control("POST", "/p2p").body(body).send().await.data();
    let token = world.user_token(0, json!({})).await;
    let body = json!({"receive_id": world.chat_id, "msg_type": "text", "content": r#"{"text":"x"}"#});
    let said = world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).token(&token);
    let message = format!("/im/v1/messages/{}", text(&said.send().await.data(), "message_id"));
    let body = json!({"reaction_type": {"emoji_type": "SMILE"}});
    let reactions = format!("{message}/reactions");
    world.call("POST", &reactions).body(body).token(&token).send().await.data();
    world.call("DELETE", &message).token(&token).send().await.data();
    let list = get(&world, "/events").await;
    let mut seen = std::collections::BTreeSet::new();
    for event in list["events"].as_array().expect("events") {
        let body = json!({"app_id": world.app_id, "type": event["event_type"], "event": event["payload"]});
        world.control("POST", "/events").body(body).send().await.data();
        seen.insert(text(event, "event_type"));
    }
    assert!(seen.len() >= 4, "{seen:?}");
    for kind in [KIND, "im.message.recalled_v1", "im.message.reaction.created_v1"] {
        assert!(seen.contains(kind), "{seen:?}");
    }
    let mut wrong = list["events"][0]["payload"].clone();
    wrong["chat_id"] = json!(["oc_1"]);
    let kind = text(&list["events"][0], "event_type");
    let mut body = json!({"app_id": world.app_id, "type": kind, "event": wrong});
    declined(&world.control("POST", "/events").body(body.clone()).send().await, 5275400, "event");
    body["raw"] = json!(true);
    world.control("POST", "/events").body(body).send().await.data();
}

#[tokio::test]
async fn what_does_not_fit() {
    let world = world().await;
    let with = |kind: &str, event: Value| json!({"app_id": world.app_id, "type": kind, "event": event});
    let mut raw = with("A b", json!({}));
    raw["raw"] = json!(true);
    let mut foreign = with("app_ticket", json!({"type": "app_ticket", "app_id": "", "app_ticket": ""}));
    foreign["app_id"] = json!("cli_0000000000000001");
    for (body, code, field) in [
        (with("app_tickets", json!({})), 5275400, "type"),
        (with("url_verification", json!({})), 5275400, "type"),
        (with("app_ticket", json!({})), 5275400, "event"),
        (with("app_ticket", json!({"type": "app_ticket"})), 5275400, "event"),
        (with("im.chat.disbanded_v1", json!({"chat_id": 5})), 5275400, "event"),
        (with(KIND, json!({"message": {"msg_type": "text"}})), 5275400, "event"),
        (with("im.message.recalled_v1", json!({"chat_id": 5})), 5275400, "event"),
        (with("im.message.message_read_v1", json!({})), 5275400, "event"),
        (with("im.message.reaction.created_v1", json!({})), 5275400, "event"),
        (with("im.message.reaction.deleted_v1", json!({})), 5275400, "event"),
        (raw, 5275400, "type"),
        (foreign, 5275404, "app_id"),
    ] {
        declined(&world.control("POST", "/events").body(body).send().await, code, field);
    }
    let path = "/events/0123456789abcdef0123456789abcdef/resend";
    declined(&world.control("POST", path).body(json!({})).send().await, 5275404, "event_id");
    declined(&world.control("POST", path).body(json!({"times": 0})).send().await, 5275400, "times");
    for (query, code, field) in
        [("before=x", 5275400, "before"), ("state=x", 5275400, "state"), ("type=x", 5275400, "type")]
    {
        declined(&world.control("GET", &format!("/events?{query}")).send().await, code, field);
    }
    declined(&world.control("GET", "/events?app_id=x").send().await, 5275404, "app_id");
}
