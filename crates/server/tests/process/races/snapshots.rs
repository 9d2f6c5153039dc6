//! Snapshots of a world, and what restores leave of calls that run meanwhile.

use larkspur_store::snapshots::MOST;
use serde_json::{Value, json};

use super::{CALLS, Place, mixed, text};

async fn save(place: &Place, name: &str) {
    place.control("POST", "/snapshots").body(json!({"name": name})).send().await.data();
}

/// The names of the snapshots, besides that of the start.
async fn names(place: &Place) -> Vec<String> {
    let shown = place.shown("/snapshots").await;
    let all = shown["snapshots"].as_array().expect("snapshots").iter().map(|one| text(one, "name"));
    all.filter(|name| name != "@start").collect()
}

/// The tables in which a snapshot and the present state differ.
async fn changes(place: &Place, name: &str) -> Value {
    place.shown(&format!("/snapshots/diff?a={name}")).await["tables"].clone()
}

/// Calls that write in many tables.
fn writes(place: &Place) -> Vec<larkspur_testkit::Request> {
    let people = json!({"name": "late", "user_id_list": [place.users[1].open_id]});
    let content = json!({"text": "late"}).to_string();
    let said = json!({"receive_id": place.chat_id, "msg_type": "text", "content": content});
    let one = |number: usize| match number % 4 {
        0 => {
            let tag = json!({"tag_type": "tenant", "name": format!("late {number}")});
            place.call("POST", "/im/v2/tags").body(json!({"create_tag": tag}))
        }
        1 => place.call("POST", "/im/v1/chats").body(people.clone()),
        2 => {
            let send = place.call("POST", "/im/v1/messages").query("receive_id_type", "chat_id");
            send.body(said.clone())
        }
        _ => place.add_tabs(&json!([{"tab_type": "url", "tab_content": {"url": "https://example.com"}}])),
    };
    (0..CALLS).map(one).collect()
}

/// Of calls that race with restores, those that the last restore did not undo are whole: members, tabs and terms have their chats,
/// and counts match. Another restore leaves nothing of them, on both servers.
async fn nothing_is_left(place: &Place, name: &str) {
    let orphans = [
        "SELECT 1 FROM chat_member m LEFT JOIN chat c ON c.tenant = m.tenant AND c.chat_id = m.chat_id WHERE m.tenant = $1 AND c.chat_id IS NULL",
        "SELECT 1 FROM chat_tab m LEFT JOIN chat c ON c.tenant = m.tenant AND c.chat_id = m.chat_id WHERE m.tenant = $1 AND c.chat_id IS NULL",
        "SELECT 1 FROM message m LEFT JOIN chat c ON c.tenant = m.tenant AND c.chat_id = m.chat_id WHERE m.tenant = $1 AND c.chat_id IS NULL",
        "SELECT 1 FROM chat c WHERE c.tenant = $1 AND c.user_count <> (SELECT COUNT(*) FROM chat_member m WHERE m.tenant = c.tenant AND m.chat_id = c.chat_id AND m.kind = 'user')",
    ];
    for sql in orphans {
        assert!(place.rows(sql).await.is_empty(), "{sql}");
    }
    let restore = place.control("POST", &format!("/snapshots/{name}/restore")).body(json!({}));
    restore.send().await.data();
    assert_eq!(changes(place, name).await, json!([]));
    let late = place.control("GET", &format!("/snapshots/diff?a={name}"));
    for data in place.race_same(late).await.all_done() {
        assert_eq!(data["tables"], json!([]), "each server sees it at once");
    }
}

/// One call gets the name; no more are saved than there may be.
pub(super) async fn create(place: Place) {
    let same = place.control("POST", "/snapshots").body(json!({"name": "one"}));
    place.race_same(same).await.won(1, &[5275409]);
    for number in 2..=MOST - 3 {
        save(&place, &format!("s{number}")).await;
    }
    let other =
        |number: usize| place.control("POST", "/snapshots").body(json!({"name": format!("late-{number}")}));
    place.race((0..CALLS).map(other).collect()).await.won(3, &[5275400]);
    assert_eq!(names(&place).await.len(), MOST);
}

/// Deleted once.
pub(super) async fn delete(place: Place) {
    save(&place, "one").await;
    place.race_same(place.control("DELETE", "/snapshots/one")).await.won(1, &[5275404]);
    assert!(names(&place).await.is_empty());
    for table in ["snapshot_part", "snapshot_blob"] {
        let sql = format!("SELECT 1 FROM {table} WHERE tenant = $1 AND name = 'one'");
        assert!(place.rows(&sql).await.is_empty(), "{table}");
    }
}

/// Each call is before a restore or after it.
pub(super) async fn restore(place: Place) {
    save(&place, "one").await;
    let restore = place.control("POST", "/snapshots/one/restore").body(json!({}));
    let answers = place.race(mixed(vec![writes(&place), vec![restore; 4]])).await;
    // A chat has at most twenty custom tabs, which no race reaches.
    answers.done_or(&[]);
    nothing_is_left(&place, "one").await;
}

/// As a restore.
pub(super) async fn reset(place: Place) {
    let reset = place.control("POST", "/reset").body(json!({}));
    let answers = place.race(mixed(vec![writes(&place), vec![reset; 4]])).await;
    answers.done_or(&[]);
    nothing_is_left(&place, "@start").await;
}

/// One call gets the name.
pub(super) async fn upload(place: Place) {
    save(&place, "one").await;
    let file = place.control("GET", "/snapshots/one/file").send().await;
    let request =
        place.control("PUT", "/snapshots/two/file").multipart(&[], ("file", file.text().as_bytes()));
    place.race_same(request).await.won(1, &[5275409]);
    assert_eq!(names(&place).await, ["one", "two"]);
    let shown = place.shown("/snapshots/diff?a=one&b=two").await;
    assert_eq!(shown["tables"], json!([]));
}
