//! `DELETE /im/v1/messages/:message_id`

use larkspur_testkit::{Lab, World};
use serde_json::{Value, json};

use super::{read, recall, said, tell, with_user};
use crate::scenarios::{issued_token, put_member, refused_as, text};

/// A chat that the first user owns and the second one and the bot are in.
async fn chat(world: &World, more: Value) -> String {
    let users = &world.users;
    let mut body = json!({"owner": users[0].user_id, "members": [users[1].user_id, world.app_id]});
    let more = more.as_object().expect("an object").clone();
    body.as_object_mut().expect("an object").extend(more);
    world.chat(body).await
}

/// A message in a chat.
async fn said_in(world: &World, chat: &str, token: &str) -> String {
    text(&tell(world, "chat_id", chat, "x").token(token).send().await.data(), "message_id")
}

#[tokio::test]
async fn a_message_is_recalled_once() {
    let lab = Lab::start().await;
    let (world, token) = with_user(&lab).await;
    let id = said(&world, "x").await;
    let reply = recall(&world, &id).send().await;
    assert_eq!(reply.json(), json!({"code": 0, "data": {}, "msg": "success"}));
    assert_eq!(read(&world, &id).await["deleted"], true);
    let why = "Action unavailable as the message has been deleted.";
    refused_as(&recall(&world, &id).send().await, 230110, why);
    let own = said_in(&world, &world.chat_id, &token).await;
    recall(&world, &own).token(&token).send().await.data();
}

#[tokio::test]
async fn who_recalls_the_messages_of_others() {
    let lab = Lab::start().await;
    let (world, owner) = with_user(&lab).await;
    let member = world.user_token(1, json!({})).await;
    let group = chat(&world, json!({})).await;
    let [one, two] = [said_in(&world, &group, &member).await, said_in(&world, &group, &member).await];
    let of_bot = said_in(&world, &group, &world.token).await;
    let why = "No permission to recall this message, ext=User is NOT the group owner or group admin.";
    refused_as(&recall(&world, &one).send().await, 230026, why);
    refused_as(&recall(&world, &of_bot).token(&member).send().await, 230026, why);
    recall(&world, &one).token(&owner).send().await.data();
    put_member(&world, &group, &world.app_id, true).await;
    recall(&world, &two).send().await.data();
    // The bot that created the group.
    let made = chat(&world, json!({"creator_app": world.app_id})).await;
    recall(&world, &said_in(&world, &made, &owner).await).send().await.data();
    // In a p2p chat, only the sender.
    let bot = super::bot_id(&world, &world.app_id, &world.app_id);
    let sent = tell(&world, "open_id", &bot, "x").token(&owner).send().await.data();
    recall(&world, &text(&sent, "message_id")).send().await.refused(230026);
}

#[tokio::test]
async fn for_how_long() {
    let world = Lab::start().await.world().await;
    let group = chat(&world, json!({})).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(said_in(&world, &group, &world.token).await);
    }
    world.advance(24 * 3600 - 60).await;
    let token = issued_token(&world, &world.app_id).await;
    recall(&world, &ids[0]).token(&token).send().await.data();
    world.advance(61).await;
    let text = "Message has expired when recall message.";
    refused_as(&recall(&world, &ids[1]).token(&token).send().await, 230009, text);
    let owner = world.user_token(0, json!({})).await;
    recall(&world, &ids[1]).token(&owner).send().await.data();
    world.advance(365 * 24 * 3600).await;
    let owner = world.user_token(0, json!({})).await;
    refused_as(&recall(&world, &ids[2]).token(&owner).send().await, 230009, text);
}
