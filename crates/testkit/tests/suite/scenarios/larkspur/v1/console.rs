//! The console: its files, its session, and which requests may rely on it.

use larkspur_server::{ConsoleOptions, Place};
use larkspur_testkit::{Lab, LabOptions, ManualClock, Reply, Request};
use serde_json::{Value, json};

const PAGE: &str = "/larkspur/console";
const SESSION: &str = "/larkspur/console/session";
const HERE: &str = "http://localhost";
const HOUR_MS: i64 = 3600 * 1000;

/// A browser that signed in.
struct Signed {
    lab: Lab,
    cookie: String,
    csrf: String,
}

impl Signed {
    /// As the page does it.
    async fn in_to(lab: &Lab) -> Signed {
        let reply = sign_in(lab, &json!({"link": link(lab).await})).send().await;
        Signed::by(lab, &reply)
    }

    fn by(lab: &Lab, reply: &Reply) -> Signed {
        assert_eq!(reply.status(), 200, "{}", reply.text());
        let header = reply.response.header("set-cookie").expect("a cookie").into_owned();
        let cookie = header.split(';').next().expect("a pair").to_owned();
        let csrf = reply.json()["csrf"].as_str().expect("a text").to_owned();
        Signed { lab: lab.clone(), cookie, csrf }
    }

    /// A request with the cookie alone.
    fn with_cookie(&self, method: &str, path: &str) -> Request {
        self.lab.request(method, path).header("Cookie", &self.cookie)
    }

    /// A request as the page sends it.
    fn by_page(&self, method: &str, path: &str) -> Request {
        let request = self.with_cookie(method, path).header("Sec-Fetch-Site", "same-origin");
        if method == "GET" {
            return request;
        }
        request.header("Origin", HERE).header("X-Larkspur-Console", &self.csrf)
    }
}

fn sign_in(lab: &Lab, body: &Value) -> Request {
    lab.request("POST", SESSION).header("Origin", HERE).body(body.clone())
}

/// The secret of a fresh link.
async fn link(lab: &Lab) -> String {
    let made = lab.control("POST", "/console/links").send().await.data();
    let url = made["url"].as_str().expect("a URL");
    let secret = url.strip_prefix("http://127.0.0.1:80/larkspur/console#login=").expect("its form");
    assert!(secret.len() >= 32, "{secret}");
    secret.to_owned()
}

#[track_caller]
fn refused(reply: &Reply, status: u16, code: u32) {
    assert_eq!((reply.status(), reply.code()), (status, i64::from(code)), "{}", reply.text());
}

async fn worlds(lab: &Lab) -> usize {
    lab.control("GET", "/worlds").send().await.data()["worlds"].as_array().expect("a list").len()
}

#[tokio::test]
async fn a_link_works_once_and_for_ten_minutes() {
    let clock = ManualClock::at(1_800_000_000_000);
    let lab = Lab::with(LabOptions { clock: clock.clone(), ..LabOptions::default() }).await;
    let (first, second, third) = (link(&lab).await, link(&lab).await, link(&lab).await);
    let by = |secret: &str| sign_in(&lab, &json!({"link": secret}));
    let signed = by(&first).send().await;
    let shown = signed.json();
    assert_eq!(shown["expires_at_ms"], 1_800_000_000_000_i64 + 12 * HOUR_MS);
    assert_eq!((&shown["base_url"], &shown["mode"]), (&json!("http://localhost"), &json!("test")));
    assert_eq!(shown["release"], env!("CARGO_PKG_VERSION"));
    let again = by(&first).send().await;
    refused(&again, 401, 5_275_416);
    assert!(again.text().contains("`larkspur console`"), "{}", again.text());
    clock.advance(10 * 60 * 1000 - 1);
    assert_eq!(by(&second).send().await.status(), 200);
    clock.advance(1);
    refused(&by(&third).send().await, 401, 5_275_416);
}

#[tokio::test]
async fn links_take_a_bounded_place() {
    let lab = Lab::start().await;
    let oldest = link(&lab).await;
    let mut newest = String::new();
    for _ in 0..64 {
        newest = link(&lab).await;
    }
    refused(&sign_in(&lab, &json!({"link": oldest})).send().await, 401, 5_275_416);
    assert_eq!(sign_in(&lab, &json!({"link": newest})).send().await.status(), 200);
}

#[tokio::test]
async fn without_links_or_a_console_there_is_none() {
    let options = LabOptions::default().console.expect("served");
    let silent = ConsoleOptions { links: false, ..options };
    let lab = Lab::with(LabOptions { console: Some(silent), ..LabOptions::default() }).await;
    lab.control("POST", "/console/links").send().await.refused(5_275_414);
    assert_eq!(lab.request("GET", PAGE).send().await.status(), 200);
    let lab = Lab::with(LabOptions { console: None, ..LabOptions::default() }).await;
    lab.control("POST", "/console/links").send().await.refused(5_275_414);
    for (method, path) in
        [("GET", PAGE), ("GET", SESSION), ("POST", SESSION), ("GET", "/larkspur/console/app.js")]
    {
        assert_eq!(lab.request(method, path).send().await.status(), 404, "{method} {path}");
    }
    // A cookie has no effect there.
    let reply = lab.request("GET", "/larkspur/v1/worlds").header("Cookie", "lk_00000000=x").send().await;
    reply.refused(5_275_401);
}

#[tokio::test]
async fn a_session_stands_in_for_the_control_key() {
    let clock = ManualClock::at(1_800_000_000_000);
    let lab = Lab::with(LabOptions { clock: clock.clone(), ..LabOptions::default() }).await;
    let page = Signed::in_to(&lab).await;
    let shown = page.by_page("GET", SESSION).send().await.json();
    assert_eq!(shown["csrf"], page.csrf);
    let made = page.by_page("POST", "/larkspur/v1/worlds").body(json!({"name": "mine"})).send().await;
    made.data();
    // Without the headers of newer browsers; and among cookies of other ports, one of them by the same name.
    let name = page.cookie.split('=').next().expect("a name");
    let many = format!("a=b; {name}=x.y.z; {}; c", page.cookie);
    let plain = lab.request("GET", "/larkspur/v1/worlds").header("Cookie", &many).send().await;
    assert_eq!(plain.data()["worlds"][0]["name"], "mine");
    for (name, value) in [
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", "default-src 'none'; sandbox"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ] {
        assert_eq!(plain.response.header(name).as_deref(), Some(value));
    }
    // Only the control API: a session is not a token.
    page.by_page("GET", "/open-apis/im/v1/chats").send().await.refused(99_991_661);
    let ended = page.by_page("DELETE", SESSION).send().await;
    let cookie = ended.response.header("set-cookie").expect("a cookie").into_owned();
    assert!(cookie.starts_with(&format!("{name}=; ")) && cookie.contains("; Max-Age=0;"), "{cookie}");
    clock.advance(12 * HOUR_MS);
    for path in [SESSION, "/larkspur/v1/worlds"] {
        refused(&page.by_page("GET", path).send().await, 401, 5_275_417);
    }
    refused(&lab.request("GET", SESSION).send().await, 401, 5_275_417);
}

#[tokio::test]
async fn a_forged_session_is_none() {
    let lab = Lab::start().await;
    let page = Signed::in_to(&lab).await;
    let (name, value) = page.cookie.split_once('=').expect("a pair");
    let parts: Vec<&str> = value.split('.').collect();
    let later = parts[0].parse::<i64>().expect("a time") + 1;
    for forged in [
        format!("{later}.{}.{}", parts[1], parts[2]),
        format!("{}.x.{}", parts[0], parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], "0".repeat(64)),
        format!("{value}.x"),
        format!("{}.{}", parts[0], parts[1]),
        String::new(),
    ] {
        let with = |path: &str| lab.request("GET", path).header("Cookie", &format!("{name}={forged}"));
        refused(&with("/larkspur/v1/worlds").send().await, 401, 5_275_417);
        refused(&with(SESSION).send().await, 401, 5_275_417);
    }
}

#[tokio::test]
async fn only_the_own_page_may_rely_on_the_cookie() {
    let lab = Lab::start().await;
    let page = Signed::in_to(&lab).await;
    let make = |request: Request| {
        request.content_type(Some("text/plain")).raw(r#"{"name": "made by another page"}"#)
    };
    let post = || make(page.with_cookie("POST", "/larkspur/v1/worlds"));
    let csrf = page.csrf.as_str();
    let from = |origin: &str| post().header("Origin", origin).header("X-Larkspur-Console", csrf);
    for request in [
        post(),
        post().header("Origin", HERE),
        post().header("Origin", HERE).header("X-Larkspur-Console", "x"),
        post().header("X-Larkspur-Console", csrf),
        from("http://localhost:81"),
        from("http://127.0.0.1"),
        from("https://localhost"),
        from("null"),
    ] {
        refused(&request.send().await, 403, 5_275_418);
    }
    for kinship in ["same-site", "cross-site", "none"] {
        let from = |method: &str, path: &str| {
            page.with_cookie(method, path)
                .header("Sec-Fetch-Site", kinship)
                .header("Origin", HERE)
                .header("X-Larkspur-Console", csrf)
        };
        refused(&make(from("POST", "/larkspur/v1/worlds")).send().await, 403, 5_275_418);
        refused(&from("GET", "/larkspur/v1/worlds").send().await, 403, 5_275_418);
        refused(&from("GET", SESSION).send().await, 403, 5_275_418);
        refused(&from("DELETE", SESSION).send().await, 403, 5_275_418);
        let login = sign_in(&lab, &json!({"link": link(&lab).await})).header("Sec-Fetch-Site", kinship);
        refused(&login.send().await, 403, 5_275_418);
        // The page itself is public, and a link to it may be anywhere.
        assert_eq!(lab.request("GET", PAGE).header("Sec-Fetch-Site", kinship).send().await.status(), 200);
    }
    let elsewhere = lab.request("POST", SESSION).header("Origin", "http://localhost:81");
    refused(&elsewhere.body(json!({"link": link(&lab).await})).send().await, 403, 5_275_418);
    assert_eq!(worlds(&lab).await, 0, "nothing was made");
    // The key in a header needs none of it.
    let with_key = make(lab.control("POST", "/worlds").header("Cookie", &page.cookie));
    with_key
        .header("Origin", "http://evil.example")
        .header("Sec-Fetch-Site", "cross-site")
        .send()
        .await
        .data();
    assert_eq!(worlds(&lab).await, 1);
}

#[tokio::test]
async fn another_name_for_this_machine_is_refused() {
    let options = LabOptions::default().console.expect("served");
    let console = Some(ConsoleOptions {
        place: Place::Machine("127.0.0.1:5275".parse().expect("an address")),
        ..options
    });
    let lab = Lab::with(LabOptions { console, ..LabOptions::default() }).await;
    let made = lab.control("POST", "/console/links").send().await.data();
    let secret =
        made["url"].as_str().and_then(|url| url.split("#login=").nth(1)).expect("a secret").to_owned();
    let login = lab.request("POST", SESSION).header("Host", "localhost:5275").body(json!({"link": secret}));
    let page = Signed::by(&lab, &login.send().await);
    for (header, host, fine) in [
        ("Host", "localhost:5275", true),
        ("Host", "127.0.0.1:5275", true),
        ("Host", "127.0.0.2:5275", true),
        ("Host", "[::1]:5275", true),
        ("Host", "Larkspur.LOCALHOST:5275", true),
        ("Host", "evil.example", false),
        ("Host", "evil.example:5275", false),
        ("Host", "localhost.evil.example:5275", false),
        ("Host", "localhost:5276", false),
        ("Host", "localhost", false),
        ("Host", "[::1]", false),
        ("Host", "localhost:05275x", false),
        ("Host", "localhost:5275@evil.example", false),
        ("Host", "", false),
        // A proxy on this machine, for anyone.
        ("X-Forwarded-For", "8.8.8.8", false),
        ("X-Forwarded-Host", "localhost:5275", false),
    ] {
        for (method, path) in [
            ("GET", PAGE),
            ("GET", "/larkspur/console/app.js"),
            ("GET", "/%6carkspur/console"),
            ("GET", "/larkspur/%63onsole/"),
            ("GET", "/larkspur/console%2Fapp.js"),
            ("GET", SESSION),
            ("GET", "/larkspur/v1/worlds"),
            ("POST", SESSION),
        ] {
            let mut request = page.with_cookie(method, path).header(header, host);
            if header != "Host" {
                request = request.header("Host", "localhost:5275");
            }
            let reply = request.body(json!({"key": "lab-control-key"})).send().await;
            let expected = if fine { 200 } else { 421 };
            assert_eq!(reply.status(), expected, "{header}: {host}: {method} {path}: {}", reply.text());
        }
    }
    let refused = lab.request("GET", PAGE).header("Host", "evil.example").send().await;
    assert_eq!(refused.response.header("content-type").as_deref(), Some("text/plain"));
    // What the key opens does not depend on names here.
    lab.control("GET", "/worlds").header("Host", "evil.example").send().await.data();
}

#[tokio::test]
async fn behind_a_proxy_that_encrypts() {
    let url = "https://larkspur.example.com".to_owned();
    let options = LabOptions::default().console.expect("served");
    let console = Some(ConsoleOptions { place: Place::Url(url.clone()), links: false, ..options });
    let lab = Lab::with(LabOptions { console, ..LabOptions::default() }).await;
    let login = lab.request("POST", SESSION).body(json!({"key": "lab-control-key"}));
    let reply = login.clone().header("Host", "larkspur.example.com").header("Origin", &url).send().await;
    let cookie = reply.response.header("set-cookie").expect("a cookie").into_owned();
    assert!(cookie.starts_with("__Host-lk_") && cookie.contains("; Path=/; "), "{cookie}");
    assert!(cookie.contains("; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
    let page = Signed::by(&lab, &reply);
    let post = || page.with_cookie("POST", "/larkspur/v1/worlds").header("X-Larkspur-Console", &page.csrf);
    for host in ["larkspur.example.com", "larkspur.example.com:443", "LARKSPUR.example.com"] {
        post().header("Host", host).header("Origin", &url).send().await.data();
    }
    // A proxy on this machine that asks under its own name, and says under which name it was asked.
    let passed_on = |name: &str| {
        post().header("Host", "127.0.0.1:5275").header("X-Forwarded-Host", name).header("Origin", &url)
    };
    passed_on("larkspur.example.com").send().await.data();
    for (host, forwarded) in [
        ("127.0.0.1:5275", None),
        ("localhost", None),
        ("larkspur.example.com:8443", None),
        ("evil.example", None),
        // A page under a foreign name that leads here can send any header, but cannot change its own name.
        ("evil.example", Some("larkspur.example.com")),
        ("127.0.0.1:5275", Some("larkspur.example.com, evil.example")),
    ] {
        let mut request = post().header("Host", host).header("Origin", &url);
        if let Some(name) = forwarded {
            request = request.header("X-Forwarded-Host", name);
        }
        refused(&request.send().await, 421, 5_275_422);
    }
    refused(
        &post()
            .header("Host", "larkspur.example.com")
            .header("Origin", "http://larkspur.example.com")
            .send()
            .await,
        403,
        5_275_418,
    );
}

#[tokio::test]
async fn five_wrong_keys_a_minute() {
    let clock = ManualClock::at(1_800_000_000_000);
    // Behind a proxy, so that the clients have addresses.
    let options = LabOptions::default().console.expect("served");
    let console = Some(ConsoleOptions { place: Place::Url(HERE.to_owned()), ..options });
    let lab = Lab::with(LabOptions { clock: clock.clone(), console, ..LabOptions::default() }).await;
    let from = |peer: &str, key: &str| sign_in(&lab, &json!({"key": key})).header("X-Forwarded-For", peer);
    for _ in 0..5 {
        refused(&from("203.0.113.1", "wrong").send().await, 401, 5_275_401);
        refused(&from("2001:db8::1", "wrong").send().await, 401, 5_275_401);
    }
    // Also the right one has to wait, and its whole network does.
    for peer in ["203.0.113.1", "2001:db8::2"] {
        refused(&from(peer, "lab-control-key").send().await, 429, 5_275_430);
    }
    for peer in ["203.0.113.2", "2001:db8:0:1::1"] {
        assert_eq!(from(peer, "lab-control-key").send().await.status(), 200);
    }
    clock.advance(60_000);
    assert_eq!(from("203.0.113.1", "lab-control-key").send().await.status(), 200);
}

#[tokio::test]
async fn what_is_not_a_login() {
    let lab = Lab::start().await;
    for body in
        ["", "[]", "{}", r#"{"link": 1}"#, r#"{"link": "a", "key": "b"}"#, r#"{"key": "a", "x": 1}"#, "null"]
    {
        refused(&lab.request("POST", SESSION).raw(body).send().await, 400, 9499);
    }
    refused(&lab.request("POST", SESSION).raw(vec![b' '; 5000]).send().await, 413, 9499);
    // They are not tries.
    assert_eq!(sign_in(&lab, &json!({"key": "lab-control-key"})).send().await.status(), 200);
    for (method, path) in [("PUT", SESSION), ("POST", PAGE), ("DELETE", PAGE), ("OPTIONS", SESSION)] {
        assert_eq!(lab.request(method, path).send().await.status(), 404, "{method} {path}");
    }
}

#[tokio::test]
async fn every_answer_of_the_console_has_its_headers() {
    let lab = Lab::start().await;
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                  base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                  trusted-types 'none'";
    let page = Signed::in_to(&lab).await;
    let first = lab.request("GET", PAGE).send().await;
    let tag = first.response.header("etag").expect("a tag").into_owned();
    let answers = [
        (200, first),
        (200, lab.request("GET", "/larkspur/console/").send().await),
        (304, lab.request("GET", PAGE).header("If-None-Match", &format!("\"x\", {tag}")).send().await),
        (200, lab.request("GET", PAGE).header("If-None-Match", "\"x\"").send().await),
        (200, lab.request("GET", "/larkspur/console/app.js").send().await),
        (404, lab.request("GET", "/larkspur/console/lib/nothing.js").send().await),
        (404, lab.request("GET", "/larkspur/console/../console.rs").send().await),
        (421, lab.request("GET", PAGE).header("Host", "evil.example").send().await),
        (401, lab.request("GET", SESSION).send().await),
        (401, sign_in(&lab, &json!({"link": "x"})).send().await),
        (403, page.with_cookie("DELETE", SESSION).send().await),
        (200, page.by_page("GET", SESSION).send().await),
    ];
    for (status, reply) in &answers {
        let header = |name: &str| reply.response.header(name).map(|value| value.into_owned());
        assert_eq!(reply.status(), *status, "{}", reply.text());
        let policies =
            reply.response.headers().filter(|(name, _)| *name == "Content-Security-Policy").count();
        assert_eq!((policies, header("content-security-policy").as_deref()), (1, Some(policy)));
        for name in ["Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy"] {
            assert_eq!(header(name).as_deref(), Some("same-origin"));
        }
        assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"));
        assert_eq!(header("referrer-policy").as_deref(), Some("no-referrer"));
        assert!(["no-cache", "no-store"].contains(&header("cache-control").expect("one").as_str()));
    }
    assert!(answers[2].1.bytes().is_empty());
    assert_eq!(answers[0].1.response.header("cache-control").as_deref(), Some("no-cache"));
    // No answer is for other origins, whatever they ask.
    let asked = [
        page.by_page("GET", "/larkspur/v1/worlds"),
        page.by_page("GET", PAGE),
        page.by_page("GET", SESSION),
        lab.request("OPTIONS", "/larkspur/v1/worlds"),
        lab.request("OPTIONS", "/larkspur/health/live"),
        lab.request("GET", "/larkspur/openapi.json"),
        lab.control("GET", "/worlds"),
    ];
    for request in asked {
        let request =
            request.header("Origin", "http://evil.example").header("Access-Control-Request-Method", "PUT");
        let reply = request.send().await;
        let shared =
            reply.response.headers().any(|(name, _)| name.to_lowercase().starts_with("access-control"));
        assert!(!shared, "{reply:?}");
    }
}

#[tokio::test]
async fn what_a_page_calls_is_recorded_without_its_session() {
    let lab = Lab::start().await;
    let world = lab.world().await;
    let page = Signed::in_to(&lab).await;
    let path = format!("/larkspur/v1/worlds/{}", world.tenant_key);
    page.by_page("PUT", &format!("{path}/clock")).body(json!({"offset_ms": 5})).send().await.data();
    page.by_page("POST", "/larkspur/v1/console/links").send().await.data();
    let all = lab.control("GET", "/traffic?kind=control&limit=1000").send().await.data();
    let rows = all["entries"].as_array().expect("a list");
    let row = rows.iter().find(|row| row["operation"] == "larkspur.v1.world.clock").expect("recorded");
    assert_eq!((&row["token"], &row["outcome"]), (&json!("control"), &json!("ok")));
    assert!(rows.iter().all(|row| row["operation"] != "larkspur.v1.console.link"), "its answer is a secret");
    let log_id = row["log_id"].as_str().expect("a log id");
    let entry = lab.control("GET", &format!("/traffic/{log_id}")).send().await.data().to_string();
    let secret = page.cookie.rsplit('.').next().expect("a signature");
    assert!(!entry.contains(secret) && !entry.contains(&page.csrf), "{entry}");
}
