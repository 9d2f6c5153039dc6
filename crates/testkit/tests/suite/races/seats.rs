//! Races for the last seats of a chat, and between joining, leaving and appointing.

use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use super::{all_at_once, lab};

async fn chat_of(world: &World, chat_id: &str) -> Value {
    world.control("GET", &format!("/chats/{chat_id}")).send().await.data()
}

/// Checks that the counts match the rows, and that the owner is in the chat.
async fn is_sound(world: &World, chat_id: &str) -> (usize, usize) {
    let chat = chat_of(world, chat_id).await;
    let members: Vec<&str> = chat["members"]
        .as_array()
        .expect("members")
        .iter()
        .filter_map(|one| one["member"].as_str())
        .collect();
    let bots = members.iter().filter(|member| member.starts_with("cli_")).count();
    let users = members.len() - bots;
    let shown = world.call("GET", &format!("/im/v1/chats/{chat_id}")).send().await.data();
    assert_eq!(shown["user_count"], users.to_string());
    assert_eq!(shown["bot_count"], bots.to_string());
    if let Some(owner) = chat["owner"].as_str() {
        assert!(members.contains(&owner));
    }
    (users, bots)
}

async fn users(world: &World, count: usize) -> Vec<String> {
    let mut ids = Vec::with_capacity(count);
    for n in 0..count {
        let user_id = format!("user{n:03}");
        world.control("POST", "/users").body(json!({"user_id": user_id})).send().await.data();
        ids.push(user_id);
    }
    ids
}

fn change(world: &World, method: &str, kind: &str, ids: &[&str]) -> Request {
    let path = format!("/im/v1/chats/{}/members?member_id_type={kind}", world.chat_id);
    world.call(method, &path).body(json!({"id_list": ids}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_last_seats_are_taken_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    world.control("PUT", "/limits").body(json!({"chat_users": 10})).send().await.data();
    let ids = users(&world, 30).await;
    // Three are in the chat; seven of thirty join, one by one, or in pairs that join together.
    let requests = ids.iter().map(|id| change(&world, "POST", "user_id", &[id])).collect();
    let replies = all_at_once(requests).await;
    assert_eq!(replies.iter().filter(|reply| reply.code() == 0).count(), 7);
    for lost in replies.iter().filter(|reply| reply.code() != 0) {
        lost.refused(232044);
    }
    assert_eq!(is_sound(&world, &world.chat_id).await, (10, 1));

    let mut bots = Vec::new();
    for _ in 0..24 {
        bots.push(world.app(json!({})).await.0);
    }
    let requests = bots.chunks(2).map(|two| change(&world, "POST", "app_id", &[&two[0], &two[1]])).collect();
    let replies = all_at_once(requests).await;
    assert_eq!(replies.iter().filter(|reply| reply.code() == 0).count(), 7);
    for lost in replies.iter().filter(|reply| reply.code() != 0) {
        lost.refused(232013);
    }
    assert_eq!(is_sound(&world, &world.chat_id).await, (10, 15));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_last_seats_of_a_public_chat_are_taken_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    let owner = &world.users[0].user_id;
    let chat = world.chat(json!({"chat_type": "public", "owner": owner, "members": [world.app_id]})).await;
    let mut requests = Vec::new();
    for _ in 0..20 {
        let (_, token) = world.app(json!({})).await;
        requests.push(world.call("PATCH", &format!("/im/v1/chats/{chat}/members/me_join")).token(&token));
    }
    let replies = all_at_once(requests).await;
    assert_eq!(replies.iter().filter(|reply| reply.code() == 0).count(), 14);
    assert_eq!(is_sound(&world, &chat).await, (1, 15));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_user_added_and_removed_at_once_is_in_or_out() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    let ids = users(&world, 4).await;
    for _ in 0..10 {
        let mut requests = Vec::new();
        for id in &ids {
            for method in ["POST", "DELETE", "POST", "DELETE"] {
                requests.push(change(&world, method, "user_id", &[id]));
            }
        }
        for reply in all_at_once(requests).await {
            assert!([0, 232027].contains(&reply.code()), "{}", reply.text());
        }
        is_sound(&world, &world.chat_id).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_managers_at_most_and_no_user_who_left() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    let ids = users(&world, 20).await;
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    change(&world, "POST", "user_id", &all).send().await.data();
    let owner = world.user_token(0, json!({})).await;
    let path = format!("/im/v1/chats/{}/managers/add_managers?member_id_type=user_id", world.chat_id);
    let mut requests: Vec<Request> = Vec::new();
    for id in &ids {
        requests.push(world.call("POST", &path).token(&owner).body(json!({"manager_ids": [id]})));
    }
    let replies = all_at_once(requests.clone()).await;
    assert_eq!(replies.iter().filter(|reply| reply.code() == 0).count(), 10);
    requests.extend(ids.iter().map(|id| change(&world, "DELETE", "user_id", &[id])));
    for reply in all_at_once(requests).await {
        assert!([0, 232027, 232040].contains(&reply.code()), "{}", reply.text());
    }
    assert_eq!(is_sound(&world, &world.chat_id).await, (3, 1));
    let shown = world.call("GET", &format!("/im/v1/chats/{}", world.chat_id)).send().await.data();
    assert_eq!(shown["user_manager_id_list"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_members_who_leave_at_once_one_is_the_last() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    let mut tokens = Vec::new();
    for user in 0..3 {
        tokens.push(world.user_token(user, json!({})).await);
    }
    for _ in 0..10 {
        let members: Vec<&str> = world.users.iter().map(|user| user.user_id.as_str()).collect();
        let chat = world.chat(json!({"members": members})).await;
        let path = format!("/im/v1/chats/{chat}/members");
        let leave = |user: usize| {
            let body = json!({"id_list": [world.users[user].open_id]});
            world.call("DELETE", &path).token(&tokens[user]).body(body)
        };
        for reply in all_at_once((0..3).map(leave).collect()).await {
            reply.data();
        }
        let left = chat_of(&world, &chat).await;
        assert_eq!((&left["chat_status"], &left["members"]), (&json!("dissolved"), &json!([])));
    }
}
