//! `drive/v1/permissions/:token/members`: list, change, remove, ask

use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use crate::scenarios::{document, open_id, refused, share, text, world};

fn members(world: &World, document: &str) -> Request {
    world.call("GET", &format!("/drive/v1/permissions/{document}/members?type=docx"))
}

fn change(world: &World, document: &str, member_type: &str, id: &str, perm: &str) -> Request {
    let path = format!("/drive/v1/permissions/{document}/members/{id}?type=docx&need_notification=false");
    world.call("PUT", &path).body(json!({"member_type": member_type, "perm": perm}))
}

fn remove(world: &World, document: &str, member_type: &str, id: &str) -> Request {
    let path = format!("/drive/v1/permissions/{document}/members/{id}?type=docx&member_type={member_type}");
    world.call("DELETE", &path)
}

async fn may(world: &World, token: &str, document: &str, action: &str) -> bool {
    let path = format!("/drive/v1/permissions/{document}/members/auth?type=docx&action={action}");
    let data = world.call("GET", &path).token(token).send().await.data();
    data["auth_result"].as_bool().expect("auth_result")
}

/// A document of the world's app that user 1 may edit.
async fn shared(world: &World) -> String {
    let (token, _) = document(world, json!({"owner": world.app_id})).await;
    share(world, &token, &world.users[1].user_id, "edit").await;
    token
}

async fn items(world: &World, document: &str) -> Vec<Value> {
    members(world, document).send().await.data()["items"].as_array().expect("items").clone()
}

#[tokio::test]
async fn a_list_shows_what_is_asked_for() {
    let world = world().await;
    let (other, _) = world.app(json!({"name": "other"})).await;
    let (token, _) = document(&world, json!({"owner": world.app_id})).await;
    assert_eq!(
        members(&world, &token).send().await.json(),
        json!({"code": 0, "msg": "Success", "data": {"items": []}})
    );
    let path = format!("/drive/v1/permissions/{token}/members?type=docx");
    for (member_type, id, perm) in [
        ("unionid", &world.users[1].union_id, "view"),
        ("openchat", &world.chat_id, "edit"),
        ("email", &"person@example.com".to_owned(), "full_access"),
    ] {
        let body = json!({"member_type": member_type, "member_id": id, "perm": perm});
        world.call("POST", &path).body(body).send().await.data();
    }
    share(&world, &token, &other, "view").await;

    let plain = items(&world, &token).await;
    let sent = [&world.users[1].open_id, &world.chat_id, "person@example.com"];
    let is_sent = |item: &&Value| sent.iter().any(|id| item["member_id"] == *id);
    let bot = text(plain.iter().find(|item| !is_sent(item)).expect("the other bot"), "member_id");
    let mut expected = [
        json!({"member_type": "email", "member_id": "person@example.com", "perm": "full_access"}),
        json!({"member_type": "openchat", "member_id": world.chat_id, "perm": "edit"}),
        json!({"member_type": "openid", "member_id": world.users[1].open_id, "perm": "view"}),
        json!({"member_type": "openid", "member_id": bot, "perm": "view", "perm_type": "container"}),
    ];
    let mut sorted = plain;
    for list in [&mut sorted[..], &mut expected] {
        list.sort_by_key(|item| text(item, "member_id"));
    }
    assert_eq!(sorted, expected, "no field that was not asked for");

    let find = |items: &Value, id: &str| {
        let found = items["items"].as_array().expect("items").iter().find(|item| item["member_id"] == id);
        found.expect("the member").clone()
    };
    let all = members(&world, &token).query("fields", "*").send().await.data();
    let user = find(&all, &world.users[1].open_id);
    assert_eq!(user["name"], world.users[1].name);
    assert_eq!((&user["type"], &user["external_label"]), (&json!("user"), &json!(false)));
    assert!(text(&user, "avatar").starts_with("https://"));
    assert_eq!(find(&all, &world.chat_id)["type"], "chat");
    let some = members(&world, &token).query("fields", "name,type").send().await.data();
    assert_eq!(
        find(&some, &world.users[1].open_id),
        json!({
            "member_type": "openid", "member_id": world.users[1].open_id, "perm": "view",
            "name": world.users[1].name, "type": "user",
        })
    );

    // The other operations accept the id of a bot from the list.
    change(&world, &token, "openid", &bot, "edit").send().await.data();
    let shown = world.control("GET", &format!("/documents/{token}")).send().await.data();
    assert!(
        shown["collaborators"]
            .as_array()
            .expect("a list")
            .contains(&json!({"member": other, "perm": "edit"}))
    );
}

#[tokio::test]
async fn a_list_of_one_kind_of_right() {
    let world = world().await;
    let (token, _) = document(&world, json!({"owner": world.app_id})).await;
    for (user, perm_type) in [(1, json!("single_page")), (2, json!("container"))] {
        let body = json!({
            "member_type": "openid", "member_id": world.users[user].open_id, "perm": "view", "perm_type": perm_type,
        });
        let path = format!("/drive/v1/permissions/{token}/members?type=docx");
        world.call("POST", &path).body(body).send().await.data();
    }
    let listed = members(&world, &token).query("perm_type", "container").send().await.data();
    assert_eq!(
        listed["items"],
        json!([{
            "member_type": "openid", "member_id": world.users[2].open_id, "perm": "view", "perm_type": "container",
        }])
    );
    // A change without a perm_type keeps it, one with it sets it.
    change(&world, &token, "openid", &world.users[2].open_id, "edit").send().await.data();
    let path = format!("/drive/v1/permissions/{token}/members/{}?type=docx", world.users[1].open_id);
    let body = json!({"member_type": "openid", "perm": "edit", "perm_type": "container", "type": "user"});
    let data = world.call("PUT", &path).body(body.clone()).send().await.data();
    let mut echoed = body;
    echoed["member_id"] = json!(world.users[1].open_id);
    assert_eq!(data, json!({"member": echoed}));
    let listed = members(&world, &token).query("perm_type", "container").send().await.data();
    assert_eq!(listed["items"].as_array().expect("items").len(), 2);
}

#[tokio::test]
async fn a_permission_is_changed_and_removed() {
    let world = world().await;
    let user = &world.users[1];
    for (member_type, id) in
        [("openid", &user.open_id), ("unionid", &user.union_id), ("userid", &user.user_id)]
    {
        let token = shared(&world).await;
        let reply = change(&world, &token, member_type, id, "view").send().await;
        let member = json!({"member_type": member_type, "member_id": id, "perm": "view"});
        assert_eq!(reply.json(), json!({"code": 0, "msg": "Success", "data": {"member": member}}));
        assert_eq!(items(&world, &token).await[0]["perm"], "view");
        let reply = remove(&world, &token, member_type, id).send().await;
        assert_eq!(reply.json(), json!({"code": 0, "msg": "Success", "data": {}}));
        assert!(items(&world, &token).await.is_empty());
        for late in [remove(&world, &token, member_type, id), change(&world, &token, member_type, id, "edit")]
        {
            let reply = late.send().await;
            refused(&reply, 1063001);
            assert_eq!(reply.violated(), ["member_id"]);
        }
        assert!(items(&world, &token).await.is_empty(), "a change adds no collaborator");
    }
    let token = shared(&world).await;
    share(&world, &token, &world.chat_id, "view").await;
    change(&world, &token, "openchat", &world.chat_id, "edit").send().await.data();
    remove(&world, &token, "openchat", &world.chat_id).send().await.data();
    assert_eq!(items(&world, &token).await.len(), 1);
}

#[tokio::test]
async fn what_may_be_done() {
    let world = world().await;
    let (owner, reader) = (world.user_token(0, json!({})).await, world.user_token(1, json!({})).await);
    let (token, _) = document(&world, json!({"owner": world.users[0].user_id})).await;
    let actions = ["view", "comment", "export", "copy", "print", "edit", "share", "manage_public"];
    for (perm, allowed) in [(None, 0), (Some("view"), 5), (Some("edit"), 6), (Some("full_access"), 8)] {
        if let Some(perm) = perm {
            share(&world, &token, &world.users[1].user_id, perm).await;
        }
        for (n, action) in actions.into_iter().enumerate() {
            assert_eq!(may(&world, &reader, &token, action).await, n < allowed, "{perm:?} {action}");
            assert!(may(&world, &owner, &token, action).await, "an owner may {action}");
            assert!(!may(&world, &world.token, &token, action).await, "a stranger may not {action}");
        }
    }
    // Through a chat that the bot is in.
    share(&world, &token, &world.chat_id, "edit").await;
    assert!(may(&world, &world.token, &token, "edit").await);
}

#[tokio::test]
async fn who_may_change_rights() {
    let world = world().await;
    let (token, _) = document(&world, json!({"owner": world.users[0].user_id})).await;
    let user = world.users[2].open_id.clone();
    let writes =
        || [change(&world, &token, "openid", &user, "edit"), remove(&world, &token, "openid", &user)];
    share(&world, &token, &world.users[2].user_id, "view").await;
    for write in writes() {
        refused(&write.send().await, 1063002);
    }
    refused(&members(&world, &token).send().await, 1063002);
    for perm in ["view", "edit"] {
        share(&world, &token, &world.app_id, perm).await;
        for write in writes() {
            refused(&write.send().await, 1063004);
        }
        assert_eq!(items(&world, &token).await.len(), 2, "who may look at it sees with whom");
    }
    share(&world, &token, &world.app_id, "full_access").await;
    for write in [
        change(&world, &token, "userid", &world.users[0].user_id, "view"),
        remove(&world, &token, "userid", &world.users[0].user_id),
    ] {
        refused(&write.send().await, 1063003);
    }
    for write in writes() {
        write.send().await.data();
    }
}

#[tokio::test]
async fn which_document_and_whom() {
    let world = world().await;
    let other = world.lab.world().await;
    let (elsewhere, _) = world.app(json!({})).await;
    let token = shared(&world).await;
    let foreign = other.document_url.rsplit('/').next().expect("a token").to_owned();
    let all = |document: &str, kind: &str| {
        let base = format!("/drive/v1/permissions/{document}/members");
        let id = &world.users[1].open_id;
        [
            world.call("GET", &format!("{base}?type={kind}")),
            world.call("GET", &format!("{base}/auth?type={kind}&action=view")),
            world
                .call("PUT", &format!("{base}/{id}?type={kind}"))
                .body(json!({"member_type": "openid", "perm": "view"})),
            world.call("DELETE", &format!("{base}/{id}?type={kind}&member_type=openid")),
        ]
    };
    for (document, kind) in [("doxcnUnknown", "docx"), (&*token, "sheet"), (&*foreign, "docx")] {
        for request in all(document, kind) {
            refused(&request.send().await, 1063005);
        }
    }
    for request in all(&token, "pdf") {
        let reply = request.send().await;
        reply.refused(99992402);
        assert_eq!(reply.violated(), ["type"]);
    }
    let cross = open_id(&world, 1, &elsewhere).await;
    for (member_type, id) in [
        ("openid", "ou_x"),
        ("openid", &*cross),
        ("openid", &*other.users[1].open_id),
        ("unionid", &*other.users[1].union_id),
        ("userid", "unknown"),
        ("openchat", &*other.chat_id),
        ("email", "unknown@example.com"),
        ("openid", &*world.users[2].open_id),
    ] {
        for write in
            [change(&world, &token, member_type, id, "view"), remove(&world, &token, member_type, id)]
        {
            let reply = write.send().await;
            refused(&reply, 1063001);
            assert_eq!(reply.violated(), ["member_id"], "{member_type} {id}");
        }
    }
    let base = format!("/drive/v1/permissions/{token}/members");
    let none = "/drive/v1/permissions/%00/members";
    for (request, code, fields) in [
        (world.call("GET", &base), 99992402, &["type"][..]),
        (world.call("GET", &format!("{base}?type=docx&perm_type=all")), 99992402, &["perm_type"]),
        (world.call("GET", &format!("{base}/auth")), 99992402, &["action", "type"]),
        (world.call("GET", &format!("{base}/auth?type=docx&action=own")), 99992402, &["action"]),
        (world.call("PUT", &format!("{base}/x?type=docx")), 1063001, &["member_type", "perm"]),
        (world.call("DELETE", &format!("{base}/x")), 99992402, &["member_type", "type"]),
        // Path errors have the page's code.
        (world.call("GET", &format!("{none}?type=docx")), 1063001, &["token"]),
        (world.call("GET", &format!("{none}/auth?type=docx&action=view")), 1063001, &["token"]),
    ] {
        let reply = request.send().await;
        reply.refused(code);
        let mut violated = reply.violated();
        violated.sort();
        assert_eq!(violated, fields);
    }
    world.control("PATCH", &format!("/documents/{token}")).body(json!({"deleted": true})).send().await.data();
    for request in all(&token, "docx") {
        refused(&request.send().await, 1063005);
    }
}

/// As on the pages: `drive:file` suffices to change permissions, but not to read them.
#[tokio::test]
async fn which_scopes_do() {
    let world = world().await;
    let (token, _) = document(&world, json!({"owner": world.app_id})).await;
    let wide =
        ["bitable:app", "bitable:bitable", "docs:doc", "drive:drive", "sheets:spreadsheet", "wiki:wiki"];
    let base = format!("/drive/v1/permissions/{token}/members");
    for (path, own) in [
        (format!("{base}?type=docx"), "docs:permission.member:retrieve"),
        (format!("{base}/auth?type=docx&action=view"), "docs:permission.member:auth"),
    ] {
        for scope in wide.into_iter().chain([own]) {
            world.set_app(&world.app_id, json!({"scopes": [scope]})).await;
            assert_eq!(world.call("GET", &path).send().await.code(), 0, "{path} with {scope}");
        }
        world
            .set_app(&world.app_id, json!({"scopes": ["drive:file", "docs:permission.member:create"]}))
            .await;
        let reply = world.call("GET", &path).send().await;
        reply.refused(99991672);
        let named = reply.json()["error"]["permission_violations"].as_array().expect("violations").len();
        assert_eq!(named, wide.len() + 1, "{}", reply.text());
    }
    world.set_app(&world.app_id, json!({"scopes": ["drive:file"]})).await;
    for request in [
        world
            .call("POST", &format!("{base}?type=docx"))
            .body(json!({"member_type": "openid", "member_id": world.users[1].open_id, "perm": "view"})),
        change(&world, &token, "openid", &world.users[1].open_id, "edit"),
        remove(&world, &token, "openid", &world.users[1].open_id),
    ] {
        request.send().await.data();
    }
}

#[tokio::test]
async fn removing_takes_a_body_that_may_be_left_out() {
    let world = world().await;
    let user = &world.users[1].open_id;
    for body in [json!({}), json!({"type": "user"}), json!({"type": "user", "perm_type": "single_page"})] {
        let token = shared(&world).await;
        remove(&world, &token, "openid", user).body(body).send().await.data();
        assert!(items(&world, &token).await.is_empty());
    }
    let token = shared(&world).await;
    let reply = remove(&world, &token, "openid", user).body(json!({"perm_type": "branch"})).send().await;
    refused(&reply, 1063001);
    assert_eq!(reply.violated(), ["perm_type"]);
    assert_eq!(items(&world, &token).await.len(), 1, "a refusal takes nothing away");
}
