//! Messages that show entities, and the entity of a message.

use serde_json::{Value, json};

use super::{Kit, card, create, creating, done, send, show, shown};

fn id(message: &Value) -> String {
    message["message_id"].as_str().expect("a message_id").to_owned()
}

/// Why a message is refused: what follows `ext=`.
fn reason(refused: &Value) -> &str {
    refused["msg"]
        .as_str()
        .expect("a text")
        .strip_prefix("Failed to create card content, ext=")
        .expect("a reason")
}

#[tokio::test]
async fn a_message_shows_what_its_entity_is_now() {
    let kit = Kit::new().await;
    let message = id(&show(&kit).send().await.data());
    assert_eq!(shown(&kit.world, &message).await, card());
    done(&kit.stream("a", "two", 1).send().await);
    let now = shown(&kit.world, &message).await;
    assert_eq!(now["body"]["elements"][0]["content"], "two");
    let lists = kit.world.call("GET", "/im/v1/messages").query("container_id_type", "chat");
    let lists =
        lists.query("container_id", &kit.world.chat_id).query("card_msg_content_type", "user_card_content");
    let items = lists.send().await.data()["items"].clone();
    let content = items[0]["body"]["content"].as_str().expect("content");
    assert_eq!(serde_json::from_str::<Value>(content).expect("JSON"), now);
    // It is shown after its end, too.
    kit.world.advance(14 * 24 * 3600).await;
    let token = kit.world.sign_in(&kit.world.app_id, &kit.world.app_secret).await;
    let world = larkspur_testkit::World { token, ..kit.world.clone() };
    assert_eq!(shown(&world, &message).await, now);
}

#[tokio::test]
async fn an_entity_is_sent_once_by_its_app() {
    let kit = Kit::new().await;
    let (app_id, token) = kit.world.app(json!({})).await;
    kit.world
        .control("PUT", &format!("/chats/{}/members/{app_id}", kit.world.chat_id))
        .body(json!({}))
        .send()
        .await
        .data();
    let not_own =
        "ErrCode: 300311; ErrMsg: The current application does not have permission to update/use this card; ";
    let foreign = show(&kit).token(&token).send().await.refused(230099);
    assert_eq!(reason(&foreign), not_own);
    let message = id(&show(&kit).send().await.data());
    assert_eq!(reason(&show(&kit).send().await.refused(230099)), not_own);
    let invalid = "ErrCode: 11310; ErrMsg: cardid is invalid; ";
    for card_id in ["7000000000000000000", "x"] {
        let unknown = Kit { world: kit.world.clone(), card_id: card_id.to_owned() };
        assert_eq!(reason(&show(&unknown).send().await.refused(230099)), invalid, "{card_id}");
    }
    // A card can be replaced by another entity, which then counts as sent.
    let other = Kit { card_id: create(&kit.world, &card()).await, world: kit.world.clone() };
    let content = json!({"type": "card", "data": {"card_id": other.card_id}}).to_string();
    kit.world
        .call("PATCH", &format!("/im/v1/messages/{message}"))
        .body(json!({"content": content}))
        .send()
        .await
        .data();
    done(&other.stream("a", "other", 1).send().await);
    assert_eq!(shown(&kit.world, &message).await["body"]["elements"][0]["content"], "other");
    assert_eq!(reason(&show(&other).send().await.refused(230099)), not_own);
    let old = Kit { card_id: create(&kit.world, &card()).await, world: kit.world.clone() };
    kit.world.advance(14 * 24 * 3600).await;
    let token = kit.world.sign_in(&kit.world.app_id, &kit.world.app_secret).await;
    assert_eq!(reason(&show(&old).token(&token).send().await.refused(230099)), invalid);
}

#[tokio::test]
async fn the_entity_of_a_message() {
    let kit = Kit::new().await;
    let convert = |message: &str| {
        kit.world.call("POST", "/cardkit/v1/cards/id_convert").body(json!({"message_id": message}))
    };
    let message = id(&show(&kit).send().await.data());
    assert_eq!(convert(&message).send().await.data(), json!({"card_id": kit.card_id}));
    // A card of its own becomes an entity, which the message shows from then on.
    let message = id(&send(&kit.world, &card()).send().await.data());
    let made = convert(&message).send().await.data();
    assert_eq!(convert(&message).send().await.data(), made);
    let entity =
        Kit { card_id: made["card_id"].as_str().expect("a card_id").to_owned(), world: kit.world.clone() };
    done(&entity.stream("a", "converted", 1).send().await);
    assert_eq!(shown(&kit.world, &message).await["body"]["elements"][0]["content"], "converted");

    let old = id(&send(&kit.world, &json!({"elements": []})).send().await.data());
    convert(&old).send().await.refused(300303);
    let exclusive =
        json!({"schema": "2.0", "config": {"update_multi": false}, "body": {"elements": [{"tag": "hr"}]}});
    convert(&id(&send(&kit.world, &exclusive).send().await.data())).send().await.refused(300302);
    let text = json!({"receive_id": kit.world.chat_id, "msg_type": "text", "content": r#"{"text":"x"}"#});
    let text =
        kit.world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(text).send().await.data();
    convert(&id(&text)).send().await.refused(10002);
    let (_, token) = kit.world.app(json!({})).await;
    convert(&message).token(&token).send().await.refused(300311);
    convert("om_00000000000000000000000000000000").send().await.refused(99992354);
    convert("").send().await.refused(99992402);
    let other = kit.world.lab.world().await;
    let elsewhere = id(&send(&other, &card()).send().await.data());
    convert(&elsewhere).send().await.refused(230001);
    // What the platform sends as a message need not be an entity.
    creating(&kit.world, &json!({"elements": []}).to_string()).send().await.refused(300303);
}
