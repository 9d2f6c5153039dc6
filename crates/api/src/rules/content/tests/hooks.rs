//! Content of custom bots and of batch messages.

use super::*;

#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
fn hook(kind: MsgType, content: Value) -> String {
    webhook(kind, &content).expect("valid").stored(&resolve).expect("stored").content
}

#[test]
fn texts_of_custom_bots_have_no_styles() {
    let text = "<b>x</b> <at user_id=\"ou_1\">A</at><at user_id=\"ou_x\">B</at><at user_id=\"all\">C</at>";
    let expected = r#"{"text":"<b>x</b> @_user_1B@_all"}"#;
    assert_eq!(hook(MsgType::Text, json!({ "text": text })), expected, "an unknown ID shows the name");
    for wrong in [json!({}), json!({ "text": "" }), json!({ "text": 1 }), json!([]), Value::Null] {
        assert_eq!(webhook(MsgType::Text, &wrong), Err(Malformed::Content));
    }
    assert_eq!(webhook(MsgType::Text, &json!("{\"text\":\"x\"}")), Err(Malformed::Text));
}

#[test]
fn rich_texts_of_custom_bots_are_wrapped() {
    let post = |node: Value| json!({ "post": { "zh_cn": { "title": "T", "content": [[node]] } } });
    let expected = r#"{"title":"T","content":[[{"tag":"at","user_id":"ou_x","user_name":"A","style":[]}]]}"#;
    assert_eq!(
        hook(MsgType::Post, post(json!({ "tag": "at", "user_id": "ou_x", "user_name": "A" }))),
        expected
    );
    for wrong in [
        post(json!({ "tag": "text", "text": "x", "style": [] })),
        post(json!({ "tag": "md", "text": "x" })),
        post(json!({ "tag": "hr" })),
        json!({ "post": { "zh_cn": { "title": "", "content": [] } } }),
        json!({ "zh_cn": { "title": "T", "content": [[]] } }),
        json!({ "post": "x" }),
    ] {
        assert_eq!(webhook(MsgType::Post, &wrong), Err(Malformed::Content), "{wrong}");
    }
}

#[test]
fn other_messages_of_custom_bots() {
    assert_eq!(hook(MsgType::Image, json!({ "image_key": "img_1" })), r#"{"image_key":"img_1"}"#);
    let chat = webhook(MsgType::ShareChat, &json!({ "share_chat_id": "oc_1" })).expect("valid");
    assert_eq!(chat.share_chat(), Some("oc_1"));
    assert_eq!(webhook(MsgType::ShareChat, &json!({ "chat_id": "oc_1" })), Err(Malformed::Content));
    assert_eq!(hook(MsgType::Interactive, json!({ "elements": [] })), r#"{"elements":[]}"#);
    assert_eq!(hook(MsgType::Interactive, json!("{\"elements\": []}")), "{\"elements\": []}");
    for wrong in [Value::Null, json!([]), json!("x"), json!("[]")] {
        assert_eq!(webhook(MsgType::Interactive, &wrong), Err(Malformed::Card));
    }
    for kind in
        [MsgType::File, MsgType::Audio, MsgType::Media, MsgType::Sticker, MsgType::ShareUser, MsgType::System]
    {
        assert_eq!(webhook(kind, &json!({})), Err(Malformed::Kind));
    }
    let long = json!({ "text": "x".repeat(RICH_MAX) });
    assert_eq!(webhook(MsgType::Text, &long), Err(Malformed::TooLong));
    let long = json!({ "x": "x".repeat(RICH_MAX) });
    assert_eq!(webhook(MsgType::Interactive, &long), Err(Malformed::TooLong));
}

#[test]
fn batch_messages_have_no_styles_either() {
    let stored = |kind, content: Value| {
        batch(kind, &content).expect("valid").stored(&resolve).expect("stored").content
    };
    let text = json!({ "text": "<b>x</b><at user_id=\"ou_x\">B</at>" });
    let expected = r#"{"text":"<b>x</b><at user_id=\"ou_x\">B</at>"}"#;
    assert_eq!(stored(MsgType::Text, text), expected, "an unknown ID is literal");
    let node = json!({ "tag": "text", "text": "x", "style": ["bold"] });
    let post = json!({ "post": { "zh_cn": { "content": [[node]] } } });
    let expected = r#"{"title":"","content":[[{"tag":"text","text":"x","style":[]}]]}"#;
    assert_eq!(stored(MsgType::Post, post), expected);
    assert_eq!(batch(MsgType::File, &json!({ "file_key": "x" })), Err(Malformed::Kind));
}
