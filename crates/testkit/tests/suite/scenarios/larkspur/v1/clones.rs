//! Clones of worlds: the same content with new ids.

use std::collections::BTreeMap;

use larkspur_testkit::{Lab, World};
use serde_json::{Value, json};

use super::declined;
use super::snapshots::save;
use crate::scenarios::{text, upload};

/// A world with rows in many tables.
async fn rich(lab: &Lab) -> World {
    let world = lab.world().await;
    let (tag, image) = (world.tag("a tag").await, upload(&world, &world.token, "message").await);
    world.file("stream", "a.bin", b"bytes of a file").await;
    let chat = world.chat_id.clone();
    world
        .call("POST", "/im/v2/biz_entity_tag_relation")
        .body(json!({"tag_biz_type": "chat", "biz_entity_id": chat, "tag_ids": [tag]}))
        .send()
        .await
        .data();
    let tab = json!([{"tab_name": "Doc", "tab_type": "doc", "tab_content": {"doc": world.document_url}},
        {"tab_name": "Site", "tab_type": "url", "tab_content": {"url": "https://example.com"}}]);
    world.add_tabs(&tab).send().await.data();
    let menu = json!({"menu_tree": {"chat_menu_top_levels": [{"chat_menu_item": {"action_type": "NONE", "name": "a menu"},
        "children": [{"chat_menu_item": {"action_type": "NONE", "name": "below"}}]}]}});
    world.call("POST", &format!("/im/v1/chats/{chat}/menu_tree")).body(menu).send().await.data();
    let send = async |kind: &str, content: Value| {
        let body = json!({"receive_id": chat, "msg_type": kind, "content": content.to_string()});
        let request = world.call("POST", "/im/v1/messages").query("receive_id_type", "chat_id").body(body);
        text(&request.send().await.data(), "message_id")
    };
    let at = format!("<at user_id=\"{}\">Ada</at> see {chat}", world.users[0].open_id);
    let message = send("text", json!({"text": at})).await;
    send("image", json!({"image_key": image})).await;
    let taken_back = send("text", json!({"text": "a mistake"})).await;
    world.call("DELETE", &format!("/im/v1/messages/{taken_back}")).send().await.data();
    let reply = json!({"msg_type": "text", "content": r#"{"text":"a reply"}"#, "reply_in_thread": true});
    world.call("POST", &format!("/im/v1/messages/{message}/reply")).body(reply).send().await.data();
    let smile = json!({"reaction_type": {"emoji_type": "SMILE"}});
    world.call("POST", &format!("/im/v1/messages/{message}/reactions")).body(smile).send().await.data();
    world.call("POST", "/im/v1/pins").body(json!({"message_id": message})).send().await.data();
    let notice = json!({"chat_top_notice": [{"action_type": "1", "message_id": message}]});
    let path = format!("/im/v1/chats/{chat}/top_notice/put_top_notice");
    world.call("POST", &path).body(notice).send().await.data();
    let ada = &world.users[0].user_id;
    let said = json!({"as": ada, "text": "hello"});
    world.control("POST", &format!("/chats/{chat}/messages")).body(said).send().await.data();
    let read = json!({"as": world.users[1].user_id});
    world.control("PUT", &format!("/messages/{message}/read")).body(read).send().await.data();
    world
        .control("POST", &format!("/chats/{chat}/hooks"))
        .body(json!({"name": "a hook"}))
        .send()
        .await
        .data();
    world.control("POST", "/p2p").body(json!({"as": ada, "app_id": world.app_id})).send().await.data();
    world.user_token(0, json!({})).await;
    let leader = json!({"leader_user_id": ada});
    world.control("PATCH", &format!("/users/{}", world.users[1].user_id)).body(leader).send().await.data();
    world
}

/// The lines of a snapshot, apart from its head.
async fn lines(world: &World, name: &str) -> Vec<Value> {
    let reply = world.control("GET", &format!("/snapshots/{name}/file")).send().await;
    reply.text().lines().skip(1).map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The rows of each table.
fn counts(lines: &[Value]) -> BTreeMap<String, usize> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut table = String::new();
    for line in lines {
        match line["table"].as_str() {
            Some(name) => name.clone_into(&mut table),
            None => *counts.entry(table.clone()).or_default() += 1,
        }
    }
    counts
}

/// Every text and number in a value, also of JSON inside of texts.
fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => leaves(&inner, found),
            _ => found.push(text.clone()),
        },
        Value::Number(number) => found.push(number.to_string()),
        Value::Array(list) => list.iter().for_each(|item| leaves(item, found)),
        Value::Object(map) => map.values().for_each(|item| leaves(item, found)),
        Value::Null | Value::Bool(_) => {}
    }
}

#[tokio::test]
async fn a_clone_has_the_content_and_no_id_of_its_source() {
    let lab = Lab::start().await;
    let world = rich(&lab).await;
    save(&world, "one").await;
    let body = json!({"name": "copy", "from": {"world": world.tenant_key}});
    let made = lab.control("POST", "/worlds").body(body).send().await.data();
    let ids: BTreeMap<String, String> = serde_json::from_value(made["ids"].clone()).expect("ids");
    let of = |old: &str| ids.get(old).unwrap_or_else(|| panic!("no new id for {old}")).clone();
    let mut clone = World {
        tenant_key: text(&made, "tenant_key"),
        app_id: of(&world.app_id),
        chat_id: of(&world.chat_id),
        ..world.clone()
    };
    assert_eq!(of(&world.tenant_key), clone.tenant_key);
    clone.token = clone.sign_in(&clone.app_id, &world.app_secret).await;

    // The rows are as many, and no id of the source is among them: neither those that callers see, nor those in columns.
    let (source, copy) = (lines(&world, "one").await, lines(&clone, "@start").await);
    let (mut before, after) = (counts(&source), counts(&copy));
    for table in [
        "token_issue",
        "oauth_code",
        "oauth_refresh",
        "idempotency",
        "message_uuid",
        "card_token",
        "event_delivery",
    ] {
        before.remove(table);
    }
    assert_eq!(before, after);
    assert!(before.len() > 20, "{before:?}");
    let mut found = Vec::new();
    copy.iter().for_each(|line| leaves(line, &mut found));
    for leaf in &found {
        assert!(!ids.contains_key(leaf), "{leaf} is an id of the source");
    }
    let numbers = |lines: &[Value]| {
        let mut all = Vec::new();
        lines.iter().for_each(|line| leaves(line, &mut all));
        // Snowflakes have 19 digits.
        all.retain(|leaf| leaf.len() == 19 && leaf.bytes().all(|digit| digit.is_ascii_digit()));
        all
    };
    let old = numbers(&source);
    assert!(!old.is_empty() && numbers(&copy).iter().all(|number| !old.contains(number)));
    assert!(ids.iter().all(|(old, new)| old != new) && ids.len() > 30, "{}", ids.len());

    works(&world, &clone, &of).await;
}

/// The clone works as its source does, and apart from it.
async fn works(world: &World, clone: &World, of: &dyn Fn(&str) -> String) {
    let path = format!("/im/v1/chats/{}", clone.chat_id);
    let shown = clone.call("GET", &path).send().await.data();
    assert_eq!((&shown["name"], &shown["user_count"]), (&json!("Larkspur demo"), &json!("3")));
    let request = clone.call("GET", "/im/v1/messages").query("container_id_type", "chat");
    let said = request.query("container_id", &clone.chat_id).send().await.data();
    let items = said["items"].as_array().expect("messages");
    assert_eq!(items.len(), 4, "{said}");
    assert_eq!(
        items.iter().map(|item| item["deleted"] == true).collect::<Vec<_>>(),
        [false, false, true, false]
    );
    let content = items[0]["body"]["content"].as_str().expect("a content");
    assert!(content.contains(&world.chat_id), "ids inside of texts stay: {content}");
    assert_eq!(items[0]["mentions"][0]["id"], of(&world.users[0].open_id));
    let picture: Value =
        serde_json::from_str(items[1]["body"]["content"].as_str().expect("a content")).expect("JSON");
    let key = text(&picture, "image_key");
    let download = clone.call("GET", &format!("/im/v1/images/{key}")).send().await;
    assert_eq!((download.status(), download.bytes().is_empty()), (200, false));
    let pins = clone.call("GET", "/im/v1/pins").query("chat_id", &clone.chat_id).send().await.data();
    assert_eq!(pins["items"][0]["message_id"], items[0]["message_id"]);
    let notice = clone.control("GET", &format!("/chats/{}", clone.chat_id)).send().await.data();
    assert!(!notice.to_string().contains(&world.app_id), "{notice}");
    clone.tag("another tag").await;
    clone.control("DELETE", "").send().await.data();
    world.call("GET", &format!("/im/v1/chats/{}", world.chat_id)).send().await.data();
}

#[tokio::test]
async fn a_clone_of_a_snapshot_and_what_cannot_be_cloned() {
    let lab = Lab::start().await;
    let world = lab.world().await;
    world.tag("early").await;
    save(&world, "one").await;
    world.tag("late").await;
    let make = async |from: Value| lab.control("POST", "/worlds").body(json!({"from": from})).send().await;
    let made = make(json!({"world": world.tenant_key, "snapshot": "one"})).await.data();
    let clone = World { tenant_key: text(&made, "tenant_key"), ..world.clone() };
    let tags = lines(&clone, "@start").await;
    let text_of = |lines: &[Value]| lines.iter().map(ToString::to_string).collect::<String>();
    assert!(text_of(&tags).contains("\"early\"") && !text_of(&tags).contains("\"late\""));

    declined(&make(json!({"world": "0000000000000000"})).await, 5275404, "from.world");
    declined(&make(json!({"world": "x"})).await, 5275404, "from.world");
    let unknown = json!({"world": world.tenant_key, "snapshot": "two"});
    declined(&make(unknown).await, 5275404, "from.snapshot");
    let both = json!({"from": {"world": world.tenant_key}, "template": "empty"});
    declined(&lab.control("POST", "/worlds").body(both).send().await, 5275400, "from");
}
