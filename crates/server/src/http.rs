//! HTTP/1.1. The only file that names the HTTP library.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, EXPECT, HOST,
    HeaderMap, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use larkspur_contract::codes;
use larkspur_store::BoxFuture;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::App;
use crate::connections::{Connections, Presence, Seat};
use crate::metrics::Counted;
use crate::request::{BodyError, BodySource, Headers, Request, Response};
use crate::stream::Watched;
use crate::unpanicked::unpanicked;

/// The limits of connections. All times are always on.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections that are served at a time. Where there are more, the longest idle one has to go.
    pub connections: usize,
    /// Of those, from one address; 0 is no limit but `connections`.
    pub per_address: usize,
    /// How long a connection may be idle or take to send the head of a request.
    pub head: Duration,
    /// How long a request may take to send its body.
    pub body: Duration,
    /// How long a caller may read nothing of its answer.
    pub write: Duration,
    /// How long, at shutdown, calls are still taken while the readiness endpoint says no.
    pub lame_duck: Duration,
    /// How long open requests may take to end at shutdown.
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

/// The most bytes of a request's head. There may be at most 100 headers.
const HEAD_BYTES: usize = 64 << 10;
/// How much of a refused request's body is read and thrown away, so that the caller gets to read the refusal.
const DISCARD_BYTES: usize = 32 << 20;
/// For how long.
const DISCARD_TIME: Duration = Duration::from_secs(5);
/// How long a connection without a seat may take to say what it wants.
const ASK_TIME: Duration = Duration::from_secs(2);
/// What is answered without a seat, by the beginning of the head: monitoring must get through.
const WITHOUT_A_SEAT: [&[u8]; 4] = [
    b"GET /larkspur/health/",
    b"HEAD /larkspur/health/",
    b"OPTIONS /larkspur/health/",
    b"GET /larkspur/metrics",
];
/// How long a connection that must go may take to end in order.
const FAREWELL: Duration = Duration::from_millis(20);
/// Connections at a time while there is no application to serve.
const BEFORE: usize = 64;

/// What every connection is served with.
struct Served {
    app: Arc<App>,
    limits: Limits,
    connections: Arc<Connections>,
}

/// Serves an application until `shutdown` ends, goes on for the lame-duck time, then lets open requests end.
pub async fn serve(listener: TcpListener, app: Arc<App>, limits: Limits, shutdown: impl Future<Output = ()>) {
    let counting = app.clone();
    let connections = Connections::new(limits.connections, limits.per_address, move || {
        counting.metrics.shed.fetch_add(1, Ordering::Relaxed);
    });
    let served = Arc::new(Served { app, limits, connections });
    let (stop, stopped) = watch::channel(());
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
            tracing::info!("not ready any more, and still serving for the lame-duck time");
            let _ = timeout(lame_duck, accepting).await;
        }
    }
    drop(listener);
    drop(stopped);
    // The message itself says nothing; connections see that it came, and finish.
    let _ = stop.send(());
    if timeout(served.limits.drain, stop.closed()).await.is_err() {
        tracing::warn!("some requests did not end in time and are cut off");
    }
}

/// Accepts connections for ever.
async fn accept(listener: &TcpListener, served: &Arc<Served>, stopped: &watch::Receiver<()>) {
    loop {
        served.connections.room().await;
        match listener.accept().await {
            Ok((stream, peer)) => {
                let presence = served.connections.enter(peer.ip());
                tokio::spawn(attend(stream, presence, served.clone(), stopped.clone()));
            }
            Err(error) => {
                // Most often: no more file descriptors. Connections that end will free some.
                tracing::warn!(why = %error, "cannot accept a connection");
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Serves a connection to its end: from its seat, or, while there is none, what needs none.
async fn attend(
    stream: TcpStream,
    presence: Presence,
    served: Arc<Served>,
    mut stopped: watch::Receiver<()>,
) {
    let _counted = Counted::up(&served.app.metrics.connections);
    let presence = Arc::new(presence);
    if presence.is_seated() {
        return connection(stream, &presence, &served, true, stopped).await;
    }
    let asks = async {
        match timeout(ASK_TIME, needs_no_seat(&stream)).await {
            Ok(Ok(true)) => Some(false),
            // The other end is gone, or has nothing to say: it need not wait.
            Ok(Err(_)) | Err(_) => None,
            Ok(Ok(false)) => timeout(served.limits.head, presence.sit()).await.ok().map(|()| true),
        }
    };
    let seated = tokio::select! {
        biased;
        seated = asks => seated,
        () = presence.seat.told() => None,
        _ = stopped.changed() => None,
    };
    if let Some(seated) = seated {
        connection(stream, &presence, &served, seated, stopped).await;
    }
}

/// Whether the head of a request begins as one that is answered without a seat. Nothing is taken from the stream.
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
        // The rest of the word is on its way.
        sleep(Duration::from_millis(5)).await;
    }
}

async fn connection(
    stream: TcpStream,
    presence: &Arc<Presence>,
    served: &Arc<Served>,
    seated: bool,
    mut stopped: watch::Receiver<()>,
) {
    // Answers are written at once; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let limits = &served.limits;
    let service = service_fn(|request| {
        let (app, presence, body_time) = (served.app.clone(), presence.clone(), limits.body);
        async move { Ok::<_, Infallible>(exchange(&app, &presence, request, body_time).await) }
    });
    let stream = Watched::new(stream, presence.clone(), limits.write);
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .title_case_headers(true)
        .header_read_timeout(if seated { limits.head } else { ASK_TIME })
        .keep_alive(seated)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = {
        let mut stopping = pin!(stopped.changed());
        let mut told = pin!(presence.seat.told());
        tokio::select! {
            biased;
            result = connection.as_mut() => Some(result),
            _ = stopping.as_mut() => None,
            () = told.as_mut() => {
                connection.as_mut().graceful_shutdown();
                // It began something just before it was told: that is finished. What it does not read is not.
                if !presence.seat.is_served() {
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
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(why = %error, "a connection ended early");
    }
}

/// Answers on a listener that there is no application yet, for ever.
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
                let response = answer(request.method().as_str(), request.uri().path());
                Ok::<_, Infallible>(written(response, true))
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

async fn exchange(
    app: &App,
    presence: &Presence,
    request: hyper::Request<Incoming>,
    body_time: Duration,
) -> hyper::Response<Full<Bytes>> {
    let seat = &*presence.seat;
    // A client that sends another request has read the answer before it.
    presence.answers(0);
    seat.servers_turn();
    let (mut head, body) = request.into_parts();
    settle_host(&mut head);
    let mut body = Unread { body: Some(body), begun: false, time: body_time, seat };
    let handled = unpanicked(app.handle(Request {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        headers: &head.headers,
        body: &mut body,
    }));
    // Where a panic is not the operation's own, which the gateway answers.
    let response = handled.await.unwrap_or_else(|_| Response::failure(codes::INTERNAL, true));
    seat.callers_turn();
    let close = !body.settle(head.headers.contains_key(EXPECT)).await;
    if close {
        presence.lingers.store(true, Ordering::Relaxed);
    }
    presence.answers(response.body.len());
    seat.callers_turn();
    written(response, close)
}

/// Makes `Host` and `X-Forwarded-Host` say all there is to say of whom a request is for: the request line counts before the
/// header (RFC 9112, 3.2.2), of two headers neither does, and what cannot be read is a name that the server does not have.
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
}

/// A response as the library wants it.
fn written(response: Response, close: bool) -> hyper::Response<Full<Bytes>> {
    let mut headers = HeaderMap::with_capacity(16);
    for (name, value) in response.headers() {
        // All names are our own; a value that is no header, such as a strange media type, is left out.
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(header_name(name), value);
        }
    }
    if close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let mut answer = hyper::Response::new(Full::new(response.body));
    *answer.status_mut() =
        hyper::StatusCode::from_u16(response.status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    *answer.headers_mut() = headers;
    answer
}

fn header_name(name: &'static str) -> HeaderName {
    static LOG_ID: HeaderName = HeaderName::from_static("x-tt-logid");
    static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
    static LIMIT: HeaderName = HeaderName::from_static("x-ogw-ratelimit-limit");
    static RESET: HeaderName = HeaderName::from_static("x-ogw-ratelimit-reset");
    static OUTCOME: HeaderName = HeaderName::from_static("x-larkspur-outcome");
    match name {
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
        _ => CONTENT_TYPE,
    }
}

/// A body on the wire.
struct Unread<'a> {
    body: Option<Incoming>,
    begun: bool,
    time: Duration,
    seat: &'a Seat,
}

impl BodySource for Unread<'_> {
    fn read(&mut self, limit: usize) -> BoxFuture<'_, Result<Bytes, BodyError>> {
        Box::pin(async move {
            let Some(body) = &mut self.body else { return Ok(Bytes::new()) };
            if body.is_end_stream() {
                self.body = None;
                return Ok(Bytes::new());
            }
            if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
                return Err(BodyError::TooLarge);
            }
            self.begun = true;
            self.seat.callers_turn();
            let whole = timeout(self.time, collect(body, limit)).await;
            self.seat.servers_turn();
            let whole = whole.unwrap_or_else(|_| Err(BodyError::Broken("it took too long".to_owned())))?;
            self.body = None;
            Ok(whole)
        })
    }
}

async fn collect(body: &mut Incoming, limit: usize) -> Result<Bytes, BodyError> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| BodyError::Broken(error.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + rest.len() + data.len() > limit {
            return Err(BodyError::TooLarge);
        }
        if rest.is_empty() && first.is_empty() {
            first = data;
        } else {
            // A second piece: from here on everything is gathered in one place.
            rest.extend_from_slice(&std::mem::take(&mut first));
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

impl Unread<'_> {
    /// Throws away what was not read, so that the connection can be used again; false if it cannot.
    ///
    /// A caller who waits to be asked for the body is not asked.
    async fn settle(&mut self, expects: bool) -> bool {
        let Some(body) = &mut self.body else { return true };
        if body.is_end_stream() {
            return true;
        }
        if expects && !self.begun {
            return false;
        }
        let discard = async {
            let mut left = DISCARD_BYTES;
            while let Some(frame) = body.frame().await {
                let length = frame.ok()?.into_data().map_or(0, |data| data.len());
                left = left.checked_sub(length)?;
            }
            Some(())
        };
        matches!(timeout(DISCARD_TIME, discard).await, Ok(Some(())))
    }
}

/// What a server answered to [`fetch`].
#[derive(Debug)]
pub struct Fetched {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

/// What a request carries to [`fetch`].
#[derive(Debug)]
pub struct Sent<'a> {
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The media type of the body, if there is one.
    pub content_type: &'a str,
    /// The body.
    pub body: Option<Bytes>,
}

impl<'a> Sent<'a> {
    /// A body of JSON, or none.
    pub fn json(authorization: Option<&'a str>, body: Option<Bytes>) -> Self {
        Sent { authorization, content_type: "application/json; charset=utf-8", body }
    }
}

/// Sends one request to a server at `host:port`, without TLS, and reads the whole answer.
///
/// # Errors
/// The server cannot be reached, or its answer is not HTTP.
pub async fn fetch(authority: &str, method: &str, target: &str, sent: Sent<'_>) -> io::Result<Fetched> {
    let stream = TcpStream::connect(authority).await?;
    let peer: SocketAddr = stream.peer_addr()?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(why = %error, %peer, "the connection ended early");
        }
    });
    let mut request = hyper::Request::builder().method(method).uri(target).header("Host", authority);
    if let Some(value) = sent.authorization {
        request = request.header(AUTHORIZATION, value);
    }
    if sent.body.is_some() {
        request = request.header(CONTENT_TYPE, sent.content_type);
    }
    let request = request.body(Full::new(sent.body.unwrap_or_default())).map_err(io::Error::other)?;
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    Ok(Fetched { status, body })
}
