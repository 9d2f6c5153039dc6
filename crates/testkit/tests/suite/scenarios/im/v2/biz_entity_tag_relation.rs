//! `im/v2/biz_entity_tag_relation`

use larkspur_api::{Settings, TagOwner};
use larkspur_testkit::{Lab, Request, World};
use serde_json::{Value, json};

use crate::scenarios::{names, refused, text, world};

const PATH: &str = "/im/v2/biz_entity_tag_relation";

fn relate(world: &World, method: &str, chat_id: &str, tags: &[&str]) -> Request {
    world.call(method, PATH).body(json!({"tag_biz_type": "chat", "biz_entity_id": chat_id, "tag_ids": tags}))
}

async fn bind(world: &World, tags: &[&str]) {
    assert_eq!(relate(world, "POST", &world.chat_id, tags).send().await.data(), json!({}));
}

fn query(world: &World, chat_id: &str) -> Request {
    world.call("GET", PATH).query("tag_biz_type", "chat").query("biz_entity_id", chat_id)
}

async fn bound(world: &World) -> Vec<Value> {
    let data = query(world, &world.chat_id).send().await.data();
    data["tag_info_with_bind_versions"].as_array().expect("a list").clone()
}

async fn bound_ids(world: &World) -> Vec<String> {
    bound(world).await.iter().map(|one| text(&one["tag_info"], "id")).collect()
}

#[tokio::test]
async fn the_sample_of_the_page() {
    let world = world().await;
    let tag = world.tag("one").await;
    let reply = relate(&world, "POST", &world.chat_id, &[&tag]).send().await;
    assert_eq!(reply.json(), json!({"code": 0, "msg": "success", "data": {}}));

    let reply = query(&world, &world.chat_id).send().await;
    assert_eq!(reply.json()["msg"], "success");
    let info =
        world.call("GET", "/im/v2/tags").query("ids", &tag).send().await.data()["tag_infos"][0].clone();
    let version = text(&reply.data()["tag_info_with_bind_versions"][0], "bind_version");
    assert_eq!(version.len(), 13, "milliseconds: {version}");
    assert_eq!(
        reply.data(),
        json!({"tag_info_with_bind_versions": [{"tag_info": info, "bind_version": version}]})
    );
    assert_eq!(names(&info), ["create_time", "i18n_names", "id", "name", "tag_type", "update_time"]);
    assert_eq!(info["i18n_names"], json!([]), "an empty list is shown");

    let reply = relate(&world, "PUT", &world.chat_id, &[&tag]).send().await;
    assert_eq!(reply.json(), json!({"code": 0, "msg": "success", "data": {}}));
    assert_eq!(query(&world, &world.chat_id).send().await.data(), json!({"tag_info_with_bind_versions": []}));
}

#[tokio::test]
async fn binding_adds_and_put_removes() {
    let world = world().await;
    let (one, two, three) = (world.tag("one").await, world.tag("two").await, world.tag("three").await);
    bind(&world, &[&two]).await;
    let first = bound(&world).await;
    world.advance(60).await;
    bind(&world, &[&one, &two, &one]).await;
    let second = bound(&world).await;
    assert_eq!(bound_ids(&world).await, [two.clone(), one.clone()], "added, each once");
    assert_eq!(second[0], first[0], "bound already: bind_version and tag as they were");
    let version = |one: &Value| text(one, "bind_version").parse::<i64>().expect("a number");
    assert!(version(&second[1]) - version(&second[0]) >= 60_000);
    assert_eq!(
        second[1]["tag_info"]["update_time"], second[1]["tag_info"]["create_time"],
        "binding does not change the tag"
    );

    let put = async |tags: &[&str]| {
        assert_eq!(relate(&world, "PUT", &world.chat_id, tags).send().await.data(), json!({}));
    };
    put(&[&three, &two, &two]).await;
    assert_eq!(bound_ids(&world).await, std::slice::from_ref(&one), "a tag that is not bound is skipped");
    put(&[]).await;
    assert_eq!(bound_ids(&world).await, std::slice::from_ref(&one));
    // Bound again, it is a new binding.
    bind(&world, &[&two]).await;
    let third = bound(&world).await;
    assert_eq!(bound_ids(&world).await, [one, two]);
    assert!(version(&third[1]) > version(&first[0]));
    // A tag can be on many chats.
    let chat = world.chat(json!({})).await;
    relate(&world, "POST", &chat, &[&three]).send().await.data();
    assert_eq!(bound(&world).await.len(), 2);
}

#[tokio::test]
async fn no_tags_are_a_success_after_the_checks() {
    let world = world().await;
    for method in ["POST", "PUT"] {
        for tags in [json!({}), json!({"tag_ids": []}), json!({"tag_ids": null})] {
            let mut body = json!({"tag_biz_type": "chat", "biz_entity_id": world.chat_id});
            body.as_object_mut().expect("an object").extend(tags.as_object().expect("an object").clone());
            assert_eq!(world.call(method, PATH).body(body.clone()).send().await.data(), json!({}));
            body["biz_entity_id"] = json!("oc_unknown");
            refused(&world.call(method, PATH).body(body).send().await, 230001);
        }
    }
}

#[tokio::test]
async fn bad_parameters() {
    let world = world().await;
    let chat = world.chat_id.as_str();
    let many: Vec<String> = (1..=41).map(|n| n.to_string()).collect();
    let cases = [
        (json!({}), vec!["biz_entity_id", "tag_biz_type"]),
        (json!({"tag_biz_type": "chat"}), vec!["biz_entity_id"]),
        (json!({"tag_biz_type": null, "biz_entity_id": chat}), vec!["tag_biz_type"]),
        (json!({"tag_biz_type": "user", "biz_entity_id": chat}), vec!["tag_biz_type"]),
        (json!({"tag_biz_type": "chat", "biz_entity_id": ""}), vec!["biz_entity_id"]),
        (json!({"tag_biz_type": "chat", "biz_entity_id": "x"}), vec!["biz_entity_id"]),
        (json!({"tag_biz_type": "chat", "biz_entity_id": chat, "tag_ids": many}), vec!["tag_ids"]),
        (
            json!({"tag_biz_type": "chat", "biz_entity_id": chat, "tag_ids": ["71616xxxx"]}),
            vec!["tag_ids[*]"],
        ),
        (json!({"tag_biz_type": "chat", "biz_entity_id": chat, "tag_ids": [""]}), vec!["tag_ids[*]"]),
        (json!({"tag_biz_type": "chat", "biz_entity_id": chat, "tag_ids": ["-1"]}), vec!["tag_ids[*]"]),
    ];
    for method in ["POST", "PUT"] {
        for (body, fields) in &cases {
            let reply = world.call(method, PATH).body(body.clone()).send().await;
            refused(&reply, 230001);
            let mut violated = reply.violated();
            violated.sort();
            assert_eq!(violated, *fields, "{method} {body}");
        }
        let fits = json!({"tag_biz_type": "chat", "biz_entity_id": chat, "tag_ids": many[..40]});
        world.call(method, PATH).body(fits).send().await.data();
        for body in [json!({"tag_ids": "1"}), json!({"tag_ids": [1]}), json!({"tag_biz_type": 1})] {
            world.call(method, PATH).body(body).send().await.refused(9499);
        }
    }
    let reply = world.call("GET", PATH).send().await;
    reply.refused(99992402);
    let mut violated = reply.violated();
    violated.sort();
    assert_eq!(violated, ["biz_entity_id", "tag_biz_type"]);
    let wrong = world.call("GET", PATH).query("tag_biz_type", "x").query("biz_entity_id", chat);
    wrong.send().await.refused(99992402);
    query(&world, "").send().await.refused(99992402);
}

#[tokio::test]
async fn which_chats() {
    let world = world().await;
    let other = world.lab.world().await;
    let tag = world.tag("one").await;
    let dissolved = world.chat(json!({"chat_status": "dissolved", "members": [world.app_id]})).await;
    let kept = world.chat(json!({"chat_status": "dissolved_save"})).await;
    let unknown = "oc_00000000000000000000000000000000".to_owned();
    for id in [&other.chat_id, &dissolved, &kept, &unknown, &"oc_x".to_owned()] {
        for method in ["POST", "PUT"] {
            let json = refused(&relate(&world, method, id, &[&tag]).send().await, 230001);
            assert_eq!(json["error"]["field_violations"][0]["field"], "biz_entity_id", "{json}");
        }
        refused(&query(&world, id).send().await, 230001);
    }
    // Neither mode nor membership nor the bot ability matters.
    world.set_app(&world.app_id, json!({"bot": false})).await;
    let two = json!([world.users[0].user_id, world.users[1].user_id]);
    for body in [
        json!({}),
        json!({"chat_mode": "topic"}),
        json!({"chat_mode": "p2p", "members": two}),
        json!({"external": true}),
    ] {
        let chat = world.chat(body).await;
        relate(&world, "POST", &chat, &[&tag]).send().await.data();
        let data = query(&world, &chat).send().await.data();
        assert_eq!(data["tag_info_with_bind_versions"][0]["tag_info"]["id"], tag.as_str());
    }
}

#[tokio::test]
async fn unknown_tags_are_skipped_or_refused() {
    let world = world().await;
    let other = world.lab.world().await;
    let (own, foreign) = (world.tag("one").await, other.tag("one").await);
    bind(&world, &["7", &foreign, &own, "9223372036854775807"]).await;
    assert_eq!(bound_ids(&world).await, std::slice::from_ref(&own));
    assert_eq!(relate(&world, "PUT", &world.chat_id, &["7", &foreign]).send().await.data(), json!({}));

    let strict = Lab::with_settings(Settings { strict_tag_ids: true, ..Settings::default() }).await;
    let world = strict.world().await;
    let own = world.tag("one").await;
    let json = refused(&relate(&world, "POST", &world.chat_id, &[&own, "7"]).send().await, 230001);
    assert_eq!(json["error"]["field_violations"][0]["value"], "7", "{json}");
    assert!(bound(&world).await.is_empty(), "not even the known one");
    bind(&world, &[&own]).await;
}

#[tokio::test]
async fn whose_tags() {
    let one = world().await;
    let (_, second) = one.app(json!({})).await;
    let tag = one.tag("one").await;
    let as_second = |request: Request| request.token(&second);
    as_second(relate(&one, "POST", &one.chat_id, &[&tag])).send().await.data();
    assert_eq!(bound_ids(&one).await, std::slice::from_ref(&tag), "a tag is the tenant's");
    let patch = one.call("PATCH", &format!("/im/v2/tags/{tag}")).body(json!({"patch_tag": {"name": "uno"}}));
    as_second(patch).send().await.data();

    let lab = Lab::with_settings(Settings { tag_owner: TagOwner::App, ..Settings::default() }).await;
    let one = lab.world().await;
    let (_, second) = one.app(json!({})).await;
    let tag = one.tag("one").await;
    let as_second = |request: Request| request.token(&second);
    as_second(relate(&one, "POST", &one.chat_id, &[&tag])).send().await.data();
    assert!(bound(&one).await.is_empty(), "nothing sticks");
    bind(&one, &[&tag]).await;
    let seen = as_second(query(&one, &one.chat_id)).send().await.data();
    assert_eq!(seen, json!({"tag_info_with_bind_versions": []}));
    as_second(relate(&one, "PUT", &one.chat_id, &[&tag])).send().await.data();
    assert_eq!(bound_ids(&one).await, std::slice::from_ref(&tag));
    let listed = as_second(one.call("GET", "/im/v2/tags").query("ids", &tag)).send().await.data();
    assert_eq!(listed, json!({"tag_infos": []}));
    let patch = one.call("PATCH", &format!("/im/v2/tags/{tag}")).body(json!({"patch_tag": {"name": "uno"}}));
    refused(&as_second(patch).send().await, 230001);
    // The name is still taken: names belong to the tenant.
    let body = json!({"create_tag": {"tag_type": "tenant", "name": "one"}});
    let made = as_second(one.call("POST", "/im/v2/tags").body(body)).send().await.data();
    assert_eq!(made, json!({"create_tag_fail_reason": {"duplicate_id": tag}}));
}

#[tokio::test]
async fn as_many_as_the_switch_allows() {
    let lab = Lab::with_settings(Settings { tags_per_chat: 2, ..Settings::default() }).await;
    let world = lab.world().await;
    let (one, two, three) = (world.tag("one").await, world.tag("two").await, world.tag("three").await);
    refused(&relate(&world, "POST", &world.chat_id, &[&one, &two, &three]).send().await, 230001);
    assert!(bound(&world).await.is_empty(), "nothing was bound");
    bind(&world, &[&one, &two]).await;
    bind(&world, &[&two, &one]).await;
    refused(&relate(&world, "POST", &world.chat_id, &[&three]).send().await, 230001);
    relate(&world, "PUT", &world.chat_id, &[&one]).send().await.data();
    bind(&world, &[&three]).await;
    assert_eq!(bound_ids(&world).await, [two, three]);
}
