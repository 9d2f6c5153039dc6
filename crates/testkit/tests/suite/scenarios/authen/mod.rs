//! `authen`, `oauth/v3`: a user authorizes an app, and the app fetches its tokens.

use larkspur_api::{Settings, UserPicker};
use larkspur_testkit::{Lab, Reply, Request, World};
use serde_json::{Value, json};

use crate::scenarios::{names, world};

mod frequency;
mod gone;
mod historic;
mod inspected;
mod own_page;
mod reuse;
mod tokens;

const PAGE: &str = "/open-apis/authen/v1/authorize";
const INDEX: &str = "/open-apis/authen/v1/index";
const V2: &str = "/open-apis/authen/v2/oauth/token";
const V3: &str = "/oauth/v3/token";
const HOME: &str = "http://localhost:3000/cb";
const DAY: i64 = 24 * 3600;

/// Parameters; later ones replace earlier ones of the same name, and an empty value removes one.
fn merged<'a>(pairs: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all: Vec<(&str, &str)> =
        pairs.iter().copied().filter(|(name, _)| more.iter().all(|(other, _)| other != name)).collect();
    all.extend(more.iter().filter(|(_, value)| !value.is_empty()));
    all
}

fn asked<'a>(world: &'a World, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("client_id", world.app_id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", HOME),
        ("state", "a b&c"),
    ];
    merged(&usual, more)
}

fn page(lab: &Lab, path: &str, pairs: &[(&str, &str)]) -> Request {
    pairs.iter().fold(lab.request("GET", path), |request, (name, value)| request.query(name, value))
}

/// `Authorization: Basic` with both halves percent-encoded byte by byte, as the strictest clients do.
fn basic(id: &str, secret: &str) -> String {
    let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    format!("Basic {}", base64(format!("{}:{}", escape(id), escape(secret)).as_bytes()))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().enumerate().fold(0usize, |sum, (n, byte)| sum | usize::from(*byte) << (16 - 8 * n));
        for place in 0..4 {
            let digit = char::from(DIGITS[group >> (18 - 6 * place) & 63]);
            out.push(if place > chunk.len() { '=' } else { digit });
        }
    }
    out
}

/// The page's answer to a decision of one of the world's users.
async fn decide(world: &World, user: usize, more: &[(&str, &str)]) -> Reply {
    let user = format!("{}/{}", world.tenant_key, world.users[user].user_id);
    let usual = asked(world, &[("decision", "allow"), ("user", user.as_str())]);
    world.lab.answer_page(&merged(&usual, more)).await.send().await
}

/// The URL to which a browser is redirected.
#[track_caller]
fn location(reply: &Reply) -> String {
    assert_eq!(reply.status(), 302, "{}", reply.text());
    reply.response.header("location").expect("a Location").into_owned()
}

/// A code for one of the world's users.
async fn code(world: &World, user: usize, more: &[(&str, &str)]) -> String {
    let address = location(&decide(world, user, more).await);
    let code = address.split("code=").nth(1).unwrap_or_else(|| panic!("{address}"));
    code.split('&').next().expect("a code").to_owned()
}

async fn exchange(world: &World, path: &str, more: Value) -> Reply {
    let mut body = json!({"client_id": world.app_id, "client_secret": world.app_secret});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    world.lab.request("POST", path).body(body).send().await
}

fn by_code(code: &str) -> Value {
    json!({"grant_type": "authorization_code", "code": code})
}

fn by_refresh(token: &str) -> Value {
    json!({"grant_type": "refresh_token", "refresh_token": token})
}

/// A page that refuses, with its number and without markup from the request.
#[track_caller]
fn stopped(reply: &Reply, status: u16, code: u32) {
    assert_eq!(reply.status(), status, "{}", reply.text());
    assert_eq!(reply.response.header("content-type").as_deref(), Some("text/html; charset=utf-8"));
    assert!(reply.text().contains(&format!("Error code: {code}.")), "{}", reply.text());
    assert!(reply.response.header("location").is_none());
}

/// A refusal of the token endpoint: exactly three fields.
#[track_caller]
fn denied(reply: &Reply, code: u32, error: &str) {
    let json = reply.json();
    assert_eq!((reply.status(), &json["code"], &json["error"]), (400, &json!(code), &json!(error)), "{json}");
    assert_eq!(names(&json), ["code", "error", "error_description"]);
}

/// A refusal of the historic endpoints: HTTP 200 with a code.
#[track_caller]
fn declined(reply: &Reply, code: u32) {
    assert_eq!((reply.status(), reply.code()), (200, i64::from(code)), "{}", reply.text());
}

async fn works(world: &World, token: &str) {
    let info = world.call("GET", "/authen/v1/user_info").token(token).send().await.data();
    assert_eq!(info["tenant_key"], world.tenant_key.as_str());
}

#[tokio::test]
async fn the_page_offers_people_and_answers_with_a_code() {
    let world = world().await;
    for (path, more) in [
        (PAGE, &[][..]),
        (PAGE, &[("response_type", "")]),
        (INDEX, &[("client_id", ""), ("app_id", world.app_id.as_str()), ("response_type", "")]),
    ] {
        let shown = page(&world.lab, path, &asked(&world, more)).send().await;
        assert_eq!(shown.status(), 200, "{}", shown.text());
        let header = |name: &str| shown.response.header(name).expect(name).into_owned();
        assert_eq!(header("content-type"), "text/html; charset=utf-8");
        assert!(header("content-security-policy").contains("default-src 'none'"));
        assert_eq!(header("cache-control"), "no-store");
        for user in &world.users {
            assert!(shown.text().contains(&format!("value=\"{}/{}\"", world.tenant_key, user.user_id)));
        }
        assert!(shown.text().contains("value=\"a b&amp;c\""), "the state goes along");
        assert!(!shown.text().contains("<script"));
    }
    let address = location(&decide(&world, 0, &[]).await);
    let (front, back) = address.split_once("?code=").expect("a code");
    let (code, state) = back.split_once("&state=").expect("a state");
    assert_eq!((front, state), (HOME, "a%20b%26c"));
    assert!(
        code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    );
    let fragment =
        location(&decide(&world, 0, &[("redirect_uri", "http://127.0.0.1/a?b=c#/d"), ("state", "")]).await);
    assert!(fragment.starts_with("http://127.0.0.1/a?b=c&code=") && fragment.ends_with("#/d"), "{fragment}");
    // Most programs omit response_type.
    location(&decide(&world, 0, &[("response_type", "")]).await);
    let denial = location(&decide(&world, 0, &[("decision", "deny"), ("user", "")]).await);
    assert_eq!(denial, format!("{HOME}?error=access_denied&state=a%20b%26c"));
}

/// Checks the language of a page.
#[track_caller]
fn is_in(reply: &Reply, tag: &str, words: &[&str]) {
    assert!(reply.text().contains(&format!("<html lang=\"{tag}\">")), "{tag}: {}", reply.text());
    for word in words {
        assert!(reply.text().contains(word), "{word}: {}", reply.text());
    }
}

/// The target of the link to the other language.
fn switch(reply: &Reply) -> String {
    let link =
        reply.text().split("<nav ").nth(1).and_then(|nav| nav.split("href=\"").nth(1)).expect("a link");
    link.split('"').next().expect("an address").replace("&amp;", "&")
}

#[tokio::test]
async fn pages_are_in_chinese_and_english() {
    let world = world().await;
    let chinese = [
        "登录 ",
        "选择登录用户",
        ">授权</button>",
        ">拒绝</button>",
        "申请以下权限",
        ">English</a>",
        "hreflang=\"en\"",
    ];
    let english = ["Sign in to ", "Who are you?", ">Allow</button>", "It requests these scopes", ">中文</a>"];
    let scope = ("scope", "im:chat");
    for path in [PAGE, INDEX] {
        let shown = async |more: &[(&str, &str)], accepted: &str| {
            let request = page(&world.lab, path, &asked(&world, &[&[scope], more].concat()));
            request.header("Accept-Language", accepted).send().await
        };
        for (accepted, more, tag) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", &[][..], "zh-CN"),
            ("en-US,en;q=0.9,zh;q=0.8", &[], "en"),
            ("de", &[], "en"),
            ("en", &[("lang", "zh")], "zh-CN"),
            ("zh", &[("lang", "en")], "en"),
            ("zh", &[("lang", "<script>")], "zh-CN"),
        ] {
            let reply = shown(more, accepted).await;
            is_in(&reply, tag, if tag == "en" { &english } else { &chinese });
            assert!(!reply.text().contains("<script>"));
            // The switch keeps all parameters, and leads to the other language, whatever the browser prefers.
            let other = page(&world.lab, &format!("{path}{}", switch(&reply)), &[]);
            let other = other.header("Accept-Language", accepted).send().await;
            is_in(&other, if tag == "en" { "zh-CN" } else { "en" }, &["value=\"a b&amp;c\"", "im:chat"]);
        }
    }
    // English by default.
    is_in(&page(&world.lab, PAGE, &asked(&world, &[scope])).send().await, "en", &english);
}

#[tokio::test]
async fn the_language_goes_along_with_the_answer() {
    let world = world().await;
    let shown = page(&world.lab, PAGE, &asked(&world, &[("lang", "zh"), ("name", "a")])).send().await;
    let action = format!("action=\"{PAGE}?lang=zh\"");
    is_in(&shown, "zh-CN", &[&action, "name=\"lang\" value=\"zh\"", "按姓名查找用户"]);
    let none = page(&world.lab, PAGE, &asked(&world, &[("lang", "zh"), ("name", "unknown")])).send().await;
    is_in(&none, "zh-CN", &["没有符合条件的用户"]);
    // A refusal of the form is in the page's language; a link to the other language would lose the form.
    let token = world.lab.form_token(&asked(&world, &[])).await.expect("a token");
    let pairs = asked(&world, &[("decision", "maybe"), ("user", "x"), ("form_token", &token)]);
    let refused = world.lab.form(&format!("{PAGE}?lang=zh"), &pairs).send().await;
    is_in(
        &refused,
        "zh-CN",
        &["无法继续登录", "请求格式有误", "错误码：20063。日志 ID：", "可选值为 [allow,deny]"],
    );
    assert!(!refused.text().contains("<nav"));
    let user = format!("{}/{}", world.tenant_key, world.users[0].user_id);
    let pairs = asked(&world, &[("decision", "allow"), ("user", &user), ("form_token", &token)]);
    let address = location(&world.lab.form(&format!("{PAGE}?lang=zh"), &pairs).send().await);
    assert!(address.starts_with(HOME) && !address.contains("lang"), "{address}");
}

#[tokio::test]
async fn refusals_are_in_the_browser_s_language() {
    let world = world().await;
    for (more, code, words) in [
        (("client_id", ""), 20001, ["请求缺少必要的参数。", "<code>client_id</code>：必填参数"]),
        (("redirect_uri", "http://example.com/cb"), 20029, ["redirect_uri 无效", "重定向 URL"]),
        (("client_id", "cli_0000000000000000"), 20048, ["应用不存在。", "无法继续登录"]),
        (
            ("scope", "hire:exam:readonly"),
            20027,
            ["应用未开通请求中的某项权限。", "应用未开通权限 hire:exam:readonly"],
        ),
    ] {
        let asked = asked(&world, &[more]);
        let reply = page(&world.lab, PAGE, &asked).header("Accept-Language", "zh-CN").send().await;
        assert_eq!(reply.status(), 400);
        is_in(&reply, "zh-CN", &words);
        is_in(&reply, "zh-CN", &[&format!("错误码：{code}。")]);
        let other = page(&world.lab, &format!("{PAGE}{}", switch(&reply)), &[]);
        stopped(&other.header("Accept-Language", "zh-CN").send().await, 400, code);
    }
    // Also for input that cannot be read at all.
    let broken = world.lab.request("GET", &format!("{PAGE}?lang=zh&state=%ff")).send().await;
    is_in(&broken, "zh-CN", &["请求格式有误"]);
}

#[tokio::test]
async fn people_are_found_by_name_and_shown_as_text() {
    let world = world().await;
    for n in 0..60 {
        let body = json!({"name": format!("Many <b>{n}</b> 100%_"), "user_id": format!("many{n}")});
        world.control("POST", "/users").body(body).send().await.data();
    }
    let body = json!({"name": "Gone", "status": "resigned", "user_id": "gone"});
    world.control("POST", "/users").body(body).send().await.data();
    let shown = page(&world.lab, PAGE, &asked(&world, &[])).send().await;
    assert_eq!(shown.text().matches("type=\"radio\"").count(), 50);
    assert!(shown.text().contains("role=\"search\"") && !shown.text().contains("<b>"));
    for (part, count) in [("many <B>7</b>", 1), ("100%_", 50), ("1%0", 0), ("gone", 0), ("unknown", 0)] {
        let shown = page(&world.lab, PAGE, &asked(&world, &[("name", part)])).send().await;
        assert_eq!(shown.text().matches("type=\"radio\"").count(), count, "{part}");
    }
    world.set_app(&world.app_id, json!({"visible_to": ["many7"]})).await;
    let shown = page(&world.lab, PAGE, &asked(&world, &[("name", "7")])).send().await;
    assert_eq!(shown.text().matches("type=\"radio\"").count(), 1, "who does not see the app is not offered");
}

#[tokio::test]
async fn errors_of_a_request_are_shown_on_a_page() {
    let world = world().await;
    let (poor, _) = world.app(json!({"scopes": ["im:chat"]})).await;
    let (disabled, _) = world.app(json!({"name": "off"})).await;
    world.set_app(&disabled, json!({"status": "disabled"})).await;
    let (gone, _) = world.app(json!({"name": "gone"})).await;
    world.set_app(&gone, json!({"status": "uninstalled"})).await;
    let many: Vec<String> = (0..51).map(|n| format!("s{n}")).collect();
    let many = many.join(" ");
    let (short, long, strange) = ("a".repeat(42), "a".repeat(129), format!("{}+", "a".repeat(43)));
    let (huge, name) = ("s".repeat(2049), "\u{e9}".repeat(101));
    let far = format!("http://localhost/{}", "x".repeat(2049 - 17));
    let cases: &[(&[(&str, &str)], u32)] = &[
        (&[("client_id", "")], 20001),
        (&[("redirect_uri", "")], 20001),
        (&[("client_id", "cli_0000000000000000")], 20048),
        (&[("client_id", "<script>")], 20048),
        (&[("redirect_uri", "http://example.com/cb")], 20029),
        (&[("redirect_uri", "javascript:alert(1)")], 20029),
        (&[("redirect_uri", "http://localhost/\r\nX: y")], 20029),
        (&[("response_type", "<script>")], 20063),
        (&[("code_challenge_method", "S512")], 20063),
        (&[("code_challenge", &short)], 20063),
        (&[("code_challenge", &long)], 20063),
        (&[("code_challenge", &strange)], 20063),
        (&[("state", &huge)], 20063),
        (&[("redirect_uri", &far)], 20063),
        (&[("name", &name)], 20063),
        (&[("scope", &many)], 20063),
        (&[("scope", "im:chat im:chat")], 20067),
        (&[("client_id", &poor), ("scope", "im:chat im:tag:read")], 20027),
        (&[("client_id", &disabled)], 20069),
        (&[("client_id", &gone)], 20009),
    ];
    for (more, code) in cases {
        for path in [PAGE, INDEX] {
            let reply = page(&world.lab, path, &asked(&world, more)).send().await;
            stopped(&reply, 400, *code);
            let (_, shown) = reply.text().split_once("</style>").expect("a page with a style");
            assert!(!shown.contains("<script>") && shown.len() < 3000, "{shown}");
        }
        stopped(&decide(&world, 0, more).await, 400, *code);
    }
    let lab = Lab::with_settings(Settings { user_picker: UserPicker::Off, ..Settings::default() }).await;
    let closed = lab.world().await;
    for path in [PAGE, INDEX] {
        stopped(&page(&lab, path, &asked(&closed, &[])).send().await, 403, 5275403);
    }
    stopped(&decide(&closed, 0, &[]).await, 403, 5275403);
}

#[tokio::test]
async fn what_just_fits_is_taken() {
    let world = world().await;
    let (challenge, state) = ("a".repeat(128), "s".repeat(2048));
    let home = format!("http://localhost/{}", "x".repeat(2048 - 17));
    let more = [("code_challenge", &*challenge), ("state", &state), ("redirect_uri", &home)];
    assert!(location(&decide(&world, 0, &more).await).ends_with(&state));
}

#[tokio::test]
async fn a_failed_sign_in_has_a_reason() {
    let world = world().await;
    let user_of = |id: &str| format!("{}/{id}", world.tenant_key);
    let (unknown, other) = (user_of("unknown"), format!("0000000000000000/{}", world.users[0].user_id));
    for user in ["x", &unknown, &other] {
        stopped(&decide(&world, 0, &[("user", user)]).await, 400, 20008);
    }
    stopped(&decide(&world, 0, &[("decision", "maybe")]).await, 400, 20063);
    let path = format!("/users/{}", world.users[1].user_id);
    world.control("PATCH", &path).body(json!({"status": "frozen"})).send().await.data();
    stopped(&decide(&world, 1, &[]).await, 400, 20066);
    world.set_app(&world.app_id, json!({"visible_to": [world.users[2].user_id]})).await;
    stopped(&decide(&world, 0, &[]).await, 400, 20010);
    location(&decide(&world, 2, &[]).await);
}

#[tokio::test]
async fn registered_addresses_match_exactly() {
    let world = world().await;
    let path = format!("/apps/{}/sign_in", world.app_id);
    let list = json!({"redirect_uris": ["https://app.example.com/cb"]});
    assert_eq!(world.control("PUT", &path).body(list.clone()).send().await.data(), list);
    assert_eq!(world.control("GET", &path).send().await.data(), list);
    stopped(&decide(&world, 0, &[]).await, 400, 20029);
    let address = location(&decide(&world, 0, &[("redirect_uri", "https://app.example.com/cb")]).await);
    assert!(address.starts_with("https://app.example.com/cb?code="), "{address}");
    for wrong in ["ftp://a", "/cb", "http://a b", "http://a@b/"] {
        let body = json!({"redirect_uris": [wrong]});
        world.control("PUT", &path).body(body).send().await.refused(5275400);
    }
    let gone = |method| world.control(method, "/apps/cli_0000000000000000/sign_in");
    gone("GET").send().await.refused(5275404);
    gone("PUT").body(json!({"redirect_uris": []})).send().await.refused(5275404);
}
