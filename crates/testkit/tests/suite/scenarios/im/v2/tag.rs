//! `im/v2/tags`

use larkspur_api::{DuplicateName, Settings};
use larkspur_testkit::{Lab, World};
use serde_json::{Value, json};

#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
fn create(world: &World, create_tag: Value) -> larkspur_testkit::Request {
    world.call("POST", "/im/v2/tags").body(json!({"create_tag": create_tag}))
}

async fn query(world: &World, ids: &[&str]) -> Vec<Value> {
    let request = ids.iter().fold(world.call("GET", "/im/v2/tags"), |request, id| request.query("ids", id));
    request.send().await.data()["tag_infos"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_tag_is_created_and_queried() {
    let world = Lab::start().await.world().await;
    let names = json!([{"locale": "zh_cn", "name": "标签1"}, {"locale": "en-US"}]);
    let reply = create(&world, json!({"tag_type": "tenant", "name": "default name", "i18n_names": names}))
        .send()
        .await;
    let data = reply.data();
    assert_eq!(reply.json()["msg"], "success");
    assert_eq!(data.as_object().expect("an object").keys().collect::<Vec<_>>(), ["id"]);
    let id = data["id"].as_str().expect("an id");
    assert_eq!(id.len(), 19);

    let found = query(&world, &[id]).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["name"], "default name");
    assert_eq!(found[0]["tag_type"], "tenant");
    assert_eq!(found[0]["i18n_names"], names);
    assert_eq!(found[0]["create_time"], found[0]["update_time"]);
    assert_eq!(found[0]["create_time"].as_str().expect("text").len(), 13);
}

#[tokio::test]
async fn a_taken_name_is_a_success_with_a_reason() {
    let world = Lab::start().await.world().await;
    let first = world.tag("one").await;
    let data = create(&world, json!({"tag_type": "tenant", "name": "one"})).send().await.data();
    assert_eq!(data, json!({"create_tag_fail_reason": {"duplicate_id": first}}));
    for other in ["One", " one", "one "] {
        assert_ne!(world.tag(other).await, first, "names are compared exactly");
    }

    let live =
        Lab::with_settings(Settings { duplicate_name: DuplicateName::Code402, ..Settings::default() }).await;
    let world = live.world().await;
    let (_, second) = (world.tag("one").await, world.tag("two").await);
    let reply = create(&world, json!({"tag_type": "tenant", "name": "one"})).send().await;
    reply.refused(402);
    assert_eq!((reply.status(), reply.json()["msg"].clone()), (200, json!("duplicate name in tenant")));
    let patch = json!({"patch_tag": {"name": "one"}});
    world.call("PATCH", &format!("/im/v2/tags/{second}")).body(patch).send().await.refused(402);
}

#[tokio::test]
async fn every_bad_parameter_is_230001_with_its_field() {
    let world = Lab::start().await.world().await;
    let many: Vec<Value> = (0..41).map(|n| json!({"locale": format!("l{n}")})).collect();
    let cases = [
        (json!({}), vec!["create_tag"]),
        (json!({"create_tag": null}), vec!["create_tag"]),
        (json!({"create_tag": {}}), vec!["create_tag.name", "create_tag.tag_type"]),
        (json!({"create_tag": {"tag_type": "user", "name": "a"}}), vec!["create_tag.tag_type"]),
        (json!({"create_tag": {"tag_type": "tenant", "name": ""}}), vec!["create_tag.name"]),
        (json!({"create_tag": {"tag_type": "tenant", "name": "字".repeat(256)}}), vec!["create_tag.name"]),
        (
            json!({"create_tag": {"tag_type": "tenant", "name": "a", "i18n_names": many}}),
            vec!["create_tag.i18n_names"],
        ),
        (
            json!({"create_tag": {"tag_type": "tenant", "name": "a", "i18n_names": [{"name": "b"}]}}),
            vec!["create_tag.i18n_names[*].locale"],
        ),
        (
            json!({"create_tag": {"tag_type": "tenant", "name": "a", "i18n_names": [{"locale": "zh_cn"}, {"locale": "zh-CN"}]}}),
            vec!["create_tag.i18n_names[*].locale"],
        ),
    ];
    for (body, fields) in cases {
        let reply = world.call("POST", "/im/v2/tags").body(body.clone()).send().await;
        reply.refused(230001);
        assert_eq!(reply.json()["msg"], "param is invalid");
        let mut violated = reply.violated();
        violated.sort();
        assert_eq!(violated, fields, "{body}");
    }
    assert!(create(&world, json!({"tag_type": "tenant", "name": "字".repeat(255)})).send().await.code() == 0);
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    let world = Lab::start().await.world().await;
    let (one, two) = (world.tag("one").await, world.tag("two").await);
    let path = format!("/im/v2/tags/{one}");
    let patch = |body: Value| world.call("PATCH", &path).body(body);

    let before = patch(json!({})).send().await.data()["tag_info"].clone();
    assert_eq!(patch(json!({"patch_tag": {}})).send().await.data()["tag_info"], before);
    assert_eq!(before["name"], "one");

    world.advance(5).await;
    let body =
        json!({"patch_tag": {"id": one, "name": "uno", "i18n_names": [{"locale": "es", "name": "uno"}]}});
    let after = patch(body).send().await.data();
    assert!(after.get("patch_tag_fail_reason").is_none());
    assert_eq!(after["tag_info"]["name"], "uno");
    assert_eq!(after["tag_info"]["create_time"], before["create_time"]);
    assert_ne!(after["tag_info"]["update_time"], before["update_time"]);
    assert_eq!(query(&world, &[&one]).await, [after["tag_info"].clone()], "memory knows the change");

    let cleared = patch(json!({"patch_tag": {"i18n_names": []}})).send().await.data();
    assert_eq!(cleared["tag_info"]["i18n_names"], json!([]));
    assert_eq!(cleared["tag_info"]["name"], "uno");
    assert_eq!(patch(json!({"patch_tag": {"name": "uno"}})).send().await.data()["tag_info"]["name"], "uno");

    let taken = patch(json!({"patch_tag": {"name": "two"}})).send().await.data();
    assert_eq!(taken, json!({"patch_tag_fail_reason": {"duplicate_id": two}}));
    assert_eq!(query(&world, &[&one]).await[0]["name"], "uno", "nothing changed");
    assert!(world.tag("one").await != one, "the old name is free");

    for body in [
        json!({"patch_tag": {"name": ""}}),
        json!({"patch_tag": {"id": two}}),
        json!({"patch_tag": {"i18n_names": [{"locale": ""}]}}),
    ] {
        patch(body).send().await.refused(230001);
    }
    for unknown in ["1", "x", "9223372036854775807"] {
        world.call("PATCH", &format!("/im/v2/tags/{unknown}")).send().await.refused(230001);
    }
}

#[tokio::test]
async fn a_query_answers_in_the_order_asked() {
    let world = Lab::start().await.world().await;
    let (one, two) = (world.tag("one").await, world.tag("two").await);
    let ids = |found: Vec<Value>| {
        found.iter().map(|tag| tag["id"].as_str().expect("id").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(query(&world, &[&two, "7", &one, "x", &two]).await), [two.clone(), one.clone()]);
    for spelling in [
        format!("ids={one},{two}"),
        format!("ids%5B%5D={one}&ids[]={two}"),
        format!("ids[0]={one}&ids[1]={two}"),
    ] {
        let found = world.call("GET", &format!("/im/v2/tags?{spelling}")).send().await.data();
        assert_eq!(found["tag_infos"].as_array().expect("a list").len(), 2, "{spelling}");
    }
    assert_eq!(world.call("GET", "/im/v2/tags?ids=").send().await.data(), json!({"tag_infos": []}));
    let reply = world.call("GET", "/im/v2/tags").send().await;
    reply.refused(230001);
    assert_eq!(reply.violated(), ["ids"]);
    let many: Vec<String> = (1..=41).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(query(&world, &many[..40]).await.is_empty());
    let request = many.iter().fold(world.call("GET", "/im/v2/tags"), |request, id| request.query("ids", id));
    request.send().await.refused(230001);
}

#[tokio::test]
async fn forty_languages_and_no_more() {
    let world = Lab::start().await.world().await;
    let names = |count: usize| -> Vec<Value> {
        (0..count).map(|n| json!({"locale": format!("l{n}"), "name": "名"})).collect()
    };
    let tag = json!({"tag_type": "tenant", "name": "a", "i18n_names": names(40)});
    let data = create(&world, tag).send().await.data();
    let id = data["id"].as_str().expect("an id");
    assert_eq!(query(&world, &[id]).await[0]["i18n_names"], Value::from(names(40)));
    let patch = |names: Vec<Value>| {
        world.call("PATCH", &format!("/im/v2/tags/{id}")).body(json!({"patch_tag": {"i18n_names": names}}))
    };
    let reply = patch(names(41)).send().await;
    reply.refused(230001);
    assert_eq!(reply.violated(), ["patch_tag.i18n_names"]);
    let data = patch(names(40)[..3].to_vec()).send().await.data();
    assert_eq!(data["tag_info"]["i18n_names"], Value::from(names(3)), "replaced, not merged");
}

#[tokio::test]
async fn a_name_is_taken_in_the_whole_tenant_and_in_no_other() {
    let world = Lab::start().await.world().await;
    let (_, second) = world.app(json!({})).await;
    let first = world.tag("one").await;
    let tag = json!({"tag_type": "tenant", "name": "one", "i18n_names": [{"locale": "en", "name": "other"}]});
    let data = create(&world, tag).token(&second).send().await.data();
    assert_eq!(data, json!({"create_tag_fail_reason": {"duplicate_id": first}}), "by another app");
    // Names by language do not count.
    let tag = json!({"tag_type": "tenant", "name": "two", "i18n_names": [{"locale": "en", "name": "one"}]});
    assert!(create(&world, tag).send().await.data()["id"].is_string());
    let other = world.lab.world().await;
    assert_ne!(other.tag("one").await, first);
    assert!(query(&other, &[&first]).await.is_empty());
    other.call("PATCH", &format!("/im/v2/tags/{first}")).send().await.refused(230001);
}

#[tokio::test]
async fn a_patch_of_nothing_leaves_the_time() {
    let world = Lab::start().await.world().await;
    let id = world.tag("one").await;
    let before = query(&world, &[&id]).await;
    world.advance(5).await;
    for body in [json!({}), json!({"patch_tag": {}}), json!({"patch_tag": {"id": id}})] {
        let data = world.call("PATCH", &format!("/im/v2/tags/{id}")).body(body).send().await.data();
        assert_eq!(data, json!({"tag_info": before[0]}));
    }
}

#[tokio::test]
async fn a_bot_id_that_clients_type_is_ignored() {
    let world = Lab::start().await.world().await;
    let body = json!({"create_tag": {"tag_type": "tenant", "name": "one"}, "bot_id": "b"});
    let made = world.call("POST", "/im/v2/tags").body(body).send().await.data();
    let id = made["id"].as_str().expect("an id");
    let body = json!({"patch_tag": {"name": "two"}, "bot_id": "b"});
    let patched = world.call("PATCH", &format!("/im/v2/tags/{id}")).body(body).send().await.data();
    assert_eq!(patched["tag_info"]["name"], "two");
    let relation =
        json!({"tag_biz_type": "chat", "biz_entity_id": world.chat_id, "tag_ids": [id], "bot_id": "b"});
    for method in ["POST", "PUT"] {
        world.call(method, "/im/v2/biz_entity_tag_relation").body(relation.clone()).send().await.data();
    }
}
