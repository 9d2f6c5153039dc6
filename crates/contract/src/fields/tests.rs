use super::*;
use serde_json::json;

fn shape() -> Shape {
    Shape::compile(&json!({
        "type": "object",
        "required": ["name", "kind"],
        "properties": {
            "name": {"type": "string", "minLength": 1},
            "kind": {"type": "string", "enum": ["tenant"]},
            "ids": {"type": ["array", "null"], "items": {"type": "string"}, "maxItems": 2},
            "size": {"type": "integer", "maximum": 100},
            "view": {"type": ["integer", "null"], "enum": [1, 2]},
            "flag": {"type": ["boolean", "null"]},
            "deep": {"type": "array", "items": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}}
        }
    }))
}

fn violations(mut value: Value) -> Vec<(String, String)> {
    let fault = shape().check(&mut value, Origin::Json, codes::TAG_PARAM_INVALID).expect_err("refused");
    fault.violations().iter().map(|v| (v.field.clone(), v.description.clone())).collect()
}

#[test]
fn elements_of_a_list_that_is_too_long_are_not_looked_at() {
    let found = violations(json!({"name": "n", "kind": "tenant", "ids": ["1", 2, {}]}));
    assert_eq!(found, [("ids".to_owned(), "the max len is 2".to_owned())]);
}

#[test]
fn collects_all_at_once() {
    let found =
        violations(json!({"kind": "user", "ids": ["1", "2", "3"], "size": 101, "view": 3, "deep": [{}]}));
    let expected = [
        ("deep[*].a", "deep[*].a is required"),
        ("ids", "the max len is 2"),
        ("kind", "options: [tenant]"),
        ("name", "name is required"),
        ("size", "the max value is 100"),
        ("view", "options: [1,2]"),
    ];
    assert_eq!(found, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[test]
fn the_control_api_reports_everything_at_once() {
    let mut closed = json!({
        "type": "object", "additionalProperties": false, "required": ["name"],
        "properties": {
            "name": {"type": "string"}, "bot": {"type": "boolean"}, "size": {"type": "integer"},
            "chat_status": {"type": "string", "enum": ["normal", "dissolved"]},
            "scopes": {"type": "array", "items": {"type": "string", "format": "scope"}},
            "deep": {"type": "object", "additionalProperties": false, "properties": {"edit": {"type": "string"}}}
        }
    });
    let told = |schema: &Value, mut value: Value| -> Vec<(String, String)> {
        let checked = Shape::compile(schema).check(&mut value, Origin::Control, codes::CONTROL_PARAM_INVALID);
        let fault = checked.expect_err("refused");
        assert_eq!(fault.code(), codes::CONTROL_PARAM_INVALID);
        fault.violations().iter().map(|v| (v.field.clone(), v.description.clone())).collect()
    };
    let sent = json!({
        "bot": "yes", "size": 1.5, "status": "dissolved", "scope": null, "chat_status": "dissolve",
        "scopes": ["im:chat", "im:chatt", 3], "deep": {"edti": 1, "x": 2}
    });
    let expected = [
        ("bot", "must be true or false"),
        ("chat_status", "options: [normal,dissolved]; did you mean \"dissolved\"?"),
        ("deep.edti", "no such field; did you mean \"edit\"?"),
        ("deep.x", "no such field; the fields are edit"),
        ("name", "name is required"),
        ("scopes[*]", "unknown scope; did you mean \"im:chat\"?"),
        ("scopes[*]", "must be a string"),
        ("size", "must be an integer"),
        ("scope", "no such field; did you mean \"scopes\"?"),
        ("status", "no such field; did you mean \"chat_status\"?"),
    ];
    assert_eq!(told(&closed, sent), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    // A query is reported, too; an open object ignores unknown members.
    let query = |schema: &Value| Shape::compile(schema).from_pairs([("name", "a"), ("nam", "b")], false);
    assert_eq!(told(&closed, query(&closed)), [("nam".to_owned(), expected_near("name"))]);
    // A parameter that takes one value is sent once.
    let pairs = [("name", "a"), ("size", "1"), ("size", "1"), ("size", "2"), ("scope[]", "a")];
    let repeated = |schema: &Value| Shape::compile(schema).from_pairs(pairs, false);
    let mut sent = repeated(&closed);
    let checked = Shape::compile(&closed).check(&mut sent, Origin::Text, codes::CONTROL_PARAM_INVALID);
    let fault = checked.expect_err("refused");
    let fields = fault.violations().iter().map(|v| (v.field.as_str(), v.description.as_str()));
    assert_eq!(
        fields.collect::<Vec<_>>(),
        [("size", "is sent more than once"), ("scope[]", "no such field; did you mean \"scopes\"?")]
    );
    closed.as_object_mut().expect("an object").remove("additionalProperties");
    assert_eq!(query(&closed), json!({"name": "a"}));
    assert_eq!(repeated(&closed), json!({"name": "a", "size": 2}), "the platform takes the last");
    assert_eq!(
        told(&json!({"type": "object", "additionalProperties": false}), json!({"a": 1})),
        [("a".to_owned(), "no such field".to_owned())]
    );
}

fn expected_near(name: &str) -> String {
    format!("no such field; did you mean \"{name}\"?")
}

#[test]
fn wrong_types_are_9499() {
    let fault =
        shape().check(&mut json!({"name": 3}), Origin::Json, codes::TAG_PARAM_INVALID).expect_err("refused");
    assert_eq!(fault.code(), codes::BAD_REQUEST);
    assert_eq!(
        fault.text(),
        "Invalid parameter type in json: name. Invalid parameter value: 3. Please check and modify accordingly."
    );
    let deep = json!({"name": "a", "kind": "tenant", "deep": [{"a": 7}]});
    let fault =
        shape().check(&mut deep.clone(), Origin::Json, codes::TAG_PARAM_INVALID).expect_err("refused");
    assert!(fault.text().starts_with("Invalid parameter type in json: a. "), "{}", fault.text());
    let root = shape().check(&mut json!([]), Origin::Json, codes::TAG_PARAM_INVALID).expect_err("refused");
    assert_eq!(root.text(), "Bad Request");
}

#[test]
fn text_that_is_not_a_number_is_a_violation() {
    let mut value = shape().from_pairs(vec![("size", "many"), ("flag", "maybe"), ("name", "a")], true);
    let fault = shape().check(&mut value, Origin::Text, codes::TAG_PARAM_INVALID).expect_err("refused");
    let fields: Vec<&str> = fault.violations().iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!((fault.code(), fields), (codes::TAG_PARAM_INVALID, vec!["flag", "kind", "size"]));
}

#[test]
fn the_leaf_of_a_path() {
    for (path, name) in [("url", "url"), ("a.b[*].c", "c"), ("tag_ids[*]", "tag_ids"), ("", "")] {
        assert_eq!(leaf(path), name);
    }
}

#[test]
fn paths_that_lead_somewhere() {
    for (path, there) in [
        ("name", true),
        ("ids", true),
        ("ids[*]", true),
        ("deep[*].a", true),
        ("a", false),
        ("deep.a", false),
        ("name[*]", false),
        ("deep[*].b", false),
    ] {
        assert_eq!(shape().has(path), there, "{path}");
    }
}

#[test]
fn null_is_absent() {
    let mut value = json!({"name": "a", "kind": "tenant", "ids": null});
    shape().check(&mut value, Origin::Json, codes::TAG_PARAM_INVALID).expect("fits");
    assert_eq!(value, json!({"name": "a", "kind": "tenant"}));
}

#[test]
fn arrays_in_every_spelling() {
    let pairs = |list: &[(&str, &str)]| {
        list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>()
    };
    let expected = json!({"ids": ["1", "2"]});
    for spelling in [
        &[("ids", "1"), ("ids", "2")][..],
        &[("ids[]", "1"), ("ids[]", "2")],
        &[("ids[0]", "1"), ("ids[1]", "2")],
        &[("ids", "1,2")],
    ] {
        assert_eq!(shape().from_pairs(pairs(spelling), true), expected, "{spelling:?}");
    }
    assert_eq!(shape().from_pairs(pairs(&[("ids", "")]), true), json!({"ids": []}));
    assert_eq!(shape().from_pairs(pairs(&[("ids", "1,2")]), false), json!({"ids": ["1,2"]}));
    assert_eq!(
        shape().from_pairs(pairs(&[("flag", "True"), ("size", "7")]), true),
        json!({"flag": true, "size": 7})
    );
}
