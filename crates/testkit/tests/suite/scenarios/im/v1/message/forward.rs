//! `forward`, `merge_forward`, and `im/v1/threads/:thread_id/forward`.

use larkspur_api::Settings;
use larkspur_testkit::{Lab, LabOptions, ManualClock, Request, World};
use serde_json::{Value, json};

use super::{answer, card, edit, get, invalid, list, read, recall, replace, said, say, send, tell, texts};
use crate::scenarios::events::listening::{Heard, Stage};
use crate::scenarios::{put_member, refused_as, set_chat, text, world};

fn forward(world: &World, message_id: &str, kind: &str, to: &str) -> Request {
    let path = format!("/im/v1/messages/{message_id}/forward");
    world.call("POST", &path).query("receive_id_type", kind).body(json!({"receive_id": to}))
}

fn merge(world: &World, ids: &[&str], kind: &str, to: &str) -> Request {
    let body = json!({"receive_id": to, "message_id_list": ids});
    world.call("POST", "/im/v1/messages/merge_forward").query("receive_id_type", kind).body(body)
}

fn forward_thread(world: &World, thread: &str, kind: &str, to: &str) -> Request {
    let path = format!("/im/v1/threads/{thread}/forward");
    world.call("POST", &path).query("receive_id_type", kind).body(json!({"receive_id": to}))
}

/// A message with a thread: its id, and that of the thread.
async fn threaded(world: &World) -> (String, String) {
    let root = said(world, "root").await;
    let reply = answer(world, &root, "reply", true).send().await.data();
    (root, text(&reply, "thread_id"))
}

/// The three operations on the same messages.
async fn all(world: &World, (id, thread): &(String, String), kind: &str, to: &str) -> [Request; 3] {
    [forward(world, id, kind, to), merge(world, &[id], kind, to), forward_thread(world, thread, kind, to)]
}

/// The messages of an answer of get.
async fn items(world: &World, id: &str) -> Vec<Value> {
    get(world, id).send().await.data()["items"].as_array().expect("items").clone()
}

#[tokio::test]
async fn a_message_is_forwarded() {
    let world = world().await;
    let token = world.user_token(0, json!({})).await;
    let user = &world.users[1];
    let words = format!("hi <at user_id=\"{}\"></at>", user.open_id);
    let first = say(&world, &words).token(&token).send().await.data();
    let id = text(&first, "message_id");
    for (kind, to) in [
        ("open_id", user.open_id.as_str()),
        ("union_id", &user.union_id),
        ("user_id", &user.user_id),
        ("chat_id", &world.chat_id),
    ] {
        let reply = forward(&world, &id, kind, to).send().await;
        assert_eq!(reply.json()["msg"], "success");
        let made = reply.data();
        assert_ne!(made["message_id"], first["message_id"]);
        for same in ["body", "msg_type", "mentions"] {
            assert_eq!(made[same], first[same], "{kind}");
        }
        assert_eq!(made["sender"]["id"], world.app_id.as_str());
        assert_eq!(made["chat_id"] == first["chat_id"], kind == "chat_id");
        assert_eq!(read(&world, &text(&made, "message_id")).await, made);
    }
    // As a user, who is the sender then.
    let made = forward(&world, &id, "chat_id", &world.chat_id).token(&token).send().await.data();
    assert_eq!(made["sender"]["id"], world.users[0].open_id.as_str());
    let bare = world.user_token(0, json!({"scopes": ["im:message"]})).await;
    let why = "Lack of necessary permissions, ext=requires im:message.send_as_user scope.";
    let (root, thread) = threaded(&world).await;
    for call in [
        forward(&world, &root, "chat_id", &world.chat_id),
        forward_thread(&world, &thread, "chat_id", &world.chat_id),
    ] {
        refused_as(&call.token(&bare).send().await, 230027, why);
    }
    // A card as it is shown.
    let sent = send(&world, &world.chat_id, "interactive", card("x")).send().await.data();
    let made = forward(&world, &text(&sent, "message_id"), "chat_id", &world.chat_id).send().await.data();
    assert_eq!((&made["msg_type"], &made["body"]), (&json!("interactive"), &sent["body"]));
}

#[tokio::test]
async fn a_message_is_forwarded_to_a_thread() {
    let world = world().await;
    let (root, thread) = threaded(&world).await;
    let id = said(&world, "x").await;
    let made = forward(&world, &id, "thread_id", &thread).send().await.data();
    assert_eq!((&made["thread_id"], &made["root_id"]), (&json!(thread), &json!(root)));
    let inside = list(&world, "thread", &thread).send().await.data();
    assert_eq!(texts(&inside), ["root", "reply", "x"]);
    for call in all(&world, &(id, thread), "thread_id", "omt_0123456789abcdef").await {
        refused_as(&call.send().await, 230019, "The thread does NOT exist.");
    }
}

#[tokio::test]
async fn one_uuid_forwards_once_to_each_receiver() {
    let world = world().await;
    let about = threaded(&world).await;
    for at in 0..3 {
        let uuid = format!("u{at}");
        let once = async |to: usize| {
            let [one, two, three] = all(&world, &about, "open_id", &world.users[to].open_id)
                .await
                .map(|call| call.query("uuid", &uuid));
            let data = [one, two, three].into_iter().nth(at).expect("a call").send().await.data();
            text(data.get("message").unwrap_or(&data), "message_id")
        };
        let first = once(1).await;
        assert_eq!(once(1).await, first, "{at}");
        assert_ne!(once(2).await, first, "{at}");
        let long = all(&world, &about, "chat_id", &world.chat_id).await;
        let long = long.into_iter().nth(at).expect("a call").query("uuid", &"u".repeat(51));
        long.send().await.refused(99992402);
        world.advance(3600).await;
        let token = crate::scenarios::issued_token(&world, &world.app_id).await;
        let again = all(&world, &about, "open_id", &world.users[1].open_id).await;
        let again = again.into_iter().nth(at).expect("a call").query("uuid", &uuid).token(&token);
        let data = again.send().await.data();
        assert_ne!(text(data.get("message").unwrap_or(&data), "message_id"), first, "after an hour");
        world.advance(-3600).await;
    }
}

/// The uuid is a parameter of the query. One in the body is ignored, as other unknown fields are: each call forwards.
#[tokio::test]
async fn a_uuid_in_the_body_has_no_effect() {
    let world = world().await;
    let (id, _) = threaded(&world).await;
    let body = json!({"receive_id": world.users[1].open_id, "uuid": "u"});
    let path = format!("/im/v1/messages/{id}/forward?receive_id_type=open_id");
    let once = async || text(&world.call("POST", &path).body(body.clone()).send().await.data(), "message_id");
    assert_ne!(once().await, once().await);
    let body = json!({"receive_id": world.users[1].open_id, "uuid": "u".repeat(51)});
    world.call("POST", &path).body(body).send().await.data();
}

#[tokio::test]
async fn receivers_that_are_refused() {
    let world = world().await;
    let about = threaded(&world).await;
    for (kind, to, code) in [
        ("chat_id", "oc_00000000000000000000000000000000", 230063),
        ("chat_id", world.lab.world().await.chat_id.as_str(), 230063),
        ("chat_id", "x", 230001),
        ("email", "no@example.com", 230001),
        ("thread_id", "x", 230001),
        ("open_id", "ou_x", 99992351),
        ("union_id", "on_x", 99992363),
        ("user_id", "not-here", 99992360),
    ] {
        for call in all(&world, &about, kind, to).await {
            let reply = call.send().await;
            if code == 230001 {
                invalid(&reply, "invalid receive_id");
            } else {
                reply.refused(code);
            }
        }
    }
    let (app, _) = world.app(json!({"name": "other"})).await;
    let foreign = crate::scenarios::open_id(&world, 0, &app).await;
    for call in all(&world, &about, "open_id", &foreign).await {
        call.send().await.refused(99992361);
    }
    let bot = super::bot_id(&world, &app, &world.app_id);
    for call in all(&world, &about, "open_id", &bot).await {
        refused_as(&call.send().await, 230013, "Bot has NO availability to this user.");
    }
    let gone = &world.users[2];
    let path = format!("/users/{}", gone.user_id);
    world.control("PATCH", &path).body(json!({"status": "resigned"})).send().await.data();
    for call in all(&world, &about, "open_id", &gone.open_id).await {
        refused_as(&call.send().await, 230029, "User has resigned.");
    }
    let other = world.chat(json!({"owner": world.users[0].user_id, "members": [world.app_id]})).await;
    set_chat(&world, &other, json!({"settings": {"moderation_permission": "only_owner"}})).await;
    let why = "These operations are NOT allowed at current group settings.";
    for call in all(&world, &about, "chat_id", &other).await {
        refused_as(&call.send().await, 230018, why);
    }
    set_chat(&world, &other, json!({"external": true})).await;
    for call in all(&world, &about, "chat_id", &other).await {
        refused_as(&call.send().await, 230027, "Lack of necessary permissions.");
    }
    set_chat(&world, &other, json!({"external": false, "chat_status": "dissolved"})).await;
    for call in all(&world, &about, "chat_id", &other).await {
        call.send().await.refused(232009);
    }
    let closed = world.chat(json!({"owner": world.users[0].user_id})).await;
    for call in all(&world, &about, "chat_id", &closed).await {
        refused_as(&call.send().await, 230002, "Bot/User can NOT be out of the chat.");
    }
}

#[tokio::test]
async fn messages_that_are_refused() {
    let world = world().await;
    let about = threaded(&world).await;
    let to = world.chat_id.as_str();
    // The system's, and voices.
    let p2p = tell(&world, "open_id", &world.users[0].open_id, "x").send().await.data();
    let content = json!({"type": "divider", "params": {"divider_text": {"text": "Today"}}});
    let system = send(&world, &text(&p2p, "chat_id"), "system", content).send().await.data();
    let system = text(&system, "message_id");
    let why = "The message type does not support forwarding.";
    refused_as(&forward(&world, &system, "chat_id", to).send().await, 230061, why);
    let none = merge(&world, &[&system, "om_x"], "chat_id", to).send().await;
    refused_as(&none, 230064, "All messages to be forwarded are invalid.");
    // Recalled ones.
    let gone = said(&world, "gone").await;
    recall(&world, &gone).send().await.data();
    let why = "The message to be forwarded has been recalled.";
    refused_as(&forward(&world, &gone, "chat_id", to).send().await, 230065, why);
    let none = merge(&world, &[&gone], "chat_id", to).send().await;
    refused_as(&none, 230065, "All messages to be forwarded have been recalled.");
    let none = merge(&world, &[&gone, "om_x"], "chat_id", to).send().await;
    none.refused(230064);
    // Unknown ones.
    forward(&world, "om_x", "chat_id", to).send().await.refused(99992354);
    let theirs = said(&world.lab.world().await, "x").await;
    invalid(&forward(&world, &theirs, "chat_id", to).send().await, "invalid message_id");
    invalid(&forward_thread(&world, "x", "chat_id", to).send().await, "invalid thread_id");
    let why = "The thread to be forwarded is invalid.";
    refused_as(&forward_thread(&world, "omt_0123456789abcdef", "chat_id", to).send().await, 230064, why);
    // The chats that they are in.
    let restricted = json!({"settings": {"restricted_mode_setting": {"status": true}}});
    set_chat(&world, to, restricted).await;
    for call in all(&world, &about, "open_id", &world.users[0].open_id).await {
        refused_as(&call.send().await, 230070, "Forwarding of messages in restricted mode is not allowed.");
    }
    set_chat(&world, to, json!({"settings": {"restricted_mode_setting": {"status": false}}})).await;
    world.set_app(&world.app_id, json!({"bot": false})).await;
    for call in all(&world, &about, "chat_id", to).await {
        refused_as(&call.send().await, 230006, "Bot ability is not activated.");
    }
    world.set_app(&world.app_id, json!({"bot": true})).await;
    let member = format!("/chats/{to}/members/{}", world.app_id);
    world.control("DELETE", &member).send().await.data();
    for call in all(&world, &about, "open_id", &world.users[0].open_id).await {
        call.send().await.refused(230002);
    }
    put_member(&world, to, &world.app_id, false).await;
    for id in list(&world, "thread", &about.1).send().await.data()["items"].as_array().expect("items") {
        recall(&world, &text(id, "message_id")).send().await.data();
    }
    let why = "Action unavailable as the message has been deleted.";
    refused_as(&forward_thread(&world, &about.1, "chat_id", to).send().await, 230110, why);
}

#[tokio::test]
async fn five_in_a_second_are_forwarded() {
    let clock = ManualClock::at(1_750_000_000_000);
    let options = LabOptions { settings: Settings::default(), clock: clock.clone(), ..LabOptions::default() };
    let world = Lab::with(options).await.world().await;
    let about = threaded(&world).await;
    clock.advance(1000);
    for _ in 0..5 {
        forward(&world, &about.0, "chat_id", &world.chat_id).send().await.data();
    }
    for call in all(&world, &about, "chat_id", &world.chat_id).await {
        refused_as(&call.send().await, 230020, "This operation triggers the frequency limit.");
    }
}

#[tokio::test]
async fn several_messages_are_one() {
    let world = world().await;
    let token = world.user_token(0, json!({})).await;
    let (one, gone) = (said(&world, "one").await, said(&world, "gone").await);
    world.advance(1).await;
    let two = text(&say(&world, "two").token(&token).send().await.data(), "message_id");
    recall(&world, &gone).send().await.data();
    let ids = [two.as_str(), &one, &gone, "om_x", &one];
    let made = merge(&world, &ids, "chat_id", &world.chat_id).send().await.data();
    assert_eq!(made["invalid_message_id_list"], json!([gone, "om_x"]));
    let message = &made["message"];
    assert_eq!(message["msg_type"], "merge_forward");
    assert_eq!(message["body"], json!({"content": "Merged and Forwarded Message"}));
    let id = text(message, "message_id");
    let found = items(&world, &id).await;
    assert_eq!(found.len(), 3);
    assert_eq!(found[0], *message);
    assert_eq!(texts(&json!({"items": found[1..]})), ["one", "two"], "in the order of sending");
    for (part, original) in found[1..].iter().zip([&one, &two]) {
        let original = read(&world, original).await;
        assert_eq!(part["upper_message_id"], id.as_str());
        for same in ["body", "sender", "create_time", "msg_type"] {
            assert_eq!(part[same], original[same]);
        }
        assert_ne!(part["message_id"], original["message_id"]);
    }
    let listed = list(&world, "chat", &world.chat_id).send().await.data();
    assert_eq!(listed["items"].as_array().expect("items").len(), 4, "parts are in no list");
    // A part has no access of its own.
    let part = text(&found[1], "message_id");
    get(&world, &part).send().await.refused(230002);
    let why = "The message to be forwarded is invalid.";
    refused_as(&forward(&world, &part, "chat_id", &world.chat_id).send().await, 230064, why);
    // No thread is opened on a bundle.
    let why = "Aggregated messages do not support reply in thread.";
    refused_as(&answer(&world, &id, "x", true).send().await, 230072, why);
    // Bundles in bundles.
    let outer = merge(&world, &[&one, &id], "chat_id", &world.chat_id).send().await.data();
    let outer = text(&outer["message"], "message_id");
    let copy = forward(&world, &outer, "open_id", &world.users[1].open_id).send().await.data();
    for top in [outer, text(&copy, "message_id")] {
        let found = items(&world, &top).await;
        assert_eq!(found.len(), 5, "{found:?}");
        let inner = text(&found[2], "message_id");
        let uppers: Vec<String> = found[1..].iter().map(|part| text(part, "upper_message_id")).collect();
        assert_eq!(uppers, [&top[..], &top, &inner, &inner]);
        assert_eq!(found[2]["msg_type"], "merge_forward");
    }
    for ids in [vec![], vec!["om_x"; 101]] {
        merge(&world, &ids, "chat_id", &world.chat_id).send().await.refused(99992402);
    }
}

#[tokio::test]
async fn messages_that_do_not_belong_together() {
    let world = world().await;
    let one = said(&world, "one").await;
    let other = tell(&world, "open_id", &world.users[1].open_id, "x").send().await.data();
    let other = text(&other, "message_id");
    let reply = merge(&world, &[&one, &other], "chat_id", &world.chat_id).send().await;
    refused_as(&reply, 230069, "Does not support forwarding messages from different groups.");
    let reply = text(&answer(&world, &one, "re", true).send().await.data(), "message_id");
    let mixed = merge(&world, &[&one, &reply], "chat_id", &world.chat_id).send().await;
    let why = "The source of the messages to be merged and forwarded are not in compliance.";
    refused_as(&mixed, 230067, why);
    merge(&world, &[&reply], "chat_id", &world.chat_id).send().await.data();
}

#[tokio::test]
async fn a_thread_is_a_bundle() {
    let world = world().await;
    let (root, thread) = threaded(&world).await;
    let gone = text(&answer(&world, &root, "gone", true).send().await.data(), "message_id");
    recall(&world, &gone).send().await.data();
    let made = forward_thread(&world, &thread, "open_id", &world.users[1].open_id).send().await.data();
    assert_eq!((&made["msg_type"], made.get("thread_id")), (&json!("merge_forward"), None));
    let found = items(&world, &text(&made, "message_id")).await;
    assert_eq!(texts(&json!({"items": found[1..]})), ["root", "reply"]);
}

#[tokio::test]
async fn a_part_of_a_bundle_is_not_changed() {
    let world = world().await;
    let one = said(&world, "one").await;
    let shown = send(&world, &world.chat_id, "interactive", card("x")).send().await.data();
    let made = merge(&world, &[&one, &text(&shown, "message_id")], "chat_id", &world.chat_id);
    let id = text(&made.send().await.data()["message"], "message_id");
    let before = items(&world, &id).await;
    let part = |at: usize| text(&before[at], "message_id");
    edit(&world, &part(1), "other").send().await.refused(230002);
    recall(&world, &part(1)).send().await.refused(230002);
    invalid(&replace(&world, &part(2), card("y")).send().await, "bot or user is not the message`s sender");
    let path = format!("/im/v1/messages/{}/read_users?user_id_type=open_id", part(1));
    world.call("GET", &path).send().await.refused(230002);
    assert_eq!(items(&world, &id).await, before);
}

#[tokio::test]
async fn a_bundle_has_at_most_ten_megabytes() {
    let world = world().await;
    let long = "x".repeat(150 * 1024 - 20);
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(said(&world, &long).await);
        world.advance(1).await;
    }
    let ten: Vec<&str> = ids.iter().map(String::as_str).collect();
    let made = merge(&world, &ten, "chat_id", &world.chat_id).send().await.data();
    let bundle = text(&made["message"], "message_id");
    let mut bundles = vec![bundle.clone()];
    for _ in 0..6 {
        world.advance(1).await;
        let copy = forward(&world, &bundle, "chat_id", &world.chat_id).send().await.data();
        bundles.push(text(&copy, "message_id"));
    }
    // Each has 1.46 MB.
    let all: Vec<&str> = bundles.iter().map(String::as_str).collect();
    let made = merge(&world, &all, "chat_id", &world.chat_id).send().await.data();
    assert_eq!(made["invalid_message_id_list"], json!([bundles[6]]));
    assert_eq!(items(&world, &text(&made["message"], "message_id")).await.len(), 1 + 6 * 11);
}

/// The types of events.
fn kinds(heard: &Heard) -> Vec<&str> {
    heard.iter().map(|(kind, _)| kind.as_str()).collect()
}

#[tokio::test]
async fn what_apps_are_told() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let user = world.user_token(0, json!({})).await;
    let about = threaded(world).await;
    stage.told().await;
    let [one, merged, thread] = all(world, &about, "chat_id", &world.chat_id).await;
    for (call, kind, content) in
        [(one, "text", r#"{"text":"root"}"#), (thread, "merge_forward", "Merged and Forwarded Message")]
    {
        let made = call.token(&user).send().await.data();
        let [actor, ..] = stage.told().await;
        assert_eq!(kinds(&actor), ["im.message.receive_v1"], "one event, none for parts");
        let told = &actor[0].1["message"];
        assert_eq!((&told["message_type"], &told["content"]), (&json!(kind), &json!(content)));
        assert_eq!(told["message_id"], made["message_id"]);
    }
    merged.send().await.data();
    let [actor, inside, outside] = stage.told().await;
    assert_eq!([actor, inside, outside], [const { Heard::new() }; 3], "a bundle of a bot mentions no one");
    for at in 0..3 {
        let call = all(world, &about, "open_id", &world.users[at].open_id).await.into_iter().nth(at);
        call.expect("a call").send().await.data();
        let [actor, ..] = stage.told().await;
        assert_eq!(kinds(&actor), ["p2p_chat_create"], "{at}");
    }
}
