//! `im/v1/chats/:chat_id/chat_tabs`: the fields of a tab, their limits, and the number of tabs.

use serde_json::{Value, json};

use crate::scenarios::{
    add_tabs, list_tabs, names, refused, tabs_of, tabs_path, text, upload, url_tab, world,
};

#[tokio::test]
async fn the_sample_of_the_page() {
    let world = world().await;
    let icon = upload(&world, &world.token, "message").await;
    let before = tabs_of(&world).await;
    let message = json!({"tab_id": before[0]["tab_id"], "tab_type": "message"});
    assert_eq!(
        before,
        std::slice::from_ref(&message),
        "every chat begins with its message tab, which shows nothing else"
    );

    // The page's example: a doc tab with every kind of content and a config.
    let sample = json!([
        {
            "tab_name": "文档",
            "tab_type": "doc",
            "tab_content": {
                "url": "https://www.feishu.cn",
                "doc": world.document_url,
                "meeting_minute": "https://example.feishu.cn/docs/doccnvIXbV22i6hSD3utar4123dx",
                "task": "https://bytedance.feishu.cn/client/todo/task_list?guid=fa03fb6d-344b-47d9-83e3-049e3b3da931"
            },
            "tab_config": {"icon_key": icon, "is_built_in": false}
        },
        {
            "tab_name": "测试",
            "tab_type": "url",
            "tab_content": {"url": "https://www.test.cn", "doc": "not looked at", "task": "nor this"},
            "tab_config": {"icon_key": icon, "is_built_in": true}
        }
    ]);
    let reply = world.add_tabs(&sample).send().await;
    assert_eq!(reply.json()["msg"], "ok");
    let tabs = reply.data()["chat_tabs"].clone();
    let expected = json!([
        message,
        {
            "tab_id": tabs[1]["tab_id"],
            "tab_name": "文档",
            "tab_type": "doc",
            "tab_content": {"doc": world.document_url}
        },
        {
            "tab_id": tabs[2]["tab_id"],
            "tab_name": "测试",
            "tab_type": "url",
            "tab_content": {"url": "https://www.test.cn"},
            "tab_config": {"icon_key": icon, "is_built_in": true}
        }
    ]);
    assert_eq!(reply.data(), json!({"chat_tabs": expected}));
    for tab in tabs.as_array().expect("a list") {
        let id = text(tab, "tab_id");
        assert!(id.len() == 19 && id.bytes().all(|digit| digit.is_ascii_digit()), "{id}");
    }

    let listed = list_tabs(&world, &world.token, &world.chat_id).send().await;
    assert_eq!(listed.json()["msg"], "ok");
    assert_eq!(listed.data(), json!({"chat_tabs": expected}), "kept as answered, in this order");
}

#[tokio::test]
async fn what_was_not_sent_is_not_shown() {
    let world = world().await;
    let tabs = json!([
        url_tab(),
        {"tab_type": "url", "tab_name": "", "tab_content": {"url": "HTTP://A"}, "tab_config": {}},
        {"tab_type": "url", "tab_name": null, "tab_content": {"url": "https://a", "doc": null}, "tab_config": null},
        {"tab_type": "url", "tab_content": {"url": "https://a"}, "tab_config": {"icon_key": "", "is_built_in": true}},
        {"tab_id": "7101214603622940633", "tab_type": "url", "tab_content": {"url": "https://a", "pin": "x"}, "unknown": {"a": [1]}},
    ]);
    let shown = world.add_tabs(&tabs).send().await.data()["chat_tabs"].clone();
    let members: Vec<Vec<&str>> = shown.as_array().expect("a list").iter().map(names).collect();
    let (plain, configured) =
        (vec!["tab_content", "tab_id", "tab_type"], vec!["tab_config", "tab_content", "tab_id", "tab_type"]);
    assert_eq!(
        members[1..],
        [plain.clone(), configured.clone(), plain.clone(), configured, plain],
        "{shown}"
    );
    assert_eq!(shown[2]["tab_config"], json!({"is_built_in": false}));
    assert_eq!(shown[2]["tab_content"], json!({"url": "HTTP://A"}), "kept as sent");
    assert_eq!(shown[4]["tab_config"], json!({"is_built_in": true}));
    assert_ne!(shown[5]["tab_id"], "7101214603622940633", "ids are given, not taken");
    assert_eq!(shown[5]["tab_content"], json!({"url": "https://a"}));
}

#[tokio::test]
async fn sixty_characters_of_any_script() {
    let world = world().await;
    for character in ["a", "文", "😀", " "] {
        let tab = |count| json!([{"tab_type": "url", "tab_name": character.repeat(count), "tab_content": {"url": "https://a"}}]);
        let shown = world.add_tabs(&tab(60)).send().await.data()["chat_tabs"].clone();
        let last = shown.as_array().expect("a list").last().expect("a tab").clone();
        assert_eq!(last["tab_name"], character.repeat(60), "kept as sent, blanks too");
        refused(&world.add_tabs(&tab(61)).send().await, 232047);
    }
    assert_eq!(tabs_of(&world).await.len(), 5);
}

#[tokio::test]
async fn twenty_custom_tabs_all_or_none() {
    let world = world().await;
    let many = |count| Value::from(vec![url_tab(); count]);
    refused(&world.add_tabs(&many(21)).send().await, 232046);
    assert_eq!(tabs_of(&world).await.len(), 1, "nothing was added");
    world.add_tabs(&many(18)).send().await.data();
    refused(&world.add_tabs(&many(3)).send().await, 232046);
    assert_eq!(tabs_of(&world).await.len(), 19, "not even the two that would have fitted");
    let full = world.add_tabs(&many(2)).send().await.data();
    assert_eq!(full["chat_tabs"].as_array().expect("a list").len(), 21, "the message tab does not count");
    refused(&world.add_tabs(&many(1)).send().await, 232046);
    assert_eq!(tabs_of(&world).await, *full["chat_tabs"].as_array().expect("a list"));
}

#[tokio::test]
async fn built_in_tabs_stand_first_and_do_not_count() {
    let world = world().await;
    let minutes = "https://example.feishu.cn/minutes/obcnq3b9jl72l83w4f149w9c";
    let chat = world
        .chat(json!({
            "members": [world.app_id],
            "tabs": [
                {"tab_type": "pin"}, {"tab_type": "doc_list"}, {"tab_type": "chat_announcement"}, {"tab_type": "task"},
                {"tab_type": "file"}, {"tab_type": "files_resources"}, {"tab_type": "images_videos"},
                {"tab_type": "meeting_minute", "tab_name": "纪要", "target": minutes},
            ]
        }))
        .await;
    let twenty = Value::from(vec![url_tab(); 20]);
    let shown = add_tabs(&world, &world.token, &chat, twenty).send().await.data()["chat_tabs"].clone();
    let types: Vec<&str> = shown
        .as_array()
        .expect("a list")
        .iter()
        .map(|tab| tab["tab_type"].as_str().expect("a type"))
        .collect();
    assert_eq!(
        types[..9],
        [
            "message",
            "pin",
            "doc_list",
            "chat_announcement",
            "task",
            "file",
            "files_resources",
            "images_videos",
            "meeting_minute"
        ]
    );
    assert_eq!(types.len(), 29);
    assert_eq!(names(&shown[1]), ["tab_id", "tab_type"], "no empty tab_content");
    assert_eq!(shown[8]["tab_content"], json!({"meeting_minute": minutes}));
    assert_eq!(shown[8]["tab_name"], "纪要");
}

#[tokio::test]
async fn only_doc_and_url_are_written() {
    let world = world().await;
    let read_only = [
        "message",
        "doc_list",
        "pin",
        "meeting_minute",
        "chat_announcement",
        "file",
        "files_resources",
        "images_videos",
        "task",
    ];
    for tab_type in read_only.into_iter().chain(["web", "URL", ""]) {
        let content = json!({"url": "https://a", "doc": world.document_url, "meeting_minute": "https://a", "task": "https://a"});
        let tabs = json!([url_tab(), {"tab_type": tab_type, "tab_content": content}]);
        let json = refused(&world.add_tabs(&tabs).send().await, 232001);
        assert_eq!(json["error"]["field_violations"][0]["field"], "chat_tabs[*].tab_type", "{json}");
        assert_eq!(json["error"]["field_violations"][0]["value"], tab_type);
    }
    assert_eq!(tabs_of(&world).await.len(), 1, "the url tab beside them was not added either");
}

#[tokio::test]
async fn bad_requests() {
    let world = world().await;
    let post = |body: &str| world.call("POST", &tabs_path(&world.chat_id)).raw(body.to_owned());
    for (body, field, description) in [
        ("", "chat_tabs", "chat_tabs is required"),
        ("{}", "chat_tabs", "chat_tabs is required"),
        (r#"{"chat_tabs":null}"#, "chat_tabs", "chat_tabs is required"),
        (r#"{"chat_tabs":[]}"#, "chat_tabs", "the min len is 1"),
        (r#"{"chat_tabs":[{}]}"#, "chat_tabs[*].tab_type", "chat_tabs[*].tab_type is required"),
        (
            r#"{"chat_tabs":[{"tab_type":null}]}"#,
            "chat_tabs[*].tab_type",
            "chat_tabs[*].tab_type is required",
        ),
    ] {
        let json = refused(&post(body).send().await, 232001);
        let violation = &json["error"]["field_violations"][0];
        assert_eq!(
            (violation["field"].as_str(), violation["description"].as_str()),
            (Some(field), Some(description)),
            "{body}"
        );
    }
    for (body, message) in [
        ("{", "Bad Request"),
        ("[]", "Bad Request"),
        ("not json", "Bad Request"),
        (
            r#"{"chat_tabs":{}}"#,
            "Invalid parameter type in json: chat_tabs. Invalid parameter value: {}. Please check and modify accordingly.",
        ),
        (
            r#"{"chat_tabs":[{"tab_type":"url","tab_name":5}]}"#,
            "Invalid parameter type in json: tab_name. Invalid parameter value: 5. Please check and modify accordingly.",
        ),
        (
            r#"{"chat_tabs":[{"tab_type":"url","tab_config":{"is_built_in":"true"}}]}"#,
            "Invalid parameter type in json: is_built_in. Invalid parameter value: \"true\". Please check and modify accordingly.",
        ),
    ] {
        let reply = post(body).send().await;
        assert_eq!((reply.refused(9499)["msg"].as_str(), reply.status()), (Some(message), 400), "{body}");
    }
    // The path is a parameter, too: text that no store can keep.
    for path in ["/im/v1/chats/oc_%00/chat_tabs/list_tabs", "/im/v1/chats/%00/chat_tabs/list_tabs"] {
        refused(&world.call("GET", path).send().await, 232001);
    }
}

#[tokio::test]
async fn content_must_be_an_address() {
    let world = world().await;
    let content = |tab_type: &str, content: Value| json!([{"tab_type": tab_type, "tab_content": content}]);
    for url in [
        Value::Null,
        json!(""),
        json!("www.feishu.cn"),
        json!("ftp://www.feishu.cn"),
        json!("httpx://a"),
        json!("http:/a"),
        json!("http://"),
        json!("https:///path"),
        json!(" https://a"),
        json!("javascript:alert(1)"),
    ] {
        refused(
            &world.add_tabs(&content("url", json!({"url": url, "doc": world.document_url}))).send().await,
            232048,
        );
        refused(
            &world.add_tabs(&content("doc", json!({"doc": url, "url": "https://a"}))).send().await,
            232048,
        );
    }
    for tab_type in ["url", "doc"] {
        for tab in [
            json!({"tab_type": tab_type}),
            json!({"tab_type": tab_type, "tab_content": null}),
            json!({"tab_type": tab_type, "tab_content": {}}),
        ] {
            refused(&world.add_tabs(&json!([tab])).send().await, 232048);
        }
    }
    // An address, but not of a document.
    for doc in [
        "https://example.com/page",
        "https://example.feishu.cn/",
        "https://example.feishu.cn/docx/",
        "https://a/x/docx/T",
    ] {
        refused(&world.add_tabs(&content("doc", json!({"doc": doc}))).send().await, 232048);
    }
    assert_eq!(tabs_of(&world).await.len(), 1);
    for url in ["http://a", "HTTPS://www.feishu.cn/x?y=z#f", "https://例え.jp/"] {
        world.add_tabs(&content("url", json!({"url": url}))).send().await.data();
    }
    // Neither URLs nor names need to be unique.
    world.add_tabs(&json!([url_tab(), url_tab()])).send().await.data();
    assert_eq!(tabs_of(&world).await.len(), 6);
}
