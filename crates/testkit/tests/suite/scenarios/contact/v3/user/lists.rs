//! `contact/v3`: several users at once, users of a department, and the contact scope.

use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use crate::scenarios::{issued_token, isv_app, names, open_id, refused_as, text, world};

const READ: &str = "contact:contact.base:readonly";
const BASIC: &str = "contact:user.basic_profile:readonly";
const ORGANIZE: &str = "contact:department.organize:readonly";
const FIND: &str = "/contact/v3/users/find_by_department?department_id=0";

fn batch(world: &World, ids: &[&str]) -> Request {
    let ask = world.call("GET", "/contact/v3/users/batch");
    ids.iter().fold(ask, |ask, id| ask.query("user_ids", id))
}

fn basic(world: &World, ids: &[&str]) -> Request {
    world.call("POST", "/contact/v3/users/basic_batch").body(json!({"user_ids": ids}))
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array().expect("a list").iter().map(|one| text(one, "open_id")).collect()
}

/// Every element of a list, page by page.
async fn pages(ask: Request, list: &str) -> Vec<Value> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let page = ask.clone().query("page_token", &token).send().await.data();
        all.extend(page[list].as_array().expect("a list").clone());
        assert_eq!(page["has_more"], page.get("page_token").is_some(), "{page}");
        match page.get("page_token") {
            Some(next) => token = next.as_str().expect("a token").to_owned(),
            None => return all,
        }
    }
}

async fn more_users(world: &World, count: usize) -> Vec<String> {
    let mut made = Vec::new();
    for number in 0..count {
        let body = json!({"user_id": format!("user{:02}", 99 - number)});
        made.push(text(&world.control("POST", "/users").body(body).send().await.data(), "user_id"));
    }
    made
}

#[tokio::test]
async fn several_users_in_the_order_of_the_request() {
    let world = world().await;
    let [ada, bob, chen] = [&world.users[0], &world.users[1], &world.users[2]];
    let path = format!("/users/{}", bob.user_id);
    world
        .control("PATCH", &path)
        .body(json!({"status": "frozen", "avatar_key": "v3_00ab"}))
        .send()
        .await
        .data();
    for form in ["open_id", "union_id", "user_id"] {
        let [one, two, three] = [bob, ada, chen].map(|user| match form {
            "open_id" => user.open_id.as_str(),
            "union_id" => &user.union_id,
            _ => &user.user_id,
        });
        let reply = batch(&world, &[one, two, one, three]).query("user_id_type", form).send().await;
        let items = reply.data()["items"].clone();
        assert_eq!(ids(&items), [bob, ada, chen].map(|user| user.open_id.clone()), "each once");
        let [first, second] = [&items[0], &items[1]];
        assert_eq!((&first["is_frozen"], &first["avatar_key"]), (&json!(true), &json!("v3_00ab")));
        assert_eq!((&second["is_frozen"], &second["avatar_key"]), (&json!(false), &json!("")));
        // Apart from these two, each is what the single read returns.
        let mut same = first.clone();
        for name in ["avatar_key", "is_frozen"] {
            same.as_object_mut().expect("an object").remove(name);
        }
        let alone = world.call("GET", &format!("/contact/v3/users/{}", bob.open_id)).send().await.data();
        assert_eq!(same, alone["user"]);
    }
    let (_, least) = world.app(json!({"scopes": [READ]})).await;
    let union = batch(&world, &[&ada.union_id]).query("user_id_type", "union_id").token(&least);
    let found = union.send().await.data();
    assert_eq!(names(&found["items"][0]), ["mobile_visible", "open_id", "union_id"]);
}

#[tokio::test]
async fn who_is_left_out_of_several() {
    let world = world().await;
    let (app, token) = world.app(json!({"scopes": [READ], "visible_to": [world.users[1].user_id]})).await;
    let mut seen = Vec::new();
    for user in 0..3 {
        seen.push(open_id(&world, user, &app).await);
    }
    let all: Vec<&str> = seen.iter().map(String::as_str).collect();
    let bot = text(&world.call("GET", "/bot/v3/info").token(&token).send().await.json()["bot"], "open_id");
    let found = batch(&world, &[&all[..], &[&bot]].concat()).token(&token).send().await.data();
    assert_eq!(ids(&found["items"]), [seen[1].clone()], "the one in the range; a bot is no user");
    assert_eq!(batch(&world, &all[..1]).token(&token).send().await.data(), json!({"items": []}));
    let user = world.user_token(1, json!({"app_id": app, "scopes": [READ]})).await;
    let found = batch(&world, &all).token(&user).send().await.data();
    assert_eq!(ids(&found["items"]), seen, "a user reads of all users of the tenant");
}

#[tokio::test]
async fn what_several_users_refuse() {
    let world = world().await;
    let (other, _) = world.app(json!({})).await;
    let elsewhere = open_id(&world, 0, &other).await;
    let good = world.users[0].open_id.as_str();
    let wrong = ["ou_x".to_owned(), format!("ou_{:032x}", 7)];
    for ask in [batch, basic] {
        let reply = ask(&world, &[good, &wrong[0], &wrong[1]]).send().await;
        let json = reply.refused(99992351);
        assert!(text(&json, "msg").contains(&format!("Invalid ids: [{} {}]", wrong[0], wrong[1])), "{json}");
        assert_eq!(json["error"]["field_violations"].as_array().map(Vec::len), Some(2));
        ask(&world, &[good, &elsewhere]).send().await.refused(99992361);
        for (form, id, code) in [("union_id", "on_x", 99992363), ("user_id", "no-user", 99992360)] {
            ask(&world, &[id]).query("user_id_type", form).send().await.refused(code);
        }
    }
    let reply = world.call("GET", "/contact/v3/users/batch").send().await;
    reply.refused(99992402);
    assert_eq!(reply.violated(), ["user_ids"]);
    let many = vec![good; 51];
    let reply = batch(&world, &many).send().await;
    reply.refused(99992402);
    assert_eq!(reply.json()["error"]["field_violations"][0]["description"], "the max len is 50");
    assert_eq!(batch(&world, &many[..50]).send().await.code(), 0);
    for (body, why) in [
        (json!({"user_ids": many[..11]}), "the max len is 10"),
        (json!({"user_ids": []}), "the min len is 1"),
        (json!({}), "user_ids is required"),
    ] {
        let reply = world.call("POST", "/contact/v3/users/basic_batch").body(body).send().await;
        let json = refused_as(&reply, 40001, "param is invalid");
        assert_eq!(json["error"]["field_violations"][0]["description"], why);
    }
    // user_id is a form that ISV apps never have.
    let maker = world.lab.world().await;
    let (shop, _) = isv_app(&maker).await;
    world.control("POST", "/installs").body(json!({"app_id": shop})).send().await.data();
    let token = issued_token(&world, &shop).await;
    for (ask, why) in
        [(batch(&world, &["x"]), "invalid parameter"), (basic(&world, &["x"]), "param is invalid")]
    {
        refused_as(&ask.token(&token).query("user_id_type", "user_id").send().await, 40001, why);
    }
}

#[tokio::test]
async fn names_are_shown_whatever_the_range() {
    let world = world().await;
    let (app, token) = world.app(json!({"scopes": [BASIC], "visible_to": []})).await;
    let path = format!("/users/{}", world.users[1].user_id);
    world.control("PATCH", &path).body(json!({"en_name": "Benjamin"})).send().await.data();
    let [one, two] = [open_id(&world, 1, &app).await, open_id(&world, 0, &app).await];
    let bot = text(&world.call("GET", "/bot/v3/info").token(&token).send().await.json()["bot"], "open_id");
    let reply = basic(&world, &[&one, &two, &bot, &one]).token(&token).send().await;
    let of = |id: &str, user: usize, en_us: &str| {
        json!({
            "user_id": id, "name": world.users[user].name,
            "i18n_name": {"zh_cn": "", "ja_jp": "", "en_us": en_us},
        })
    };
    assert_eq!(reply.data(), json!({"users": [of(&one, 1, "Benjamin"), of(&two, 0, "")]}));
    let union = &world.users[2].union_id;
    let user = world.user_token(1, json!({"app_id": app, "scopes": [BASIC]})).await;
    let found = basic(&world, &[union]).query("user_id_type", "union_id").token(&user).send().await.data();
    assert_eq!(found["users"][0]["user_id"], *union);
    basic(&world, &[union]).query("user_id_type", "user_id").token(&token).send().await.refused(99991672);
}

#[tokio::test]
async fn the_users_of_the_root_department() {
    let world = world().await;
    let more = more_users(&world, 9).await;
    let all: Vec<String> = world.users.iter().map(|user| user.user_id.clone()).chain(more).collect();
    let ask = |query: &str| world.call("GET", &format!("{FIND}{query}"));
    let of = |items: &[Value]| items.iter().map(|one| text(one, "user_id")).collect::<Vec<_>>();
    let first = ask("").send().await.data();
    assert_eq!(of(first["items"].as_array().expect("items")), all[..10], "ten, in the order of their making");
    for size in ["1", "5", "12", "50"] {
        let found = pages(ask("").query("page_size", size), "items").await;
        assert_eq!(of(&found), all, "in pages of {size}");
    }
    // The old list of a department is the same.
    let old = world.call("GET", "/contact/v3/users?department_id=0&page_size=100");
    let alone =
        world.call("GET", &format!("/contact/v3/users/{}", world.users[0].open_id)).send().await.data();
    let found = old.send().await.data();
    assert_eq!(
        (of(found["items"].as_array().expect("items")), &found["items"][0]),
        (all.clone(), &alone["user"])
    );
    // Users who have resigned are in no department; frozen ones are.
    for (user, status) in [(&all[0], "resigned"), (&all[1], "frozen")] {
        world.control("PATCH", &format!("/users/{user}")).body(json!({"status": status})).send().await.data();
    }
    let found = pages(ask("&page_size=4&department_id_type=open_department_id"), "items").await;
    assert_eq!(of(&found), all[1..]);
    // A user sees the same, whatever the scope of the app.
    world.set_app(&world.app_id, json!({"visible_to": [all[2]]})).await;
    let token = world.user_token(2, json!({"scopes": [ORGANIZE, "contact:user.employee_id:readonly"]})).await;
    assert_eq!(of(&pages(ask("&page_size=3").token(&token), "items").await), all[1..]);
}

#[tokio::test]
async fn what_departments_refuse() {
    let world = world().await;
    let (_, some) = world.app(json!({"scopes": [ORGANIZE], "visible_to": [world.users[1].user_id]})).await;
    for path in ["/contact/v3/users/find_by_department", "/contact/v3/users"] {
        let ask = |department: &str| world.call("GET", path).query("department_id", department);
        for (department, token) in [("0", &some), ("od-1", &world.token), ("1", &some)] {
            let reply = ask(department).token(token).send().await;
            refused_as(&reply, 40004, "no dept authority error");
            assert_eq!((reply.status(), reply.violated()), (403, vec!["department_id".to_owned()]));
        }
        let first = ask("0").query("page_size", "1").send().await.data();
        let token = text(&first, "page_token");
        for (path, wrong) in [(path, "x"), ("/contact/v3/scopes", &*token)] {
            let asked = world.call("GET", path).query("department_id", "0").query("page_token", wrong);
            refused_as(&asked.send().await, 40012, "page token is invalid error");
        }
        // A page token of one caller is invalid for another.
        let (_, other) = world.app(json!({"scopes": [ORGANIZE]})).await;
        let asked = ask("0").query("page_token", &token).token(&other);
        refused_as(&asked.send().await, 40012, "page token is invalid error");
        for size in ["0", "101"] {
            let reply = ask("0").query("page_size", size).send().await;
            reply.refused(99992402);
            assert_eq!(reply.violated(), ["page_size"]);
        }
    }
    let reply = world.call("GET", "/contact/v3/users/find_by_department").send().await;
    reply.refused(99992402);
    assert_eq!(reply.violated(), ["department_id"]);
    world.call("GET", FIND).query("page_size", "51").send().await.refused(99992402);
}

#[tokio::test]
async fn users_who_were_granted_one_by_one() {
    let world = world().await;
    let made = more_users(&world, 4).await;
    let list = || world.call("GET", "/contact/v3/users");
    let nothing = json!({"has_more": false, "items": []});
    assert_eq!(list().send().await.data(), nothing, "an app whose range is the whole tenant");
    assert_eq!(list().query("department_id", "").send().await.data(), nothing);
    let scopes = json!([ORGANIZE, "contact:user.employee_id:readonly"]);
    let (app, token) = world.app(json!({"scopes": scopes, "visible_to": made})).await;
    let mut expected = made.clone();
    expected.sort();
    for size in ["1", "3", "4", "100"] {
        let found = pages(list().token(&token).query("page_size", size), "items").await;
        assert_eq!(found.iter().map(|one| text(one, "user_id")).collect::<Vec<_>>(), expected, "by {size}");
    }
    let path = format!("/users/{}", expected[1]);
    world.control("PATCH", &path).body(json!({"status": "resigned"})).send().await.data();
    let found = list().token(&token).send().await.data();
    assert_eq!(found["items"].as_array().map(Vec::len), Some(3), "one has resigned");
    let user = world.user_token(0, json!({"app_id": app, "scopes": [ORGANIZE]})).await;
    assert_eq!(list().token(&user).send().await.data(), nothing, "a user's range is the whole tenant");
    // The base scope does not open this list.
    let (_, base) = world.app(json!({"scopes": [READ]})).await;
    list().token(&base).send().await.refused(99991672);
}

#[tokio::test]
async fn the_contact_range() {
    let world = world().await;
    let made = more_users(&world, 60).await;
    let ask = || world.call("GET", "/contact/v3/scopes");
    let first = ask().send().await.data();
    assert_eq!(names(&first), ["department_ids", "group_ids", "has_more", "page_token", "user_ids"]);
    assert_eq!((&first["department_ids"], &first["group_ids"]), (&json!([]), &json!([])));
    assert_eq!(first["user_ids"].as_array().map(Vec::len), Some(50));
    let own: Vec<Value> = world.users.iter().map(|user| json!(user.user_id)).collect();
    let all = [own, made.iter().map(|id| json!(id)).collect()].concat();
    for size in ["7", "100"] {
        let asked = ask().query("user_id_type", "user_id").query("page_size", size);
        assert_eq!(pages(asked, "user_ids").await, all, "in pages of {size}");
    }
    let (app, token) = world.app(json!({"scopes": [READ], "visible_to": [made[1], made[0]]})).await;
    let granted = ask().token(&token).send().await.data();
    let shown = |id: &str| {
        let (world, app, id) = (&world, &app, id.to_owned());
        async move {
            let shown = world.control("GET", &format!("/users/{id}")).send().await.data();
            let seen = shown["apps"].as_array().expect("apps").iter().find(|seen| seen["app_id"] == **app);
            seen.expect("the app")["open_id"].clone()
        }
    };
    // In the order of their user_ids: the second was created with a smaller one.
    let expected = json!({
        "department_ids": [], "group_ids": [], "has_more": false,
        "user_ids": [shown(&made[1]).await, shown(&made[0]).await],
    });
    assert_eq!(granted, expected);
    world.set_app(&app, json!({"visible_to": []})).await;
    assert_eq!(ask().token(&token).send().await.data()["user_ids"], json!([]));
    refused_as(&ask().query("page_token", "00").send().await, 40012, "page token is invalid error");
    ask().query("page_size", "101").send().await.refused(99992402);
    let user = world.user_token(0, json!({})).await;
    ask().token(&user).send().await.refused(99991668);
}
