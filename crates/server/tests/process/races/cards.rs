//! Cards.

use serde_json::{Value, json};

use super::{CALLS, Place, distinct, text};

const CARD: &str = r#"{"schema":"2.0","config":{"streaming_mode":true},"body":{"elements":[{"tag":"markdown","element_id":"a"},{"tag":"hr","element_id":"b"}]}}"#;

async fn made(place: &Place) -> String {
    let body = json!({"type": "card_json", "data": CARD});
    text(&place.call("POST", "/cardkit/v1/cards").body(body).send().await.data(), "card_id")
}

async fn sent(place: &Place) -> String {
    let body = json!({"receive_id": place.chat_id, "msg_type": "interactive", "content": CARD});
    let sent = place.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).send().await.data();
    text(&sent, "message_id")
}

/// Of calls with one sequence, one changes the entity.
async fn one_changes(place: &Place, method: &str, path: &str, mut body: Value) {
    body["sequence"] = json!(1);
    let path = format!("/cardkit/v1/cards/{}{path}", made(place).await);
    place.race_same(place.call(method, &path).body(body)).await.won(1, &[300317]);
    let rows = place.rows("SELECT sequence FROM card WHERE tenant = $1").await;
    assert_eq!(rows, [[larkspur_store::Value::Int(1)]]);
}

pub(super) async fn create(place: Place) {
    let body = json!({"type": "card_json", "data": CARD});
    let all = place.race_same(place.call("POST", "/cardkit/v1/cards").body(body)).await.all_done();
    let ids: Vec<String> = all.iter().map(|data| text(data, "card_id")).collect();
    assert!(distinct(&ids), "{ids:?}");
    assert_eq!(place.count("card").await, CALLS);
}

pub(super) async fn update(place: Place) {
    one_changes(&place, "PUT", "", json!({"card": {"type": "card_json", "data": CARD}})).await;
}

pub(super) async fn settings(place: Place) {
    one_changes(&place, "PATCH", "/settings", json!({"settings": r#"{"config":{"x":1}}"#})).await;
}

pub(super) async fn batch(place: Place) {
    let actions = r#"[{"action":"delete_elements","params":{"element_ids":["a"]}}]"#;
    one_changes(&place, "POST", "/batch_update", json!({"actions": actions})).await;
}

pub(super) async fn add(place: Place) {
    one_changes(&place, "POST", "/elements", json!({"type": "append", "elements": r#"[{"tag":"hr"}]"#}))
        .await;
}

pub(super) async fn replace(place: Place) {
    one_changes(&place, "PUT", "/elements/a", json!({"element": r#"{"tag":"hr"}"#})).await;
}

pub(super) async fn patch(place: Place) {
    one_changes(&place, "PATCH", "/elements/a", json!({"partial_element": r#"{"content":"x"}"#})).await;
}

pub(super) async fn delete(place: Place) {
    one_changes(&place, "DELETE", "/elements/b", json!({})).await;
}

pub(super) async fn content(place: Place) {
    one_changes(&place, "PUT", "/elements/a/content", json!({"content": "x"})).await;
}

/// A message has one entity.
pub(super) async fn convert(place: Place) {
    let body = json!({"message_id": sent(&place).await});
    let all = place.race_same(place.call("POST", "/cardkit/v1/cards/id_convert").body(body)).await.all_done();
    assert!(all.iter().all(|data| *data == all[0]), "{all:?}");
    assert_eq!(place.count("card").await, 1);
}

/// A token is used twice.
pub(super) async fn clicked(place: Place) {
    let token = place.card_token(&sent(&place).await).await;
    let body = json!({"token": token, "card": {"config": {"update_multi": true}, "elements": []}});
    place.race_same(place.call("POST", "/interactive/v1/card/update").body(body)).await.won(2, &[300040]);
}

pub(super) async fn seen(place: Place) {
    let body = json!({"chat_id": place.chat_id, "user_id": place.users[1].user_id, "msg_type": "interactive", "card": {"elements": []}});
    let all = place.race_same(place.call("POST", "/ephemeral/v1/send").body(body)).await.all_done();
    let ids: Vec<String> = all.iter().map(|data| text(data, "message_id")).collect();
    assert!(distinct(&ids), "{ids:?}");
    assert_eq!(place.count("ephemeral_card").await, CALLS);
}

/// A card is deleted once.
pub(super) async fn hidden(place: Place) {
    let body = json!({"chat_id": place.chat_id, "user_id": place.users[1].user_id, "msg_type": "interactive", "card": {"elements": []}});
    let sent = place.call("POST", "/ephemeral/v1/send").body(body).send().await.data();
    let body = json!({"message_id": sent["message_id"]});
    place.race_same(place.call("POST", "/ephemeral/v1/delete").body(body)).await.won(1, &[18051]);
}
