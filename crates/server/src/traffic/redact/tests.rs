use super::headers::is_private;
use super::json::scanned;
use super::urls::url;
use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const CANARY: &str = "canary0123456789canary";

/// What bodies consist of.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "\"", "\"", "\"", ":", ": ", "\t:", ",", "{", "}", "[", "]", "\\", "/", "0", "-1", "null", " ", "文", "x", "t-", "name",
    "code", "Code", "token", "page_token", "app_secret", "secrets", "seed", "field", "value", "sign", "\"id\":\"",
    "\"token\":", "\"code\":0", "\"field\":\"a.token\"", "https://u:p@host/x?token=y",
    "t-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef01234567",
];

fn clean(text: &str) -> String {
    let mut out = Vec::new();
    assert!(json(text.as_bytes(), usize::MAX / 2, &mut out, &mut Found::default()));
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn names_of_secrets() {
    for secret in [
        "app_secret",
        "secret",
        "client_secret",
        "SECRET_KEY",
        "tenant_access_token",
        "token",
        "accessToken",
        "refresh_token",
        "password",
        "app_ticket",
        "code",
        "code_verifier",
        "encrypt_key",
        "sign",
        "Authorization",
        "verification_token",
        "control_key",
    ] {
        assert!(is_secret(secret.as_bytes()), "{secret}");
        for space in ["", " ", "\t\r\n"] {
            let text = format!("{{\"a\":1,\"{secret}\"{space}:{space}\"{CANARY}\"}}");
            assert!(!plain::is_plain(text.as_bytes()), "{text}");
        }
    }
    for open in
        ["", "page_token", "file_token", "image_key", "name", "codes", "tag_name", "i18n_names", "secre"]
    {
        assert!(!is_secret(open.as_bytes()), "{open}");
    }
}

#[test]
fn what_is_copied_as_a_whole() {
    let usual =
        json!({"tag_infos": [{"id": "7", "tag_type": "tenant", "page_token": "x-b", "text": "a: b"}]});
    for text in [
        "".to_owned(),
        format!(r#"{{"code":0,"msg":"success","data":{usual}}}"#),
        format!(r#"{{"code":0,"msg":"other","data":{usual}}}"#),
        r#"{"code":99991672,"msg":"Access denied"}"#.to_owned(),
        r#"{"password":null,"secrets":true,"time":"12:30"}"#.to_owned(),
    ] {
        assert!(plain::is_plain(text.as_bytes()), "{text}");
    }
    for text in [
        r#"{"code":"a"}"#,
        r#"{"code":0,"msg":"success","data":{"token":"a"}}"#,
        r#"{"a":"b\n"}"#,
        r#"["t-a"]"#,
        r#"{"a":"http://b"}"#,
        r#"{"field":"a.secret","value":"b"}"#,
        r#"{"seed":"b"}"#,
        r#"{"app_secrets_of":{"a":"b"}}"#,
        r#"{"PASSWORD":1}"#,
    ] {
        assert!(!plain::is_plain(text.as_bytes()), "{text}");
    }
}

#[test]
fn json_at_any_depth() {
    for text in [
        json!({"app_secret": CANARY}),
        json!({"a": [{"b": {"password": CANARY}}]}),
        json!({"seed": format!("larkspur: 1\napps: {{a: {{secret: {CANARY}}}}}\n")}),
        json!({"secrets": {"a": CANARY, "b": [CANARY, {"c": CANARY}]}}),
        json!({"content": json!({"token": CANARY}).to_string()}),
        json!({"content": json!({"deep": json!({"token": CANARY}).to_string()}).to_string()}),
        json!({"url": format!("wss://host/ws?ticket={CANARY}&a=1")}),
        json!({"url": format!("https://user:{CANARY}@host/x")}),
        json!({"url": format!("https://open/open-apis/bot/v2/hook/{CANARY}")}),
        json!({"field_violations": [{"field": "a.app_secret", "value": CANARY, "description": "x"}]}),
        json!([{"note": format!("t-{}", "0a".repeat(41))}, {"sign": CANARY}]),
    ] {
        let shown = clean(&text.to_string());
        assert!(!shown.contains(CANARY) && !shown.contains(&"0a".repeat(41)), "{shown}");
        serde_json::from_str::<Value>(&shown).unwrap_or_else(|error| panic!("{shown}: {error}"));
    }
    assert!(!clean(&format!("{{\"app_\\u0073ecret\" : \"{CANARY}\"}}")).contains(CANARY));
    assert_eq!(clean(r#"{"password": 12345678}"#), r#"{"password": "…"}"#);
    assert_eq!(clean(r#"{"code":0,"msg":"ok"}"#), r#"{"code":0,"msg":"ok"}"#);
    assert_eq!(clean(r#"{"secrets":{"a":"b"},"c":"d"}"#), r#"{"secrets":{"a":"…"},"c":"d"}"#);
    assert_eq!(clean(&format!(r#"{{"code":"t-{CANARY}"}}"#)), r#"{"code":"t-…nary"}"#);
    // Cut in the middle.
    assert!(!clean(&format!("{{\"app_secret\":\"{CANARY}")).contains(CANARY));
}

#[test]
fn other_parts() {
    let shown = |write: &dyn Fn(&mut Vec<u8>, &mut Found)| {
        let (mut out, mut found) = (Vec::new(), Found::new(true));
        write(&mut out, &mut found);
        assert!(!found.without(&format!("about {CANARY}")).contains(CANARY));
        String::from_utf8(out).expect("UTF-8")
    };
    let form = format!("a=1&client%5Fsecret={CANARY}");
    assert_eq!(shown(&|out, found| query(form.as_bytes(), out, found)), "a=1&client%5Fsecret=…nary");
    let hook = format!("/open-apis/bot/v2/hook/{CANARY}");
    assert_eq!(shown(&|out, found| path(hook.as_bytes(), out, found)), "/open-apis/bot/v2/hook/…nary");
    let bearer = format!("Bearer t-{CANARY}");
    let masked = shown(&|out, found| {
        header("Authorization", &bearer, out, found);
        found.note(CANARY.as_bytes());
    });
    assert_eq!(masked, "Bearer t-…nary");
    assert_eq!(
        shown(&|out, found| {
            query(b"code=99991400&method_id=1", out, found);
            found.note(CANARY.as_bytes());
        }),
        "code=99991400&method_id=1"
    );
    for name in ["Cookie", "X-Lark-Signature", "X-Larkspur-Console"] {
        assert!(!shown(&|out, found| header(name, CANARY, out, found)).contains(CANARY));
    }
    let body = format!(
        "--B\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n{CANARY}\r\n--B\r\nContent-Type: image/png\r\n\r\nabc\r\n--B--\r\n"
    );
    let mut out = Vec::new();
    multipart("multipart/form-data; boundary=B", body.as_bytes(), &mut out);
    let parts: Value = serde_json::from_slice(&out).expect("JSON");
    assert_eq!(parts["parts"][0]["bytes"], CANARY.len());
    assert_eq!(parts["parts"][1], json!({"head": ["Content-Type: image/png"], "bytes": 3}));
    // A long file, whose end is not looked for.
    let body = [&body.as_bytes()[..body.len() - 12], &vec![b'x'; 1 << 20], b"\r\n--B--\r\n"].concat();
    let mut out = Vec::new();
    multipart("multipart/form-data; boundary=B", &body, &mut out);
    let parts: Value = serde_json::from_slice(&out).expect("JSON");
    assert_eq!(parts["parts"][1]["bytes"], 1 << 20, "{parts}");
}

#[test]
fn urls_with_fragments_and_escapes() {
    let shown = |text: &str| {
        let (mut out, mut found) = (Vec::new(), Found::default());
        url(text.as_bytes(), &mut out, &mut found);
        String::from_utf8(out).expect("UTF-8")
    };
    for (given, expected) in [
        (
            format!("https://host/cb#access_token={CANARY}&state=1"),
            "https://host/cb#access_token=…nary&state=1",
        ),
        (format!("https://host#token={CANARY}"), "https://host#token=…nary"),
        (format!("https://host/cb?a=1#code={CANARY}"), "https://host/cb?a=1#code=…nary"),
        (format!("https://host/#/sign/in?ticket={CANARY}&b=2"), "https://host/#/sign/in?ticket=…nary&b=2"),
        (format!("https://host/#/hook/{CANARY}"), "https://host/#/hook/…nary"),
        (format!("https://host/#a#password={CANARY}"), "https://host/#a#password=…nary"),
        ("https://host/a?b=c&d#top?x#".to_owned(), "https://host/a?b=c&d#top?x#"),
    ] {
        assert_eq!(shown(&given), expected);
    }
    // In a string with escapes, and in a header without an authority.
    for text in [
        format!(r#"{{"url":"https://host/ws?a=1\u0026ticket={CANARY}"}}"#),
        format!(r#"{{"url":"https:\/\/user:{CANARY}@host\/x"}}"#),
        format!(r#"{{"url":"https:\/\/host\/cb#access_token={CANARY}"}}"#),
    ] {
        let shown = clean(&text);
        assert!(!shown.contains(CANARY), "{shown}");
        serde_json::from_str::<Value>(&shown).unwrap_or_else(|error| panic!("{shown}: {error}"));
    }
    let same = r#"{"url":"https:\/\/host\/ws?a=1\u0026b=2","text":"a\nb"}"#;
    assert_eq!(clean(same), same);
    let mut out = Vec::new();
    header("Location", &format!("/cb?next=https://host&code={CANARY}"), &mut out, &mut Found::default());
    assert_eq!(String::from_utf8(out).expect("UTF-8"), "/cb?next=https://host&code=…nary");
}

#[test]
fn headers_with_secrets() {
    for name in [
        "Proxy-Authorization",
        "X-Csrf-Token",
        "Set-Cookie",
        "X-Api-Key",
        "API_KEY",
        "x-app-secret-2",
        "App-Ticket",
        "Private-Key",
        "X-Passwords",
    ] {
        assert!(is_private(name), "{name}");
    }
    for name in ["", "Accept", "X-Request-Id", "Code-Name", "Key", "X-Forwarded-For", "Sec-Fetch-Site"] {
        assert!(!is_private(name), "{name}");
    }
}

#[test]
fn a_long_body_is_cut_between_characters() {
    let mut out = Vec::new();
    let text = json!({"name": "文".repeat(100)}).to_string();
    assert!(!json(text.as_bytes(), 50, &mut out, &mut Found::default()));
    assert!(out.len() <= 50 && String::from_utf8(out).is_ok());
}

proptest! {
    #[test]
    fn any_bytes_are_copied_without_panic(text in prop::collection::vec(any::<u8>(), 0..200), limit in 0usize..100) {
        let (mut out, mut found) = (Vec::new(), Found::default());
        json(&text, limit, &mut out, &mut found);
        prop_assert!(out.len() <= limit);
        query(&text, &mut out, &mut found);
        path(&text, &mut out, &mut found);
        url(&text, &mut out, &mut found);
        multipart("multipart/form-data; boundary=a", &text, &mut out);
    }

    #[test]
    fn a_body_is_copied_as_a_whole_only_if_nothing_in_it_is_hidden(
        words in prop::collection::vec(prop::sample::select(WORDS), 0..40),
    ) {
        let text = words.concat();
        let (mut out, mut found) = (Vec::new(), Found::new(true));
        let whole = scanned(text.as_bytes(), usize::MAX / 2, &mut out, &mut found);
        if plain::is_plain(text.as_bytes()) {
            prop_assert!(whole && found.count() == 0);
            prop_assert_eq!(String::from_utf8(out).expect("UTF-8"), text);
        }
    }

    #[test]
    fn json_without_secrets_is_unchanged(name in "[a-bx-z]{1,8}", value in "\\PC{0,20}", number in any::<i32>()) {
        prop_assume!(!value.contains(":/") && !value.starts_with(['{', '[']));
        let text = json!({name: {"x": value, "y": [number, null, true]}}).to_string();
        prop_assert_eq!(clean(&text), text);
    }
}
