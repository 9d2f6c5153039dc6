//! The gateway and the wire, on a store in memory, with operations made for the tests.

mod support;

use std::sync::Arc;

use bytes::Bytes;
use larkspur_contract::ids::AppId;
use larkspur_contract::model::InstallStatus;
use larkspur_server::{AppOptions, BodyError, BodySource, Exchange, RateLimits, Request};
use larkspur_store::BoxFuture;
use serde_json::json;
use support::{Setup, json_of};

#[tokio::test]
async fn unknown_routes_and_methods_are_a_plain_404() {
    let setup = Setup::new(AppOptions::default()).await;
    for (method, path) in [
        ("GET", "/nope"),
        ("POST", "/test/read"),
        ("OPTIONS", "/test/read"),
        ("GET", "/larkspur/x"),
        ("POST", "/"),
        ("POST", "/larkspur/"),
    ] {
        let response = setup.send(method, path, None, "").await;
        assert_eq!((response.status, &*response.content_type), (404, "text/plain"), "{method} {path}");
        assert_eq!(&response.body.bytes()[..], b"404 page not found");
    }
}

#[tokio::test]
async fn the_first_paths_lead_to_the_guide() {
    let setup = Setup::new(AppOptions::default()).await;
    let first = setup.send("GET", "/", None, "").await;
    assert_eq!((first.status, &*first.content_type), (200, "text/plain"));
    assert!(String::from_utf8_lossy(first.body.bytes()).contains(" /larkspur/guide/\n"));
    for path in ["/larkspur", "/larkspur/"] {
        let response = setup.send("GET", path, None, "").await;
        assert_eq!(
            (response.status, response.location.as_deref()),
            (302, Some("/larkspur/guide/")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn tokens() {
    let setup = Setup::new(AppOptions::default()).await;
    let (good, user) = (setup.token(7200), setup.user_token(1));
    let stranger = format!("t-{}", "0".repeat(80));
    for (path, authorization, code, status) in [
        ("/test/read", None, 99991661, 400),
        ("/test/read", Some("Basic x".to_owned()), 99991661, 400),
        ("/test/read", Some("Bearer ".to_owned()), 99991661, 400),
        ("/test/read", Some(format!("Bearer {stranger}")), 99991663, 400),
        ("/test/read", Some(format!("Bearer {}", setup.token(0))), 99991663, 400),
        ("/test/read", Some("Bearer u-x".to_owned()), 99991668, 400),
        ("/test/read", Some("Bearer eyJx".to_owned()), 99991668, 400),
        ("/test/read", Some("Bearer a-x".to_owned()), 99991664, 400),
        ("/test/read", Some("Bearer x".to_owned()), 99991671, 400),
        ("/test/read", Some(format!("Bearer {}", setup.user_token(2))), 99991668, 400),
        ("/test/read", Some(format!("Bearer {good}")), 0, 200),
        ("/test/read", Some(format!("Bearer {user}")), 0, 200),
        ("/test/tenant", Some(format!("Bearer {user}")), 99991668, 400),
        ("/test/user", Some(format!("Bearer {good}")), 99991663, 400),
        ("/test/control", Some(format!("Bearer {good}")), 5275401, 401),
        ("/test/control", None, 5275401, 401),
        ("/test/control", Some("Bearer key".to_owned()), 0, 200),
    ] {
        let response = setup.send("GET", path, authorization.as_deref(), "").await;
        let body = json_of(&response);
        assert_eq!(
            (body["code"].as_u64(), response.status),
            (Some(code), status),
            "{path} {authorization:?} {body}"
        );
        let log_id = response.header("x-tt-logid").expect("a log id");
        if code != 0 {
            assert_eq!(body["error"]["log_id"], *log_id);
            assert!(body.get("data").is_none(), "{body}");
        }
    }
}

#[tokio::test]
async fn a_token_works_from_the_store_and_from_memory_alike() {
    let setup = Setup::new(AppOptions::default()).await;
    let token = format!("Bearer {}", setup.user_token(1));
    assert!(setup.app.engine().memory.grants.is_empty());
    for _ in 0..2 {
        let body = json_of(&setup.send("GET", "/test/read", Some(&token), "").await);
        assert_eq!(body, json!({"code": 0, "msg": "success", "data": {"asked": {}}}));
        assert_eq!(setup.app.engine().memory.grants.len(), 1);
    }
}

#[tokio::test]
async fn scopes_and_the_state_of_the_app() {
    let setup = Setup::new(AppOptions::default()).await;
    let tenant = format!("Bearer {}", setup.token(7200));
    let user = format!("Bearer {}", setup.user_token(1));
    let refused = json_of(&setup.send("GET", "/test/scoped", Some(&tenant), "").await);
    assert_eq!(refused["code"], 99991672);
    let one = |kind: &str| json!([{"type": kind, "subject": "a:b"}, {"type": kind, "subject": "c:d"}]);
    assert_eq!(refused["error"]["permission_violations"], one("action_scope_required"));
    let refused = json_of(&setup.send("GET", "/test/scoped", Some(&user), "").await);
    assert_eq!(
        (&refused["code"], &refused["error"]["permission_violations"]),
        (&json!(99991679), &one("action_privilege_required"))
    );
    setup.install(InstallStatus::Enabled, &["c:d"]).await;
    assert_eq!(json_of(&setup.send("GET", "/test/scoped", Some(&tenant), "").await)["code"], 0);
    for (status, code) in [(InstallStatus::Disabled, 99991662), (InstallStatus::Uninstalled, 99991673)] {
        setup.install(status, &[]).await;
        assert_eq!(json_of(&setup.send("GET", "/test/read", Some(&tenant), "").await)["code"], code);
        // If the page demands a bot, it has codes of its own for this.
        assert_eq!(json_of(&setup.send("GET", "/test/bot", Some(&tenant), "").await)["code"], 0);
    }
}

#[tokio::test]
async fn frequency_control_refuses_with_both_headers_and_counts_by_app() {
    for (limits, status, let_in) in
        [(RateLimits::Platform, 429, 5), (RateLimits::Factor(0.4), 400, 2), (RateLimits::Off, 429, 50)]
    {
        let options = AppOptions { rate_limits: limits, rate_limit_status: status, ..AppOptions::default() };
        let setup = Setup::new(options).await;
        let token = format!("Bearer {}", setup.token(7200));
        for _ in 0..let_in {
            assert_eq!(setup.send("GET", "/test/limited", Some(&token), "").await.status, 200);
        }
        if limits == RateLimits::Off {
            continue;
        }
        let refused = setup.send("GET", "/test/limited", Some(&token), "").await;
        let body = json_of(&refused);
        assert_eq!(
            (refused.status, &body["code"], &body["msg"]),
            (status, &json!(99991400), &json!("request trigger frequency limit"))
        );
        assert_eq!(refused.header("X-Ogw-Ratelimit-Limit").expect("a cap"), let_in.to_string());
        assert_eq!(refused.header("X-Ogw-Ratelimit-Reset").expect("seconds"), "1");
        setup.pass(1000);
        let after = setup.send("GET", "/test/limited", Some(&token), "").await;
        assert_eq!((after.status, after.header("X-Ogw-Ratelimit-Limit")), (200, None));
    }
}

struct Watched {
    bytes: Bytes,
    read: bool,
}

impl BodySource for Watched {
    fn read(&mut self, limit: usize) -> BoxFuture<'_, Result<Bytes, BodyError>> {
        self.read = true;
        self.bytes.read(limit)
    }
}

#[tokio::test]
async fn a_body_is_read_only_for_an_admitted_call() {
    let setup = Setup::new(AppOptions::default()).await;
    let token = format!("Bearer {}", setup.token(7200));
    let send = async |method: &str, path: &str, authorization: Option<&str>, length: usize| {
        let mut body = Watched { bytes: Bytes::from(vec![b' '; length]), read: false };
        let headers: Vec<_> = authorization.iter().map(|header| ("authorization", *header)).collect();
        let request = Request { method, path, query: "", headers: &headers, peer: None, body: &mut body };
        let response = setup.app.handle(request).await;
        (response.status, json_of(&response)["code"].clone(), body.read)
    };
    assert_eq!(send("POST", "/test/echo", None, 9).await, (400, json!(99991661), false));
    // A body that the operation does not take is not read at all.
    assert_eq!(send("GET", "/test/read", Some(&token), 64 << 20).await, (200, json!(0), false));
    assert_eq!(send("POST", "/test/echo", Some(&token), 10 << 20).await, (200, json!(0), true));
    assert_eq!(send("POST", "/test/echo", Some(&token), (10 << 20) + 1).await, (413, json!(9499), true));
}

#[tokio::test]
async fn bodies_and_queries_are_read_and_checked_whole() {
    let setup = Setup::new(AppOptions::default()).await;
    let token = format!("Bearer {}", setup.token(7200));
    let echo = async |query: &str, body: &str| {
        let path = format!("/test/echo?{query}");
        json_of(&setup.send("POST", &path, Some(&token), body).await)
    };
    assert_eq!(echo("", r#"{"name":"a","more":1}"#).await["data"]["asked"], json!({"name": "a"}));
    assert_eq!(echo("ids=1&ids=2+3", "").await["data"]["asked"], json!({"ids": ["1", "2 3"]}));
    assert_eq!(echo("", "null").await["data"]["asked"], json!({}));
    assert_eq!(echo("", "[]").await["code"], 9499);
    assert_eq!(echo("", "{").await["code"], 9499);
    assert_eq!(echo("", r#"{"name":1}"#).await["code"], 9499);
    assert_eq!(echo("ids=%ff", "").await["code"], 9499);
    let both = echo("ids=1&ids=2&ids=3", r#"{"name":""}"#).await;
    assert_eq!(both["code"], 99992402, "the query is the gateway's");
    assert_eq!(echo("", r#"{"name":""}"#).await["code"], 230001);
    let fields: Vec<&str> = both["error"]["field_violations"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|v| v["field"].as_str())
        .collect();
    assert_eq!(fields, ["ids", "name"]);
    // A DELETE with a body that matters, and a GET with one that is ignored.
    let gone = json_of(&setup.send("DELETE", "/test/echo", Some(&token), r#"{"name":"x"}"#).await);
    assert_eq!(gone["data"]["asked"], json!({"name": "x"}));
    assert_eq!(json_of(&setup.send("GET", "/test/read", Some(&token), "{}").await)["code"], 0);
    assert_eq!(json_of(&setup.send("GET", "/test/read", Some(&token), "x").await)["code"], 0);
}

#[tokio::test]
async fn a_panic_is_answered_wherever_it_happens() {
    let setup = Setup::new(AppOptions::default()).await;
    let token = format!("Bearer {}", setup.token(7200));
    for path in ["/test/panic", "/test/panic?early=true"] {
        let response = setup.send("GET", path, Some(&token), "").await;
        assert_eq!((response.status, &json_of(&response)["code"]), (500, &json!(2200)), "{path}");
    }
    assert_eq!(setup.send("GET", "/test/read", Some(&token), "").await.status, 200, "the store still works");
}

#[tokio::test]
#[cfg_attr(not(debug_assertions), ignore = "in release it is only logged")]
#[should_panic(expected = "test.v1.undocumented answered")]
async fn an_undocumented_answer_panics_in_tests() {
    let setup = Setup::new(AppOptions::default()).await;
    let token = format!("Bearer {}", setup.token(7200));
    setup.send("GET", "/test/undocumented", Some(&token), "").await;
}

#[tokio::test]
async fn the_recorder_and_the_metrics_see_every_answer() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let writer = seen.clone();
    let options = AppOptions {
        recorder: Some(Arc::new(move |exchange: &Exchange<'_>| {
            writer.lock().expect("whole").push((exchange.operation, exchange.code));
        })),
        ..AppOptions::default()
    };
    let setup = Setup::new(options).await;
    let token = format!("Bearer {}", setup.token(7200));
    setup.send("GET", "/test/read", Some(&token), "").await;
    setup.send("GET", "/test/read", None, "").await;
    assert_eq!(
        *seen.lock().expect("whole"),
        [(Some("test.v1.read"), Some(0)), (Some("test.v1.read"), Some(99991661))]
    );
    let metrics = setup.send("GET", "/larkspur/metrics", None, "").await;
    let text = String::from_utf8_lossy(metrics.body.bytes()).into_owned();
    for line in [
        "larkspur_requests_total{operation=\"test.v1.read\",code=\"0\"} 1",
        "larkspur_requests_total{operation=\"test.v1.read\",code=\"99991661\"} 1",
        "larkspur_request_seconds_count{operation=\"test.v1.read\"} 2",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains(&setup.secret), "no secret is in the metrics");
}

/// What a recorder saw, in a line.
fn seen(exchange: &Exchange<'_>) -> String {
    let who = exchange.who;
    let body = exchange.body.map(|body| String::from_utf8_lossy(body).into_owned());
    assert_eq!(exchange.response.id, Some(exchange.id), "the answer is that of the call");
    let answer = String::from_utf8_lossy(exchange.response.body.bytes());
    assert!(exchange.code.is_none_or(|code| answer.contains(&format!("\"code\":{code},"))), "{answer}");
    format!(
        "{} {}?{} {:?} {:?} {:?} as {} app {:?} user {:?} body {body:?} note {:?}",
        exchange.method,
        exchange.path,
        exchange.query,
        exchange.headers.all().iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        exchange.operation,
        exchange.code,
        who.token,
        who.app_id.map(|app| app.0),
        who.user,
        exchange.fault.map(|fault| fault.note().to_owned()),
    )
}

#[tokio::test]
async fn a_recorder_sees_who_called_what_was_sent_and_why_it_was_refused() {
    let lines = Arc::new(std::sync::Mutex::new(Vec::new()));
    let writer = lines.clone();
    let recorder = Arc::new(move |exchange: &Exchange<'_>| {
        writer.lock().expect("whole").push(seen(exchange));
    });
    let setup = Setup::new(AppOptions { recorder: Some(recorder), ..AppOptions::default() }).await;
    let bearer = format!("Bearer {}", setup.token(7200));
    let body = r#"{"name":"abc"}"#;
    setup.send("POST", "/test/echo?ids=1", Some(&bearer), body).await;
    let user = format!("Bearer {}", setup.user_token(1));
    setup.send("POST", "/test/echo", Some(&user), r#"{"name":""}"#).await;
    setup.send("POST", "/test/echo", None, body).await;
    setup.send("GET", "/test/panic", Some(&bearer), "").await;
    setup.send("GET", "/test/nowhere", None, "").await;
    setup.send("GET", "/open-apis/minutes/v1/minutes/x", None, "").await;
    setup.send("GET", "/larkspur/health/live", None, "").await;
    let lines = lines.lock().expect("whole");
    let expected = [
        r#"POST /test/echo?ids=1 ["authorization"] Some("test.v1.echo") Some(0) as tenant app Some(7) user None body Some("{\"name\":\"abc\"}") note None"#,
        r#"POST /test/echo? ["authorization"] Some("test.v1.echo") Some(230001) as user app Some(7) user Some(3) body Some("{\"name\":\"\"}") note Some("name: "#,
        r#"POST /test/echo? [] Some("test.v1.echo") Some(99991661) as none app None user None body None note Some("no Authorization: Bearer")"#,
        r#"GET /test/panic? ["authorization"] Some("test.v1.panic") Some(2200) as tenant app Some(7) user None body Some("") note Some("broken statement or row: the unit panicked: on purpose")"#,
        r#"GET /test/nowhere? [] None None as none app None user None body None note None"#,
        r#"GET /open-apis/minutes/v1/minutes/x? [] Some("minutes.v1.minute.get") Some(5275501) as none app None user None body None note None"#,
    ];
    assert_eq!(lines.len(), expected.len(), "the process's own answers are no calls: {lines:#?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}\nis not\n{expected}");
    }
}

#[tokio::test]
async fn health_follows_draining() {
    let setup = Setup::new(AppOptions::default()).await;
    let status = async |path: &str| setup.send("GET", path, None, "").await.status;
    assert_eq!((status("/larkspur/health/live").await, status("/larkspur/health/ready").await), (200, 200));
    setup.app.drain();
    assert_eq!((status("/larkspur/health/live").await, status("/larkspur/health/ready").await), (200, 503));
    assert_eq!(setup.app_id, AppId(7));
}
