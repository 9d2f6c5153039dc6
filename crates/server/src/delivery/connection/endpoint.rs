//! `POST /callback/ws/endpoint`: an app sends its secret and gets the URL to connect to.

use std::sync::Arc;

use larkspur_contract::ids::AppId;
use larkspur_contract::model::{AppKind, InstallStatus};
use larkspur_contract::{Effect, Fault, Fix, codes};
use larkspur_store::events::connections;
use larkspur_store::{Engine, Keys, StoreError, apps};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ticket::{self, Ticket};
use super::{Full, LongConnections, PER_APP, handshake, service_id};
use crate::App;
use crate::outside::{self, Injected, Named, Outcome, Outside};
use crate::request::{Headers, Request, Response};
use crate::site::origin;

/// Its path, which is not below `/open-apis`.
pub(super) const PATH: &str = "/callback/ws/endpoint";
/// The most bytes of its body.
const BODY_BYTES: usize = 64 << 10;

/// What an app sends. The names are case-sensitive.
#[derive(Deserialize)]
struct Asked {
    #[serde(rename = "AppID")]
    app_id: String,
    #[serde(rename = "AppSecret")]
    app_secret: String,
    /// A signed assertion, which new clients may send instead of the secret.
    #[serde(rename = "ClientAssertion", default)]
    assertion: String,
}

/// Its name in records and rules.
const OPERATION: &str = "callback.ws.endpoint";

/// Answers with HTTP 200, except for a body that cannot be read: clients take every other status for an unavailable server
/// and retry without end.
pub(super) async fn answer(app: &App, request: &mut Request<'_>) -> Response {
    let call = Outside::begin(app, OPERATION);
    // The media type is ignored: some clients send none.
    let body = request.body.read(BODY_BYTES).await.unwrap_or_default();
    let asked = read(&body);
    let app_id = asked.as_ref().and_then(|asked| AppId::parse(&asked.app_id));
    let named = Named::of(app, app_id).await;
    let injected = injected(app, (request.method, request.path), &named).await;
    let (rule, instead) = injected.map_or((None, None), |(rule, instead)| (Some(rule), instead));
    let (response, shown, fault) = match (instead, asked) {
        (Some(response), _) => (response, None, rule.as_ref().and_then(Injected::at_endpoint)),
        (None, None) => {
            let fault = Fault::new(codes::BAD_REQUEST, "the body is no object with AppID and AppSecret");
            (Response::failure(codes::BAD_REQUEST, false), None, Some(fault))
        }
        (None, Some(asked)) => match grant(&app.engine, &app.long_connections, &asked).await {
            Ok(ticket) => {
                let url = url(app, request.headers, &ticket);
                let config = app.long_connections.options.client_config();
                let with = |url: &str| written(0, "", &json!({"URL": url, "ClientConfig": config}));
                // The query has the ticket.
                let shown = with(&format!("{}?…", url.split('?').next().unwrap_or_default()));
                (with(&url), Some(shown), None)
            }
            // Clients read the URL of an answer without checking its code.
            Err(fault) => {
                (written(fault.code().number, fault.code().text, &json!({"URL": ""})), None, Some(fault))
            }
        },
    };
    let response = Response { id: Some(call.id), ..response };
    let outcome = Outcome {
        body: Some(&body),
        fault: fault.as_ref(),
        injected: rule.as_ref(),
        response: shown.as_ref().unwrap_or(&response),
    };
    call.record(app, request, &named, &outcome);
    response
}

/// The rule of the world of the app that changes the request, and the answer that it gives in place of the address.
async fn injected(app: &App, request: (&str, &str), named: &Named) -> Option<(Injected, Option<Response>)> {
    let (app_id, ruled) = named.known()?;
    let injected = outside::injected(app, request, (app_id, ruled)).await;
    injected.unwrap_or_else(|fault| {
        tracing::warn!(%app_id, why = %fault.note(), "cannot count for the rules of a long connection");
        None
    })
}

fn read(body: &[u8]) -> Option<Asked> {
    let value: Value = serde_json::from_slice(body).ok()?;
    // A list would be read as the fields in order.
    serde_json::from_value(value).ok().filter(|_| body.trim_ascii_start().starts_with(b"{"))
}

fn written(code: u32, msg: &str, data: &Value) -> Response {
    Response::json(200, json!({"code": code, "msg": msg, "data": data}).to_string())
}

/// A ticket for an app that may connect.
async fn grant(engine: &Arc<Engine>, open: &LongConnections, asked: &Asked) -> Result<Ticket, Fault> {
    let unknown = || Fault::new(codes::CONNECTION_APP_UNKNOWN, "no app has this AppID");
    if engine.read_only {
        // It sends no events: clients retry, and reach another server.
        return Err(Fault::new(codes::CONNECTION_FAILED, "the server is read-only"));
    }
    if asked.app_secret.is_empty() {
        // The form of assertions is not documented, so none is valid.
        let none = asked.assertion.is_empty();
        return Err(match none {
            true => Fault::new(codes::CONNECTION_NO_CREDENTIAL, "AppSecret is empty"),
            false => Fault::new(codes::CONNECTION_UNAUTHENTICATED, "no ClientAssertion is valid here"),
        });
    }
    let app_id = AppId::parse(&asked.app_id).ok_or_else(unknown)?;
    let found = find(engine, open, app_id).await.map_err(|error| {
        tracing::warn!(%app_id, why = %error, "cannot read the app of a long connection");
        Fault::new(codes::CONNECTION_FAILED, "the store is unavailable")
    })?;
    let Found { app, status, elsewhere } = found.ok_or_else(unknown)?;
    if !engine.keys.secret_matches(&asked.app_secret, &app.secret_hash) {
        let fault = Fault::new(codes::CONNECTION_SECRET_INVALID, "AppSecret is not the secret of the app");
        return Err(fault.with_fact("app_id", app_id.to_string()));
    }
    // ISV apps receive events by webhook only. Source: the page on long connections.
    if app.kind != AppKind::Custom || status != Some(InstallStatus::Enabled) {
        return Err(forbidden(app_id, app.kind));
    }
    open.has_room(app_id, elsewhere).map_err(full)?;
    let nonce = u64::from_le_bytes(Keys::fresh_mark());
    let secret = ticket::mark(&engine.keys, &app.secret_hash);
    Ok(Ticket::new(app_id, app.developer, engine.clock.now_ms(), nonce, secret))
}

fn forbidden(app_id: AppId, kind: AppKind) -> Fault {
    if kind != AppKind::Custom {
        let note = "apps of the store receive events by webhook only";
        return Fault::new(codes::CONNECTION_FORBIDDEN, note).with_fact("app_id", app_id.to_string());
    }
    let app = vec![("app_id", app_id.to_string())];
    Fault::new(codes::CONNECTION_FORBIDDEN, "the app is not installed or disabled")
        .with_fact("app_id", app_id.to_string())
        .with_fix(Fix::new("larkspur.v1.app.update", app, json!({"status": "enabled"})))
}

/// The refusal for want of room.
pub(super) fn full(full: Full) -> Fault {
    match full {
        Full::App => Fault::new(codes::CONNECTION_LIMIT, "the app has as many connections as it may have")
            .with_fact("limit", PER_APP.to_string()),
        Full::Process => Fault::new(codes::CONNECTION_FAILED, "the server takes no more connections"),
    }
}

/// What decides whether an app may connect.
pub(super) struct Found {
    /// The app.
    pub(super) app: apps::App,
    /// How it is installed in the tenant that made it.
    status: Option<InstallStatus>,
    /// How many connections it has to other servers.
    pub(super) elsewhere: usize,
}

/// An app that may connect.
pub(super) async fn find(
    engine: &Arc<Engine>,
    open: &LongConnections,
    app_id: AppId,
) -> Result<Option<Found>, StoreError> {
    // A store that is not shared may still know the connections of a process that was killed.
    let server = engine.driver.is_shared().then(|| Arc::<str>::from(open.server(engine)));
    let now = engine.clock.now_ms();
    let found = engine.run(Effect::Reads, move |root| {
        let server = server.clone();
        Box::pin(async move {
            let Some(app) = apps::find(root, app_id).await? else { return Ok(None) };
            let mut tx = root.tenant(app.developer);
            let status = apps::install(&mut tx, app_id).await?.map(|install| install.status);
            let elsewhere = match server {
                Some(server) => connections::elsewhere(&mut tx, app_id, &server, now).await?,
                None => 0,
            };
            Ok(Some(Found { app, status, elsewhere: usize::try_from(elsewhere).unwrap_or_default() }))
        })
    });
    found.await
}

/// Where the app connects. `service_id` is not the first parameter: a client loses the name of that one.
fn url(app: &App, headers: &dyn Headers, ticket: &Ticket) -> String {
    let random = app.engine.ids.random();
    // 19 digits, and 32 hex digits.
    let device = 1_000_000_000_000_000_000 + (random >> 64) % 8_000_000_000_000_000_000;
    let key = app.engine.ids.random();
    let service = service_id(ticket.app_id);
    let ticket = ticket.issue(&app.engine.keys);
    let origin = origin(headers, &app.options.public_url, ["ws", "wss"]);
    let path = handshake::PATH;
    format!(
        "{origin}{path}?fpid=493&aid=552564&device_id={device}&access_key={key:032x}&service_id={service}&ticket={ticket}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_the_one_that_the_client_used() {
        let public = "https://larkspur.example.com";
        for (headers, public, expected) in [
            (vec![("Host", "127.0.0.1:80")], "", "ws://127.0.0.1:80"),
            (vec![("Host", "[::1]:80")], public, "ws://[::1]:80"),
            (vec![("Host", "Larkspur.example.com")], public, "wss://Larkspur.example.com"),
            (vec![("Host", "a"), ("X-Forwarded-Proto", "https, http")], "", "wss://a"),
            (
                vec![("Host", "larkspur.example.com"), ("X-Forwarded-Proto", "http")],
                public,
                "ws://larkspur.example.com",
            ),
            (
                vec![("Host", "10.0.0.1:5275"), ("X-Forwarded-Host", "b.example:443, c")],
                "",
                "ws://b.example:443",
            ),
            (vec![("Host", "a/b?c")], public, "wss://larkspur.example.com"),
            (vec![], public, "wss://larkspur.example.com"),
            (vec![], "", "ws://"),
        ] {
            assert_eq!(origin(&headers, public, ["ws", "wss"]), expected, "{headers:?}");
        }
    }

    #[test]
    fn names_are_case_sensitive() {
        let read = |text: &str| read(text.as_bytes()).is_some();
        assert!(read(r#"{"AppID":"a","AppSecret":"b","other":1}"#));
        for wrong in [
            r#"{"appId":"a","appSecret":"b"}"#,
            r#"{"AppID":"a"}"#,
            r#"{"AppID":1,"AppSecret":"b"}"#,
            r#"["a","b"]"#,
            "",
        ] {
            assert!(!read(wrong), "{wrong}");
        }
    }
}
