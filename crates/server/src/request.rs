//! A request and a response without any HTTP library: what the gateway takes and gives.

use std::borrow::Cow;
use std::net::IpAddr;

use bytes::Bytes;
use larkspur_api::pages;
use larkspur_contract::Code;
use larkspur_store::BoxFuture;

use crate::body::{Body, Pieces, Upgrade};
use crate::call_id::CallId;
use crate::gateway::reply::JSON;

/// A request.
pub struct Request<'a> {
    /// The method's name, such as `GET`.
    pub method: &'a str,
    /// The path as it was sent, still percent-encoded.
    pub path: &'a str,
    /// The query as it was sent, without the question mark; may be empty.
    pub query: &'a str,
    /// Its headers.
    pub headers: &'a (dyn Headers + Sync),
    /// The address of the other end of the connection, if there is one: the client, or a proxy.
    pub peer: Option<IpAddr>,
    /// The body, which is read only after the call is admitted.
    pub body: &'a mut dyn BodySource,
}

impl<'a> Request<'a> {
    /// A header by its name, in any case, if it exists and is text.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)
    }
}

/// The headers of a request.
pub trait Headers {
    /// A header by its name, in any case, if it exists and is text; the first one if there are several.
    fn get(&self, name: &str) -> Option<&str>;
    /// Shows every header, names in any case; values that are not text are left out.
    fn each<'a>(&'a self, show: &mut dyn FnMut(&'a str, &'a str));

    /// The same, in a list.
    fn all(&self) -> Vec<(&str, &str)> {
        let mut all = Vec::new();
        self.each(&mut |name, value| all.push((name, value)));
        all
    }
}

/// Names, in any case, and values.
impl Headers for Vec<(&str, &str)> {
    fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    fn each<'a>(&'a self, show: &mut dyn FnMut(&'a str, &'a str)) {
        self.iter().for_each(|(name, value)| show(name, value));
    }
}

/// A body that has not been read.
pub trait BodySource: Send {
    /// Reads all of it, up to `limit` bytes.
    fn read(&mut self, limit: usize) -> BoxFuture<'_, Result<Bytes, BodyError>>;
}

/// Why a body could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyError {
    /// It is longer than the limit.
    TooLarge,
    /// It ended early, took too long, or is not well-formed.
    Broken(String),
}

/// A body that is already in memory.
impl BodySource for Bytes {
    fn read(&mut self, limit: usize) -> BoxFuture<'_, Result<Bytes, BodyError>> {
        let whole = std::mem::take(self);
        Box::pin(async move { if whole.len() > limit { Err(BodyError::TooLarge) } else { Ok(whole) } })
    }
}

/// A response.
#[derive(Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type` header; none if it is empty.
    pub content_type: Cow<'static, str>,
    /// The ids of the call; `None` if the answer is not an operation's.
    pub id: Option<CallId>,
    /// The values of the two rate-limit headers, limit and seconds, for a call over the rate limit.
    pub retry: Option<(u32, u32)>,
    /// For a failed call (HTTP status 500 and above): whether it may have taken effect.
    pub doubtful: Option<bool>,
    /// Where to redirect the browser.
    pub location: Option<String>,
    /// The methods of a path, if they were asked for.
    pub allow: Option<&'static str>,
    /// Headers of this answer only, with names in title case.
    pub extra: Vec<(&'static str, Cow<'static, str>)>,
    /// The body.
    pub body: Body,
}

impl Response {
    /// A plain text without call id.
    pub(crate) fn text(status: u16, text: impl Into<Body>) -> Self {
        Response::plain(status, "text/plain", text)
    }

    /// A JSON answer without call id.
    pub(crate) fn json(status: u16, body: impl Into<Body>) -> Self {
        Response::plain(status, JSON, body)
    }

    /// An answer without call id.
    pub(crate) fn plain(status: u16, content_type: &'static str, body: impl Into<Body>) -> Self {
        Response {
            status,
            content_type: content_type.into(),
            id: None,
            retry: None,
            doubtful: None,
            location: None,
            allow: None,
            extra: Vec::new(),
            body: body.into(),
        }
    }

    /// The answer that makes a connection leave HTTP. The request must ask for it with `Upgrade`; otherwise the answer
    /// is 426. `extra` are the headers of the protocol.
    pub fn upgrade(upgrade: Upgrade, extra: Vec<(&'static str, Cow<'static, str>)>) -> Self {
        let mut response = Response::of_upgrade(101, upgrade.protocol, "", Body::Upgrade(upgrade));
        response.extra.extend(extra);
        response
    }

    /// The answer to a request that lacks the upgrade.
    pub(crate) fn upgrade_required(protocol: &'static str) -> Self {
        Response::of_upgrade(426, protocol, "text/plain", "upgrade required\n".into())
    }

    fn of_upgrade(status: u16, protocol: &'static str, content_type: &'static str, body: Body) -> Self {
        let extra = vec![("Connection", "Upgrade".into()), ("Upgrade", protocol.into())];
        Response { extra, ..Response::plain(status, content_type, body) }
    }

    /// An answer whose body is a stream. See [`Body::stream`].
    pub fn stream<F: Future<Output = ()> + Send + 'static>(
        content_type: &'static str,
        produce: impl FnOnce(Pieces) -> F + Send + 'static,
    ) -> Self {
        Response::plain(200, content_type, Body::stream(produce))
    }

    /// The plain body of a code, without call id, if no operation answers. `doubtful`: whether the call may have taken
    /// effect.
    pub(crate) fn failure(code: Code, doubtful: bool) -> Self {
        let body = serde_json::json!({"code": code.number, "msg": code.text}).to_string();
        Response { doubtful: Some(doubtful), ..Response::plain(code.status, JSON, body) }
    }

    /// Every header except `Content-Length` and `Date`, in title case.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
        let id = self.id.as_ref();
        let is_guarded = self.extra.iter().any(|(name, _)| *name == "Content-Security-Policy");
        let page = if self.content_type == pages::HTML && !is_guarded { pages::HEADERS } else { &[] };
        [
            (!self.content_type.is_empty()).then(|| ("Content-Type", Cow::Borrowed(&*self.content_type))),
            id.map(|id| ("X-Tt-Logid", Cow::Borrowed(id.log_id()))),
            id.map(|id| ("X-Request-Id", Cow::Borrowed(id.request_id()))),
            self.retry.map(|(limit, _)| ("X-Ogw-Ratelimit-Limit", Cow::Owned(limit.to_string()))),
            self.retry.map(|(_, seconds)| ("X-Ogw-Ratelimit-Reset", Cow::Owned(seconds.to_string()))),
            self.retry.map(|(_, seconds)| ("Retry-After", Cow::Owned(seconds.to_string()))),
            self.doubtful
                .map(|yes| ("X-Larkspur-Outcome", Cow::Borrowed(if yes { "unknown" } else { "none" }))),
        ]
        .into_iter()
        .flatten()
        .chain(self.allow.iter().map(|methods| ("Allow", Cow::Borrowed(*methods))))
        .chain(self.location.iter().map(|address| ("Location", Cow::Borrowed(address.as_str()))))
        .chain(self.extra.iter().map(|(name, value)| (*name, Cow::Borrowed(&**value))))
        .chain(page.iter().map(|(name, value)| (*name, Cow::Borrowed(*value))))
    }

    /// A header by its name, in any case.
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.headers().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}
