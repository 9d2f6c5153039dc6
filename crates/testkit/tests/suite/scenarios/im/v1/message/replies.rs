//! `POST /im/v1/messages/:message_id/reply`: trees of replies, and threads.

use serde_json::{Value, json};

use super::{answer, list, message_path, read, recall, said, texts};
use crate::scenarios::{refused_as, text, upload, world};

#[tokio::test]
async fn a_reply_knows_its_parent_and_its_root() {
    let world = world().await;
    let root = said(&world, "root").await;
    let one = answer(&world, &root, "one", false).send().await.data();
    assert_eq!((&one["parent_id"], &one["root_id"]), (&json!(root), &json!(root)));
    assert!(one.get("thread_id").is_none(), "{one}");
    let one = text(&one, "message_id");
    let two = answer(&world, &one, "two", false).send().await.data();
    assert_eq!((&two["parent_id"], &two["root_id"]), (&json!(one), &json!(root)));
    let all = list(&world, "chat", &world.chat_id).send().await.data();
    assert_eq!(texts(&all), ["root", "one", "two"], "replies outside of threads are listed");
}

#[tokio::test]
async fn a_thread_is_opened_by_a_reply_in_it() {
    let world = world().await;
    let root = said(&world, "root").await;
    let one = answer(&world, &root, "one", true).send().await.data();
    let thread = text(&one, "thread_id");
    assert_eq!((&one["parent_id"], &one["root_id"]), (&json!(root), &json!(root)));
    assert_eq!(read(&world, &root).await["thread_id"], thread.as_str());
    // Whatever the flag says, and whichever message of the thread is replied to.
    let one = text(&one, "message_id");
    for (to, in_thread) in [(&root, false), (&one, false), (&one, true), (&root, true)] {
        let reply = answer(&world, to, "more", in_thread).send().await.data();
        assert_eq!(reply["thread_id"], thread.as_str());
        assert_eq!((&reply["parent_id"], &reply["root_id"]), (&json!(root), &json!(root)));
    }
    let chat = list(&world, "chat", &world.chat_id).send().await.data();
    assert_eq!(texts(&chat), ["root"]);
    let inside = list(&world, "thread", &thread).send().await.data();
    assert_eq!(texts(&inside), ["root", "one", "more", "more", "more", "more"]);
    assert_eq!(inside["items"][0]["message_id"], root.as_str());
}

#[tokio::test]
async fn a_reply_can_be_the_root_of_a_thread() {
    let world = world().await;
    let root = said(&world, "root").await;
    let reply = text(&answer(&world, &root, "reply", false).send().await.data(), "message_id");
    let inner = answer(&world, &reply, "inner", true).send().await.data();
    assert_eq!((&inner["parent_id"], &inner["root_id"]), (&json!(reply), &json!(reply)));
    let chat = list(&world, "chat", &world.chat_id).send().await.data();
    assert_eq!(texts(&chat), ["root", "reply"]);
}

#[tokio::test]
async fn a_message_from_before_threads_gets_its_thread() {
    let world = world().await;
    let root = said(&world, "root").await;
    let path = format!("/im/v1/chats/{}", world.chat_id);
    world.call("PUT", &path).body(json!({"group_message_type": "thread"})).send().await.data();
    let reply = answer(&world, &root, "reply", false).send().await.data();
    let thread = text(&reply, "thread_id");
    assert_eq!(texts(&list(&world, "thread", &thread).send().await.data()), ["root", "reply"]);
    assert_eq!(texts(&list(&world, "chat", &world.chat_id).send().await.data()), ["root"]);
}

#[tokio::test]
async fn a_reply_to_a_user() {
    let world = world().await;
    let sent = super::tell(&world, "open_id", &world.users[1].open_id, "x").send().await.data();
    let reply = answer(&world, &text(&sent, "message_id"), "y", true).send().await.data();
    assert_eq!(reply["chat_id"], sent["chat_id"]);
    assert!(reply["thread_id"].is_string());
}

#[tokio::test]
async fn what_gets_no_reply() {
    let world = world().await;
    let id = said(&world, "x").await;
    let path = format!("{}/reply", message_path(&id));
    let reply = world.call("POST", &path).body(json!({"uuid": "x".repeat(51)})).send().await;
    reply.refused(99992402);
    assert_eq!(reply.violated(), ["content", "msg_type", "uuid"]);
    let repeat = |words: &str| {
        let content = json!({"text": words}).to_string();
        world.call("POST", &path).body(json!({"msg_type": "text", "content": content, "uuid": "u"}))
    };
    let first = repeat("once").send().await.data();
    assert_eq!(repeat("twice").send().await.data(), first);
    recall(&world, &id).send().await.data();
    refused_as(&answer(&world, &id, "x", false).send().await, 230011, "The message was withdrawn.");
}

#[tokio::test]
async fn what_a_reply_may_not_say() {
    let world = world().await;
    let id = said(&world, "x").await;
    let path = format!("{}/reply", message_path(&id));
    let reply = |kind: &str, content: &Value| {
        let body = json!({"msg_type": kind, "content": content.to_string()});
        world.call("POST", &path).body(body)
    };
    let (_, token) = world.app(json!({"name": "other"})).await;
    let foreign = upload(&world, &token, "message").await;
    let avatar = upload(&world, &world.token, "avatar").await;
    let p2p =
        world.chat(json!({"chat_mode": "p2p", "members": [world.app_id, world.users[0].user_id]})).await;
    world.control("PUT", "/settings").body(json!({"forbidden_words": ["Secret"]})).send().await.data();
    for (kind, content, code) in [
        ("share_chat", json!({"chat_id": p2p}), 230015),
        ("image", json!({"image_key": foreign}), 230017),
        ("text", json!({"text": "secret"}), 230022),
        ("text", json!({"text": "x".repeat(160 * 1024)}), 230025),
        ("image", json!({"image_key": avatar}), 230055),
        ("interactive", json!({"schema": "9", "body": {}}), 230099),
    ] {
        reply(kind, &content).send().await.refused(code);
    }
    reply("text", &json!({"text": "fine"})).send().await.data();
}
