//! States of chats that no public operation sets.

use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use super::{answer, card, edit, get, list, message_path, recall, said, say, send, tell, texts};
use crate::scenarios::{put_member, refused_as, set_chat, text, upload, world};

/// Puts the world's chat, or another one, in these states.
async fn put(world: &World, chat: &str, conditions: &[&str]) {
    set_chat(world, chat, json!({"conditions": conditions})).await;
    let shown = world.control("GET", &format!("/chats/{chat}")).send().await.data();
    assert_eq!(shown["conditions"], json!(conditions));
}

fn forward(world: &World, message_id: &str, kind: &str, to: &str) -> Request {
    let path = format!("{}/forward", message_path(message_id));
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

fn react(world: &World, message_id: &str) -> Request {
    let body = json!({"reaction_type": {"emoji_type": "OK"}});
    world.call("POST", &format!("{}/reactions", message_path(message_id))).body(body)
}

fn pin(world: &World, message_id: &str) -> Request {
    world.call("POST", "/im/v1/pins").body(json!({"message_id": message_id}))
}

/// A message with a thread: its id, and that of the thread.
async fn threaded(world: &World) -> (String, String) {
    let root = said(world, "root").await;
    let reply = answer(world, &root, "reply", true).send().await.data();
    (root, text(&reply, "thread_id"))
}

/// Another chat of the world's bot.
async fn other(world: &World) -> String {
    world.chat(json!({"owner": world.users[0].user_id, "members": [world.app_id]})).await
}

#[tokio::test]
async fn a_muted_chat_takes_nothing() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let (id, thread) = threaded(&world).await;
    put(&world, &chat, &["muted"]).await;
    let (why, later) = ("Send Message Permission deny.", "Send message permission deny.");
    for call in [
        say(&world, "x"),
        answer(&world, &id, "x", false),
        forward(&world, &id, "chat_id", &chat),
        merge(&world, &[&id], "chat_id", &chat),
    ] {
        refused_as(&call.send().await, 230035, why);
    }
    for call in [edit(&world, &id, "x"), forward_thread(&world, &thread, "chat_id", &chat)] {
        refused_as(&call.send().await, 230035, later);
    }
    let body = json!({"as": world.users[0].user_id, "text": "x"});
    let path = format!("/chats/{chat}/messages");
    world.control("POST", &path).body(body.clone()).send().await.refused(230035);
    let view = world.control("GET", &format!("/chats/{chat}/view")).query("as", &world.users[0].user_id);
    let may = view.send().await.data()["may"].clone();
    let speak = may.as_array().and_then(|all| all.iter().find(|act| act["act"] == "speak").cloned());
    let speak = speak.unwrap_or_else(|| panic!("{may}"));
    assert_eq!((&speak["allowed"], &speak["rule"]), (&json!(false), &json!("chat_conditions")), "{speak}");
    react(&world, &id).send().await.data();
    put(&world, &chat, &[]).await;
    said(&world, "x").await;
}

#[tokio::test]
async fn a_user_stops_the_bot() {
    let world = world().await;
    let user = &world.users[0].open_id;
    let first = tell(&world, "open_id", user, "x").send().await.data();
    let (p2p, id) = (text(&first, "chat_id"), text(&first, "message_id"));
    let (group, thread) = threaded(&world).await;
    react(&world, &id).send().await.data();
    put(&world, &p2p, &["stopped"]).await;
    let why = "The user has stopped the bot from sending messages.";
    for call in [
        tell(&world, "open_id", user, "x"),
        tell(&world, "chat_id", &p2p, "x"),
        forward(&world, &group, "open_id", user),
        merge(&world, &[&group], "open_id", user),
        forward_thread(&world, &thread, "chat_id", &p2p),
    ] {
        refused_as(&call.send().await, 230053, why);
    }
    // The page of replies does not have the code.
    answer(&world, &id, "x", false).send().await.refused(230013);
    react(&world, &id).send().await.refused(231019);
    get(&world, &id).send().await.data();
    // A batch passes over the user.
    let body =
        json!({"msg_type": "text", "content": {"text": "x"}, "open_ids": [user, world.users[1].open_id]});
    let batch = world.call("POST", "/message/v4/batch_send").body(body).send().await.data();
    let path = format!("/im/v1/batch_messages/{}/get_progress", text(&batch, "message_id"));
    let progress = world.call("GET", &path).send().await.data();
    assert_eq!(progress["batch_message_send_progress"]["success_user_ids_count"], json!(1), "{progress}");
    // The user speaks all the same.
    let body = json!({"as": world.users[0].user_id, "text": "x"});
    world.control("POST", &format!("/chats/{p2p}/messages")).body(body).send().await.data();
}

#[tokio::test]
async fn a_chat_hides_its_history() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let image = upload(&world, &world.token, "message").await;
    let old =
        text(&send(&world, &chat, "image", json!({"image_key": image})).send().await.data(), "message_id");
    let (root, thread) = threaded(&world).await;
    let own = said(&world, "own").await;
    let made = react(&world, &own).send().await.data();
    // The bot leaves and comes back.
    world.advance(10).await;
    let member = format!("/chats/{chat}/members/{}", world.app_id);
    world.control("DELETE", &member).send().await.data();
    put_member(&world, &chat, &world.app_id, false).await;
    world.advance(10).await;
    let new = said(&world, "new").await;
    get(&world, &own).send().await.data();
    put(&world, &chat, &["hidden_history"]).await;
    let why = "The message is invisible to the operator.";
    let to = other(&world).await;
    for call in [
        get(&world, &own),
        answer(&world, &own, "x", false),
        edit(&world, &own, "x"),
        recall(&world, &own),
        pin(&world, &own),
        world.call("DELETE", &format!("/im/v1/pins/{own}")),
        forward(&world, &own, "chat_id", &to),
    ] {
        refused_as(&call.send().await, 230050, why);
    }
    let reactions = format!("{}/reactions", message_path(&own));
    let reaction = format!("{reactions}/{}", text(&made, "reaction_id"));
    for call in [react(&world, &own), world.call("GET", &reactions), world.call("DELETE", &reaction)] {
        refused_as(&call.send().await, 231018, why);
    }
    let resource = format!("{}/resources/{image}?type=image", message_path(&old));
    refused_as(&world.call("GET", &resource).send().await, 234040, why);
    assert_eq!(texts(&list(&world, "chat", &chat).send().await.data()), ["new"]);
    let hidden = "The thread is invisible to the operator.";
    refused_as(&list(&world, "thread", &thread).send().await, 230073, hidden);
    refused_as(&forward_thread(&world, &thread, "chat_id", &to).send().await, 230073, hidden);
    let hidden = "The target thread is invisible to the operator.";
    let elsewhere = text(&send(&world, &to, "text", json!({"text": "e"})).send().await.data(), "message_id");
    let reply = answer(&world, &elsewhere, "re", true).send().await.data();
    for call in [
        forward(&world, &elsewhere, "thread_id", &thread),
        merge(&world, &[&elsewhere], "thread_id", &thread),
        forward_thread(&world, &text(&reply, "thread_id"), "thread_id", &thread),
    ] {
        refused_as(&call.send().await, 230074, hidden);
    }
    several(&world, (&own, &new, &root), &to).await;
    // A user who was there all the time sees everything.
    let path = format!("/chats/{chat}/messages");
    let seen = world.control("GET", &path).query("as", &world.users[0].user_id).send().await.data();
    assert!(seen["messages"].as_array().is_some_and(|all| all.len() > 3), "{seen}");
}

/// Operations on several messages leave hidden ones out.
async fn several(world: &World, (own, new, root): (&str, &str, &str), to: &str) {
    let mget = world.call("GET", "/im/v1/messages/mget").query("message_ids", &format!("{own},{new}"));
    assert_eq!(texts(&mget.send().await.data()), ["new"]);
    let merged = merge(world, &[own, new], "chat_id", to).send().await.data();
    assert_eq!(merged["invalid_message_id_list"], json!([own]));
    merge(world, &[own, root], "chat_id", to).send().await.refused(230064);
    let queries = json!({"queries": [{"message_id": own}, {"message_id": new}]});
    let read = world.call("POST", "/im/v1/messages/reactions/batch_query").body(queries).send().await.data();
    let failed = json!([{"fail_reason": "no_permission", "message_id": own}]);
    assert_eq!(read["fail_msg_reaction_details"], failed, "{read}");
}

#[tokio::test]
async fn secret_groups_and_encrypted_ones() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let (id, thread) = threaded(&world).await;
    let to = other(&world).await;
    let outside = text(&send(&world, &to, "text", json!({"text": "o"})).send().await.data(), "message_id");
    let reply = answer(&world, &outside, "re", true).send().await.data();
    for (condition, number, why) in [
        ("secret", 230073, "The message in the secret group is not allowed to be edited."),
        ("encrypted", 230074, "The message in the third-party encryption group is not allowed to be edited."),
    ] {
        put(&world, &chat, &[condition]).await;
        refused_as(&edit(&world, &id, "x").send().await, number, why);
        let why = "Sending encrypted messages is not supported.";
        refused_as(&say(&world, "x").send().await, 230075, why);
        refused_as(&answer(&world, &id, "x", false).send().await, 230075, why);
        refused_as(&list(&world, "chat", &chat).send().await, 231203, "The chat type is not supported.");
        for (call, why) in [
            (
                forward(&world, &id, "chat_id", &to),
                "The message to be forwarded is in a secret group, forwarding is not supported.",
            ),
            (
                merge(&world, &[&id], "chat_id", &to),
                "The messages to be forwarded are in a secret group and do not support forwarding.",
            ),
            (
                forward_thread(&world, &thread, "chat_id", &to),
                "The thread to be forwarded is in a secret group, forwarding is not supported.",
            ),
        ] {
            refused_as(&call.send().await, 230066, why);
        }
        let why = "No permission to forward to third-party encryption group.";
        for call in [
            forward(&world, &outside, "chat_id", &chat),
            merge(&world, &[&outside], "chat_id", &chat),
            forward_thread(&world, &text(&reply, "thread_id"), "chat_id", &chat),
        ] {
            refused_as(&call.send().await, 230062, why);
        }
        // People are in it with their own clients.
        let body = json!({"as": world.users[0].user_id, "text": "x"});
        world.control("POST", &format!("/chats/{chat}/messages")).body(body).send().await.data();
    }
}

#[tokio::test]
async fn connection_groups_and_messages_that_destroy_themselves() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let id = said(&world, "x").await;
    put(&world, &chat, &["connection", "self_destructing", "no_threads"]).await;
    let why = "This type of message is unavailable in the connection group.";
    refused_as(&send(&world, &chat, "interactive", card("x")).send().await, 230054, why);
    said(&world, "a text").await;
    let notice = json!({"chat_top_notice": [{"action_type": "1", "message_id": id}]});
    let path = format!("/im/v1/chats/{chat}/top_notice/put_top_notice");
    let why = "Action unavailable as the message will self-destruct soon.";
    for call in [answer(&world, &id, "x", false), pin(&world, &id), world.call("POST", &path).body(notice)] {
        refused_as(&call.send().await, 230111, why);
    }
    put(&world, &chat, &["no_threads"]).await;
    let why = "The group to which the message belongs does not support reply in thread.";
    refused_as(&answer(&world, &id, "x", true).send().await, 230071, why);
    answer(&world, &id, "x", false).send().await.data();
}

/// What a user of the world does with a message at the client.
fn at_client(world: &World, method: &str, path: &str, mut body: Value) -> Request {
    let user = &world.users[1].user_id;
    if method == "DELETE" {
        return world.control(method, path).query("as", user);
    }
    body["as"] = json!(user);
    world.control(method, path).body(body)
}

#[tokio::test]
async fn people_at_their_clients_follow_the_states() {
    let world = world().await;
    let (chat, user) = (world.chat_id.clone(), world.users[1].user_id.clone());
    let say = || at_client(&world, "POST", &format!("/chats/{chat}/messages"), json!({"text": "x"}));
    let path = format!("/messages/{}", text(&say().send().await.data(), "message_id"));
    let (pin, reactions) = (format!("{path}/pin"), format!("{path}/reactions"));
    let emoji = || json!({"emoji_type": "OK"});
    put(&world, &chat, &["muted", "self_destructing"]).await;
    say().send().await.refused(230035);
    at_client(&world, "PATCH", &path, json!({"text": "y"})).send().await.refused(230035);
    at_client(&world, "PUT", &pin, json!({})).send().await.refused(230111);
    let made = at_client(&world, "POST", &reactions, emoji()).send().await.data();
    // The user leaves and comes back.
    world.advance(1).await;
    world.control("DELETE", &format!("/chats/{chat}/members/{user}")).send().await.data();
    put_member(&world, &chat, &user, false).await;
    put(&world, &chat, &["hidden_history"]).await;
    at_client(&world, "PATCH", &path, json!({"text": "y"})).send().await.refused(230050);
    at_client(&world, "DELETE", &path, json!({})).send().await.refused(230050);
    at_client(&world, "PUT", &pin, json!({})).send().await.refused(230050);
    at_client(&world, "DELETE", &pin, json!({})).send().await.refused(230050);
    at_client(&world, "POST", &reactions, emoji()).send().await.refused(231018);
    let reaction = format!("{reactions}/{}", text(&made, "reaction_id"));
    at_client(&world, "DELETE", &reaction, json!({})).send().await.refused(231018);
    let seen = world.control("GET", &format!("/chats/{chat}/messages")).query("as", &user);
    assert_eq!(seen.send().await.data()["messages"], json!([]));
}

#[tokio::test]
async fn what_no_chat_is() {
    let world = world().await;
    let first = tell(&world, "open_id", &world.users[0].open_id, "x").send().await.data();
    let p2p = text(&first, "chat_id");
    for (chat, condition) in [(&world.chat_id, "stopped"), (&p2p, "muted"), (&p2p, "secret")] {
        let path = format!("/chats/{chat}");
        let body: Value = json!({"conditions": [condition]});
        let reply = world.control("PATCH", &path).body(body).send().await;
        reply.refused(5275400);
        assert_eq!(reply.violated(), ["conditions"]);
    }
    // A p2p chat that becomes a group is no longer stopped.
    put(&world, &p2p, &["stopped"]).await;
    set_chat(&world, &p2p, json!({"chat_mode": "group"})).await;
    let shown = world.control("GET", &format!("/chats/{p2p}")).send().await.data();
    assert_eq!(shown["conditions"], json!([]));
}
