//! Rules for every operation of the control API.

use larkspur_testkit::{Lab, Reply};
use serde_json::{Value, json};

use super::{declined, get};
use crate::scenarios::{isv_app, text, upload, world};

#[tokio::test]
async fn the_key() {
    let lab = Lab::start().await;
    for (request, ok) in [
        (lab.request("GET", "/larkspur/v1/worlds"), false),
        (lab.control("GET", "/worlds").token("wrong"), false),
        (lab.control("GET", "/worlds").authorization("lab-control-key"), false),
        (lab.control("GET", "/worlds"), true),
    ] {
        let reply = request.send().await;
        match ok {
            true => assert_eq!(reply.code(), 0),
            false => assert_eq!(reply.refused(5275401)["code"], 5275401),
        }
    }
    let world = lab.world().await;
    let path = format!("/worlds/{}", world.tenant_key);
    lab.control("GET", &path).token(&world.token).send().await.refused(5275401);
}

#[tokio::test]
async fn what_is_not_there() {
    let world = world().await;
    let missing = ["0000000000000000", "x", "ABCDEF0123456789"];
    for key in missing {
        for (method, path, body) in [
            ("GET", "", json!({})),
            ("DELETE", "", json!({})),
            ("PUT", "/clock", json!({"offset_ms": 0})),
            ("POST", "/seed", json!({"seed": "larkspur: 1"})),
            ("GET", "/snapshots", json!({})),
            ("POST", "/snapshots", json!({"name": "s"})),
            ("DELETE", "/snapshots/s", json!({})),
            ("POST", "/snapshots/s/restore", json!({})),
            ("GET", "/snapshots/s/file", json!({})),
            ("GET", "/snapshots/diff?a=now", json!({})),
            ("POST", "/reset", json!({})),
            ("GET", "/refusals", json!({})),
            ("PUT", "/refusals/im.v1.chat.get", json!({"code": 232006})),
            ("DELETE", "/refusals/im.v1.chat.get", json!({})),
            ("GET", "/apps", json!({})),
            ("POST", "/apps", json!({})),
            ("GET", "/apps/cli_0000000000000000", json!({})),
            ("PUT", "/apps/cli_0000000000000000", json!({})),
            ("POST", "/apps/cli_0000000000000000/secret", json!({})),
            ("POST", "/apps/cli_0000000000000000/tokens", json!({})),
            ("POST", "/installs", json!({"app_id": world.app_id})),
            ("GET", "/users", json!({})),
            ("POST", "/users", json!({})),
            ("GET", "/users/u", json!({})),
            ("PATCH", "/users/u", json!({})),
            ("POST", "/users/u/tokens", json!({"app_id": world.app_id})),
            ("POST", "/tokens/inspect", json!({"token": "t"})),
            ("POST", "/tokens/revoke", json!({"token": "t"})),
            ("GET", "/apps/cli_0000000000000000/grants", json!({})),
            ("GET", "/events/x", json!({})),
            ("POST", "/chats", json!({})),
            ("GET", "/chats", json!({})),
            ("GET", "/chats/oc_x", json!({})),
            ("GET", "/chats/oc_x/view?as=u", json!({})),
            ("PATCH", "/chats/oc_x", json!({})),
            ("PUT", "/chats/oc_x/members/u", json!({})),
            ("DELETE", "/chats/oc_x/members/u", json!({})),
            ("POST", "/documents", json!({})),
            ("GET", "/documents/t", json!({})),
            ("PATCH", "/documents/t", json!({"deleted": true})),
            ("PUT", "/documents/t/collaborators", json!({"member": "u", "perm": "view"})),
            ("GET", "/images/i", json!({})),
            ("DELETE", "/images/i", json!({})),
            ("GET", "/files/f", json!({})),
            ("DELETE", "/files/f", json!({})),
            ("POST", "/chats/oc_x/tabs", json!({"as": "u", "target": "https://example.com"})),
            ("PATCH", "/chats/oc_x/tabs", json!({"as": "u", "tab_ids": []})),
            ("DELETE", "/chats/oc_x/tabs/1?as=u", json!({})),
            ("POST", "/chats/oc_x/messages", json!({"as": "u", "text": "x"})),
            ("GET", "/chats/oc_x/messages", json!({})),
            ("PATCH", "/messages/om_x", json!({"as": "u", "text": "x"})),
            ("DELETE", "/messages/om_x?as=u", json!({})),
            ("PUT", "/messages/om_x/read", json!({"as": "u"})),
            ("POST", "/messages/om_x/reactions", json!({"as": "u", "emoji_type": "SMILE"})),
            ("DELETE", "/messages/om_x/reactions/x?as=u", json!({})),
            ("PUT", "/messages/om_x/pin", json!({"as": "u"})),
            ("DELETE", "/messages/om_x/pin?as=u", json!({})),
            ("POST", "/messages/om_x/clicks", json!({"as": "u", "element": "x"})),
            ("POST", "/chats/oc_x/hooks", json!({})),
            ("GET", "/chats/oc_x/hooks", json!({})),
            ("DELETE", "/chats/oc_x/hooks/1", json!({})),
            ("GET", "/events", json!({})),
            ("POST", "/events", json!({"app_id": "cli_0000000000000000", "type": "x", "event": {}})),
            ("POST", "/events/x/resend", json!({})),
            ("POST", "/apps/cli_0000000000000000/challenge", json!({})),
            ("GET", "/apps/cli_0000000000000000/ledger", json!({})),
            ("GET", "/traffic", json!({})),
            ("DELETE", "/traffic", json!({})),
            ("GET", "/traffic/x", json!({})),
            ("POST", "/traffic/x/replay", json!({})),
            ("GET", "/traffic/summary", json!({})),
            ("GET", "/traffic/diff?a=x&b=y", json!({})),
            ("POST", "/traffic/check", json!({"never": {}})),
            ("POST", "/traffic/export", json!({"log_ids": ["x"], "as": "curl"})),
            ("GET", "/stream", json!({})),
            ("POST", "/faults", json!({"preset": "slow-3s"})),
            ("GET", "/faults", json!({})),
            ("PUT", "/faults", json!({"faults": []})),
            ("PATCH", "/faults/f_01", json!({})),
            ("DELETE", "/faults/f_01", json!({})),
            ("DELETE", "/faults", json!({})),
            ("POST", "/faults/order", json!({"ids": []})),
            ("POST", "/faults/preview", json!({"log_id": "x"})),
        ] {
            let reply = world.lab.control(method, &format!("/worlds/{key}{path}")).body(body).send().await;
            declined(&reply, 5275404, "tenant_key");
        }
    }
    for (method, path, body, field) in [
        ("GET", "/apps/cli_0000000000000000", json!({}), "app_id"),
        ("GET", "/apps/x", json!({}), "app_id"),
        ("PUT", "/apps/cli_0000000000000000", json!({}), "app_id"),
        ("POST", "/apps/cli_0000000000000000/secret", json!({}), "app_id"),
        ("POST", "/apps/cli_0000000000000000/tokens", json!({}), "app_id"),
        ("POST", "/apps/cli_0000000000000000/challenge", json!({}), "app_id"),
        ("POST", "/installs", json!({"app_id": "cli_0000000000000000"}), "app_id"),
        ("POST", "/apps", json!({"visible_to": ["unknown"]}), "visible_to[*]"),
        ("GET", "/users/unknown", json!({}), "user_id"),
        ("PATCH", "/users/unknown", json!({}), "user_id"),
        ("POST", "/users/unknown/tokens", json!({"app_id": world.app_id}), "user_id"),
        ("GET", "/chats/oc_00000000000000000000000000000000", json!({}), "chat_id"),
        ("GET", "/chats/x/view?as=unknown", json!({}), "as"),
        ("PATCH", "/chats/x", json!({}), "chat_id"),
        ("PUT", "/chats/x/members/u", json!({}), "chat_id"),
        ("DELETE", "/chats/x/members/u", json!({}), "chat_id"),
        ("POST", "/chats", json!({"owner": "unknown"}), "owner"),
        ("POST", "/chats", json!({"creator_app": "cli_0000000000000000"}), "creator_app"),
        ("POST", "/chats", json!({"members": ["unknown"]}), "members[*]"),
        ("POST", "/chats", json!({"managers": ["cli_0000000000000000"]}), "managers[*]"),
        ("POST", "/documents", json!({"owner": "unknown"}), "owner"),
        ("GET", "/documents/t", json!({}), "token"),
        ("PATCH", "/documents/t", json!({"deleted": true}), "token"),
        ("PUT", "/documents/t/collaborators", json!({"member": "u", "perm": "view"}), "token"),
        ("GET", "/images/img_x", json!({}), "image_key"),
        ("DELETE", "/images/img_x", json!({}), "image_key"),
        ("GET", "/files/file_x", json!({}), "file_key"),
        ("GET", "/apps/cli_0000000000000000/ledger", json!({}), "app_id"),
        ("GET", "/traffic?since=x", json!({}), "since"),
        ("GET", "/traffic/x", json!({}), "log_id"),
        ("POST", "/faults/preview", json!({"log_id": "x"}), "log_id"),
        ("PATCH", "/faults/x", json!({}), "fault_id"),
        ("DELETE", "/faults/x", json!({}), "fault_id"),
        ("POST", "/traffic/x/replay", json!({}), "log_id"),
        ("GET", "/traffic/summary?since=x", json!({}), "since"),
        ("GET", "/traffic/diff?a=x&b=y", json!({}), "a"),
        ("POST", "/traffic/check", json!({"never": {}, "since": "x"}), "since"),
        ("POST", "/traffic/export", json!({"log_ids": ["x"], "as": "curl"}), "log_ids[*]"),
        ("DELETE", "/files/file_x", json!({}), "file_key"),
        ("POST", "/chats/x/hooks", json!({}), "chat_id"),
        ("GET", "/chats/x/hooks", json!({}), "chat_id"),
        ("DELETE", "/chats/x/hooks/1", json!({}), "chat_id"),
    ] {
        let reply = world.control(method, path).body(body).send().await;
        declined(&reply, 5275404, field);
    }
    let other = world.lab.world().await;
    let (user, chat) = (&world.users[0].user_id, &world.chat_id);
    let document = world.document_url.rsplit('/').next().expect("a token");
    let users_tokens = format!("/users/{user}/tokens");
    let reply = world.control("POST", &users_tokens).body(json!({"app_id": other.app_id})).send().await;
    declined(&reply, 5275404, "app_id");
    for member in [other.app_id.as_str(), "unknown"] {
        let path = format!("/chats/{chat}/members/{member}");
        declined(&world.control("PUT", &path).body(json!({})).send().await, 5275404, "member");
        declined(&world.control("DELETE", &path).send().await, 5275404, "member");
        let path = format!("/documents/{document}/collaborators");
        let body = json!({"member": member, "perm": "view"});
        declined(&world.control("PUT", &path).body(body).send().await, 5275404, "member");
    }
    let image = upload(&other, &other.token, "message").await;
    declined(&world.control("DELETE", &format!("/images/{image}")).send().await, 5275404, "image_key");
}

#[tokio::test]
async fn what_does_not_fit() {
    let world = world().await;
    let (user, chat, app) = (&world.users[0].user_id, &world.chat_id, &world.app_id);
    let document = world.document_url.rsplit('/').next().expect("a token");
    let two = json!([world.users[0].user_id, world.users[1].user_id]);
    let p2p = world.chat(json!({"chat_mode": "p2p", "members": two})).await;
    let century = 4_000_000_000_000_000i64;
    for (method, path, body, field) in [
        ("PUT", "/clock".to_owned(), json!({}), "advance_seconds"),
        ("PUT", "/clock".to_owned(), json!({"advance_seconds": 1, "now_ms": 1}), "advance_seconds"),
        ("PUT", "/clock".to_owned(), json!({"offset_ms": century}), "offset_ms"),
        ("PUT", "/clock".to_owned(), json!({"advance_seconds": i64::MIN}), "advance_seconds"),
        ("PUT", "/clock".to_owned(), json!({"now_ms": century}), "now_ms"),
        ("POST", "/apps".to_owned(), json!({"app_id": "cli_X"}), "app_id"),
        ("POST", "/apps".to_owned(), json!({"kind": "x"}), "kind"),
        ("POST", "/apps".to_owned(), json!({"scopes": ["a b"]}), "scopes[*]"),
        ("PUT", format!("/apps/{app}"), json!({"status": "x"}), "status"),
        ("PUT", format!("/apps/{app}"), json!({"visible_to_all": false}), "visible_to_all"),
        ("PUT", format!("/apps/{app}"), json!({"visible_to_all": true, "visible_to": []}), "visible_to_all"),
        ("POST", format!("/apps/{app}/tokens"), json!({"expires_in": 315_360_001}), "expires_in"),
        ("POST", "/installs".to_owned(), json!({}), "app_id"),
        ("POST", "/users".to_owned(), json!({"user_id": "cli_x"}), "user_id"),
        ("POST", "/users".to_owned(), json!({"user_id": "a/b"}), "user_id"),
        ("POST", "/users".to_owned(), json!({"status": "x"}), "status"),
        ("PATCH", format!("/users/{user}"), json!({"status": "x"}), "status"),
        ("POST", format!("/users/{user}/tokens"), json!({}), "app_id"),
        (
            "POST",
            format!("/users/{user}/tokens"),
            json!({"app_id": app, "expires_in": -315_360_001}),
            "expires_in",
        ),
        ("POST", format!("/users/{user}/tokens"), json!({"app_id": app, "scopes": [""]}), "scopes[*]"),
        ("POST", "/chats".to_owned(), json!({"chat_mode": "x"}), "chat_mode"),
        ("POST", "/chats".to_owned(), json!({"chat_mode": "p2p", "members": [user]}), "chat_mode"),
        ("POST", "/chats".to_owned(), json!({"tabs": [{"tab_type": "message"}]}), "tabs[*].tab_type"),
        ("POST", "/chats".to_owned(), json!({"tabs": [{"tab_type": "url"}]}), "tabs[*].target"),
        ("PATCH", format!("/chats/{chat}"), json!({"chat_mode": "p2p"}), "chat_mode"),
        ("PATCH", format!("/chats/{chat}"), json!({"settings": {"color": "red"}}), "settings.color"),
        ("PUT", "/limits".to_owned(), json!({"chat_users": 0}), "chat_users"),
        ("PUT", "/limits".to_owned(), json!({"chat_users": "3"}), "chat_users"),
        ("POST", "/chats".to_owned(), json!({"chat_tag": "x"}), "chat_tag"),
        (
            "PATCH",
            format!("/chats/{chat}"),
            json!({"settings": {"edit_permission": "x"}}),
            "settings.edit_permission",
        ),
        ("PUT", format!("/chats/{p2p}/members/{app}"), json!({}), "chat_mode"),
        ("DELETE", format!("/chats/{p2p}/members/{user}"), json!({}), "chat_mode"),
        ("POST", "/documents".to_owned(), json!({"token": "a/b"}), "token"),
        ("POST", "/documents".to_owned(), json!({"doc_type": "pdf"}), "doc_type"),
        ("PATCH", format!("/documents/{document}"), json!({}), "deleted"),
        ("GET", "/traffic?limit=0".to_owned(), json!({}), "limit"),
        ("GET", "/traffic?code=1&color=red".to_owned(), json!({}), "color"),
        ("GET", "/traffic/summary?by=x".to_owned(), json!({}), "by"),
        ("GET", "/traffic/diff?a=x".to_owned(), json!({}), "b"),
        ("GET", "/stream?topics=weather".to_owned(), json!({}), "topics"),
        ("POST", "/traffic/check".to_owned(), json!({}), "match"),
        ("POST", "/traffic/check".to_owned(), json!({"match": {}, "never": {}}), "match"),
        ("POST", "/traffic/check".to_owned(), json!({"match": {"color": 1}}), "match.color"),
        ("POST", "/traffic/check".to_owned(), json!({"never": {}, "wait_ms": 60_001}), "wait_ms"),
        ("POST", "/traffic/export".to_owned(), json!({"log_ids": ["x"], "as": "pdf"}), "as"),
        ("POST", "/traffic/x/replay".to_owned(), json!({"token": "old"}), "token"),
        ("PUT", format!("/documents/{document}/collaborators"), json!({"member": app, "perm": "x"}), "perm"),
    ] {
        let reply = world.control(method, &path).body(body).send().await;
        declined(&reply, 5275400, field);
    }
    // None of them had an effect.
    assert_eq!(get(&world, &format!("/chats/{p2p}")).await["members"].as_array().expect("a list").len(), 2);
    assert_eq!(get(&world, "/users").await["users"].as_array().expect("a list").len(), 3);
    assert_eq!(get(&world, "/apps").await["apps"].as_array().expect("a list").len(), 1);
}

/// The reasons of a refusal, by field.
fn told(reply: &Reply) -> Vec<(String, String)> {
    let json = reply.refused(5275400);
    let all = json["error"]["field_violations"].as_array().expect("violations").iter();
    all.map(|one| (text(one, "field"), text(one, "description"))).collect()
}

#[tokio::test]
async fn nothing_that_is_sent_is_ignored() {
    let world = world().await;
    let (chat, app) = (format!("/chats/{}", world.chat_id), format!("/apps/{}", world.app_id));
    let no_field = |near: &str| format!("no such field; did you mean \"{near}\"?");
    for (method, path, body, field, why) in [
        ("POST", "/apps", json!({"scope": []}), "scope", no_field("scopes")),
        ("PATCH", &chat, json!({"status": "dissolved"}), "status", no_field("chat_status")),
        ("PUT", "/limits", json!({"chat_user": 3}), "chat_user", no_field("chat_users")),
        (
            "PUT",
            &app,
            json!({"scopes": ["im:chatt"]}),
            "scopes[*]",
            "unknown scope; did you mean \"im:chat\"?".to_owned(),
        ),
        (
            "PATCH",
            &chat,
            json!({"settings": {"edit_permissions": "x"}}),
            "settings.edit_permissions",
            no_field("edit_permission"),
        ),
        ("PATCH", &chat, json!({"name": null, "nam": null}), "nam", no_field("name")),
        (
            "PATCH",
            &chat,
            json!({"chat_status": "disolved"}),
            "chat_status",
            "options: [normal,dissolved,dissolved_save]; did you mean \"dissolved\"?".to_owned(),
        ),
        ("PATCH", &chat, json!({"external": "yes"}), "external", "must be true or false".to_owned()),
        ("PUT", &app, json!({"scopes": "im:chat"}), "scopes", "must be an array".to_owned()),
        ("PATCH", &chat, json!({"colour": 1}), "colour", String::new()),
    ] {
        let reply = world.control(method, path).body(body).send().await;
        declined(&reply, 5275400, field);
        let (_, said) = told(&reply).remove(0);
        assert!(if why.is_empty() { said.contains("the fields are ") } else { said == why }, "{said}");
    }

    // Everything at once, in the query and the body, without any effect.
    let body = json!({
        "user_id": "a/b", "status": "x", "nmae": "n", "email": 3, "mobile": {}
    });
    let reply = world.control("POST", "/users").query("dry_run", "true").body(body).send().await;
    let fields: Vec<String> = told(&reply).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["dry_run", "email", "mobile", "status", "user_id", "nmae"]);
    assert_eq!(get(&world, "/users").await["users"].as_array().expect("a list").len(), 3);
    let body = json!({"request_url": "ftp://a", "encrypt_key": ""});
    let reply = world.control("PUT", &format!("{app}/events")).body(body).send().await;
    assert_eq!(told(&reply).len(), 2, "{}", reply.text());
    declined(&world.control("GET", &app).query("fields", "name").send().await, 5275400, "fields");

    // An unknown operation is answered with a similar one, an unknown code with the operation's codes.
    let plan = |operation: &str, code: i64| {
        world.control("PUT", &format!("/refusals/{operation}")).body(json!({"code": code})).send()
    };
    let reply = plan("im.v1.chat.gte", 232006).await;
    declined(&reply, 5275404, "operation");
    assert!(reply.text().contains("did you mean \\\"im.v1.chat.get\\\"?"), "{}", reply.text());
    let reply = plan("im.v1.chat.get", 1).await;
    assert!(told(&reply)[0].1.contains("its codes are 2200, 5000, "), "{}", reply.text());
}

/// A refusal links to the operation's section of the guide, which the server itself serves.
#[tokio::test]
async fn refusals_lead_to_larkspur_s_own_documents() {
    let world = world().await;
    for (reply, operation) in [
        (world.control("POST", "/chats").body(json!({"a": 1})).send().await, "larkspurv1chatcreate"),
        (world.control("GET", "/users/unknown").send().await, "larkspurv1userget"),
        (world.control("GET", "/apps").token("wrong").send().await, "larkspurv1applist"),
        (world.control("POST", "/users").raw("{").send().await, "larkspurv1usercreate"),
    ] {
        let error = reply.json()["error"].clone();
        assert!(error.get("troubleshooter").is_none() && !error.to_string().contains("feishu.cn"), "{error}");
        let address = text(&error["helps"][0], "url");
        assert!(text(&error, "message").contains(&address), "{error}");
        let (path, section) = address.split_once('#').expect("a section");
        assert_eq!(section, operation);
        let page = world.lab.request("GET", path).send().await;
        assert_eq!((page.status(), page.response.content_type.as_ref()), (200, "text/plain; charset=utf-8"));
        let headings = page.text().lines().filter_map(|line| line.strip_prefix("### "));
        assert!(
            headings.map(|heading| heading.replace('.', "")).any(|heading| heading == section),
            "{section}"
        );
    }
    for page in [
        "/larkspur/guide",
        "/larkspur/guide/testing.md",
        "/larkspur/guide/signing-in.md",
        "/larkspur/coverage.md",
    ] {
        assert!(world.lab.request("GET", page).send().await.text().starts_with("# "), "{page}");
    }
    assert_eq!(world.lab.request("GET", "/larkspur/guide/nothing.md").send().await.status(), 404);
}

/// A documented default is the effect of omitting the field.
#[tokio::test]
async fn defaults_are_as_documented() {
    let world = world().await;
    for (entry, kept) in [
        ("larkspur.v1.app.create", "/apps"),
        ("larkspur.v1.user.create", "/users"),
        ("larkspur.v1.chat.create", "/chats"),
        ("larkspur.v1.document.create", "/documents"),
    ] {
        let mut all = larkspur_server::REGISTRY.iter().copied().flatten();
        let entry = all.find(|one| one.spec.id == entry).expect(entry);
        let mut explicit = serde_json::Map::new();
        for (name, field) in entry.schemas().body["properties"].as_object().expect("fields") {
            explicit.extend(field.get("default").map(|value| (name.clone(), value.clone())));
        }
        assert!(!explicit.is_empty(), "{kept}");
        let mut shown = Vec::new();
        for body in [json!({}), Value::Object(explicit)] {
            let made = world.control("POST", kept).body(body).send().await.data();
            let id = ["chat_id", "app_id", "user_id", "token"].iter().find_map(|name| made[*name].as_str());
            let mut one = get(&world, &format!("{kept}/{}", id.expect("an id"))).await;
            let map = one.as_object_mut().expect("an object");
            for name in
                ["chat_id", "app_id", "bot_open_id", "user_id", "union_id", "apps", "token", "url", "tabs"]
            {
                map.remove(name);
            }
            // A user's name defaults to its id.
            if kept == "/users" {
                map.remove("name");
            }
            shown.push(one);
        }
        assert_eq!(shown[0], shown[1], "{kept}");
    }
}

#[tokio::test]
async fn what_is_there_already() {
    let world = world().await;
    let other = world.lab.world().await;
    let document = world.document_url.rsplit('/').next().expect("a token");
    let (isv, _) = isv_app(&other).await;
    world.control("POST", "/installs").body(json!({"app_id": isv})).send().await.data();
    for (path, body, field) in [
        ("/apps", json!({"app_id": world.app_id}), "app_id"),
        ("/apps", json!({"app_id": other.app_id}), "app_id"),
        ("/installs", json!({"app_id": isv}), "app_id"),
        ("/installs", json!({"app_id": world.app_id}), "app_id"),
        ("/users", json!({"user_id": world.users[0].user_id}), "user_id"),
        ("/documents", json!({"token": document}), "token"),
    ] {
        declined(&world.control("POST", path).body(body).send().await, 5275409, field);
    }
    // Only apps have the same ids in every world.
    other.control("POST", "/users").body(json!({"user_id": world.users[0].user_id})).send().await.data();
    other.control("POST", "/documents").body(json!({"token": document})).send().await.data();
    let custom = json!({"app_id": other.app_id});
    declined(&world.control("POST", "/installs").body(custom).send().await, 5275400, "app_id");
}
