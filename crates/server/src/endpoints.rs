//! What the process tells of itself: health, metrics, the OpenAPI document, the guide.

use larkspur_contract::codes;

use crate::documents::guide;
use crate::gateway::reply::JSON;
use crate::request::Response;
use crate::site::Site;
use crate::{App, logs, metrics};

/// Markdown too: browsers show it, and would save what is called Markdown.
const TEXT: &str = "text/plain; charset=utf-8";
/// The media type of metrics.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The methods of these paths.
const METHODS: &str = "GET, HEAD, OPTIONS";
/// What tells of the process, beside the documents.
const PROCESS: [&str; 3] = ["health/live", "health/ready", "metrics"];

/// Answers one of the built-in endpoints; `None` for every other path and method. The answer to HEAD is that to GET; what
/// speaks HTTP leaves the body out.
pub(crate) async fn answer(app: &App, method: &str, path: &str, site: Site<'_>) -> Option<Response> {
    let name = named(path)?;
    match method {
        "GET" | "HEAD" => {}
        "OPTIONS" if PROCESS.contains(&name) => return Some(methods()),
        "OPTIONS" => return shown(app, name).map(|_| methods()),
        _ => return None,
    }
    Some(match name {
        "health/live" => Response::text(200, "live\n"),
        "health/ready" => ready(app).await,
        // The control API is an operation's, and refused as one.
        name if !name.starts_with("v1/") && !app.options.names.admit(&site) => {
            let refusal = codes::HOST_UNKNOWN;
            Response::text(refusal.status, format!("{}\n", refusal.text))
        }
        "metrics" => {
            // The gauge of the store is as of now.
            let _ = app.health.look(&app.engine).await;
            Response::plain(200, METRICS, metrics::text(app))
        }
        name => return shown(app, name),
    })
}

/// A document or a page of the guide.
fn shown(app: &App, name: &str) -> Option<Response> {
    if let Some(document) = app.documents.get(name, app.options.registry) {
        let kind = if name.ends_with(".json") { JSON } else { TEXT };
        return Some(Response::plain(200, kind, document));
    }
    let page = guide::page(name.strip_prefix("guide")?.trim_start_matches('/'))?;
    Some(Response::plain(200, TEXT, page))
}

/// What is answered while there is no store yet: the process lives, is not ready, and nothing of any call was done.
pub(crate) fn before(method: &str, path: &str) -> Response {
    match (method, named(path)) {
        ("GET" | "HEAD", Some("health/live")) => Response::text(200, "live\n"),
        ("GET" | "HEAD", Some("health/ready")) => Response::text(503, "waiting for the store\n"),
        ("GET" | "HEAD", Some("metrics")) => Response::plain(200, METRICS, metrics::before(logs::dropped())),
        ("OPTIONS", Some(name)) if PROCESS.contains(&name) => methods(),
        _ => Response::failure(codes::UNAVAILABLE, false),
    }
}

/// The rest of a path that is the process's own.
fn named(path: &str) -> Option<&str> {
    let name = path.strip_prefix("/larkspur/")?;
    Some(name.strip_suffix('/').unwrap_or(name))
}

fn methods() -> Response {
    Response { allow: Some(METHODS), ..Response::text(204, "") }
}

async fn ready(app: &App) -> Response {
    if app.is_draining() {
        return Response::text(503, "draining\n");
    }
    match app.health.look(&app.engine).await {
        Ok(()) => Response::text(200, "ready\n"),
        Err(why) => {
            tracing::warn!(why, "not ready");
            Response::text(503, "the store cannot be read and written\n")
        }
    }
}
