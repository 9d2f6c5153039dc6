//! `im/v1/chats/:chat_id/managers`: appointing and dismissing managers.

use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use crate::scenarios::{issued_token, isv_app, put_member, refused, text, world};

fn managers(world: &World, token: &str, chat_id: &str, verb: &str, query: &str, ids: &[&str]) -> Request {
    let path = format!("/im/v1/chats/{chat_id}/managers/{verb}_managers{query}");
    world.call("POST", &path).token(token).body(json!({"manager_ids": ids}))
}

const VERBS: [&str; 2] = ["add", "delete"];

#[tokio::test]
async fn the_owner_appoints_and_dismisses() {
    let world = world().await;
    let (chat, owner) = (&world.chat_id, world.user_token(0, json!({})).await);
    let [anna, berta] = [1, 2].map(|n| &world.users[n]);
    let reply = managers(&world, &owner, chat, "add", "", &[&anna.open_id]).send().await;
    assert_eq!(reply.json()["msg"], "success");
    assert_eq!(reply.data(), json!({"chat_managers": [anna.open_id], "chat_bot_managers": []}));
    let by_app = managers(&world, &owner, chat, "add", "?member_id_type=app_id", &[&world.app_id]);
    let both = json!({"chat_managers": [anna.open_id], "chat_bot_managers": [world.app_id]});
    assert_eq!(by_app.send().await.data(), both);
    let again =
        managers(&world, &owner, chat, "add", "?member_id_type=user_id", &[&anna.user_id, &berta.user_id]);
    let mut shown = again.send().await.data();
    let list = shown["chat_managers"].as_array_mut().expect("a list");
    list.sort_by_key(Value::to_string);
    let mut expected = [json!(anna.user_id), json!(berta.user_id)];
    expected.sort_by_key(Value::to_string);
    assert_eq!(*list, expected);

    let left = managers(&world, &owner, chat, "delete", "?member_id_type=union_id", &[&anna.union_id]);
    assert_eq!(left.send().await.data()["chat_managers"], json!([berta.union_id]));
    let none = managers(&world, &owner, chat, "delete", "", &[&anna.open_id, &berta.open_id]).send().await;
    assert_eq!(none.data(), json!({"chat_managers": [], "chat_bot_managers": [world.app_id]}));
    let chat = world.call("GET", &format!("/im/v1/chats/{chat}")).send().await.data();
    assert_eq!(chat["bot_manager_id_list"], json!([world.app_id]));
}

#[tokio::test]
async fn only_the_owner() {
    let world = world().await;
    let chat = world
        .chat(json!({"owner": world.users[0].user_id, "creator_app": world.app_id,
        "managers": [world.users[1].user_id], "members": [world.app_id, world.users[2].user_id]}))
        .await;
    let berta = world.users[2].open_id.as_str();
    for verb in VERBS {
        for token in [world.token.clone(), world.user_token(1, json!({})).await] {
            refused(&managers(&world, &token, &chat, verb, "", &[berta]).send().await, 232038);
        }
    }
    let made = world.call("POST", "/im/v1/chats").body(json!({"user_id_list": [berta]})).send().await.data();
    let own = text(&made, "chat_id");
    managers(&world, &world.token, &own, "add", "", &[berta]).send().await.data();
}

#[tokio::test]
async fn who_cannot_be_one() {
    let world = world().await;
    let (chat, owner) = (&world.chat_id, world.user_token(0, json!({})).await);
    let made = world.control("POST", "/users").body(json!({})).send().await.data();
    let outsider = text(&made, "user_id");
    let call = |verb, query, ids: &[&str]| managers(&world, &owner, chat, verb, query, ids);
    let foreign = {
        let (other, _) = world.app(json!({})).await;
        crate::scenarios::open_id(&world, 1, &other).await
    };
    for verb in VERBS {
        for none in [&[][..], &[outsider.as_str()], &[world.users[0].user_id.as_str()]] {
            refused(&call(verb, "?member_id_type=user_id", none).send().await, 232027);
        }
        refused(&call(verb, "?member_id_type=app_id", &["cli_0000000000000001", "x"]).send().await, 232027);
        call(verb, "", &["ou_1"]).send().await.refused(99992351);
        call(verb, "?member_id_type=user_id", &["unknown"]).send().await.refused(99992360);
        call(verb, "?member_id_type=union_id", &["on_1"]).send().await.refused(99992363);
        refused(&call(verb, "", &[&foreign]).send().await, 99992361);
        refused(&call(verb, "?member_id_type=app_id", &["1", "2", "3", "4", "5", "6"]).send().await, 232001);
    }
    let some = call("add", "?member_id_type=user_id", &[&outsider, &world.users[1].user_id]).send().await;
    assert_eq!(some.data()["chat_managers"], json!([world.users[1].user_id]), "the others are skipped");
}

#[tokio::test]
async fn ten_are_enough() {
    let world = world().await;
    let (chat, owner) = (&world.chat_id, world.user_token(0, json!({})).await);
    let mut ids = Vec::new();
    for _ in 0..10 {
        let made = world.control("POST", "/users").body(json!({})).send().await.data();
        put_member(&world, chat, &text(&made, "user_id"), false).await;
        ids.push(text(&made, "user_id"));
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let call = |verb, ids: &[&str]| managers(&world, &owner, chat, verb, "?member_id_type=user_id", ids);
    call("add", &ids).send().await.data();
    call("add", &ids[..3]).send().await.data();
    let one_more = world.users[1].user_id.as_str();
    refused(&call("add", &[one_more]).send().await, 232040);
    call("delete", &ids[..1]).send().await.data();
    assert_eq!(
        call("add", &[one_more]).send().await.data()["chat_managers"].as_array().expect("a list").len(),
        10
    );
}

#[tokio::test]
async fn every_refusal_that_the_pages_share() {
    let world = world().await;
    let owner = world.user_token(0, json!({})).await;
    let ids = [world.users[1].open_id.as_str()];
    let all = async |token: &str, chat: &str, code: u32| {
        for verb in VERBS {
            refused(&managers(&world, token, chat, verb, "", &ids).send().await, code);
        }
    };
    all(&owner, "oc_00000000000000000000000000000001", 232001).await;
    all(&owner, &world.lab.world().await.chat_id, 232001).await;
    all(&owner, &world.chat(json!({"members": [world.app_id]})).await, 232011).await;
    let with_owner =
        |mode: &str| json!({"chat_mode": mode, "owner": world.users[0].user_id, "members": [world.app_id]});
    let p2p = world.chat(with_owner("p2p")).await;
    all(&owner, &p2p, 232001).await;
    world.set_app(&world.app_id, json!({"visible_to": []})).await;
    all(&owner, &p2p, 232024).await;
    world.set_app(&world.app_id, json!({"visible_to_all": true})).await;
    let mut gone = with_owner("topic");
    gone["chat_status"] = json!("dissolved");
    all(&owner, &world.chat(gone).await, 232009).await;
    let mut external = with_owner("group");
    external["external"] = json!(true);
    all(&owner, &world.chat(external).await, 232033).await;
    world.set_app(&world.app_id, json!({"bot": false})).await;
    all(&owner, &world.chat_id, 232025).await;
    world.set_app(&world.app_id, json!({"bot": true, "status": "disabled"})).await;
    all(&owner, &world.chat_id, 232034).await;
}

#[tokio::test]
async fn ids_of_another_tenant_are_unknown() {
    let (maker, guest) = {
        let maker = world().await;
        let guest = maker.lab.world().await;
        (maker, guest)
    };
    let (app_id, home) = isv_app(&maker).await;
    guest.control("POST", "/installs").body(json!({"app_id": app_id})).send().await.data();
    issued_token(&guest, &app_id).await;
    let chat = maker.chat(json!({"owner": app_id})).await;
    let stranger = crate::scenarios::open_id(&guest, 0, &app_id).await;
    managers(&maker, &home, &chat, "add", "", &[&stranger]).send().await.refused(99992351);
}
