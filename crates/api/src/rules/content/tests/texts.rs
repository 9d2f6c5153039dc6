//! Text messages.

use super::*;
use crate::rules::content::text::Text;

#[test]
fn mentions_become_keys() {
    let content = json!({ "text": "<at user_id=\"ou_1\">Tom</at> <at user_id=\"all\"></at> hi <at user_id=\"ou_bot\">B</at>" });
    let parsed = parse(MsgType::Text, &content.to_string()).expect("valid");
    assert_eq!(parsed.ids(), ["ou_1", "ou_bot"]);
    assert!(parsed.mentions_all());
    let stored = parsed.stored(&resolve).expect("stored");
    assert_eq!(stored.content, r#"{"text":"@_user_1 @_all hi @_user_2"}"#);
    assert_eq!(stored.mentions, [resolve("ou_1").expect("known"), resolve("ou_bot").expect("known")]);
}

#[test]
fn a_person_has_one_key_under_all_ids() {
    let tags = "<at user_id=\"ou_2\"></at><at user_id=\"ou_1\"></at><at user_id=\"on_2\"></at><at user_id=\"ou_2\"></at>";
    let (content, names) = stored(MsgType::Text, &json!({ "text": tags }).to_string());
    assert_eq!(content, r#"{"text":"@_user_1@_user_2@_user_1@_user_1"}"#);
    assert_eq!(names, ["User 2", "User 1"]);
}

#[test]
fn unusual_tags_are_read() {
    for tag in [
        "<at user_id=\"ou_1\">Tom</at>",
        "<at user_id='ou_1'>Tom</at>",
        "<at user_id=ou_1>Tom</at>",
        "<at  user_id = \"ou_1\" >Tom</at >",
        "<at\nuser_id=\"ou_1\"\n>Tom</at>",
        "<at name=\"x\" user_id=\" ou_1 \" id='y'>Tom</at>",
        "<at user_id=\"ou_1\"/>",
        "<at user_id=\"ou_1\" />",
        "<at user_id=ou_1/>",
        "<at user_id=\"ou_1\">a < b</at>",
        "<at user_id=\"ou_1\"><b>T</b></at>",
    ] {
        assert_eq!(text(&format!("文{tag}!")), "文@_user_1!", "{tag}");
    }
}

#[test]
fn other_tags_are_literal() {
    for tag in [
        "<at user_id=\"ou_x\">Tom</at>",
        "<at user_id=\"\">Tom</at>",
        "<at user_id=\"ou_1\">Tom",
        "<at user_id=\"ou_1\"",
        "<at user_id>Tom</at>",
        "<at user_id=\"ou_1>Tom</at>",
        "<at id=\"ou_1\">Tom</at>",
        "<at \"ou_1\">Tom</at>",
        "<atuser_id=\"ou_1\">Tom</at>",
        "<AT user_id=\"ou_1\">Tom</AT>",
        "<at user_id=\"ou_1\">Tom</at2>",
        "<at></at>",
        "<",
        "<at ",
    ] {
        assert_eq!(text(tag), tag);
    }
    assert_eq!(text("<at user_id=\"ou_1\"> <at user_id=\"ou_2\">x</at>"), "<at user_id=\"ou_1\"> @_user_1");
}

#[test]
fn nested_styles_are_dropped() {
    assert_eq!(text("<b>bold<i>, both</i></b> <u>u</u><s>s</s>"), "bold, both us");
    assert_eq!(text("<b><at user_id=\"ou_1\"></at></b>"), "@_user_1");
    for wrong in ["<b>x", "x</b>", "<b><i>x</b></i>", "<B>x</B>", "<p>x</p>", "<b>x</b><i>", "</b><b>"] {
        assert_eq!(text(wrong), wrong, "one wrong tag, and all are literal");
    }
}

#[test]
fn links_stay_and_mails_become_links() {
    for same in [
        "[Feishu](https://open.feishu.cn)",
        "[a@b.cn](mailto:a@b.cn)",
        "[x](http://h.cn/a@b.cn_(c))",
        "https://a@b.cn/x?m=c@d.cn",
        "mailto:a@b.cn",
        "a@b",
        "@b.cn",
        "a@",
        "a@b.c",
        "a@.cn",
        ".a@b.cn",
        "a@b..cn",
        "a@b.c1",
    ] {
        assert_eq!(text(same), same);
    }
    assert_eq!(
        text("to a.b+c@mail.example.com."),
        "to [a.b+c@mail.example.com](mailto:a.b+c@mail.example.com)."
    );
    assert_eq!(text("写给a@b.cn，c@d.cn"), "写给[a@b.cn](mailto:a@b.cn)，[c@d.cn](mailto:c@d.cn)");
    assert_eq!(text("http://x.cn a@b.cn"), "http://x.cn [a@b.cn](mailto:a@b.cn)");
    assert_eq!(text("[a@b.cn](nothing)"), "[[a@b.cn](mailto:a@b.cn)](nothing)");
    assert_eq!(text(&format!("{}@b.cn", "a".repeat(65))), format!("{}@b.cn", "a".repeat(65)));
}

#[test]
fn text_of_all_scripts_is_kept() {
    for same in ["👩‍👩‍👧‍👦 e\u{301} ﷽ שלום \u{202e}abc\u{202c}", "\u{0}\u{1f}\\\"/", "a\nb\tc", "𝒳<b 文>"]
    {
        assert_eq!(text(same), same);
    }
}

#[test]
fn text_that_is_not_valid_is_refused() {
    assert_eq!(refusal(MsgType::Text, ""), "content cannot be empty");
    assert_eq!(refusal(MsgType::Text, "hello"), "content is not a string in json format");
    assert_eq!(refusal(MsgType::Text, "{\"text\":"), "content is not a string in json format");
    for wrong in ["[]", "1", "null", "\"x\"", "{}", "{\"text\":1}", "{\"text\":null}", "{\"Text\":\"x\"}"] {
        assert_eq!(refusal(MsgType::Text, wrong), "content format of the text type is incorrect");
    }
    assert_eq!(refusal(MsgType::Text, "{\"text\":\"\"}"), "content cannot be empty");
}

#[test]
fn a_text_may_have_150_kilobytes() {
    let content = |bytes: usize| format!("{{\"text\":\"{}\"}}", "a".repeat(bytes - 11));
    assert!(parse(MsgType::Text, &content(TEXT_MAX)).is_ok());
    let fault = parse(MsgType::Text, &content(TEXT_MAX + 1)).expect_err("too long");
    assert_eq!(fault.code(), codes::MESSAGE_TOO_LONG);
}

#[test]
fn hostile_text_takes_linear_time() {
    for part in [
        "<at",
        "<at ",
        "<at user_id=\"",
        "<at user_id=\"ou_1\">",
        "<at a='<at b=\"",
        "</at",
        "</at ",
        "[",
        "[]",
        "[a](",
        "[a](http://x",
        "](",
        "![",
        "<b>",
        "</b>",
        "a@",
        "a@b.",
        "://",
        "<",
        "\\",
    ] {
        let long = part.repeat((1 << 20) / part.len());
        let start = std::time::Instant::now();
        let _ = Text::parse(long, true).stored(&mut Mentions::new(&resolve), false);
        // A tenth of a second in a debug build; the square of this length would take minutes.
        assert!(start.elapsed().as_secs() < 5, "{part}");
    }
}
