//! `GET /ws/v2`: a client with a ticket becomes a long connection.

use std::borrow::Cow;

use larkspur_contract::{Code, Fault, codes};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::super::faults;
use super::ticket::Ticket;
use super::{About, Open, endpoint, session};
use crate::App;
use crate::body::Upgrade;
use crate::outside::{Named, Outcome, Outside};
use crate::request::{Headers, Request, Response};

/// Its path.
pub(super) const PATH: &str = "/ws/v2";
/// Its name in records.
const OPERATION: &str = "callback.ws.connect";
/// How many characters of a client's name are kept.
const CLIENT: usize = 100;

/// Answers.
pub(super) async fn answer(app: &App, request: &mut Request<'_>) -> Response {
    // Before the ticket is used: a request that is not a WebSocket does not use it up.
    let Some(key) = key(request.headers) else {
        let wanted = vec![("Sec-Websocket-Version", Cow::Borrowed("13"))];
        return Response { extra: wanted, ..Response::text(400, "a WebSocket of version 13 is required\n") };
    };
    let call = Outside::begin(app, OPERATION);
    let ticket = ticket(app, request.query);
    let app_id = ticket.as_ref().map(|ticket| ticket.app_id);
    let (response, fault) = match let_in(app, (request.headers, request.query), ticket).await {
        Ok(open) => {
            faults::of_connection(app, &open.connection).await;
            let accept = derive_accept_key(key.as_bytes());
            let upgrade = Upgrade::new("websocket", |upgraded| session::serve(upgraded, open));
            (Response::upgrade(upgrade, vec![("Sec-Websocket-Accept", accept.into())]), None)
        }
        Err(fault) => (refusal(fault.code()), Some(fault)),
    };
    let named = Named::of(app, app_id).await;
    let outcome = Outcome { body: None, fault: fault.as_ref(), injected: None, response: &response };
    call.record(app, request, &named, &outcome);
    response
}

/// The valid ticket of a query.
fn ticket(app: &App, query: &str) -> Option<Ticket> {
    Ticket::read(&app.engine.keys, of(query, "ticket="), app.engine.clock.now_ms())
}

/// The value of a parameter; `name` ends with `=`.
fn of<'a>(query: &'a str, name: &str) -> &'a str {
    query.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap_or_default()
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
async fn let_in(
    app: &App,
    (headers, query): (&(dyn Headers + Sync), &str),
    ticket: Option<Ticket>,
) -> Result<Open, Fault> {
    if app.engine.read_only {
        // As the endpoint; the ticket may be of another server.
        return Err(Fault::new(codes::CONNECTION_FAILED, "the server is read-only"));
    }
    let connections = &app.long_connections;
    let now = app.engine.clock.now_ms();
    let ticket = ticket.filter(|ticket| connections.used.take(ticket, now)).ok_or_else(|| {
        let why = "the ticket is not one of this server, too old, or was used already";
        Fault::new(codes::CONNECTION_UNAUTHENTICATED, why)
    })?;
    let found = endpoint::find(&app.engine, connections, ticket.app_id).await.map_err(|error| {
        tracing::warn!(app_id = %ticket.app_id, why = %error, "cannot read the app of a long connection");
        Fault::new(codes::CONNECTION_FAILED, "the store is unavailable")
    })?;
    // The secret may have changed since.
    let found = found.filter(|found| ticket.is_for(&app.engine.keys, &found.app.secret_hash));
    let elsewhere = found.map(|found| found.elsewhere).ok_or_else(|| {
        let why = "the ticket was issued for an earlier secret of the app, or the app was deleted";
        Fault::new(codes::CONNECTION_UNAUTHENTICATED, why)
    })?;
    // The client chooses both texts.
    let device: String = of(query, "device_id=").chars().filter(char::is_ascii_digit).take(20).collect();
    let client = headers.get("user-agent").unwrap_or_default();
    let client = client.chars().filter(|c| !c.is_control()).take(CLIENT).collect();
    let about = About { id: format!("{:016x}", ticket.nonce), since: now, device, client };
    connections.enter(ticket.app_id, ticket.tenant, about, elsewhere).map_err(endpoint::full)
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
