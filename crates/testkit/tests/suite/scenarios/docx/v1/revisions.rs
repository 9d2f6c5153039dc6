//! Revisions, repeated calls, and three edits a second.

use larkspur_server::RateLimits;
use larkspur_testkit::{Lab, LabOptions, ManualClock};
use serde_json::{Value, json};

use super::{
    add, at, blocks, delete, list, made, new_text, paragraph, refused, revision, set_revision, update,
};
use crate::scenarios::{set_chat, world};

#[tokio::test]
async fn older_revisions_can_be_read() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let mut seen = vec![Vec::new(), blocks(&world).await];
    made(&world, &chat, paragraph("a")).await;
    seen.push(blocks(&world).await);
    add(&world, &chat, &chat, &json!([paragraph("b"), super::table(2, 2)])).send().await.data();
    seen.push(blocks(&world).await);
    update(&world, &chat, &json!([new_text(&chat, "title")])).send().await.data();
    seen.push(blocks(&world).await);
    delete(&world, &chat, &chat, 0, 2).send().await.data();
    seen.push(blocks(&world).await);
    // An edit that changes nothing is a revision, too.
    update(&world, &chat, &json!([new_text(&chat, "title")])).send().await.data();
    seen.push(blocks(&world).await);
    assert_eq!(revision(&world).await, 6);
    assert_eq!(seen[5], seen[6]);
    for (number, expected) in seen.iter().enumerate().skip(1) {
        let number = number.to_string();
        let data = list(&world, &chat).query("revision_id", &number).send().await.data();
        assert_eq!(data["items"], json!(expected), "revision {number}");
        let page = at(&world, "GET", &chat, &format!("/blocks/{chat}")).query("revision_id", &number);
        assert_eq!(page.send().await.data()["block"], expected[0]);
    }
    let gone = super::id(&seen[2][1]);
    let read = at(&world, "GET", &chat, &format!("/blocks/{gone}"));
    refused(&read.clone().send().await, 1770002);
    read.query("revision_id", "4").send().await.data();
    let reads = || {
        ["/blocks".to_owned(), format!("/blocks/{chat}"), format!("/blocks/{chat}/children")]
            .map(|part| at(&world, "GET", &chat, &part))
    };
    for wrong in ["0", "7"] {
        for call in reads() {
            refused(&call.query("revision_id", wrong).send().await, 1770001);
        }
    }
    refused(&list(&world, &chat).query("revision_id", "-2").send().await, 99992402);
    // Older revisions are for those who may edit; later pages of a list are for all readers.
    set_chat(&world, &chat, json!({"settings": {"edit_permission": "only_owner"}})).await;
    let (owner, member) = (world.user_token(0, json!({})).await, world.user_token(1, json!({})).await);
    for call in reads() {
        refused(&call.clone().token(&member).query("revision_id", "3").send().await, 1770032);
        call.clone().token(&member).query("revision_id", "6").send().await.data();
        call.token(&owner).query("revision_id", "3").send().await.data();
    }
    let first = list(&world, &chat).token(&member).query("page_size", "1").send().await.data();
    update(&world, &chat, &json!([new_text(&chat, "new")])).token(&owner).send().await.data();
    let next = list(&world, &chat)
        .token(&member)
        .query("page_token", first["page_token"].as_str().expect("a token"));
    assert_eq!(next.send().await.data()["items"][0], seen[6][1]);
}

#[tokio::test]
async fn edits_name_a_revision() {
    let world = world().await;
    let chat = world.chat_id.clone();
    made(&world, &chat, paragraph("a")).await;
    let edits = || {
        [
            add(&world, &chat, &chat, &json!([paragraph("b")])),
            update(&world, &chat, &json!([new_text(&chat, "title")])),
            delete(&world, &chat, &chat, 0, 1),
        ]
    };
    for edit in edits() {
        for (revision, code) in [("0", 1770001), ("99", 1770001), ("-2", 99992402)] {
            refused(&edit.clone().query("revision_id", revision).send().await, code);
        }
        edit.query("revision_id", "1").send().await.data();
    }
    set_revision(&world, 1002).await;
    let old = list(&world, &chat).query("revision_id", "1");
    refused(&old.send().await, 1770001);
    for edit in edits() {
        refused(&edit.clone().query("revision_id", "1").send().await, 1770021);
        edit.query("revision_id", "5").send().await.data();
    }
    assert_eq!(revision(&world).await, 1005);
}

#[tokio::test]
async fn a_client_token_is_answered_once() {
    let world = world().await;
    let chat = world.chat_id.clone();
    made(&world, &chat, paragraph("a")).await;
    let edits = [
        add(&world, &chat, &chat, &json!([paragraph("b")])),
        update(&world, &chat, &json!([new_text(&chat, "title")])),
        delete(&world, &chat, &chat, 0, 1),
    ];
    for (number, edit) in (3..).zip(edits.clone()) {
        let edit = edit.query("client_token", "same");
        let first = edit.clone().send().await.data();
        assert_eq!((&first["client_token"], &first["revision_id"]), (&json!("same"), &json!(number)));
        assert_eq!(edit.send().await.data(), first);
        assert_eq!(revision(&world).await, number);
    }
    // Another body with the same token gets the first answer, too; another caller or token makes an edit.
    let other = update(&world, &chat, &json!([new_text(&chat, "other")])).query("client_token", "same");
    assert_eq!(other.clone().send().await.data()["revision_id"], 4);
    let user = world.user_token(0, json!({})).await;
    assert_eq!(other.token(&user).send().await.data()["revision_id"], 6);
    let mut tokens: Vec<Value> = Vec::new();
    for _ in 0..2 {
        let data = edits[1].clone().query("client_token", "").send().await.data();
        tokens.push(data["client_token"].clone());
    }
    assert_ne!(tokens[0], tokens[1]);
    assert_eq!(tokens[0].as_str().map(str::len), Some(36));
    assert_eq!(revision(&world).await, 8);
    world.advance(86_400).await;
    let world =
        larkspur_testkit::World { token: world.sign_in(&world.app_id, &world.app_secret).await, ..world };
    let again = update(&world, &chat, &json!([new_text(&chat, "title")])).query("client_token", "same");
    assert_eq!(again.send().await.data()["revision_id"], 9, "after a day it is new");
}

#[tokio::test]
async fn three_edits_a_second() {
    let clock = ManualClock::at(1_750_000_000_000);
    let options = LabOptions {
        rate_limits: RateLimits::Platform,
        // Three edits a second are HTTP 429 whatever the setting for other limits is.
        rate_limit_status: 400,
        clock: clock.clone(),
        ..LabOptions::default()
    };
    let world = Lab::with(options).await.world().await;
    let chat = world.chat_id.clone();
    let (_, token) = world.app(json!({"name": "other"})).await;
    let user = world.user_token(1, json!({})).await;
    let title = || update(&world, &chat, &json!([new_text(&chat, "title")]));
    title().send().await.data();
    add(&world, &chat, &chat, &json!([paragraph("a")])).token(&user).send().await.data();
    // Neither a refused edit nor a repeated one counts.
    refused(&delete(&world, &chat, &chat, 0, 9).send().await, 1770001);
    clock.advance(900);
    for _ in 0..2 {
        delete(&world, &chat, &chat, 0, 1).query("client_token", "same").send().await.data();
    }
    let full = title().token(&user).send().await;
    let json = full.refused(99991400);
    assert_eq!((full.status(), json["msg"].as_str()), (429, Some("request trigger frequency limit")));
    assert_eq!(full.response.header("x-ogw-ratelimit-limit").as_deref(), Some("3"));
    // Other announcements are not affected, nor does the world's clock help.
    let other = world.chat(json!({"members": [world.app_id]})).await;
    add(&world, &other, &other, &json!([paragraph("a")])).send().await.data();
    world.advance(60).await;
    title().send().await.refused(99991400);
    clock.advance(99);
    title().send().await.refused(99991400);
    clock.advance(1);
    title().send().await.data();
    title().send().await.data();
    title().send().await.refused(99991400);
    assert_ne!(token, user);
}
