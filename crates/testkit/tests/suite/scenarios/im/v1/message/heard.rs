//! What apps are told of messages: `im.message.receive_v1` and `im.message.recalled_v1`.

use serde_json::{Value, json};

use super::{answer, bot_id, card, recall, said, say, send, tell};
use crate::scenarios::events::listening::{Ear, Heard, Stage, one};
use crate::scenarios::{text, upload};

const RECEIVED: &str = "im.message.receive_v1";
const RECALLED: &str = "im.message.recalled_v1";
const NOTHING: Heard = Vec::new();

/// Gives the app inside the chat these scopes.
async fn scopes(stage: &Stage, scopes: &[&str]) {
    stage.world.set_app(&stage.inside.app_id, json!({"scopes": scopes})).await;
}

/// The texts of the messages that were heard.
fn texts(heard: &Heard) -> Vec<String> {
    let message = |(kind, event): &(String, Value)| {
        assert_eq!(kind, RECEIVED);
        let content: Value = serde_json::from_str(&text(&event["message"], "content")).expect("JSON");
        text(&content, "text")
    };
    heard.iter().map(message).collect()
}

/// Says something as the user, mentions the app in it as the user, and does both as the bot of the acting app.
async fn four(stage: &Stage, user: &str) {
    let world = &stage.world;
    let inside = format!("<at user_id=\"{}\"></at>", bot_id(world, &stage.inside.app_id, &world.app_id));
    say(world, "user").token(user).send().await.data();
    say(world, &format!("user {inside}")).token(user).send().await.data();
    said(world, "bot").await;
    said(world, &format!("bot {inside}")).await;
    say(world, "all <at user_id=\"all\"></at>").token(user).send().await.data();
}

#[tokio::test]
async fn whom_the_scopes_let_hear() {
    let stage = Stage::new().await;
    let user = stage.world.user_token(0, json!({})).await;
    let cases: [(&[&str], &[&str]); 8] = [
        (&[], &[]),
        (&["im:message", "im:message:readonly"], &[]),
        (&["im:message.p2p_msg"], &[]),
        (&["im:message.group_at_msg"], &["user @_user_1"]),
        (&["im:message.group_at_msg:readonly"], &["user @_user_1"]),
        (&["im:message.group_at_msg.include_bot:readonly"], &["bot @_user_1", "user @_user_1"]),
        (&["im:message.group_msg"], &["all @_all", "user", "user @_user_1"]),
        (
            &["im:message.group_msg:readonly", "im:message.group_at_msg.include_bot:readonly"],
            &["all @_all", "bot @_user_1", "user", "user @_user_1"],
        ),
    ];
    for (held, expected) in cases {
        scopes(&stage, held).await;
        four(&stage, &user).await;
        let [actor, inside, outside] = stage.told().await;
        let mut heard = texts(&inside);
        heard.sort();
        assert_eq!(heard, expected, "{held:?}");
        let mut own = texts(&actor);
        own.sort();
        assert_eq!(own, ["all @_all", "user", "user @_user_1"], "never what it said itself");
        assert_eq!(outside, NOTHING);
    }
}

#[tokio::test]
async fn what_a_message_looks_like_to_each_app() {
    let stage = Stage::new().await;
    let world = &stage.world;
    scopes(&stage, &["im:message.group_msg"]).await;
    let user = world.user_token(0, json!({})).await;
    let root = said(world, "root").await;
    stage.told().await;
    let words = format!(
        "<at user_id=\"{}\"></at> <at user_id=\"{}\"></at>",
        bot_id(world, &stage.inside.app_id, &world.app_id),
        world.users[1].open_id
    );
    let made = answer(world, &root, &words, true).token(&user).send().await.data();
    let event = async |to: &Ear| {
        let bot = stage.bot(to, &stage.inside);
        json!({
            "message": {
                "chat_id": world.chat_id, "chat_type": "group", "content": r#"{"text":"@_user_1 @_user_2"}"#,
                "create_time": made["create_time"],
                "mentions": [
                    {"id": bot, "key": "@_user_1", "mentioned_type": "bot", "name": "inside", "tenant_key": world.tenant_key},
                    {"id": stage.user(to, 1).await, "key": "@_user_2", "mentioned_type": "user",
                        "name": world.users[1].name, "tenant_key": world.tenant_key},
                ],
                "message_id": made["message_id"], "message_type": "text", "parent_id": root, "root_id": root,
                "thread_id": made["thread_id"], "update_time": made["create_time"],
            },
            "sender": {"sender_id": stage.user(to, 0).await, "sender_type": "user", "tenant_key": world.tenant_key},
        })
    };
    let expected =
        [one(RECEIVED, event(&stage.actor).await), one(RECEIVED, event(&stage.inside).await), NOTHING];
    assert_eq!(stage.told().await, expected);
}

#[tokio::test]
async fn a_bot_hears_a_bot_that_mentions_it() {
    let stage = Stage::new().await;
    let world = &stage.world;
    scopes(&stage, &["im:message.group_at_msg.include_bot:readonly"]).await;
    let inside = bot_id(world, &stage.inside.app_id, &world.app_id);
    said(world, &format!("<at user_id=\"{inside}\"></at>")).await;
    let [actor, heard, _] = stage.told().await;
    assert_eq!(actor, NOTHING);
    let sender = &heard[0].1["sender"];
    assert_eq!(sender["sender_type"], "bot");
    assert_eq!(sender["sender_id"], stage.bot(&stage.inside, &stage.actor));
}

#[tokio::test]
async fn what_a_user_tells_a_bot() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let user = world.user_token(0, json!({})).await;
    let bot = bot_id(world, &world.app_id, &world.app_id);
    let made = tell(world, "open_id", &bot, "hello").token(&user).send().await.data();
    let [actor, inside, outside] = stage.told().await;
    assert_eq!((&inside, &outside), (&NOTHING, &NOTHING));
    let kinds: Vec<&str> = actor.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, [RECEIVED, "p2p_chat_create"]);
    let message = &actor[0].1["message"];
    assert_eq!((&message["chat_type"], &message["chat_id"]), (&json!("p2p"), &made["chat_id"]));
    // What the bot says itself is told to no app.
    tell(world, "chat_id", &text(&made, "chat_id"), "hi").send().await.data();
    assert_eq!(stage.told().await, [NOTHING, NOTHING, NOTHING]);
    let token = &stage.actor.token;
    let made = tell(world, "open_id", &world.users[1].open_id, "hi").token(token).send().await.data();
    let [actor, ..] = stage.told().await;
    assert_eq!((actor.len(), actor[0].0.as_str()), (1, "p2p_chat_create"));
    assert_eq!(actor[0].1["chat_id"], made["chat_id"]);
    world.set_app(&world.app_id, json!({"scopes": ["im:message.group_msg", "im:message"]})).await;
    tell(world, "open_id", &bot, "again").token(&user).send().await.data();
    assert_eq!(stage.told().await, [NOTHING, NOTHING, NOTHING], "without im:message.p2p_msg");
}

#[tokio::test]
async fn topic_groups_and_repeated_calls() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let user = world.user_token(0, json!({})).await;
    let topic = json!({"chat_mode": "topic", "members": [world.app_id, world.users[0].user_id]});
    let topic = world.chat(topic).await;
    for _ in 0..2 {
        let body =
            json!({"receive_id": topic, "msg_type": "text", "content": r#"{"text":"x"}"#, "uuid": "u"});
        let path = "/im/v1/messages?receive_id_type=chat_id";
        world.call("POST", path).token(&user).body(body).send().await.data();
    }
    let [actor, ..] = stage.told().await;
    assert_eq!(actor.len(), 1, "a repeated call says nothing new");
    let message = &actor[0].1["message"];
    assert_eq!(message["chat_type"], "topic_group");
    assert!(message["thread_id"].is_string() && message.get("root_id").is_none(), "{message}");
}

#[tokio::test]
async fn recalled_messages() {
    let stage = Stage::new().await;
    let world = &stage.world;
    scopes(&stage, &["im:message:readonly"]).await;
    let owner = world.user_token(0, json!({})).await;
    let manager = world.user_token(1, json!({})).await;
    crate::scenarios::put_member(world, &world.chat_id, &world.users[1].user_id, true).await;
    for (token, kind) in
        [(&world.token, "message_owner"), (&owner, "group_owner"), (&manager, "group_manager")]
    {
        let id = said(world, "x").await;
        recall(world, &id).token(token).send().await.data();
        let [actor, inside, outside] = stage.told().await;
        assert_eq!((actor.len(), outside), (1, NOTHING), "the acting app is told, too");
        let (name, event) = &inside[0];
        let time = text(event, "recall_time");
        assert_eq!((name.as_str(), time.len()), (RECALLED, 13));
        let expected =
            json!({"chat_id": world.chat_id, "message_id": id, "recall_time": time, "recall_type": kind});
        assert_eq!(*event, expected);
        assert_eq!(actor, inside);
    }
}

/// What is sent, and the text that the event has as `content`: always a string, a post without a level for its language.
#[tokio::test]
async fn the_contents_of_each_type() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let user = world.user_token(0, json!({})).await;
    let image = upload(world, &world.token, "message").await;
    let file = world.file("stream", "notes.txt", b"notes").await;
    stage.told().await;
    let post = json!({"zh_cn": {"title": "T", "content": [[
        {"tag": "text", "text": "a"}, {"tag": "at", "user_id": world.users[1].open_id},
        {"tag": "a", "href": "https://example.com/", "text": "b"}], [{"tag": "img", "image_key": image}]]}});
    let told_post = json!({"title": "T", "content": [[
        {"tag": "text", "text": "a", "style": []},
        {"tag": "at", "user_id": "@_user_1", "user_name": "", "style": []},
        {"tag": "a", "href": "https://example.com/", "text": "b", "style": []}], [{"tag": "img", "image_key": image}]]});
    for (kind, sent, expected) in [
        ("text", json!({"text": "x"}), json!({"text": "x"})),
        ("post", post, told_post),
        ("image", json!({"image_key": image}), json!({"image_key": image})),
        ("file", json!({"file_key": file}), json!({"file_key": file, "file_name": "notes.txt"})),
        ("share_chat", json!({"chat_id": world.chat_id}), json!({"chat_id": world.chat_id})),
        (
            "share_user",
            json!({"user_id": world.users[1].open_id}),
            json!({"user_id": world.users[1].open_id}),
        ),
        (
            "interactive",
            card("words"),
            json!({"title": null, "elements": [[{"tag": "text", "text": "words"}]]}),
        ),
    ] {
        send(world, &world.chat_id, kind, sent).token(&user).send().await.data();
        let [actor, ..] = stage.told().await;
        let message = &actor[0].1["message"];
        assert_eq!((actor.len(), &message["message_type"]), (1, &json!(kind)));
        let content: Value = serde_json::from_str(&text(message, "content")).expect("JSON in a string");
        assert_eq!(content, expected, "{kind}");
    }
}
