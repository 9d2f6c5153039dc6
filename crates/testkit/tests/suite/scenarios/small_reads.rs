//! Data that programs read once at start: the tenant, the source addresses of events, and the number of connections.

use larkspur_api::Settings;
use larkspur_testkit::Lab;
use serde_json::json;

use crate::scenarios::{names, refused_as, text, world};

#[tokio::test]
async fn the_tenant_of_a_token() {
    let world = world().await;
    let reply = world.call("GET", "/tenant/v2/tenant/query").send().await;
    let tenant = reply.data()["tenant"].clone();
    assert_eq!(names(&tenant), ["avatar", "display_id", "name", "tenant_key", "tenant_tag"]);
    let made = world.control("GET", "").send().await.data();
    assert_eq!((&tenant["name"], &tenant["tenant_key"]), (&made["name"], &json!(world.tenant_key)));
    assert_eq!(tenant["tenant_tag"], 0);
    let number = text(&tenant, "display_id");
    assert!(
        number.len() == 10 && number.starts_with('F') && number[1..].bytes().all(|c| c.is_ascii_digit()),
        "{number}"
    );
    assert_eq!(names(&tenant["avatar"]), ["avatar_240", "avatar_640", "avatar_72", "avatar_origin"]);
    assert!(text(&tenant["avatar"], "avatar_240").contains("240x240"));
    let again = world.call("GET", "/tenant/v2/tenant/query").send().await.data();
    assert_eq!(again["tenant"], tenant);
    let other = world.lab.world().await;
    let theirs = other.call("GET", "/tenant/v2/tenant/query").send().await.data();
    assert_ne!(theirs["tenant"]["display_id"], tenant["display_id"]);
}

#[tokio::test]
async fn where_events_come_from() {
    let alone = world().await.call("GET", "/event/v1/outbound_ip").send().await.data();
    assert_eq!(alone, json!({"ip_list": ["127.0.0.1"], "has_more": false}));
    let ips: Vec<String> = (1..=13).map(|number| format!("192.0.2.{number}")).collect();
    let settings = Settings { outbound_ips: ips.clone(), ..Settings::default() };
    let world = Lab::with_settings(settings).await.world().await;
    let ask = |size: &str, token: &str| {
        world.call("GET", "/event/v1/outbound_ip").query("page_size", size).query("page_token", token)
    };
    let first = ask("", "").send().await.data();
    assert_eq!((&first["ip_list"], &first["has_more"]), (&json!(ips[..10]), &json!(true)));
    let rest = ask("10", &text(&first, "page_token")).send().await.data();
    assert_eq!(rest, json!({"ip_list": ips[10..], "has_more": false}));
    assert_eq!(ask("50", "").send().await.data(), json!({"ip_list": ips, "has_more": false}));
    assert_eq!(ask("13", "").send().await.data()["has_more"], false);
    refused_as(&ask("10", "0a").send().await, 1810001, "param is invalid");
    for size in ["0", "51"] {
        ask(size, "").send().await.refused(99992402);
    }
}

#[tokio::test]
async fn no_long_connection_is_open() {
    let world = world().await;
    let (_, token) = world.app(json!({"scopes": []})).await;
    let reply = world.call("GET", "/event/v1/connection").token(&token).send().await;
    assert_eq!(reply.json(), json!({"code": 0, "msg": "", "data": {"online_instance_cnt": 0}}));
    let user = world.user_token(0, json!({})).await;
    world.call("GET", "/event/v1/connection").token(&user).send().await.refused(99991668);
}
