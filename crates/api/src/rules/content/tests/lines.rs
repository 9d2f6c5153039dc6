//! Markdown in rich texts.

use super::*;
use crate::rules::content::markdown;

/// Paragraphs in short: `text`, `B:bold`, `a:text|href`, `at:…`, `img:…`, `code:language|text`, `hr`.
fn short(text: &str) -> Vec<String> {
    let (content, _) =
        stored(MsgType::Post, &json!({ "content": [[{ "tag": "md", "text": text }]] }).to_string());
    let value: Value = serde_json::from_str(&content).expect("JSON");
    let node = |node: &Value| {
        let member = |name: &str| node[name].as_str().unwrap_or_default().to_owned();
        let style: String =
            node["style"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        match member("tag").as_str() {
            "text" if style.is_empty() => member("text"),
            "text" => format!("{style}:{}", member("text")),
            "a" => format!("a:{}|{}", member("text"), member("href")),
            "at" => format!("at:{}", member("user_id")),
            "img" => format!("img:{}", member("image_key")),
            "code_block" => format!("code:{}|{}", member("language"), member("text")),
            tag => tag.to_owned(),
        }
    };
    let rows = value["content"].as_array().expect("paragraphs");
    rows.iter()
        .map(|row| row.as_array().expect("nodes").iter().map(node).collect::<Vec<_>>().join("; "))
        .collect()
}

#[test]
fn the_pages_sample_becomes_nodes() {
    let sample = "**mention user:**<at user_id=\"ou_1\">Tom</at>\n**href:**[Open Platform](https://open.feishu.cn)\n\
                  ```GO\nfunc main() int64 {\n    return 0\n}\n```\n\
                  **text styles:** **bold**, *italic*, ***bold and italic***, ~underline~,~~lineThrough~~\n\
                  > quote content\n\n1. item1\n    1. item1.1\n --- \n- item1\n    - item1.1";
    let expected = [
        "bold:mention user:; at:@_user_1",
        "bold:href:; a:Open Platform|https://open.feishu.cn",
        "code:GO|func main() int64 {\n    return 0\n}",
        "bold:text styles:;  ; bold:bold; , ; italic:italic; , ; bolditalic:bold and italic; , ; \
         underline:underline; ,; lineThrough:lineThrough",
        "quote content",
        "",
        "1. item1",
        "    1. item1.1",
        "hr",
        "- item1",
        "    - item1.1",
    ];
    assert_eq!(short(sample), expected);
}

#[test]
fn what_is_no_markdown_is_text() {
    for same in [
        "2 * 3 * 4",
        "* item",
        "**open",
        "a ** b ** c",
        "~ a ~",
        "****x****",
        "~~~x~~~",
        "[x]",
        "[x](",
        "![x](y)",
        "![x](https://a.cn/b.png)",
        "<at>",
        "a_b_c",
        "# title",
        ">quote",
        "--",
        "\\",
        "*",
    ] {
        assert_eq!(short(same), [same]);
    }
    assert_eq!(short("\\*x\\* \\[y](z)"), ["*x* [y](z)"], "a backslash takes the meaning of a mark");
    assert_eq!(short("a\r\nb"), ["a", "b"]);
    assert_eq!(short("[only text](./relative) x"), ["only text x"]);
    assert_eq!(short("**[x](https://a.cn)**"), ["bold:[x](https://a.cn)"], "a style has no elements in it");
}

#[test]
fn pictures_and_code_are_paragraphs() {
    assert_eq!(short("a ![x](img_v3_1) b"), ["a ", "img:img_v3_1", " b"]);
    assert_eq!(short("![x](img_v3_1)![](img_v3_2)"), ["img:img_v3_1", "img:img_v3_2"]);
    assert_eq!(short("```\n**x**\n```"), ["code:|**x**"]);
    assert_eq!(
        short("```rust\nopen\n"),
        ["code:rust|open\n"],
        "a block without an end is code to the last line"
    );
    assert_eq!(short("```x```"), ["code:|x"]);
    let content = json!({ "content": [[{ "tag": "md", "text": "![x](img_v3_1)" }]] }).to_string();
    let parsed = parse(MsgType::Post, &content).expect("valid");
    assert_eq!(parsed.resources(), [Resource { key: "img_v3_1".to_owned(), kind: ResourceKind::Image }]);
}

#[test]
fn unknown_users_are_refused_and_other_unknown_ids_literal() {
    let content =
        |id: &str| json!({ "content": [[{ "tag": "md", "text": format!("<at user_id=\"{id}\">A</at>") }]] });
    let parsed = parse(MsgType::Post, &content("ou_x").to_string()).expect("valid");
    assert_eq!(parsed.ids(), ["ou_x"]);
    let fault = parsed.stored(&resolve).expect_err("unknown");
    assert_eq!(fault.code(), codes::MESSAGE_INVALID);
    assert_eq!(fault.cause(), Some("md text field contains invalid user id"));
    assert_eq!(short("<at user_id=\"cli_x\">A</at>"), ["<at user_id=\"cli_x\">A</at>"]);
    assert_eq!(short("<at user_id=\"all\"></at>"), ["at:@_all"]);
}

#[test]
fn hostile_markdown_takes_linear_time() {
    for part in [
        "*", "**a", "*a ", "*a* ", "~~a", "[", "[a](", "[a](((", "![", "<at ", "\\", "```", "```\n", "> ",
        "\n", "-",
    ] {
        let long = part.repeat((1 << 20) / part.len());
        let start = std::time::Instant::now();
        markdown::read(&long, &mut Vec::new());
        // Tenths of a second in a debug build; the square of this length would take minutes.
        assert!(start.elapsed().as_secs() < 5, "{part}");
    }
}
