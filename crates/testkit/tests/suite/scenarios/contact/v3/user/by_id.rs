//! `contact/v3/users`: by their contacts and ids.

use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use crate::scenarios::{issued_token, isv_app, open_id, refused, text, world};

const READ: &str = "contact:contact.base:readonly";

fn get(world: &World, id: &str) -> Request {
    world.call("GET", &format!("/contact/v3/users/{id}"))
}

fn find(world: &World, body: Value) -> Request {
    world.call("POST", "/contact/v3/users/batch_get_id").body(body)
}

async fn set(world: &World, user: usize, body: Value) {
    world.control("PATCH", &format!("/users/{}", world.users[user].user_id)).body(body).send().await.data();
}

async fn reachable() -> World {
    let world = world().await;
    set(&world, 0, json!({"email": "ada@example.com", "mobile": "+8613800000000"})).await;
    set(&world, 1, json!({"email": "bob@example.com", "mobile": "+14155550123"})).await;
    world
}

fn status(frozen: bool, resigned: bool) -> Value {
    json!({
        "is_frozen": frozen, "is_resigned": resigned, "is_activated": !resigned, "is_exited": false, "is_unjoin": false,
    })
}

#[tokio::test]
async fn users_by_their_addresses() {
    let world = reachable().await;
    let [ada, bob] = [&world.users[0], &world.users[1]];
    let ask = json!({
        "emails": ["unknown@example.com", "bob@example.com", "bob@example.com"],
        "mobiles": ["13800000000", "+8613800000000", "+14155550123", "4155550123"],
    });
    let reply = find(&world, ask.clone()).send().await;
    let of = |id: &String, key: &str, address: &str| json!({"user_id": id, key: address, "status": status(false, false)});
    let list = json!([
        {"email": "unknown@example.com"},
        of(&bob.open_id, "email", "bob@example.com"),
        of(&bob.open_id, "email", "bob@example.com"),
        of(&ada.open_id, "mobile", "13800000000"),
        of(&ada.open_id, "mobile", "+8613800000000"),
        of(&bob.open_id, "mobile", "+14155550123"),
        {"mobile": "4155550123"},
    ]);
    assert_eq!(reply.json(), json!({"code": 0, "msg": "success", "data": {"user_list": list}}));
    for (form, id) in [("open_id", &ada.open_id), ("union_id", &ada.union_id), ("user_id", &ada.user_id)] {
        let asked = find(&world, json!({"emails": ["ada@example.com"]})).query("user_id_type", form);
        assert_eq!(asked.send().await.data()["user_list"][0]["user_id"], *id);
    }
    for nothing in [json!({}), json!({"emails": []})] {
        assert_eq!(find(&world, nothing).send().await.data(), json!({"user_list": []}));
    }
}

#[tokio::test]
async fn who_left_is_found_if_asked_for() {
    let world = reachable().await;
    let ask = |resigned: bool| json!({"emails": ["ada@example.com"], "include_resigned": resigned});
    set(&world, 0, json!({"status": "frozen"})).await;
    let found = find(&world, ask(false)).send().await.data();
    assert_eq!(found["user_list"][0]["status"], status(true, false));
    set(&world, 0, json!({"status": "resigned"})).await;
    let found = find(&world, ask(false)).send().await.data();
    assert_eq!(found["user_list"], json!([{"email": "ada@example.com"}]));
    let found = find(&world, ask(true)).send().await.data();
    assert_eq!(found["user_list"][0]["user_id"], world.users[0].open_id);
    assert_eq!(found["user_list"][0]["status"], status(false, true));
    // The address of a user who left may belong to another user, who then comes first.
    set(&world, 2, json!({"email": "ada@example.com"})).await;
    let found = find(&world, ask(true)).send().await.data();
    assert_eq!(found["user_list"][0]["user_id"], world.users[2].open_id);
}

#[tokio::test]
async fn what_batch_get_id_refuses() {
    let world = reachable().await;
    let many: Vec<String> = (0..51).map(|n| format!("{n}@example.com")).collect();
    for key in ["emails", "mobiles"] {
        assert_eq!(
            find(&world, json!({key: many[..50]})).send().await.data()["user_list"][49]
                [&key[..key.len() - 1]],
            many[49]
        );
        let reply = find(&world, json!({key: many})).send().await;
        let refusal = refused(&reply, 99992402);
        assert_eq!(refusal["error"]["field_violations"][0]["description"], "the max len is 50");
        assert_eq!(reply.violated(), [key]);
    }
    let reply = find(&world, json!({})).query("user_id_type", "mail").send().await;
    refused(&reply, 99992402);
    assert_eq!(reply.violated(), ["user_id_type"]);
    find(&world, json!({})).token(&world.user_token(0, json!({})).await).send().await.refused(99991668);
    let (other, token) = world.app(json!({"scopes": ["contact:user.id:readonly"]})).await;
    let ask = json!({"emails": ["ada@example.com"]});
    let by_other = |form: &str| find(&world, ask.clone()).token(&token).query("user_id_type", form);
    by_other("user_id").send().await.refused(99991672);
    let found = by_other("open_id").send().await.data();
    assert_eq!(
        found["user_list"][0]["user_id"],
        open_id(&world, 0, &other).await,
        "as the calling app sees it"
    );
    assert_eq!(found["user_list"][0].get("status"), None, "the state of an account has a scope of its own");
    world.set_app(&other, json!({"visible_to": [world.users[1].user_id]})).await;
    let found = by_other("open_id").send().await.data();
    assert_eq!(found["user_list"], json!([{"email": "ada@example.com"}]), "out of the app's range");
}

#[tokio::test]
async fn whom_a_caller_may_read_of() {
    let world = reachable().await;
    let ada = &world.users[0];
    let (app, token) = world.app(json!({"scopes": [READ], "visible_to": [world.users[1].user_id]})).await;
    let of = |user: usize| {
        let (world, app) = (&world, &app);
        async move { get(world, &open_id(world, user, app).await) }
    };
    refused(&of(0).await.token(&token).send().await, 41050);
    of(1).await.token(&token).send().await.data();
    let user = world.user_token(1, json!({"app_id": app, "scopes": [READ]})).await;
    of(0).await.token(&user).send().await.data();
    // user_id is a form that needs a scope, which ISV apps never have.
    get(&world, &ada.user_id).token(&token).query("user_id_type", "user_id").send().await.refused(99991672);
    get(&world, &ada.user_id).token(&user).query("user_id_type", "user_id").send().await.refused(99991679);
    let maker = world.lab.world().await;
    let (shop, _) = isv_app(&maker).await;
    world.control("POST", "/installs").body(json!({"app_id": shop})).send().await.data();
    let shop_token = issued_token(&world, &shop).await;
    let shown = get(&world, &open_id(&world, 0, &shop).await).token(&shop_token).send().await.data();
    assert_eq!(shown["user"].get("user_id"), None);
    refused(
        &get(&world, &ada.user_id).token(&shop_token).query("user_id_type", "user_id").send().await,
        40001,
    );
}

#[tokio::test]
async fn ids_that_name_no_user() {
    let world = reachable().await;
    let other = world.lab.world().await;
    let (elsewhere, _) = world.app(json!({})).await;
    let bot = text(&world.call("GET", "/bot/v3/info").send().await.json()["bot"], "open_id");
    refused(&get(&world, &bot).send().await, 41012);
    for (form, id, code) in [
        ("open_id", "ou_x", 99992351),
        ("open_id", &*other.users[0].open_id, 99992351),
        ("open_id", &*open_id(&world, 0, &elsewhere).await, 99992361),
        ("union_id", &*other.users[0].union_id, 99992363),
        ("user_id", "unknown", 99992360),
    ] {
        get(&world, id).query("user_id_type", form).send().await.refused(code);
    }
    for (parameter, value) in [("user_id_type", "mail"), ("department_id_type", "name")] {
        let reply = get(&world, &world.users[0].open_id).query(parameter, value).send().await;
        refused(&reply, 99992402);
        assert_eq!(reply.violated(), [parameter]);
    }
    refused(&get(&world, "%00").send().await, 99992402);
}
