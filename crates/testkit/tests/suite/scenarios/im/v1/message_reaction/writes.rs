//! What adds and removes reactions.

use larkspur_api::Settings;
use larkspur_testkit::Lab;
use serde_json::json;

use super::{list, react, reacted, recall, said, send, shown, tell, unreact};
use crate::scenarios::{names, refused_as, text, world};

#[tokio::test]
async fn each_operator_has_each_emoji_once() {
    let world = world().await;
    let user = world.user_token(0, json!({})).await;
    let id = said(&world, "x").await;
    let first = react(&world, &id, "SMILE").send().await;
    let made = first.data();
    assert_eq!(first.json()["msg"], "success");
    assert_eq!(names(&made), ["action_time", "operator", "reaction_id", "reaction_type"]);
    assert_eq!(made["operator"], json!({"operator_id": world.app_id, "operator_type": "app"}));
    assert_eq!(made["reaction_type"], json!({"emoji_type": "SMILE"}));
    assert_eq!(text(&made, "action_time").len(), 13, "milliseconds");
    assert_eq!(text(&made, "reaction_id").len(), 40);
    world.advance(1).await;
    assert_eq!(react(&world, &id, "SMILE").send().await.data(), made, "the same again");
    let by_user = react(&world, &id, "SMILE").token(&user).send().await.data();
    let operator = json!({"operator_id": world.users[0].open_id, "operator_type": "user"});
    assert_eq!(by_user["operator"], operator);
    let other = reacted(&world, &world.token, &id, "Typing").await;
    let listed = list(&world, &id).send().await.data();
    assert_eq!(listed["items"][0], made);
    let expected = [("SMILE", &world.app_id), ("SMILE", &world.users[0].open_id), ("Typing", &world.app_id)];
    let expected = expected.map(|(emoji, id)| (emoji.to_owned(), id.clone()));
    assert_eq!(shown(&listed), expected);
    assert_eq!(listed["has_more"], false);
    assert_eq!(unreact(&world, &id, &text(&made, "reaction_id")).send().await.data(), made);
    unreact(&world, &id, &other).send().await.data();
    assert_eq!(shown(&list(&world, &id).send().await.data()), expected[1..2]);
    let again = reacted(&world, &world.token, &id, "SMILE").await;
    assert_ne!(again, text(&made, "reaction_id"), "a new reaction");
}

#[tokio::test]
async fn an_emoji_is_a_documented_name_in_its_case() {
    let world = world().await;
    let id = said(&world, "x").await;
    for known in ["OK", "THUMBSUP", "Typing", "18X", "2022", "Status_PrivateMessage", "HappyDragon"] {
        reacted(&world, &world.token, &id, known).await;
    }
    for wrong in ["ok", "TYPING", "EYES", "", "smile"] {
        let reply = react(&world, &id, wrong).send().await;
        refused_as(&reply, 231001, "reaction type is invalid.");
        assert_eq!(reply.violated(), ["reaction_type.emoji_type"]);
    }
    let path = super::reactions(&id);
    for body in [json!({}), json!({"reaction_type": {}})] {
        world.call("POST", &path).body(body).send().await.refused(99992402);
    }
    let settings = Settings { extra_emoji: vec!["EYES".to_owned()], ..Settings::default() };
    let world = Lab::with_settings(settings).await.world().await;
    let id = said(&world, "x").await;
    reacted(&world, &world.token, &id, "EYES").await;
    react(&world, &id, "Eyes").send().await.refused(231001);
}

#[tokio::test]
async fn messages_of_the_system_have_no_reactions() {
    let world = world().await;
    let made = tell(&world, "open_id", &world.users[1].open_id, "x").send().await.data();
    let content = json!({"type": "divider", "params": {"divider_text": {"text": "Today"}}});
    let sent = send(&world, &text(&made, "chat_id"), "system", content).send().await.data();
    let id = text(&sent, "message_id");
    let why = "This operation is not supported for this message type.";
    refused_as(&react(&world, &id, "SMILE").send().await, 231017, why);
    assert_eq!(list(&world, &id).send().await.data(), json!({"has_more": false, "items": []}));
}

#[tokio::test]
async fn a_recalled_message_has_no_reactions() {
    let world = world().await;
    let id = said(&world, "x").await;
    let reaction = reacted(&world, &world.token, &id, "SMILE").await;
    recall(&world, &id).send().await.data();
    let why = "The message is not found, maybe not exist or deleted.";
    for call in [react(&world, &id, "SMILE"), unreact(&world, &id, &reaction), list(&world, &id)] {
        refused_as(&call.send().await, 231003, why);
    }
}

#[tokio::test]
async fn only_its_operator_removes_a_reaction() {
    let world = world().await;
    let user = world.user_token(0, json!({})).await;
    let (one, two) = (said(&world, "1").await, said(&world, "2").await);
    let of_bot = reacted(&world, &world.token, &one, "SMILE").await;
    let of_user = reacted(&world, &user, &one, "SMILE").await;
    let why = "The operator has no permission to delete this reaction.";
    refused_as(&unreact(&world, &one, &of_user).send().await, 231007, why);
    refused_as(&unreact(&world, &one, &of_bot).token(&user).send().await, 231007, why);
    let why = "The reaction does not belong to the message.";
    refused_as(&unreact(&world, &two, &of_bot).send().await, 231010, why);
    let other = world.lab.world().await;
    let theirs = reacted(&other, &other.token, &said(&other, "x").await, "SMILE").await;
    let upper = of_bot.to_uppercase();
    let why = "The request has an invalid reaction_id.";
    for wrong in ["x", &of_bot[..39], &upper, &theirs] {
        refused_as(&unreact(&world, &one, wrong).send().await, 231011, why);
    }
    unreact(&world, &one, &of_bot).send().await.data();
    refused_as(&unreact(&world, &one, &of_bot).send().await, 231011, why);
    unreact(&world, &one, &of_user).token(&user).send().await.data();
}
