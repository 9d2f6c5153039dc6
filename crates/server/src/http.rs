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
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, EXPECT, HeaderMap,
    HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use larkspur_store::BoxFuture;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::App;
use crate::request::{BodyError, BodySource, Headers, Request, Response};

/// The limits of connections. All times are always on.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at a time; more wait to be accepted.
    pub connections: usize,
    /// How long a connection may be idle or take to send the head of a request.
    pub head: Duration,
    /// How long a request may take to send its body.
    pub body: Duration,
    /// How long open requests may take to end at shutdown.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 1000,
            head: Duration::from_secs(60),
            body: Duration::from_secs(60),
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

/// Serves an application until `shutdown` ends, then lets open requests end.
pub async fn serve(listener: TcpListener, app: Arc<App>, limits: Limits, shutdown: impl Future<Output = ()>) {
    let slots = Arc::new(Semaphore::new(limits.connections));
    let (stop, stopped) = watch::channel(());
    let mut shutdown = pin!(shutdown);
    loop {
        let slot = tokio::select! {
            biased;
            () = &mut shutdown => break,
            slot = slots.clone().acquire_owned() => match slot {
                Ok(slot) => slot,
                Err(_) => break,
            },
        };
        let stream = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Most often: no more file descriptors. Connections that end will free some.
                    tracing::warn!(why = %error, "cannot accept a connection");
                    sleep(Duration::from_millis(20)).await;
                    continue;
                }
            },
        };
        let (app, limits, stopped) = (app.clone(), limits.clone(), stopped.clone());
        tokio::spawn(async move {
            app.metrics.connections.fetch_add(1, Ordering::Relaxed);
            connection(stream, app.clone(), &limits, stopped).await;
            app.metrics.connections.fetch_sub(1, Ordering::Relaxed);
            drop(slot);
        });
    }
    app.drain();
    drop(listener);
    drop(stopped);
    // Nobody waits for what is sent; connections see it and finish.
    let _ = stop.send(());
    if timeout(limits.drain, stop.closed()).await.is_err() {
        tracing::warn!("some requests did not end in time and are cut off");
    }
}

async fn connection(stream: TcpStream, app: Arc<App>, limits: &Limits, mut stopped: watch::Receiver<()>) {
    // Answers are written at once; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let body_time = limits.body;
    let service = service_fn(move |request| {
        let app = app.clone();
        async move { Ok::<_, Infallible>(exchange(&app, request, body_time).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .title_case_headers(true)
        .header_read_timeout(limits.head)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = {
        let mut stopping = pin!(stopped.changed());
        tokio::select! {
            biased;
            result = connection.as_mut() => Some(result),
            _ = stopping.as_mut() => None,
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

async fn exchange(
    app: &App,
    request: hyper::Request<Incoming>,
    body_time: Duration,
) -> hyper::Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let mut body = Unread { body: Some(body), begun: false, time: body_time };
    let response = app
        .handle(Request {
            method: head.method.as_str(),
            path: head.uri.path(),
            query: head.uri.query().unwrap_or_default(),
            headers: &head.headers,
            body: &mut body,
        })
        .await;
    let close = !body.settle(head.headers.contains_key(EXPECT)).await;
    written(response, close)
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
struct Unread {
    body: Option<Incoming>,
    begun: bool,
    time: Duration,
}

impl BodySource for Unread {
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
            let whole = timeout(self.time, collect(body, limit))
                .await
                .unwrap_or_else(|_| Err(BodyError::Broken("it took too long".to_owned())))?;
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

impl Unread {
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
