//! Calls the operation of a recorded call again.

use std::borrow::Cow;

use bytes::Bytes;
use larkspur_api::tokens::{LIFE_MS, Token};
use larkspur_control::traffic::{Entry, Traffic, Whose};
use larkspur_store::Keys;
use serde_json::Value;

use super::Recording;
use crate::App;
use crate::request::Request;

/// Headers that are not sent again: they belong to the connection, or contain a secret.
const LEFT_OUT: [&str; 6] =
    ["authorization", "cookie", "content-length", "connection", "transfer-encoding", "expect"];

/// Sends a recorded request again, inside the process. Returns the record of the new call, or why it is impossible.
pub(super) async fn replay(
    recording: &Recording,
    entry: Entry,
    fresh_token: bool,
    fresh_uuid: bool,
) -> Result<Entry, String> {
    let app = recording.app.upgrade().ok_or("the server is stopping")?;
    if entry.request.cut || entry.request.hidden {
        return Err("its body was not kept as a whole, because it is too long or has a secret".to_owned());
    }
    if entry.near.is_empty() && entry.row.operation.is_none() {
        return Err("its path is unknown".to_owned());
    }
    let credential = credential(&app, &entry, fresh_token)?;
    let (query, body) =
        if fresh_uuid { renewed(&entry) } else { (entry.request.query.clone(), entry.request.body.clone()) };
    let masked = |value: &str| value.contains('…');
    let mut headers: Vec<(&str, &str)> = entry
        .request
        .headers
        .iter()
        .filter(|(name, value)| {
            !LEFT_OUT.iter().any(|left| name.eq_ignore_ascii_case(left)) && !masked(value)
        })
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    if let Some(credential) = &credential {
        headers.push(("authorization", credential));
    }
    let mut bytes = match &body {
        Value::Null => Bytes::new(),
        Value::String(text) => text.clone().into(),
        json => json.to_string().into(),
    };
    let request = Request {
        method: &entry.row.method,
        path: &entry.row.path,
        query: &query,
        headers: &headers,
        body: &mut bytes,
        peer: None,
    };
    let response = app.handle(request).await;
    let id = response.id.ok_or("it was answered by the process, not by an operation")?;
    recording.call(Whose::All, id.log_id()).ok_or_else(|| "the new call was not kept".to_owned())
}

/// The `Authorization` of the new call.
fn credential(app: &App, entry: &Entry, fresh: bool) -> Result<Option<String>, String> {
    let keys: &Keys = &app.engine.keys;
    match (entry.caller.credential, entry.caller.token) {
        (Some(token), _) => {
            let ahead = entry.row.world_at_ms.unwrap_or(entry.row.at_ms) - entry.row.at_ms;
            let now = app.engine.clock.now_ms() + ahead;
            let token = if fresh { Token { expires_at: now + LIFE_MS, ..token } } else { token };
            Ok(Some(format!("Bearer {}", token.issue(keys))))
        }
        (None, "control") => Ok(Some(format!("Bearer {}", app.options.control_key))),
        (None, "none") => Ok(None),
        (None, kind) => Err(format!("its credential ({kind}) was not kept")),
    }
}

/// Query and body with another `uuid`.
fn renewed(entry: &Entry) -> (String, Value) {
    let fresh: String = Keys::fresh_secret().chars().take(32).collect();
    let pairs = entry.request.query.split('&').map(|pair| match pair.starts_with("uuid=") {
        true => Cow::Owned(format!("uuid={fresh}")),
        false => Cow::Borrowed(pair),
    });
    let query = pairs.collect::<Vec<_>>().join("&");
    let mut body = entry.request.body.clone();
    if let Some(uuid) = body.get_mut("uuid") {
        *uuid = fresh.into();
    }
    (query, body)
}
