//! HTTP/1.1: connections, and the requests on them. Only this folder, the reader of multipart bodies and the sender of
//! events name the HTTP library.

mod body;
mod fetch;
mod watched;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, EXPECT, HOST, HeaderMap,
    HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, RETRY_AFTER, UPGRADE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use larkspur_contract::codes;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::App;
use crate::body::{Body, Broken, Stop, Upgrade, Upgraded};
use crate::connections::{Connections, Presence};
use crate::metrics::Counted;
use crate::request::{Headers, Request, Response};
use crate::unpanicked::unpanicked;
use body::{Outgoing, Streamed, Unread};
pub use fetch::{Fetched, Sent, fetch};
use watched::Watched;

/// The limits of connections. Time limits cannot be turned off.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections that are served at a time. Beyond, the longest idle one is closed.
    pub connections: usize,
    /// Of those, from one address; 0 applies only `connections`.
    pub per_address: usize,
    /// How long a connection may be idle or take to send the head of a request.
    pub head: Duration,
    /// How long a request may take to send its body.
    pub body: Duration,
    /// How long a client may read nothing of its answer.
    pub write: Duration,
    /// How long, at shutdown, calls are still accepted while the readiness endpoint fails.
    pub lame_duck: Duration,
    /// How long running requests may take at shutdown.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 1000,
            per_address: 0,
            head: Duration::from_secs(60),
            body: Duration::from_secs(60),
            write: Duration::from_secs(30),
            lame_duck: Duration::ZERO,
            drain: Duration::from_secs(10),
        }
    }
}

/// The most bytes of a request's head. It may have at most 100 headers.
const HEAD_BYTES: usize = 64 << 10;
/// How long a connection without a seat may take to send the start of a request.
const ASK_TIME: Duration = Duration::from_secs(2);
/// What is answered without a seat, by the start of the head: monitoring must get through.
const WITHOUT_A_SEAT: [&[u8]; 4] = [
    b"GET /larkspur/health/",
    b"HEAD /larkspur/health/",
    b"OPTIONS /larkspur/health/",
    b"GET /larkspur/metrics",
];
/// How long a connection that must close may take to close cleanly.
const FAREWELL: Duration = Duration::from_millis(20);
/// How often, at shutdown, a connection whose answer is a stream is checked: one that is still there at the second
/// check is cut off. Longer than the grace time of a stream.
const STREAM_LOOK: Duration = Duration::from_millis(500);
/// How long the handler of an upgraded connection may take at shutdown.
const UPGRADE_GRACE: Duration = Duration::from_millis(800);
/// Connections at a time while there is no application to serve.
const BEFORE: usize = 64;

/// The context of every connection.
struct Served {
    app: Arc<App>,
    limits: Limits,
    connections: Arc<Connections>,
}

/// Serves an application until `shutdown` ends, continues for the lame-duck time, then lets running requests finish.
pub async fn serve(listener: TcpListener, app: Arc<App>, limits: Limits, shutdown: impl Future<Output = ()>) {
    let counting = app.clone();
    let connections = Connections::new(limits.connections, limits.per_address, move || {
        counting.metrics.shed.fetch_add(1, Ordering::Relaxed);
    });
    let served = Arc::new(Served { app, limits, connections });
    let (stop, stopped) = watch::channel(false);
    let stopped = Stop::of(stopped);
    {
        let mut accepting = pin!(accept(&listener, &served, &stopped));
        tokio::select! {
            biased;
            () = shutdown => {}
            () = &mut accepting => {}
        }
        served.app.drain();
        let lame_duck = served.limits.lame_duck;
        if !lame_duck.is_zero() {
            tracing::info!("shutting down: no longer ready, still serving during the lame-duck time");
            let _ = timeout(lame_duck, accepting).await;
        }
    }
    drop(listener);
    drop(stopped);
    let _ = stop.send(true);
    if timeout(served.limits.drain, stop.closed()).await.is_err() {
        tracing::warn!("some requests did not finish in time and were cut off");
    }
}

/// Accepts connections forever.
async fn accept(listener: &TcpListener, served: &Arc<Served>, stopped: &Stop) {
    loop {
        served.connections.room().await;
        match listener.accept().await {
            Ok((stream, peer)) => {
                let presence = served.connections.enter(peer.ip());
                tokio::spawn(attend(stream, presence, served.clone(), stopped.clone()));
            }
            Err(error) => {
                // Most often: no more file descriptors. Ending connections will free some.
                tracing::warn!(why = %error, "cannot accept a connection");
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Serves a connection to its end: with a seat or, while there is none, only requests that need none.
async fn attend(stream: TcpStream, presence: Presence, served: Arc<Served>, mut stopped: Stop) {
    let _counted = Counted::up(&served.app.metrics.connections);
    let presence = Arc::new(presence);
    if presence.is_seated() {
        return connection(stream, &presence, &served, true, stopped).await;
    }
    let asks = async {
        match timeout(ASK_TIME, needs_no_seat(&stream)).await {
            Ok(Ok(true)) => Some(false),
            // The client is gone or sends nothing: it need not wait.
            Ok(Err(_)) | Err(_) => None,
            Ok(Ok(false)) => timeout(served.limits.head, presence.sit()).await.ok().map(|()| true),
        }
    };
    let seated = tokio::select! {
        biased;
        seated = asks => seated,
        () = presence.seat.close_requested() => None,
        () = stopped.stopped() => None,
    };
    if let Some(seated) = seated {
        connection(stream, &presence, &served, seated, stopped).await;
    }
}

/// Whether a request starts like one that is answered without a seat. Consumes nothing from the stream.
async fn needs_no_seat(stream: &TcpStream) -> io::Result<bool> {
    let mut head = [0; 32];
    loop {
        let seen = match stream.peek(&mut head).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            seen => &head[..seen],
        };
        if WITHOUT_A_SEAT.iter().any(|start| seen.starts_with(start)) {
            return Ok(true);
        }
        if !WITHOUT_A_SEAT.iter().any(|start| start.starts_with(seen)) {
            return Ok(false);
        }
        // The rest of the word is still to arrive.
        sleep(Duration::from_millis(5)).await;
    }
}

async fn connection(
    stream: TcpStream,
    presence: &Arc<Presence>,
    served: &Arc<Served>,
    seated: bool,
    mut stopped: Stop,
) {
    // Answers are written at once; waiting for more data would only delay them.
    let _ = stream.set_nodelay(true);
    let limits = &served.limits;
    let stop = &stopped.clone();
    let service = service_fn(|request| exchange(served, presence, stop, request));
    let stream = Watched::new(stream, presence.clone(), limits.write).with_reset(reset);
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .title_case_headers(true)
        .header_read_timeout(if seated { limits.head } else { ASK_TIME })
        .keep_alive(seated)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = {
        let mut stopping = pin!(stopped.stopped());
        let mut close = pin!(presence.seat.close_requested());
        tokio::select! {
            biased;
            result = connection.as_mut() => Some(result),
            () = stopping.as_mut() => None,
            () = close.as_mut() => {
                connection.as_mut().graceful_shutdown();
                // It started a request just before it was told to stop: that one is finished. An answer that the client
                // does not read is not, nor is a stream, which might never end.
                if !presence.seat.is_served() || presence.streams.load(Ordering::Relaxed) {
                    let _ = timeout(FAREWELL, connection.as_mut()).await;
                    return;
                }
                None
            }
        }
    };
    let result = match ended {
        Some(result) => result,
        None => {
            connection.as_mut().graceful_shutdown();
            match drained(connection, presence).await {
                Some(result) => result,
                None => return,
            }
        }
    };
    if let Err(error) = result {
        tracing::debug!(why = %error, "a connection ended early");
    }
}

/// Makes a stream end with a reset when it is dropped.
fn reset(stream: &TcpStream) {
    // Without it, the connection is closed instead.
    let _ = stream.set_zero_linger();
}

/// Waits for a connection that was told to close. `None`: its answer is a stream that the client does not read.
async fn drained<F: Future>(mut connection: Pin<&mut F>, presence: &Presence) -> Option<F::Output> {
    let mut streamed = presence.streams.load(Ordering::Relaxed);
    loop {
        if let Ok(result) = timeout(STREAM_LOOK, connection.as_mut()).await {
            return Some(result);
        }
        let streams = presence.streams.load(Ordering::Relaxed);
        if streamed && streams {
            return None;
        }
        streamed = streams;
    }
}

/// Answers on a listener, forever, that there is no application yet.
pub(crate) async fn serve_before(listener: &TcpListener, answer: fn(&str, &str) -> Response) {
    let turns = Arc::new(Semaphore::new(BEFORE));
    loop {
        let Ok(turn) = turns.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            sleep(Duration::from_millis(20)).await;
            continue;
        };
        tokio::spawn(async move {
            let service = service_fn(|request: hyper::Request<Incoming>| async move {
                let mut response = answer(request.method().as_str(), request.uri().path());
                let body = std::mem::take(&mut response.body).bytes().clone();
                Ok::<_, Infallible>(written(&response, body.into(), true))
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .title_case_headers(true)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            let _ = timeout(ASK_TIME, connection).await;
            drop(turn);
        });
    }
}

/// Answers one request. An error ends the connection without an answer.
async fn exchange(
    served: &Arc<Served>,
    presence: &Arc<Presence>,
    stop: &Stop,
    mut request: hyper::Request<Incoming>,
) -> io::Result<hyper::Response<Outgoing>> {
    let seat = &*presence.seat;
    // A client that sends another request has read the previous answer.
    presence.answers(0);
    presence.streams.store(false, Ordering::Relaxed);
    seat.servers_turn();
    let may_upgrade = request.headers().contains_key(UPGRADE) && request.version() == hyper::Version::HTTP_11;
    let upgrade = may_upgrade.then(|| hyper::upgrade::on(&mut request));
    let (mut head, body) = request.into_parts();
    settle_host(&mut head);
    let mut body = Unread::new(body, served.limits.body, seat);
    let request = Request {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        headers: &head.headers,
        peer: Some(seat.address()),
        body: &mut body,
    };
    // Pinned here, to avoid moving some kilobytes of future.
    let handled = unpanicked(pin!(served.app.handle(request))).await;
    // A panic outside of the operation, whose panics the gateway answers.
    let mut response = handled.unwrap_or_else(|_| Response::failure(codes::INTERNAL, true));
    seat.callers_turn();
    let close = !body.settle(head.headers.contains_key(EXPECT)).await;
    if close {
        presence.lingers.store(true, Ordering::Relaxed);
    }
    let body = match std::mem::take(&mut response.body) {
        Body::Full(bytes) => bytes.into(),
        Body::Stream(producer) => {
            presence.streams.store(true, Ordering::Relaxed);
            Outgoing::Stream(Box::new(Streamed::new(producer, presence.clone(), stop.clone())))
        }
        Body::Broken(Broken { whole, reset }) => {
            presence.resets.store(reset, Ordering::Relaxed);
            let cut = || io::Error::other("cut off, as a rule of the world's faults says");
            Outgoing::half(&whole.ok_or_else(cut)?)
        }
        Body::Upgrade(handler) => match upgrade.filter(|_| !close) {
            Some(upgrade) => {
                tokio::spawn(hand_over(upgrade, handler, presence.clone(), served.clone(), stop.clone()));
                bytes::Bytes::new().into()
            }
            None => {
                response = Response::upgrade_required(handler.protocol);
                response.body.bytes().clone().into()
            }
        },
    };
    presence.answers(body.len());
    seat.callers_turn();
    Ok(written(&response, body, close))
}

/// Waits until the answer to an upgrade is written, then starts the handler.
async fn hand_over(
    upgrade: OnUpgrade,
    handler: Upgrade,
    presence: Arc<Presence>,
    served: Arc<Served>,
    stop: Stop,
) {
    let io = match upgrade.await {
        Ok(io) => Box::pin(TokioIo::new(io)),
        Err(error) => return tracing::debug!(why = %error, "a connection ended before its upgrade"),
    };
    let _counted = Counted::up(&served.app.metrics.connections);
    presence.leave();
    let mut over = stop.clone();
    let serving = unpanicked(async move { (handler.handler)(Upgraded { io, stop }).await });
    let over = async {
        over.stopped().await;
        sleep(UPGRADE_GRACE).await;
    };
    tokio::select! {
        served = serving => {
            if let Err(why) = served {
                tracing::error!(why, "the handler of an upgraded connection panicked");
            }
        }
        () = over => tracing::debug!("cut off an upgraded connection that did not end at shutdown"),
    }
}

/// Makes `Host` and `X-Forwarded-Host` state whom a request is for. The request line takes precedence over the header
/// (RFC 9112, 3.2.2). Of two headers neither counts. What cannot be read becomes a name that the server does not have.
fn settle_host(head: &mut hyper::http::request::Parts) {
    static FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-host");
    let whole = head.uri.authority().map(|authority| HeaderValue::from_str(authority.as_str()));
    if let Some(authority) = whole {
        head.headers.insert(HOST, authority.unwrap_or(HeaderValue::from_static("")));
    }
    for name in [HOST, FORWARDED.clone()] {
        let mut all = head.headers.get_all(&name).iter();
        let odd = all.next().is_some_and(|first| first.to_str().is_err()) || all.next().is_some();
        if odd {
            head.headers.insert(name, HeaderValue::from_static(""));
        }
    }
}

impl Headers for HeaderMap {
    fn get(&self, name: &str) -> Option<&str> {
        HeaderMap::get(self, name).and_then(|value| value.to_str().ok())
    }

    fn each<'a>(&'a self, show: &mut dyn FnMut(&'a str, &'a str)) {
        for (name, value) in self {
            if let Ok(value) = value.to_str() {
                show(name.as_str(), value);
            }
        }
    }
}

/// A response in the library's form.
fn written(response: &Response, body: Outgoing, close: bool) -> hyper::Response<Outgoing> {
    let mut headers = HeaderMap::with_capacity(16);
    for (name, value) in response.headers() {
        // All names are our own; an invalid value, such as a strange media type, is omitted.
        if let (Some(name), Ok(value)) = (header_name(name), HeaderValue::from_str(&value)) {
            headers.insert(name, value);
        }
    }
    if close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let mut answer = hyper::Response::new(body);
    *answer.status_mut() =
        hyper::StatusCode::from_u16(response.status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    *answer.headers_mut() = headers;
    answer
}

/// A name in the library's form. Those of every answer are parsed only once.
fn header_name(name: &'static str) -> Option<HeaderName> {
    static LOG_ID: HeaderName = HeaderName::from_static("x-tt-logid");
    static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
    static LIMIT: HeaderName = HeaderName::from_static("x-ogw-ratelimit-limit");
    static RESET: HeaderName = HeaderName::from_static("x-ogw-ratelimit-reset");
    static OUTCOME: HeaderName = HeaderName::from_static("x-larkspur-outcome");
    Some(match name {
        "Content-Type" => CONTENT_TYPE,
        "X-Larkspur-Outcome" => OUTCOME.clone(),
        "X-Tt-Logid" => LOG_ID.clone(),
        "X-Request-Id" => REQUEST_ID.clone(),
        "X-Ogw-Ratelimit-Limit" => LIMIT.clone(),
        "X-Ogw-Ratelimit-Reset" => RESET.clone(),
        "Allow" => ALLOW,
        "Retry-After" => RETRY_AFTER,
        "Location" => LOCATION,
        "Content-Security-Policy" => CONTENT_SECURITY_POLICY,
        "Cache-Control" => CACHE_CONTROL,
        "Referrer-Policy" => REFERRER_POLICY,
        "X-Content-Type-Options" => X_CONTENT_TYPE_OPTIONS,
        other => return HeaderName::from_bytes(other.as_bytes()).ok(),
    })
}
