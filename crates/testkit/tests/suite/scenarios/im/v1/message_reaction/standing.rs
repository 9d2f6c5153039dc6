//! Who may react, and who may not.

use larkspur_testkit::{Request, World};
use serde_json::json;

use super::{list, react, reacted, said, tell, unreact};
use crate::scenarios::{refused_as, set_chat, text, world};

const NOT_ALLOWED: &str = "The operator has no permission to react on the specific message.";
const NO_ACCESS: &str = "The operator has no access to the message.";

/// Asserts that both writes are refused with one code, and the list with another.
async fn refused(calls: [Request; 3], write: (u32, &str), read: (u32, &str)) {
    let [add, remove, list] = calls;
    for (call, (code, text)) in [(add, write), (remove, write), (list, read)] {
        refused_as(&call.send().await, code, text);
    }
}

fn calls(world: &World, id: &str, reaction: &str) -> [Request; 3] {
    [react(world, id, "OK"), unreact(world, id, reaction), list(world, id)]
}

#[tokio::test]
async fn without_its_bot_an_app_does_not_react() {
    let world = world().await;
    let id = said(&world, "x").await;
    let reaction = reacted(&world, &world.token, &id, "SMILE").await;
    world.set_app(&world.app_id, json!({"bot": false})).await;
    let why = (230006, "Bot ability is not activated.");
    refused(calls(&world, &id, &reaction), why, why).await;
}

#[tokio::test]
async fn those_outside_of_a_chat() {
    let world = world().await;
    let id = said(&world, "x").await;
    let reaction = reacted(&world, &world.token, &id, "SMILE").await;
    let member = format!("/chats/{}/members/{}", world.chat_id, world.app_id);
    world.control("DELETE", &member).send().await.data();
    refused(calls(&world, &id, &reaction), (231002, NOT_ALLOWED), (231008, NO_ACCESS)).await;
}

#[tokio::test]
async fn a_dissolved_chat() {
    let world = world().await;
    let id = said(&world, "x").await;
    let reaction = reacted(&world, &world.token, &id, "SMILE").await;
    set_chat(&world, &world.chat_id, json!({"chat_status": "dissolved"})).await;
    let why = (232009, "Your request specifies a chat which has already been dissolved.");
    refused(calls(&world, &id, &reaction), why, (231008, NO_ACCESS)).await;
}

#[tokio::test]
async fn an_external_chat_needs_sharing() {
    let world = world().await;
    let id = said(&world, "x").await;
    let reaction = reacted(&world, &world.token, &id, "SMILE").await;
    set_chat(&world, &world.chat_id, json!({"external": true})).await;
    let why = (231021, "No permission to operate external chats.");
    refused(calls(&world, &id, &reaction), why, (231008, NO_ACCESS)).await;
    world.set_app(&world.app_id, json!({"external_sharing": true})).await;
    reacted(&world, &world.token, &id, "OK").await;
}

#[tokio::test]
async fn the_user_of_a_p2p_chat() {
    let world = world().await;
    let made = tell(&world, "open_id", &world.users[1].open_id, "x").send().await.data();
    let id = text(&made, "message_id");
    let reaction = reacted(&world, &world.token, &id, "SMILE").await;
    world.set_app(&world.app_id, json!({"visible_to": []})).await;
    let why = (231022, "Bot has NO availability to this user.");
    refused(calls(&world, &id, &reaction), why, (231008, NO_ACCESS)).await;
    let world = crate::scenarios::world().await;
    let user = &world.users[1];
    let made = tell(&world, "open_id", &user.open_id, "x").send().await.data();
    let id = text(&made, "message_id");
    let reaction = reacted(&world, &world.token, &id, "SMILE").await;
    let path = format!("/users/{}", user.user_id);
    world.control("PATCH", &path).body(json!({"status": "resigned"})).send().await.data();
    let why = "Due to the settings of this user, you are temporarily unable to perform this operation.";
    let [add, remove, list] = calls(&world, &id, &reaction);
    refused_as(&add.send().await, 231019, why);
    refused_as(&remove.send().await, 231019, why);
    assert_eq!(super::shown(&list.send().await.data()).len(), 1);
    // A chat of another bot.
    let (_, token) = world.app(json!({"name": "other"})).await;
    react(&world, &id, "OK").token(&token).send().await.refused(231002);
    super::list(&world, &id).token(&token).send().await.refused(231008);
}

#[tokio::test]
async fn an_id_of_a_message_that_does_not_exist() {
    let world = world().await;
    let other = world.lab.world().await;
    let id = said(&world, "x").await;
    let reaction = reacted(&world, &world.token, &id, "SMILE").await;
    for unknown in ["x", "om_dc13264520392913993dd051dba21dcf"] {
        for call in calls(&world, unknown, &reaction) {
            let reply = call.send().await;
            reply.refused(99992354);
            assert_eq!(reply.violated(), ["message_id"]);
        }
    }
    let why = (231003, "The message is not found, maybe not exist or deleted.");
    for foreign in [said(&other, "x").await.as_str(), "bm-dc13264520392913993dd051dba21dcf"] {
        refused(calls(&world, foreign, &reaction), why, why).await;
    }
}
