//! Feeds generated requests to the gateway's decode step, and generated texts to every parser of ids and tokens.
//!
//! An input is a request in lines: method and target, `Content-Type`, then the body. Nothing may panic, and what the
//! step accepts must fit the operation's types.
#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use larkspur_api::Settings;
use larkspur_api::pages::{self, Frame};
use larkspur_api::tokens::Token;
use larkspur_contract::envelope::{self, Brand, Context};
use larkspur_contract::ids::{AppId, ChatId, MessageId, OpenId, TabId, TagId, TenantKey, UnionId};
use larkspur_contract::{Access, Reply};
use larkspur_server::REGISTRY;
use larkspur_server::gateway::decode::{Raw, decode};
use larkspur_server::gateway::route::Routes;
use larkspur_store::Keys;
use libfuzzer_sys::fuzz_target;

static ROUTES: LazyLock<Routes> = LazyLock::new(|| Routes::of(REGISTRY).expect("a sound registry"));
static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::derive("fuzz"));
static SETTINGS: LazyLock<[Settings; 2]> = LazyLock::new(|| {
    let other = Settings { comma_lists: false, generic_field_validation: true, ..Settings::default() };
    [Settings::default(), other]
});

fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(3, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (Ok(first), Ok(content_type), body) = (str::from_utf8(line()), str::from_utf8(line()), line()) else {
        return;
    };
    request(first, content_type, body);
    for text in [first, content_type] {
        texts(text);
    }
});

/// Decodes a request for the operation that its first line names, or else for all operations.
fn request(first: &str, content_type: &str, body: &[u8]) {
    let (method, target) = first.split_once(' ').unwrap_or(("", first));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let body = Bytes::copy_from_slice(body);
    let content_type = Some(content_type).filter(|text| !text.is_empty());
    match ROUTES.find(method, path) {
        Some(routed) => {
            let params = routed.params();
            one(routed.route, Raw { params: &params, query, content_type, body });
        }
        None => {
            for route in ROUTES.all() {
                let names = route
                    .entry
                    .spec
                    .route
                    .path
                    .split('/')
                    .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
                let params: Vec<_> = names.map(|name| (name, path)).collect();
                one(route, Raw { params: &params, query, content_type, body: body.clone() });
            }
        }
    }
}

fn one(route: &'static larkspur_server::gateway::route::Route, raw: Raw<'_>) {
    let spec = route.entry.spec;
    for settings in SETTINGS.iter() {
        let again = Raw {
            params: raw.params,
            query: raw.query,
            content_type: raw.content_type,
            body: raw.body.clone(),
        };
        let Err(fault) = decode(spec, route.shapes(), settings, again) else { continue };
        // A refusal must be writable to the wire.
        let context = Context {
            brand: Brand::Feishu,
            log_id: "log",
            method_id: 1,
            app_id: None,
            own: matches!(spec.access, Access::Control).then_some(spec.id),
        };
        let (written, head, tail) = match spec.reply {
            Reply::Page => {
                let frame = Frame::of(raw.query, raw.content_type, true);
                (pages::failure(&fault, "log", &frame).into_bytes(), "<!doctype html>", "</html>\n")
            }
            _ => (envelope::failure(spec.reply, &fault, context), "{", "}"),
        };
        assert!(written.starts_with(head.as_bytes()) && written.ends_with(tail.as_bytes()), "{}", spec.id);
        assert!(fault.code().status < 500, "{}: {fault:?}", spec.id);
    }
}

/// Parses a text as each kind of id and token: what parses must print as the same text.
fn texts(text: &str) {
    let text = text.strip_suffix('\r').unwrap_or(text);
    let same = |printed: Option<String>| assert!(printed.is_none_or(|printed| printed == text), "{text:?}");
    same(ChatId::parse(text).map(|id| id.to_string()));
    same(AppId::parse(text).map(|id| id.to_string()));
    same(OpenId::parse(text).map(|id| id.to_string()));
    same(UnionId::parse(text).map(|id| id.to_string()));
    same(MessageId::parse(text).map(|id| id.to_string()));
    same(TenantKey::parse(text).map(|id| id.to_string()));
    same(TagId::parse(text).map(|id| id.to_string()));
    same(TabId::parse(text).map(|id| id.to_string()));
    same(Token::read(text, &KEYS).map(|token| token.issue(&KEYS)));
    let _ = larkspur_api::rules::documents::parse_url(text);
    let _ = larkspur_api::rules::widgets::is_address(text);
}
