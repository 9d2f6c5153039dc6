//! Rules for every operation, from its spec: a loop over the registry, so that new operations are tested automatically.

use larkspur_api::Entry;
use larkspur_contract::{Access, Bot, Consumes, Reply as Form, Tokens, codes};
use larkspur_server::REGISTRY;
use larkspur_server::RateLimits;
use larkspur_testkit::{Lab, LabOptions, ManualClock, Reply, Request};
use serde_json::{Value, json};

fn entries() -> impl Iterator<Item = &'static Entry> {
    REGISTRY.iter().copied().flatten()
}

fn behind_token() -> impl Iterator<Item = (&'static Entry, Tokens, &'static [&'static str], Bot)> {
    entries().filter_map(|entry| match entry.spec.access {
        Access::Token { tokens, scopes, bot } => Some((entry, tokens, scopes, bot)),
        _ => None,
    })
}

/// The operation with made-up path parameters and an empty body: the gateway refuses it before it looks anything up.
fn request(lab: &Lab, entry: &Entry) -> Request {
    let path: Vec<String> = entry
        .spec
        .route
        .path
        .split('/')
        .map(|part| if part.starts_with('{') { "1".to_owned() } else { part.to_owned() })
        .collect();
    let request = lab.request(entry.spec.route.method.name(), &path.join("/"));
    match entry.spec.consumes {
        Consumes::Nothing => request,
        _ => request.raw("{}"),
    }
}

/// The operation with made-up path parameters and its example: neither its body nor its query is refused.
fn sound(lab: &Lab, entry: &Entry) -> Request {
    let example = entry.spec.example;
    // What a query must have besides an example that is a body; operations ignore the parameters of others.
    let required = if entry.spec.id.starts_with("drive.v1.permission_member.") {
        [("type", "docx"), ("member_type", "openid")]
    } else {
        [("receive_id_type", "chat_id"), ("user_id_type", "open_id")]
    };
    let request = required.iter().fold(request(lab, entry), |call, (name, value)| call.query(name, value));
    match entry.spec.consumes {
        Consumes::Nothing => example
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter(|(name, _)| required.iter().all(|(other, _)| other != name))
            .fold(request, |request, (name, value)| request.query(name, value)),
        Consumes::Multipart { file, .. } => {
            // The fields of all operations with a file.
            let of_file = [("image_type", "message"), ("file_type", "stream"), ("file_name", "a.png")];
            let of_media = [("parent_type", "docx_image"), ("parent_node", "1"), ("size", "3")];
            request.multipart(&[of_file, of_media].concat(), (file, b"png"))
        }
        _ if example.is_empty() => request,
        _ => request.raw(example),
    }
}

async fn with(lab: &Lab, entry: &Entry, token: &str) -> Reply {
    request(lab, entry).token(token).send().await
}

fn takes_tenant(tokens: Tokens) -> bool {
    tokens != Tokens::User
}

fn takes_user(tokens: Tokens) -> bool {
    tokens != Tokens::Tenant
}

#[tokio::test]
async fn no_call_succeeds_without_a_valid_token() {
    let lab = Lab::start().await;
    for (entry, tokens, _, _) in behind_token() {
        let id = entry.spec.id;
        request(&lab, entry).send().await.refused(99991661);
        request(&lab, entry).authorization("Basic abc").send().await.refused(99991661);
        for (token, code) in [
            ("", 99991661),
            ("t-forged", 99991663),
            ("u-forged", 99991668),
            ("eyJhbGciOiJFUzI1NiJ9.e30.x", 99991668),
            ("a-forged", 99991664),
            ("x-forged", 99991671),
        ] {
            let reply = with(&lab, entry, token).await;
            assert_eq!(reply.code(), code, "{id} with {token:?}: {}", reply.text());
            assert_eq!(reply.status(), 400, "{id}");
        }
        assert!(takes_tenant(tokens) || takes_user(tokens));
    }
}

#[tokio::test]
async fn the_wrong_kind_of_token_is_named() {
    let world = Lab::start().await.world().await;
    let user = world.user_token(0, json!({})).await;
    for (entry, tokens, _, _) in behind_token() {
        if !takes_user(tokens) {
            let reply = with(&world.lab, entry, &user).await;
            reply.refused(99991668);
            assert_eq!(reply.json()["msg"], "user access token not support", "{}", entry.spec.id);
        }
        if !takes_tenant(tokens) {
            with(&world.lab, entry, &world.token).await.refused(99991663);
        }
    }
}

#[tokio::test]
async fn a_token_ends_with_its_time() {
    let world = Lab::start().await.world().await;
    let user = world.user_token(0, json!({})).await;
    world.advance(7199).await;
    let info = |token: &str| world.lab.request("GET", "/open-apis/bot/v3/info").token(token);
    assert_eq!(info(&world.token).send().await.code(), 0);
    world.advance(1).await;
    for (entry, tokens, _, _) in behind_token() {
        if takes_tenant(tokens) {
            with(&world.lab, entry, &world.token).await.refused(99991663);
        }
        if takes_user(tokens) {
            with(&world.lab, entry, &user).await.refused(99991668);
        }
    }
}

#[tokio::test]
async fn one_of_the_scopes_is_needed_and_any_one_is_enough() {
    let world = Lab::start().await.world().await;
    let (bare, bare_token) = world.app(json!({"name": "bare", "scopes": []})).await;
    let bare_user = world.user_token(0, json!({"scopes": []})).await;
    for (entry, tokens, scopes, _) in behind_token().filter(|(_, _, scopes, _)| !scopes.is_empty()) {
        let id = entry.spec.id;
        let subjects = |reply: &Reply| -> Vec<String> {
            let json = reply.json();
            let all = json["error"]["permission_violations"].as_array().cloned().unwrap_or_default();
            all.iter().map(|one| one["subject"].as_str().expect("a subject").to_owned()).collect()
        };
        if takes_tenant(tokens) {
            let reply = with(&world.lab, entry, &bare_token).await;
            reply.refused(99991672);
            assert_eq!(subjects(&reply), scopes, "{id}");
            assert!(
                reply.json()["error"]["helps"][0]["url"].as_str().expect("a url").contains(&bare),
                "{id}"
            );
        }
        if takes_user(tokens) {
            let reply = with(&world.lab, entry, &bare_user).await;
            reply.refused(99991679);
            assert_eq!(subjects(&reply), scopes, "{id}");
        }
        for scope in scopes {
            if takes_tenant(tokens) {
                world.set_app(&bare, json!({"scopes": [scope]})).await;
                assert_ne!(with(&world.lab, entry, &bare_token).await.code(), 99991672, "{id} with {scope}");
            }
            if takes_user(tokens) {
                let token = world.user_token(1, json!({"scopes": [scope]})).await;
                assert_ne!(with(&world.lab, entry, &token).await.code(), 99991679, "{id} with {scope}");
            }
        }
        world.set_app(&bare, json!({"scopes": []})).await;
    }
}

#[tokio::test]
async fn an_app_that_is_not_in_use_is_refused_by_the_gateway_or_the_page() {
    let world = Lab::start().await.world().await;
    for (status, gateway) in [("disabled", 99991662), ("uninstalled", 99991673)] {
        world.set_app(&world.app_id, json!({"status": status})).await;
        for (entry, tokens, _, bot) in behind_token().filter(|(_, tokens, _, _)| takes_tenant(*tokens)) {
            let reply = with(&world.lab, entry, &world.token).await;
            assert!(takes_tenant(tokens));
            if bot == Bot::NotRequired {
                reply.refused(gateway);
            } else {
                assert_ne!(
                    reply.code(),
                    i64::from(gateway),
                    "{}: the page has a code of its own",
                    entry.spec.id
                );
                assert_ne!(reply.code(), 0, "{}", entry.spec.id);
            }
        }
    }
}

#[tokio::test]
async fn the_call_too_many_is_refused_with_its_headers() {
    for status in [429, 400] {
        let options = LabOptions {
            rate_limits: RateLimits::Platform,
            rate_limit_status: status,
            // However slow the store is, all calls are in one window.
            clock: ManualClock::at(1_750_000_000_000),
            ..LabOptions::default()
        };
        let world = Lab::with(options).await.world().await;
        for (entry, tokens, _, _) in behind_token().filter(|(entry, ..)| !entry.spec.rate.windows.is_empty())
        {
            let token =
                if takes_tenant(tokens) { world.token.clone() } else { world.user_token(0, json!({})).await };
            let window = entry.spec.rate.windows[0];
            for _ in 0..window.cap {
                assert_ne!(with(&world.lab, entry, &token).await.code(), 99991400, "{}", entry.spec.id);
            }
            let reply = with(&world.lab, entry, &token).await;
            let status = entry.spec.rate.status.unwrap_or(status);
            assert_eq!((reply.status(), reply.code()), (status, 99991400), "{}", entry.spec.id);
            assert_eq!(reply.json()["msg"], "request trigger frequency limit");
            let header =
                |name: &str| reply.response.header(name).expect("a header").parse::<u32>().expect("a number");
            assert_eq!(header("x-ogw-ratelimit-limit"), window.cap);
            assert!((1..=window.seconds).contains(&header("x-ogw-ratelimit-reset")));
        }
        // Another app of the tenant has windows of its own, and so has the same app a minute later.
        let (_, other) = world.app(json!({"name": "other"})).await;
        let info = |token: &str| world.lab.request("GET", "/open-apis/bot/v3/info").token(token);
        assert_eq!(info(&other).send().await.code(), 0);
        world.advance(61).await;
        assert_eq!(info(&world.token).send().await.code(), 0);
    }
}

#[tokio::test]
async fn every_code_of_a_page_can_be_planned_once() {
    let world = Lab::start().await.world().await;
    let user = world.user_token(0, json!({})).await;
    let mut wrong = Vec::new();
    for (entry, tokens, ..) in behind_token() {
        let spec = entry.spec;
        let token = if takes_tenant(tokens) { &world.token } else { &user };
        let path = format!("/refusals/{}", spec.id);
        let passing = [codes::RATE_LIMITED, codes::INTERNAL, codes::UNAVAILABLE];
        for code in spec.codes.iter().chain([&spec.invalid]).chain(&passing) {
            let planned = world.control("PUT", &path).body(json!({"code": code.number})).send().await.data();
            assert_eq!(planned, json!({"operation": spec.id, "code": code.number, "remaining": 1}));
            let reply = sound(&world.lab, entry).token(token).send().await;
            let is_limited = code.number == codes::RATE_LIMITED.number;
            let listed = spec.codes.iter().find(|other| other.number == code.number).unwrap_or(code).status;
            let status = spec.rate.status.filter(|_| is_limited).unwrap_or(listed);
            if (reply.status(), reply.code()) != (status, i64::from(code.number)) {
                wrong.push(format!("{}, {} with {status}: {}", spec.id, code.number, reply.text()));
            }
            assert_eq!(reply.response.header("x-ogw-ratelimit-limit").is_some(), is_limited);
        }
        world.control("DELETE", &path).send().await.data();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The outcome of a call: status, and code (0 for bodies other than JSON and refusing pages).
fn outcome(reply: &Reply) -> (u16, i64) {
    let text = reply.text();
    let page = text.split_once("Error code: ").and_then(|(_, rest)| rest.split('.').next()?.parse().ok());
    let json = serde_json::from_str::<Value>(text).ok().and_then(|json| json["code"].as_i64());
    (reply.status(), json.or(page).unwrap_or(0))
}

const FORM: &str = "application/x-www-form-urlencoded";

/// Bodies that are not a JSON object, increasingly wrong, with their media type.
fn noise() -> Vec<(&'static str, Vec<u8>)> {
    let json = "application/json";
    let texts = ["[]", "\"x\"", "3", "true", "{", "nul", "{\"a\":}", "\u{feff}{}x", "a=b&c"];
    let mut all: Vec<_> = texts.map(|text| (json, text.as_bytes().to_vec())).into();
    all.push(("multipart/form-data; boundary=x", b"--x".to_vec()));
    all.push(("text/plain", vec![0xff; 1 << 20]));
    all
}

#[tokio::test]
async fn a_body_is_read_only_by_operations_that_take_one() {
    let world = Lab::start().await.world().await;
    let user = world.user_token(0, json!({})).await;
    let lab = &world.lab;
    let (_, _, key, _) = lab.control("GET", "/").parts();
    for entry in entries() {
        let spec = entry.spec;
        let call = |body: &[u8], content_type: &str| {
            let request = request(lab, entry).raw(body.to_vec()).content_type(Some(content_type));
            match spec.access {
                Access::Open => request,
                Access::Control => request.token(&key),
                Access::Token { tokens: Tokens::User, .. } => request.token(&user),
                Access::App | Access::AppOrBody | Access::Token { .. } => request.token(&world.token),
            }
        };
        let send = async |body: &[u8], kind: &str| outcome(&call(body, kind).send().await);
        let json = "application/json";
        let (none, empty) = (send(b"", json).await, send(b"{}", json).await);
        let null = send(b"null", json).await;
        match spec.consumes {
            Consumes::Nothing => {
                assert_eq!((null, empty), (none, none), "{}", spec.id);
                for (kind, body) in noise() {
                    let shown = String::from_utf8_lossy(&body[..body.len().min(9)]).into_owned();
                    assert_eq!(send(&body, kind).await, none, "{} with {shown:?}", spec.id);
                }
                assert_eq!(send(b"a=b", FORM).await, none, "{}", spec.id);
            }
            // The operation reads it itself, after the token in the path, which is unknown here.
            Consumes::Raw => {
                assert_eq!(spec.reply, Form::Hook, "{}", spec.id);
                assert_eq!([none, empty, null], [(200, 19001); 3], "{}", spec.id);
                for (kind, body) in noise() {
                    assert_eq!(send(&body, kind).await, (200, 19001), "{}", spec.id);
                }
            }
            Consumes::Multipart { .. } => {
                let invalid = (spec.invalid.status, i64::from(spec.invalid.number));
                assert_eq!([none, empty, null], [invalid; 3], "{}", spec.id);
                for (kind, body) in noise() {
                    assert_eq!(send(&body, kind).await, invalid, "{}", spec.id);
                }
            }
            Consumes::Json | Consumes::Form => {
                assert_eq!((null, none), (empty, empty), "{}", spec.id);
                let refused = match spec.reply {
                    larkspur_contract::Reply::OAuth | larkspur_contract::Reply::Page => (400, 20063),
                    _ => (400, 9499),
                };
                for (kind, body) in noise() {
                    let shown = String::from_utf8_lossy(&body[..body.len().min(9)]).into_owned();
                    assert_eq!(send(&body, kind).await, refused, "{} with {shown:?}", spec.id);
                }
                // A form is read by operations that take forms, and is not JSON elsewhere.
                let form = if spec.consumes == Consumes::Form { empty } else { refused };
                assert_eq!(send(b"a=b", FORM).await, form, "{}", spec.id);
            }
        }
    }
}

#[test]
fn who_takes_a_body() {
    let takes = |id: &str| {
        let entry = entries().find(|entry| entry.spec.id == id).expect(id);
        entry.spec.consumes != Consumes::Nothing
    };
    for entry in entries().filter(|entry| entry.spec.route.method == larkspur_contract::Method::Get) {
        assert!(!takes(entry.spec.id), "{}", entry.spec.id);
    }
    for none in [
        "im.v1.chat.delete",
        "im.v1.chat_members.me_join",
        "im.v1.chat_top_notice.delete_top_notice",
        "im.v1.chat.get",
    ] {
        assert!(!takes(none), "{none}");
    }
    for some in ["im.v1.chat_members.delete", "im.v1.chat_tab.delete_tabs", "im.v1.chat_menu_tree.delete"] {
        assert!(takes(some), "{some}");
    }
}

#[tokio::test]
async fn the_control_api_is_closed_without_its_key() {
    let world = Lab::start().await.world().await;
    let control: Vec<&Entry> =
        entries().filter(|entry| matches!(entry.spec.access, Access::Control)).collect();
    assert!(control.len() > 5);
    for entry in control {
        request(&world.lab, entry).send().await.refused(codes::CONTROL_KEY_INVALID.number);
        for wrong in ["", "wrong", &world.token] {
            with(&world.lab, entry, wrong).await.refused(codes::CONTROL_KEY_INVALID.number);
        }
    }
}

#[tokio::test]
async fn the_control_api_ignores_nothing() {
    let world = Lab::start().await.world().await;
    for entry in entries().filter(|entry| matches!(entry.spec.access, Access::Control)) {
        let id = entry.spec.id;
        let call = |lab: &Lab, query: &str, body: &str| {
            let plain = request(lab, entry);
            let (method, path, ..) = plain.parts();
            let path = path.strip_prefix("/larkspur/v1").expect("a path of the control API").to_owned();
            let request = lab.control(&method, &format!("{path}{query}"));
            match entry.spec.consumes {
                Consumes::Multipart { file, .. } => request.multipart(&[("xyzzy", body)], (file, b"x")),
                _ => request.raw(body.to_owned()),
            }
        };
        let reply = call(&world.lab, "?xyzzy=1", "").send().await;
        reply.refused(codes::CONTROL_PARAM_INVALID.number);
        assert!(reply.violated().contains(&"xyzzy".to_owned()), "{id}: {}", reply.text());
        if entry.spec.consumes == Consumes::Nothing {
            continue;
        }
        let reply = call(&world.lab, "?plugh=1", r#"{"xyzzy":{"a":1}}"#).send().await;
        reply.refused(codes::CONTROL_PARAM_INVALID.number);
        for name in ["plugh", "xyzzy"] {
            assert!(reply.violated().contains(&name.to_owned()), "{id}: {}", reply.text());
        }
    }
}

/// Values that a field of a control operation does not take: of another JSON type, not an option, beyond a limit.
fn wrong_values(schema: &Value) -> Vec<Value> {
    let choices = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    let mut wrong: Vec<Value> = Vec::new();
    for one in choices.chain([schema]) {
        let kinds = one.get("type").map(Value::to_string).unwrap_or_default();
        let has = |kind: &str| kinds.contains(&format!("\"{kind}\""));
        for (kind, value) in [("string", json!(7)), ("array", json!("x")), ("object", json!("x"))] {
            wrong.extend(has(kind).then_some(value));
        }
        wrong.extend(has("integer").then(|| [json!("x"), json!(1.5)]).into_iter().flatten());
        wrong.extend(has("boolean").then(|| [json!("yes"), json!(1)]).into_iter().flatten());
        wrong.extend(one.get("enum").map(|_| json!("xyzzy")));
        for (limit, beyond) in [("minimum", -1), ("maximum", 1)] {
            wrong.extend(one.get(limit).and_then(Value::as_i64).map(|limit| json!(limit + beyond)));
        }
        let longest =
            one.get("maxLength").and_then(Value::as_u64).and_then(|length| usize::try_from(length).ok());
        wrong.extend(longest.map(|length| json!("x".repeat(length + 1))));
    }
    wrong
}

#[tokio::test]
async fn the_control_api_refuses_what_a_field_does_not_take() {
    let world = Lab::start().await.world().await;
    let mut tried = 0;
    for entry in entries().filter(|entry| matches!(entry.spec.access, Access::Control)) {
        let path = request(&world.lab, entry).parts().1;
        let path = path.strip_prefix("/larkspur/v1").expect("a path of the control API");
        let send = |query: String, body: Value| {
            let request = world.lab.control(entry.spec.route.method.name(), &format!("{path}{query}"));
            if entry.spec.consumes == Consumes::Nothing { request.send() } else { request.body(body).send() }
        };
        let schemas = entry.schemas();
        let of = |schema: &Value| schema["properties"].as_object().cloned().unwrap_or_default();
        for (name, schema) in of(&schemas.body) {
            for value in wrong_values(&schema) {
                let reply = send(String::new(), json!({&name: value})).await;
                reply.refused(codes::CONTROL_PARAM_INVALID.number);
                assert!(reply.violated().iter().any(|field| field.starts_with(&name)), "{}", reply.text());
                tried += 1;
            }
        }
        for (name, _) in of(&schemas.query) {
            let reply = send(format!("?{name}=1&{name}=1"), json!({})).await;
            reply.refused(codes::CONTROL_PARAM_INVALID.number);
            assert!(reply.violated().contains(&name), "{}", reply.text());
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
}

#[test]
fn the_control_api_has_one_policy() {
    for entry in entries().filter(|entry| matches!(entry.spec.access, Access::Control)) {
        let spec = entry.spec;
        assert!(spec.rate.windows.is_empty(), "{}", spec.id);
        // A stream is not JSON, nor is a file.
        let form = match spec.id {
            "larkspur.v1.traffic.stream" => Form::Events,
            "larkspur.v1.world.snapshots.file" | "larkspur.v1.image.get" | "larkspur.v1.file.get" => {
                Form::Bytes
            }
            _ => Form::Data("success"),
        };
        assert_eq!(spec.reply, form, "{}", spec.id);
        assert_eq!(spec.invalid, codes::CONTROL_PARAM_INVALID, "{}", spec.id);
        assert!(spec.reference.is_empty() && spec.deviations.is_empty(), "{}", spec.id);
    }
}

#[test]
fn every_scope_of_an_operation_can_be_granted() {
    for (entry, _, scopes, _) in behind_token() {
        for scope in scopes {
            assert!(
                larkspur_contract::scopes::ALL.contains(scope),
                "{}: {scope} is not in scopes.rs",
                entry.spec.id
            );
        }
    }
}

#[test]
fn every_page_s_refusal_is_told_in_chinese() {
    for entry in entries().filter(|entry| entry.spec.reply == Form::Page) {
        let spec = entry.spec;
        for code in spec.codes.iter().chain([&spec.invalid]).chain(codes::OAUTH_GATEWAY) {
            let chinese = codes::chinese(*code).unwrap_or_else(|| panic!("{}: {code:?}", spec.id));
            assert!(!chinese.is_ascii() && chinese.ends_with(['。', '）']), "{chinese}");
        }
    }
}

#[test]
fn every_spec_is_sound() {
    let mut ids = std::collections::BTreeSet::new();
    let mut routes = std::collections::BTreeSet::new();
    for entry in entries() {
        let spec = entry.spec;
        assert!(ids.insert(spec.id), "{} is listed twice", spec.id);
        assert!(routes.insert((spec.route.method, spec.route.path)), "{}", spec.id);
        assert!(!spec.summary.is_empty() && !spec.summary.ends_with('.'), "{}", spec.id);
        assert_eq!(spec.reference.is_empty(), spec.id.starts_with("larkspur."), "{}: its page", spec.id);
        if !spec.example.is_empty() && !matches!(spec.consumes, Consumes::Nothing) {
            serde_json::from_str::<Value>(spec.example)
                .unwrap_or_else(|error| panic!("{}: {error}", spec.id));
        }
        for (index, code) in spec.codes.iter().enumerate() {
            assert!(!spec.codes[..index].contains(code), "{}: {code:?} is listed twice", spec.id);
        }
    }
}
