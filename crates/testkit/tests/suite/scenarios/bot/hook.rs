//! `bot/v2/hook` and `bot/hook`: custom bots.

use larkspur_server::RateLimits;
use larkspur_testkit::{Lab, LabOptions, ManualClock, Reply, Request, World};
use serde_json::{Value, json};

use crate::scenarios::{names, set_chat, text, upload, world};

/// A new custom bot of the world's chat; its URL, from the root.
async fn hook(world: &World, body: Value) -> String {
    let path = format!("/chats/{}/hooks", world.chat_id);
    let made = world.control("POST", &path).body(body).send().await.data();
    let url = text(&made, "url");
    url.strip_prefix("http://localhost").unwrap_or_else(|| panic!("{url}")).to_owned()
}

fn post(world: &World, path: &str, body: Value) -> Request {
    world.lab.request("POST", path).body(body)
}

fn message(words: &str) -> Value {
    json!({"msg_type": "text", "content": {"text": words}})
}

const SUCCESS: &str = r#"{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}"#;

#[track_caller]
fn posted(reply: &Reply) {
    assert_eq!((reply.status(), reply.text()), (200, SUCCESS));
}

/// A refusal: flat, with HTTP 200, except for the gateway's.
#[track_caller]
fn declined(reply: &Reply, code: u32, msg: &str) {
    let status = if code == 9499 { 400 } else { 200 };
    let json = reply.json();
    assert_eq!((reply.status(), &json), (status, &json!({"code": code, "data": {}, "msg": msg})));
}

const NO_TOKEN: &str = "param invalid: incoming webhook access token invalid";
const NO_TYPE: &str = "params error, msg_type need";
const NO_CONTENT: &str = "params error, unknown content value";
const NO_CARD: &str = "params error, unknown card value";
const NOT_SIGNED: &str = "sign match fail or timestamp is not within one hour from current time";

/// The latest message of the world's chat.
async fn latest(world: &World) -> Value {
    let path = format!(
        "/im/v1/messages?container_id_type=chat&container_id={}&sort_type=ByCreateTimeDesc",
        world.chat_id
    );
    world.call("GET", &path).send().await.data()["items"][0].clone()
}

fn content(message: &Value) -> Value {
    serde_json::from_str(message["body"]["content"].as_str().expect("content")).expect("JSON")
}

#[tokio::test]
async fn every_type_arrives_in_the_chat() {
    let world = world().await;
    let path = hook(&world, json!({"name": "Alerts"})).await;
    let image = upload(&world, &world.token, "message").await;
    let card = json!({"elements": [{"tag": "div", "text": {"tag": "plain_text", "content": "x"}}]});
    let mut senders = Vec::new();
    for (body, kind, stored) in [
        (message("hello"), "text", json!({"text": "hello"})),
        (
            json!({"msg_type": "post", "content": {"post": {"zh_cn": {"title": "t", "content": [[{"tag": "text", "text": "x"}]]}}}}),
            "post",
            json!({"title": "t", "content": [[{"tag": "text", "text": "x", "style": []}]]}),
        ),
        (json!({"msg_type": "image", "content": {"image_key": image}}), "image", json!({"image_key": image})),
        (
            json!({"msg_type": "share_chat", "content": {"share_chat_id": world.chat_id}}),
            "share_chat",
            json!({"chat_id": world.chat_id}),
        ),
        (json!({"msg_type": "interactive", "card": card}), "interactive", Value::Null),
        (json!({"msg_type": "interactive", "card": card.to_string()}), "interactive", Value::Null),
    ] {
        posted(&post(&world, &path, body).send().await);
        let found = latest(&world).await;
        assert_eq!(found["msg_type"], kind);
        if !stored.is_null() {
            assert_eq!(content(&found), stored);
        }
        let sender = &found["sender"];
        assert_eq!((&sender["id_type"], &sender["sender_type"]), (&json!("app_id"), &json!("app")));
        senders.push(text(sender, "id"));
        // Otherwise two messages are of the same millisecond.
        world.advance(1).await;
    }
    senders.dedup();
    assert_eq!(senders.len(), 1, "always the same sender");
    assert!(senders[0].starts_with("cli_") && senders[0] != world.app_id, "{senders:?}");
}

#[tokio::test]
async fn members_are_mentioned_by_their_ids() {
    let world = world().await;
    let path = hook(&world, json!({})).await;
    let (inside, outside) = (&world.users[0], &world.users[1]);
    let leave = format!("/chats/{}/members/{}", world.chat_id, outside.user_id);
    world.control("DELETE", &leave).send().await.data();
    let at = |id: &str| format!("<at user_id=\"{id}\">N</at> hi");
    for (id, words, mentions) in [
        (inside.open_id.as_str(), "@_user_1 hi", 1),
        (inside.user_id.as_str(), "@_user_1 hi", 1),
        ("all", "@_all hi", 0),
    ] {
        posted(&post(&world, &path, message(&at(id))).send().await);
        let found = latest(&world).await;
        assert_eq!(content(&found)["text"], words, "{id}");
        assert_eq!(found["mentions"].as_array().map_or(0, Vec::len), mentions, "{id}");
        world.advance(1).await;
    }
    for id in [outside.open_id.as_str(), "ou_unknown"] {
        posted(&post(&world, &path, message(&at(id))).send().await);
        let found = latest(&world).await;
        assert!(found["mentions"].is_null(), "{found}");
        let words = text(&content(&found), "text");
        assert!(words.contains('N') && !words.contains("@_user"), "the name that was given: {words}");
        world.advance(1).await;
    }
}

#[tokio::test]
async fn bodies_in_the_wrong_form() {
    let world = world().await;
    let path = hook(&world, json!({})).await;
    for (body, code, msg) in [
        (json!({}), 19002, NO_TYPE),
        (json!({"msgtype": "text", "text": {"content": "x"}}), 19002, NO_TYPE),
        (json!({"msg_type": "carrier_pigeon", "content": {}}), 19002, NO_TYPE),
        (json!({"msg_type": "file", "content": {"file_key": "f"}}), 19002, NO_TYPE),
        (json!({"msg_type": "text"}), 19002, NO_CONTENT),
        (json!({"msg_type": "text", "content": {}}), 19002, NO_CONTENT),
        (json!({"msg_type": "post", "content": {"zh_cn": {"content": []}}}), 19002, NO_CONTENT),
        (json!({"msg_type": "image", "content": {"image_key": "img_v3_none"}}), 19002, NO_CONTENT),
        (
            json!({"msg_type": "share_chat", "content": {"share_chat_id": "oc_00000000000000000000000000000000"}}),
            19002,
            NO_CONTENT,
        ),
        (json!({"msg_type": "interactive", "content": {"text": "x"}}), 19002, NO_CARD),
        (json!({"msg_type": "interactive", "card": "x"}), 19002, NO_CARD),
        (json!({"msg_type": "text", "content": "{\"text\":\"x\"}"}), 9499, "Bad Request"),
        (json!([]), 9499, "Bad Request"),
    ] {
        declined(&post(&world, &path, body).send().await, code, msg);
    }
    let raw = |body: Vec<u8>| world.lab.request("POST", &path).raw(body).content_type(Some("text/plain"));
    for broken in [&b"{"[..], b"", b"a=b", b"\xff"] {
        declined(&raw(broken.to_vec()).send().await, 9499, "Bad Request");
    }
    posted(&raw(message("any media type").to_string().into_bytes()).send().await);
    // The whole request has at most 20 KB.
    let frame = message("").to_string().len();
    posted(&post(&world, &path, message(&"x".repeat(20 * 1024 - frame))).send().await);
    declined(
        &post(&world, &path, message(&"x".repeat(20 * 1024 - frame + 1))).send().await,
        9499,
        "Bad Request",
    );
    declined(&raw(vec![b'x'; 2 << 20]).send().await, 9499, "Bad Request");
}

#[tokio::test]
async fn cards_that_are_refused() {
    let world = world().await;
    let path = hook(&world, json!({})).await;
    let card = |card: Value| post(&world, &path, json!({"msg_type": "interactive", "card": card}));
    let table = json!({"tag": "table", "columns": [], "rows": []});
    let reply = card(json!({"elements": vec![table; 6]})).send().await;
    assert_eq!((reply.status(), reply.code()), (200, 11246), "{}", reply.text());
    let msg = text(&reply.json(), "msg");
    assert!(
        msg.starts_with(
            "Failed to create card content, ext=ErrCode: 11310; ErrMsg: card table number over limit"
        ),
        "{msg}"
    );
    assert_eq!(names(&reply.json()), ["code", "data", "msg"]);
    // A number that is short as it was sent, and long as it is stored.
    let numbers = vec!["1E9"; 4500].join(",");
    let body = format!("{{\"msg_type\":\"interactive\",\"card\":{{\"elements\":[],\"x\":[{numbers}]}}}}");
    let reply = world.lab.request("POST", &path).raw(body).send().await;
    declined(&reply, 19036, "The message exceeds the size limit of 30KB");
}

#[tokio::test]
async fn tokens_that_post_nowhere() {
    let world = world().await;
    let path = hook(&world, json!({})).await;
    let root = "/open-apis/bot/v2/hook/";
    for token in ["1", "00000000-0000-0000-0000-000000000000", "%00"] {
        // Also if the body is not JSON.
        let request = world.lab.request("POST", &format!("{root}{token}"));
        declined(&request.raw("{").send().await, 19001, NO_TOKEN);
    }
    let upper = format!("{root}{}", path.trim_start_matches(root).to_uppercase());
    declined(&post(&world, &upper, message("x")).send().await, 19001, NO_TOKEN);
    let hooks = format!("/chats/{}/hooks", world.chat_id);
    let id = text(&world.control("GET", &hooks).send().await.data()["hooks"][0], "hook_id");
    world.control("DELETE", &format!("{hooks}/{id}")).send().await.data();
    declined(&post(&world, &path, message("x")).send().await, 19001, NO_TOKEN);

    let path = hook(&world, json!({})).await;
    posted(&post(&world, &path, message("x")).send().await);
    set_chat(&world, &world.chat_id, json!({"chat_status": "dissolved"})).await;
    declined(&post(&world, &path, message("x")).send().await, 19001, NO_TOKEN);
    declined(&post(&world, &path, json!({})).send().await, 19002, NO_TYPE);

    let other = world.lab.world().await;
    let path = hook(&other, json!({})).await;
    other.control("DELETE", "").send().await.data();
    declined(&post(&world, &path, message("x")).send().await, 19001, NO_TOKEN);
}

#[tokio::test]
async fn signatures() {
    let clock = ManualClock::at(1_599_360_473_000);
    let lab = Lab::with(LabOptions { clock: clock.clone(), ..LabOptions::default() }).await;
    let world = lab.world().await;
    let path = hook(&world, json!({"secret": "demo"})).await;
    let sign = "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8=";
    let signed = |timestamp: Value, sign: &str| {
        let mut body = message("hello");
        body["timestamp"] = timestamp;
        body["sign"] = json!(sign);
        post(&world, &path, body)
    };
    posted(&signed(json!("1599360473"), sign).send().await);
    posted(&signed(json!(1_599_360_473), sign).send().await);
    for request in [
        post(&world, &path, message("hello")),
        signed(json!("1599360473"), "wrong"),
        signed(json!("1599360474"), sign),
        signed(json!("soon"), sign),
        // Before the content is looked at.
        post(&world, &path, json!({})),
    ] {
        declined(&request.send().await, 19021, NOT_SIGNED);
    }
    // The world's clock is another one.
    world.advance(7200).await;
    posted(&signed(json!("1599360473"), sign).send().await);
    clock.advance(3_600_000);
    posted(&signed(json!("1599360473"), sign).send().await);
    clock.advance(1000);
    declined(&signed(json!("1599360473"), sign).send().await, 19021, NOT_SIGNED);
    // A bot without a secret ignores signatures.
    let path = hook(&world, json!({})).await;
    let mut body = message("hello");
    body["sign"] = json!("anything");
    posted(&post(&world, &path, body).send().await);
}

#[tokio::test]
async fn addresses() {
    let world = world().await;
    let list = json!({"addresses": ["10.0.0.1", "123.12.1.*", "192.168.0.0/16"]});
    let path = hook(&world, list).await;
    let from = |addresses: &str| post(&world, &path, message("x")).header("x-forwarded-for", addresses);
    for inside in ["10.0.0.1", "123.12.1.9", "192.168.255.255", "8.8.8.8, 10.0.0.1", "::ffff:10.0.0.1"] {
        posted(&from(inside).send().await);
    }
    for outside in ["10.0.0.2", "10.0.0.1, 8.8.8.8", "::1", "unknown"] {
        declined(&from(outside).send().await, 19022, "Ip Not Allowed");
    }
    declined(&post(&world, &path, message("x")).send().await, 19022, "Ip Not Allowed");
}

#[tokio::test]
async fn keywords() {
    let world = world().await;
    let path = hook(&world, json!({"keywords": ["alarm", "告警"]})).await;
    let not_found = "Key Words Not Found";
    for words in ["an alarm", "有告警"] {
        posted(&post(&world, &path, message(words)).send().await);
    }
    declined(&post(&world, &path, message("an ALARM")).send().await, 19024, not_found);
    // Members that are not sent do not count.
    let mut other = message("spam");
    (other["title"], other["card"]) = (json!("alarm"), json!({"title": "alarm"}));
    declined(&post(&world, &path, other).send().await, 19024, not_found);
    let mut empty = message("alarm");
    empty["card"] = json!({});
    posted(&post(&world, &path, empty).send().await);
    let card = |url: &str, words: &str| {
        let words = json!({"tag": "lark_md", "content": words});
        let button = json!({"tag": "button", "text": {"tag": "plain_text", "content": "go"}, "url": url});
        json!({"msg_type": "interactive", "card": {"elements": [{"tag": "div", "text": words}, {"tag": "action", "actions": [button]}]}})
    };
    posted(&post(&world, &path, card("https://a", "the alarm")).send().await);
    declined(&post(&world, &path, card("https://alarm", "x")).send().await, 19024, not_found);
    // The form is checked first.
    declined(
        &post(&world, &path, json!({"msg_type": "text", "content": {}})).send().await,
        19002,
        NO_CONTENT,
    );
}

#[tokio::test]
async fn a_key_with_a_null_character() {
    let world = world().await;
    let path = hook(&world, json!({})).await;
    let body = json!({"msg_type": "image", "content": {"image_key": "\0"}});
    declined(&post(&world, &path, body).send().await, 19002, NO_CONTENT);
}

#[tokio::test]
async fn forbidden_words() {
    let world = world().await;
    let path = hook(&world, json!({})).await;
    world.control("PUT", "/settings").body(json!({"forbidden_words": ["secret"]})).send().await.data();
    let reply = post(&world, &path, message("a SECRET")).send().await;
    declined(&reply, 230051, "The message hits DLP control, failed to send");
    let reply = post(&world, &path.replace("/v2", ""), json!({"text": "a SECRET"})).send().await;
    declined(&reply, 230051, "The message hits DLP control, failed to send");
}

#[tokio::test]
async fn five_calls_a_second_for_each_bot() {
    let clock = ManualClock::at(1_750_000_000_000);
    let options =
        LabOptions { rate_limits: RateLimits::Platform, clock: clock.clone(), ..LabOptions::default() };
    let world = Lab::with(options).await.world().await;
    let (one, two) = (hook(&world, json!({})).await, hook(&world, json!({})).await);
    let full = "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]";
    for path in [&one, &one.replace("/v2", "")] {
        let body = json!({"msg_type": "text", "content": {"text": "x"}, "text": "x"});
        for _ in 0..5 {
            posted(&post(&world, path, body.clone()).send().await);
        }
        let reply = post(&world, path, body).send().await;
        declined(&reply, 11232, full);
        assert!(reply.response.header("x-ogw-ratelimit-limit").is_none());
    }
    posted(&post(&world, &two, message("x")).send().await);
    // 100 in a minute.
    for _ in 0..19 {
        clock.advance(1000);
        for _ in 0..5 {
            posted(&post(&world, &one, message("x")).send().await);
        }
    }
    clock.advance(1000);
    declined(&post(&world, &one, message("x")).send().await, 11232, full);
    clock.advance(40_000);
    posted(&post(&world, &one, message("x")).send().await);
}

#[tokio::test]
async fn version_1() {
    let world = world().await;
    let path = hook(&world, json!({"keywords": ["x"]})).await.replace("/v2", "");
    posted(&post(&world, &path, json!({"text": "x"})).send().await);
    assert_eq!(content(&latest(&world).await), json!({"text": "x"}));
    world.advance(1).await;
    posted(&post(&world, &path, json!({"title": "x", "text": "y"})).send().await);
    let rich = json!({"title": "x", "content": [[{"tag": "text", "text": "y", "style": []}]]});
    assert_eq!(content(&latest(&world).await), rich);
    declined(&post(&world, &path, json!({"title": "x"})).send().await, 19002, NO_CONTENT);
    declined(&post(&world, &path, json!({"text": "y"})).send().await, 19024, "Key Words Not Found");
    declined(&post(&world, &format!("{path}0"), json!({"text": "x"})).send().await, 19001, NO_TOKEN);
    let path = hook(&world, json!({"secret": "s"})).await.replace("/v2", "");
    declined(&post(&world, &path, json!({"text": "x"})).send().await, 19021, NOT_SIGNED);
    let path = hook(&world, json!({"addresses": ["10.0.0.1"]})).await.replace("/v2", "");
    declined(&post(&world, &path, json!({"text": "x"})).send().await, 19022, "Ip Not Allowed");
}
