use larkspur_contract::codes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::render::{Action, ClickError, Inputs, action_of, plain, render};
use super::*;

fn reason(content: &Value) -> String {
    let fault = check(&content.to_string()).expect_err("refused");
    assert_eq!(fault.code(), codes::CARD_NOT_CREATED, "{content}");
    fault.message().strip_prefix(codes::CARD_NOT_CREATED.text).expect("the frame").to_owned()
}

fn div(text: &str) -> Value {
    json!({"tag": "div", "text": {"tag": "lark_md", "content": text}})
}

#[test]
fn cards_of_every_kind() {
    let own = |content: Value| match check(&content.to_string()).expect("a card") {
        Card::Own { schema, .. } => schema,
        other => panic!("{other:?}"),
    };
    assert_eq!(own(json!({"elements": [div("a")]})), Schema::V1);
    assert_eq!(own(json!({"header": {"title": {"tag": "plain_text", "content": "t"}}})), Schema::V1);
    assert_eq!(own(json!({"i18n_elements": {"zh_cn": [div("a")]}})), Schema::V1);
    assert_eq!(
        own(json!({"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "a"}]}})),
        Schema::V2
    );
    assert_eq!(own(json!({"elements": [{"tag": "unheard_of", "x": 1}]})), Schema::V1);
    let template =
        json!({"type": "template", "data": {"template_id": "AAqCx1", "template_variable": {"a": 1}}});
    let variables = json!({"a": 1}).as_object().expect("an object").clone();
    assert_eq!(
        check(&template.to_string()).expect("a template"),
        Card::Template { id: "AAqCx1".to_owned(), version: None, variables }
    );
    let entity = json!({"type": "card", "data": {"card_id": "7355372766134157313"}});
    let entity = check(&entity.to_string()).expect("an entity");
    assert_eq!(entity, Card::Entity("7355372766134157313".to_owned()));
    assert!(entity.is_shared());
    let shared =
        |config: Value| check(&json!({"config": config, "elements": []}).to_string()).expect("a card");
    assert!(shared(json!({"update_multi": true})).is_shared() && !shared(json!({})).is_shared());
}

#[test]
fn refusals_name_their_reason() {
    let unreadable =
        "ErrCode: 200621; ErrMsg: parse card json err, please check whether the card json is correct; ";
    let fault = check("{").expect_err("refused");
    assert_eq!(fault.message(), format!("{}{unreadable}", codes::CARD_NOT_CREATED.text));
    for bad in [
        json!([]),
        json!("text"),
        json!({}),
        json!({"elements": {}}),
        json!({"elements": ["a"]}),
        json!({"elements": [{"text": "a"}]}),
        json!({"elements": [], "header": "a"}),
        json!({"schema": "3.0", "elements": []}),
        json!({"schema": "2.0", "body": []}),
        json!({"type": "template", "data": "a"}),
    ] {
        assert_eq!(reason(&bad), unreadable, "{bad}");
    }
    let template = json!({"type": "template", "data": {"template_id": "x"}});
    assert_eq!(
        reason(&template),
        "ErrCode: 200380; ErrMsg: template does not exist, please confirm whether this template has been released; ErrorValue: templateID: x; "
    );
    assert_eq!(reason(&json!({"type": "card", "data": {}})), "ErrCode: 11310; ErrMsg: cardid is invalid; ");
    let note = json!({"schema": "2.0", "body": {"elements": [{"tag": "note", "elements": []}]}});
    assert_eq!(
        reason(&note),
        "ErrCode: 200861; ErrMsg: cards of schema V2 no longer support this capability; ErrorValue: unsupported tag note; "
    );
    assert!(reason(&json!({"elements": [{"tag": "table", "rows": 1}]})).starts_with("ErrCode: 200914; "));
    assert!(reason(&json!({"elements": [{"tag": "chart"}]})).starts_with("ErrCode: 200550; "));
}

#[test]
fn limits_are_exact() {
    let table = json!({"tag": "table", "columns": [], "rows": []});
    let tables = |count: usize| json!({"elements": vec![table.clone(); count]});
    assert!(check(&tables(5).to_string()).is_ok());
    assert_eq!(
        reason(&tables(6)),
        "ErrCode: 11310; ErrMsg: card table number over limit; ErrorValue: table; "
    );
    let many = |schema: &str, count: usize| {
        let elements = vec![json!({"tag": "hr"}); count];
        json!({"schema": schema, "elements": elements, "body": {"elements": elements}})
    };
    assert!(check(&many("2.0", 200).to_string()).is_ok());
    assert_eq!(reason(&many("2.0", 201)), "ErrCode: 11310; ErrMsg: element exceeds the limit; ");
    assert!(check(&many("1.0", 201).to_string()).is_ok());
    let long = |bytes: usize| format!("{{\"elements\":[],\"x\":\"{}\"}}", "a".repeat(bytes - 22));
    assert_eq!(long(CONTENT_MAX).len(), CONTENT_MAX);
    assert!(check(&long(CONTENT_MAX)).is_ok());
    assert_eq!(check(&long(CONTENT_MAX + 1)).expect_err("long").code(), codes::MESSAGE_TOO_LONG);
}

#[test]
fn images_are_found_outside_of_payloads() {
    let card = json!({"elements": [
        {"tag": "img", "img_key": "img_1", "alt": {"tag": "plain_text", "content": ""}},
        {"tag": "button", "value": {"img_key": "img_9"}, "icon": {"tag": "custom_icon", "img_key": "img_2"}},
    ]});
    assert_eq!(check(&card.to_string()).expect("a card").image_keys(), ["img_1", "img_2"]);
}

fn sample() -> Value {
    json!({
        "header": {"template": "blue", "title": {"tag": "plain_text", "content": "Deploy"}},
        "elements": [
            div("**Done** by <at id=ou_1></at>, see [log](https://a.example)"),
            {"tag": "hr"},
            {"tag": "action", "actions": [
                {"tag": "button", "text": {"tag": "plain_text", "content": "Again"}, "type": "primary", "value": {"k": 1}},
                {"tag": "overflow", "options": [{"text": {"tag": "plain_text", "content": "One"}, "value": "1"}]},
            ]},
            {"tag": "note", "elements": [{"tag": "plain_text", "content": "*raw*"}]},
        ]
    })
}

#[test]
fn the_simplified_form() {
    let flat: Value = serde_json::from_str(&shown(&sample().to_string(), CardForm::Default)).expect("JSON");
    let expected = json!({"title": "Deploy", "elements": [
        [
            {"tag": "text", "text": "Done by "},
            {"tag": "at", "user_id": "ou_1", "user_name": "ou_1"},
            {"tag": "text", "text": ", see "},
            {"tag": "a", "href": "https://a.example", "text": "log"},
        ],
        [{"tag": "hr"}],
        [
            {"tag": "button", "text": "Again", "type": "primary"},
            {"tag": "overflow", "options": ["One"]},
        ],
        [{"tag": "note", "elements": [{"tag": "text", "text": "*raw*"}]}],
    ]});
    assert_eq!(flat, expected);
    let newer = shown(r#"{"schema":"2.0","body":{}}"#, CardForm::Default);
    assert_eq!(
        serde_json::from_str::<Value>(&newer).expect("JSON"),
        json!({"title": null, "elements": [[{"tag": "text", "text": "请升级至最新版本客户端，以查看内容"}]]})
    );
    assert_eq!(shown(" { \"schema\" : \"2.0\" }", CardForm::User), " { \"schema\" : \"2.0\" }");
    assert_eq!(shown("not a card", CardForm::Raw), "not a card");
}

#[test]
fn the_internal_form() {
    let read = |card: &Value| -> (Value, Value) {
        let raw: Value = serde_json::from_str(&shown(&card.to_string(), CardForm::Raw)).expect("JSON");
        assert_eq!(raw["json_attachment"], "{}");
        (
            raw["card_schema"].clone(),
            serde_json::from_str(raw["json_card"].as_str().expect("text")).expect("JSON"),
        )
    };
    let (schema, tree) = read(&sample());
    assert_eq!(schema, 1);
    assert_eq!(tree["header"]["property"]["title"]["property"]["content"], "Deploy");
    let elements = &tree["body"]["property"]["elements"];
    assert_eq!(elements[1], json!({"tag": "hr", "id": elements[1]["id"], "property": {}}));
    assert_eq!(elements[2]["property"]["actions"][0]["property"]["value"], json!({"k": 1}), "payloads stay");
    let card = json!({"schema": "2.0", "body": {"direction": "vertical", "elements": [
        {"tag": "markdown", "element_id": "m1", "content": "hi"}]}});
    let (schema, tree) = read(&card);
    assert_eq!(schema, 2);
    let expected = json!({"tag": "body", "property": {"direction": "vertical", "elements": [
        {"tag": "markdown", "id": "m1", "property": {"content": "hi"}}]}});
    assert_eq!(tree["body"], expected);
}

#[test]
fn a_tree_as_text() {
    let text = plain(&render(&sample(), "en_us"));
    let expected = "== Deploy\n\
        Done by @ou_1, see log <https://a.example>\n\
        ---\n\
        [body[2].actions[0]] Again\n\
        [body[2].actions[1]]  of One\n\
        (note)\n  *raw*";
    assert_eq!(text, expected);
    let card = json!({"schema": "2.0", "body": {"elements": [
        {"tag": "markdown", "content": "# Head\nfirst\nsecond\n\n- a\n- **b**\n1. one\n> said\n```rust\nlet x;\n```\n---"},
        {"tag": "column_set", "columns": [
            {"tag": "column", "weight": 2, "elements": [{"tag": "button", "text": {"tag": "plain_text", "content": "Go"},
                "behaviors": [{"type": "open_url", "default_url": "https://b.example"}]}]},
            {"tag": "column", "elements": [{"tag": "audio", "file_key": "x"}]},
        ]},
    ]}});
    let expected = "# Head\nfirst\nsecond\n- a\n- b\n1. one\n> said\n```rust\nlet x;\n```\n---\n(columns)\n  \
        [body[1].columns[0][0]] Go <https://b.example>\n  (audio)";
    assert_eq!(plain(&render(&card, "")), expected);
}

#[test]
fn markup_that_is_not_understood_is_text() {
    for text in
        ["2 * 3 * 4", "<script>alert(1)</script>", "[a](javascript:x)", "**open", "a < b", "`", "<at>", "~~"]
    {
        let spans = render::inline::spans(text);
        let joined: String = spans.iter().map(|span| span.text.as_str()).collect();
        assert_eq!(joined, text);
        assert!(spans.iter().all(|span| span.href.is_none() && span.at.is_none() && !span.bold), "{text}");
    }
    let spans = render::inline::spans("<font color='red'>hot</font> ~~old~~ `c*d*` \\*x\\*");
    assert_eq!(spans[0].color, render::Color::Red);
    assert!(spans[2].strike && spans[4].code && spans[4].text == "c*d*");
    assert_eq!(spans[5].text, " *x*");
}

fn form() -> Value {
    json!({"schema": "2.0", "body": {"elements": [{"tag": "form", "name": "f", "elements": [
        {"tag": "input", "name": "why", "required": true},
        {"tag": "select_static", "name": "env", "initial_option": "test",
            "options": [{"text": {"content": "T"}, "value": "test"}, {"text": {"content": "P"}, "value": "prod"}]},
        {"tag": "button", "name": "go", "form_action_type": "submit", "value": {"a": 1}},
    ]}, {"tag": "button", "element_id": "b1", "behaviors": [{"type": "callback", "value": {"x": 2}}]},
        {"tag": "button", "name": "off", "disabled": true, "value": {}},
        {"tag": "button", "name": "open", "behaviors": [{"type": "open_url", "default_url": "https://a.example"}]},
        {"tag": "checker", "name": "c"},
    ]}})
}

#[test]
fn clicks_say_what_was_clicked() {
    let click = |address: &str, inputs: Value| {
        let inputs: Inputs = serde_json::from_value(inputs).expect("inputs");
        action_of(&form(), "", address, &inputs)
            .map(|action: Action| serde_json::to_value(action).expect("JSON"))
    };
    let expected = json!({"tag": "button", "value": {"x": 2}});
    for address in ["b1", "body[1]"] {
        assert_eq!(click(address, json!({})).expect("an action"), expected, "{address}");
    }
    assert_eq!(
        click("go", json!({"form_value": {"why": "because"}})).expect("an action"),
        json!({"tag": "button", "name": "go", "value": {"a": 1}, "form_value": {"why": "because", "env": "test"}})
    );
    assert_eq!(
        click("c", json!({"checked": true})).expect("an action"),
        json!({"tag": "checker", "name": "c", "checked": true})
    );
    assert_eq!(click("go", json!({})), Err(ClickError::Missing("why".to_owned())));
    assert_eq!(click("off", json!({})), Err(ClickError::Disabled));
    assert_eq!(click("open", json!({})), Err(ClickError::Opens("https://a.example".to_owned())));
    for (address, inputs) in [
        ("go", json!({"form_value": {"why": "a", "env": "other"}})),
        ("go", json!({"form_value": {"why": "a", "nothing": "b"}})),
        ("go", json!({"form_value": {"why": 7}})),
        ("c", json!({})),
    ] {
        assert!(matches!(click(address, inputs.clone()), Err(ClickError::Unfit(_))), "{address} {inputs}");
    }
    let Err(ClickError::NoElement(known)) = click("nothing", json!({})) else { panic!("refused") };
    assert_eq!(known, ["why", "env", "go", "b1", "off", "open", "c"]);
    let unnamed = json!({"elements": [{"tag": "form", "elements": [
        {"tag": "input"}, {"tag": "button", "name": "go", "action_type": "form_submit"}]}]});
    let by_language = json!({"i18n_elements": {
        "zh_cn": [{"tag": "hr"}, {"tag": "button", "name": "zh", "value": {"x": 1}}],
        "en_us": [{"tag": "button", "name": "en", "value": {"x": 2}}]}});
    for (language, address, value) in [("en_us", "body[0]", 2), ("zh_cn", "body[1]", 1), ("en_us", "en", 2)] {
        let action = action_of(&by_language, language, address, &Inputs::default()).expect("an action");
        assert_eq!(action.value, json!({"x": value}), "{language} {address}");
    }
    let error = action_of(&unnamed, "", "go", &Inputs::default()).expect_err("unnamed");
    assert_eq!(error, ClickError::Unnamed("body[0].elements[0]".to_owned()));
    assert_eq!(error.shown().map(|reason| reason.number), Some(codes::CALLBACK_COMPONENT_UNNAMED.number));
}

#[test]
fn large_cards_are_cut() {
    let tree = render(&json!({"elements": vec![json!({"tag": "hr"}); 1000]}), "");
    assert_eq!(tree.body.len(), render::NODES_MAX + 1);
    assert_eq!(tree.body.last(), Some(&render::Node::Cut));
    let mut deep = json!({"tag": "hr"});
    for _ in 0..30 {
        deep = json!({"tag": "form", "elements": [deep]});
    }
    assert!(plain(&render(&json!({"elements": [deep]}), "")).ends_with("(the rest is not shown)"));
    let long = json!({"elements": [{"tag": "markdown", "content": "a".repeat(render::TEXT_MAX + 1)}]});
    assert_eq!(render(&long, "").body, [render::Node::Cut]);
}

/// Repeated openings are the worst case of a reader that looks ahead: one that looks at places again would need minutes.
#[test]
fn repeated_openings_are_read_once() {
    for piece in
        ["[", "[a](", "<", "<at id=a>", "**a ", "`a", "~~a", "<font color=red>", "![", "\\", "[a](https://a"]
    {
        let text = piece.repeat(500_000 / piece.len());
        let spans = render::inline::spans(&text);
        assert!(spans.iter().map(|span| span.text.len()).sum::<usize>() <= text.len(), "{piece}");
    }
}

/// Any JSON that looks like a card.
fn cards() -> impl Strategy<Value = Value> {
    let tags = [
        "div",
        "markdown",
        "button",
        "form",
        "input",
        "table",
        "img",
        "action",
        "note",
        "column_set",
        "hr",
        "select_static",
        "collapsible_panel",
        "checker",
        "chart",
        "x",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        "[*`<>\\[\\]()~a-c =\"'/!#]{0,30}".prop_map(Value::from),
        proptest::sample::select(tags.to_vec()).prop_map(|tag| json!({"tag": tag})),
    ];
    let names = [
        "tag",
        "elements",
        "actions",
        "columns",
        "text",
        "content",
        "extra",
        "fields",
        "options",
        "value",
        "name",
        "header",
        "title",
        "body",
        "schema",
        "i18n_elements",
        "rows",
        "behaviors",
        "confirm",
        "type",
        "data",
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(proptest::sample::select(names.to_vec()), inner.clone(), 0..8)
                .prop_map(|map| map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
            (proptest::sample::select(tags.to_vec()), proptest::collection::vec(inner, 0..4)).prop_map(
                |(tag, inside)| json!({"tag": tag, "elements": inside, "columns": inside, "text": inside.first()})
            ),
        ]
    })
}

proptest! {
    #[test]
    fn any_card_is_judged_and_shown_without_panic(elements in proptest::collection::vec(cards(), 0..5), other in cards()) {
        for card in [json!({"elements": elements}), json!({"schema": "2.0", "body": {"elements": elements}}), other] {
            let content = card.to_string();
            let _ = check(&content);
            for form in [CardForm::Default, CardForm::User, CardForm::Raw] {
                prop_assert!(serde_json::from_str::<Value>(&shown(&content, form)).is_ok());
            }
            let tree = render(&card, "zh_cn");
            let _ = plain(&tree);
            let back: render::Tree = serde_json::from_value(serde_json::to_value(&tree).expect("JSON")).expect("a tree");
            prop_assert_eq!(back, tree);
            let _ = action_of(&card, "", "body[0]", &Inputs::default());
        }
    }

    #[test]
    fn any_text_is_read_without_panic(text in "\\PC*", marks in "[*`<>\\[\\]()~a-c =\"'/!#\\\\\n]{0,200}") {
        for text in [&text, &marks] {
            let card = json!({"elements": [{"tag": "markdown", "content": text}, {"tag": "lark_md", "content": text}]});
            let _ = plain(&render(&card, ""));
            let _ = shown(&card.to_string(), CardForm::Default);
        }
    }
}

/// Cards of all elements, and what is shown of them, warnings included.
#[test]
fn golden_cards() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules/card/golden");
    let files = std::fs::read_dir(folder).expect("a folder");
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in files.map(|file| file.expect("a file").path()) {
        let golden: Value = serde_json::from_slice(&std::fs::read(&file).expect("read")).expect("JSON");
        let tree = render(&golden["card"], golden["language"].as_str().expect("a language"));
        let shown: Vec<String> = plain(&tree).split('\n').map(str::to_owned).collect();
        count += 1;
        if json!(shown) != golden["shown"] {
            wrong.push(format!("{}\n{:#}", file.display(), json!(shown)));
        }
    }
    assert!(
        count >= 20 && wrong.is_empty(),
        "{count} cards, and these are shown in another way:\n{}",
        wrong.join("\n")
    );
}

/// The nodes of a tree, each column and the `cut` included.
fn count(nodes: &[render::Node]) -> usize {
    let inside = |node: &render::Node| match node {
        render::Node::Note { nodes }
        | render::Node::Panel { nodes, .. }
        | render::Node::Container { nodes, .. }
        | render::Node::Form { nodes, .. } => count(nodes),
        render::Node::Columns { columns } => columns.iter().map(|column| 1 + count(&column.nodes)).sum(),
        _ => 0,
    };
    nodes.iter().map(|node| 1 + inside(node)).sum()
}

/// Elements around nothing count like others.
#[test]
fn empty_elements_are_cut_too() {
    for tag in ["note", "form", "collapsible_panel", "interactive_container", "column_set"] {
        let tree = render(&json!({"elements": vec![json!({"tag": tag}); 1000]}), "");
        assert_eq!(count(&tree.body), render::NODES_MAX + 1, "{tag}");
    }
    let columns = json!({"tag": "column_set", "columns": vec![json!({"tag": "column"}); 1000]});
    let tree = render(&json!({"elements": [columns]}), "");
    assert!(count(&tree.body) <= render::NODES_MAX + 2, "a column, and the cut in it");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn any_card_is_shown_within_limits(card in cards(), copies in prop_oneof![60 => Just(1_usize), 1 => Just(300)]) {
        let tree = render(&json!({"elements": vec![card; copies]}), "zh_cn");
        prop_assert!(count(&tree.body) <= render::NODES_MAX + 2);
    }
}
