//! `im/v1/pins`

use larkspur_api::Settings;
use larkspur_testkit::{Lab, LabOptions, ManualClock, Request, World};
use serde_json::{Value, json};

use super::message::{invalid, recall, said, send, tell};
use crate::scenarios::{put_member, refused_as, set_chat, text, world};

fn pin(world: &World, message_id: &str) -> Request {
    world.call("POST", "/im/v1/pins").body(json!({"message_id": message_id}))
}

fn unpin(world: &World, message_id: &str) -> Request {
    world.call("DELETE", &format!("/im/v1/pins/{message_id}"))
}

fn list(world: &World, chat_id: &str) -> Request {
    world.call("GET", "/im/v1/pins").query("chat_id", chat_id)
}

fn calls(world: &World, chat_id: &str, message_id: &str) -> [Request; 3] {
    [pin(world, message_id), unpin(world, message_id), list(world, chat_id)]
}

/// The messages of a page of pins.
fn pinned(data: &Value) -> Vec<String> {
    data["items"].as_array().expect("items").iter().map(|pin| text(pin, "message_id")).collect()
}

#[tokio::test]
async fn a_message_is_pinned_once_and_unpinned() {
    let world = world().await;
    let user = world.user_token(0, json!({})).await;
    let (one, two) = (said(&world, "1").await, said(&world, "2").await);
    let first = pin(&world, &one).send().await;
    let made = first.data()["pin"].clone();
    let time = text(&made, "create_time");
    assert_eq!(
        first.json(),
        json!({"code": 0, "msg": "success", "data": {"pin": {
            "message_id": one, "chat_id": world.chat_id, "operator_id": world.app_id, "operator_id_type": "app_id", "create_time": time,
        }}})
    );
    assert_eq!(time.len(), 13, "milliseconds");
    world.advance(1).await;
    assert_eq!(pin(&world, &one).token(&user).send().await.data()["pin"], made, "the pin stays");
    let by_user = pin(&world, &two).token(&user).send().await.data()["pin"].clone();
    assert_eq!(
        (text(&by_user, "operator_id"), text(&by_user, "operator_id_type")),
        (world.users[0].open_id.clone(), "open_id".to_owned())
    );
    let listed = list(&world, &world.chat_id).send().await.data();
    assert_eq!(listed, json!({"has_more": false, "items": [by_user, made]}), "the newest first");
    for _ in 0..2 {
        assert_eq!(unpin(&world, &two).send().await.data(), json!({}));
    }
    assert_eq!(pinned(&list(&world, &world.chat_id).send().await.data()), [one]);
}

#[tokio::test]
async fn pages_and_times() {
    let clock = ManualClock::at(1_750_000_000_000);
    let world = Lab::with(LabOptions { clock: clock.clone(), ..LabOptions::default() }).await.world().await;
    let mut ids = Vec::new();
    for at in 0..4 {
        ids.push(said(&world, "x").await);
        pin(&world, &ids[at]).send().await.data();
        clock.advance(10);
    }
    ids.reverse();
    let page = |size: &str| list(&world, &world.chat_id).query("page_size", size);
    let first = page("3").send().await.data();
    assert_eq!((pinned(&first), &first["has_more"]), (ids[..3].to_vec(), &json!(true)));
    let token = text(&first, "page_token");
    let last = page("3").query("page_token", &token).send().await.data();
    assert_eq!((pinned(&last), last.get("page_token")), (ids[3..].to_vec(), None));
    let between = |from: &str, to: &str| page("50").query("start_time", from).query("end_time", to);
    for (from, to, expected) in [
        ("1750000000010", "1750000000020", &ids[1..3]),
        ("1750000000011", "1750000000019", &[]),
        ("1750000000030", "", &ids[..1]),
        ("", "1750000000000", &ids[3..]),
    ] {
        assert_eq!(pinned(&between(from, to).send().await.data()), expected, "{from} {to}");
    }
    invalid(&between("x", "").send().await, "invalid start_time: x");
    invalid(&between("", "-1").send().await, "invalid end_time: -1");
    invalid(&between("2", "1").send().await, "The end_time is earlier than the start_time");
    let changed = "the request parameters have changed, page_token is invalid";
    invalid(&page("3").query("page_token", "x").send().await, changed);
    invalid(&between("1", "").query("page_token", &token).send().await, changed);
    for chat in ["x", "oc_00000000000000000000000000000000", &world.lab.world().await.chat_id] {
        invalid(&list(&world, chat).send().await, "invalid chat_id");
    }
    for request in [page("0"), page("51"), world.call("GET", "/im/v1/pins")] {
        request.send().await.refused(99992402);
    }
    pin(&world, "").send().await.refused(99992354);
    world.call("POST", "/im/v1/pins").body(json!({})).send().await.refused(99992402);
}

#[tokio::test]
async fn a_recall_removes_the_pin() {
    let world = world().await;
    let (one, two) = (said(&world, "1").await, said(&world, "2").await);
    for id in [&one, &two] {
        pin(&world, id).send().await.data();
    }
    recall(&world, &one).send().await.data();
    assert_eq!(pinned(&list(&world, &world.chat_id).send().await.data()), [two]);
    refused_as(&pin(&world, &one).send().await, 230011, "The message was withdrawn.");
    unpin(&world, &one).send().await.data();
}

#[tokio::test]
async fn owner_and_managers_alone() {
    let world = world().await;
    let (owner, member) = (world.user_token(0, json!({})).await, world.user_token(1, json!({})).await);
    let id = said(&world, "x").await;
    pin(&world, &id).token(&member).send().await.data();
    set_chat(&world, &world.chat_id, json!({"settings": {"pin_manage_setting": "only_owner"}})).await;
    let why = "No Permission to Pin/Unpin messages in the chat.";
    for token in [&member, &world.token] {
        refused_as(&pin(&world, &id).token(token).send().await, 230046, why);
        refused_as(&unpin(&world, &id).token(token).send().await, 230046, why);
    }
    unpin(&world, &id).token(&owner).send().await.data();
    put_member(&world, &world.chat_id, &world.app_id, true).await;
    pin(&world, &id).send().await.data();
    assert_eq!(pinned(&list(&world, &world.chat_id).token(&member).send().await.data()), [id]);
}

#[tokio::test]
async fn five_times_a_second_for_each_message() {
    let clock = ManualClock::at(1_750_000_000_000);
    let options = LabOptions { settings: Settings::default(), clock: clock.clone(), ..LabOptions::default() };
    let world = Lab::with(options).await.world().await;
    let user = world.user_token(0, json!({})).await;
    let (one, two) = (said(&world, "1").await, said(&world, "2").await);
    for _ in 0..2 {
        pin(&world, &one).send().await.data();
        unpin(&world, &one).token(&user).send().await.data();
    }
    pin(&world, &one).send().await.data();
    let why = "Pin/Unpin message trigger message_id limit.";
    refused_as(&pin(&world, &one).token(&user).send().await, 230047, why);
    refused_as(&unpin(&world, &one).send().await, 230047, why);
    pin(&world, &two).send().await.data();
    clock.advance(1000);
    unpin(&world, &one).send().await.data();
}

#[tokio::test]
async fn who_may_not() {
    let world = world().await;
    let id = said(&world, "x").await;
    let chat = &world.chat_id;
    set_chat(&world, chat, json!({"external": true})).await;
    for call in calls(&world, chat, &id) {
        refused_as(&call.send().await, 230027, "Lack of necessary permissions.");
    }
    set_chat(&world, chat, json!({"external": false})).await;
    let (_, token) = world.app(json!({"name": "other"})).await;
    for call in calls(&world, chat, &id) {
        refused_as(&call.token(&token).send().await, 230002, "Bot/User can NOT be out of the chat.");
    }
    let made = tell(&world, "open_id", &world.users[1].open_id, "x").send().await.data();
    world.set_app(&world.app_id, json!({"visible_to": []})).await;
    for call in calls(&world, &text(&made, "chat_id"), &text(&made, "message_id")) {
        refused_as(&call.send().await, 230013, "Bot has NO availability to this user.");
    }
    set_chat(&world, chat, json!({"chat_status": "dissolved"})).await;
    for (call, code) in calls(&world, chat, &id).into_iter().zip([232009, 232009, 230002]) {
        call.send().await.refused(code);
    }
    world.set_app(&world.app_id, json!({"bot": false})).await;
    for call in calls(&world, chat, &id) {
        refused_as(&call.send().await, 230006, "Bot ability is not activated.");
    }
}

#[tokio::test]
async fn what_cannot_be_pinned() {
    let world = world().await;
    let theirs = said(&world.lab.world().await, "x").await;
    for foreign in [theirs.as_str(), "bm-dc13264520392913993dd051dba21dcf"] {
        for call in [pin(&world, foreign), unpin(&world, foreign)] {
            invalid(&call.send().await, "invalid message_id");
        }
    }
    for call in [pin(&world, "om_x"), unpin(&world, "om_x")] {
        let reply = call.send().await;
        reply.refused(99992354);
        assert_eq!(reply.violated(), ["message_id"]);
    }
    let made = tell(&world, "open_id", &world.users[1].open_id, "x").send().await.data();
    let content = json!({"type": "divider", "params": {"divider_text": {"text": "Today"}}});
    let sent = send(&world, &text(&made, "chat_id"), "system", content).send().await.data();
    let why = "This operation is not supported for this message type.";
    refused_as(&pin(&world, &text(&sent, "message_id")).send().await, 230054, why);
    pin(&world, &text(&made, "message_id")).send().await.data();
}
