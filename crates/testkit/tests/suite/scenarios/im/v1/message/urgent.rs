//! `urgent_app`, `urgent_sms` and `urgent_phone`.

use larkspur_contract::Effect;
use larkspur_contract::model::UrgentKind;
use larkspur_store::urgents;
use larkspur_testkit::{Request, World};
use serde_json::json;

use super::{invalid, recall, said, say, send, tell};
use crate::scenarios::{put_member, refused_as, set_chat, text, world};

/// The three operations.
fn urge(world: &World, message_id: &str, ids: &[&str]) -> [Request; 3] {
    ["app", "sms", "phone"].map(|kind| {
        let path = format!("/im/v1/messages/{message_id}/urgent_{kind}");
        world.call("PATCH", &path).query("user_id_type", "open_id").body(json!({"user_id_list": ids}))
    })
}

#[tokio::test]
async fn people_are_told_urgently() {
    let world = world().await;
    let id = said(&world, "x").await;
    let (user, bot) = (&world.users[0], super::bot_id(&world, &world.app_id, &world.app_id));
    let path = format!("/users/{}", "outsider");
    world.control("POST", "/users").body(json!({"user_id": "outsider", "name": "O"})).send().await.data();
    let outsider = world.control("GET", &path).send().await.data();
    let outsider = text(&outsider["apps"][0], "open_id");
    for call in urge(&world, &id, &[&user.open_id, "ou_x", &user.open_id, &bot, &outsider]) {
        let reply = call.send().await;
        let expected = json!({"invalid_user_id_list": ["ou_x", bot, outsider]});
        assert_eq!(reply.json(), json!({"code": 0, "data": expected, "msg": "success"}));
    }
    for call in urge(&world, &id, &["ou_x"]) {
        invalid(&call.send().await, "all ids in the user_id_list are invalid");
    }
    for ids in [vec![], vec!["ou_x"; 201]] {
        for call in urge(&world, &id, &ids) {
            call.send().await.refused(99992402);
        }
    }
    let path = format!("/im/v1/messages/{id}/urgent_app");
    let call = world.call("PATCH", &path).body(json!({"user_id_list": [user.user_id]}));
    call.clone().send().await.refused(99992402);
    let none = call.query("user_id_type", "user_id").send().await.data();
    assert_eq!(none, json!({"invalid_user_id_list": []}));
    let p2p = tell(&world, "open_id", &world.users[1].open_id, "x").send().await.data();
    for call in urge(&world, &text(&p2p, "message_id"), &[&world.users[1].open_id]) {
        call.send().await.data();
    }
}

#[tokio::test]
async fn messages_that_are_not_urgent() {
    let world = world().await;
    let token = world.user_token(0, json!({})).await;
    let user = world.users[0].open_id.as_str();
    let id = said(&world, "x").await;
    let theirs = text(&say(&world, "x").token(&token).send().await.data(), "message_id");
    let gone = said(&world, "x").await;
    recall(&world, &gone).send().await.data();
    let p2p = tell(&world, "open_id", user, "x").send().await.data();
    let content = json!({"type": "divider", "params": {"divider_text": {"text": "Today"}}});
    let system = send(&world, &text(&p2p, "chat_id"), "system", content).send().await.data();
    let refused = async |id: &str, code: u32, why: &str| {
        for call in urge(&world, id, &[user]) {
            refused_as(&call.send().await, code, why);
        }
    };
    refused(&theirs, 230012, "Bot is NOT the sender of the message.").await;
    refused(&gone, 230110, "Action unavailable as the message has been deleted.").await;
    refused(&text(&system, "message_id"), 230052, "Can not urgent this message.").await;
    for call in urge(&world, "om_x", &[user]) {
        call.send().await.refused(99992354);
    }
    for call in urge(&world, "bm-dc13264520392913993dd051dba21dcf", &[user]) {
        invalid(&call.send().await, "invalid message_id");
    }
    set_chat(&world, &world.chat_id, json!({"settings": {"urgent_setting": "only_owner"}})).await;
    refused(&id, 230052, "Can not urgent this message.").await;
    put_member(&world, &world.chat_id, &world.app_id, true).await;
    for call in urge(&world, &id, &[user]) {
        call.send().await.data();
    }
    set_chat(&world, &world.chat_id, json!({"external": true})).await;
    refused(&id, 230027, "Lack of necessary permissions.").await;
    set_chat(&world, &world.chat_id, json!({"external": false})).await;
    let member = format!("/chats/{}/members/{}", world.chat_id, world.app_id);
    world.control("DELETE", &member).send().await.data();
    refused(&id, 230002, "Bot/User can NOT be out of the chat.").await;
    set_chat(&world, &world.chat_id, json!({"chat_status": "dissolved"})).await;
    for call in urge(&world, &id, &[user]) {
        call.send().await.refused(232009);
    }
    world.set_app(&world.app_id, json!({"visible_to": []})).await;
    refused(&text(&p2p, "message_id"), 230013, "Bot has NO availability to this user.").await;
    world.set_app(&world.app_id, json!({"bot": false})).await;
    refused(&id, 230006, "Bot ability is not activated.").await;
}

#[tokio::test]
async fn a_user_has_at_most_200_unread() {
    let world = world().await;
    let id = said(&world, "x").await;
    let user_id = world.users[0].user_id.clone();
    let (tenant, _) = world.keys();
    let engine = world.lab.app.engine();
    let adding = engine.run(Effect::Writes, move |root| {
        let (mut tx, user_id) = (root.tenant(tenant), user_id.clone());
        Box::pin(async move {
            for message in 1..200 {
                urgents::add(&mut tx, message, &user_id, UrgentKind::App, 0).await?;
            }
            Ok(())
        })
    });
    adding.await.expect("a transaction");
    let one = world.users[0].open_id.as_str();
    let [app, sms, phone] = urge(&world, &id, &[one]);
    app.clone().send().await.data();
    for call in [app, sms, phone] {
        refused_as(&call.send().await, 230023, "The user has too many unread urgent messages.");
    }
    assert_eq!(super::read_state::reads(&world, 0, &[&id]).await, 1);
    let [app, ..] = urge(&world, &id, &[one]);
    app.send().await.data();
}
