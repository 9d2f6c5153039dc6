//! Paths that the process itself answers: health, metrics, documents, the guide, the long connection.

use std::borrow::Cow;

use larkspur_contract::codes;
use larkspur_store::BoxFuture;
use percent_encoding::percent_decode_str;

use crate::delivery::connection;
use crate::documents::guide;
use crate::gateway::reply::JSON;
use crate::request::{Request, Response};
use crate::site::Site;
use crate::{App, console, logs, metrics};

/// Also for Markdown: browsers show plain text, but would download Markdown.
const TEXT: &str = "text/plain; charset=utf-8";
/// The media type of metrics.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The answer at `/`, which the platform does not have.
const WELCOME: &str = "Larkspur, a server for the Feishu/Lark group API. The guide: /larkspur/guide/\n";
/// The methods of read-only paths.
const READS: &str = "GET, HEAD, OPTIONS";

/// A path of the process.
pub struct Endpoint {
    /// The path after `/larkspur/`, without a trailing slash. A trailing `*` matches every path with that beginning.
    pub path: &'static str,
    /// Its methods, as the `Allow` header lists them and OPTIONS answers them. HEAD is answered like GET; the HTTP
    /// layer omits the body. Other methods get the answer to an unknown path.
    pub methods: &'static str,
    /// Whether it is served under known host names only, see [`crate::Names`]. The console has a check of its own.
    pub named: bool,
    /// Makes the answer; `None` if there is nothing at the path.
    pub answer: for<'a, 'r> fn(Asked<'a, 'r>) -> Answered<'a>,
}

/// A request to an endpoint.
pub struct Asked<'a, 'r> {
    /// The application.
    pub app: &'a App,
    /// The path after `/larkspur/`, without a trailing slash.
    pub name: &'a str,
    /// The request.
    pub request: &'a mut Request<'r>,
}

/// The answer of an endpoint.
pub type Answered<'a> = BoxFuture<'a, Option<Response>>;

/// The endpoints of the process. The first one with a matching path answers.
pub static ENDPOINTS: &[Endpoint] = &[
    Endpoint { path: "health/live", methods: READS, named: false, answer: live },
    Endpoint { path: "health/ready", methods: READS, named: false, answer: ready },
    Endpoint { path: "metrics", methods: READS, named: true, answer: counters },
    Endpoint { path: "openapi.json", methods: READS, named: true, answer: document },
    Endpoint { path: "coverage.md", methods: READS, named: true, answer: document },
    Endpoint { path: "errors.md", methods: READS, named: true, answer: document },
    Endpoint { path: "larkspur.default.toml", methods: READS, named: true, answer: document },
    Endpoint { path: "", methods: READS, named: true, answer: start },
    Endpoint { path: "guide", methods: READS, named: true, answer: guide },
    Endpoint { path: "guide/*", methods: READS, named: true, answer: guide },
    Endpoint { path: "console", methods: "GET, HEAD", named: false, answer: console::file },
    Endpoint {
        path: "console/session",
        methods: "GET, HEAD, POST, DELETE",
        named: false,
        answer: console::session,
    },
    Endpoint { path: "console/*", methods: "GET, HEAD", named: false, answer: console::file },
    // What the guide links to. A foreign page must not learn which paths exist, either.
    Endpoint { path: "*", methods: "GET, HEAD", named: true, answer: file },
];

/// Answers a request to an endpoint or of the long connection; `None` for every other request. It is checked before the
/// operations and costs them a few comparisons.
pub(crate) async fn answer(app: &App, request: &mut Request<'_>) -> Option<Response> {
    let path = decoded(request.path);
    if let ("/", "GET" | "HEAD") = (&*path, request.method) {
        return app.options.names.admit(&Site::of(request.headers)).then(|| Response::text(200, WELCOME));
    }
    let Some(name) = named(&path) else { return connection::answer(app, request).await };
    // The control API: its operations check the host name themselves.
    if name.starts_with("v1/") {
        return None;
    }
    let endpoint = app.options.endpoints.iter().find(|endpoint| endpoint.fits(name))?;
    let method = request.method;
    if !endpoint.methods.split(", ").any(|known| known == method) {
        return None;
    }
    let headers = request.headers;
    let asked = Asked { app, name, request };
    if method == "OPTIONS" {
        // With a wildcard, only paths with an answer have methods.
        let exists = !endpoint.path.ends_with('*') || (endpoint.answer)(asked).await.is_some();
        return exists.then(|| methods(endpoint.methods));
    }
    if endpoint.named && !app.options.names.admit(&Site::of(headers)) {
        let refusal = codes::HOST_UNKNOWN;
        return Some(Response::text(refusal.status, format!("{}\n", refusal.text)));
    }
    (endpoint.answer)(asked).await
}

impl Endpoint {
    fn fits(&self, name: &str) -> bool {
        match self.path.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == self.path,
        }
    }
}

fn live<'a>(_: Asked<'a, '_>) -> Answered<'a> {
    Box::pin(async { Some(Response::text(200, "live\n")) })
}

fn ready<'a>(Asked { app, .. }: Asked<'a, '_>) -> Answered<'a> {
    Box::pin(async move {
        if app.is_draining() {
            return Some(Response::text(503, "draining\n"));
        }
        Some(match app.health.look(&app.engine).await {
            Ok(()) => Response::text(200, "ready\n"),
            Err(why) => {
                tracing::warn!(why, "not ready");
                Response::text(503, "the store cannot be read and written\n")
            }
        })
    })
}

fn counters<'a>(Asked { app, .. }: Asked<'a, '_>) -> Answered<'a> {
    Box::pin(async move {
        // So that the gauge of the store is current.
        let _ = app.health.look(&app.engine).await;
        Some(Response::plain(200, METRICS, metrics::text(app)))
    })
}

fn document<'a>(Asked { app, name, .. }: Asked<'a, '_>) -> Answered<'a> {
    Box::pin(async move {
        let kind = if name.ends_with(".json") { JSON } else { TEXT };
        let document = app.documents.get(name, app.options.registry)?;
        Some(Response::plain(200, kind, document))
    })
}

fn start<'a>(_: Asked<'a, '_>) -> Answered<'a> {
    let location = Some("/larkspur/guide/".to_owned());
    Box::pin(async { Some(Response { location, ..Response::text(302, "") }) })
}

fn guide<'a>(Asked { name, .. }: Asked<'a, '_>) -> Answered<'a> {
    Box::pin(async move {
        let page = guide::page(name.strip_prefix("guide")?.trim_start_matches('/'))?;
        Some(Response::plain(200, TEXT, guide::served(page)))
    })
}

fn file<'a>(Asked { name, .. }: Asked<'a, '_>) -> Answered<'a> {
    Box::pin(async move { Some(Response::plain(200, TEXT, guide::file(name)?)) })
}

/// The answer while there is no store yet: the process is alive and not ready, and no call has any effect.
pub(crate) fn before(method: &str, path: &str) -> Response {
    match (method, named(path)) {
        ("GET" | "HEAD", Some("health/live")) => Response::text(200, "live\n"),
        ("GET" | "HEAD", Some("health/ready")) => Response::text(503, "waiting for the store\n"),
        ("GET" | "HEAD", Some("metrics")) => Response::plain(200, METRICS, metrics::before(logs::dropped())),
        ("OPTIONS", Some("health/live" | "health/ready" | "metrics")) => methods(READS),
        _ => Response::failure(codes::UNAVAILABLE, false),
    }
}

/// A path without percent-encoding, so that no check can be bypassed by a path that is written differently.
fn decoded(path: &str) -> Cow<'_, str> {
    let decoded = percent_decode_str(path).decode_utf8();
    decoded.unwrap_or(Cow::Borrowed(path))
}

/// The rest of a path below `/larkspur/`; `None` for any other path.
fn named(path: &str) -> Option<&str> {
    let name = path.strip_prefix("/larkspur")?;
    let name = if name.is_empty() { name } else { name.strip_prefix('/')? };
    Some(name.strip_suffix('/').unwrap_or(name))
}

fn methods(methods: &'static str) -> Response {
    Response { allow: Some(methods), ..Response::text(204, "") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents;

    fn found(name: &str) -> Option<&'static str> {
        ENDPOINTS.iter().find(|endpoint| endpoint.fits(name)).map(|endpoint| endpoint.path)
    }

    #[test]
    fn every_document_has_its_own_row() {
        for name in documents::NAMES {
            assert_eq!(found(name), Some(name));
        }
        assert_eq!(found("guide/README.md"), Some("guide/*"));
        assert_eq!(found("guides"), Some("*"));
        assert_eq!(named("/larkspur/metrics/"), Some("metrics"));
        assert_eq!(named("/open-apis/im/v1/chats"), None);
    }

    #[test]
    fn no_row_is_hidden_by_one_before_it() {
        for (place, endpoint) in ENDPOINTS.iter().enumerate() {
            assert_eq!(
                ENDPOINTS.iter().position(|other| other.fits(endpoint.path)),
                Some(place),
                "{}",
                endpoint.path
            );
        }
    }
}
