//! How far events of chats reach, and what they cost: nothing of one tenant is told in another, nothing is asked or written
//! where no app listens, and a call that fails tells nothing.

use std::sync::Arc;

use larkspur_store::Driver;
use larkspur_store_sqlite::Sqlite;
use larkspur_testkit::{Fault, Faulty, Lab, LabOptions, ManualClock, Recording, World};
use serde_json::{Value, json};

use super::listening::{Ear, Stage};
use crate::scenarios::text;

/// An ISV app that is in the chats of two worlds hears of each chat by itself.
#[tokio::test]
async fn an_isv_app_is_told_each_tenants_events_with_that_tenants_ids() {
    let lab = Lab::start().await;
    let (maker, worlds) = (lab.world().await, [lab.world().await, lab.world().await]);
    let isv = maker.control("POST", "/apps").body(json!({"kind": "isv"})).send().await.data();
    let ear = Ear::of(&maker, &text(&isv, "app_id"), "").await;
    let others =
        [Ear::of(&worlds[0], &worlds[0].app_id, "").await, Ear::of(&worlds[1], &worlds[1].app_id, "").await];
    let worker = lab.delivery_worker();
    for world in &worlds {
        world.control("POST", "/installs").body(json!({"app_id": ear.app_id})).send().await.data();
        let path = format!("/chats/{}/members/{}", world.chat_id, ear.app_id);
        world.control("PUT", &path).body(json!({})).send().await.data();
    }
    let private = |world: &World| {
        let users = world.users.iter().flat_map(|user| [user.open_id.clone(), user.user_id.clone()]);
        users
            .chain([world.tenant_key.clone(), world.chat_id.clone(), world.app_id.clone()])
            .collect::<Vec<_>>()
    };
    for (at, world) in worlds.iter().enumerate() {
        let (path, id) = (format!("/im/v1/chats/{}", world.chat_id), &world.users[1].open_id);
        world.call("DELETE", &format!("{path}/members")).body(json!({"id_list": [id]})).send().await.data();
        world.call("PUT", &path).body(json!({"name": "renamed"})).send().await.data();
        while worker.round().await > 0 {}
        let (heard, own) = (ear.heard(), others[at].heard());
        assert_eq!((heard.len(), own.len(), others[1 - at].heard().len()), (2, 2, 0));
        let told = json!(heard).to_string();
        assert!(told.contains(&world.tenant_key) && told.contains(&world.chat_id), "{told}");
        for secret in private(&worlds[1 - at]) {
            assert!(!told.contains(&secret) && !json!(own).to_string().contains(&secret), "{told}");
        }
        assert_ne!(heard[1].1["operator_id"]["open_id"], own[1].1["operator_id"]["open_id"]);
        assert_ne!(heard[0].1["users"], own[0].1["users"], "each app has open_ids of its own");
        assert_eq!(heard[0].1["users"][0]["name"], json!(world.users[1].name));
    }
}

/// The statements of some calls, of an app whose installation memory knows.
async fn costs(world: &World, recording: &Recording, clock: &ManualClock, round: usize) -> Vec<usize> {
    let chat = format!("/im/v1/chats/{}", world.chat_id);
    let id = json!({"id_list": [world.users[1].open_id]});
    let setting = ["only_owner", "all_members"][round % 2];
    let mut costs = Vec::new();
    for (method, path, body) in [
        ("PUT", chat.clone(), json!({"name": format!("name {round}")})),
        ("DELETE", format!("{chat}/members"), id.clone()),
        ("POST", format!("{chat}/members"), id),
        ("PUT", format!("{chat}/moderation"), json!({"moderation_setting": setting})),
        ("POST", "/im/v1/chats".to_owned(), json!({"name": "n"})),
    ] {
        // Each call moves the activity of the chat, which takes a statement more.
        clock.advance(1);
        let before = recording.runs();
        world.call(method, &path).body(body).send().await.data();
        costs.push(recording.runs() - before);
    }
    costs
}

#[tokio::test]
async fn without_listeners_events_cost_nothing() {
    let sqlite: Arc<dyn Driver> = Arc::new(Sqlite::memory().expect("a store in memory"));
    let recording = Recording::over(sqlite);
    let clock = ManualClock::at(1_700_000_000_000);
    let options =
        LabOptions { driver: Some(recording.clone()), clock: clock.clone(), ..LabOptions::default() };
    let lab = Lab::with(options).await;
    let world = lab.world().await;
    // The bot owns the chat, so that it may do everything.
    let path = format!("/chats/{}", world.chat_id);
    world.control("PATCH", &path).body(json!({"owner": world.app_id})).send().await.data();
    costs(&world, &recording, &clock, 0).await;
    let silent = costs(&world, &recording, &clock, 1).await;
    let more = |costs: Vec<usize>| -> Vec<usize> {
        costs.iter().zip(&silent).map(|(one, none)| one - none).collect()
    };
    // An app that is not in the chat: who is in it has to be looked up.
    let (other, token) = world.app(json!({"name": "other"})).await;
    let outside = Ear::of(&world, &other, &token).await;
    costs(&world, &recording, &clock, 0).await;
    assert_eq!(more(costs(&world, &recording, &clock, 1).await), [1, 1, 1, 1, 0]);
    // An app in the chat: who is in it, the users that are named, and a row.
    let inside = Ear::of(&world, &world.app_id, &world.token).await;
    costs(&world, &recording, &clock, 0).await;
    assert_eq!(more(costs(&world, &recording, &clock, 1).await), [2, 3, 3, 2, 0]);
    while lab.delivery_worker().round().await > 0 {}
    assert_eq!((inside.heard().len(), outside.heard().len()), (8, 0));
}

/// At whatever statement a call breaks, its events are told with what it did, or not at all.
#[tokio::test]
async fn a_call_that_breaks_tells_nothing_and_one_that_is_run_again_tells_it_once() {
    let driver = Faulty::over(larkspur_testkit::empty_store().await);
    let lab = Lab::with(LabOptions { driver: Some(driver.clone()), ..LabOptions::default() }).await;
    let stage = Stage::within(lab).await;
    let (id, path) = (&stage.world.users[1].open_id, format!("{}/members", stage.chat()));
    let call =
        async |method: &str| stage.world.call(method, &path).body(json!({"id_list": [id]})).send().await;
    let counts = async || stage.told().await.map(|heard| heard.len());
    for fault in [Fault::Break, Fault::Collide] {
        let mut met = 0;
        for nth in 0.. {
            driver.arm(nth, fault);
            let reply = call("DELETE").await;
            let happened = driver.disarm();
            met += usize::from(happened);
            let done = reply.code() == 0;
            assert!(done || reply.status() == 503, "statement {nth}: {}", reply.text());
            assert_eq!(counts().await, if done { [1, 1, 0] } else { [0, 0, 0] }, "statement {nth}");
            if done {
                assert_eq!(call("POST").await.code(), 0);
                assert_eq!(counts().await, [1, 1, 0]);
            }
            if !happened {
                break;
            }
        }
        assert!(met > 5, "both rows of events are among the statements: {met}");
    }
    assert_eq!(call("DELETE").await.json()["data"], json!({"invalid_id_list": Value::Array(vec![])}));
}
