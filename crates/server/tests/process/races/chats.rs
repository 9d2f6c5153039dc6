//! Chats, images and files.

use larkspur_testkit::Request;
use serde_json::json;

use super::{CALLS, Place, distinct, mixed, text};

/// One uuid creates one chat.
pub(super) async fn create(place: Place) {
    let people: Vec<&str> = place.users[1..].iter().map(|user| user.open_id.as_str()).collect();
    let body = json!({"name": "raced", "user_id_list": people});
    let made = place.race_same(place.call("POST", "/im/v1/chats?uuid=once").body(body)).await.all_done();
    assert!(made.iter().all(|data| data["chat_id"] == made[0]["chat_id"]), "{made:?}");
    assert_eq!(place.rows("SELECT 1 FROM chat WHERE tenant = $1 AND name = 'raced'").await.len(), 1);
    assert_eq!(place.is_sound(&text(&made[0], "chat_id")).await, (2, 1));
}

/// A dissolved chat contains only what was acknowledged before, and is dissolved once.
pub(super) async fn dissolve(place: Place) {
    let path = format!("/im/v1/chats/{}", place.chat_id);
    let tab = place.add_tabs(&json!([{"tab_type": "url", "tab_content": {"url": "https://example.com"}}]));
    let answers = place.race(mixed(vec![vec![tab; 8], vec![place.call("DELETE", &path); 6]])).await;
    answers.done_or(&[232009]);
    let won = |operation| answers.of(operation).iter().filter(|answer| answer.json["code"] == 0).count();
    assert_eq!(won("im.v1.chat.delete"), 1);
    let tabs = place.rows("SELECT 1 FROM chat_tab WHERE tenant = $1 AND tab_type = 'url'").await;
    assert_eq!(tabs.len(), won("im.v1.chat_tab.create"));
}

/// Links are distinct; none leads into a dissolved chat.
pub(super) async fn link(place: Place) {
    let path = format!("/im/v1/chats/{}", place.chat_id);
    let link = place.call("POST", &format!("{path}/link"));
    let made = place.race_same(link.clone()).await.all_done();
    let links: Vec<String> = made.iter().map(|data| text(data, "share_link")).collect();
    assert!(distinct(&links), "{links:?}");
    let answers = place.race(mixed(vec![vec![link; 8], vec![place.call("DELETE", &path); 2]])).await;
    answers.done_or(&[232001, 232009]);
    let later = answers.of("im.v1.chat.link").into_iter().filter(|answer| answer.json["code"] == 0);
    for answer in later {
        let body =
            json!({"share_link": answer.json["data"]["share_link"], "user_id": place.users[1].user_id});
        let opened = place.control("POST", "/share_links/open").body(body).send().await;
        assert_ne!(opened.code(), 0, "{}", opened.text());
    }
}

/// Of many chats that become public under one name, one succeeds.
pub(super) async fn rename(place: Place) {
    let mut requests = Vec::new();
    for number in 0..CALLS {
        let chat = place.chat(json!({"name": format!("chat {number}"), "owner": place.app_id})).await;
        let body = json!({"name": "Town square", "chat_type": "public"});
        requests.push(place.call("PUT", &format!("/im/v1/chats/{chat}")).body(body));
    }
    place.race(requests).await.won(1, &[232026]);
    let named = "SELECT 1 FROM chat WHERE tenant = $1 AND name = 'Town square'";
    assert_eq!(place.rows(named).await.len(), 1);
}

/// Each is a separate chat.
pub(super) async fn made(place: Place) {
    let before = place.count("chat").await;
    let body = json!({"members": [place.app_id, place.users[0].user_id], "tabs": [{"tab_type": "url", "target": "https://a.b"}]});
    let made = place.race_same(place.control("POST", "/chats").body(body)).await.all_done();
    let ids: Vec<String> = made.iter().map(|data| text(data, "chat_id")).collect();
    assert!(distinct(&ids), "{ids:?}");
    assert_eq!(place.count("chat").await, before + CALLS);
    for id in ids {
        assert_eq!(place.is_sound(&id).await, (1, 1));
    }
}

/// Name and description come from the same call.
pub(super) async fn changed(place: Place) {
    let path = format!("/chats/{}", place.chat_id);
    let change = |number: usize| {
        let owner = &place.users[number % 3].user_id;
        let body =
            json!({"name": format!("name {number}"), "description": number.to_string(), "owner": owner});
        place.control("PATCH", &path).body(body)
    };
    place.race((0..CALLS).map(change).collect()).await.all_done();
    let chat = place.shown(&path).await;
    let number: usize = text(&chat, "description").parse().expect("a number");
    assert_eq!(chat["name"], format!("name {number}"));
    assert_eq!(chat["owner"], place.users[number % 3].user_id.as_str());
    assert_eq!(place.is_sound(&place.chat_id).await, (3, 1));
}

fn image(place: &Place, content: &[u8]) -> Request {
    place.call("POST", "/im/v1/images").multipart(&[("image_type", "message")], ("image", content))
}

/// The same bytes are one file, from any caller; each upload is a separate image.
async fn upload_same(place: &Place) -> (Vec<String>, Vec<u8>) {
    let content = [larkspur_testkit::png(5, 5), vec![1; 3000]].concat();
    let made = place.race_same(image(place, &content)).await.all_done();
    let keys: Vec<String> = made.iter().map(|data| text(data, "image_key")).collect();
    assert!(distinct(&keys), "{keys:?}");
    (keys, content)
}

/// All exist, on both servers, and are stored once.
pub(super) async fn upload(place: Place) {
    let (keys, content) = upload_same(&place).await;
    for (number, key) in keys.iter().enumerate() {
        let found = place.stage.servers[number % 2].client().image(&place.token, key);
        assert!(found.as_ref() == Some(&content), "{key}");
    }
    assert_eq!((place.count("image").await, place.count("blob").await), (CALLS, 1));
    let folder = place.stage.files.path().join("blobs").join(&place.tenant_key);
    assert_eq!(std::fs::read_dir(folder).expect("a folder").count(), 1);
}

/// Deleted means deleted, for every caller; the other images of the same bytes stay.
pub(super) async fn delete_image(place: Place) {
    let (keys, content) = upload_same(&place).await;
    place.race_same(place.control("DELETE", &format!("/images/{}", keys[0]))).await.all_done();
    let gone = place.call("GET", &format!("/im/v1/images/{}", keys[0])).send().await;
    assert_eq!(gone.json()["code"], 234005);
    let found = place.stage.servers[0].client().image(&place.token, &keys[1]);
    assert_eq!(found, Some(content));
}

/// One of those who dissolve a chat in the client does it.
pub(super) async fn dissolved_once(place: Place) {
    let path = format!("/chats/{}/dissolve", place.chat_id);
    let by = |number: usize| {
        let user = &place.users[number % 3].user_id;
        place.control("POST", &path).body(json!({"as": user, "keep_history": number.is_multiple_of(2)}))
    };
    place.race((0..CALLS).map(by).collect()).await.won(1, &[5275400]);
}

/// The same bytes are one file, from any caller; each upload has its own key.
async fn upload_same_file(place: &Place) -> Vec<String> {
    let fields = [("file_type", "stream"), ("file_name", "a.bin")];
    let request = place.call("POST", "/im/v1/files").multipart(&fields, ("file", &[3; 3000]));
    let made = place.race_same(request).await.all_done();
    let keys: Vec<String> = made.iter().map(|data| text(data, "file_key")).collect();
    assert!(distinct(&keys), "{keys:?}");
    keys
}

/// All exist, on both servers, and are stored once.
pub(super) async fn upload_file(place: Place) {
    let keys = upload_same_file(&place).await;
    for (number, key) in keys.iter().enumerate() {
        let found = place.stage.servers[number % 2].client().file(&place.token, key);
        assert!(found.as_deref() == Some(&[3; 3000][..]), "{key}");
    }
    assert_eq!((place.count("stored_file").await, place.count("blob").await), (CALLS, 1));
}

/// Deleted means deleted, for every caller; the other files of the same bytes stay.
pub(super) async fn delete_file(place: Place) {
    let keys = upload_same_file(&place).await;
    place.race_same(place.control("DELETE", &format!("/files/{}", keys[0]))).await.all_done();
    let gone = place.call("GET", &format!("/im/v1/files/{}", keys[0])).send().await;
    assert_eq!(gone.json()["code"], 234005);
    assert!(place.stage.servers[0].client().file(&place.token, &keys[1]).is_some());
}
