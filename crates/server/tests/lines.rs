//! Operations that are not served, and the log lines of calls.

mod support;

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use larkspur_api::tokens::{Holder, Token, jwt};
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::{Effect, codes};
use larkspur_server::AppOptions;
use larkspur_store::{Keys, faults};
use serde_json::{Value, json};
use support::{Setup, json_of};
use tracing_subscriber::fmt::MakeWriter;

/// Captures the lines that this thread writes.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        let lines = Lines::default();
        let format =
            tracing_subscriber::fmt().json().flatten_event(true).with_max_level(tracing::Level::DEBUG);
        let guard = tracing::subscriber::set_default(format.with_writer(lines.clone()).finish());
        (lines, guard)
    }

    /// What was written since the last call.
    fn text(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8(bytes).expect("UTF-8")
    }

    /// The single line of a call since the last one.
    fn one(&self) -> Value {
        let text = self.text();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let [line] = lines.as_slice() else { panic!("not one line: {text}") };
        line.clone()
    }
}

const SEND: &str = "/open-apis/im/v1/messages";

#[tokio::test]
async fn what_the_platform_has_and_larkspur_not_is_501() {
    let setup = Setup::new(AppOptions::default()).await;
    let token = format!("Bearer {}", setup.token(7200));
    for (method, path, named) in [
        ("POST", SEND, "im.v1.message.create (POST /open-apis/im/v1/messages)"),
        (
            "POST",
            "/open-apis/im/v1/messages/?receive_id_type=chat_id",
            "im.v1.message.create (POST /open-apis/im/v1/messages)",
        ),
        (
            "GET",
            "/open-apis/im/v1/messages/om_1",
            "im.v1.message.get (GET /open-apis/im/v1/messages/{message_id})",
        ),
        (
            "GET",
            "/open-apis/contact/v3/users/batch",
            "contact.v3.user.batch (GET /open-apis/contact/v3/users/batch)",
        ),
        (
            "GET",
            "/open-apis/contact/v3/users/x%2Fy",
            "contact.v3.user.get (GET /open-apis/contact/v3/users/{user_id})",
        ),
    ] {
        for authorization in [None, Some("Bearer x"), Some(token.as_str())] {
            let answer = setup.send(method, path, authorization, "not read").await;
            let log_id = answer.header("X-Tt-Logid").expect("a log id").into_owned();
            let msg = format!("Larkspur does not serve {named}");
            let wire = format!(r#"{{"code":5275501,"msg":"{msg}","error":{{"log_id":"{log_id}"}}}}"#);
            assert_eq!((answer.status, &answer.body.bytes()[..]), (501, wire.as_bytes()), "{method} {path}");
            assert_eq!(answer.content_type, "application/json; charset=utf-8");
            assert_eq!(answer.header("X-Larkspur-Outcome").expect("nothing was done"), "none");
        }
    }
    for (method, path) in [
        ("PUT", SEND),
        ("OPTIONS", SEND),
        ("post", SEND),
        ("POST", "/open-apis/im/v1/messages//"),
        ("POST", "/open-apis/im/v9/messages"),
        ("GET", "/open-apis/contact/v3/users/a/b"),
    ] {
        let answer = setup.send(method, path, None, "").await;
        assert_eq!(
            (answer.status, &answer.body.bytes()[..]),
            (404, &b"404 page not found"[..]),
            "{method} {path}"
        );
        assert_eq!(answer.content_type, "text/plain");
    }
    let metrics = setup.send("GET", "/larkspur/metrics", None, "").await;
    let text = String::from_utf8_lossy(metrics.body.bytes()).into_owned();
    for line in [
        "larkspur_unserved_total{operation=\"im.v1.message.create\"} 6",
        "larkspur_unserved_total{operation=\"im.v1.message.get\"} 3",
        "larkspur_unserved_total{operation=\"contact.v3.user.get\"} 3",
        "larkspur_unrouted_total 6",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert_eq!(text.matches("larkspur_unserved_total{").count(), 4, "ids of the table alone are labels");
}

#[tokio::test]
async fn an_unserved_operation_is_a_warning_once_per_minute() {
    let setup = Setup::new(AppOptions::default()).await;
    let token = format!("Bearer {}", setup.token(7200));
    let (lines, _guard) = Lines::start();
    let call = async |method: &str, path: &str| {
        let answer = setup.send(method, path, Some(&token), "").await;
        let line = lines.one();
        assert_eq!(line["log_id"], json_of(&answer)["error"]["log_id"], "{line}");
        assert_eq!((&line["message"], &line["code"]), (&json!("not served"), &json!(5275501)));
        (line["level"].as_str().expect("a level").to_owned(), line)
    };
    let (level, line) = call("POST", SEND).await;
    assert_eq!((level.as_str(), &line["operation"]), ("WARN", &json!("im.v1.message.create")));
    assert_eq!((&line["token"], &line["app_id"]), (&json!("tenant"), &json!(setup.app_id.to_string())));
    assert_eq!(line.get("claimed"), None);
    assert_eq!(call("POST", SEND).await.0, "DEBUG");
    assert_eq!(call("GET", "/open-apis/im/v1/messages/om_1").await.0, "WARN", "each operation separately");
    setup.pass(59_999);
    assert_eq!(call("POST", SEND).await.0, "DEBUG");
    setup.pass(1);
    assert_eq!(call("POST", SEND).await.0, "WARN");
    assert_eq!(call("POST", SEND).await.0, "DEBUG");
    setup.pass(-3_600_000);
    assert_eq!(call("POST", SEND).await.0, "WARN", "a clock that was set back");
}

#[tokio::test]
async fn unknown_paths_are_logged_with_the_existing_methods() {
    let setup = Setup::new(AppOptions::default()).await;
    let token = format!("Bearer {}", setup.token(7200));
    let (lines, _guard) = Lines::start();
    for (method, path, why, methods) in [
        ("GET", "/nope\n", "no such path", None),
        ("PATCH", "/test/echo", "no such method on this path", Some("POST, DELETE")),
        ("DELETE", "/test/read", "no such method on this path", Some("GET")),
        ("PUT", SEND, "no such method on this path", Some("GET, POST")),
        ("HEAD", "/test/read/", "no such method on this path", Some("GET")),
    ] {
        let answer = setup.send(method, path, Some(&token), "").await;
        let line = lines.one();
        let said = |name: &str| line.get(name).and_then(Value::as_str);
        assert_eq!((said("level"), said("message")), (Some("INFO"), Some("unknown path")), "{line}");
        assert_eq!(
            (said("method"), said("path"), said("why")),
            (Some(method), Some(path), Some(why)),
            "{line}"
        );
        assert_eq!(said("methods"), methods, "{line}");
        assert_eq!(said("log_id"), answer.header("X-Tt-Logid").as_deref(), "{line}");
        assert_eq!(
            (said("tenant"), said("token")),
            (Some(TenantKey(5).to_string().as_str()), Some("tenant"))
        );
        assert!(line["duration_ms"].is_f64() && line.get("code").is_none(), "{line}");
    }
}

#[tokio::test]
async fn every_line_says_who_called_what_and_how_long_it_took() {
    let setup = Setup::new(AppOptions::default()).await;
    let bearer = |token: &str| Some(format!("Bearer {token}"));
    let stranger = Keys::derive("another server");
    let forged = Token { holder: Holder::Tenant, tenant: TenantKey(8), app: AppId(9), expires_at: 0 };
    let user = Token { holder: Holder::User { number: 3, epoch: 1, family: 0 }, ..forged };
    let (own, others) = ((TenantKey(5), setup.app_id), (TenantKey(8), AppId(9)));
    let (lines, _guard) = Lines::start();
    for (path, authorization, code, token, who, claimed) in [
        ("/test/read", bearer(&setup.token(7200)), 0, "tenant", Some(own), false),
        ("/test/read", bearer(&setup.user_token(1)), 0, "user", Some(own), false),
        ("/test/control", bearer("key"), 0, "control", None, false),
        ("/test/scoped", bearer(&setup.token(7200)), 99991672, "tenant", Some(own), false),
        ("/test/user", bearer(&setup.token(7200)), 99991663, "tenant", Some(own), false),
        // Invalid tokens: expired, revoked, signed by others, missing.
        ("/test/read", bearer(&setup.token(0)), 99991663, "tenant", Some(own), false),
        ("/test/read", bearer(&setup.user_token(2)), 99991668, "user", Some(own), false),
        ("/test/read", bearer(&forged.issue(&stranger)), 99991663, "tenant", Some(others), true),
        ("/test/read", bearer(&user.issue(&stranger)), 99991668, "user", Some(others), true),
        (
            "/test/read",
            bearer(&jwt::issue(&user, None, &stranger).expect("a user's")),
            99991668,
            "user",
            Some(others),
            true,
        ),
        ("/test/read", bearer("t-g1044ghJRUIJJ5DJ"), 99991663, "unreadable", None, false),
        ("/test/read", bearer("eyJhbGciOiJFUzI1NiJ9.e30.x"), 99991668, "unreadable", None, false),
        ("/test/read", bearer(""), 99991661, "none", None, false),
        ("/test/read", None, 99991661, "none", None, false),
        ("/test/read", Some("Basic hush:hush".to_owned()), 99991661, "basic", None, false),
        ("/test/control", bearer("not the key"), 5275401, "unreadable", None, false),
        ("/test/control", bearer(&setup.token(7200)), 5275401, "tenant", Some(own), false),
    ] {
        let answer = setup.send("GET", path, authorization.as_deref(), "").await;
        let text = lines.text();
        let line: Value = serde_json::from_str(&text).expect("one line");
        let said = |name: &str| line.get(name).and_then(Value::as_str).map(str::to_owned);
        assert_eq!(said("level").as_deref(), Some(if code == 0 { "DEBUG" } else { "INFO" }), "{line}");
        assert_eq!(line["code"], code, "{line}");
        assert_eq!(line["operation"], path.replace("/test/", "test.v1."), "{line}");
        assert_eq!(said("log_id"), answer.header("X-Tt-Logid").map(std::borrow::Cow::into_owned));
        assert_eq!(said("token").as_deref(), Some(token), "{line}");
        assert_eq!(said("tenant"), who.map(|(tenant, _)| tenant.to_string()), "{line}");
        assert_eq!(said("app_id"), who.map(|(_, app)| app.to_string()), "{line}");
        assert_eq!(line.get("claimed"), claimed.then_some(&json!(true)), "{line}");
        assert!(line["duration_ms"].as_f64().is_some_and(|ms| (0.0..60_000.0).contains(&ms)), "{line}");
        assert_eq!(said("why").is_some(), code != 0, "{line}");
        let secret = authorization.as_deref().and_then(|text| text.split(' ').nth(1)).filter(|s| s.len() > 3);
        assert!(secret.is_none_or(|secret| !text.contains(secret)), "{text}");
    }
    // A scope refusal names the scopes that suffice, and a refusal of the body the invalid fields without their values.
    let token = format!("Bearer {}", setup.token(7200));
    setup.send("GET", "/test/scoped", Some(&token), "").await;
    let why = lines.one()["why"].as_str().expect("why").to_owned();
    assert!(why.contains("any of these scopes suffices: a:b, c:d"), "{why}");
    setup.send("POST", "/test/echo?ids=1&ids=2&ids=3", Some(&token), r#"{"name":""}"#).await;
    let why = lines.one()["why"].as_str().expect("why").to_owned();
    assert!(why.contains("ids") && why.contains("; name: "), "{why}");
}

#[tokio::test]
async fn a_failure_is_an_error_and_a_planned_one_is_not() {
    let setup = Setup::new(AppOptions::default()).await;
    let token = format!("Bearer {}", setup.token(7200));
    let engine = setup.app.engine().clone();
    engine
        .run(Effect::Writes, |root| {
            let mut tx = root.tenant(TenantKey(5));
            Box::pin(async move {
                let planned = [("a", "test.v1.read", codes::INTERNAL), ("b", "test.v1.tenant", codes::UNAVAILABLE)];
                let mut rules = Vec::new();
                for (id, operation, code) in planned {
                    faults::start(&mut tx, id).await?;
                    rules.push(json!({
                        "id": id, "match": {"operation": operation}, "effect": {"refuse": {"code": code.number}},
                        "times": 1, "since_ms": 0
                    }));
                }
                faults::set(&mut tx, &Value::Array(rules).to_string()).await?;
                tx.outcome()
            })
        })
        .await
        .expect("planned");
    let (lines, _guard) = Lines::start();
    for (path, code, level, message, why) in [
        ("/test/read", 2200, "INFO", "refused", "planned by the fault rule a of the world"),
        ("/test/tenant", 5000, "INFO", "refused", "planned by the fault rule b of the world"),
        ("/test/read", 0, "DEBUG", "answered", ""),
        ("/test/panic", 2200, "ERROR", "failed", "broken statement or row: the unit panicked: on purpose"),
    ] {
        setup.send("GET", path, Some(&token), "").await;
        let line = lines.one();
        assert_eq!((&line["code"], &line["level"]), (&json!(code), &json!(level)), "{line}");
        assert_eq!(
            (&line["message"], line["why"].as_str().unwrap_or_default()),
            (&json!(message), why),
            "{line}"
        );
        assert_eq!((&line["token"], &line["tenant"]), (&json!("tenant"), &json!(TenantKey(5).to_string())));
    }
}
