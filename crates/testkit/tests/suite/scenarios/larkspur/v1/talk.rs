//! What people say and do in chats: `chats/:chat_id/messages` and `messages/:message_id`.

use larkspur_contract::Effect;
use larkspur_contract::ids::MessageId;
use larkspur_contract::model::MsgType;
use larkspur_store::messages::{self, Message};
use larkspur_testkit::{Reply, Request, World};
use serde_json::{Value, json};

use super::declined;
use crate::scenarios::events::listening::Stage;
use crate::scenarios::{put_member, set_chat, text, upload, world};

const RECEIVED: &str = "im.message.receive_v1";

/// A user of the world says something in its chat; `body` adds to the request.
pub(super) fn say(world: &World, user: usize, body: &Value) -> Request {
    say_in(world, &world.chat_id, user, body)
}

fn say_in(world: &World, chat: &str, user: usize, body: &Value) -> Request {
    world.control("POST", &format!("/chats/{chat}/messages")).body(by(world, user, body))
}

/// A body with the user who does it.
fn by(world: &World, user: usize, body: &Value) -> Value {
    let mut all = json!({"as": world.users[user].user_id});
    all.as_object_mut().expect("an object").extend(body.as_object().expect("an object").clone());
    all
}

async fn said(world: &World, user: usize, words: &str) -> String {
    text(&say(world, user, &json!({"text": words})).send().await.data(), "message_id")
}

/// What a user does with a message, with a body.
fn does(world: &World, method: &str, id: &str, more: &str, user: usize, body: &Value) -> Request {
    world.control(method, &format!("/messages/{id}{more}")).body(by(world, user, body))
}

/// What a user does with a message, without a body.
fn undoes(world: &World, id: &str, more: &str, user: usize) -> Request {
    world.control("DELETE", &format!("/messages/{id}{more}")).query("as", &world.users[user].user_id)
}

async fn view(world: &World, query: &str) -> Value {
    world.control("GET", &format!("/chats/{}/messages?{query}", world.chat_id)).send().await.data()
}

/// Sends content to a chat as the bot.
async fn bot_says(world: &World, chat: &str, msg_type: &str, content: &Value) -> Reply {
    let body = json!({"receive_id": chat, "msg_type": msg_type, "content": content.to_string()});
    world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).send().await
}

/// Removes a user from the chat.
async fn leave(world: &World, user: usize) {
    let path = format!("/chats/{}/members/{}", world.chat_id, world.users[user].user_id);
    world.control("DELETE", &path).send().await.data();
}

async fn open(world: &World, user: usize) -> String {
    let body = by(world, user, &json!({"app_id": world.app_id}));
    text(&world.control("POST", "/p2p").body(body).send().await.data(), "chat_id")
}

#[tokio::test]
async fn a_bot_hears_what_a_user_says() {
    let stage = Stage::new().await;
    let world = &stage.world;
    world.set_app(&stage.inside.app_id, json!({"scopes": ["im:message.group_at_msg"]})).await;
    let words = format!("<at user_id=\"{}\"></at> deploy", stage.inside.app_id);
    let shown = say(world, 1, &json!({"text": words})).send().await.data();
    assert_eq!(shown["body"]["content"], r#"{"text":"@_user_1 deploy"}"#);
    assert_eq!(
        (&shown["mentions"][0]["id"], &shown["mentions"][0]["name"]),
        (&json!(stage.inside.app_id), &json!("inside"))
    );
    let sender = &shown["sender"];
    assert_eq!((&sender["id"], &sender["id_type"]), (&json!(world.users[1].user_id), &json!("user_id")));
    let [actor, inside, outside] = stage.told().await;
    for (ear, heard) in [(&stage.actor, &actor), (&stage.inside, &inside)] {
        assert_eq!(heard.len(), 1, "{heard:?}");
        let (kind, event) = &heard[0];
        assert_eq!(kind, RECEIVED);
        assert_eq!(event["sender"]["sender_id"], stage.user(ear, 1).await);
        assert_eq!(event["message"]["message_id"], shown["message_id"]);
        assert_eq!(
            event["message"]["mentions"][0]["id"]["open_id"],
            stage.bot(ear, &stage.inside)["open_id"]
        );
    }
    assert_eq!(outside.len(), 0);
    said(world, 1, "no mention").await;
    let [_, inside, _] = stage.told().await;
    assert_eq!(inside.len(), 0, "the scope is for mentions");
    undoes(world, &text(&shown, "message_id"), "", 1).send().await.data();
    let [actor, _, _] = stage.told().await;
    assert_eq!(
        (actor[0].0.as_str(), &actor[0].1["recall_type"]),
        ("im.message.recalled_v1", &json!("message_owner"))
    );
}

#[tokio::test]
async fn people_are_mentioned_by_the_ids_of_any_app() {
    let world = world().await;
    let (app, _) = world.app(json!({"name": "other"})).await;
    let other = crate::scenarios::open_id(&world, 2, &app).await;
    for id in [&world.users[2].user_id, &world.users[2].open_id, &other] {
        let words = format!("<at user_id=\"{id}\"></at>");
        let shown = say(&world, 0, &json!({"text": words})).send().await.data();
        let mention = &shown["mentions"][0];
        assert_eq!(
            (&mention["id"], &mention["name"]),
            (&json!(world.users[2].user_id), &json!(world.users[2].name))
        );
    }
    let elsewhere = world.lab.world().await;
    for id in
        ["unknown", "ou_00000000000000000000000000000000", &elsewhere.users[0].open_id, &elsewhere.app_id]
    {
        let words = format!("<at user_id=\"{id}\"></at>");
        let reply = say(&world, 0, &json!({"text": words})).send().await;
        let found = reply.json();
        assert!(found["code"] == 230001 || found["data"].get("mentions").is_none(), "{id}: {found}");
    }
}

#[tokio::test]
async fn in_a_p2p_chat_and_in_threads() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let p2p = open(world, 1).await;
    stage.told().await;
    let first = say_in(world, &p2p, 1, &json!({"text": "hi"})).send().await.data();
    let [actor, ..] = stage.told().await;
    assert_eq!(
        (&actor[0].1["message"]["chat_type"], &actor[0].1["message"]["content"]),
        (&json!("p2p"), &json!(r#"{"text":"hi"}"#))
    );
    let answer =
        say_in(world, &p2p, 1, &json!({"text": "more", "reply_to": first["message_id"]})).send().await.data();
    assert_eq!((&answer["parent_id"], answer.get("thread_id")), (&first["message_id"], None));
    let root = said(world, 0, "root").await;
    let post = json!({"zh_cn": {"title": "t", "content": [[{"tag": "text", "text": "x"}]]}});
    for content in [json!(post.to_string()), post] {
        let body = json!({"content": content, "msg_type": "post", "reply_to": root, "in_thread": true});
        let shown = say(world, 2, &body).send().await.data();
        assert_eq!((&shown["msg_type"], &shown["root_id"]), (&json!("post"), &json!(root)));
        assert!(text(&shown, "thread_id").starts_with("omt_"), "{shown}");
    }
    let seen = view(world, "").await;
    assert_eq!(seen["messages"].as_array().expect("messages").len(), 3, "the root and both replies: {seen}");
}

#[tokio::test]
async fn what_is_not_said() {
    let world = world().await;
    let id = said(&world, 0, "x").await;
    let p2p = open(&world, 1).await;
    for (body, field) in [
        (json!({}), "text"),
        (json!({"text": "x", "content": {"text": "x"}}), "text"),
        (json!({"text": "x", "msg_type": "post"}), "text"),
        (json!({"content": 1}), "content"),
        (json!({"content": {}, "msg_type": "hongbao"}), "msg_type"),
        (json!({"text": "x", "in_thread": true}), "in_thread"),
        (json!({"text": "x", "words": "x"}), "words"),
    ] {
        declined(&say(&world, 0, &body).send().await, 5275400, field);
    }
    declined(
        &say_in(&world, &p2p, 1, &json!({"text": "x", "reply_to": id})).send().await,
        5275400,
        "reply_to",
    );
    declined(&say(&world, 0, &json!({"text": "x", "reply_to": "om_x"})).send().await, 5275404, "reply_to");
    declined(&say_in(&world, "oc_x", 0, &json!({"text": "x"})).send().await, 5275404, "chat_id");
    let path = format!("/chats/{}/messages", world.chat_id);
    declined(&world.control("POST", &path).body(json!({"as": "x", "text": "x"})).send().await, 5275404, "as");
    let content = |kind: &str, content: Value| say(&world, 0, &json!({"msg_type": kind, "content": content}));
    say(&world, 0, &json!({"text": ""})).send().await.refused(230001);
    content("merge_forward", json!({})).send().await.refused(230001);
    content("system", json!({"type": "divider", "params": {"divider_text": {"text": "x"}}}))
        .send()
        .await
        .refused(230001);
    content("image", json!({"image_key": "img_x"})).send().await.refused(230001);
    let avatar = upload(&world, &world.token, "avatar").await;
    content("image", json!({"image_key": avatar})).send().await.refused(230055);
    content("interactive", json!({"elements": 1})).send().await.refused(230099);
    content("share_chat", json!({"chat_id": p2p})).send().await.refused(230015);
    say(&world, 0, &json!({"text": "x".repeat(160 * 1024)})).send().await.refused(230025);
    world.control("PUT", "/settings").body(json!({"forbidden_words": ["Secret"]})).send().await.data();
    say(&world, 0, &json!({"text": "a secret"})).send().await.refused(230022);
    set_chat(&world, &world.chat_id, json!({"settings": {"moderation_permission": "only_owner"}})).await;
    say(&world, 1, &json!({"text": "x"})).send().await.refused(230018);
    said(&world, 0, "the owner may").await;
    undoes(&world, &id, "", 0).send().await.data();
    say(&world, 0, &json!({"text": "x", "reply_to": id})).send().await.refused(230011);
    leave(&world, 2).await;
    say(&world, 2, &json!({"text": "x"})).send().await.refused(230002);
    let divider = json!({"type": "divider", "params": {"divider_text": {"text": "x"}}});
    let system = text(&bot_says(&world, &p2p, "system", &divider).await.data(), "message_id");
    say_in(&world, &p2p, 1, &json!({"text": "x", "reply_to": system})).send().await.refused(230054);
    undoes(&world, &system, "", 1).send().await.refused(230054);
    does(&world, "PUT", &system, "/pin", 1, &json!({})).send().await.refused(230054);
    does(&world, "POST", &system, "/reactions", 1, &json!({"emoji_type": "SMILE"}))
        .send()
        .await
        .refused(231017);
}

#[tokio::test]
async fn a_bundle_has_no_thread() {
    let world = world().await;
    let id = said(&world, 0, "x").await;
    let (engine, (tenant, _)) = (world.lab.app.engine(), world.keys());
    let number = engine.keys.read_message_id(MessageId::parse(&id).expect("a message_id")).0;
    let made = engine.run(Effect::Writes, move |root| {
        let mut tx = root.tenant(tenant);
        Box::pin(async move {
            let found = messages::get(&mut tx, number).await?.expect("there");
            let number = tx.next_id();
            let bundle = Message { number, msg_type: MsgType::MergeForward, ..found };
            messages::insert(&mut tx, &bundle).await?;
            Ok(number)
        })
    });
    let bundle = engine.keys.message_id(made.await.expect("a transaction"), tenant).to_string();
    let reply = |in_thread: bool| json!({"text": "x", "reply_to": bundle, "in_thread": in_thread});
    say(&world, 0, &reply(true)).send().await.refused(230072);
    say(&world, 0, &reply(false)).send().await.data();
}

#[tokio::test]
async fn an_edit() {
    let world = world().await;
    let id = said(&world, 1, "one").await;
    let edit = |user: usize, body: Value| does(&world, "PATCH", &id, "", user, &body);
    world.advance(10).await;
    let after = edit(1, json!({"text": "two"})).send().await.data();
    assert_eq!((&after["body"]["content"], &after["updated"]), (&json!(r#"{"text":"two"}"#), &json!(true)));
    declined(&edit(1, json!({})).send().await, 5275400, "text");
    declined(
        &does(&world, "PATCH", "om_x", "", 1, &json!({"text": "x"})).send().await,
        5275404,
        "message_id",
    );
    edit(0, json!({"text": "x"})).send().await.refused(230071);
    edit(1, json!({"msg_type": "image", "content": {"image_key": "img_x"}})).send().await.refused(230001);
    edit(1, json!({"text": "x".repeat(160 * 1024)})).send().await.refused(230025);
    let avatar = upload(&world, &world.token, "avatar").await;
    let post = json!({"zh_cn": {"content": [[{"tag": "img", "image_key": avatar}]]}});
    edit(1, json!({"msg_type": "post", "content": post})).send().await.refused(230055);
    let image = upload(&world, &world.token, "message").await;
    let picture =
        say(&world, 1, &json!({"msg_type": "image", "content": {"image_key": image}})).send().await.data();
    let picture = text(&picture, "message_id");
    does(&world, "PATCH", &picture, "", 1, &json!({"text": "x"})).send().await.refused(230054);
    world.control("PUT", "/settings").body(json!({"forbidden_words": ["Secret"]})).send().await.data();
    edit(1, json!({"text": "secret"})).send().await.refused(230022);
    set_chat(&world, &world.chat_id, json!({"settings": {"moderation_permission": "only_owner"}})).await;
    edit(1, json!({"text": "x"})).send().await.refused(230018);
    set_chat(&world, &world.chat_id, json!({"settings": {"moderation_permission": "all_members"}})).await;
    for number in 0..19 {
        edit(1, json!({"text": number.to_string()})).send().await.data();
    }
    edit(1, json!({"text": "x"})).send().await.refused(230072);
    undoes(&world, &id, "", 1).send().await.data();
    edit(1, json!({"text": "x"})).send().await.refused(230011);
    let old = said(&world, 1, "x").await;
    world.advance(24 * 3600 + 1).await;
    does(&world, "PATCH", &old, "", 1, &json!({"text": "x"})).send().await.refused(230075);
    leave(&world, 1).await;
    does(&world, "PATCH", &old, "", 1, &json!({"text": "x"})).send().await.refused(230002);
}

#[tokio::test]
async fn a_recall() {
    let world = world().await;
    let (own, of_other) = (said(&world, 1, "x").await, said(&world, 2, "x").await);
    declined(&world.control("DELETE", &format!("/messages/{own}")).send().await, 5275400, "as");
    declined(&undoes(&world, "om_x", "", 1).send().await, 5275404, "message_id");
    undoes(&world, &of_other, "", 1).send().await.refused(230026);
    undoes(&world, &own, "", 1).send().await.data();
    undoes(&world, &own, "", 1).send().await.refused(230110);
    undoes(&world, &of_other, "", 0).send().await.data();
    let seen = view(&world, "").await;
    let recalled = &seen["messages"][1];
    assert_eq!((&recalled["deleted"], &recalled["stored"]), (&json!(true), &json!(r#"{"text":"x"}"#)));
    let by = &recalled["recalled"];
    assert_eq!((&by["by"], &by["recall_type"]), (&json!(world.users[0].user_id), &json!("group_owner")));
    let seen = view(&world, &format!("as={}", world.users[2].user_id)).await;
    assert_eq!(
        (seen["messages"][1].get("stored"), &seen["messages"][1]["line"]),
        (None, &json!("This message was recalled"))
    );
    let old = said(&world, 1, "x").await;
    world.advance(24 * 3600 + 1).await;
    undoes(&world, &old, "", 1).send().await.refused(230009);
    leave(&world, 1).await;
    undoes(&world, &old, "", 1).send().await.refused(230002);
}

#[tokio::test]
async fn reading() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let p2p = open(world, 1).await;
    let id = text(&bot_says(world, &p2p, "text", &json!({"text": "x"})).await.data(), "message_id");
    stage.told().await;
    for newly in [true, false] {
        let data = does(world, "PUT", &id, "/read", 1, &json!({})).send().await.data();
        assert_eq!(data, json!({"newly_read": newly}));
    }
    let [actor, ..] = stage.told().await;
    assert_eq!(actor.len(), 1, "{actor:?}");
    assert_eq!(
        (actor[0].0.as_str(), &actor[0].1["message_id_list"]),
        ("im.message.message_read_v1", &json!([id]))
    );
    does(world, "PUT", &id, "/read", 0, &json!({})).send().await.refused(230002);
    declined(&does(world, "PUT", "om_x", "/read", 1, &json!({})).send().await, 5275404, "message_id");
    declined(&does(world, "PUT", &id, "/read", 1, &json!({"x": 1})).send().await, 5275400, "x");
    let group = said(world, 0, "x").await;
    does(world, "PUT", &group, "/read", 1, &json!({})).send().await.data();
    let seen = view(world, &format!("as={}", world.users[2].user_id)).await;
    let message = &seen["messages"][0];
    assert_eq!((&message["read_by"], &message["read"]), (&json!([world.users[1].user_id]), &json!(false)));
    let seen = view(world, &format!("as={}", world.users[0].user_id)).await;
    assert_eq!(seen["messages"][0]["read"], json!(true), "one's own");
}

#[tokio::test]
async fn reactions() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let (id, other) = (said(world, 0, "x").await, said(world, 0, "y").await);
    stage.told().await;
    let react = |user: usize, emoji: &str| {
        does(world, "POST", &id, "/reactions", user, &json!({"emoji_type": emoji}))
    };
    let made = react(1, "SMILE").send().await.data();
    assert_eq!(made["operator"], json!({"operator_id": world.users[1].user_id, "operator_type": "user"}));
    let reaction = text(&made, "reaction_id");
    assert_eq!(react(1, "SMILE").send().await.data()["reaction_id"], json!(reaction));
    let reply = react(1, "smile").send().await;
    assert_eq!(
        (reply.refused(231001)["code"].clone(), reply.violated()),
        (json!(231001), vec!["emoji_type".to_owned()])
    );
    declined(
        &does(world, "POST", "om_x", "/reactions", 1, &json!({"emoji_type": "SMILE"})).send().await,
        5275404,
        "message_id",
    );
    declined(&does(world, "POST", &id, "/reactions", 1, &json!({})).send().await, 5275400, "emoji_type");
    let seen = view(world, "").await;
    assert_eq!(seen["messages"][0]["reactions"], json!([made]));
    let remove =
        |id: &str, user: usize, reaction: &str| undoes(world, id, &format!("/reactions/{reaction}"), user);
    remove(&id, 0, &reaction).send().await.refused(231007);
    remove(&other, 1, &reaction).send().await.refused(231010);
    remove(&id, 1, "x").send().await.refused(231011);
    declined(&remove("om_x", 1, &reaction).send().await, 5275404, "message_id");
    declined(
        &world.control("DELETE", &format!("/messages/{id}/reactions/{reaction}")).send().await,
        5275400,
        "as",
    );
    remove(&id, 1, &reaction).send().await.data();
    let [_, inside, _] = stage.told().await;
    assert_eq!(inside.len(), 0, "without a scope");
    leave(world, 2).await;
    react(2, "SMILE").send().await.refused(231002);
    remove(&id, 2, &reaction).send().await.refused(231002);
    undoes(world, &id, "", 0).send().await.data();
    react(1, "SMILE").send().await.refused(231003);
    remove(&id, 1, &reaction).send().await.refused(231003);
}

#[tokio::test]
async fn apps_are_told_of_reactions() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let id = said(world, 0, "x").await;
    stage.told().await;
    let made = does(world, "POST", &id, "/reactions", 1, &json!({"emoji_type": "SMILE"})).send().await.data();
    undoes(world, &id, &format!("/reactions/{}", text(&made, "reaction_id")), 1).send().await.data();
    let [actor, ..] = stage.told().await;
    let kinds: Vec<&str> = actor.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["im.message.reaction.created_v1", "im.message.reaction.deleted_v1"]);
    assert_eq!(actor[0].1["user_id"], stage.user(&stage.actor, 1).await);
}

#[tokio::test]
async fn pins() {
    let world = world().await;
    let id = said(&world, 0, "x").await;
    let pin = |user: usize| does(&world, "PUT", &id, "/pin", user, &json!({}));
    let unpin = |user: usize| undoes(&world, &id, "/pin", user);
    let made = pin(1).send().await.data();
    assert_eq!((&made["message_id"], &made["operator_id"]), (&json!(id), &json!(world.users[1].user_id)));
    assert_eq!(pin(2).send().await.data(), made);
    assert_eq!(view(&world, "").await["messages"][0]["pinned"], true);
    let listed = world.call("GET", &format!("/im/v1/pins?chat_id={}", world.chat_id)).send().await.data();
    assert_eq!(listed["items"][0]["message_id"], json!(id));
    unpin(2).send().await.data();
    assert_eq!(view(&world, "").await["messages"][0]["pinned"], false);
    declined(&does(&world, "PUT", "om_x", "/pin", 1, &json!({})).send().await, 5275404, "message_id");
    declined(&undoes(&world, "om_x", "/pin", 1).send().await, 5275404, "message_id");
    declined(&does(&world, "PUT", &id, "/pin", 1, &json!({"x": 1})).send().await, 5275400, "x");
    declined(&world.control("DELETE", &format!("/messages/{id}/pin")).send().await, 5275400, "as");
    set_chat(&world, &world.chat_id, json!({"settings": {"pin_manage_setting": "only_owner"}})).await;
    pin(1).send().await.refused(230046);
    unpin(1).send().await.refused(230046);
    pin(0).send().await.data();
    leave(&world, 2).await;
    pin(2).send().await.refused(230002);
    unpin(2).send().await.refused(230002);
    undoes(&world, &id, "", 0).send().await.data();
    pin(0).send().await.refused(230011);
}

#[tokio::test]
async fn nothing_changes_in_a_dissolved_chat() {
    let world = world().await;
    let id = said(&world, 0, "x").await;
    let made =
        does(&world, "POST", &id, "/reactions", 0, &json!({"emoji_type": "SMILE"})).send().await.data();
    let reaction = format!("/reactions/{}", text(&made, "reaction_id"));
    set_chat(&world, &world.chat_id, json!({"chat_status": "dissolved"})).await;
    for request in [
        say(&world, 0, &json!({"text": "x"})),
        does(&world, "PATCH", &id, "", 0, &json!({"text": "x"})),
        does(&world, "POST", &id, "/reactions", 0, &json!({"emoji_type": "SMILE"})),
        does(&world, "PUT", &id, "/pin", 0, &json!({})),
        undoes(&world, &id, "", 0),
        undoes(&world, &id, "/pin", 0),
        undoes(&world, &id, &reaction, 0),
    ] {
        request.send().await.refused(232009);
    }
    assert_eq!(view(&world, "").await["messages"][0]["message_id"], json!(id), "it is stored");
}

#[tokio::test]
async fn a_chat_as_a_member_sees_it() {
    let world = world().await;
    let mut ids = Vec::new();
    for words in ["1", "2", "3"] {
        ids.push(said(&world, 0, words).await);
        world.advance(1).await;
    }
    let lines = |seen: &Value| -> Vec<String> {
        seen["messages"].as_array().expect("messages").iter().map(|message| text(message, "line")).collect()
    };
    let seen = view(&world, "limit=2").await;
    assert_eq!((lines(&seen), &seen["has_more"]), (vec!["2".to_owned(), "3".to_owned()], &json!(true)));
    let seen = view(&world, &format!("limit=2&before={}", ids[1])).await;
    assert_eq!((lines(&seen), &seen["has_more"]), (vec!["1".to_owned()], &json!(false)));
    let words = format!("hi <at user_id=\"{}\"></at>", world.users[1].user_id);
    said(&world, 0, &words).await;
    world.advance(1).await;
    let title = json!({"tag": "plain_text", "content": "Old", "i18n": {"zh_cn": "新"}});
    let card = json!({"header": {"title": title}, "elements": [{"tag": "action", "actions": [
        {"tag": "button", "text": {"tag": "plain_text", "content": "Approve"}, "value": {"op": "approve"}}]}]});
    bot_says(&world, &world.chat_id, "interactive", &card).await.data();
    let seen = view(&world, "").await;
    let (last, before) = (&seen["messages"][4], &seen["messages"][3]);
    assert_eq!(before["line"], format!("hi @{}", world.users[1].name));
    assert_eq!((last.get("tree"), &last["app_id"]), (None, &json!(world.app_id)));
    let me = format!("as={}", world.users[1].user_id);
    let seen = view(&world, &format!("{me}&render=1&lang=zh_cn")).await;
    let tree = &seen["messages"][4]["tree"];
    assert_eq!(tree["header"]["title"], json!([{"text": "新"}]), "{tree}");
    assert_eq!(tree["body"][0]["address"], "body[0].actions[0]", "{tree}");
    let private = json!({"chat_id": world.chat_id, "user_id": world.users[1].user_id, "msg_type": "interactive", "card": card});
    world.call("POST", "/ephemeral/v1/send").body(private).send().await.data();
    let seen = view(&world, &me).await;
    assert_eq!(
        (&seen["ephemeral"][0]["app_id"], seen["ephemeral"][0].get("tree")),
        (&json!(world.app_id), None)
    );
    let seen = view(&world, &format!("as={}", world.users[0].user_id)).await;
    assert_eq!(seen["ephemeral"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_looked_at() {
    let world = world().await;
    let path = format!("/chats/{}/messages", world.chat_id);
    declined(&world.control("GET", "/chats/oc_x/messages").send().await, 5275404, "chat_id");
    declined(&world.control("GET", &format!("{path}?as=x")).send().await, 5275404, "as");
    declined(&world.control("GET", &format!("{path}?before=om_x")).send().await, 5275404, "before");
    declined(&world.control("GET", &format!("{path}?limit=101")).send().await, 5275400, "limit");
    let other = world.chat(json!({"members": [world.users[0].user_id]})).await;
    let id = text(&say_in(&world, &other, 0, &json!({"text": "x"})).send().await.data(), "message_id");
    declined(&world.control("GET", &format!("{path}?before={id}")).send().await, 5275400, "before");
    put_member(&world, &world.chat_id, &world.users[1].user_id, false).await;
    leave(&world, 1).await;
    let me = format!("{path}?as={}", world.users[1].user_id);
    world.control("GET", &me).send().await.refused(230002);
}
