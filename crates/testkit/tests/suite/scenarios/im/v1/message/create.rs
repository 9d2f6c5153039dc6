//! `POST /im/v1/messages`: receivers, the object, and calls that are repeated.

use larkspur_testkit::Lab;
use serde_json::json;

use super::{bot_id, get, invalid, list, read, say, send, tell, texts, with_user};
use crate::scenarios::{isv_app, open_id, put_member, refused_as, text, world};

#[tokio::test]
async fn a_message_is_answered_as_it_is_read() {
    let world = world().await;
    let reply = say(&world, "hello").send().await;
    assert_eq!(reply.json()["msg"], "success");
    let made = reply.data();
    let id = text(&made, "message_id");
    assert!(id.starts_with("om_") && id.len() == 35, "{id}");
    let now = text(&made, "create_time");
    assert_eq!(now.len(), 13, "milliseconds: {now}");
    let expected = json!({
        "body": {"content": r#"{"text":"hello"}"#},
        "chat_id": world.chat_id,
        "create_time": now,
        "deleted": false,
        "message_id": id,
        "msg_type": "text",
        "sender": {"id": world.app_id, "id_type": "app_id", "sender_type": "app", "tenant_key": world.tenant_key},
        "update_time": now,
        "updated": false,
    });
    assert_eq!(made, expected);
    assert_eq!(read(&world, &id).await, expected);
    let raw = get(&world, &id).send().await.text().to_owned();
    let places: Vec<Option<usize>> =
        ["\"body\"", "\"chat_id\"", "\"create_time\"", "\"deleted\"", "\"message_id\"", "\"updated\""]
            .iter()
            .map(|key| raw.find(key))
            .collect();
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "alphabetical: {raw}");
}

#[tokio::test]
async fn a_user_is_reached_by_every_kind_of_id() {
    let world = world().await;
    let user = &world.users[1];
    let path = format!("/users/{}", user.user_id);
    world.control("PATCH", &path).body(json!({"email": "ben@example.com"})).send().await.data();
    let kinds = [
        ("open_id", user.open_id.as_str()),
        ("union_id", &user.union_id),
        ("user_id", &user.user_id),
        ("email", "ben@example.com"),
    ];
    let mut chats = Vec::new();
    for (kind, id) in kinds {
        chats.push(text(&tell(&world, kind, id, kind).send().await.data(), "chat_id"));
    }
    chats.dedup();
    assert_eq!(chats.len(), 1, "one chat of the two");
    let data = list(&world, "chat", &chats[0]).send().await.data();
    assert_eq!(texts(&data), ["open_id", "union_id", "user_id", "email"]);
    let token = world.user_token(1, json!({})).await;
    let own = world.call("GET", "/im/v1/chats?types=p2p").token(&token).send().await.data();
    assert_eq!(own["items"][0]["chat_id"], chats[0].as_str());
    let other = tell(&world, "open_id", &world.users[2].open_id, "x").send().await.data();
    assert_ne!(other["chat_id"], chats[0].as_str());
    tell(&world, "chat_id", &chats[0], "by its chat").send().await.data();
}

#[tokio::test]
async fn receivers_that_do_not_exist() {
    let world = world().await;
    let other = world.lab.world().await;
    for chat in ["", "x", "oc_00000000000000000000000000000000", other.chat_id.as_str()] {
        invalid(&tell(&world, "chat_id", chat, "x").send().await, "invalid receive_id");
    }
    invalid(&tell(&world, "email", "no@example.com", "x").send().await, "invalid receive_id");
    tell(&world, "open_id", "ou_x", "x").send().await.refused(99992351);
    tell(&world, "open_id", &other.users[0].open_id, "x").send().await.refused(99992351);
    tell(&world, "union_id", "on_x", "x").send().await.refused(99992363);
    tell(&world, "user_id", "not-here", "x").send().await.refused(99992360);
    let (app, _) = world.app(json!({"name": "other"})).await;
    let foreign = open_id(&world, 0, &app).await;
    tell(&world, "open_id", &foreign, "x").send().await.refused(99992361);
    let reply = tell(&world, "thread_id", "omt_1", "x").send().await;
    reply.refused(99992402);
    assert_eq!(reply.violated(), ["receive_id_type"]);
    let reply = world.call("POST", "/im/v1/messages").body(json!({})).send().await;
    reply.refused(99992402);
    assert_eq!(reply.violated(), ["receive_id_type", "content", "msg_type", "receive_id"]);
}

#[tokio::test]
async fn a_bot_cannot_be_written_to_by_a_bot() {
    let world = world().await;
    let (app, _) = world.app(json!({"name": "other"})).await;
    for bot in [&app, &world.app_id] {
        let id = bot_id(&world, bot, &world.app_id);
        let reply = tell(&world, "open_id", &id, "x").send().await;
        refused_as(&reply, 230013, "Bot has NO availability to this user.");
    }
}

#[tokio::test]
async fn users_the_app_may_not_write_to() {
    let world = world().await;
    let (one, two) = (&world.users[0], &world.users[1]);
    let chat = text(&tell(&world, "open_id", &two.open_id, "x").send().await.data(), "chat_id");
    world.set_app(&world.app_id, json!({"visible_to": [one.user_id]})).await;
    for request in [tell(&world, "open_id", &two.open_id, "x"), tell(&world, "chat_id", &chat, "x")] {
        request.send().await.refused(230013);
    }
    tell(&world, "open_id", &one.open_id, "x").send().await.data();
    world.set_app(&world.app_id, json!({})).await;
    let path = format!("/users/{}", two.user_id);
    world.control("PATCH", &path).body(json!({"status": "resigned"})).send().await.data();
    for request in [tell(&world, "open_id", &two.open_id, "x"), tell(&world, "chat_id", &chat, "x")] {
        refused_as(&request.send().await, 230029, "User has resigned.");
    }
}

#[tokio::test]
async fn a_user_sends_with_a_scope_of_their_own() {
    let (world, token) = with_user(&Lab::start().await).await;
    let made = say(&world, "as a user").token(&token).send().await.data();
    let user = &world.users[0];
    let sender = json!({"id": user.open_id, "id_type": "open_id", "sender_type": "user", "tenant_key": world.tenant_key});
    assert_eq!(made["sender"], sender);
    let bare = world.user_token(0, json!({"scopes": ["im:message"]})).await;
    let text = "Lack of necessary permissions, ext=requires im:message.send_as_user scope.";
    refused_as(&say(&world, "x").token(&bare).send().await, 230027, text);
    // To a bot, and to another user.
    let token = world.user_token(0, json!({})).await;
    let bot = bot_id(&world, &world.app_id, &world.app_id);
    for (other, count) in [(bot.as_str(), 2), (&world.users[1].open_id, 2)] {
        let mut chats = Vec::new();
        for _ in 0..count {
            let made = tell(&world, "open_id", other, "x").token(&token).send().await.data();
            chats.push(made["chat_id"].clone());
        }
        assert_eq!(chats[0], chats[1]);
    }
    invalid(&tell(&world, "open_id", &user.open_id, "x").token(&token).send().await, "invalid receive_id");
}

#[tokio::test]
async fn a_uuid_sends_one_message() {
    let world = world().await;
    let send = async |uuid: &str, words: &str| {
        let content = json!({"text": words}).to_string();
        let body = json!({"receive_id": world.chat_id, "msg_type": "text", "content": content, "uuid": uuid});
        world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).send().await
    };
    let first = send("u1", "one").await.data();
    world.advance(1).await;
    assert_eq!(send("u1", "two").await.data(), first, "whatever else it says");
    assert_ne!(send("u2", "three").await.data()["message_id"], first["message_id"]);
    send("", "four").await.data();
    send("", "five").await.data();
    // A refused call does not use up its uuid.
    send("u3", "").await.refused(230001);
    let third = send("u3", "six").await.data();
    assert_eq!(send("u3", "").await.data(), third, "before its content is read");
    // Another app has its own.
    let (app, token) = world.app(json!({"name": "other"})).await;
    put_member(&world, &world.chat_id, &app, false).await;
    let body =
        json!({"receive_id": world.chat_id, "msg_type": "text", "content": "{\"text\":\"x\"}", "uuid": "u1"});
    let path = "/im/v1/messages?receive_id_type=chat_id";
    let made = world.call("POST", path).token(&token).body(body).send().await.data();
    assert_ne!(made["message_id"], first["message_id"]);
    world.advance(3598).await;
    assert_eq!(send("u1", "seven").await.data(), first);
    world.advance(1).await;
    let again = send("u1", "eight").await.data();
    assert_ne!(again["message_id"], first["message_id"], "an hour later");
    assert_eq!(send("u1", "nine").await.data(), again);
    let reply = send(&"x".repeat(51), "ten").await;
    reply.refused(99992402);
    assert_eq!(reply.violated(), ["uuid"]);
    let said = texts(&list(&world, "chat", &world.chat_id).send().await.data());
    assert_eq!(said, ["one", "three", "four", "five", "six", "x", "eight"]);
}

#[tokio::test]
async fn unknown_types_and_wrong_forms() {
    let world = world().await;
    for kind in ["", "Text", "hongbao", "merge_forward"] {
        let reply = send(&world, &world.chat_id, kind, json!({"text": "x"})).send().await;
        invalid(&reply, "invalid msg_type");
    }
    let body = json!({"receive_id": world.chat_id, "msg_type": "text", "content": {"text": "x"}});
    let path = "/im/v1/messages?receive_id_type=chat_id";
    world.call("POST", path).body(body).send().await.refused(9499);
    let body = json!({"receive_id": world.chat_id, "msg_type": "text", "content": "hello"});
    let reply = world.call("POST", path).body(body).send().await;
    invalid(&reply, "content is not a string in json format");
}

#[tokio::test]
async fn a_topic_group_begins_a_thread_with_each_message() {
    let world = world().await;
    let topic = json!({"chat_mode": "topic", "members": [world.app_id]});
    let topic = world.chat(topic).await;
    let threaded = world.chat(json!({"members": [world.app_id], "group_message_type": "thread"})).await;
    for chat in [&topic, &threaded] {
        let one = send(&world, chat, "text", json!({"text": "one"})).send().await.data();
        let two = send(&world, chat, "text", json!({"text": "two"})).send().await.data();
        let thread = text(&one, "thread_id");
        assert!(thread.starts_with("omt_") && thread.len() == 20, "{thread}");
        assert_ne!(one["thread_id"], two["thread_id"]);
        assert!(one.get("root_id").is_none() && one.get("parent_id").is_none(), "{one}");
        let reply = super::answer(&world, &text(&one, "message_id"), "re", false).send().await.data();
        assert_eq!(reply["thread_id"], one["thread_id"]);
        assert_eq!((&reply["root_id"], &reply["parent_id"]), (&one["message_id"], &one["message_id"]));
        assert_eq!(texts(&list(&world, "chat", chat).send().await.data()), ["one", "two"]);
        assert_eq!(texts(&list(&world, "thread", &thread).send().await.data()), ["one", "re"]);
    }
}

#[tokio::test]
async fn every_app_reads_with_its_own_ids() {
    let lab = Lab::start().await;
    let (world, token) = with_user(&lab).await;
    let maker = lab.world().await;
    let (isv, _) = isv_app(&maker).await;
    world.control("POST", "/installs").body(json!({"app_id": isv})).send().await.data();
    put_member(&world, &world.chat_id, &isv, false).await;
    let isv_token = crate::scenarios::issued_token(&world, &isv).await;
    let made = say(&world, "x").token(&token).send().await.data();
    let id = text(&made, "message_id");
    let seen = get(&world, &id).token(&isv_token).send().await.data();
    let user = open_id(&world, 0, &isv).await;
    assert_eq!(seen["items"][0]["sender"]["id"], user.as_str());
    assert_ne!(user, world.users[0].open_id);
    assert_eq!(seen["items"][0]["message_id"], id.as_str());
    let by = |form: &str| get(&world, &id).query("user_id_type", form);
    for (form, expected) in [("union_id", &world.users[0].union_id), ("user_id", &world.users[0].user_id)] {
        let sender = by(form).send().await.data()["items"][0]["sender"].clone();
        assert_eq!((&sender["id"], &sender["id_type"]), (&json!(expected), &json!(form)));
    }
    by("user_id").token(&isv_token).send().await.refused(99992402);
}
