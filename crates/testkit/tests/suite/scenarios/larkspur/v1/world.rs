//! Worlds and their clocks.

use larkspur_testkit::Lab;
use serde_json::{Value, json};

use super::declined;
use crate::scenarios::{names, text, world};

#[tokio::test]
async fn worlds() {
    let lab = Lab::start().await;
    let made = lab.control("POST", "/worlds").send().await.data();
    assert_eq!(names(&made), ["app_id", "app_secret", "chat_id", "document_url", "tenant_key", "users"]);
    assert_eq!(made["users"].as_array().expect("users").len(), 3);
    assert_eq!(names(&made["users"][0]), ["name", "open_id", "union_id", "user_id"]);
    let empty =
        lab.control("POST", "/worlds").body(json!({"name": "n", "template": "empty"})).send().await.data();
    assert_eq!(names(&empty), ["tenant_key"]);
    declined(
        &lab.control("POST", "/worlds").body(json!({"template": "x"})).send().await,
        5275400,
        "template",
    );

    let key = text(&empty, "tenant_key");
    assert!(key.len() == 16 && key.bytes().all(|digit| digit.is_ascii_hexdigit()), "{key}");
    let shown = lab.control("GET", &format!("/worlds/{key}")).send().await.data();
    let fields = ["calls", "clock_offset_ms", "created_at_ms", "name", "now_ms", "tenant_key"];
    assert_eq!(names(&shown), fields);
    assert_eq!((&shown["name"], &shown["clock_offset_ms"]), (&json!("n"), &json!(0)));
    let listed = lab.control("GET", "/worlds").send().await.data()["worlds"].clone();
    let mut keys: Vec<&str> = listed
        .as_array()
        .expect("worlds")
        .iter()
        .map(|one| one["tenant_key"].as_str().expect("a key"))
        .collect();
    assert!(keys.contains(&key.as_str()) && keys.len() == 2 && keys.is_sorted(), "{keys:?}");
    assert_eq!(lab.control("DELETE", &format!("/worlds/{key}")).send().await.data(), json!({}));
    let listed = lab.control("GET", "/worlds").send().await.data()["worlds"].clone();
    keys.retain(|other| *other != key);
    assert_eq!(listed[0]["tenant_key"], keys[0]);
    assert_eq!(listed.as_array().expect("worlds").len(), 1);
}

#[tokio::test]
async fn the_clock() {
    let world = world().await;
    let put = async |body: Value| world.control("PUT", "/clock").body(body).send().await.data();
    let first = put(json!({"advance_seconds": 3600})).await;
    assert_eq!(first["clock_offset_ms"], 3_600_000);
    let second = put(json!({"advance_seconds": -60})).await;
    assert_eq!(second["clock_offset_ms"], 3_540_000);
    let third = put(json!({"now_ms": 1_700_793_403_850i64})).await;
    assert_eq!(third["now_ms"], 1_700_793_403_850i64);
    // The world uses that time; its token from the future is still valid.
    let tag = world.tag("then").await;
    let shown = world.call("GET", "/im/v2/tags").query("ids", &tag).send().await.data();
    assert!(text(&shown["tag_infos"][0], "create_time").starts_with("17007934"), "{shown}");
    assert_eq!(put(json!({"offset_ms": 0})).await["clock_offset_ms"], 0);
}

/// The age of a world and its use, in the list and alone, and its rows in the store.
#[tokio::test]
async fn a_world_tells_its_size() {
    let lab = Lab::start().await;
    let world = lab.world().await;
    let path = format!("/worlds/{}", world.tenant_key);
    let get = async |query: &str| lab.control("GET", &format!("{path}{query}")).send().await.data();
    let shown = get("").await;
    assert!(shown["created_at_ms"].as_i64() <= shown["now_ms"].as_i64(), "{shown}");
    assert!(shown.get("rows").is_none() && get("?rows=0").await.get("rows").is_none());
    let all = lab.control("GET", "/worlds").send().await.data();
    let mut listed = all["worlds"].as_array().expect("worlds").iter();
    let own = listed.find(|one| one["tenant_key"] == world.tenant_key.as_str()).expect("listed");
    assert_eq!(own["created_at_ms"], shown["created_at_ms"]);

    let before = get("?rows=1").await;
    assert_eq!((&before["rows"]["users"], &before["rows_cut"]), (&json!(3), &json!(false)));
    for name in ["one", "two"] {
        world.tag(name).await;
    }
    let after = get("?rows=1").await;
    assert_eq!(after["rows"]["tag"], 2);
    let sum: i64 = after["rows"].as_object().expect("tables").values().filter_map(Value::as_i64).sum();
    assert_eq!(after["rows_total"], sum);
    assert!(after["rows_total"].as_i64() > before["rows_total"].as_i64());
    declined(&lab.control("GET", &format!("{path}?rows=2")).send().await, 5275400, "rows");
}
