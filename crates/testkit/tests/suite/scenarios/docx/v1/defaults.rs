//! What the pages leave open, full pages, and the edits of two servers.

use larkspur_server::RateLimits;
use larkspur_testkit::{Lab, LabOptions, ManualClock};
use serde_json::{Value, json};

use super::{add, at, list, made_id, new_text, paragraph, refused, revision, shown, update};
use crate::scenarios::{document, text, world};

/// A chat that a bot made without an owner belongs to the bot, and so does its announcement.
#[tokio::test]
async fn the_bot_owns_the_announcement_of_its_chat() {
    let world = world().await;
    let made = world.call("POST", "/im/v1/chats").body(json!({"name": "of the bot"})).send().await.data();
    let chat = text(&made, "chat_id");
    let bot = world.call("GET", "/bot/v3/info").send().await.json()["bot"]["open_id"].clone();
    for form in ["open_id", "user_id", "union_id"] {
        let data = at(&world, "GET", &chat, "").query("user_id_type", form).send().await.data();
        for who in ["owner", "modifier"] {
            let shown = (&data[format!("{who}_id")], &data[format!("{who}_id_type")]);
            assert_eq!(shown, (&bot, &json!("open_id")), "{form} {who}");
        }
    }
}

#[tokio::test]
async fn topic_groups_have_the_same_form() {
    let world = world().await;
    for body in [json!({"chat_mode": "topic"}), json!({"group_message_type": "thread"})] {
        let mut body = body;
        body["members"] = json!([world.app_id]);
        let chat = world.chat(body.clone()).await;
        let data = at(&world, "GET", &chat, "").send().await.data();
        assert_eq!((&data["announcement_type"], &data["revision_id"]), (&json!("docx"), &json!(1)), "{body}");
        let data = add(&world, &chat, &chat, &json!([paragraph("a")])).send().await.data();
        assert_eq!(data["revision_id"], 2, "{body}");
        assert_eq!(list(&world, &chat).send().await.data()["items"].as_array().map(Vec::len), Some(2));
    }
}

#[tokio::test]
async fn parts_of_texts_that_only_clients_write() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let block = made_id(&world, &chat, paragraph("a")).await;
    let (token, url) = document(&world, json!({"owner": world.app_id, "title": "Plan"})).await;
    let mention = |more: Value| {
        let mut mention = json!({"token": token, "obj_type": 22, "url": url});
        mention.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        json!([{"block_id": block, "update_text_elements": {"elements": [{"mention_doc": mention}]}}])
    };
    update(&world, &chat, &mention(json!({}))).send().await.data();
    let usual = shown(&world, &block).await;
    for fallback in ["FallbackToLink", "FallbackToText", "anything"] {
        update(&world, &chat, &mention(json!({"fallback_type": fallback}))).send().await.data();
        assert_eq!(shown(&world, &block).await, usual, "{fallback} is ignored");
    }
    let preview =
        json!({"link_preview": {"title": "t", "url": "https%3A%2F%2Fexample.com", "url_type": "Project"}});
    let before = revision(&world).await;
    let inline = json!([{"block_id": block, "update_text_elements": {"elements": [preview]}}]);
    refused(&update(&world, &chat, &inline).send().await, 1770024);
    let new = json!([{"block_type": 2, "text": {"elements": [preview]}}]);
    refused(&add(&world, &chat, &chat, &new).send().await, 1770024);
    // No block is a task, so that no update finds one.
    let task = json!([{"block_type": 35, "task": {"task_id": "t"}}]);
    refused(&add(&world, &chat, &chat, &task).send().await, 1770029);
    let task = json!([{"block_id": block, "update_task": {"task_id": "t", "folded": true}}]);
    refused(&update(&world, &chat, &task).send().await, 1770025);
    assert_eq!(revision(&world).await, before);
}

/// A page has up to 500 blocks.
#[tokio::test]
async fn five_hundred_blocks_are_one_page() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let texts = |count: usize| json!(vec![paragraph("x"); count]);
    for _ in 0..9 {
        add(&world, &chat, &chat, &texts(50)).send().await.data();
    }
    add(&world, &chat, &chat, &texts(49)).send().await.data();
    let page = async |token: &str| {
        list(&world, &chat).query("page_size", "500").query("page_token", token).send().await.data()
    };
    let whole = page("").await;
    assert_eq!((whole["items"].as_array().map(Vec::len), &whole["has_more"]), (Some(500), &json!(false)));
    add(&world, &chat, &chat, &texts(1)).send().await.data();
    let first = page("").await;
    assert_eq!((first["items"].as_array().map(Vec::len), &first["has_more"]), (Some(500), &json!(true)));
    let rest = page(&text(&first, "page_token")).await;
    assert_eq!((rest["items"].as_array().map(Vec::len), &rest["has_more"]), (Some(1), &json!(false)));
}

/// The three edits a second are those of all servers together.
#[tokio::test]
async fn two_servers_make_three_edits_a_second() {
    let clock = ManualClock::at(1_750_000_000_000);
    let options =
        LabOptions { rate_limits: RateLimits::Platform, clock: clock.clone(), ..LabOptions::default() };
    let world = Lab::with(options).await.world().await;
    let Some(beside) = world.lab.beside().await else { return };
    let chat = world.chat_id.clone();
    let here = || update(&world, &chat, &json!([new_text(&chat, "here")]));
    let there = || {
        let path = format!("/open-apis/docx/v1/chats/{chat}/announcement/blocks/batch_update");
        let body = json!({"requests": [new_text(&chat, "there")]});
        beside.request("PATCH", &path).token(&world.token).body(body)
    };
    for _ in 0..2 {
        assert_eq!(here().send().await.data()["revision_id"].as_i64().map(|number| number % 3), Some(2));
        there().send().await.data();
        assert_eq!(there().send().await.data()["revision_id"].as_i64().map(|number| number % 3), Some(1));
        assert_eq!(here().send().await.refused(99991400)["code"], 99991400);
        assert_eq!(there().send().await.status(), 429);
        clock.advance(1000);
    }
    assert_eq!(revision(&world).await, 7);
}
