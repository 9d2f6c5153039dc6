//! `GET /ws/v2`: a client with a ticket becomes a long connection.

use std::borrow::Cow;

use larkspur_contract::{Code, codes};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::super::faults;
use super::ticket::Ticket;
use super::{About, Full, Open, endpoint, session};
use crate::App;
use crate::body::Upgrade;
use crate::request::{Headers, Request, Response};

/// Its path.
pub(super) const PATH: &str = "/ws/v2";
/// How many characters of a client's name are kept.
const CLIENT: usize = 100;

/// Answers.
pub(super) async fn answer(app: &App, request: &mut Request<'_>) -> Response {
    // Before the ticket is used: a request that is not a WebSocket does not use it up.
    let Some(key) = key(request.headers) else {
        let wanted = vec![("Sec-Websocket-Version", Cow::Borrowed("13"))];
        return Response { extra: wanted, ..Response::text(400, "a WebSocket of version 13 is required\n") };
    };
    match let_in(app, request.headers, request.query).await {
        Ok(mut open) => {
            open.fault = faults::of_connection(app, open.connection.app_id).await;
            let accept = derive_accept_key(key.as_bytes());
            let upgrade = Upgrade::new("websocket", |upgraded| session::serve(upgraded, open));
            Response::upgrade(upgrade, vec![("Sec-Websocket-Accept", accept.into())])
        }
        Err(code) => refusal(code),
    }
}

/// A refusal in the headers that clients read. Source: the clients; with this status they retry, unless the code is that
/// of too many connections.
fn refusal(code: Code) -> Response {
    let status = codes::CONNECTION_UNAUTHENTICATED.number;
    let extra = vec![
        ("Handshake-Status", status.to_string().into()),
        ("Handshake-Msg", code.text.into()),
        ("Handshake-Autherrcode", code.number.to_string().into()),
    ];
    Response { extra, ..Response::text(400, format!("{}\n", code.text)) }
}

/// Admits a client with a ticket.
async fn let_in(app: &App, headers: &(dyn Headers + Sync), query: &str) -> Result<Open, Code> {
    if app.engine.read_only {
        // As the endpoint; the ticket may be of another server.
        return Err(codes::CONNECTION_FAILED);
    }
    let connections = &app.long_connections;
    let now = app.engine.clock.now_ms();
    let of = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap_or_default();
    let text = of("ticket=");
    let ticket =
        Ticket::read(&app.engine.keys, text, now).filter(|ticket| connections.used.take(ticket, now));
    let ticket = ticket.ok_or(codes::CONNECTION_UNAUTHENTICATED)?;
    let found = endpoint::find(&app.engine, connections, ticket.app_id).await.map_err(|error| {
        tracing::warn!(app_id = %ticket.app_id, why = %error, "cannot read the app of a long connection");
        codes::CONNECTION_FAILED
    })?;
    // The secret may have changed since.
    let found = found.filter(|found| ticket.is_for(&app.engine.keys, &found.app.secret_hash));
    let elsewhere = found.ok_or(codes::CONNECTION_UNAUTHENTICATED)?.elsewhere;
    // The client chooses both texts.
    let device: String = of("device_id=").chars().filter(char::is_ascii_digit).take(20).collect();
    let client = headers.get("user-agent").unwrap_or_default();
    let client = client.chars().filter(|c| !c.is_control()).take(CLIENT).collect();
    let about = About { id: format!("{:016x}", ticket.nonce), since: now, device, client };
    connections.enter(ticket.app_id, ticket.tenant, about, elsewhere).map_err(|full| match full {
        Full::App => codes::CONNECTION_LIMIT,
        Full::Process => codes::CONNECTION_FAILED,
    })
}

/// `Sec-WebSocket-Key`, of a request that asks for a WebSocket of the right version (RFC 6455, 4.2.1).
fn key(headers: &dyn Headers) -> Option<&str> {
    let has = |name: &str, word: &str| {
        let words = headers.get(name).unwrap_or_default().split(',');
        words.map(str::trim).any(|found| found.eq_ignore_ascii_case(word))
    };
    let asks =
        has("upgrade", "websocket") && has("connection", "upgrade") && has("sec-websocket-version", "13");
    headers.get("sec-websocket-key").filter(|key| asks && key.len() == 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_for_a_websocket() {
        let whole = vec![
            ("Upgrade", "WebSocket"),
            ("Connection", "keep-alive, Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        assert_eq!(key(&whole), Some("dGhlIHNhbXBsZSBub25jZQ=="));
        for missing in 0..whole.len() {
            let mut less = whole.clone();
            less.remove(missing);
            assert_eq!(key(&less), None, "{}", whole[missing].0);
        }
        for (at, value) in [(0, "h2c"), (1, "close"), (2, "8"), (3, "short")] {
            let mut wrong = whole.clone();
            wrong[at].1 = value;
            assert_eq!(key(&wrong), None, "{value}");
        }
    }
}
