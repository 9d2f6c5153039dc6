//! Parts of a chat: tabs, menus, announcements, top notices.

use larkspur_testkit::Request;
use serde_json::{Value, json};

use super::{CALLS, Place, mixed, text, texts};

fn at(place: &Place, method: &str, part: &str) -> Request {
    place.call(method, &format!("/im/v1/chats/{}{part}", place.chat_id))
}

/// Custom tabs.
async fn tabs(place: &Place) -> Vec<Value> {
    let data = place.get(&format!("/im/v1/chats/{}/chat_tabs/list_tabs", place.chat_id)).await;
    data["chat_tabs"]
        .as_array()
        .expect("tabs")
        .iter()
        .filter(|tab| tab["tab_type"] == "url")
        .cloned()
        .collect()
}

async fn three_tabs(place: &Place) -> Vec<String> {
    let tab = json!({"tab_type": "url", "tab_content": {"url": "https://example.com"}});
    place.add_tabs(&json!([tab, tab, tab])).send().await.data();
    tabs(place).await.iter().map(|tab| text(tab, "tab_id")).collect()
}

/// Twenty and no more, two at a time or one.
pub(super) async fn tab_limit(place: Place) {
    let tab = json!({"tab_type": "url", "tab_content": {"url": "https://example.com"}});
    let two = place.add_tabs(&json!([tab, tab]));
    place.race(vec![two; 16]).await.won(10, &[232046]);
    assert_eq!(tabs(&place).await.len(), 20);
    let places = place.rows("SELECT DISTINCT position FROM chat_tab WHERE tenant = $1").await;
    assert_eq!(places.len(), place.count("chat_tab").await, "two in one place");
}

/// Name and address come from the same call.
pub(super) async fn tab_change(place: Place) {
    let ids = three_tabs(&place).await;
    let change = |number: usize| {
        let content = json!({"url": format!("https://example.com/{number}")});
        let tab = json!({"tab_id": ids[0], "tab_type": "url", "tab_name": format!("name {number}"), "tab_content": content});
        at(&place, "POST", "/chat_tabs/update_tabs").body(json!({"chat_tabs": [tab]}))
    };
    place.race((0..CALLS).map(change).collect()).await.all_done();
    let all = tabs(&place).await;
    let tab = all.iter().find(|tab| tab["tab_id"] == ids[0].as_str()).expect("it is there");
    let number = text(tab, "tab_name").replace("name ", "");
    assert_eq!(tab["tab_content"]["url"], format!("https://example.com/{number}"));
    assert_eq!(all.len(), 3);
}

/// Each is deleted once.
pub(super) async fn tab_delete(place: Place) {
    let ids = three_tabs(&place).await;
    let delete = |number: usize| {
        at(&place, "DELETE", "/chat_tabs/delete_tabs").body(json!({"tab_ids": [ids[number % 3]]}))
    };
    place.race((0..CALLS).map(delete).collect()).await.won(3, &[232001]);
    assert_eq!(tabs(&place).await.len(), 0);
}

/// The order is one that a call set.
pub(super) async fn tab_order(place: Place) {
    three_tabs(&place).await;
    let data = place.get(&format!("/im/v1/chats/{}/chat_tabs/list_tabs", place.chat_id)).await;
    let ids = texts(&data["chat_tabs"], "tab_id");
    let custom: Vec<String> = tabs(&place).await.iter().map(|tab| text(tab, "tab_id")).collect();
    let first: Vec<String> = ids.iter().filter(|id| !custom.contains(id)).cloned().collect();
    let orders: Vec<Vec<String>> = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
        .map(|order| [first.clone(), order.map(|index| custom[index].clone()).to_vec()].concat())
        .to_vec();
    let sort = |number: usize| {
        at(&place, "POST", "/chat_tabs/sort_tabs").body(json!({"tab_ids": orders[number % 6]}))
    };
    place.race((0..CALLS).map(sort).collect()).await.all_done();
    let data = place.get(&format!("/im/v1/chats/{}/chat_tabs/list_tabs", place.chat_id)).await;
    assert!(orders.contains(&texts(&data["chat_tabs"], "tab_id")), "{data}");
}

fn item(name: &str) -> Value {
    let link = json!({"common_url": format!("https://example.com/{name}")});
    json!({"chat_menu_item": {"action_type": "REDIRECT_LINK", "name": name, "redirect_link": link}})
}

async fn menu(place: &Place) -> Vec<Value> {
    let data = place.get(&format!("/im/v1/chats/{}/menu_tree", place.chat_id)).await;
    data["menu_tree"]["chat_menu_top_levels"].as_array().cloned().unwrap_or_default()
}

async fn three_items(place: &Place) -> Vec<String> {
    let tree = json!({"menu_tree": {"chat_menu_top_levels": [item("1"), item("2"), item("3")]}});
    at(place, "POST", "/menu_tree").body(tree).send().await.data();
    menu(place).await.iter().map(|top| text(top, "chat_menu_top_level_id")).collect()
}

/// Three and no more.
pub(super) async fn menu_limit(place: Place) {
    let tree = json!({"menu_tree": {"chat_menu_top_levels": [item("raced")]}});
    place.race_same(at(&place, "POST", "/menu_tree").body(tree)).await.won(3, &[232070]);
    assert_eq!(menu(&place).await.len(), 3);
}

/// A name and its link come from the same call.
pub(super) async fn menu_item(place: Place) {
    let ids = three_items(&place).await;
    let change = |number: usize| {
        let mut body = item(&number.to_string());
        body["update_fields"] = json!(["NAME", "REDIRECT_LINK"]);
        at(&place, "PATCH", &format!("/menu_items/{}", ids[1])).body(body)
    };
    place.race((0..CALLS).map(change).collect()).await.all_done();
    let all = menu(&place).await;
    let item = &all[1]["chat_menu_item"];
    let leads = format!("https://example.com/{}", text(item, "name"));
    assert_eq!(item["redirect_link"]["common_url"], leads);
    assert_eq!(all.len(), 3);
}

/// Of several calls that delete the same item, one does.
pub(super) async fn menu_delete(place: Place) {
    let ids = three_items(&place).await;
    let delete = |number: usize| {
        at(&place, "DELETE", "/menu_tree").body(json!({"chat_menu_top_level_ids": [ids[number % 3]]}))
    };
    place.race((0..CALLS).map(delete).collect()).await.won(3, &[232001]);
    assert_eq!((menu(&place).await.len(), place.count("chat_menu").await), (0, 0));
}

/// The order is one that a call set.
pub(super) async fn menu_order(place: Place) {
    let ids = three_items(&place).await;
    let orders: Vec<Vec<String>> = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
        .map(|order| order.map(|index| ids[index].clone()).to_vec())
        .to_vec();
    let sort = |number: usize| {
        at(&place, "POST", "/menu_tree/sort").body(json!({"chat_menu_top_level_ids": orders[number % 6]}))
    };
    place.race((0..CALLS).map(sort).collect()).await.all_done();
    let now: Vec<String> = menu(&place).await.iter().map(|top| text(top, "chat_menu_top_level_id")).collect();
    assert!(orders.contains(&now), "{now:?}");
}

/// The announcement of the chat: its latest revision, and its blocks.
async fn docx(place: &Place) -> (Value, Vec<Value>) {
    let base = format!("/docx/v1/chats/{}/announcement", place.chat_id);
    let items = place.get(&format!("{base}/blocks")).await["items"].as_array().expect("blocks").clone();
    (place.get(&base).await["revision_id"].clone(), items)
}

fn docx_call(place: &Place, method: &str, part: &str) -> Request {
    place.call(method, &format!("/docx/v1/chats/{}/announcement/blocks{part}", place.chat_id))
}

fn docx_add(place: &Place, count: usize) -> Request {
    let block = json!({"block_type": 2, "text": {"elements": [{"text_run": {"content": "x"}}]}});
    docx_call(place, "POST", &format!("/{}/children", place.chat_id))
        .body(json!({"children": vec![block; count], "index": 0}))
}

/// It contains every block once, and has a revision for each edit.
pub(super) async fn docx_create(place: Place) {
    place.race_same(docx_add(&place, 2)).await.all_done();
    let (revision, items) = docx(&place).await;
    assert_eq!((revision, items.len()), (json!(1 + CALLS), 1 + 2 * CALLS));
    assert_eq!(items[0]["children"].as_array().map(Vec::len), Some(2 * CALLS));
}

/// Each call deletes a block of its own.
pub(super) async fn docx_delete(place: Place) {
    docx_add(&place, CALLS + 1).send().await.data();
    let part = format!("/{}/children/batch_delete", place.chat_id);
    let delete = docx_call(&place, "DELETE", &part).body(json!({"start_index": 0, "end_index": 1}));
    place.race_same(delete).await.all_done();
    let (revision, items) = docx(&place).await;
    assert_eq!((revision, items.len()), (json!(2 + CALLS), 2));
}

/// The title is that of one call, and each call has made a revision.
pub(super) async fn docx_title(place: Place) {
    let title = |number: usize| {
        let text = json!({"elements": [{"text_run": {"content": format!("title {number}")}}]});
        let edit = json!({"block_id": place.chat_id, "update_text_elements": text});
        docx_call(&place, "PATCH", "/batch_update").body(json!({"requests": [edit]}))
    };
    place.race((0..CALLS).map(title).collect()).await.all_done();
    let (revision, items) = docx(&place).await;
    assert_eq!(revision, json!(1 + CALLS));
    assert!(items[0].to_string().contains("title "), "{items:?}");
}

/// Each upload has a token of its own.
pub(super) async fn docx_upload(place: Place) {
    let part = format!("/{}/children", place.chat_id);
    let image = json!({"children": [{"block_type": 27, "image": {}}]});
    let made = docx_call(&place, "POST", &part).body(image).send().await.data();
    let block = text(&made["children"][0], "block_id");
    let png = larkspur_testkit::png(1, 1);
    let size = png.len().to_string();
    let fields =
        [("file_name", "a.png"), ("parent_type", "docx_image"), ("parent_node", &block), ("size", &size)];
    let upload = place.call("POST", "/drive/v1/medias/upload_all").multipart(&fields, ("file", &png));
    place.race_same(upload).await.all_done();
    assert_eq!(place.count("docx_media").await, CALLS);
}

/// It contains every edit.
pub(super) async fn announcement(place: Place) {
    place.old_announcements().await;
    let payload = json!({"blocks": [{"type": "paragraph"}]}).to_string();
    let request =
        json!({"requestType": "InsertBlocksRequestType", "insertBlocksRequest": {"payload": payload}});
    let edit = json!({"revision": "0", "requests": [request.to_string()]});
    place.race_same(at(&place, "PATCH", "/announcement").body(edit)).await.all_done();
    let data = place.get(&format!("/im/v1/chats/{}/announcement", place.chat_id)).await;
    assert_eq!(data["revision"], CALLS.to_string());
    assert_eq!(text(&data, "content").matches("paragraph").count(), CALLS);
}

async fn notices(place: &Place) -> Vec<Value> {
    let mut ids = Vec::new();
    for _ in 0..CALLS {
        ids.push(super::messages::said(place).await);
    }
    let message = |number: usize| json!({"action_type": "1", "message_id": ids[number % CALLS]});
    (0..CALLS).map(|n| json!([message(n), message(n + 1), message(n + 2)])).collect()
}

fn put_up(place: &Place, all: &[Value]) -> Vec<Request> {
    let put = |top| at(place, "POST", "/top_notice/put_top_notice").body(json!({"chat_top_notice": top}));
    all.iter().map(put).collect()
}

/// One is stored, whole.
pub(super) async fn notice_up(place: Place) {
    let all = notices(&place).await;
    place.race(put_up(&place, &all)).await.all_done();
    let shown = place.shown(&format!("/chats/{}", place.chat_id)).await;
    assert!(all.contains(&shown["top_notice"]), "{shown}");
}

/// One is stored, whole, or none.
pub(super) async fn notice_down(place: Place) {
    let all = notices(&place).await;
    let down = at(&place, "POST", "/top_notice/delete_top_notice");
    place.race(mixed(vec![put_up(&place, &all[..6]), vec![down.clone(); 6]])).await.all_done();
    let shown = place.shown(&format!("/chats/{}", place.chat_id)).await;
    assert!(all[..6].contains(&shown["top_notice"]) || shown["top_notice"] == json!([]), "{shown}");
    place.race_same(down).await.all_done();
    assert_eq!(place.count("chat_top_notice").await, 0);
}
