//! `drive/v1/permissions/:token/members`

use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use crate::scenarios::{doc_tab, document, issued_token, isv_app, open_id, refused, share, text, world};

fn add(world: &World, token: &str, document: &str, kind: &str, member: Value) -> Request {
    let path = format!("/drive/v1/permissions/{document}/members");
    world.call("POST", &path).token(token).query("type", kind).body(member)
}

fn member(member_type: &str, member_id: &str, perm: &str) -> Value {
    json!({"member_type": member_type, "member_id": member_id, "perm": perm})
}

/// A document of the world's app.
async fn own(world: &World) -> (String, String) {
    document(world, json!({"owner": world.app_id})).await
}

async fn collaborators(world: &World, token: &str) -> Vec<Value> {
    let shown = world.control("GET", &format!("/documents/{token}")).send().await.data();
    shown["collaborators"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn every_form_of_id() {
    let world = world().await;
    let bot = text(&world.call("GET", "/bot/v3/info").send().await.json()["bot"], "open_id");
    let user = &world.users[1];
    for (member_type, id, kept) in [
        ("openid", &user.open_id, &user.user_id),
        ("unionid", &user.union_id, &user.user_id),
        ("userid", &user.user_id, &user.user_id),
        ("openchat", &world.chat_id, &world.chat_id),
    ] {
        let (token, _) = own(&world).await;
        let reply = add(&world, &world.token, &token, "docx", member(member_type, id, "view")).send().await;
        assert_eq!(
            reply.json(),
            json!({"code": 0, "msg": "Success", "data": {"member": member(member_type, id, "view")}})
        );
        assert_eq!(collaborators(&world, &token).await, [json!({"member": kept, "perm": "view"})]);
        // Again, with another permission: it is replaced.
        add(&world, &world.token, &token, "docx", member(member_type, id, "edit")).send().await.data();
        assert_eq!(collaborators(&world, &token).await, [json!({"member": kept, "perm": "edit"})]);
    }
    for member_type in ["email", "opendepartmentid", "groupid", "wikispaceid"] {
        let (token, _) = own(&world).await;
        let full = json!({
            "member_type": member_type, "member_id": "someone", "perm": "full_access",
            "perm_type": "single_page", "type": "wiki_space_viewer"
        });
        let data = add(&world, &world.token, &token, "docx", full.clone()).send().await.data();
        assert_eq!(data, json!({"member": full}), "echoed");
    }
    // A bot is named by its open_id; it already owns its own document.
    let (token, _) = own(&world).await;
    refused(&add(&world, &world.token, &token, "docx", member("openid", &bot, "view")).send().await, 1063003);
    let (token, _) = document(&world, json!({"owner": world.users[0].user_id})).await;
    let owner = world.user_token(0, json!({})).await;
    add(&world, &owner, &token, "docx", member("openid", &bot, "view")).send().await.data();
    assert_eq!(collaborators(&world, &token).await, [json!({"member": world.app_id, "perm": "view"})]);
}

#[tokio::test]
async fn a_collaborator_may_make_a_tab_of_it() {
    let world = world().await;
    let (token, url) = own(&world).await;
    let user = world.user_token(1, json!({})).await;
    let tab = || crate::scenarios::add_tabs(&world, &user, &world.chat_id, json!([doc_tab(&url)]));
    refused(&tab().send().await, 232051);
    let other = world.chat(json!({"members": [world.users[1].user_id]})).await;
    add(&world, &world.token, &token, "docx", member("openchat", &other, "view"))
        .query("need_notification", "False")
        .send()
        .await
        .data();
    tab().send().await.data();
}

#[tokio::test]
async fn who_may_share() {
    let world = world().await;
    let user = |n: usize| world.users[n].user_id.as_str();
    let (token, _) = document(&world, json!({"owner": user(0)})).await;
    let reader = || member("userid", user(2), "view");
    let (owner, other) = (world.user_token(0, json!({})).await, world.user_token(1, json!({})).await);
    for stranger in [&world.token, &other] {
        refused(&add(&world, stranger, &token, "docx", reader()).send().await, 1063002);
    }
    for perm in ["view", "edit"] {
        share(&world, &token, &world.app_id, perm).await;
        share(&world, &token, user(1), perm).await;
        for weak in [&world.token, &other] {
            refused(&add(&world, weak, &token, "docx", reader()).send().await, 1063004);
        }
    }
    assert_eq!(collaborators(&world, &token).await.len(), 2, "no collaborator was added");
    share(&world, &token, user(1), "full_access").await;
    add(&world, &other, &token, "docx", reader()).send().await.data();
    add(&world, &owner, &token, "docx", reader()).send().await.data();
    // A permission through a chat counts.
    share(&world, &token, &world.chat_id, "full_access").await;
    add(&world, &world.token, &token, "docx", reader()).send().await.data();
    refused(&add(&world, &owner, &token, "docx", member("userid", user(0), "edit")).send().await, 1063003);
}

#[tokio::test]
async fn which_document() {
    let world = world().await;
    let other = world.lab.world().await;
    let (token, _) = own(&world).await;
    let reader = || member("userid", &world.users[2].user_id, "view");
    refused(&add(&world, &world.token, "doxcnUnknown", "docx", reader()).send().await, 1063005);
    refused(&add(&world, &world.token, &token, "sheet", reader()).send().await, 1063005);
    let foreign = other.document_url.rsplit('/').next().expect("a token");
    refused(&add(&world, &world.token, foreign, "docx", reader()).send().await, 1063005);
    world.control("PATCH", &format!("/documents/{token}")).body(json!({"deleted": true})).send().await.data();
    refused(&add(&world, &world.token, &token, "docx", reader()).send().await, 1063005);
}

#[tokio::test]
async fn bad_parameters() {
    let world = world().await;
    let other = world.lab.world().await;
    let (token, _) = own(&world).await;
    let user = &world.users[1];
    let path = format!("/drive/v1/permissions/{token}/members");
    // Query errors are the gateway's; they come first, with all invalid fields.
    let reply = world.call("POST", &path).send().await;
    reply.refused(99992402);
    let mut violated = reply.violated();
    violated.sort();
    assert_eq!(violated, ["member_id", "member_type", "perm", "type"]);
    for (kind, body, field) in [
        ("docx", member("open_id", &user.open_id, "view"), "member_type"),
        ("docx", member("openid", "", "view"), "member_id"),
        ("docx", member("openid", &user.open_id, "own"), "perm"),
        ("docx", member("openid", "ou_x", "view"), "member_id"),
        ("docx", member("openid", &other.users[0].open_id, "view"), "member_id"),
        (
            "docx",
            member("openid", &open_id(&world, 1, &world.app(json!({})).await.0).await, "view"),
            "member_id",
        ),
        ("docx", member("unionid", &other.users[0].union_id, "view"), "member_id"),
        ("docx", member("userid", &other.users[0].user_id, "view"), "member_id"),
        ("docx", member("openchat", &other.chat_id, "view"), "member_id"),
        ("docx", member("openchat", "oc_x", "view"), "member_id"),
    ] {
        let reply = add(&world, &world.token, &token, kind, body.clone()).send().await;
        refused(&reply, 1063001);
        assert_eq!(reply.violated(), [field], "{kind} {body}");
    }
    let reply =
        add(&world, &world.token, &token, "pdf", member("openid", &user.open_id, "view")).send().await;
    reply.refused(99992402);
    assert_eq!(reply.violated(), ["type"]);
    let mut body = member("openid", &user.open_id, "view");
    body["perm_type"] = json!("everything");
    refused(&add(&world, &world.token, &token, "docx", body).send().await, 1063001);
    assert!(collaborators(&world, &token).await.is_empty());
}

#[tokio::test]
async fn a_shop_app_shares_in_the_tenant_of_its_token() {
    let maker = world().await;
    let user = maker.lab.world().await;
    let (app_id, _) = isv_app(&maker).await;
    user.control("POST", "/installs").body(json!({"app_id": app_id})).send().await.data();
    let away = issued_token(&user, &app_id).await;
    let (token, _) = document(&user, json!({"owner": app_id})).await;
    let id = open_id(&user, 0, &app_id).await;
    add(&user, &away, &token, "docx", member("openid", &id, "view")).send().await.data();
    let stranger = open_id(&maker, 0, &app_id).await;
    refused(&add(&user, &away, &token, "docx", member("openid", &stranger, "view")).send().await, 1063001);
}
