//! `im/v1/chats/:chat_id/announcement`: the old form of announcements.

use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use crate::scenarios::{names, put_member, refused, set_chat, text};

const UNKNOWN: &str = "oc_00000000000000000000000000000000";

fn paragraph(text: &str) -> Value {
    let run = json!({"type": "textRun", "textRun": {"text": text, "style": {}}});
    json!({"type": "paragraph", "paragraph": {"elements": [run], "style": {}}})
}

/// The request of the page's own example: a paragraph at the end.
fn insert(text: &str) -> String {
    let payload = json!({"blocks": [paragraph(text)]}).to_string();
    let location = json!({"zoneId": "0", "index": 0, "endOfZone": true});
    let request = json!({"payload": payload, "location": location});
    json!({"requestType": "InsertBlocksRequestType", "insertBlocksRequest": request}).to_string()
}

fn path(chat: &str) -> String {
    format!("/im/v1/chats/{chat}/announcement")
}

fn read(world: &World, chat: &str) -> Request {
    world.call("GET", &path(chat))
}

fn edit(world: &World, chat: &str, revision: &str, requests: &[String]) -> Request {
    world.call("PATCH", &path(chat)).body(json!({"revision": revision, "requests": requests}))
}

/// A world whose groups have announcements of the old form.
async fn world() -> World {
    let world = crate::scenarios::world().await;
    world.old_announcements().await;
    world
}

/// The blocks of the world's chat's announcement.
async fn blocks(world: &World) -> Value {
    let data = read(world, &world.chat_id).send().await.data();
    let content: Value = serde_json::from_str(&text(&data, "content")).expect("JSON");
    content["body"]["blocks"].clone()
}

/// A text of seconds, checked to be near another field's milliseconds.
fn seconds(shown: &Value) -> i64 {
    let text = shown.as_str().expect("a text");
    assert_eq!(text.len(), 10, "seconds have ten digits in this century: {text}");
    text.parse().expect("a number")
}

#[tokio::test]
async fn a_group_begins_with_an_empty_one() {
    let world = world().await;
    let reply = read(&world, &world.chat_id).send().await;
    assert_eq!(reply.json()["msg"], "success");
    let data = reply.data();
    let expected = [
        "content",
        "create_time",
        "modifier_id",
        "modifier_id_type",
        "owner_id",
        "owner_id_type",
        "revision",
        "update_time",
    ];
    assert_eq!(names(&data), expected);
    assert_eq!(data["revision"], "0");
    assert_eq!(data["create_time"], data["update_time"]);
    assert_eq!(
        (&data["owner_id"], &data["owner_id_type"]),
        (&json!(world.users[0].open_id), &json!("open_id"))
    );
    assert_eq!(data["modifier_id"], data["owner_id"], "it was never edited");
    assert_eq!(blocks(&world).await, json!([]));
}

#[tokio::test]
async fn edits_follow_one_another() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let made = seconds(&read(&world, &chat).send().await.data()["create_time"]);
    world.advance(3600).await;
    let reply = edit(&world, &chat, "0", &[insert("a"), insert("b")]).send().await;
    assert_eq!((reply.json()["msg"].as_str(), reply.data()), (Some("success"), json!({})));
    let data = read(&world, &chat).send().await.data();
    assert_eq!(
        (&data["revision"], blocks(&world).await),
        (&json!("1"), json!([paragraph("a"), paragraph("b")]))
    );
    assert_eq!(seconds(&data["create_time"]), made);
    assert!(seconds(&data["update_time"]) >= made + 3600);
    assert_eq!((&data["modifier_id"], &data["modifier_id_type"]), (&json!(world.app_id), &json!("app_id")));

    let token = world.user_token(1, json!({})).await;
    let title = json!({"elements": [{"type": "textRun", "textRun": {"text": "T", "style": {}}}]});
    let title = json!({"requestType": "UpdateTitleRequestType", "updateTitleRequest": {"payload": title.to_string()}});
    edit(&world, &chat, "1", &[title.to_string(), insert("c")]).token(&token).send().await.data();
    for form in ["open_id", "union_id", "user_id"] {
        let data = read(&world, &chat).query("user_id_type", form).send().await.data();
        let user = &world.users[1];
        let id = [("open_id", &user.open_id), ("union_id", &user.union_id), ("user_id", &user.user_id)];
        let id = id.iter().find(|pair| pair.0 == form).expect("a form").1;
        assert_eq!((&data["modifier_id"], &data["modifier_id_type"]), (&json!(id), &json!(form)));
        assert_eq!((&data["revision"], &data["owner_id_type"]), (&json!("2"), &json!(form)));
        assert!(text(&data, "content").contains("\"text\":\"T\""));
    }
    let all = json!([paragraph("a"), paragraph("b"), paragraph("c")]);
    assert_eq!(blocks(&world).await, all);

    for nothing in [json!({"revision": "2"}), json!({"revision": "2", "requests": []})] {
        world.call("PATCH", &path(&chat)).body(nothing).send().await.data();
    }
    assert_eq!(read(&world, &chat).send().await.data()["revision"], "2", "no requests, no revision");
    let shown = world.control("GET", &format!("/chats/{chat}")).send().await.data()["announcement"].clone();
    assert_eq!((&shown["announcement_type"], &shown["revision"]), (&json!("doc"), &json!(2)));
    assert_eq!(shown["edits"][0]["requests"], json!([insert("a"), insert("b")]));
    assert_eq!(shown["edits"][1]["editor"], json!(world.users[1].user_id));
}

#[tokio::test]
async fn the_owner_is_the_bot_that_made_the_chat_or_none() {
    let world = world().await;
    let own = world.chat(json!({"owner": world.app_id})).await;
    let data = read(&world, &own).query("user_id_type", "union_id").send().await.data();
    assert_eq!((&data["owner_id"], &data["owner_id_type"]), (&json!(world.app_id), &json!("app_id")));
    let nobodys = world.chat(json!({"chat_mode": "topic", "members": [world.app_id]})).await;
    let data = read(&world, &nobodys).send().await.data();
    assert_eq!(names(&data), ["content", "create_time", "revision", "update_time"]);
}

#[tokio::test]
async fn a_revision_is_near_the_latest_one() {
    let world = world().await;
    let chat = world.chat_id.clone();
    for (revision, code) in
        [("", 232001), ("-1", 232001), ("x", 232001), ("9223372036854775808", 232001), ("1", 232018)]
    {
        refused(&edit(&world, &chat, revision, &[insert("no")]).send().await, code);
    }
    refused(&world.call("PATCH", &path(&chat)).body(json!({"requests": []})).send().await, 232001);
    world.call("PATCH", &path(&chat)).body(json!({"revision": 0})).send().await.refused(9499);
    for _ in 0..=100 {
        edit(&world, &chat, "0", &[insert("x")]).send().await.data();
    }
    refused(&edit(&world, &chat, "0", &[insert("no")]).send().await, 232018);
    refused(&edit(&world, &chat, "102", &[insert("no")]).send().await, 232018);
    assert_eq!(read(&world, &chat).send().await.data()["revision"], "101");
    edit(&world, &chat, "1", &[insert("a hundred behind")]).send().await.data();
    let shown = world.control("GET", &format!("/chats/{chat}")).send().await.data();
    let edits = shown["announcement"]["edits"].as_array().expect("a list").clone();
    assert_eq!((edits.len(), &edits[0]["revision"]), (100, &json!(3)), "the latest are kept");
    assert_eq!(blocks(&world).await.as_array().expect("blocks").len(), 102, "and so is all content");
}

#[tokio::test]
async fn what_cannot_be_applied_leaves_the_rest_undone() {
    let world = world().await;
    let chat = world.chat_id.clone();
    edit(&world, &chat, "0", &[insert("a")]).send().await.data();
    let typed = |kind: &str| json!({"requestType": kind}).to_string();
    for bad in [
        "no JSON".to_owned(),
        "{}".to_owned(),
        typed("InsertBlocksRequestType"),
        typed("DeleteContentRangeRequestType"),
        typed("ReplaceAllTextRequestType"),
    ] {
        refused(&edit(&world, &chat, "1", &[insert("b"), bad]).send().await, 232018);
    }
    assert_eq!(read(&world, &chat).send().await.data()["revision"], "1");
    assert_eq!(blocks(&world).await, json!([paragraph("a")]));
}

/// Reads and edits, and checks their codes.
async fn answers(world: &World, token: &str, chat: &str, codes: [u32; 2]) {
    let calls = [read(world, chat), edit(world, chat, "0", &[])];
    for (call, code) in calls.into_iter().zip(codes) {
        let reply = call.token(token).send().await;
        if code == 0 {
            reply.data();
        } else {
            refused(&reply, code);
        }
    }
}

/// Starts with everything wrong about a chat, and fixes one thing at a time: the order of the refusals.
#[tokio::test]
async fn every_refusal_of_a_chat() {
    let world = world().await;
    let other = world.lab.world().await;
    let (app, token) = (world.app_id.clone(), world.token.clone());
    let chat = world.chat(json!({"external": true, "chat_status": "dissolved", "settings": {"edit_permission": "only_owner"}})).await;
    set_chat(&world, &chat, json!({"announcement_type": "none", "announcement_locked": true})).await;
    world.set_app(&app, json!({"bot": false, "status": "disabled"})).await;
    let tell = async |chat: &str, codes: [u32; 2]| answers(&world, &token, chat, codes).await;
    tell(UNKNOWN, [232001; 2]).await;
    tell("x", [232001; 2]).await;
    tell(&chat, [232025; 2]).await;
    world.set_app(&app, json!({"bot": true})).await;
    tell(&chat, [232034; 2]).await;
    world.set_app(&app, json!({"status": "enabled"})).await;
    tell(&other.chat_id, [232010; 2]).await;
    tell(&chat, [232033; 2]).await;
    world.set_app(&app, json!({"external_sharing": true})).await;
    tell(&chat, [232011, 232009]).await;
    set_chat(&world, &chat, json!({"chat_status": "normal"})).await;
    tell(&chat, [232011; 2]).await;
    put_member(&world, &chat, &app, false).await;
    tell(&chat, [232003; 2]).await;
    set_chat(&world, &chat, json!({"announcement_type": "docx"})).await;
    tell(&chat, [232097; 2]).await;
    set_chat(&world, &chat, json!({"announcement_type": "doc"})).await;
    tell(&chat, [232066, 232002]).await;
    set_chat(&world, &chat, json!({"settings": {"edit_permission": "all_members"}})).await;
    tell(&chat, [232066; 2]).await;
    set_chat(&world, &chat, json!({"announcement_locked": false})).await;
    tell(&chat, [0; 2]).await;

    let p2p = world.chat(json!({"chat_mode": "p2p", "members": [world.users[0].user_id, app]})).await;
    tell(&p2p, [232003; 2]).await;
    set_chat(&world, &p2p, json!({"announcement_type": "doc"})).await;
    tell(&p2p, [232003; 2]).await;
    world.set_app(&app, json!({"visible_to": []})).await;
    tell(&p2p, [232024; 2]).await;
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
    answers(&world, &tokens[0], &chat, [0, 0]).await;
    answers(&world, &tokens[1], &chat, [0, 0]).await;
    answers(&world, &tokens[2], &chat, [0, 232002]).await;
    answers(&world, &world.token, &chat, [0, 0]).await;
    let scopes = json!({"scopes": ["im:chat"]});
    world.set_app(&app, scopes).await;
    answers(&world, &world.token, &chat, [0, 232002]).await;
    put_member(&world, &chat, &app, true).await;
    answers(&world, &world.token, &chat, [0, 0]).await;

    set_chat(
        &world,
        &chat,
        json!({"announcement_locked": true, "settings": {"edit_permission": "all_members"}}),
    )
    .await;
    answers(&world, &tokens[0], &chat, [0, 0]).await;
    answers(&world, &tokens[1], &chat, [0, 0]).await;
    answers(&world, &tokens[2], &chat, [232066, 232066]).await;
}
