//! Rules for every operation: how requests are read, and the switches for it.

use larkspur_api::Settings;
use larkspur_testkit::Lab;
use serde_json::json;

use crate::scenarios::{add_tabs, document, names, refused, text, url_tab, world};

#[tokio::test]
async fn the_generic_code_for_invalid_fields() {
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
    // Errors beyond the schema keep the page's code.
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
    // An empty body is an empty object, with and without a media type; so is a body of blanks.
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
    // Unknown fields are ignored, at any level.
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
async fn malformed_bodies() {
    let world = world().await;
    for body in ["{", "[]", "nul", "1", "\"x\"", "{}x", "{'a':1}", "a=b"] {
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
        "Invalid parameter type in json: locale. Invalid parameter value: 7. Please check and modify accordingly."
    );
    // `null` counts as no body: missing fields are reported, not an unreadable body.
    let nothing = world.call("POST", "/im/v2/tags").raw("null").send().await;
    refused(&nothing, 230001);
    assert_eq!(nothing.violated(), ["create_tag"]);
    // A caller without access is refused for that first.
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

#[tokio::test]
async fn calls_without_a_body_ignore_any_body() {
    let world = world().await;
    let bodies = ["null", "[]", "\"x\"", "{", "a=b", "\0"];
    let chat = format!("/im/v1/chats/{}", world.chat_id);
    for (number, body) in bodies.into_iter().enumerate() {
        for path in [chat.clone(), format!("{chat}/members"), format!("{chat}/chat_tabs/list_tabs")] {
            world.call("GET", &path).raw(body).send().await.data();
        }
        let form = Some("application/x-www-form-urlencoded");
        world.call("GET", "/im/v1/chats").raw(body).content_type(form).send().await.data();
        let notice = format!("{chat}/top_notice/delete_top_notice");
        world.call("POST", &notice).raw(body).send().await.data();
        let open = world
            .call("POST", "/im/v1/chats")
            .body(json!({"chat_type": "public", "name": format!("public {number}")}));
        let made = text(&open.send().await.data(), "chat_id");
        let user = world.user_token(0, json!({})).await;
        let join = format!("/im/v1/chats/{made}/members/me_join");
        world.call("PATCH", &join).token(&user).raw(body).send().await.data();
        world.call("DELETE", &format!("/im/v1/chats/{made}")).raw(body).send().await.data();
    }
    // If a body is required, an unreadable one is refused.
    for path in ["members", "chat_tabs/delete_tabs", "menu_tree"] {
        let path = format!("{chat}/{path}");
        world.call("DELETE", &path).raw("[]").send().await.refused(9499);
        assert_ne!(world.call("DELETE", &path).raw("null").send().await.code(), 9499);
    }
}

#[tokio::test]
async fn a_query_that_does_not_fit_is_the_gateways() {
    let world = world().await;
    let chat = format!("/im/v1/chats/{}", world.chat_id);
    for (path, query, field, description) in [
        ("/im/v1/chats".to_owned(), "page_size=101", "page_size", "the max value is 100"),
        (chat.clone(), "user_id_type=email", "user_id_type", "options: [open_id,union_id,user_id]"),
        (format!("{chat}/members"), "page_size=0", "page_size", "the min value is 1"),
        (format!("{chat}/moderation"), "page_size=many", "page_size", "must be an integer"),
        ("/im/v1/chats/search".to_owned(), "page_size=-1", "page_size", "the min value is 1"),
        (
            "/im/v2/biz_entity_tag_relation".to_owned(),
            "tag_biz_type=chat",
            "biz_entity_id",
            "biz_entity_id is required",
        ),
        ("/drive/v1/permissions/x/members".to_owned(), "", "type", "type is required"),
    ] {
        let reply = world.call("GET", &format!("{path}?{query}")).send().await;
        let json = reply.refused(99992402);
        assert_eq!(json["msg"], "field validation failed");
        let violation = &json["error"]["field_violations"][0];
        assert_eq!(
            (text(violation, "field"), text(violation, "description")),
            (field.to_owned(), description.to_owned())
        );
    }
    // The gateway's code comes first and covers all invalid fields; errors of a body alone have the page's code.
    let both = world.call("POST", "/im/v1/chats?user_id_type=x").body(json!({"chat_type": "secret"}));
    let both = both.send().await;
    both.refused(99992402);
    assert_eq!(both.violated(), ["user_id_type", "chat_type"]);
    refused(&world.call("POST", "/im/v1/chats").body(json!({"chat_type": "secret"})).send().await, 232001);
    // The pages of tags have one code for everything.
    let tags = world.call("GET", "/im/v2/tags").send().await;
    refused(&tags, 230001);
    assert_eq!(tags.violated(), ["ids"]);
    let many = vec!["ids=1"; 41].join("&");
    refused(&world.call("GET", &format!("/im/v2/tags?{many}")).send().await, 230001);
}

#[tokio::test]
async fn a_refusal_says_its_cause() {
    let world = world().await;
    let said = async |lab_world: &crate::scenarios::World, path: &str| {
        let json = lab_world.call("GET", path).send().await.json();
        (json["code"].as_u64().expect("a code"), text(&json, "msg"))
    };
    let page = "/im/v1/chats?page_token=x";
    let cause = "Your request contains an invalid request parameter, ext=invalid page_token";
    assert_eq!(said(&world, page).await, (232001, cause.to_owned()));
    let body = json!({"restricted_mode_setting": {"status": true}});
    let json = world.call("POST", "/im/v1/chats").body(body).send().await.refused(232001);
    assert_eq!(json["msg"], "Your request contains an invalid request parameter, ext=invalid status");
    assert_eq!(json["error"]["field_violations"][0]["field"], "restricted_mode_setting.status");
    world.set_app(&world.app_id, json!({"visible_to": [world.users[0].user_id]})).await;
    let id = &world.users[1].open_id;
    let invite = world.call("POST", "/im/v1/chats").body(json!({"user_id_list": [id]}));
    assert_eq!(
        invite.send().await.refused(232043)["msg"],
        format!("Your request contains unavailable ids, ext=bot is invisible to user ids: [{id}]")
    );
    // Without a known cause, the text is unchanged.
    let text_alone = "Your request specifies a chat_id which is invalid.";
    assert_eq!(said(&world, "/im/v1/chats/oc_x").await, (232006, text_alone.to_owned()));
    // The pages of tags, and that of adding tabs, have one text.
    let json = world.call("POST", "/im/v2/tags").send().await.refused(230001);
    assert_eq!(json["msg"], "param is invalid");
    let json = world.add_tabs(&json!([])).send().await.refused(232001);
    assert_eq!(json["msg"], "Your request contains an invalid request parameter.");

    let settings = Settings { error_causes: false, ..Settings::default() };
    let plain = Lab::with_settings(settings).await.world().await;
    let text_alone = "Your request contains an invalid request parameter.";
    assert_eq!(said(&plain, page).await, (232001, text_alone.to_owned()));
    plain.set_app(&plain.app_id, json!({"visible_to": [plain.users[0].user_id]})).await;
    let id = &plain.users[1].open_id;
    let invite = plain.call("POST", "/im/v1/chats").body(json!({"user_id_list": [id]}));
    assert_eq!(invite.send().await.refused(232043)["msg"], "Your request contains unavailable ids.");
}

#[tokio::test]
async fn invalid_fields_are_named_by_their_whole_path() {
    let world = world().await;
    let chat = format!("/im/v1/chats/{}", world.chat_id);
    let owner = world.user_token(0, json!({})).await;
    let tabs = format!("{chat}/chat_tabs");
    for (request, field) in [
        (world.call("POST", &format!("{chat}/members")).body(json!({"id_list": ["ou_x"]})), "id_list[*]"),
        (
            world.call("POST", &format!("{chat}/managers/add_managers")).token(&owner).body(json!({"manager_ids": ["ou_x"]})),
            "manager_ids[*]",
        ),
        (
            world.call("PUT", &format!("{chat}/moderation")).token(&owner)
                .body(json!({"moderation_setting": "moderator_list", "moderator_removed_list": ["ou_x"]})),
            "moderator_removed_list[*]",
        ),
        (
            world.call("POST", "/im/v2/chats/search").body(json!({"filter": {"member_ids": ["ou_x"]}})),
            "filter.member_ids[*]",
        ),
        (world.call("GET", "/contact/v3/users/ou_x"), "user_id"),
        (world.call("DELETE", &format!("{tabs}/delete_tabs")).body(json!({"tab_ids": ["1"]})), "tab_ids[*]"),
        (
            world.call("POST", &format!("{tabs}/update_tabs"))
                .body(json!({"chat_tabs": [{"tab_id": "1", "tab_type": "url", "tab_content": {"url": "https://a"}}]})),
            "chat_tabs[*].tab_id",
        ),
        (
            world.call("POST", "/im/v1/chats").body(json!({"i18n_names": {"en_us": "x".repeat(256)}})),
            "i18n_names.en_us",
        ),
        (
            world.call("POST", "/im/v2/tags").body(json!({"create_tag": {"tag_type": "tenant", "name": "a",
                "i18n_names": [{"locale": "zh_cn"}, {"locale": "zh-CN"}]}})),
            "create_tag.i18n_names[*].locale",
        ),
    ] {
        let reply = request.send().await;
        assert_eq!(reply.violated(), [field], "{}", reply.text());
    }
}

#[tokio::test]
async fn words_of_a_path_are_no_ids() {
    let world = world().await;
    for path in ["/contact/v3/users/batch", "/contact/v3/users/find_by_department"] {
        let reply = world.call("GET", path).send().await;
        assert_ne!(
            (reply.status(), reply.text().contains("open_id")),
            (400, true),
            "{path} was read as a user's id: {}",
            reply.text()
        );
    }
    // If the word belongs to another operation, the method decides; the parameter does not match it.
    for (method, path) in [
        ("GET", "/contact/v3/users/batch_get_id"),
        ("PUT", "/im/v1/chats/search"),
        ("PUT", "/drive/v1/permissions/x/members/auth"),
    ] {
        let reply = world.call(method, path).body(json!({})).send().await;
        assert_eq!((reply.status(), reply.text()), (404, "404 page not found"), "{method} {path}");
    }
}
