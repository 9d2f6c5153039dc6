use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const CANARY: &str = "canary0123456789canary";

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
    }
    for open in
        ["", "page_token", "file_token", "image_key", "name", "codes", "tag_name", "i18n_names", "secre"]
    {
        assert!(!is_secret(open.as_bytes()), "{open}");
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
    fn json_without_secrets_is_unchanged(name in "[a-bx-z]{1,8}", value in "\\PC{0,20}", number in any::<i32>()) {
        prop_assume!(!value.contains("://") && !value.starts_with(['{', '[']));
        let text = json!({name: {"x": value, "y": [number, null, true]}}).to_string();
        prop_assert_eq!(clean(&text), text);
    }
}
