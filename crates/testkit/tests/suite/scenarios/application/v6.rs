//! `application/v6`: an app reads about itself and others, and its scopes.

use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use crate::scenarios::{issued_token, isv_app, names, refused_as, text, world};

const SELF: &str = "application:application:self_manage";
const ADMIN: &str = "admin:app.info:readonly";

fn get(world: &World, id: &str) -> Request {
    world.call("GET", &format!("/application/v6/applications/{id}")).query("lang", "en_us")
}

fn scopes(world: &World, token: &str) -> Request {
    world.call("GET", "/application/v6/scopes").token(token)
}

#[tokio::test]
async fn an_app_reads_about_itself() {
    let world = world().await;
    world
        .set_app(
            &world.app_id,
            json!({"scopes": [SELF, "im:chat", "offline_access"], "description": "helps"}),
        )
        .await;
    let uris = json!({"redirect_uris": ["https://example.com/back"]});
    world.control("PUT", &format!("/apps/{}/sign_in", world.app_id)).body(uris).send().await.data();
    let owner = &world.users[0];
    let app = get(&world, "me").send().await.data()["app"].clone();
    let both = json!(["tenant", "user"]);
    let scope = |name: &str, types: Value| json!({"scope": name, "description": "", "level": 1, "token_types": types});
    assert_eq!(
        app,
        json!({
            "app_id": world.app_id, "creator_id": owner.open_id, "status": 1, "scene_type": 0, "payment_type": 0,
            "redirect_urls": ["https://example.com/back"], "online_version_id": "", "unaudit_version_id": "",
            "app_name": "Larkspur demo", "avatar_url": app["avatar_url"], "event": app["event"], "callback": app["callback"],
            "callback_info": app["callback"], "encryption": app["encryption"], "description": "helps",
            "scopes": [scope(SELF, both.clone()), scope("im:chat", both), scope("offline_access", json!(["user"]))],
            "back_home_url": "", "primary_language": "zh_cn", "common_categories": [],
            "i18n": [{"i18n_key": "zh_cn", "name": "Larkspur demo", "description": "helps", "help_use": ""}],
            "owner": {"type": 2, "owner_id": owner.open_id, "name": owner.name},
            "mobile_default_ability": "bot", "pc_default_ability": "bot",
        })
    );
    assert_eq!(get(&world, &world.app_id).send().await.data()["app"], app, "by its own id");
    let union = get(&world, "me").query("user_id_type", "union_id").send().await.data();
    assert_eq!(union["app"]["owner"]["owner_id"], owner.union_id);
    get(&world, "me").query("user_id_type", "user_id").send().await.refused(99991672);
}

#[tokio::test]
async fn an_app_has_the_owner_whom_the_control_api_names() {
    let world = world().await;
    let (app, token) = world.app(json!({"owner": world.users[1].user_id, "description": "second"})).await;
    let read = async || get(&world, "me").token(&token).send().await.data()["app"].clone();
    let shown = async || world.control("GET", &format!("/apps/{app}")).send().await.data();
    assert_eq!(
        (&read().await["owner"]["name"], &read().await["description"]),
        (&json!(world.users[1].name), &json!("second"))
    );
    assert_eq!(
        (&shown().await["owner"], &shown().await["description"]),
        (&json!(world.users[1].user_id), &json!("second"))
    );
    world.set_app(&app, json!({"owner": "", "bot": false})).await;
    let alone = read().await;
    assert_eq!(alone["owner"], json!({"type": 2, "owner_id": "", "name": ""}));
    assert_eq!((&alone["creator_id"], &alone["description"]), (&json!(""), &json!("second")));
    assert_eq!(alone.get("pc_default_ability"), None, "without a bot");
    let reply = world.control("PUT", &format!("/apps/{app}")).body(json!({"owner": "no-user"})).send().await;
    reply.refused(5275404);
    assert_eq!(reply.violated(), ["owner"]);
    // For an app made elsewhere, only the tenant's own settings can be changed.
    let maker = world.lab.world().await;
    let (shop, _) = isv_app(&maker).await;
    let installed = world.control("POST", "/installs").body(json!({"app_id": shop})).send().await.data();
    assert_eq!((installed.get("owner"), installed.get("requested_scopes")), (None, None));
    for body in [json!({"owner": world.users[0].user_id}), json!({"description": "x"})] {
        world.control("PUT", &format!("/apps/{shop}")).body(body).send().await.refused(5275400);
    }
    let token = issued_token(&world, &shop).await;
    let app = get(&world, "me").token(&token).send().await.data()["app"].clone();
    assert_eq!(
        (&app["scene_type"], &app["owner"]["type"], &app["redirect_urls"]),
        (&json!(1), &json!(1), &json!([]))
    );
}

#[tokio::test]
async fn other_apps_need_the_right_of_an_administrator() {
    let world = world().await;
    let maker = world.lab.world().await;
    let (shop, _) = isv_app(&maker).await;
    world.control("POST", "/installs").body(json!({"app_id": shop})).send().await.data();
    let (other, _) = world.app(json!({"name": "other"})).await;
    world.set_app(&other, json!({"status": "disabled"})).await;
    let (mine, token) = world.app(json!({"scopes": [SELF]})).await;
    let unknown = "cli_0000000000000001";
    refused_as(&get(&world, "x").token(&token).send().await, 210503, "invalid app_id");
    for id in [&other, &shop, &maker.app_id, unknown] {
        refused_as(&get(&world, id).token(&token).send().await, 210508, "insufficient permission level");
    }
    world.set_app(&mine, json!({"scopes": [ADMIN]})).await;
    let found = get(&world, &other).token(&token).send().await.data();
    assert_eq!((&found["app"]["app_name"], &found["app"]["status"]), (&json!("other"), &json!(0)));
    world.set_app(&other, json!({"status": "uninstalled"})).await;
    assert_eq!(get(&world, &other).token(&token).send().await.data()["app"]["status"], 2);
    get(&world, "me").token(&token).send().await.data();
    for (id, code, why) in [
        ("cli_1", 210503, "invalid app_id"),
        (unknown, 210506, "no such app"),
        (&*maker.app_id, 210504, "no such app in tenant"),
        (&*shop, 210505, "target app not a custom app"),
    ] {
        refused_as(&get(&world, id).token(&token).send().await, code, why);
    }
    let path = "/application/v6/applications/me";
    for ask in [world.call("GET", path), world.call("GET", path).query("lang", "fr")] {
        let reply = ask.send().await;
        reply.refused(99992402);
        assert_eq!(reply.violated(), ["lang"]);
    }
    world.set_app(&mine, json!({"scopes": []})).await;
    let reply = get(&world, "me").token(&token).send().await;
    let help = reply.refused(99991672)["error"]["helps"][0].clone();
    assert!(text(&help, "url").contains(SELF), "{help}");
}

/// A scope listed as granted passes the scope check, and no other does.
#[tokio::test]
async fn the_list_of_scopes_agrees_with_their_check() {
    let world = world().await;
    let held = ["contact:contact.base:readonly", "im:chat:readonly", "offline_access"];
    let wanted = ["tenant:tenant:readonly", "im:chat:readonly", "contact:user.base:readonly"];
    let (app, token) = world.app(json!({"scopes": held, "requested_scopes": wanted})).await;
    let reply = scopes(&world, &token).send().await;
    let of = |name: &str, status: u8, kind: &str| json!({"scope_name": name, "grant_status": status, "scope_type": kind});
    assert_eq!(
        reply.data()["scopes"],
        json!([
            of(held[0], 1, "tenant"),
            of(held[0], 1, "user"),
            of(wanted[2], 2, "tenant"),
            of(wanted[2], 2, "user"),
            of(held[1], 1, "tenant"),
            of(held[1], 1, "user"),
            of(held[2], 1, "user"),
            of(wanted[0], 2, "tenant"),
            of(wanted[0], 2, "user"),
        ])
    );
    let granted = |list: &Value, name: &str| {
        list["scopes"]
            .as_array()
            .expect("scopes")
            .iter()
            .any(|one| one["scope_name"] == name && one["grant_status"] == 1)
    };
    for (scope, path) in [
        ("tenant:tenant:readonly", "/tenant/v2/tenant/query"),
        ("contact:contact.base:readonly", "/contact/v3/scopes"),
        ("event:ip_list", "/event/v1/outbound_ip"),
    ] {
        for scopes_now in [json!([]), json!([scope])] {
            world.set_app(&app, json!({"scopes": scopes_now})).await;
            let list = scopes(&world, &token).send().await.data();
            let allowed = world.call("GET", path).token(&token).send().await.code() == 0;
            assert_eq!(granted(&list, scope), allowed, "{scope} of {scopes_now}");
        }
    }
    // An app that requests nothing and holds nothing has no scopes.
    world.set_app(&app, json!({"scopes": [], "requested_scopes": []})).await;
    assert_eq!(scopes(&world, &token).send().await.data(), json!({"scopes": []}));
    let all = scopes(&world, &world.token).send().await.data();
    for scope in larkspur_contract::scopes::ALL {
        assert!(granted(&all, scope), "the app of a demo world holds {scope}");
    }
    assert_eq!(names(&all["scopes"][0]), ["grant_status", "scope_name", "scope_type"]);
}

#[tokio::test]
async fn an_app_applies_once_for_missing_scopes() {
    let world = world().await;
    let (app, token) = world.app(json!({"scopes": ["im:chat"], "requested_scopes": ["im:chat"]})).await;
    let apply = || world.call("POST", "/application/v6/scopes/apply").token(&token);
    refused_as(&apply().send().await, 212002, "unauthorized scopes were empty");
    world.set_app(&app, json!({"requested_scopes": ["im:chat", "im:resource", "docs:doc"]})).await;
    assert_eq!(apply().send().await.json(), json!({"code": 0, "msg": "success", "data": {}}));
    refused_as(&apply().send().await, 212004, "duplicate apply");
    let shown = world.control("GET", &format!("/apps/{app}")).send().await.data();
    assert_eq!(
        (&shown["scopes"], &shown["requested_scopes"]),
        (&json!(["im:chat"]), &json!(["docs:doc", "im:chat", "im:resource"]))
    );
    // One of the two is granted: the other needs a new application.
    world.set_app(&app, json!({"scopes": ["im:chat", "docs:doc"]})).await;
    apply().send().await.data();
    refused_as(&apply().send().await, 212004, "duplicate apply");
    world.set_app(&app, json!({"scopes": ["im:chat", "docs:doc", "im:resource"]})).await;
    refused_as(&apply().send().await, 212002, "unauthorized scopes were empty");
    let user = world.user_token(0, json!({})).await;
    apply().token(&user).send().await.refused(99991668);
    world.set_app(&app, json!({"status": "uninstalled"})).await;
    apply().send().await.refused(99991673);
}
