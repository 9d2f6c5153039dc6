//! `contact/v3/users/:user_id`: the fields of a user.

use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use crate::scenarios::{names, open_id, refused, text, world};

const READ: &str = "contact:contact.base:readonly";
const EMPLOYEE: &str = "contact:user.employee:readonly";
const EMPLOYEE_ID: &str = "contact:user.employee_id:readonly";
const DEPARTMENT: &str = "contact:user.department:readonly";
const DOTTED: &str = "contact:user.dotted_line_leader_info.read";
const BROAD: [&str; 3] =
    ["contact:contact:access_as_app", "contact:contact:readonly", "contact:contact:readonly_as_app"];

/// The fields for every caller.
const LEAST: [&str; 3] = ["mobile_visible", "open_id", "union_id"];
/// The fields that a scope adds for a user without a profile.
const UNSET: [(&str, &[&str]); 10] = [
    ("contact:user.base:readonly", &["avatar", "en_name", "name"]),
    ("contact:user.email:readonly", &["email"]),
    ("contact:user.phone:readonly", &["mobile"]),
    ("contact:user.gender:readonly", &["gender"]),
    (EMPLOYEE_ID, &["user_id"]),
    ("contact:user.employee_number:read", &["employee_no"]),
    (DEPARTMENT, &["department_ids", "orders"]),
    (DOTTED, &[]),
    ("contact:user.department_path:readonly", &[]),
    (
        EMPLOYEE,
        &[
            "city",
            "country",
            "custom_attrs",
            "description",
            "employee_no",
            "employee_type",
            "is_tenant_manager",
            "job_title",
            "join_time",
            "status",
            "work_station",
        ],
    ),
];
/// The fields that a scope adds once everything is set.
const SET: [(&str, &[&str]); 4] = [
    ("contact:user.base:readonly", &["nickname"]),
    (EMPLOYEE, &["enterprise_email"]),
    (DEPARTMENT, &["leader_user_id"]),
    (DOTTED, &["dotted_line_leader_user_ids"]),
];

fn get(world: &World, id: &str) -> Request {
    world.call("GET", &format!("/contact/v3/users/{id}"))
}

/// The fields for a caller with these scopes: the same for an app and for a user.
async fn shown(world: &World, scopes: Value) -> Vec<String> {
    let id = &world.users[0].union_id;
    let ask = |token: &str| get(world, id).token(token).query("user_id_type", "union_id");
    let user = world.user_token(1, json!({"scopes": scopes, "revoke_previous": true})).await;
    let (_, app) = world.app(json!({"scopes": scopes})).await;
    let as_user = ask(&user).send().await.data();
    let as_app = ask(&app).send().await.data();
    assert_eq!(names(&as_app["user"]), names(&as_user["user"]), "{scopes}");
    names(&as_user["user"]).into_iter().map(str::to_owned).collect()
}

fn added(table: &[(&str, &'static [&'static str])], scope: &str) -> Vec<&'static str> {
    table.iter().filter(|row| row.0 == scope).flat_map(|row| row.1.iter().copied()).collect()
}

fn sorted(parts: &[&[&'static str]]) -> Vec<&'static str> {
    let mut all = parts.concat();
    all.sort_unstable();
    all.dedup();
    all
}

/// Sets every field of a user; users 1 and 2 are leaders.
async fn set_everything(world: &World) -> Value {
    let facts = json!({
        "email": "ada@example.com", "mobile": "+8613800000000", "en_name": "Ada L", "nickname": "Ad",
        "avatar_key": "v3_00ab", "description": "first", "gender": 2, "city": "London", "country": "GB",
        "work_station": "5F", "job_title": "analyst", "join_time": 1_600_000_000, "is_tenant_manager": true,
        "employee_type": 5, "employee_no": "E7", "enterprise_email": "ada@corp.example.com",
        "leader_user_id": world.users[1].user_id,
        "dotted_line_leader_user_ids": [world.users[2].user_id, world.users[1].user_id],
        "custom_attrs": [
            {"type": "TEXT", "id": "C-1", "value": {"text": "blue"}},
            {"type": "GENERIC_USER", "id": "C-2", "value": {"generic_user": {"id": world.users[1].user_id, "type": 1}}},
        ],
    });
    let path = format!("/users/{}", world.users[0].user_id);
    world.control("PATCH", &path).body(facts.clone()).send().await.data();
    facts
}

#[tokio::test]
async fn each_field_has_its_scope() {
    let world = world().await;
    assert_eq!(shown(&world, json!([READ])).await, LEAST, "the usual report of an empty name");
    for (scope, fields) in UNSET {
        assert_eq!(shown(&world, json!([READ, scope])).await, sorted(&[&LEAST, fields]), "{scope}");
    }
    set_everything(&world).await;
    assert_eq!(shown(&world, json!([READ])).await, LEAST, "set, and not told");
    for (scope, fields) in UNSET {
        let expected = sorted(&[&LEAST, fields, &added(&SET, scope)]);
        assert_eq!(shown(&world, json!([READ, scope])).await, expected, "{scope}");
    }
}

#[tokio::test]
async fn the_older_scopes_tell_all_but_addresses_and_ids() {
    let world = world().await;
    set_everything(&world).await;
    let own = ["contact:user.email:readonly", "contact:user.phone:readonly", EMPLOYEE_ID, DOTTED];
    let told = UNSET.iter().chain(&SET).filter(|row| !own.contains(&row.0)).map(|row| row.1);
    let expected = sorted(&[&LEAST, &told.collect::<Vec<_>>().concat()]);
    for scope in BROAD {
        assert_eq!(shown(&world, json!([scope])).await, expected, "{scope}");
    }
}

#[tokio::test]
async fn what_was_never_set_is_empty_or_absent() {
    let world = world().await;
    let ada = &world.users[0];
    let reply = get(&world, &ada.open_id).send().await;
    let user = reply.data()["user"].clone();
    let picture = |size: &str| text(&user["avatar"], &format!("avatar_{size}"));
    for (size, image) in [("72", "72x72"), ("240", "240x240"), ("640", "640x640"), ("origin", "noop")] {
        assert!(
            picture(size).contains(&format!(
                "default-avatar_44ae0ca3-e140-494b-956f-78091e348435~?image_size={image}&"
            ))
        );
    }
    let expected = json!({
        "avatar": user["avatar"], "city": "", "country": "", "custom_attrs": [], "department_ids": ["0"],
        "description": "", "email": "", "employee_no": "", "employee_type": 1, "en_name": "", "gender": 0,
        "is_tenant_manager": false, "job_title": "", "join_time": 0, "mobile": "", "mobile_visible": true,
        "name": ada.name, "open_id": ada.open_id,
        "orders": [{"department_id": "0", "department_order": 1, "user_order": 0}],
        "status": {
            "is_activated": true, "is_exited": false, "is_frozen": false, "is_resigned": false, "is_unjoin": false,
        },
        "union_id": ada.union_id, "user_id": ada.user_id, "work_station": "",
    });
    assert_eq!(user, expected);
    let places = names(&user).into_iter().map(|name| reply.text().find(&format!("\"{name}\":")));
    let places: Vec<_> = places.map(|place| place.expect("a member")).collect();
    assert!(places.is_sorted(), "the members stand in the order of the alphabet: {}", reply.text());
    assert_eq!(reply.json()["msg"], "success");
}

#[tokio::test]
async fn profiles_are_shown_in_every_form_of_id() {
    let world = world().await;
    let facts = set_everything(&world).await;
    let [ada, bob, chen] = [&world.users[0], &world.users[1], &world.users[2]];
    let ids = |form: &str| match form {
        "open_id" => [&ada.open_id, &bob.open_id, &chen.open_id],
        "union_id" => [&ada.union_id, &bob.union_id, &chen.union_id],
        _ => [&ada.user_id, &bob.user_id, &chen.user_id],
    };
    for form in ["open_id", "union_id", "user_id"] {
        let [id, leader, dotted] = ids(form);
        let ask = get(&world, id).query("user_id_type", form).query("department_id_type", "department_id");
        let user = ask.send().await.data()["user"].clone();
        for (name, value) in facts.as_object().expect("an object") {
            let expected = match name.as_str() {
                "leader_user_id" => json!(leader),
                "dotted_line_leader_user_ids" => json!([dotted, leader]),
                "custom_attrs" => json!([
                    value[0],
                    {"type": "GENERIC_USER", "id": "C-2", "value": {"generic_user": {"id": leader, "type": 1}}},
                ]),
                "avatar_key" => continue,
                _ => value.clone(),
            };
            assert_eq!(user[name], expected, "{name}");
        }
        assert!(text(&user["avatar"], "avatar_72").contains("/v3_00ab~"));
    }
    // Deleted leaders are not shown, and a later change of the user keeps the other fields.
    for leader in [bob, chen] {
        world.control("DELETE", &format!("/users/{}", leader.user_id)).send().await.data();
    }
    let user = get(&world, &ada.open_id).send().await.data()["user"].clone();
    assert_eq!(
        user["custom_attrs"].as_array().map(Vec::len),
        Some(1),
        "with a user who is gone, a field goes"
    );
    let path = format!("/users/{}", ada.user_id);
    world
        .control("PATCH", &path)
        .body(json!({"city": "", "nickname": "", "custom_attrs": []}))
        .send()
        .await
        .data();
    let user = get(&world, &ada.open_id).send().await.data()["user"].clone();
    assert_eq!(
        (&user["city"], &user["job_title"], &user["custom_attrs"]),
        (&json!(""), &json!("analyst"), &json!([]))
    );
    for gone in ["leader_user_id", "dotted_line_leader_user_ids", "nickname"] {
        assert_eq!(user.get(gone), None, "{gone}");
    }
}

#[tokio::test]
async fn states_of_an_account() {
    let world = world().await;
    let path = format!("/users/{}", world.users[0].user_id);
    for (state, frozen, resigned) in
        [("frozen", true, false), ("resigned", false, true), ("active", false, false)]
    {
        world.control("PATCH", &path).body(json!({"status": state})).send().await.data();
        let user = get(&world, &world.users[0].open_id).send().await.data()["user"].clone();
        assert_eq!(
            user["status"],
            json!({
                "is_activated": !resigned, "is_exited": false, "is_frozen": frozen, "is_resigned": resigned,
                "is_unjoin": false,
            })
        );
    }
}

#[tokio::test]
async fn the_control_api_keeps_a_users_profile() {
    let world = world().await;
    let made = json!({"user_id": "eve", "name": "Eve", "en_name": "Eva", "gender": 1, "employee_type": 9});
    let shown = world.control("POST", "/users").body(made.clone()).send().await.data();
    for (name, value) in made.as_object().expect("an object") {
        assert_eq!(shown[name], *value, "{name}");
    }
    assert_eq!(shown.get("nickname"), None);
    let change = |body: Value| world.control("PATCH", "/users/eve").body(body);
    let shown = change(json!({"en_name": "", "nickname": "E"})).send().await.data();
    assert_eq!((shown.get("en_name"), &shown["nickname"], &shown["gender"]), (None, &json!("E"), &json!(1)));
    assert_eq!(world.control("GET", "/users/eve").send().await.data(), shown);
    let listed = world.control("GET", "/users").send().await.data();
    assert!(listed["users"].as_array().expect("users").contains(&shown));
    for (body, code, field) in [
        (json!({"gender": 4}), 5275400, "gender"),
        (json!({"employee_type": 0}), 5275400, "employee_type"),
        (json!({"join_time": -1}), 5275400, "join_time"),
        (json!({"leader_user_id": "eve"}), 5275400, "leader_user_id"),
        (json!({"leader_user_id": "no-user"}), 5275404, "leader_user_id"),
        (json!({"dotted_line_leader_user_ids": ["no-user"]}), 5275404, "dotted_line_leader_user_ids[*]"),
        (
            json!({"custom_attrs": [{"type": "GENERIC_USER", "id": "C", "value": {"generic_user": {"id": "x", "type": 1}}}]}),
            5275404,
            "custom_attrs[*].value.generic_user.id",
        ),
    ] {
        let reply = change(body).send().await;
        reply.refused(code);
        assert_eq!(reply.violated(), [field]);
    }
    assert_eq!(world.control("GET", "/users/eve").send().await.data(), shown, "refused as a whole");
}

#[tokio::test]
async fn only_the_user_out_of_range_is_refused() {
    let world = world().await;
    let (app, token) = world.app(json!({"scopes": [READ], "visible_to": [world.users[1].user_id]})).await;
    for (user, code) in [(0, 41050), (1, 0)] {
        let reply = get(&world, &open_id(&world, user, &app).await).token(&token).send().await;
        assert_eq!(reply.code(), code);
        if code != 0 {
            refused(&reply, 41050);
        }
    }
}
