//! What all changes of an entity refuse.

use serde_json::json;

use super::{Kit, create};

#[tokio::test]
async fn only_existing_entities_of_the_app_are_changed() {
    let kit = Kit::new().await;
    for (card_id, code) in [("7000000000000000000", 200740), ("abc", 10002), ("0", 10002)] {
        let unknown = Kit { world: kit.world.clone(), card_id: card_id.to_owned() };
        for call in unknown.changes(1) {
            call.send().await.refused(code);
        }
    }
    let long = Kit { world: kit.world.clone(), card_id: "1".repeat(21) };
    for call in long.changes(1) {
        call.send().await.refused(99992402);
    }
    let (_, token) = kit.world.app(json!({})).await;
    for call in kit.changes(1) {
        call.token(&token).send().await.refused(300311);
    }
    kit.world.advance(14 * 24 * 3600).await;
    let token = kit.world.sign_in(&kit.world.app_id, &kit.world.app_secret).await;
    for call in kit.changes(1) {
        call.token(&token).send().await.refused(200750);
    }
}

#[tokio::test]
async fn elements_of_a_template_are_unknown() {
    let kit = Kit::new().await;
    let body = json!({"type": "template", "data": r#"{"template_id":"ctp_AAb1"}"#});
    let made = kit.world.call("POST", "/cardkit/v1/cards").body(body).send().await.data();
    let template =
        Kit { card_id: made["card_id"].as_str().expect("a card_id").to_owned(), world: kit.world.clone() };
    let codes = [300122, 300303, 300315, 300121, 300303, 300309, 300303];
    for (call, code) in template.changes(1).into_iter().zip(codes) {
        call.send().await.refused(code);
    }
    // Replacing all of it makes it a card.
    template.changes(1)[7].clone().send().await.data();
    template.changes(2)[0].clone().send().await.data();
}

#[tokio::test]
async fn the_scope_is_required() {
    let kit = Kit::new().await;
    let (_, token) = kit.world.app(json!({"scopes": ["im:chat"]})).await;
    let creating =
        kit.world.call("POST", "/cardkit/v1/cards").body(json!({"type": "card_json", "data": "{}"}));
    creating.token(&token).send().await.refused(99991672);
    for call in kit.changes(1) {
        call.token(&token).send().await.refused(99991672);
    }
    let user = kit.world.user_token(0, json!({})).await;
    for call in kit.changes(1) {
        call.token(&user).send().await.refused(99991668);
    }
    create(&kit.world, &super::card()).await;
}
