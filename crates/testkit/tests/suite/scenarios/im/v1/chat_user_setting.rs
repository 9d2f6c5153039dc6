//! Personal settings of users in chats: `im/v1/chat_user_setting` and `im/v1/chats/:chat_id/nickname`

use larkspur_testkit::{Lab, Request, World};
use serde_json::{Value, json};

use crate::scenarios::{issued_token, put_member, refused, set_chat, text, world};

fn setting(world: &World, token: &str, verb: &str, body: Value) -> Request {
    world.call("POST", &format!("/im/v1/chat_user_setting/{verb}")).token(token).body(body)
}

fn nickname(world: &World, token: &str, method: &str, chat: &str) -> Request {
    world.call(method, &format!("/im/v1/chats/{chat}/nickname")).token(token)
}

const UNKNOWN: &str = "oc_00000000000000000000000000000001";

#[tokio::test]
async fn chats_are_muted_by_a_user_for_itself() {
    let world = world().await;
    let (user, other) = (world.user_token(0, json!({})).await, world.user_token(1, json!({})).await);
    let strange = world.chat(json!({"members": [world.users[1].user_id]})).await;
    let second = world.chat(json!({"members": [world.users[0].user_id]})).await;
    let gone = world.chat(json!({"members": [world.users[0].user_id], "chat_status": "dissolved"})).await;
    let status = async |token: &str, ids: Value| {
        setting(&world, token, "batch_get_mute_status", json!({"chat_ids": ids})).send().await.data()
    };
    let chat = &world.chat_id;
    let one = |chat: &str, muted: bool| json!({"chat_id": chat, "is_muted": muted});
    let stranger = |id: &str| json!({"id": id, "msg": "not_a_member"});
    let before = status(&user, json!([chat, "x", second, strange, chat, UNKNOWN])).await;
    let invalid = json!([stranger("x"), stranger(&strange), stranger(UNKNOWN)]);
    assert_eq!(before, json!({"items": [one(chat, false), one(&second, false)], "invalid_id_list": invalid}));

    let sent = json!({"chat_settings": [
        {"chat_id": strange, "is_muted": true},
        {"chat_id": chat, "is_muted": true, "is_mute_at_all": true},
        {"chat_id": gone, "is_muted": true},
        {"chat_id": "x"},
        {"chat_id": chat, "is_mute_at_all": false},
    ]});
    let reply = setting(&world, &user, "batch_update", sent).send().await;
    assert_eq!(reply.json()["msg"], "success");
    let dissolved = json!({"id": gone, "msg": "chat_dissolved"});
    assert_eq!(reply.data(), json!({"invalid_ids": [stranger(&strange), dissolved, stranger("x")]}));
    let all = json!({"chat_ids": [second, chat]});
    let whole = |chat: &str, muted: bool, at_all: bool| json!({"chat_id": chat, "is_muted": muted, "is_mute_at_all": at_all});
    let found = setting(&world, &user, "batch_query", all.clone()).send().await.data();
    assert_eq!(found, json!({"items": [whole(&second, false, false), whole(chat, true, false)]}));
    let at_all = json!({"chat_settings": [{"chat_id": chat, "is_muted": false, "is_mute_at_all": true}, {"chat_id": second}]});
    assert_eq!(
        setting(&world, &user, "batch_update", at_all).send().await.data(),
        json!({"invalid_ids": []})
    );
    let found = setting(&world, &user, "batch_query", all).send().await.data();
    assert_eq!(found["items"], json!([whole(&second, false, false), whole(chat, false, true)]));
    assert_eq!(
        status(&other, json!([chat])).await["items"],
        json!([one(chat, false)]),
        "only the user's own"
    );

    // It ends with the membership, and muting is not an activity of the chat.
    let member = format!("/chats/{second}/members/{}", world.users[0].user_id);
    let mute = json!({"chat_settings": [{"chat_id": second, "is_muted": true}]});
    put_member(&world, &second, &world.app_id, false).await;
    setting(&world, &user, "batch_update", mute).send().await.data();
    assert_eq!(status(&user, json!([second])).await["items"][0]["is_muted"], true);
    world.control("DELETE", &member).send().await.data();
    assert_eq!(status(&user, json!([second])).await["invalid_id_list"], json!([stranger(&second)]));
    world.control("PUT", &member).body(json!({})).send().await.data();
    assert_eq!(status(&user, json!([second])).await["items"][0]["is_muted"], false);
}

#[tokio::test]
async fn what_the_settings_refuse() {
    let lab = Lab::start().await;
    let world = lab.world().await;
    let user = world.user_token(0, json!({})).await;
    let empty = setting(&world, &user, "batch_get_mute_status", json!({"chat_ids": []})).send().await;
    refused(&empty, 232001);
    assert_eq!(empty.json()["error"]["field_violations"][0]["description"], "chat_ids is empty");
    let many = |count: usize| vec![world.chat_id.clone(); count];
    let settings = |count: usize| vec![json!({"chat_id": world.chat_id}); count];
    for (verb, field, wrong) in [
        ("batch_get_mute_status", "chat_ids", json!({"chat_ids": many(101)})),
        ("batch_get_mute_status", "chat_ids", json!({})),
        ("batch_query", "chat_ids", json!({"chat_ids": many(11)})),
        ("batch_query", "chat_ids", json!({"chat_ids": []})),
        ("batch_update", "chat_settings", json!({"chat_settings": settings(11)})),
        ("batch_update", "chat_settings", json!({"chat_settings": []})),
        ("batch_update", "chat_settings[*].chat_id", json!({"chat_settings": [{"is_muted": true}]})),
    ] {
        let reply = setting(&world, &user, verb, wrong).send().await;
        refused(&reply, 99992402);
        assert_eq!(reply.violated(), [field], "{verb}");
    }
    let wrong = json!({"chat_settings": [{"chat_id": world.chat_id, "is_muted": "yes"}]});
    setting(&world, &user, "batch_update", wrong).send().await.refused(9499);
    setting(&world, &user, "batch_get_mute_status", json!({"chat_ids": many(100)})).send().await.data();
    setting(&world, &user, "batch_update", json!({"chat_settings": settings(10)})).send().await.data();

    let strange = world.chat(json!({"members": [world.users[1].user_id]})).await;
    let elsewhere = lab.world().await.chat_id;
    for (id, code) in [("x", 232006), (UNKNOWN, 232006), (&elsewhere, 232010), (&strange, 232011)] {
        let asked = json!({"chat_ids": [world.chat_id, id]});
        refused(&setting(&world, &user, "batch_query", asked).send().await, code);
    }
    let all = async |code: u32| {
        for (verb, body) in [
            ("batch_get_mute_status", json!({"chat_ids": many(1)})),
            ("batch_query", json!({"chat_ids": many(1)})),
            ("batch_update", json!({"chat_settings": settings(1)})),
        ] {
            refused(&setting(&world, &user, verb, body).send().await, code);
        }
    };
    world.set_app(&world.app_id, json!({"bot": false})).await;
    all(232025).await;
    world.set_app(&world.app_id, json!({"bot": true, "status": "disabled"})).await;
    all(232034).await;
}

#[tokio::test]
async fn a_user_has_a_name_of_its_own_in_a_chat() {
    let world = world().await;
    let (user, other) = (world.user_token(0, json!({})).await, world.user_token(1, json!({})).await);
    let chat = &world.chat_id;
    let name = async |token: &str| {
        let data = nickname(&world, token, "GET", chat).send().await.data();
        text(&data, "nickname")
    };
    let set = |name: &str| nickname(&world, &user, "PUT", chat).body(json!({"nickname": name}));
    assert_eq!(name(&user).await, "");
    let reply = set("云雀").send().await;
    assert_eq!((reply.data(), &reply.json()["msg"]), (json!({}), &json!("success")));
    assert_eq!((name(&user).await, name(&other).await), ("云雀".to_owned(), String::new()));
    let members = world.call("GET", &format!("/im/v1/chats/{chat}/members")).send().await.data();
    assert!(!members.to_string().contains("云雀"), "lists show names");
    set(&"名".repeat(100)).send().await.data();
    for wrong in ["", &"名".repeat(101), &"n".repeat(301)] {
        let reply = set(wrong).send().await;
        refused(&reply, 99992402);
        assert_eq!(reply.violated(), ["nickname"]);
    }
    refused(&nickname(&world, &user, "PUT", chat).body(json!({})).send().await, 99992402);
    assert_eq!(name(&user).await, "名".repeat(100));
    for _ in 0..2 {
        assert_eq!(nickname(&world, &user, "DELETE", chat).send().await.data(), json!({}));
        assert_eq!(name(&user).await, "");
    }
    set_chat(&world, chat, json!({"external": true})).await;
    set("abroad").send().await.data();
    assert_eq!(name(&user).await, "abroad");
}

#[tokio::test]
async fn whose_name_it_is_and_where() {
    let lab = Lab::start().await;
    let world = lab.world().await;
    let user = world.user_token(0, json!({})).await;
    let all = async |chat: &str, code: u32| {
        for method in ["GET", "PUT", "DELETE"] {
            let request = nickname(&world, &user, method, chat).body(json!({"nickname": "n"}));
            refused(&request.send().await, code);
        }
    };
    all("x", 232006).await;
    all(UNKNOWN, 232006).await;
    all(&lab.world().await.chat_id, 232010).await;
    all(&world.chat(json!({"members": [world.users[1].user_id]})).await, 232011).await;
    let gone = json!({"members": [world.users[0].user_id], "chat_status": "dissolved"});
    all(&world.chat(gone).await, 232009).await;
    world.set_app(&world.app_id, json!({"bot": false})).await;
    all(&world.chat_id, 232025).await;
    world.set_app(&world.app_id, json!({"bot": true, "status": "disabled"})).await;
    all(&world.chat_id, 232034).await;
    world.set_app(&world.app_id, json!({"status": "enabled"})).await;
    let bot = issued_token(&world, &world.app_id).await;
    nickname(&world, &bot, "GET", &world.chat_id).send().await.refused(99991663);
}
