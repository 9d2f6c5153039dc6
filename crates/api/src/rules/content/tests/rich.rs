//! Rich texts.

use super::*;

/// The stored paragraphs of a rich text with these.
#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
fn paragraphs(content: Value) -> Value {
    let (content, _) = stored(MsgType::Post, &json!({ "zh_cn": { "content": content } }).to_string());
    let mut value: Value = serde_json::from_str(&content).expect("JSON");
    value["content"].take()
}

/// The reason why a node is refused.
#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
fn node_refusal(node: Value) -> String {
    refusal(MsgType::Post, &json!({ "zh_cn": { "content": [[node]] } }).to_string())
}

#[test]
fn nodes_are_stored_in_the_platforms_order() {
    let content = json!({"zh_cn": {"title": "T", "content": [
        [
            {"text": "first", "tag": "text", "style": ["bold", "underline", "blink", "bold"]},
            {"tag": "a", "text": "link", "href": "http://www.feishu.cn", "style": ["bold", "italic"]},
            {"tag": "at", "user_id": "ou_1", "style": ["lineThrough"]},
            {"tag": "at", "user_id": "all"},
            {"tag": "at", "user_id": "ou_x", "user_name": "tom"},
        ],
        [{"tag": "img", "image_key": "img_1"}],
        [{"tag": "media", "file_key": "file_1", "image_key": "img_2"}],
        [{"tag": "media", "file_key": "file_2"}],
        [{"tag": "emotion", "emoji_type": "SMILE"}, {"tag": "text", "text": ""}],
        [{"tag": "hr"}],
        [{"tag": "code_block", "text": "f()\n", "language": "GO"}],
        [],
    ]}});
    let (text, names) = stored(MsgType::Post, &content.to_string());
    let expected = concat!(
        r#"{"title":"T","content":[[{"tag":"text","text":"first","style":["bold","underline"]},"#,
        r#"{"tag":"a","href":"http://www.feishu.cn","text":"link","style":["bold","italic"]},"#,
        r#"{"tag":"at","user_id":"@_user_1","user_name":"","style":["lineThrough"]},"#,
        r#"{"tag":"at","user_id":"@_all","user_name":"","style":[]},"#,
        r#"{"tag":"at","user_id":"ou_x","user_name":"tom","style":[]}],"#,
        r#"[{"tag":"img","image_key":"img_1"}],"#,
        r#"[{"tag":"media","file_key":"file_1","image_key":"img_2"}],[{"tag":"media","file_key":"file_2"}],"#,
        r#"[{"tag":"emotion","emoji_type":"SMILE"},{"tag":"text","text":"","style":[]}],[{"tag":"hr"}],"#,
        r#"[{"tag":"code_block","language":"GO","text":"f()\n"}],[]]}"#,
    );
    assert_eq!(text, expected);
    assert_eq!(names, ["User 1"]);
    let parsed = parse(MsgType::Post, &content.to_string()).expect("valid");
    assert_eq!(parsed.ids(), ["ou_1", "ou_x"]);
    assert!(parsed.mentions_all());
    let resource = |key: &str, kind| Resource { key: key.to_owned(), kind };
    let expected = [
        resource("img_1", ResourceKind::Image),
        resource("file_1", ResourceKind::Mp4),
        resource("img_2", ResourceKind::Image),
        resource("file_2", ResourceKind::Mp4),
    ];
    assert_eq!(parsed.resources(), expected);
}

#[test]
fn one_language_is_stored() {
    let title = |content: &str| {
        let (content, _) = stored(MsgType::Post, content);
        let value: Value = serde_json::from_str(&content).expect("JSON");
        value["title"].as_str().expect("a title").to_owned()
    };
    let body = |title: &str| format!(r#"{{"title":"{title}","content":[[{{"tag":"hr"}}]]}}"#);
    let languages = |names: &[&str]| {
        let bodies: Vec<_> = names.iter().map(|name| format!("\"{name}\":{}", body(name))).collect();
        format!("{{{}}}", bodies.join(","))
    };
    assert_eq!(title(&languages(&["ja_jp", "en_us", "zh_cn"])), "zh_cn");
    assert_eq!(title(&languages(&["fr_fr", "ja_jp", "en_us"])), "en_us");
    assert_eq!(title(&languages(&["fr_fr", "ja_jp"])), "ja_jp");
    assert_eq!(title(&languages(&["ko_kr", "de_de"])), "ko_kr", "the first as sent, not by name");
    assert_eq!(title(&body("bare")), "bare");
    assert_eq!(title(r#"{"zh_cn":{"title":"alone","content":[]}}"#), "alone");
    let (content, _) = stored(MsgType::Post, r#"{"zh_cn":{"title":null,"content":[[{"tag":"hr"}]]}}"#);
    assert_eq!(content, r#"{"title":"","content":[[{"tag":"hr"}]]}"#);
}

#[test]
fn another_form_is_refused() {
    for wrong in [
        r#"{}"#,
        r#"[]"#,
        r#"{"post":{"zh_cn":{"title":"","content":[[{"tag":"hr"}]]}}}"#,
        r#"{"zh_cn":[]}"#,
        r#"{"zh_cn":{}}"#,
        r#"{"zh_cn":{"title":"x"}}"#,
        r#"{"zh_cn":{"title":1,"content":[[{"tag":"hr"}]]}}"#,
        r#"{"zh_cn":{"content":"x"}}"#,
        r#"{"zh_cn":{"content":[{"tag":"hr"}]}}"#,
        r#"{"zh_cn":{"content":[["x"]]}}"#,
        r#"{"zh_cn":{"content":[[{"tag":"text","text":1}]]}}"#,
        r#"{"zh_cn":{"content":[[{"tag":"hr"}]]},"en_us":{}}"#,
    ] {
        assert_eq!(refusal(MsgType::Post, wrong), "content format of the post type is incorrect", "{wrong}");
    }
    let nothing = r#"{"zh_cn":{"title":"","content":[[]]}}"#;
    assert_eq!(refusal(MsgType::Post, nothing), "invalid message content. validate content fail");
}

#[test]
fn a_missing_field_is_named() {
    for (tag, field) in [
        ("text", "text"),
        ("a", "href"),
        ("at", "user_id"),
        ("img", "image_key"),
        ("media", "file_key"),
        ("emotion", "emoji_type"),
        ("code_block", "text"),
        ("md", "text"),
    ] {
        let expected = format!("message_content_{tag}_tag's {field} field can't be nil");
        assert_eq!(node_refusal(json!({ "tag": tag })), expected);
        assert_eq!(node_refusal(json!({ "tag": tag, field: null })), expected);
    }
    let link = json!({ "tag": "a", "href": "https://a.cn" });
    assert_eq!(node_refusal(link), "message_content_a_tag's text field can't be nil");
    assert_eq!(
        node_refusal(json!({ "tag": "at", "user_id": "" })),
        "message_content_at_tag's user_id field can't be nil"
    );
    for wrong in [json!({}), json!({ "tag": "button" }), json!({ "tag": 1 }), json!({ "text": "x" })] {
        assert_eq!(node_refusal(wrong), "message_content has wrong tag");
    }
    let emotion = json!({ "tag": "emotion", "emoji_type": "smile" });
    assert_eq!(node_refusal(emotion), "emotion emoji_type is invalid");
}

#[test]
fn addresses_must_be_valid() {
    let link = |href: &str| json!({ "tag": "a", "text": "x", "href": href });
    for href in ["https://a.cn", "HTTP://a.cn/b?c#d", "mailto:a@b.cn", "tel:123", "lark://x/y"] {
        assert_eq!(paragraphs(json!([[link(href)]]))[0][0]["href"], href);
    }
    for href in
        ["www.a.cn", "/a", "#a", "file:///a", "javascript:x", "https://", "https:a", "http://a b", "x"]
    {
        assert_eq!(node_refusal(link(href)), "invalid href", "{href}");
    }
}

#[test]
fn pictures_videos_and_markdown_are_alone() {
    for node in [
        json!({ "tag": "img", "image_key": "img_1" }),
        json!({ "tag": "media", "file_key": "file_1" }),
        json!({ "tag": "md", "text": "x" }),
    ] {
        let content = json!({ "zh_cn": { "content": [[{ "tag": "text", "text": "x" }, node]] } });
        let reason = "invalid message content. validate content fail";
        assert_eq!(refusal(MsgType::Post, &content.to_string()), reason);
    }
}

#[test]
fn entities_are_decoded_if_asked() {
    let text = |escaped: Value| {
        let node =
            json!({ "tag": "text", "text": "&lt;b&gt; &amp;lt; &#39;&nbsp;&x;&", "un_escape": escaped });
        paragraphs(json!([[node]]))[0][0]["text"].as_str().expect("text").to_owned()
    };
    assert_eq!(text(json!(true)), "<b> &lt; '\u{a0}&x;&");
    assert_eq!(text(json!(false)), "&lt;b&gt; &amp;lt; &#39;&nbsp;&x;&");
}

#[test]
fn a_rich_text_may_have_30_kilobytes() {
    let content = |bytes: usize| {
        let start = r#"{"zh_cn":{"content":[[{"tag":"text","text":""#;
        format!("{start}{}\"}}]]}}}}", "a".repeat(bytes - start.len() - 6))
    };
    assert!(parse(MsgType::Post, &content(RICH_MAX)).is_ok());
    let fault = parse(MsgType::Post, &content(RICH_MAX + 1)).expect_err("too long");
    assert_eq!(fault.code(), codes::MESSAGE_TOO_LONG);
}

#[test]
fn deep_nesting_is_no_json() {
    for kind in [MsgType::Text, MsgType::Post, MsgType::Interactive, MsgType::System] {
        for part in ["[", "{\"content\":[[", "{\"zh_cn\":"] {
            let content = format!("{{\"text\":{}", part.repeat(10_000 / part.len()));
            assert_eq!(refusal(kind, &content), "content is not a string in json format");
        }
    }
}
