//! `application/v7`: an app changes its own subscriptions.

use larkspur_store::{Clock, SystemClock};
use larkspur_testkit::receiver::{Manner, Receiver};
use larkspur_testkit::{Reply, World};
use serde_json::{Value, json};

use crate::scenarios::{issued_token, isv_app, refused_as, text, world};

async fn patch(world: &World, id: &str, token: &str, body: &Value) -> Reply {
    let path = format!("/application/v7/applications/{id}/config");
    world.call("PATCH", &path).token(token).body(body.clone()).send().await
}

async fn own(world: &World, body: Value) -> Reply {
    patch(world, &world.app_id, &world.token, &body).await
}

async fn shown(world: &World) -> Value {
    let path = "/application/v6/applications/me";
    world.call("GET", path).query("lang", "en_us").send().await.data()["app"].clone()
}

#[tokio::test]
async fn an_app_subscribes_by_long_connection() {
    let world = world().await;
    let app = shown(&world).await;
    let none =
        json!({"subscription_type": "webhook", "request_url": "", "subscribed_events": ["app_ticket"]});
    assert_eq!(
        (&app["event"]["subscription_type"], &app["event"]["request_url"]),
        (&none["subscription_type"], &none["request_url"])
    );
    assert_eq!(app["callback"], app["callback_info"]);
    assert_eq!(app["encryption"]["encryption_key"], "");
    let reply = own(
        &world,
        json!({
            "event": {"subscription_type": "websocket", "remove_events": ["app_ticket"], "add_events": ["im.message.receive_v1"]},
            "callback": {"callback_type": "webhook", "request_url": "http://127.0.0.1:1/", "add_callbacks": ["card.action.trigger"]},
            "event_and_callback_encrypt_strategy": {"encryption_key": "a key", "verification_token": "a token"},
        }),
    )
    .await;
    assert_eq!(reply.json(), json!({"code": 0, "msg": "success", "data": {}}));
    let app = shown(&world).await;
    let types = app["event"]["subscribed_events"].as_array().expect("types");
    assert!(
        types.contains(&json!("im.message.receive_v1")) && !types.contains(&json!("app_ticket")),
        "{app}"
    );
    assert_eq!(app["event"]["subscription_type"], "websocket");
    assert_eq!(app["callback"]["request_url"], "http://127.0.0.1:1/", "it is not asked");
    assert_eq!(app["encryption"], json!({"encryption_key": "a key", "verification_token": "a token"}));
    // Another app with the right of an administrator sees all but the secrets.
    let (_, token) = world.app(json!({})).await;
    let path = format!("/application/v6/applications/{}", world.app_id);
    let other = world.call("GET", &path).token(&token).query("lang", "en_us").send().await.data();
    assert_eq!((other["app"].get("encryption"), &other["app"]["event"]), (None, &app["event"]));
}

#[tokio::test]
async fn the_address_is_asked_while_the_call_waits() {
    let (world, receiver) = (world().await, Receiver::with_key(Some("a key")));
    let event = json!({"subscription_type": "webhook", "request_url": receiver.url()});
    let keys = json!({"encryption_key": "a key", "verification_token": "a token"});
    let body = json!({"event": event, "event_and_callback_encrypt_strategy": keys});
    own(&world, body.clone()).await.data();
    let asked = receiver.seen().remove(0).json();
    assert_eq!((&asked["type"], &asked["token"]), (&json!("url_verification"), &json!("a token")));
    assert_eq!(shown(&world).await["event"]["request_url"], receiver.url());
    let path = format!("/apps/{}/events", world.app_id);
    assert_eq!(world.control("GET", &path).send().await.data()["verified"], true);
    // What does not want events is not saved, and neither is anything else of the call.
    receiver.answer(Manner::With("500 Internal Server Error", String::new()));
    let other = format!("{}&again", receiver.url());
    let body = json!({
        "event": {"subscription_type": "webhook", "request_url": other},
        "callback": {"callback_type": "websocket"},
    });
    let reply = own(&world, body).await;
    refused_as(&reply, 210042, "The validation for event.request_url failed.");
    assert_eq!(shown(&world).await["event"]["request_url"], receiver.url());
    assert_eq!(shown(&world).await["callback"]["callback_type"], "webhook");
    // A second is all it has, and no other call of the world waits meanwhile.
    receiver.answer(Manner::Slowly(2500));
    let began = SystemClock.now_ms();
    let body = json!({"event": {"subscription_type": "webhook", "request_url": other}});
    let (slow, quick) = tokio::join!(own(&world, body), async {
        world.control("POST", "/users").body(json!({})).send().await.data();
        SystemClock.now_ms() - began
    });
    refused_as(&slow, 210042, "The validation for event.request_url failed.");
    let whole = SystemClock.now_ms() - began;
    assert!((1000..2400).contains(&whole) && quick < whole, "{quick} ms of {whole} ms");
}

#[tokio::test]
async fn scopes_take_effect_at_once() {
    let world = world().await;
    let path = format!("/im/v1/chats/{}", world.chat_id);
    world.call("GET", &path).send().await.data();
    let scopes = ["im:chat", "im:chat:read", "im:chat:readonly", "im:chat.group_info:readonly"];
    let names: Vec<Value> =
        scopes.iter().map(|scope| json!({"scope_name": scope, "token_type": "tenant"})).collect();
    own(&world, json!({"scope": {"remove_scopes": names}})).await.data();
    world.call("GET", &path).send().await.refused(99991672);
    own(&world, json!({"scope": {"add_scopes": [names[1]]}})).await.data();
    world.call("GET", &path).send().await.data();
}

#[tokio::test]
async fn every_refusal() {
    let world = world().await;
    let body = json!({"event": {"subscription_type": "websocket"}});
    for wrong in [
        json!({"event": {}}),
        json!({"event": {"subscription_type": "x"}}),
        json!({"event": {"subscription_type": "webhook"}}),
        json!({"event": {"subscription_type": "webhook", "request_url": "x"}}),
        json!({"event": {"subscription_type": "websocket", "add_events": ["a b"]}}),
        json!({"callback": {"callback_type": "webhook"}}),
        json!({"callback": {"callback_type": "websocket", "add_callbacks": ["*"]}}),
        json!({"event_and_callback_encrypt_strategy": {"encryption_key": "x".repeat(33)}}),
        json!({"scope": {"add_scopes": [{"scope_name": "x", "token_type": "tenant"}]}}),
    ] {
        let reply = own(&world, wrong).await;
        assert_eq!((reply.status(), reply.code()), (400, 210031), "{}", reply.text());
    }
    let (other, _) = world.app(json!({})).await;
    let denied = "Lack of permission to update other app.";
    let reply = patch(&world, &other, &world.token, &body).await;
    assert_eq!((reply.status(), reply.code(), text(&reply.json(), "msg").as_str()), (403, 210036, denied));
    for unknown in ["cli_0000000000000001", "x"] {
        let reply = patch(&world, unknown, &world.token, &body).await;
        assert_eq!((reply.status(), reply.code()), (404, 210032));
    }
    let maker = world.lab.world().await;
    let (shop, _) = isv_app(&maker).await;
    maker.control("PUT", &format!("/apps/{shop}")).body(json!({"status": "enabled"})).send().await.data();
    let token = issued_token(&maker, &shop).await;
    assert_eq!(patch(&maker, &shop, &token, &body).await.code(), 210034);
    for (user, code) in [(0, 0), (1, 210037)] {
        let token = world.user_token(user, json!({})).await;
        assert_eq!(patch(&world, &world.app_id, &token, &body).await.code(), code);
    }
    world.set_app(&world.app_id, json!({"bot": false})).await;
    let group = json!({"event": {"subscription_type": "websocket", "add_events": ["im.chat.updated_v1"]}});
    assert_eq!(own(&world, group).await.code(), 210041);
    assert_eq!(own(&world, body).await.code(), 0, "nothing of it needs a bot");
}
