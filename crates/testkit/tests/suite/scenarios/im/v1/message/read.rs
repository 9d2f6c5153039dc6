//! `GET /im/v1/messages/:message_id` and `GET /im/v1/messages/mget`

use larkspur_testkit::Lab;
use serde_json::{Value, json};

use super::{get, list, read, recall, said, tell, with_user};
use crate::scenarios::{refused_as, text, world};

#[tokio::test]
async fn several_messages_at_once() {
    let world = world().await;
    let other = world.lab.world().await;
    let (one, two) = (said(&world, "one").await, said(&world, "two").await);
    let theirs = said(&other, "theirs").await;
    let asked = [two.as_str(), "x", &theirs, &one, &two, "om_dc13264520392913993dd051dba21dcf"].join(",");
    let data = world.call("GET", "/im/v1/messages/mget").query("message_ids", &asked).send().await.data();
    assert_eq!(data, json!({"items": [read(&world, &two).await, read(&world, &one).await]}));
    let repeated = world.call("GET", "/im/v1/messages/mget");
    let repeated = repeated.query("message_ids", &one).query("message_ids", &two);
    let data = repeated.query("card_msg_content_type", "raw_card_content").send().await.data();
    assert_eq!(data["items"].as_array().expect("items").len(), 2);
    let none = world.call("GET", "/im/v1/messages/mget").send().await;
    none.refused(99992402);
    let many = vec!["x"; 51].join(",");
    let reply = world.call("GET", "/im/v1/messages/mget").query("message_ids", &many).send().await;
    reply.refused(99992402);
    assert_eq!(reply.violated(), ["message_ids"]);
}

#[tokio::test]
async fn a_recalled_message_is_read_as_such() {
    let world = world().await;
    let id = said(&world, "<at user_id=\"all\"></at> x").await;
    let before = read(&world, &id).await;
    world.advance(5).await;
    recall(&world, &id).send().await.data();
    let after = read(&world, &id).await;
    assert_eq!(after["body"], json!({"content": "This message was recalled"}));
    assert_eq!((&after["deleted"], &after["updated"]), (&json!(true), &json!(false)));
    assert_eq!((&after["msg_type"], &after["create_time"]), (&before["msg_type"], &before["create_time"]));
    let listed = list(&world, "chat", &world.chat_id).send().await.data();
    assert_eq!(listed["items"], json!([after]));
}

#[tokio::test]
async fn reading_needs_scopes_of_its_own() {
    let lab = Lab::start().await;
    let (world, token) = with_user(&lab).await;
    let id = said(&world, "x").await;
    let sent = tell(&world, "open_id", &world.users[0].open_id, "x").send().await.data();
    let (p2p, private) = (text(&sent, "chat_id"), text(&sent, "message_id"));
    for message in [&id, &private] {
        get(&world, message).token(&token).send().await.data();
    }
    let lacks = |scope: &str| format!("Lack of necessary permissions, ext=need scope: {scope}");
    world.set_app(&world.app_id, json!({"scopes": ["im:message"]})).await;
    for call in [get(&world, &id), list(&world, "chat", &world.chat_id)] {
        refused_as(&call.send().await, 230027, &lacks("im:message.group_msg"));
    }
    get(&world, &private).send().await.data();
    list(&world, "chat", &p2p).send().await.data();
    let mget = world.call("GET", "/im/v1/messages/mget").query("message_ids", &format!("{id},{private}"));
    assert_eq!(mget.send().await.data()["items"].as_array().expect("items").len(), 1);
    world.set_app(&world.app_id, json!({"scopes": ["im:message", "im:message.group_msg:readonly"]})).await;
    get(&world, &id).send().await.data();
    let bare = world.user_token(0, json!({"scopes": ["im:message"]})).await;
    let reply = get(&world, &id).token(&bare).send().await;
    refused_as(&reply, 230027, &lacks("im:message.group_msg:get_as_user"));
    let reply = get(&world, &private).token(&bare).send().await;
    refused_as(&reply, 230027, &lacks("im:message.p2p_msg:get_as_user"));
}

#[tokio::test]
async fn senders_have_names_for_those_who_ask() {
    let lab = Lab::start().await;
    let (world, token) = with_user(&lab).await;
    said(&world, "bot").await;
    super::say(&world, "user").token(&token).send().await.data();
    let request = list(&world, "chat", &world.chat_id).query("with_sender_name", "true");
    let data = request.send().await.data();
    let senders: Vec<_> =
        data["items"].as_array().expect("items").iter().map(|item| &item["sender"]).collect();
    let bot = super::bot_id(&world, &world.app_id, &world.app_id);
    assert_eq!(
        (&senders[0]["sender_name"], &senders[0]["open_bot_id"]),
        (&json!("Larkspur demo"), &json!(bot))
    );
    assert_eq!(senders[1]["sender_name"], world.users[0].name.as_str());
    for sender in &senders {
        let name = &sender["sender_name"];
        assert_eq!(sender["sender_i18n_names"], json!({"zh_cn": name, "en_us": name, "ja_jp": name}));
    }
    assert!(senders[1].get("open_bot_id").is_none(), "{data}");
    let plain = list(&world, "chat", &world.chat_id).query("with_sender_name", "false").send().await.data();
    assert!(plain["items"][0]["sender"].get("sender_name").is_none(), "{plain}");
}

#[tokio::test]
async fn what_reading_a_recalled_message_answers_is_a_setting() {
    let world = world().await;
    let id = said(&world, "x").await;
    recall(&world, &id).send().await.data();
    let shown = get(&world, &id).send().await.data()["items"][0].clone();
    assert_eq!(
        (&shown["deleted"], &shown["body"]["content"]),
        (&json!(true), &json!("This message was recalled"))
    );
    let set = async |value: &str| {
        let settings = json!({"behaviours": {"withdrawn_get": value}});
        world.control("PUT", "/settings").body(settings).send().await.data();
    };
    set("230011").await;
    refused_as(&get(&world, &id).send().await, 230011, "The message was withdrawn.");
    set("empty").await;
    assert_eq!(get(&world, &id).send().await.data(), json!({"items": []}));
    let listed = list(&world, "chat", &world.chat_id).send().await.data();
    assert_eq!(listed["items"][0]["deleted"], json!(true), "lists have it in any case");
    set("deleted").await;
    assert_eq!(get(&world, &id).send().await.data()["items"][0], shown);
}

#[tokio::test]
async fn markdown_is_kept_beside_the_nodes_if_asked() {
    let world = world().await;
    let user = &world.users[0];
    let md = format!("**Hi** <at user_id=\"{}\">n</at> <at user_id=\"not-here\">n</at>", user.open_id);
    let content = json!({"zh_cn": {"title": "t", "content": [
        [{"tag": "text", "text": "a"}], [{"tag": "md", "text": md}], [{"tag": "hr"}],
    ]}});
    let sent = async || {
        let made = super::send(&world, &world.chat_id, "post", content.clone()).send().await.data();
        let id = text(&made, "message_id");
        let read = get(&world, &id).send().await.data()["items"][0].clone();
        assert_eq!(made["body"], read["body"]);
        assert_eq!(read["mentions"].as_array().map(Vec::len), Some(1), "{read}");
        serde_json::from_str::<Value>(&text(&read["body"], "content")).expect("JSON")
    };
    let plain = sent().await;
    assert_eq!(plain.get("content_v2"), None);
    let settings = json!({"behaviours": {"content_v2": true}});
    world.control("PUT", "/settings").body(settings).send().await.data();
    let mut kept = sent().await;
    let expected = json!([
        [{"tag": "text", "text": "a", "style": []}],
        [{"tag": "md", "text": "**Hi** @_user_1 <at user_id=\"not-here\">n</at>"}],
        [{"tag": "hr"}],
    ]);
    assert_eq!(kept.as_object_mut().and_then(|kept| kept.remove("content_v2")), Some(expected));
    assert_eq!(kept, plain, "content is the same");
    let without = json!({"zh_cn": {"title": "t", "content": [[{"tag": "hr"}]]}});
    let made = super::send(&world, &world.chat_id, "post", without).send().await.data();
    assert!(!text(&made["body"], "content").contains("content_v2"), "{made}");
}
