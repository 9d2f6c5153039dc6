//! `GET im/v1/chats/:chat_id/members`: pages in the order of joining, and a full chat.

use std::sync::Arc;

use larkspur_contract::Effect;
use larkspur_contract::ids::{ChatId, TenantKey};
use larkspur_contract::model::UserStatus;
use larkspur_store::chats::{self, Member};
use larkspur_store::users::User;
use larkspur_store::{StoreError, members, users};
use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use crate::scenarios::{refused, text, world};

fn page(world: &World, chat_id: &str, size: i64, token: &str) -> Request {
    let path = format!("/im/v1/chats/{chat_id}/members?page_size={size}");
    world.call("GET", &path).query("page_token", token)
}

/// Every page of a chat: the sizes of the pages, and the names of the users in order.
async fn walk(world: &World, chat_id: &str, size: i64) -> (Vec<usize>, Vec<String>) {
    let (mut sizes, mut found, mut token) = (Vec::new(), Vec::new(), String::new());
    loop {
        let data = page(world, chat_id, size, &token).send().await.data();
        let items = data["items"].as_array().expect("items");
        sizes.push(items.len());
        found.extend(items.iter().map(|item| text(item, "name")));
        token = text(&data, "page_token");
        if data["has_more"] == json!(false) {
            assert_eq!(token, "", "no token without a next page");
            return (sizes, found);
        }
    }
}

/// Adds users through the control API, each at another time; an empty name adds a bot.
async fn arrive(world: &World, chat_id: &str, who: &[&str]) {
    for name in who {
        world.advance(1).await;
        let member = if name.is_empty() {
            world.app(json!({})).await.0
        } else {
            text(&world.control("POST", "/users").body(json!({"name": name})).send().await.data(), "user_id")
        };
        crate::scenarios::put_member(world, chat_id, &member, false).await;
    }
}

#[tokio::test]
async fn pages_stand_in_the_order_of_joining_and_leave_bots_out() {
    let world = world().await;
    let chat = world.chat(json!({"members": [world.app_id]})).await;
    arrive(&world, &chat, &["a", "b", "", "", "c", "d", "", "e"]).await;
    let all = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
    assert_eq!(walk(&world, &chat, 2).await, (vec![1, 1, 1, 1, 1], all.clone()));
    assert_eq!(walk(&world, &chat, 3).await, (vec![2, 1, 2], all.clone()));
    assert_eq!(walk(&world, &chat, 9).await, (vec![5], all.clone()));
    assert_eq!(walk(&world, &chat, 100).await, (vec![5], all.clone()));
    assert_eq!(walk(&world, &chat, 1).await, (vec![0, 1, 1, 0, 0, 1, 1, 0, 1], all));
    let data = world.call("GET", &format!("/im/v1/chats/{chat}/members")).send().await.data();
    assert_eq!((&data["member_total"], &data["has_more"]), (&json!(5), &json!(false)));
    for asked in ["true", "false"] {
        let path = format!("/im/v1/chats/{chat}/members?check_security_conf={asked}");
        assert_eq!(world.call("GET", &path).send().await.data(), data, "no setting cuts the list");
    }
    assert_eq!(
        (&data["trigger_security_conf_limit"], &data["security_conf_limit"]),
        (&json!(false), &json!(0))
    );
    let item = &data["items"][0];
    assert_eq!(
        (&item["name"], &item["member_id_type"], &item["tenant_key"]),
        (&json!("a"), &json!("open_id"), &json!(world.tenant_key))
    );
    for kind in ["open_id", "union_id", "user_id"] {
        let path = format!("/im/v1/chats/{}/members?member_id_type={kind}", world.chat_id);
        let items = world.call("GET", &path).send().await.data()["items"].clone();
        let mut ids: Vec<Value> =
            items.as_array().expect("items").iter().map(|item| item["member_id"].clone()).collect();
        ids.sort_by_key(Value::to_string);
        let mut expected: Vec<Value> = world
            .users
            .iter()
            .map(|user| match kind {
                "open_id" => json!(user.open_id),
                "union_id" => json!(user.union_id),
                _ => json!(user.user_id),
            })
            .collect();
        expected.sort_by_key(Value::to_string);
        assert_eq!(ids, expected);
    }
}

#[tokio::test]
async fn a_page_token_is_good_for_its_chat_alone() {
    let world = world().await;
    let chat = world.chat(json!({"members": [world.app_id]})).await;
    arrive(&world, &chat, &["a", "b", "c"]).await;
    let token = text(&page(&world, &chat, 2, "").send().await.data(), "page_token");
    for wrong in ["x", "00", &token[1..], &token.to_uppercase()] {
        let reply = page(&world, &chat, 2, wrong).send().await;
        refused(&reply, 232001);
        assert_eq!(reply.violated(), ["page_token"]);
    }
    refused(&page(&world, &world.chat_id, 2, &token).send().await, 232001);
    for size in [0, -1, 101] {
        let reply = page(&world, &chat, size, "").send().await;
        reply.refused(99992402);
        assert_eq!(reply.violated(), ["page_size"]);
    }
    let app_id = format!("/im/v1/chats/{chat}/members?member_id_type=app_id");
    world.call("GET", &app_id).send().await.refused(99992402);
    // A member who has left since does not disturb the position.
    let first = page(&world, &chat, 2, "").send().await.data()["items"][0]["member_id"].clone();
    let shown = world.control("GET", &format!("/chats/{chat}")).send().await.data();
    let gone = text(&shown["members"][1], "member");
    world.control("DELETE", &format!("/chats/{chat}/members/{gone}")).send().await.data();
    let rest = page(&world, &chat, 2, &token).send().await.data();
    assert_eq!(rest["items"].as_array().expect("items").len(), 2, "{first}");
}

/// Adds `count` users to a chat, with `together` of them joining at the same time; a few hundred in a transaction.
async fn fill(world: &World, chat_id: &str, from: i64, count: i64, together: i64) {
    let engine = world.lab.app.engine().clone();
    let tenant = TenantKey::parse(&world.tenant_key).expect("a tenant");
    let chat_id = ChatId::parse(chat_id).expect("a chat");
    for first in (from..from + count).step_by(250) {
        let filled = engine.run(Effect::Writes, move |root| {
            let mut tx = root.tenant(tenant);
            Box::pin(async move {
                let chat = chats::lock(&mut tx, chat_id).await?;
                let chat = chat.ok_or_else(|| StoreError::Broken("no chat".to_owned()))?;
                for n in first..(first + 250).min(from + count) {
                    let user = User {
                        user_id: format!("filler{n:06}"),
                        user_no: 1_000_000 + n,
                        name: format!("{n:06}"),
                        status: UserStatus::Active,
                        email: None,
                        mobile: None,
                    };
                    users::insert(&mut tx, &user, 0).await?;
                    let joined = 10_000_000_000_000 + from + (n - from) / together * together;
                    members::add_all(&mut tx, &chat, &[Member::User(user.user_id)], false, joined).await?;
                }
                Ok(())
            })
        });
        filled.await.expect("filled");
    }
}

#[tokio::test]
async fn a_full_chat_is_paged_and_closed() {
    let world = world().await;
    let chat = world.chat(json!({"owner": world.users[0].user_id, "members": [world.app_id]})).await;
    fill(&world, &chat, 0, 4999, 1).await;
    let (sizes, found) = walk(&world, &chat, 100).await;
    assert_eq!(found.len(), 5000);
    assert!(found[1..].is_sorted(), "in the order of joining");
    assert_eq!((sizes.len(), sizes.iter().max()), (51, Some(&100)));

    let add = |ids: &[&str]| {
        let path = format!("/im/v1/chats/{chat}/members?member_id_type=user_id");
        world.call("POST", &path).body(json!({"id_list": ids}))
    };
    refused(&add(&[&world.users[1].user_id]).send().await, 232013);
    crate::scenarios::set_chat(&world, &chat, json!({"chat_type": "public"})).await;
    let user = world.user_token(1, json!({})).await;
    let join = world.call("PATCH", &format!("/im/v1/chats/{chat}/members/me_join")).token(&user);
    refused(&join.send().await, 232013);
    let removed = world.control("DELETE", &format!("/chats/{chat}/members/filler000007"));
    assert_eq!(removed.send().await.data()["members"].as_array().expect("members").len(), 5000);
    add(&[&world.users[1].user_id, "filler000008"]).send().await.data();

    // More than 5000, which only an administrator can allow: twenty managers.
    world.control("PUT", "/limits").body(json!({"chat_users": 6000})).send().await.data();
    let owner = world.user_token(0, json!({})).await;
    let ids: Vec<String> = (100..121).map(|n| format!("filler{n:06}")).collect();
    let appoint = |range: std::ops::Range<usize>| {
        let path = format!("/im/v1/chats/{chat}/managers/add_managers?member_id_type=user_id");
        world.call("POST", &path).token(&owner).body(json!({"manager_ids": ids[range]}))
    };
    refused(&appoint(0..11).send().await, 232040);
    add(&[&world.users[2].user_id]).send().await.data();
    appoint(0..20).send().await.data();
    refused(&appoint(20..21).send().await, 232040);
}

#[tokio::test]
async fn those_who_joined_at_once_stand_on_one_page() {
    let world = world().await;
    let chat = world.chat(json!({"members": [world.app_id]})).await;
    fill(&world, &chat, 0, 120, 60).await;
    assert_eq!(walk(&world, &chat, 20).await.0, [60, 60], "the bot counts for the first page");
    assert_eq!(walk(&world, &chat, 1).await.0, [0, 60, 60]);
    assert_eq!(walk(&world, &chat, 61).await.0, [60, 60]);
    assert_eq!(walk(&world, &chat, 62).await.0, [120]);
    // No page exceeds a thousand rows, whatever the control API did.
    fill(&world, &chat, 1000, 2500, 2500).await;
    let (sizes, found) = walk(&world, &chat, 100).await;
    assert_eq!((sizes.iter().max(), found.len()), (Some(&1000), 2620));
    assert!(found.is_sorted(), "no member twice, none missing: {}", Arc::new(sizes.len()));
}
