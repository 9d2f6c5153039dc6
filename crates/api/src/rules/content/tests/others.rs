//! Uploads, shared chats and users, dividers, cards; previews.

use super::*;

#[test]
fn uploads_name_what_they_need() {
    for (kind, key, wanted) in [
        (MsgType::Image, "image_key", ResourceKind::Image),
        (MsgType::File, "file_key", ResourceKind::File),
        (MsgType::Audio, "file_key", ResourceKind::Opus),
        (MsgType::Media, "file_key", ResourceKind::Mp4),
        (MsgType::Sticker, "file_key", ResourceKind::Sticker),
    ] {
        let content = json!({ key: "k_1" }).to_string();
        let parsed = parse(kind, &content).expect("valid");
        assert_eq!(parsed.resources(), [Resource { key: "k_1".to_owned(), kind: wanted }]);
        assert_eq!(stored(kind, &content).0, content);
        assert_eq!(refusal(kind, &json!({ key: "" }).to_string()), format!("invalid {key}"));
        for wrong in [json!({}), json!({ key: null }), json!({ key: 1 }), json!({ "key": "x" })] {
            let expected = format!("content format of the {} type is incorrect", kind.as_str());
            assert_eq!(refusal(kind, &wrong.to_string()), expected);
        }
    }
}

#[test]
fn files_are_stored_with_name_and_duration() {
    let content = |kind, content: Value| {
        let parsed = parse(kind, &content.to_string()).expect("valid").with_file("名.mp4", Some(2000));
        parsed.stored(&resolve).expect("stored").content
    };
    let key = json!({ "file_key": "file_1", "other": 1 });
    assert_eq!(content(MsgType::File, key.clone()), r#"{"file_key":"file_1","file_name":"名.mp4"}"#);
    assert_eq!(content(MsgType::Audio, key.clone()), r#"{"file_key":"file_1","duration":2000}"#);
    assert_eq!(content(MsgType::Sticker, key), r#"{"file_key":"file_1"}"#);
    let media = json!({ "image_key": "img_1", "file_key": "file_1" });
    let expected = r#"{"file_key":"file_1","image_key":"img_1","file_name":"名.mp4","duration":2000}"#;
    assert_eq!(content(MsgType::Media, media.clone()), expected);
    let resources = parse(MsgType::Media, &media.to_string()).expect("valid").resources().len();
    assert_eq!(resources, 2, "the file and its cover");
    let bare = json!({ "image_key": "", "file_key": "file_1" });
    assert_eq!(stored(MsgType::Media, &bare.to_string()).0, r#"{"file_key":"file_1"}"#);
}

#[test]
fn upload_types_decide_the_message_type() {
    for (kind, accepted) in [
        (ResourceKind::Image, &[][..]),
        (ResourceKind::File, &["stream", "pdf", "doc", "xls", "ppt"]),
        (ResourceKind::Opus, &["opus"]),
        (ResourceKind::Mp4, &["mp4"]),
        (ResourceKind::Sticker, &["stream", "pdf", "doc", "xls", "ppt", "opus", "mp4"]),
    ] {
        for file_type in ["opus", "mp4", "pdf", "doc", "xls", "ppt", "stream"] {
            assert_eq!(kind.accepts(file_type), accepted.contains(&file_type), "{kind:?} {file_type}");
        }
    }
}

#[test]
fn chats_and_users_are_shared() {
    let chat = parse(MsgType::ShareChat, r#"{"chat_id":"oc_1"}"#).expect("valid");
    assert_eq!((chat.share_chat(), chat.share_user()), (Some("oc_1"), None));
    assert_eq!(stored(MsgType::ShareChat, r#"{"x":1,"chat_id":"oc_1"}"#).0, r#"{"chat_id":"oc_1"}"#);
    let user = parse(MsgType::ShareUser, r#"{"user_id":"ou_1"}"#).expect("valid");
    assert_eq!((user.share_chat(), user.share_user()), (None, Some("ou_1")));
    assert_eq!(stored(MsgType::ShareUser, r#"{"user_id":"ou_1"}"#).0, r#"{"user_id":"ou_1"}"#);
    assert_eq!(refusal(MsgType::ShareChat, r#"{"chat_id":""}"#), "invalid chat_id");
    assert_eq!(refusal(MsgType::ShareUser, "{}"), "content format of the share_user type is incorrect");
}

#[test]
fn cards_stay_as_sent() {
    let card = "{ \"schema\": \"2.0\", \"b\": 1, \"a\": 2 }";
    assert_eq!(parse(MsgType::Interactive, card).expect("valid").card(), Some(card));
    assert_eq!(stored(MsgType::Interactive, card).0, card);
    assert_eq!(refusal(MsgType::Interactive, "[]"), "content format of the interactive type is incorrect");
    assert_eq!(refusal(MsgType::MergeForward, "{}"), "invalid msg_type");
}

#[test]
fn dividers_are_stored_as_templates() {
    let divider =
        |words: Value| json!({ "type": "divider", "params": { "divider_text": words } }).to_string();
    let sent =
        divider(json!({ "text": "新会话", "i18n_text": { "zh_CN": "新话题", "en_US": "New Session" } }));
    let expected = concat!(
        r#"{"template":"{divider_text}","from_user":[],"to_chatters":[],"divider_text":{"text":"新会话","#,
        r#""i18n_text":{"en_us":"New Session","zh_cn":"新话题"}}}"#
    );
    assert_eq!(stored(MsgType::System, &sent).0, expected);
    assert!(parse(MsgType::System, &divider(json!({ "text": "a".repeat(20) }))).is_ok());
    assert!(parse(MsgType::System, &divider(json!({ "text": "文".repeat(10) }))).is_ok());
    for (content, reason) in [
        ("{}".to_owned(), "invalid system message type"),
        (r#"{"type":"welcome"}"#.to_owned(), "invalid system message type"),
        (r#"{"type":"divider"}"#.to_owned(), "divider_text must be set"),
        (r#"{"type":"divider","params":{"divider_text":"x"}}"#.to_owned(), "divider_text must be set"),
        (divider(json!({})), "divider message text cannot be empty"),
        (divider(json!({ "text": "" })), "divider message text cannot be empty"),
        (
            divider(json!({ "text": "a".repeat(21) })),
            "divider message text exceeds the specified length (20)",
        ),
        (
            divider(json!({ "text": "文".repeat(11) })),
            "divider message text exceeds the specified length (20)",
        ),
        (
            divider(json!({ "text": "a", "i18n_text": { "en_US": "" } })),
            "divider message i18n_text cannot be empty",
        ),
        (
            divider(json!({ "text": "a", "i18n_text": { "en_US": "a".repeat(21) } })),
            "divider message i18n_text exceeds the specified length (20)",
        ),
        (
            divider(json!({ "text": "a", "i18n_text": { "xx_XX": "a" } })),
            "divider message i18n_text contains illegal language types",
        ),
    ] {
        assert_eq!(refusal(MsgType::System, &content), reason, "{content}");
    }
}

#[test]
fn previews_are_one_line() {
    for (kind, content, expected) in [
        ("text", r#"{"text":"@_user_1  a\nb\u0007"}"#, "@_user_1 a b"),
        (
            "post",
            r#"{"title":"T","content":[[{"tag":"text","text":"a "},{"tag":"at","user_id":"@_user_1","user_name":""}],
               [{"tag":"img","image_key":"k"}],[],[{"tag":"emotion","emoji_type":"OK"}]]}"#,
            "T a @_user_1 [image] [OK]",
        ),
        ("image", r#"{"image_key":"k"}"#, "[image]"),
        ("file", r#"{"file_key":"k","file_name":"a.txt"}"#, "[file] a.txt"),
        ("audio", r#"{"file_key":"k","duration":1500}"#, "[audio] 1500 ms"),
        ("share_chat", r#"{"chat_id":"oc_1"}"#, "[share_chat] oc_1"),
        (
            "system",
            r#"{"template":"{from_user} invited {to_chatters} to this chat.","from_user":["A"],"to_chatters":["B","C"]}"#,
            "A invited B, C to this chat.",
        ),
        ("system", r#"{"template":"{divider_text}","divider_text":{"text":"New"}}"#, "New"),
        (
            "interactive",
            r#"{"title":null,"elements":[[{"tag":"text","text":"x"},{"tag":"button"}]]}"#,
            "x[button]",
        ),
        (
            "interactive",
            r#"{"header":{"title":{"tag":"plain_text","content":"H"}},"elements":[{"tag":"hr"}]}"#,
            "H",
        ),
        ("interactive", r#"{"schema":"2.0","body":{}}"#, "[interactive]"),
        ("merge_forward", "Merged and Forwarded Message", "Merged and Forwarded Message"),
        ("text", "This message was recalled", "This message was recalled"),
        ("unknown", "{}", "[unknown]"),
    ] {
        assert_eq!(preview(kind, content), expected);
    }
    let long = preview("text", &json!({ "text": "文 ".repeat(1000) }).to_string());
    assert_eq!(long.chars().count(), 200);
    assert!(long.ends_with('…'));
    let whole = "a".repeat(200);
    assert_eq!(preview("text", &json!({ "text": whole }).to_string()), whole);
}
