//! What all seven operations have in common: who may, on which chats; and what an announcement is.

use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use super::{add, at, blocks, delete, list, new_text, paragraph, refused, revision, shown, update};
use crate::scenarios::{names, put_member, set_chat, world};

const UNKNOWN: &str = "oc_00000000000000000000000000000000";

/// The info, the other reads, and the edits.
fn calls(world: &World, chat: &str) -> Vec<(usize, Request)> {
    vec![
        (0, at(world, "GET", chat, "")),
        (1, list(world, chat)),
        (1, at(world, "GET", chat, &format!("/blocks/{chat}"))),
        (1, at(world, "GET", chat, &format!("/blocks/{chat}/children"))),
        (2, add(world, chat, chat, &json!([paragraph("a")]))),
        (2, update(world, chat, &json!([new_text(chat, "title")]))),
        (2, delete(world, chat, chat, 0, 1)),
    ]
}

/// Checks the code of the info, of the other reads, and of the edits.
async fn answers(world: &World, token: &str, chat: &str, codes: [u32; 3]) {
    for (kind, call) in calls(world, chat) {
        let reply = call.token(token).send().await;
        match codes[kind] {
            0 => drop(reply.data()),
            code => refused(&reply, code),
        }
    }
}

/// Starts with everything wrong about a chat, and fixes one thing at a time: the order of the refusals.
#[tokio::test]
async fn every_refusal_of_a_chat() {
    let world = world().await;
    let other = world.lab.world().await;
    let (app, token) = (world.app_id.clone(), world.token.clone());
    let chat =
        json!({"external": true, "chat_status": "dissolved", "settings": {"edit_permission": "only_owner"}});
    let chat = world.chat(chat).await;
    set_chat(&world, &chat, json!({"announcement_type": "none", "announcement_locked": true})).await;
    world.set_app(&app, json!({"bot": false, "status": "disabled"})).await;
    let tell = async |chat: &str, codes: [u32; 3]| answers(&world, &token, chat, codes).await;
    tell(UNKNOWN, [1770002; 3]).await;
    tell("x", [1770002; 3]).await;
    tell(&chat, [1772025; 3]).await;
    world.set_app(&app, json!({"bot": true})).await;
    tell(&chat, [1772034; 3]).await;
    world.set_app(&app, json!({"status": "enabled"})).await;
    tell(&other.chat_id, [1772002; 3]).await;
    tell(&chat, [1772004; 3]).await;
    world.set_app(&app, json!({"external_sharing": true})).await;
    tell(&chat, [1770002; 3]).await;
    set_chat(&world, &chat, json!({"chat_status": "normal"})).await;
    tell(&chat, [1772001; 3]).await;
    set_chat(&world, &chat, json!({"announcement_type": "doc"})).await;
    tell(&chat, [1772003; 3]).await;
    put_member(&world, &chat, &app, false).await;
    tell(&chat, [1770032, 1772006, 1772006]).await;
    set_chat(&world, &chat, json!({"announcement_type": "docx"})).await;
    tell(&chat, [1770032, 1770032, 1772005]).await;
    set_chat(&world, &chat, json!({"settings": {"edit_permission": "all_members"}})).await;
    tell(&chat, [1770032; 3]).await;
    set_chat(&world, &chat, json!({"announcement_locked": false})).await;
    tell(&chat, [0; 3]).await;

    let p2p = world.chat(json!({"chat_mode": "p2p", "members": [world.users[0].user_id, app]})).await;
    tell(&p2p, [1772001; 3]).await;
    set_chat(&world, &p2p, json!({"announcement_type": "docx"})).await;
    tell(&p2p, [1772001; 3]).await;
}

#[tokio::test]
async fn who_may_edit() {
    let world = world().await;
    let app = world.app_id.clone();
    let [owner, manager, member] = [0, 1, 2].map(|n| world.users[n].user_id.clone());
    let people = json!({"owner": owner, "managers": [manager], "members": [member, app], "creator_app": app,
        "settings": {"edit_permission": "only_owner"}});
    let chat = world.chat(people).await;
    let mut tokens = Vec::new();
    for user in 0..3 {
        tokens.push(world.user_token(user, json!({})).await);
    }
    answers(&world, &tokens[0], &chat, [0; 3]).await;
    answers(&world, &tokens[1], &chat, [0; 3]).await;
    answers(&world, &tokens[2], &chat, [0, 0, 1772005]).await;
    answers(&world, &world.token, &chat, [0; 3]).await;
    let scopes = json!({"scopes": ["im:chat.announcement:read", "im:chat.announcement:write_only"]});
    world.set_app(&app, scopes).await;
    answers(&world, &world.token, &chat, [0, 0, 1772005]).await;
    put_member(&world, &chat, &app, true).await;
    answers(&world, &world.token, &chat, [0; 3]).await;
    let locked = json!({"announcement_locked": true, "settings": {"edit_permission": "all_members"}});
    set_chat(&world, &chat, locked).await;
    answers(&world, &tokens[2], &chat, [1770032; 3]).await;
}

/// Reading an external chat does not need the app's external sharing for a user; editing does.
#[tokio::test]
async fn users_read_external_chats() {
    let world = world().await;
    let user = world.user_token(1, json!({})).await;
    let people = json!({"external": true, "owner": world.users[0].user_id,
        "members": [world.app_id, world.users[1].user_id]});
    let chat = world.chat(people).await;
    answers(&world, &world.token, &chat, [1772004; 3]).await;
    answers(&world, &user, &chat, [0, 0, 1772004]).await;
}

#[tokio::test]
async fn a_group_begins_with_an_empty_page() {
    let world = world().await;
    let reply = at(&world, "GET", &world.chat_id, "").send().await;
    assert_eq!(reply.json()["msg"], "success");
    let data = reply.data();
    let expected = [
        "announcement_type",
        "create_time",
        "create_time_v2",
        "modifier_id",
        "modifier_id_type",
        "owner_id",
        "owner_id_type",
        "revision_id",
        "update_time",
        "update_time_v2",
    ];
    assert_eq!(names(&data), expected);
    assert_eq!((&data["revision_id"], &data["announcement_type"]), (&json!(1), &json!("docx")));
    let created = data["create_time"].as_i64().expect("seconds");
    assert_eq!(
        (&data["create_time_v2"], &data["update_time"]),
        (&json!(created.to_string()), &json!(created))
    );
    assert_eq!(
        (&data["owner_id"], &data["owner_id_type"]),
        (&json!(world.users[0].open_id), &json!("open_id"))
    );
    assert_eq!(data["modifier_id"], data["owner_id"]);
    let page = json!([{"block_id": world.chat_id, "block_type": 1, "parent_id": "", "page": {
        "elements": [{"text_run": {"content": "", "text_element_style": {"bold": false, "inline_code": false,
            "italic": false, "strikethrough": false, "underline": false}}}], "style": {"align": 1}}}]);
    assert_eq!(list(&world, &world.chat_id).send().await.data(), json!({"items": page, "has_more": false}));

    world.advance(3600).await;
    let user = world.user_token(1, json!({})).await;
    let edit = update(&world, &world.chat_id, &json!([new_text(&world.chat_id, "title")]));
    edit.token(&user).send().await.data();
    for form in ["open_id", "union_id", "user_id"] {
        let data = at(&world, "GET", &world.chat_id, "").query("user_id_type", form).send().await.data();
        let user = &world.users[1];
        let id = [("open_id", &user.open_id), ("union_id", &user.union_id), ("user_id", &user.user_id)];
        let id = id.iter().find(|pair| pair.0 == form).expect("a form").1;
        assert_eq!((&data["modifier_id"], &data["modifier_id_type"]), (&json!(id), &json!(form)));
        assert!(data["update_time"].as_i64().expect("seconds") >= created + 3600);
        assert_eq!(data["revision_id"], 2);
    }
    add(&world, &world.chat_id, &world.chat_id, &json!([paragraph("a")])).send().await.data();
    let data = at(&world, "GET", &world.chat_id, "").query("user_id_type", "user_id").send().await.data();
    let bot = world.call("GET", "/bot/v3/info").send().await.json()["bot"]["open_id"].clone();
    assert_eq!((&data["modifier_id"], &data["modifier_id_type"]), (&bot, &json!("open_id")));
}

/// A public client tries the old announcement first, and changes to docx on 232097.
#[tokio::test]
async fn a_client_that_knows_both_forms() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let old = world.call("GET", &format!("/im/v1/chats/{chat}/announcement"));
    assert_eq!(old.clone().send().await.code(), 232097);
    let info = at(&world, "GET", &chat, "").send().await.data();
    assert_eq!(info["announcement_type"], "docx");
    let mut at_revision = info["revision_id"].as_i64().expect("a number");
    let page = list(&world, &chat).query("page_size", "50").send().await.data();
    let count = page["items"][0]["children"].as_array().map_or(0, Vec::len);
    assert_eq!(count, 0);
    for text in ["one", "two"] {
        let body = json!({"children": [paragraph(text)], "revision_id": -1, "operation": "insert"});
        let call = at(&world, "POST", &chat, &format!("/blocks/{chat}/children")).body(body);
        let data = call.query("revision_id", &at_revision.to_string()).send().await.data();
        at_revision += 1;
        assert_eq!(data["revision_id"], at_revision);
    }
    // It clears the announcement and fills it again.
    let children = at(&world, "GET", &chat, &format!("/blocks/{chat}/children")).send().await.data();
    let count = children["items"].as_array().expect("blocks").len();
    delete(&world, &chat, &chat, 0, i64::try_from(count).expect("few")).send().await.data();
    add(&world, &chat, &chat, &json!([paragraph("new")])).send().await.data();
    assert_eq!(blocks(&world).await.len(), 2);
    assert_eq!(
        (revision(&world).await, shown(&world, &chat).await["children"].as_array().map(Vec::len)),
        (5, Some(1))
    );

    // An old announcement is named by the info, with its own revision.
    world.old_announcements().await;
    old.send().await.data();
    let info = at(&world, "GET", &chat, "").send().await.data();
    assert_eq!((&info["announcement_type"], &info["revision_id"]), (&json!("doc"), &json!(0)));
}

/// New groups have the form that the world's settings say.
#[tokio::test]
async fn the_form_of_new_groups() {
    let world = world().await;
    let kind = async |chat: &str| -> Value {
        at(&world, "GET", chat, "").send().await.data()["announcement_type"].clone()
    };
    let new = async || {
        let made = world.call("POST", "/im/v1/chats").body(json!({"name": "new"})).send().await.data();
        made["chat_id"].as_str().expect("a chat_id").to_owned()
    };
    let members = json!([world.app_id]);
    let before = new().await;
    world.control("PUT", "/settings").body(json!({"old_announcements": true})).send().await.data();
    assert_eq!((kind(&before).await, kind(&new().await).await), (json!("docx"), json!("doc")));
    let old = world.chat(json!({"members": members})).await;
    let docx = world.chat(json!({"members": members, "announcement_type": "docx"})).await;
    assert_eq!((kind(&old).await, kind(&docx).await), (json!("doc"), json!("docx")));
    world.control("PUT", "/settings").body(json!({})).send().await.data();
    assert_eq!(kind(&new().await).await, "docx");
    let absent = world.chat(json!({"members": members, "announcement_type": "none"})).await;
    refused(&list(&world, &absent).send().await, 1772001);
}
