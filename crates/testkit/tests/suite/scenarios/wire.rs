//! What holds for every operation: how requests are read, and the switches for it.

use larkspur_api::Settings;
use larkspur_testkit::Lab;
use serde_json::json;

use super::{add_tabs, document, names, refused, text, url_tab, world};

#[tokio::test]
async fn the_generic_code_for_what_does_not_fit() {
    let settings = Settings { generic_field_validation: true, ..Settings::default() };
    let world = Lab::with_settings(settings).await.world().await;
    let (token, _) = document(&world, json!({"owner": world.app_id})).await;
    let many: Vec<String> = (1..=41).map(|n| n.to_string()).collect();
    for (request, field, description) in [
        (world.call("POST", "/im/v2/tags"), "create_tag", "create_tag is required"),
        (world.call("GET", "/im/v2/tags"), "ids", "ids is required"),
        (
            world
                .call("POST", "/im/v2/biz_entity_tag_relation")
                .body(json!({"tag_biz_type": "chat", "biz_entity_id": world.chat_id, "tag_ids": many})),
            "tag_ids",
            "the max len is 40",
        ),
        (world.add_tabs(&json!([])), "chat_tabs", "the min len is 1"),
        (
            world.call("POST", "/im/v1/chats").body(json!({"chat_mode": "p2p"})),
            "chat_mode",
            "options: [group,topic]",
        ),
        (
            world
                .call("POST", &format!("/drive/v1/permissions/{token}/members"))
                .query("type", "docx")
                .body(json!({"member_type": "userid", "member_id": "x", "perm": "own"})),
            "perm",
            "options: [view,edit,full_access]",
        ),
        (
            world.call("POST", "/im/v1/images").multipart(&[], ("image", b"x")),
            "image_type",
            "image_type is required",
        ),
    ] {
        let json = refused(&request.send().await, 99992402);
        let violation = &json["error"]["field_violations"][0];
        assert_eq!(
            (text(violation, "field"), text(violation, "description")),
            (field.to_owned(), description.to_owned())
        );
    }
    // What the schema does not say keeps the page's code.
    refused(
        &world.call("PATCH", "/im/v2/tags/1").body(json!({"patch_tag": {"name": "x"}})).send().await,
        230001,
    );
    refused(&world.add_tabs(&json!([{"tab_type": "pin"}])).send().await, 232001);
}

#[tokio::test]
async fn commas_join_or_do_not() {
    let lab = Lab::with_settings(Settings { comma_lists: false, ..Settings::default() }).await;
    let world = lab.world().await;
    let (one, two) = (world.tag("one").await, world.tag("two").await);
    let found = async |query: &str| {
        let data = world.call("GET", &format!("/im/v2/tags?{query}")).send().await.data();
        data["tag_infos"].as_array().expect("a list").len()
    };
    assert_eq!(found(&format!("ids={one},{two}")).await, 0, "one unknown id");
    assert_eq!(found(&format!("ids={one}&ids={two}")).await, 2);
    assert_eq!(found(&format!("ids[]={one}&ids%5B%5D={two}")).await, 2);
}

#[tokio::test]
async fn bodies_in_any_dress() {
    let world = world().await;
    let tags = "/im/v2/tags";
    for (n, content_type) in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/json;charset=gbk"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = format!(" \r\n{{\"create_tag\" : {{\"tag_type\":\"tenant\",\"name\":\"n{n}\"}} }}\n");
        let reply = world.call("POST", tags).raw(body).content_type(content_type).send().await;
        assert_eq!(names(&reply.data()), ["id"], "{content_type:?}");
        assert_eq!(reply.response.content_type, "application/json; charset=utf-8");
    }
    // An empty body is an empty object, with and without a type; so is nothing but blanks.
    let tag = world.tag("one").await;
    for body in [
        "",
        "{}",
        " \n",
        r#"{"patch_tag":null}"#,
        r#"{"patch_tag":{"name":null,"i18n_names":null,"id":null}}"#,
    ] {
        for content_type in [None, Some("application/json; charset=utf-8")] {
            let request = world.call("PATCH", &format!("{tags}/{tag}")).raw(body).content_type(content_type);
            assert_eq!(request.send().await.data()["tag_info"]["name"], "one");
        }
    }
    // Unknown members are no matter, on any level.
    let body = json!({
        "create_tag": {"tag_type": "tenant", "name": "extra", "bot_id": "cli_x", "color": {"r": 1},
                       "i18n_names": [{"locale": "zh_cn", "name": "a", "more": []}]},
        "patch_tag": 5
    });
    let id = text(&world.call("POST", tags).body(body).send().await.data(), "id");
    let shown =
        world.call("GET", tags).query("ids", &id).query("color", "red").body(json!({})).send().await.data();
    assert_eq!(shown["tag_infos"][0]["i18n_names"], json!([{"locale": "zh_cn", "name": "a"}]));
}

#[tokio::test]
async fn bodies_that_are_none() {
    let world = world().await;
    for body in ["{", "[]", "null", "1", "\"x\"", "{}x", "{'a':1}", "a=b"] {
        let reply = world.call("POST", "/im/v2/tags").raw(body).send().await;
        assert_eq!(
            (reply.refused(9499)["msg"].as_str(), reply.status()),
            (Some("Bad Request"), 400),
            "{body}"
        );
    }
    let body = json!({"create_tag": {"tag_type": "tenant", "name": "a", "i18n_names": [{"locale": 7}]}});
    let json = world.call("POST", "/im/v2/tags").body(body).send().await.refused(9499);
    assert_eq!(
        json["msg"],
        "Invalid parameter type in json: create_tag.i18n_names[*].locale. Invalid parameter value: 7. Please check and modify accordingly."
    );
    // Who may not call at all is told so first.
    refused(&world.call("POST", "/im/v2/tags").raw("{").anonymous().send().await, 99991661);
    refused(&add_tabs(&world, "t-forged", "x", json!([url_tab()])).send().await, 99991663);
    refused(&add_tabs(&world, "u-forged", "x", json!([url_tab()])).send().await, 99991668);
}

#[tokio::test]
async fn what_a_refusal_says() {
    let world = world().await;
    let json = refused(&world.call("POST", "/im/v2/tags").send().await, 230001);
    assert_eq!(names(&json), ["code", "error", "msg"]);
    assert_eq!(names(&json["error"]), ["field_violations", "log_id", "troubleshooter"]);
    let violation = json!([{"field": "create_tag", "description": "create_tag is required"}]);
    assert_eq!(json["error"]["field_violations"], violation);
    let log_id = text(&json["error"], "log_id");
    let troubleshooter = text(&json["error"], "troubleshooter");
    assert!(
        troubleshooter.starts_with(&format!(
            "排查建议查看(Troubleshooting suggestions): https://open.feishu.cn/search?from=openapi&log_id={log_id}&code=230001&method_id="
        )),
        "{troubleshooter}"
    );
    let unknown = world.call("POST", "/im/v2/tag").send().await;
    assert_eq!((unknown.status(), unknown.text()), (404, "404 page not found"));
    let wrong = world.call("PUT", "/im/v2/tags").send().await;
    assert_eq!(
        (wrong.status(), wrong.text(), wrong.response.content_type.as_ref()),
        (404, "404 page not found", "text/plain")
    );
}
