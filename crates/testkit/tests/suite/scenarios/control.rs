//! `/larkspur/v1`: the operations that make and change worlds.

use larkspur_testkit::{Lab, Reply, World};
use serde_json::{Value, json};

use super::{issued_token, isv_app, names, refused, text, upload, world};

/// A refusal of the control API: its HTTP status is its code's last three digits, and it names the field.
#[track_caller]
fn declined(reply: &Reply, code: u32, field: &str) {
    let json = reply.refused(code);
    assert_eq!(u32::from(reply.status()), code % 1000, "{json}");
    assert_eq!(reply.violated(), [field], "{json}");
}

async fn get(world: &World, path: &str) -> Value {
    world.control("GET", path).send().await.data()
}

#[tokio::test]
async fn worlds() {
    let lab = Lab::start().await;
    let made = lab.control("POST", "/worlds").send().await.data();
    assert_eq!(names(&made), ["app_id", "app_secret", "chat_id", "document_url", "tenant_key", "users"]);
    assert_eq!(made["users"].as_array().expect("users").len(), 3);
    assert_eq!(names(&made["users"][0]), ["name", "open_id", "union_id", "user_id"]);
    let empty =
        lab.control("POST", "/worlds").body(json!({"name": "n", "template": "empty"})).send().await.data();
    assert_eq!(names(&empty), ["tenant_key"]);
    declined(
        &lab.control("POST", "/worlds").body(json!({"template": "x"})).send().await,
        5275400,
        "template",
    );

    let key = text(&empty, "tenant_key");
    assert!(key.len() == 16 && key.bytes().all(|digit| digit.is_ascii_hexdigit()), "{key}");
    let shown = lab.control("GET", &format!("/worlds/{key}")).send().await.data();
    assert_eq!(names(&shown), ["clock_offset_ms", "name", "now_ms", "tenant_key"]);
    assert_eq!((&shown["name"], &shown["clock_offset_ms"]), (&json!("n"), &json!(0)));
    let listed = lab.control("GET", "/worlds").send().await.data()["worlds"].clone();
    let mut keys: Vec<&str> = listed
        .as_array()
        .expect("worlds")
        .iter()
        .map(|one| one["tenant_key"].as_str().expect("a key"))
        .collect();
    assert!(keys.contains(&key.as_str()) && keys.len() == 2 && keys.is_sorted(), "{keys:?}");
    assert_eq!(lab.control("DELETE", &format!("/worlds/{key}")).send().await.data(), json!({}));
    let listed = lab.control("GET", "/worlds").send().await.data()["worlds"].clone();
    keys.retain(|other| *other != key);
    assert_eq!(listed[0]["tenant_key"], keys[0]);
    assert_eq!(listed.as_array().expect("worlds").len(), 1);
}

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
            ("POST", "/chats", json!({})),
            ("GET", "/chats/oc_x", json!({})),
            ("PATCH", "/chats/oc_x", json!({})),
            ("PUT", "/chats/oc_x/members/u", json!({})),
            ("DELETE", "/chats/oc_x/members/u", json!({})),
            ("POST", "/documents", json!({})),
            ("GET", "/documents/t", json!({})),
            ("PATCH", "/documents/t", json!({"deleted": true})),
            ("PUT", "/documents/t/collaborators", json!({"member": "u", "perm": "view"})),
            ("DELETE", "/images/i", json!({})),
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
        ("POST", "/installs", json!({"app_id": "cli_0000000000000000"}), "app_id"),
        ("POST", "/apps", json!({"visible_to": ["nobody"]}), "visible_to[*]"),
        ("GET", "/users/nobody", json!({}), "user_id"),
        ("PATCH", "/users/nobody", json!({}), "user_id"),
        ("POST", "/users/nobody/tokens", json!({"app_id": world.app_id}), "user_id"),
        ("GET", "/chats/oc_00000000000000000000000000000000", json!({}), "chat_id"),
        ("PATCH", "/chats/x", json!({}), "chat_id"),
        ("PUT", "/chats/x/members/u", json!({}), "chat_id"),
        ("DELETE", "/chats/x/members/u", json!({}), "chat_id"),
        ("POST", "/chats", json!({"owner": "nobody"}), "owner"),
        ("POST", "/chats", json!({"creator_app": "cli_0000000000000000"}), "creator_app"),
        ("POST", "/chats", json!({"members": ["nobody"]}), "members[*]"),
        ("POST", "/chats", json!({"managers": ["cli_0000000000000000"]}), "managers[*]"),
        ("POST", "/documents", json!({"owner": "nobody"}), "owner"),
        ("GET", "/documents/t", json!({}), "token"),
        ("PATCH", "/documents/t", json!({"deleted": true}), "token"),
        ("PUT", "/documents/t/collaborators", json!({"member": "u", "perm": "view"}), "token"),
        ("DELETE", "/images/img_x", json!({}), "image_key"),
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
    for member in [other.app_id.as_str(), "nobody"] {
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
        ("PUT", format!("/documents/{document}/collaborators"), json!({"member": app, "perm": "x"}), "perm"),
    ] {
        let reply = world.control(method, &path).body(body).send().await;
        declined(&reply, 5275400, field);
    }
    // None of it left a trace.
    assert_eq!(get(&world, &format!("/chats/{p2p}")).await["members"].as_array().expect("a list").len(), 2);
    assert_eq!(get(&world, "/users").await["users"].as_array().expect("a list").len(), 3);
    assert_eq!(get(&world, "/apps").await["apps"].as_array().expect("a list").len(), 1);
}

/// What a refusal says of each field.
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

    // Everything at once, in the query and the body, and nothing of it was done.
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

    // An operation that is not there is told its neighbour, a code that it has not the ones that it has.
    let plan = |operation: &str, code: i64| {
        world.control("PUT", &format!("/refusals/{operation}")).body(json!({"code": code})).send()
    };
    let reply = plan("im.v1.chat.gte", 232006).await;
    declined(&reply, 5275404, "operation");
    assert!(reply.text().contains("did you mean \\\"im.v1.chat.get\\\"?"), "{}", reply.text());
    let reply = plan("im.v1.chat.get", 1).await;
    assert!(told(&reply)[0].1.contains("those are 2200, 5000, "), "{}", reply.text());
}

#[tokio::test]
async fn scopes_of_the_whole_platform_may_be_granted() {
    let world = world().await;
    let scopes = json!(["calendar:calendar:readonly", "im:chat", "im:message:send_as_bot", "offline_access"]);
    let (app, _) = world.app(json!({"scopes": scopes})).await;
    assert_eq!(get(&world, &format!("/apps/{app}")).await["scopes"], scopes);
    let granted = world.user_token(0, json!({"app_id": app, "scopes": ["hire:exam"]})).await;
    world
        .call("GET", &format!("/im/v1/chats/{}", world.chat_id))
        .token(&granted)
        .send()
        .await
        .refused(99991679);
    for unknown in ["im:message:send_as_bott", "unheard:of", "Offline_access", "im:chat "] {
        let body = json!({"app_id": app, "scopes": ["im:chat", unknown]});
        let path = format!("/users/{}/tokens", world.users[0].user_id);
        declined(&world.control("POST", &path).body(body).send().await, 5275400, "scopes[*]");
        let body = json!({"scopes": [unknown]});
        declined(&world.control("POST", "/apps").body(body).send().await, 5275400, "scopes[*]");
    }
}

/// A refusal leads to the operation's section of the guide, which the server answers itself.
#[tokio::test]
async fn refusals_lead_to_larkspur_s_own_documents() {
    let world = world().await;
    for (reply, operation) in [
        (world.control("POST", "/chats").body(json!({"a": 1})).send().await, "larkspurv1chatcreate"),
        (world.control("GET", "/users/nobody").send().await, "larkspurv1userget"),
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

/// What the documents call a default is what a call without the field does.
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
            // A user is called by its id, unless it has a name.
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
    // Only apps are the same in every world.
    other.control("POST", "/users").body(json!({"user_id": world.users[0].user_id})).send().await.data();
    other.control("POST", "/documents").body(json!({"token": document})).send().await.data();
    let custom = json!({"app_id": other.app_id});
    declined(&world.control("POST", "/installs").body(custom).send().await, 5275400, "app_id");
}

#[tokio::test]
async fn the_clock() {
    let world = world().await;
    let put = async |body: Value| world.control("PUT", "/clock").body(body).send().await.data();
    let first = put(json!({"advance_seconds": 3600})).await;
    assert_eq!(first["clock_offset_ms"], 3_600_000);
    let second = put(json!({"advance_seconds": -60})).await;
    assert_eq!(second["clock_offset_ms"], 3_540_000);
    let third = put(json!({"now_ms": 1_700_793_403_850i64})).await;
    assert_eq!(third["now_ms"], 1_700_793_403_850i64);
    // The world lives by it; its token, from the future, is still good.
    let tag = world.tag("then").await;
    let shown = world.call("GET", "/im/v2/tags").query("ids", &tag).send().await.data();
    assert!(text(&shown["tag_infos"][0], "create_time").starts_with("17007934"), "{shown}");
    assert_eq!(put(json!({"offset_ms": 0})).await["clock_offset_ms"], 0);
}

#[tokio::test]
async fn apps() {
    let world = world().await;
    let body = json!({
        "app_id": "cli_00000000000000aa", "name": "second", "kind": "custom", "bot": false, "external_sharing": true,
        "scopes": ["im:chat", "im:tag:read"], "visible_to": [world.users[1].user_id]
    });
    let made = world.control("POST", "/apps").body(body.clone()).send().await.data();
    assert_eq!(names(&made), ["app_id", "app_secret", "bot_open_id"]);
    let shown = get(&world, "/apps/cli_00000000000000aa").await;
    let mut expected = body;
    expected["status"] = json!("enabled");
    expected["developer"] = json!(world.tenant_key);
    expected["bot_open_id"] = made["bot_open_id"].clone();
    assert_eq!(shown, expected);
    assert!(!shown.to_string().contains(made["app_secret"].as_str().expect("a secret")));
    assert_eq!(get(&world, "/apps").await["apps"].as_array().expect("a list").len(), 2);

    let path = "/apps/cli_00000000000000aa";
    let put = async |body: Value| world.control("PUT", path).body(body).send().await.data();
    assert_eq!(put(json!({})).await, shown, "what is absent is left");
    let changed = put(json!({"bot": true, "scopes": [], "visible_to_all": true, "status": "disabled"})).await;
    assert_eq!(
        (&changed["bot"], &changed["scopes"], &changed["status"]),
        (&json!(true), &json!([]), &json!("disabled"))
    );
    assert!(changed.get("visible_to").is_none(), "{changed}");
    assert_eq!(changed["external_sharing"], true);
    assert_eq!(get(&world, path).await, changed);

    // The secret of an app is its developer's.
    let other = world.lab.world().await;
    let (isv, _) = isv_app(&world).await;
    let installed =
        other.control("POST", "/installs").body(json!({"app_id": isv, "bot": false})).send().await.data();
    assert_eq!((&installed["developer"], &installed["bot"]), (&json!(world.tenant_key), &json!(false)));
    declined(&other.control("POST", &format!("/apps/{isv}/secret")).send().await, 5275404, "app_id");
    let rotated = world.control("POST", &format!("/apps/{isv}/secret")).send().await.data();
    assert_eq!(names(&rotated), ["app_id", "app_secret"]);
}

#[tokio::test]
async fn tokens() {
    let world = world().await;
    let path = format!("/apps/{}/tokens", world.app_id);
    let good = issued_token(&world, &world.app_id).await;
    assert_eq!(world.call("GET", "/bot/v3/info").token(&good).send().await.code(), 0);
    let expired = text(
        &world.control("POST", &path).body(json!({"expires_in": 0})).send().await.data(),
        "access_token",
    );
    refused(&world.call("GET", "/bot/v3/info").token(&expired).send().await, 99991663);

    let list = |token: &str| super::list_tabs(&world, token, &world.chat_id);
    let first = world.user_token(0, json!({})).await;
    assert!(first.starts_with("u-"));
    let second = world.user_token(0, json!({})).await;
    list(&first).send().await.data();
    list(&second).send().await.data();
    let third = world.user_token(0, json!({"revoke_previous": true, "expires_in": 60})).await;
    for revoked in [&first, &second] {
        refused(&list(revoked).send().await, 99991668);
    }
    list(&third).send().await.data();
    // A person who is not active has no token that works.
    for status in ["frozen", "resigned"] {
        let path = format!("/users/{}", world.users[0].user_id);
        world.control("PATCH", &path).body(json!({"status": status})).send().await.data();
        refused(&list(&third).send().await, 99991668);
        world.control("PATCH", &path).body(json!({"status": "active"})).send().await.data();
    }
    list(&third).send().await.data();
    world.advance(61).await;
    refused(&list(&third).send().await, 99991668);
}

#[tokio::test]
async fn users() {
    let world = world().await;
    let (isv, _) = isv_app(&world.lab.world().await).await;
    world.control("POST", "/installs").body(json!({"app_id": isv})).send().await.data();
    let body = json!({"user_id": "dora@example.com", "name": "朵拉", "email": "d@example.com", "mobile": "+8613011111111"});
    let made = world.control("POST", "/users").body(body).send().await.data();
    assert_eq!(names(&made), ["apps", "email", "mobile", "name", "status", "union_id", "user_id"]);
    let seen = made["apps"].as_array().expect("apps");
    assert_eq!(seen.len(), 2);
    assert_ne!(seen[0]["open_id"], seen[1]["open_id"], "one for each app");
    assert_ne!(seen[0]["union_id"], seen[1]["union_id"], "one for each developer");
    assert_eq!(get(&world, "/users/dora@example.com").await, made);
    let changed = world
        .control("PATCH", "/users/dora@example.com")
        .body(json!({"name": "D", "email": "", "status": "frozen"}))
        .send()
        .await
        .data();
    assert_eq!(
        (&changed["name"], &changed["status"], &changed["mobile"]),
        (&json!("D"), &json!("frozen"), &made["mobile"])
    );
    assert!(changed.get("email").is_none());
    let all = get(&world, "/users").await["users"].clone();
    assert_eq!(all.as_array().expect("users").len(), 4);
    assert!(all.as_array().expect("users").contains(&changed));
    let plain = world.control("POST", "/users").send().await.data();
    assert_eq!(plain["name"], plain["user_id"]);
    assert_eq!(text(&plain, "user_id").len(), 8);
}

#[tokio::test]
async fn chats() {
    let world = world().await;
    let [owner, manager, member] = [0, 1, 2].map(|n| world.users[n].user_id.as_str());
    let settings = json!({"edit_permission": "only_owner"});
    let body = json!({
        "chat_mode": "topic", "chat_type": "public", "chat_tag": "department", "chat_status": "dissolved_save", "external": true,
        "name": "n", "description": "d", "i18n_names": {"ja_jp": "j"}, "owner": owner, "managers": [manager, owner],
        "members": [member, manager, world.app_id], "creator_app": world.app_id, "group_message_type": "thread",
        "manage_widgets": "only_owner", "settings": settings,
        "tabs": [{"tab_type": "pin"}, {"tab_type": "url", "tab_name": "t", "target": "https://a"}]
    });
    let made = world.control("POST", "/chats").body(body.clone()).send().await.data();
    for same in [
        "chat_mode",
        "chat_type",
        "chat_tag",
        "chat_status",
        "external",
        "name",
        "description",
        "i18n_names",
        "owner",
        "creator_app",
        "group_message_type",
        "manage_widgets",
    ] {
        assert_eq!(made[same], body[same], "{same}");
    }
    assert_eq!(made["settings"]["edit_permission"], "only_owner");
    let role = |chat: &Value, who: &str| {
        let members = chat["members"].as_array().expect("members");
        members.iter().find(|one| one["member"] == who).map(|one| text(one, "role"))
    };
    for (who, expected) in
        [(owner, "owner"), (manager, "manager"), (member, "member"), (&world.app_id, "member")]
    {
        assert_eq!(role(&made, who).as_deref(), Some(expected));
    }
    assert_eq!(made["tabs"][0]["tab_type"], "message");
    assert_eq!(made["tabs"][2]["target"], "https://a");
    let path = format!("/chats/{}", text(&made, "chat_id"));
    assert_eq!(get(&world, &path).await, made);

    let patch = async |body: Value| world.control("PATCH", &path).body(body).send().await.data();
    assert_eq!(patch(json!({})).await, made, "what is absent is left");
    let changed = patch(
        json!({"chat_status": "normal", "settings": {"at_all_permission": "only_owner"}, "owner": member}),
    )
    .await;
    assert_eq!((&changed["chat_status"], &changed["owner"]), (&json!("normal"), &json!(member)));
    assert_eq!(changed["settings"]["edit_permission"], "only_owner");
    assert_eq!(changed["settings"]["at_all_permission"], "only_owner");

    let put = async |who: &str, body: Value| {
        world.control("PUT", &format!("{path}/members/{who}")).body(body).send().await.data()
    };
    assert_eq!(
        role(&put(&world.app_id, json!({"manager": true})).await, &world.app_id).as_deref(),
        Some("manager")
    );
    assert_eq!(role(&put(&world.app_id, json!({})).await, &world.app_id).as_deref(), Some("manager"));
    assert_eq!(
        role(&put(&world.app_id, json!({"manager": false})).await, &world.app_id).as_deref(),
        Some("member")
    );
    let remove =
        async |who: &str| world.control("DELETE", &format!("{path}/members/{who}")).send().await.data();
    assert_eq!(role(&remove(manager).await, manager), None);
    let without = remove(member).await;
    assert!(without.get("owner").is_none(), "{without}");
    assert_eq!(get(&world, &path).await, without);
}

#[tokio::test]
async fn documents() {
    let world = world().await;
    let made = world
        .control("POST", "/documents")
        .body(
            json!({"token": "shtcn_1-A", "doc_type": "sheet", "title": "t", "owner": world.users[0].user_id}),
        )
        .send()
        .await
        .data();
    assert_eq!(
        made,
        json!({
            "token": "shtcn_1-A", "doc_type": "sheet", "url": "https://larkspur.feishu.cn/sheets/shtcn_1-A", "title": "t",
            "owner": world.users[0].user_id, "deleted": false, "collaborators": []
        })
    );
    let path = "/documents/shtcn_1-A";
    let put = async |member: &str, perm: &str| {
        let body = json!({"member": member, "perm": perm});
        world.control("PUT", &format!("{path}/collaborators")).body(body).send().await.data()
    };
    for member in [&world.app_id, &world.chat_id, &world.users[1].user_id] {
        put(member, "view").await;
    }
    let shown = put(&world.app_id, "edit").await;
    assert_eq!(shown["collaborators"].as_array().expect("a list").len(), 3);
    assert!(
        shown["collaborators"]
            .as_array()
            .expect("a list")
            .contains(&json!({"member": world.app_id, "perm": "edit"}))
    );
    assert_eq!(get(&world, path).await, shown);
    for deleted in [true, false] {
        let shown = world.control("PATCH", path).body(json!({"deleted": deleted})).send().await.data();
        assert_eq!(shown["deleted"], deleted);
    }
    let plain = world.control("POST", "/documents").send().await.data();
    assert!(plain.get("owner").is_none() && plain["doc_type"] == "docx", "{plain}");
}

#[tokio::test]
async fn images() {
    let world = world().await;
    let key = upload(&world, &world.token, "message").await;
    let path = format!("/images/{key}");
    assert_eq!(world.control("DELETE", &path).send().await.data(), json!({}));
    refused(&world.call("GET", &format!("/im/v1/images/{key}")).send().await, 234005);
}

#[tokio::test]
async fn planned_refusals() {
    let world = world().await;
    let get = || world.call("GET", &format!("/im/v1/chats/{}", world.chat_id)).send();
    let tags = || world.call("GET", "/im/v2/tags").query("ids", "1").send();
    let plan = |operation: &str, body: Value| {
        world.control("PUT", &format!("/refusals/{operation}")).body(body).send()
    };
    declined(&plan("im.v1.chat.nothing", json!({"code": 232019})).await, 5275404, "operation");
    declined(
        &plan("auth.v3.tenant_access_token.internal", json!({"code": 10014})).await,
        5275404,
        "operation",
    );
    for code in [json!(0), json!(-1), json!(232092), json!(99991663), json!(i64::MAX)] {
        declined(&plan("im.v1.chat.get", json!({"code": code})).await, 5275400, "code");
    }
    for times in [0, -1, 1_000_001] {
        declined(&plan("im.v1.chat.get", json!({"code": 232006, "times": times})).await, 5275400, "times");
    }
    declined(&world.control("DELETE", "/refusals/im.v1.chat.get").send().await, 5275404, "operation");
    assert_eq!(get().await.code(), 0);

    // So many calls of that operation are refused, and then it is as it was.
    plan("im.v1.chat.get", json!({"code": 232004, "times": 2})).await.data();
    assert_eq!(tags().await.code(), 0);
    get().await.refused(232004);
    let left = || async { get_refusals(&world).await };
    assert_eq!(left().await, json!([{"operation": "im.v1.chat.get", "code": 232004, "remaining": 1}]));
    get().await.refused(232004);
    assert_eq!(get().await.code(), 0);
    assert_eq!(left().await[0]["remaining"], 0);

    // A later plan replaces it; one that is taken back refuses nothing; other worlds know nothing of it.
    plan("im.v1.chat.get", json!({"code": 232004, "times": 9})).await.data();
    plan("im.v1.chat.get", json!({"code": 2200})).await.data();
    let other = world.lab.world().await;
    assert_eq!(other.call("GET", &format!("/im/v1/chats/{}", other.chat_id)).send().await.code(), 0);
    get().await.refused(2200);
    plan("im.v1.chat.get", json!({"code": 232004})).await.data();
    plan("im.v2.tag.list", json!({"code": 5000})).await.data();
    world.control("DELETE", "/refusals/im.v1.chat.get").send().await.data();
    assert_eq!(get().await.code(), 0);
    tags().await.refused(5000);
    world.control("DELETE", "/refusals/im.v2.tag.list").send().await.data();
    assert_eq!(left().await, json!([]));
}

async fn get_refusals(world: &World) -> Value {
    get(world, "/refusals").await["refusals"].clone()
}

#[tokio::test]
async fn a_planned_refusal_refuses_as_often_as_it_says_among_many_callers() {
    let world = world().await;
    let body = json!({"code": 232019, "times": 7});
    world.control("PUT", "/refusals/im.v1.chat.update").body(body).send().await.data();
    let update = || world.call("PUT", &format!("/im/v1/chats/{}", world.chat_id)).body(json!({"name": "n"}));
    let calls: Vec<_> = (0..20).map(|_| tokio::spawn(update().send())).collect();
    let mut refused = 0;
    for call in calls {
        let reply = call.await.expect("an answer");
        refused += i32::from(reply.code() == 232019);
        assert!([0, 232019].contains(&reply.code()), "{}", reply.text());
    }
    assert_eq!(refused, 7);
}
