//! What apps are told of reactions.

use serde_json::{Value, json};

use super::{react, said, tell, unreact};
use crate::scenarios::events::listening::{Ear, Heard, Stage, one};
use crate::scenarios::text;

const CREATED: &str = "im.message.reaction.created_v1";
const DELETED: &str = "im.message.reaction.deleted_v1";
const NOTHING: Heard = Vec::new();

#[tokio::test]
async fn the_bots_of_the_chat_are_told() {
    let stage = Stage::new().await;
    let world = &stage.world;
    world.set_app(&stage.inside.app_id, json!({"scopes": ["im:message.reactions:read"]})).await;
    world.set_app(&stage.outside.app_id, json!({"scopes": ["im:message.reactions:read"]})).await;
    let id = said(world, "x").await;
    stage.told().await;
    let made = react(world, &id, "SMILE").send().await.data();
    let by_bot = |at: &Value| json!({"action_time": at, "app_id": world.app_id, "message_id": id, "operator_type": "app", "reaction_type": {"emoji_type": "SMILE"}});
    let event = by_bot(&made["action_time"]);
    assert_eq!(stage.told().await, [one(CREATED, event.clone()), one(CREATED, event), NOTHING]);
    // The same again is nothing new.
    react(world, &id, "SMILE").send().await.data();
    assert_eq!(stage.told().await, [NOTHING, NOTHING, NOTHING]);
    world.advance(60).await;
    unreact(world, &id, &text(&made, "reaction_id")).send().await.data();
    let [actor, inside, outside] = stage.told().await;
    let at = inside[0].1["action_time"].clone();
    let time = |value: &Value| value.as_str().expect("a text").parse::<i64>().expect("a number");
    assert!(time(&at) >= time(&made["action_time"]) + 60_000, "the time of the removal");
    assert_eq!([actor, inside, outside], [one(DELETED, by_bot(&at)), one(DELETED, by_bot(&at)), NOTHING]);
}

#[tokio::test]
async fn a_user_who_reacts_has_the_ids_of_each_app() {
    let stage = Stage::new().await;
    let world = &stage.world;
    world.set_app(&stage.inside.app_id, json!({"scopes": ["im:message:readonly"]})).await;
    let user = world.user_token(1, json!({})).await;
    let id = said(world, "x").await;
    stage.told().await;
    let made = react(world, &id, "Get").token(&user).send().await.data();
    let event = async |to: &Ear| {
        let event = json!({
            "action_time": made["action_time"], "message_id": id, "operator_type": "user",
            "reaction_type": {"emoji_type": "Get"}, "user_id": stage.user(to, 1).await,
        });
        one(CREATED, event)
    };
    assert_eq!(stage.told().await, [event(&stage.actor).await, event(&stage.inside).await, NOTHING]);
}

#[tokio::test]
async fn without_the_scope_or_outside_of_the_chat_an_app_hears_nothing() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let id = said(world, "x").await;
    stage.told().await;
    react(world, &id, "SMILE").send().await.data();
    let [actor, inside, outside] = stage.told().await;
    assert_eq!((actor.len(), inside, outside), (1, NOTHING, NOTHING), "im:chat is not enough");
    let made = tell(world, "open_id", &world.users[1].open_id, "x").send().await.data();
    world.set_app(&stage.inside.app_id, json!({"scopes": ["im:message.reactions:read"]})).await;
    stage.told().await;
    react(world, &text(&made, "message_id"), "SMILE").send().await.data();
    let [actor, inside, outside] = stage.told().await;
    assert_eq!((actor.len(), inside, outside), (1, NOTHING, NOTHING), "the chat of another bot");
}
