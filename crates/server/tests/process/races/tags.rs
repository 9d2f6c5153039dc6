//! Tags and bindings.

use std::collections::BTreeSet;

use larkspur_testkit::Request;
use serde_json::{Value, json};

use super::{CALLS, Place, text};

/// One call creates it, and the others get its id.
pub(super) async fn create(place: Place) {
    let body = json!({"create_tag": {"tag_type": "tenant", "name": "raced"}});
    let answers = place.race_same(place.call("POST", "/im/v2/tags").body(body)).await.all_done();
    let won: Vec<&Value> = answers.iter().filter(|data| data["id"].is_string()).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    for lost in answers.iter().filter(|data| !data["id"].is_string()) {
        assert_eq!(lost["create_tag_fail_reason"]["duplicate_id"], won[0]["id"]);
    }
    assert_eq!(place.count("tag").await, 1);
}

/// Of many tags, one gets the name.
pub(super) async fn rename(place: Place) {
    let mut requests = Vec::new();
    for number in 0..CALLS {
        let id = place.tag(&format!("tag {number}")).await;
        let body = json!({"patch_tag": {"name": "raced"}});
        requests.push(place.call("PATCH", &format!("/im/v2/tags/{id}")).body(body));
    }
    let answers = place.race(requests).await.all_done();
    let won: Vec<String> = answers
        .iter()
        .filter(|data| data["tag_info"].is_object())
        .map(|data| text(&data["tag_info"], "id"))
        .collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    for lost in answers.iter().filter(|data| !data["tag_info"].is_object()) {
        assert_eq!(lost["patch_tag_fail_reason"]["duplicate_id"], won[0].as_str());
    }
    assert_eq!(place.rows("SELECT 1 FROM tag WHERE tenant = $1 AND name = 'raced'").await.len(), 1);
}

fn relation(place: &Place, method: &str, tags: &[&str]) -> Request {
    let body = json!({"tag_biz_type": "chat", "biz_entity_id": place.chat_id, "tag_ids": tags});
    place.call(method, "/im/v2/biz_entity_tag_relation").body(body)
}

async fn bound(place: &Place) -> BTreeSet<String> {
    let path = format!("/im/v2/biz_entity_tag_relation?tag_biz_type=chat&biz_entity_id={}", place.chat_id);
    let data = place.get(&path).await;
    let list = data["tag_info_with_bind_versions"].as_array().cloned().unwrap_or_default();
    assert_eq!(place.count("chat_tag_binding").await, list.len());
    list.iter().map(|one| text(&one["tag_info"], "id")).collect()
}

async fn six(place: &Place) -> Vec<String> {
    let mut tags = Vec::new();
    for number in 0..6 {
        tags.push(place.tag(&format!("tag {number}")).await);
    }
    tags
}

/// Every tag is bound once, in whatever order overlapping calls name them.
pub(super) async fn bind(place: Place) {
    let tags = six(&place).await;
    let pair = |number: usize| {
        let (one, other) = (tags[number % 6].as_str(), tags[(number + 1) % 6].as_str());
        relation(&place, "POST", &if number < 6 { [one, other] } else { [other, one] })
    };
    place.race((0..CALLS).map(pair).collect()).await.all_done();
    assert_eq!(bound(&place).await, tags.iter().cloned().collect());
}

/// Only bound tags remain; a tag that is bound and unbound at once is one or the other.
pub(super) async fn unbind(place: Place) {
    let tags = six(&place).await;
    let all: Vec<&str> = tags.iter().map(String::as_str).collect();
    relation(&place, "POST", &all[..3]).send().await.data();
    // Calls that unbind name only the first three; calls that bind, all but the first.
    let both =
        vec![vec![relation(&place, "PUT", &all[..3]); 6], vec![relation(&place, "POST", &all[1..]); 6]];
    place.race(super::mixed(both)).await.all_done();
    let left = bound(&place).await;
    assert!(!left.contains(&tags[0]) && tags[3..].iter().all(|tag| left.contains(tag)), "{left:?}");
    assert_eq!(left.contains(&tags[1]), left.contains(&tags[2]), "half of a call: {left:?}");
    place.race_same(relation(&place, "PUT", &all)).await.all_done();
    assert_eq!(bound(&place).await, BTreeSet::new());
}
