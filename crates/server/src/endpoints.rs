//! What the process tells of itself: health, metrics, the OpenAPI document, the guide.

use std::time::Duration;

use larkspur_contract::Effect;
use larkspur_contract::ids::AppId;
use larkspur_store::apps;

use crate::documents::guide;
use crate::gateway::reply::JSON;
use crate::request::Response;
use crate::{App, metrics};

/// Markdown too: browsers show it, and would save what is called Markdown.
const TEXT: &str = "text/plain; charset=utf-8";
/// How long the store may take before it counts as unable to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers one of the built-in endpoints; `None` for every other path.
pub(crate) async fn answer(app: &App, method: &str, path: &str) -> Option<Response> {
    let name = path.strip_prefix("/larkspur/")?;
    if method != "GET" {
        return None;
    }
    match name.strip_suffix('/').unwrap_or(name) {
        "health/live" => Some(Response::text(200, "live\n")),
        "health/ready" => Some(ready(app).await),
        "metrics" => {
            Some(Response::plain(200, "text/plain; version=0.0.4; charset=utf-8", metrics::text(app)))
        }
        name => shown(app, name),
    }
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

async fn ready(app: &App) -> Response {
    if app.is_draining() {
        return Response::text(503, "draining\n");
    }
    let asked = app.engine.run(Effect::Reads, |root| Box::pin(apps::find(root, AppId(0))));
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(_)) => Response::text(200, "ready\n"),
        Ok(Err(error)) => {
            tracing::warn!(why = %error, "not ready");
            Response::text(503, "the store cannot answer\n")
        }
        Err(_) => Response::text(503, "the store does not answer\n"),
    }
}
