//! `ephemeral/v1`: cards that one person of a group sees.

use larkspur_testkit::{Lab, Request, World};
use serde_json::{Value, json};

#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
fn send(world: &World, more: Value) -> Request {
    let mut body =
        json!({"chat_id": world.chat_id, "msg_type": "interactive", "card": {"elements": [{"tag": "hr"}]}});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    world.call("POST", "/ephemeral/v1/send").body(body)
}

fn delete(world: &World, message_id: &str) -> Request {
    world.call("POST", "/ephemeral/v1/delete").body(json!({"message_id": message_id}))
}

#[tokio::test]
async fn a_card_for_one_person() {
    let world = Lab::start().await.world().await;
    let reach = format!("/users/{}", world.users[1].user_id);
    world.control("PATCH", &reach).body(json!({"email": "one@example.com"})).send().await.data();
    let user = &world.users[1];
    for whom in [
        json!({"open_id": user.open_id}),
        json!({"user_id": user.user_id}),
        json!({"email": "one@example.com"}),
        json!({"open_id": "", "user_id": user.user_id}),
        json!({"open_id": "", "user_id": "", "email": "one@example.com"}),
    ] {
        let reply = send(&world, whom).send().await;
        assert_eq!(reply.json()["msg"], "ok");
        let id = reply.data()["message_id"].as_str().expect("a message_id").to_owned();
        assert!(id.starts_with("om_") && id.len() == 35, "{id}");
        // It is none of the messages.
        let path = format!("/im/v1/messages/{id}");
        world.call("GET", &path).send().await.refused(230001);
        let reply = json!({"msg_type": "text", "content": json!({"text": "x"}).to_string()});
        world.call("POST", &format!("{path}/reply")).body(reply).send().await.refused(230001);
        let reaction = json!({"reaction_type": {"emoji_type": "OK"}});
        world.call("POST", &format!("{path}/reactions")).body(reaction).send().await.refused(231003);
        let deleted = delete(&world, &id).send().await;
        assert_eq!(deleted.json(), json!({"code": 0, "msg": "ok"}));
        assert_eq!(delete(&world, &id).send().await.refused(18051)["msg"], "消息已删除");
    }
    let list = world.call("GET", "/im/v1/messages").query("container_id_type", "chat");
    let items = list.query("container_id", &world.chat_id).send().await.data()["items"].clone();
    assert_eq!(items, json!([]));
}

#[tokio::test]
async fn what_sending_refuses() {
    let world = Lab::start().await.world().await;
    let user = json!({"user_id": world.users[1].user_id});
    let with = |more: Value| {
        let mut body = user.clone();
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        body
    };
    let owner = &world.users[0].user_id;
    let outside = world.chat(json!({"chat_mode": "group", "owner": owner, "members": [world.app_id]})).await;
    let away =
        world.chat(json!({"chat_mode": "group", "owner": owner, "members": [world.users[1].user_id]})).await;
    let dissolved =
        world.chat(json!({"owner": owner, "members": [world.app_id], "chat_status": "dissolved"})).await;
    let external = world.chat(json!({"owner": owner, "members": [world.app_id], "external": true})).await;
    let private = world.chat(json!({"chat_mode": "p2p", "members": [owner, world.app_id]})).await;
    let data = json!({"schema": "2.0", "body": {"elements": []}}).to_string();
    let made = world.call("POST", "/cardkit/v1/cards").body(json!({"type": "card_json", "data": data}));
    let entity = made.send().await.data()["card_id"].clone();
    for (more, code) in [
        (json!({"chat_id": "oc_00000000000000000000000000000000"}), 230001),
        (json!({"chat_id": private}), 230001),
        (json!({"chat_id": outside}), 230002),
        (json!({"chat_id": away}), 230002),
        (json!({"chat_id": dissolved}), 232009),
        (json!({"chat_id": external}), 230027),
        (json!({"msg_type": "text"}), 230001),
        (json!({"user_id": "unknown"}), 230001),
        (json!({"open_id": "ou_x"}), 230001),
        (json!({"user_id": null}), 230001),
        (json!({"user_id": null, "email": "none@example.com"}), 230001),
        (json!({"card": {"elements": [{}]}}), 230099),
        (json!({"card": {"type": "card", "data": {"card_id": entity}}}), 230099),
        (json!({"card": {"elements": [], "x": "a".repeat(31_000)}}), 230025),
    ] {
        send(&world, with(more)).send().await.refused(code);
    }
    world.control("PUT", "/settings").body(json!({"forbidden_words": ["secret"]})).send().await.data();
    let card = json!({"elements": [{"tag": "markdown", "content": "a secret"}]});
    send(&world, with(json!({"card": card}))).send().await.refused(230022);
    let missing = world.call("POST", "/ephemeral/v1/send").body(json!({})).send().await;
    missing.refused(99992402);
    assert_eq!(missing.violated(), ["card", "chat_id", "msg_type"]);
    let sent = send(&world, user.clone()).send().await.data();
    let id = sent["message_id"].as_str().expect("a message_id");
    let (_, token) = world.app(json!({})).await;
    delete(&world, id).token(&token).send().await.refused(230001);
    delete(&world, "om_x").send().await.refused(230001);
    world.set_app(&world.app_id, json!({"bot": false})).await;
    send(&world, user).send().await.refused(230006);
}
