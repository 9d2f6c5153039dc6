//! Who may send to a chat, and who may not.

use larkspur_testkit::{Lab, Request, World};
use serde_json::json;

use super::{answer, card, edit, get, invalid, list, recall, replace, said, say, tell, with_user};
use crate::scenarios::{put_member, refused_as, set_chat, text, world};

const OUTSIDE: &str = "Bot/User can NOT be out of the chat.";

/// A call of each operation on a chat and on a message of the world's bot in it.
fn calls(world: &World, chat: &str, message: &str) -> [Request; 7] {
    [
        tell(world, "chat_id", chat, "x"),
        answer(world, message, "x", false),
        edit(world, message, "x"),
        replace(world, message, card("x")),
        recall(world, message),
        get(world, message),
        list(world, "chat", chat),
    ]
}

/// Sends each of the calls; the codes.
async fn codes(calls: [Request; 7]) -> Vec<i64> {
    let mut codes = Vec::new();
    for call in calls {
        codes.push(call.send().await.code());
    }
    codes
}

#[tokio::test]
async fn without_its_bot_an_app_does_nothing() {
    let world = world().await;
    let id = said(&world, "x").await;
    world.set_app(&world.app_id, json!({"bot": false})).await;
    for call in calls(&world, &world.chat_id, &id) {
        refused_as(&call.send().await, 230006, "Bot ability is not activated.");
    }
    world.call("GET", "/im/v1/messages/mget").query("message_ids", &id).send().await.refused(230006);
}

#[tokio::test]
async fn those_outside_of_a_chat() {
    let world = world().await;
    let id = said(&world, "x").await;
    let member = format!("/chats/{}/members/{}", world.chat_id, world.app_id);
    world.control("DELETE", &member).send().await.data();
    let mut found = Vec::new();
    for call in calls(&world, &world.chat_id, &id) {
        let reply = call.send().await;
        if reply.code() == 230002 {
            refused_as(&reply, 230002, OUTSIDE);
        } else {
            invalid(&reply, "bot or user is not the message`s sender");
        }
        found.push(reply.code());
    }
    assert_eq!(found, [230002, 230002, 230002, 230001, 230002, 230002, 230002]);
    let skipped = world.call("GET", "/im/v1/messages/mget").query("message_ids", &id).send().await.data();
    assert_eq!(skipped, json!({"items": []}));
}

#[tokio::test]
async fn a_dissolved_chat() {
    let world = world().await;
    let id = said(&world, "x").await;
    set_chat(&world, &world.chat_id, json!({"chat_status": "dissolved"})).await;
    let found = codes(calls(&world, &world.chat_id, &id)).await;
    assert_eq!(found, [232009, 232009, 232009, 232009, 232009, 230002, 230002]);
}

#[tokio::test]
async fn an_external_chat_needs_sharing() {
    let lab = Lab::start().await;
    let (world, token) = with_user(&lab).await;
    let id = said(&world, "x").await;
    set_chat(&world, &world.chat_id, json!({"external": true})).await;
    for call in calls(&world, &world.chat_id, &id) {
        refused_as(&call.send().await, 230027, "Lack of necessary permissions.");
    }
    get(&world, &id).token(&token).send().await.data();
    say(&world, "x").token(&token).send().await.refused(230027);
    world.set_app(&world.app_id, json!({"external_sharing": true})).await;
    say(&world, "x").send().await.data();
    say(&world, "x").token(&token).send().await.data();
}

#[tokio::test]
async fn a_user_who_no_longer_sees_the_app() {
    let world = world().await;
    let made = tell(&world, "open_id", &world.users[1].open_id, "x").send().await.data();
    let (chat, id) = (text(&made, "chat_id"), text(&made, "message_id"));
    world.set_app(&world.app_id, json!({"visible_to": []})).await;
    for call in calls(&world, &chat, &id) {
        refused_as(&call.send().await, 230013, "Bot has NO availability to this user.");
    }
}

#[tokio::test]
async fn another_bots_chat_with_a_user() {
    let world = world().await;
    let (_, token) = world.app(json!({"name": "other"})).await;
    let user = &world.users[1];
    let made = tell(&world, "user_id", &user.user_id, "x").token(&token).send().await.data();
    tell(&world, "chat_id", &text(&made, "chat_id"), "x").send().await.refused(230002);
    get(&world, &text(&made, "message_id")).send().await.refused(230002);
}

#[tokio::test]
async fn those_whom_a_chat_does_not_let_speak() {
    let lab = Lab::start().await;
    let (world, owner) = with_user(&lab).await;
    let member = world.user_token(1, json!({})).await;
    let id = said(&world, "x").await;
    let why = "These operations are NOT allowed at current group settings.";
    set_chat(&world, &world.chat_id, json!({"settings": {"moderation_permission": "only_owner"}})).await;
    for call in [say(&world, "x"), answer(&world, &id, "x", false), edit(&world, &id, "x")] {
        refused_as(&call.send().await, 230018, why);
    }
    say(&world, "x").token(&member).send().await.refused(230018);
    say(&world, "x").token(&owner).send().await.data();
    recall(&world, &id).send().await.data();
    let path = format!("/im/v1/chats/{}/moderation", world.chat_id);
    let body =
        json!({"moderation_setting": "moderator_list", "moderator_added_list": [world.users[1].open_id]});
    world.call("PUT", &path).token(&owner).body(body).send().await.data();
    say(&world, "x").token(&member).send().await.data();
    say(&world, "x").send().await.refused(230018);
    put_member(&world, &world.chat_id, &world.app_id, true).await;
    say(&world, "x").send().await.data();
}

#[tokio::test]
async fn an_id_of_a_message_that_does_not_exist() {
    let world = world().await;
    let other = world.lab.world().await;
    let theirs = said(&other, "x").await;
    for unknown in ["x", "om_x", "om_dc13264520392913993dd051dba21dcf", "OM_DC13264520392913993DD051DBA21DCF"]
    {
        for call in calls(&world, &world.chat_id, unknown).into_iter().skip(1).take(5) {
            let reply = call.send().await;
            let json = reply.refused(99992354);
            let text = format!(
                "not a valid {{open_message_id}} or not exists, and the example value is {{om_dc13264520392913993dd051dba21dcf}}. Invalid ids: [{unknown}]."
            );
            assert!(json["msg"].as_str().expect("a text").contains(&text), "{json}");
            assert_eq!(reply.violated(), ["message_id"]);
        }
    }
    for foreign in [theirs.as_str(), "bm-dc13264520392913993dd051dba21dcf"] {
        for call in calls(&world, &world.chat_id, foreign).into_iter().skip(1).take(5) {
            invalid(&call.send().await, "invalid message_id");
        }
    }
}
