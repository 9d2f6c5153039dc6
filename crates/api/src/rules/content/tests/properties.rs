//! Any content: nothing panics, and what was read back can be sent again.

use proptest::prelude::*;

use super::*;

/// A part of a text that does not change its neighbors.
fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[\\PC&&[^<@\\[]]{0,8}",
        2 => "[א-ת\u{300}-\u{36f}👩‍🚀🇨🇳文 ]{0,6}",
        2 => (1..9u8, "[^<@]{0,4}").prop_map(|(n, name)| format!("<at user_id=\"ou_{n}\">{name}</at>")),
        1 => (1..9u8).prop_map(|n| format!("<at user_id='on_{n}'/>")),
        1 => Just("<at user_id=\"all\"></at>".to_owned()),
        1 => Just("<at user_id=\"ou_x\">X</at>".to_owned()),
        1 => "[a-z ]{0,4}".prop_map(|text| format!("<b>{text}<i>i</i></b>")),
        1 => Just("[t](https://a.cn/b@c.cn)".to_owned()),
        1 => Just("me@example.com".to_owned()),
        1 => Just("https://x@y.cn ".to_owned()),
    ]
}

/// Puts mentions in place of keys again, as a program does that sends what it has read.
fn with_tags(text: &str, mentions: &[Mentioned]) -> String {
    let mut text = text.replace("@_all", "<at user_id=\"all\"></at>");
    for (place, mentioned) in mentions.iter().enumerate().rev() {
        let tag = format!("<at user_id=\"{}\">{}</at>", id_of(mentioned), mentioned.name);
        text = text.replace(&format!("@_user_{}", place + 1), &tag);
    }
    text
}

fn id_of(mentioned: &Mentioned) -> String {
    match &mentioned.party {
        Party::User { number, .. } => format!("ou_{number}"),
        Party::Bot(_) => "ou_bot".to_owned(),
    }
}

fn node() -> impl Strategy<Value = Value> {
    let style = proptest::sample::subsequence(vec!["bold", "underline", "lineThrough", "italic", "x"], 0..=5);
    prop_oneof![
        ("\\PC{0,8}", style.clone())
            .prop_map(|(text, style)| json!({ "tag": "text", "text": text, "style": style })),
        ("\\PC{0,8}", style).prop_map(
            |(text, style)| json!({ "tag": "a", "text": text, "href": "https://a.cn", "style": style })
        ),
        (1..9u8).prop_map(|n| json!({ "tag": "at", "user_id": format!("ou_{n}") })),
        "\\PC{0,4}".prop_map(|name| json!({ "tag": "at", "user_id": "ou_x", "user_name": name })),
        Just(json!({ "tag": "at", "user_id": "all" })),
        Just(json!({ "tag": "emotion", "emoji_type": "OK" })),
        Just(json!({ "tag": "hr" })),
        "\\PC{0,8}".prop_map(|text| json!({ "tag": "code_block", "text": text })),
    ]
}

fn paragraph() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => proptest::collection::vec(node(), 0..4).prop_map(Value::from),
        1 => Just(json!([{ "tag": "img", "image_key": "img_1" }])),
        1 => Just(json!([{ "tag": "media", "file_key": "file_1", "image_key": "img_1" }])),
        2 => markdown_text().prop_map(|text| json!([{ "tag": "md", "text": text }])),
    ]
}

/// Markdown marks in any order.
fn markdown_text() -> impl Strategy<Value = String> {
    let parts = [
        "*",
        "**",
        "***",
        "~",
        "~~",
        "`",
        "```",
        "[",
        "]",
        "(",
        ")",
        "](",
        "![",
        "\\",
        "> ",
        "- ",
        "---",
        "\n",
        " ",
        "a",
        "文",
        "https://a.cn",
        "img_1",
        "<at user_id=\"ou_1\">",
        "</at>",
        "<at user_id=\"cli_1\">",
        "\u{301}",
        "👩‍🚀",
    ];
    proptest::collection::vec(proptest::sample::select(parts.to_vec()), 0..24)
        .prop_map(|parts| parts.concat())
}

/// Marks of styles, lists and quotes.
fn mark() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["*", "**", "***", "~", "~~", "\\", "> ", "- ", " ", "\n", "a", "文"])
}

proptest! {
    #[test]
    fn a_text_that_was_read_can_be_sent_again(parts in proptest::collection::vec(part(), 1..12)) {
        let content = json!({ "text": format!("x{}", parts.concat()) }).to_string();
        let first = parse(MsgType::Text, &content).expect("valid").stored(&resolve).expect("stored");
        let value: Value = serde_json::from_str(&first.content).expect("JSON");
        let again = with_tags(value["text"].as_str().expect("text"), &first.mentions);
        let again = json!({ "text": again }).to_string();
        let second = parse(MsgType::Text, &again).expect("valid").stored(&resolve).expect("stored");
        prop_assert_eq!(first, second);
    }

    #[test]
    fn a_rich_text_that_was_read_can_be_sent_again(rows in proptest::collection::vec(paragraph(), 0..5)) {
        let content = json!({ "ja_jp": { "title": "T", "content": rows } }).to_string();
        let first = parse(MsgType::Post, &content).expect("valid").stored(&resolve).expect("stored");
        let mut again: Value = serde_json::from_str(&first.content).expect("JSON");
        let rows = again["content"].as_array_mut().expect("paragraphs");
        for node in rows.iter_mut().filter_map(Value::as_array_mut).flatten().filter(|node| node["tag"] == "at") {
            let id = node["user_id"].as_str().expect("an ID");
            let place = id.strip_prefix("@_user_").and_then(|place| place.parse::<usize>().ok());
            let id = place.map(|place| id_of(&first.mentions[place - 1]));
            if let Some(id) = id.or_else(|| (node["user_id"] == "@_all").then(|| "all".to_owned())) {
                node["user_id"] = id.into();
            }
        }
        let second = parse(MsgType::Post, &again.to_string()).expect("valid").stored(&resolve).expect("stored");
        prop_assert_eq!(first, second);
    }

    #[test]
    fn any_text_is_read_without_panic(text in "[<>@\\[\\]()/:.=\"'atuser_idmo\\PC\n]{1,60}") {
        let (content, _) = stored(MsgType::Text, &json!({ "text": text }).to_string());
        prop_assert!(!preview("text", &content).contains('\n'));
    }

    #[test]
    fn any_content_is_judged_without_panic(content in "[\\[\\]{}:,\"a-z_0\\PC]{0,60}") {
        for kind in [MsgType::Text, MsgType::Post, MsgType::Media, MsgType::System, MsgType::ShareChat] {
            let _ = parse(kind, &content);
            let _ = preview(kind.as_str(), &content);
        }
    }

    #[test]
    fn marks_of_markdown_lose_no_letters(parts in proptest::collection::vec(mark(), 0..24)) {
        let text = parts.concat();
        let content = json!({ "title": "T", "content": [[{ "tag": "md", "text": text.clone() }]] }).to_string();
        let (content, _) = stored(MsgType::Post, &content);
        let count = |text: &str| text.matches('文').count();
        prop_assert_eq!(count(&content), count(&text));
    }
}
