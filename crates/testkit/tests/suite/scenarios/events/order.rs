//! The order in which events reach an app by long connection: that of their commits.

use std::future::pending;

use serde_json::{Value, json};

use super::long_connections::{Client, Setup};

/// How many events a burst has.
const MANY: usize = 100;

/// The names of the next events, as they arrive. Each is acknowledged.
async fn names(client: &mut Client, count: usize) -> Vec<String> {
    let mut names = Vec::new();
    while names.len() < count {
        let (frame, event) = client.event().await;
        client.ack(&frame, 200).await;
        names.push(event["event"]["name"].as_str().expect("a name").to_owned());
    }
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_burst_arrives_in_the_order_of_its_commits() {
    let setup = Setup::start().await;
    let mut client = setup.connect(&setup.lab).await;
    let expected: Vec<String> = (0..MANY).map(|number| number.to_string()).collect();
    // What waits is claimed at once.
    for _ in 0..3 {
        for name in &expected {
            setup.emit(name).await;
        }
        let round = setup.round();
        assert_eq!(names(&mut client, MANY).await, expected);
        assert_eq!(round.await.expect("no panic"), MANY);
    }
    // While a worker runs, it is claimed in as many pieces as it happens to be.
    let running = tokio::spawn(setup.worker.clone().run(pending()));
    let emitting = async {
        for name in &expected {
            setup.emit(name).await;
        }
    };
    let (arrived, ()) = tokio::join!(names(&mut client, MANY), emitting);
    assert_eq!(arrived, expected);
    running.abort();
}

/// What is not acknowledged does not keep back what follows.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_burst_arrives_in_order_without_acknowledgments() {
    let setup = Setup::start().await;
    let mut client = setup.connect(&setup.lab).await;
    for number in 0..MANY {
        setup.emit(&number.to_string()).await;
    }
    let round = setup.round();
    let mut frames = Vec::new();
    for number in 0..MANY {
        let (frame, event) = client.event().await;
        assert_eq!(event["event"]["name"], number.to_string());
        frames.push(frame);
    }
    for frame in frames.iter().rev() {
        client.ack(frame, 200).await;
    }
    assert_eq!(round.await.expect("no panic"), MANY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_p2p_chat_is_created_before_it_is_entered() {
    let setup = Setup::start().await;
    let mut client = setup.connect(&setup.lab).await;
    let kind = |event: &Value| match event["schema"] == "2.0" {
        true => event["header"]["event_type"].clone(),
        false => event["event"]["type"].clone(),
    };
    for user in &setup.world.users {
        let body = json!({"as": user.user_id, "app_id": setup.world.app_id});
        setup.world.control("POST", "/p2p").body(body).send().await.data();
        let round = setup.round();
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let (frame, event) = client.event().await;
            client.ack(&frame, 200).await;
            kinds.push(kind(&event));
        }
        let expected = ["p2p_chat_create", "im.chat.access_event.bot_p2p_chat_entered_v1"];
        assert_eq!(kinds, expected.map(|kind| json!(kind)));
        assert_eq!(round.await.expect("no panic"), 2);
    }
}
