//! `POST /im/v1/chats/:chat_id/link`, and opening the link.

use larkspur_testkit::{Lab, LabOptions, ManualClock, Reply, Request, World};
use serde_json::{Value, json};

use crate::scenarios::{put_member, set_chat};

fn share(world: &World, chat: &str) -> Request {
    world.call("POST", &format!("/im/v1/chats/{chat}/link"))
}

async fn link(request: Request) -> String {
    let data = request.send().await.data();
    data["share_link"].as_str().unwrap_or_else(|| panic!("no link: {data}")).to_owned()
}

async fn open(world: &World, link: &str, user_id: &str) -> Reply {
    let body = json!({"share_link": link, "user_id": user_id});
    world.control("POST", "/share_links/open").body(body).send().await
}

async fn outsider(world: &World, name: &str) -> String {
    let body = json!({"user_id": name});
    world.control("POST", "/users").body(body).send().await.data()["user_id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

async fn members(world: &World, chat: &str) -> Vec<Value> {
    let shown = world.control("GET", &format!("/chats/{chat}")).send().await.data();
    shown["members"].as_array().expect("members").iter().map(|one| one["member"].clone()).collect()
}

#[tokio::test]
async fn the_three_periods() {
    let clock = ManualClock::at(1_700_000_000_500);
    let world = Lab::with(LabOptions { clock, ..LabOptions::default() }).await.world().await;
    let chat = &world.chat_id;
    for (body, end, permanent) in [
        (json!({}), "1700604800", false),
        (json!({"validity_period": null}), "1700604800", false),
        (json!({"validity_period": "week"}), "1700604800", false),
        (json!({"validity_period": "year"}), "1731536000", false),
        (json!({"validity_period": "permanently"}), "0", true),
    ] {
        let data = share(&world, chat).body(body.clone()).send().await.data();
        assert_eq!((&data["expire_time"], &data["is_permanent"]), (&json!(end), &json!(permanent)), "{body}");
        let address = data["share_link"].as_str().expect("a link");
        let token = address
            .strip_prefix("https://applink.feishu.cn/client/chat/chatter/add_by_link?link_token=")
            .expect("an applink");
        let groups: Vec<usize> = token.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12]);
    }
    // The official command line client sends no body at all.
    assert_eq!(share(&world, chat).send().await.data()["expire_time"], "1700604800");
    for wrong in ["day", "", "Week"] {
        share(&world, chat).body(json!({"validity_period": wrong})).send().await.refused(232001);
    }
    assert_ne!(link(share(&world, chat)).await, link(share(&world, chat)).await);
}

#[tokio::test]
async fn opening_it_joins_the_chat() {
    let world = Lab::start().await.world().await;
    let chat = &world.chat_id;
    let address = link(share(&world, chat)).await;
    let ada = outsider(&world, "opener").await;
    for _ in 0..2 {
        let data = open(&world, &format!("{address}&qr_code=true"), &ada).await.data();
        assert_eq!(data, json!({"chat_id": chat, "joined": true}));
    }
    assert_eq!(members(&world, chat).await.iter().filter(|one| **one == ada).count(), 1);

    set_chat(&world, chat, json!({"settings": {"membership_approval": "approval_required"}})).await;
    let bob = outsider(&world, "waiter").await;
    assert_eq!(open(&world, &address, &bob).await.data(), json!({"chat_id": chat, "joined": false}));
    assert!(!members(&world, chat).await.contains(&json!(bob)));
    let pending = world.control("GET", &format!("/chats/{chat}/pending")).send().await.data();
    assert!(pending.to_string().contains("waiter"), "{pending}");

    open(&world, &address, "unknown").await.refused(5275404);
    open(&world, "https://example.com", &ada).await.refused(5275404);
    open(&world, &format!("{address}0"), &ada).await.refused(5275404);
    let other = world.lab.world().await;
    open(&other, &address, &other.users[0].user_id).await.refused(5275404);
    let path = format!("/users/{bob}");
    world.control("PATCH", &path).body(json!({"status": "resigned"})).send().await.data();
    open(&world, &address, &bob).await.refused(5275400);
    set_chat(&world, chat, json!({"settings": {"membership_approval": "no_approval_required"}})).await;
    world.control("PUT", "/limits").body(json!({"chat_users": 1})).send().await.data();
    let late = outsider(&world, "late").await;
    open(&world, &address, &late).await.refused(5275400);
}

#[tokio::test]
async fn a_link_ends() {
    let world = Lab::start().await.world().await;
    let chat = &world.chat_id;
    let user = world.user_token(1, json!({})).await;
    let week = link(share(&world, chat)).await;
    let year = link(share(&world, chat).token(&user).body(json!({"validity_period": "year"}))).await;
    let ever = link(share(&world, chat).body(json!({"validity_period": "permanently"}))).await;
    let reader = outsider(&world, "reader").await;
    let alive = async |links: &[&String]| {
        for link in [&week, &year, &ever] {
            let reply = open(&world, link, &reader).await;
            assert_eq!(reply.code() == 0, links.contains(&link), "{}", reply.text());
        }
        let left = world.control("DELETE", &format!("/chats/{chat}/members/{reader}")).send().await;
        assert_eq!(left.code() == 0, !links.is_empty(), "{}", left.text());
    };
    alive(&[&week, &year, &ever]).await;
    world.advance(7 * 86400).await;
    alive(&[&year, &ever]).await;
    world.set_app(&world.app_id, json!({"status": "disabled"})).await;
    alive(&[&year]).await;
    world.set_app(&world.app_id, json!({"status": "enabled", "bot": false})).await;
    alive(&[&year]).await;
    world.set_app(&world.app_id, json!({"bot": true})).await;
    let member = format!("/chats/{chat}/members/{}", world.app_id);
    world.control("DELETE", &member).send().await.data();
    alive(&[&year]).await;
    put_member(&world, chat, &world.app_id, false).await;
    alive(&[&year, &ever]).await;
    world.control("DELETE", &format!("/chats/{chat}/members/{}", world.users[1].user_id)).send().await.data();
    alive(&[&ever]).await;
    world.advance(366 * 86400).await;
    alive(&[&ever]).await;
    set_chat(&world, chat, json!({"chat_status": "dissolved"})).await;
    alive(&[]).await;
}

#[tokio::test]
async fn who_may_share_what() {
    let world = Lab::start().await.world().await;
    let chat = &world.chat_id;
    let (owner, member) = (world.user_token(0, json!({})).await, world.user_token(1, json!({})).await);
    for token in [&owner, &member, &world.token] {
        link(share(&world, chat).token(token)).await;
    }
    set_chat(&world, chat, json!({"settings": {"share_card_permission": "not_allowed"}})).await;
    link(share(&world, chat).token(&owner)).await;
    share(&world, chat).token(&member).send().await.refused(232064);
    share(&world, chat).send().await.refused(232064);
    for manager in [&world.users[1].user_id, &world.app_id] {
        put_member(&world, chat, manager, true).await;
    }
    link(share(&world, chat).token(&member)).await;
    link(share(&world, chat)).await;
    let (app, user) = (&world.app_id, &world.users[1].user_id);
    for (body, code) in [
        (json!({"chat_tag": "secret", "members": [app]}), 232061),
        (json!({"chat_mode": "p2p", "members": [app, user]}), 232062),
        (json!({"chat_tag": "team", "members": [app]}), 232063),
    ] {
        share(&world, &world.chat(body).await).send().await.refused(code);
    }
    link(share(&world, &world.chat(json!({"chat_mode": "topic", "members": [app]})).await)).await;
    let p2p = world.chat(json!({"chat_mode": "p2p", "members": [app, user]})).await;
    world.set_app(app, json!({"visible_to": [world.users[0].user_id]})).await;
    share(&world, &p2p).send().await.refused(232024);
}

#[tokio::test]
async fn the_chat_must_be_one_of_the_operator() {
    let lab = Lab::start().await;
    let (world, other) = (lab.world().await, lab.world().await);
    let refused = async |chat: &str, code: u32| share(&world, chat).send().await.refused(code);
    refused("oc_x", 232006).await;
    refused("oc_00000000000000000000000000000000", 232006).await;
    refused(&other.chat_id, 232010).await;
    refused(&world.chat(json!({"chat_status": "dissolved", "members": [world.app_id]})).await, 232009).await;
    refused(&world.chat(json!({})).await, 232011).await;
    world.set_app(&world.app_id, json!({"external_sharing": false})).await;
    refused(&world.chat(json!({"external": true, "owner": world.app_id})).await, 232033).await;
    world.set_app(&world.app_id, json!({"bot": false})).await;
    refused(&world.chat_id, 232025).await;
    world.set_app(&world.app_id, json!({"bot": true, "status": "disabled"})).await;
    let json = refused(&world.chat_id, 232034).await;
    assert_eq!(json["msg"], "The app is unavailable or inactivate in the tenant.");
}
