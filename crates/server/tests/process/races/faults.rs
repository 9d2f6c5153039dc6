//! Rules that change answers, and the calls that they count.

use serde_json::{Value, json};

use super::{CALLS, Place, distinct, text};

fn rule(code: u32) -> Value {
    json!({"effect": {"refuse": {"code": code}}})
}

async fn ids(place: &Place) -> Vec<String> {
    let shown = place.shown("/faults").await;
    shown["faults"].as_array().expect("rules").iter().map(|one| text(one, "id")).collect()
}

async fn two(place: &Place) {
    for _ in 0..2 {
        place.control("POST", "/faults").body(rule(232009)).send().await.data();
    }
}

/// Each is a rule with an id of its own; of all calls, as many are refused as a rule says.
pub(super) async fn add(place: Place) {
    let made = place.race_same(place.control("POST", "/faults").body(rule(232009))).await.all_done();
    let made: Vec<String> = made.iter().map(|one| text(one, "id")).collect();
    assert!(distinct(&made), "{made:?}");
    assert_eq!(ids(&place).await.len(), made.len());
    let few = json!({"faults": [{"effect": {"refuse": {"code": 232009}}, "times": 5}]});
    place.control("PUT", "/faults").body(few).send().await.data();
    let tab = json!([{"tab_type": "url", "tab_content": {"url": "https://example.com"}}]);
    place.race_same(place.add_tabs(&tab)).await.won(CALLS - 5, &[232009]);
    let shown = place.shown("/faults").await["faults"][0].clone();
    assert_eq!((&shown["seen"], &shown["hits"]), (&json!(CALLS), &json!(5)));
}

/// All rules are those of the same call.
pub(super) async fn put(place: Place) {
    let put = |number: usize| {
        let id = |end: &str| json!({"id": format!("r{number}-{end}"), "effect": {"delay": {"ms": 1}}});
        place.control("PUT", "/faults").body(json!({"faults": [id("a"), id("b")]}))
    };
    place.race((0..CALLS).map(put).collect()).await.all_done();
    let ids = ids(&place).await;
    assert_eq!(ids.len(), 2, "{ids:?}");
    assert_eq!(ids[0].strip_suffix("-a"), ids[1].strip_suffix("-b"));
}

/// No change of another member is lost.
pub(super) async fn update(place: Place) {
    place.control("POST", "/faults").body(rule(232009)).send().await.data();
    let change = |number: usize| {
        let body = if number.is_multiple_of(2) { json!({"skip": 7}) } else { json!({"times": 9}) };
        place.control("PATCH", "/faults/f_01").body(body)
    };
    place.race((0..CALLS).map(change).collect()).await.all_done();
    let shown = place.shown("/faults").await["faults"][0].clone();
    assert_eq!((&shown["skip"], &shown["times"]), (&json!(7), &json!(9)));
}

/// Removed once.
pub(super) async fn delete(place: Place) {
    two(&place).await;
    place.race_same(place.control("DELETE", "/faults/f_01")).await.won(1, &[5275404]);
    assert_eq!(ids(&place).await, ["f_02"]);
}

/// The same in the end, whichever is the last.
pub(super) async fn clear(place: Place) {
    two(&place).await;
    place.race_same(place.control("DELETE", "/faults")).await.all_done();
    assert!(ids(&place).await.is_empty());
}

/// The order of one of the calls.
pub(super) async fn order(place: Place) {
    two(&place).await;
    let orders = [["f_01", "f_02"], ["f_02", "f_01"]];
    let call =
        |number: usize| place.control("POST", "/faults/order").body(json!({"ids": orders[number % 2]}));
    place.race((0..CALLS).map(call).collect()).await.all_done();
    let ids = ids(&place).await;
    assert!(orders.iter().any(|order| ids == *order), "{ids:?}");
}
