//! The console: a page on which one watches bots, and the session of the browser that shows it.
//!
//! It is files and a session, and owns no rule: everything it does is an operation of the control API, which accepts the
//! session in place of the control key. Every request passes [`origin::check`], after routing.

mod assets;
mod origin;
mod session;

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use larkspur_contract::{Access, Fault, Spec, codes};
use larkspur_control::console::{Link, Links};
use larkspur_store::Engine;
use serde_json::json;

use crate::endpoints::{Answered, Asked};
use crate::request::{Headers, Response};
use origin::{Head, Reliance};
use session::{Door, Session, signed_out};

/// The path of the page.
const PATH: &str = "/larkspur/console";

/// The headers of every answer of the console. Scripts, styles and connections are its own alone, and no text becomes
/// markup: the browser enforces it.
const HEADERS: &[(&str, &str)] = &[
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
         trusted-types 'none'",
    ),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
];

/// The headers of what the control API answers to a session, and of the files of a world. What users of a world uploaded may
/// be hostile: opened as a page, it runs nothing.
const DATA_HEADERS: &[(&str, &str)] = &[
    ("Content-Security-Policy", "default-src 'none'; sandbox"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
];

/// How the console is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleOptions {
    /// Under which names.
    pub place: Place,
    /// Whether the server makes links to it: on loopback addresses only.
    pub links: bool,
    /// The folder of its files; `None` for the embedded ones.
    pub folder: Option<PathBuf>,
    /// The base URL by which clients reach the server, for the page to show.
    pub base_url: String,
    /// The mode of the server, for the page to show.
    pub mode: &'static str,
}

/// The names under which the console is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Those of this machine, with the port of the address that it listens on.
    Machine(SocketAddr),
    /// The host of this URL alone.
    Url(String),
}

/// The console of a process.
pub(crate) struct Console {
    options: Option<ConsoleOptions>,
    engine: Arc<Engine>,
    /// The hash of the control key: with another key, every session ends.
    control_hash: String,
    door: Door,
}

impl Console {
    /// Serves nothing without options.
    pub(crate) fn new(options: Option<ConsoleOptions>, engine: Arc<Engine>, control_hash: String) -> Self {
        Console { options, engine, control_hash, door: Door::default() }
    }

    /// Whether a call of the control API relies on a session of the console, and has one.
    ///
    /// # Errors
    /// 5275422 or 5275418: it has the cookie, and comes from elsewhere. 5275417: the session has ended.
    pub(crate) fn admits(
        &self,
        spec: &Spec,
        (method, headers): (&str, &(dyn Headers + Sync)),
        now: i64,
    ) -> Result<bool, Fault> {
        let Some(options) = &self.options else { return Ok(false) };
        if !matches!(spec.access, Access::Control) || headers.get("authorization").is_some() {
            return Ok(false);
        }
        let name = self.cookie(options);
        if session::cookies(headers, &name).next().is_none() {
            return Ok(false);
        }
        let head = Head { method, headers };
        match self.session(options, headers, now) {
            Some(session) => {
                let csrf = session.csrf(&self.engine.keys, &self.control_hash);
                origin::check(&options.place, head, Reliance::Session(&csrf))?;
                Ok(true)
            }
            None => {
                origin::check(&options.place, head, Reliance::Page)?;
                Err(signed_out())
            }
        }
    }

    /// The session that a request presents, if it is valid.
    fn session(&self, options: &ConsoleOptions, headers: &(dyn Headers + Sync), now: i64) -> Option<Session> {
        let name = self.cookie(options);
        let read = |value| Session::read(value, &self.engine.keys, &self.control_hash, now);
        session::cookies(headers, &name).find_map(read)
    }

    /// The name of the cookie: browsers send the cookies of all ports of a host, so it differs by store.
    fn cookie(&self, options: &ConsoleOptions) -> String {
        let store = self.engine.keys.sign_session("the name of the cookie");
        let prefix = if options.place.is_encrypted() { "__Host-" } else { "" };
        format!("{prefix}lk_{}", store.get(..8).unwrap_or_default())
    }
}

impl Links for Console {
    fn link(&self, now: i64) -> Result<Link, Fault> {
        let Some(options) = self.options.as_ref().filter(|options| options.links) else {
            return Err(Fault::new(codes::CONSOLE_OFF, "no links are made here"));
        };
        let (secret, expires_at_ms) = self.door.link(&self.engine.keys, now);
        let url = format!("{}{PATH}#login={secret}", options.place.url());
        Ok(Link { url, expires_at_ms })
    }
}

/// Answers a path of the page and its files; `None` if the console is not served.
pub(crate) fn file<'a>(asked: Asked<'a, '_>) -> Answered<'a> {
    Box::pin(async move {
        let Asked { app, name, request } = asked;
        let options = app.console.options.as_ref()?;
        let head = Head { method: request.method, headers: request.headers };
        if let Err(fault) = origin::check(&options.place, head, Reliance::Page) {
            return Some(refused(&fault));
        }
        let name = name.strip_prefix("console")?.trim_start_matches('/');
        let name = if name.is_empty() { assets::INDEX } else { name };
        let header = |name| request.header(name);
        let client = assets::Client { known: header("if-none-match"), takes: header("accept-encoding") };
        Some(match assets::find(options.folder.as_deref(), name, &client) {
            Some(file) => guarded(file.answer(&client), "no-cache"),
            None => guarded(Response::text(404, "the console has no such file\n"), "no-store"),
        })
    })
}

/// Begins, shows or ends a session; `None` if the console is not served.
pub(crate) fn session<'a>(asked: Asked<'a, '_>) -> Answered<'a> {
    Box::pin(async move {
        let Asked { app, request, .. } = asked;
        let (console, now) = (&app.console, app.engine.clock.now_ms());
        let options = console.options.as_ref()?;
        let answered = match request.method {
            "POST" => console.begin(options, request, now).await,
            "DELETE" => console.end(options, request, now),
            _ => console.show(options, request, now),
        };
        Some(answered.unwrap_or_else(|fault| refused(&fault)))
    })
}

/// A refusal: in plain text if the page would not be shown either, else in JSON for it.
fn refused(fault: &Fault) -> Response {
    let code = fault.code();
    if code == codes::CONSOLE_HOST_UNKNOWN {
        return guarded(Response::text(code.status, format!("{}\n", code.text)), "no-store");
    }
    let body = json!({"code": code.number, "msg": code.text}).to_string();
    guarded(Response::json(code.status, body), "no-store")
}

/// An answer with the headers of the console.
fn guarded(mut response: Response, cache: &'static str) -> Response {
    response.extra.extend(HEADERS.iter().map(|(name, value)| (*name, Cow::Borrowed(*value))));
    response.extra.push(("Cache-Control", cache.into()));
    response
}

/// An answer of the control API to a page with a session, or a file of a world: never a page itself, and not kept.
pub(crate) fn as_data(mut response: Response) -> Response {
    response.extra.extend(DATA_HEADERS.iter().map(|(name, value)| (*name, Cow::Borrowed(*value))));
    response
}
