//! Custom bots.

use serde_json::json;

use super::stage::{CALLS, Place, distinct, mixed, text, texts};

/// A new custom bot of the place's chat: the path of its URL, and the one in the control API.
async fn hook(place: &Place) -> (String, String) {
    let path = format!("/chats/{}/hooks", place.chat_id);
    let made = place.control("POST", &path).body(json!({})).send().await.data();
    let url = text(&made, "url");
    let (_, token) = url.rsplit_once('/').expect("a URL");
    (format!("/open-apis/bot/v2/hook/{token}"), format!("{path}/{}", text(&made, "hook_id")))
}

/// Every message arrives, once.
async fn post_to(place: Place, path: &str) {
    let body = json!({"msg_type": "text", "content": {"text": "x"}, "text": "x"});
    let request = place.lab.request("POST", path).body(body);
    place.race_same(request).await.all_done();
    assert_eq!(place.count("message").await, CALLS);
}

/// Every message arrives, once.
pub(super) async fn post(place: Place) {
    let (path, _) = hook(&place).await;
    post_to(place, &path).await;
}

/// The same by the older URL.
pub(super) async fn post_by_version_1(place: Place) {
    let (path, _) = hook(&place).await;
    post_to(place, &path.replace("/v2", "")).await;
}

/// Each is another bot.
pub(super) async fn create(place: Place) {
    let path = format!("/chats/{}/hooks", place.chat_id);
    let made = place.race_same(place.control("POST", &path).body(json!({}))).await.all_done();
    let urls: Vec<String> = made.iter().map(|data| text(data, "url")).collect();
    assert!(distinct(&urls), "{urls:?}");
    assert_eq!(texts(&place.shown(&path).await["hooks"], "hook_id").len(), CALLS);
}

/// It is deleted once, and nothing is posted afterwards.
pub(super) async fn delete(place: Place) {
    let (path, own) = hook(&place).await;
    let message = json!({"msg_type": "text", "content": {"text": "x"}});
    let post = place.lab.request("POST", &path).body(message);
    let delete = place.control("DELETE", &own);
    let answers = place.race(mixed(vec![vec![post.clone(); 8], vec![delete; 4]])).await;
    let done = |operation| answers.of(operation).iter().filter(|answer| answer.json["code"] == 0).count();
    assert_eq!(done("larkspur.v1.hook.delete"), 1);
    assert_eq!(place.count("message").await, done("bot.v2.hook.send"));
    assert_eq!(post.send().await.json()["code"], 19001);
}
