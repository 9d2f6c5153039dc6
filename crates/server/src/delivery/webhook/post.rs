//! One POST to a foreign server, with limits on everything. Connections are reused.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Uri;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use larkspur_api::Step;
use larkspur_contract::events::Form;
use larkspur_contract::ids::AppId;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::Message;
use super::address::is_public;
use super::kept::{Kept, Link};
use super::names::Names;

/// How long a connection may take, encryption included. Source: the pages on receiving events ("2 s").
const CONNECT: Duration = Duration::from_secs(2);
/// How much of an answer is read.
const ANSWER_BYTES: usize = 4 << 10;
/// The same of the answer to a callback, which may contain a card (at most 30 KB, on its page).
const CALLBACK_BYTES: usize = 256 << 10;

/// Posts requests.
pub(super) struct Poster {
    allow_private: bool,
    tls: OnceLock<TlsConnector>,
    kept: Kept,
    names: Names,
}

/// What a post may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// How long the answer may take, once there is a connection.
    pub(super) answer: Duration,
    /// How long everything may take, a second connection included.
    pub(super) whole: Duration,
    /// How many bytes of the answer are read.
    pub(super) bytes: usize,
    /// Whether the request must not arrive twice: a kept connection may break after it has arrived.
    pub(super) once: bool,
}

impl Patience {
    /// How long the posts of a form may take. Source: the pages on receiving events: 3 s, connection included; of a
    /// challenge, 1 s for the answer.
    pub(super) fn of(form: Form) -> Self {
        let answer = Duration::from_millis(form.answer_ms());
        let whole = if form == Form::Challenge { CONNECT + answer } else { answer };
        let once = form == Form::Callback;
        Patience { answer, whole, bytes: if once { CALLBACK_BYTES } else { ANSWER_BYTES }, once }
    }
}

/// An answer.
pub(in crate::delivery) struct Answer {
    /// The HTTP status.
    pub(in crate::delivery) status: u16,
    /// The beginning of the body.
    pub(in crate::delivery) body: Vec<u8>,
    /// Whether that is the whole body.
    pub(in crate::delivery) whole: bool,
}

/// Why there is no answer.
pub(in crate::delivery) struct Failed {
    /// The step that failed.
    pub(in crate::delivery) step: Step,
    /// The reason, in words.
    pub(in crate::delivery) why: String,
}

impl Failed {
    fn at(step: Step, why: impl Into<String>) -> Self {
        Failed { step, why: why.into() }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Poster {
    pub(super) fn new(allow_private: bool) -> Self {
        Poster { allow_private, tls: OnceLock::new(), kept: Kept::default(), names: Names::default() }
    }

    /// Posts JSON for an app.
    ///
    /// # Errors
    /// The step that failed, and why.
    pub(super) async fn post(
        &self,
        app: AppId,
        url: &str,
        message: Message,
        patience: Patience,
    ) -> Result<Answer, Failed> {
        let end = Instant::now() + patience.whole;
        let uri: Uri = url
            .parse()
            .map_err(|error| Failed::at(Step::Resolve, format!("the request URL is invalid: {error}")))?;
        let place = format!("{}://{}", uri.scheme_str().unwrap_or_default(), authority(&uri));
        if let Some(link) = self.kept.take(&place).filter(|_| !patience.once) {
            // The receiver may have closed it meanwhile. Then a new one is used: delivery is at least once.
            match self.over(link, &place, &uri, message.clone(), (patience, end)).await {
                Err(Failed { step: Step::Connect, .. }) => {}
                done => return done,
            }
        }
        let last = (Instant::now() + CONNECT).min(end);
        let link = timeout_at(last, self.connect(app, &uri)).await.unwrap_or_else(|_| {
            let limit = if last < end { CONNECT } else { patience.whole };
            Err(Failed::at(Step::Connect, format!("no connection within {} s", limit.as_secs())))
        })?;
        let done = self.over(link, &place, &uri, message, (patience, end)).await;
        done.map_err(|failed| Failed { step: Step::Answer, ..failed })
    }

    /// Posts over a connection, which is kept if it is still usable. A broken connection is a failure of
    /// [`Step::Connect`]. `end` is when everything must be done.
    async fn over(
        &self,
        mut link: Link,
        place: &str,
        uri: &Uri,
        message: Message,
        (patience, end): (Patience, Instant),
    ) -> Result<Answer, Failed> {
        let last = (Instant::now() + patience.answer).min(end);
        let exchange = timeout_at(last, exchange(&mut link, uri, message, patience.bytes)).await;
        let answer = exchange.unwrap_or_else(|_| {
            Err(Failed::at(Step::Answer, format!("no answer within {} s", patience.answer.as_secs())))
        })?;
        if answer.whole {
            self.kept.put(place, link);
        }
        Ok(answer)
    }

    async fn connect(&self, app: AppId, uri: &Uri) -> Result<Link, Failed> {
        let host = uri.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let encrypted = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let stream = self.open(app, host, port).await?;
        // Without delay for small requests.
        let _ = stream.set_nodelay(true);
        let stream: Box<dyn Stream> =
            if encrypted { Box::new(self.encrypt(host, stream).await?) } else { Box::new(stream) };
        let made = hyper::client::conn::http1::Builder::new()
            .title_case_headers(true)
            .handshake(TokioIo::new(stream))
            .await;
        let (sender, connection) = made.map_err(|error| broken(&error))?;
        Ok(Link::new(sender, async move {
            // The exchange gets the same error.
            let _ = connection.await;
        }))
    }

    async fn encrypt(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Failed> {
        let failed = |why: String| Failed::at(Step::Encrypt, why);
        let connector = once(&self.tls, tls).map_err(failed)?;
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| failed(format!("{host} is not a valid name for a certificate")))?;
        let stream = connector.connect(name, stream).await;
        stream.map_err(|error| failed(format!("encryption failed: {error}")))
    }

    /// Connects to one of the host's addresses. The name is looked up once, so the checked address is the one used.
    async fn open(&self, app: AppId, host: &str, port: u16) -> Result<TcpStream, Failed> {
        let found = self.names.find(app, host, port).await.map_err(|why| Failed::at(Step::Resolve, why))?;
        let (allowed, refused): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|address| self.may_call(address.ip()));
        let mut failure = match refused.first() {
            Some(address) => format!(
                "{} is not a public address: the server calls it only if events.allow_private is on",
                address.ip()
            ),
            None => format!("{host} has no address"),
        };
        let mut step = Step::Resolve;
        for address in allowed {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => {
                    (step, failure) = (Step::Connect, format!("cannot connect to {address}: {error}"));
                }
            }
        }
        Err(Failed::at(step, failure))
    }

    fn may_call(&self, address: IpAddr) -> bool {
        self.allow_private || is_public(address)
    }
}

fn authority(uri: &Uri) -> &str {
    uri.authority().map_or("", |authority| authority.as_str())
}

fn broken(error: &hyper::Error) -> Failed {
    Failed::at(Step::Connect, format!("the connection broke: {error}"))
}

/// The value of a cell, made at the first use. A failure is not kept: it may be mended without a restart.
fn once<T: Clone>(cell: &OnceLock<T>, make: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    match cell.get() {
        Some(value) => Ok(value.clone()),
        None => make().map(|value| cell.get_or_init(|| value).clone()),
    }
}

/// TLS with the CA certificates of this machine, or of SSL_CERT_FILE.
fn tls() -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err("this machine has no CA certificates: install ca-certificates".to_owned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("cannot set up encryption: {error}"))?;
    Ok(TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
}

/// Sends a request and reads the answer.
async fn exchange(link: &mut Link, uri: &Uri, message: Message, bytes: usize) -> Result<Answer, Failed> {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let mut request = hyper::Request::post(target)
        .header("Host", authority(uri))
        .header("Content-Type", "application/json; charset=utf-8")
        .header("User-Agent", concat!("Larkspur/", env!("CARGO_PKG_VERSION")));
    for (name, value) in message.headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::<Bytes>::new(message.body));
    let request = request.map_err(|error| Failed::at(Step::Answer, error.to_string()))?;
    let response = link.sender.send_request(request).await.map_err(|error| broken(&error))?;
    let status = response.status().as_u16();
    let (body, whole) = beginning(response.into_body(), bytes).await;
    Ok(Answer { status, body, whole })
}

/// The beginning of a body, and whether it is complete. A part is enough for its use.
async fn beginning(mut body: Incoming, most: usize) -> (Vec<u8>, bool) {
    let mut read = Vec::new();
    loop {
        match body.frame().await {
            None => return (read, true),
            Some(Err(_)) => return (read, false),
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    read.extend_from_slice(&data[..data.len().min(most - read.len())]);
                }
            }
        }
        if read.len() >= most {
            return (read, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;

    use super::*;

    #[test]
    fn how_long_posts_may_take() {
        let times = |form| {
            let Patience { answer, whole, .. } = Patience::of(form);
            (answer.as_millis(), whole.as_millis())
        };
        assert_eq!(times(Form::V1), (3000, 3000));
        assert_eq!(times(Form::V2), (3000, 3000));
        assert_eq!(times(Form::Callback), (3000, 3000));
        assert_eq!(times(Form::Challenge), (1000, 3000));
    }

    /// Reads a request with the body `{}`.
    async fn read_request(stream: &mut TcpStream) {
        let (mut read, mut part) = (Vec::new(), [0; 1024]);
        while !read.ends_with(b"{}") {
            let length = stream.read(&mut part).await.expect("a request");
            assert_ne!(length, 0, "it ended");
            read.extend_from_slice(&part[..length]);
        }
    }

    /// A receiver that answers once, breaks the kept connection late, and never answers on the next one.
    #[tokio::test]
    async fn a_second_connection_gets_no_time_of_its_own() {
        const LATE: Duration = Duration::from_millis(700);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let mut receiver = JoinSet::new();
        receiver.spawn(async move {
            let (mut kept, _) = listener.accept().await.expect("a connection");
            read_request(&mut kept).await;
            kept.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.expect("sent");
            read_request(&mut kept).await;
            tokio::time::sleep(LATE).await;
            drop(kept);
            let _silent = listener.accept().await.expect("a connection");
            std::future::pending::<()>().await;
        });
        let (poster, second) = (Poster::new(true), Duration::from_secs(1));
        let patience = Patience { answer: second, whole: second, bytes: ANSWER_BYTES, once: false };
        let message = || Message { body: Bytes::from_static(b"{}"), headers: Vec::new() };
        assert_eq!(
            poster.post(AppId(1), &url, message(), patience).await.map(|answer| answer.status).ok(),
            Some(200)
        );
        let began = Instant::now();
        let failed = poster.post(AppId(1), &url, message(), patience).await.err().expect("no answer");
        assert_eq!((failed.step, failed.why.as_str()), (Step::Answer, "no answer within 1 s"));
        let took = began.elapsed();
        assert!(took >= LATE && took < second + LATE / 2, "{took:?}");
    }

    #[test]
    fn missing_certificates_can_be_installed_later() {
        let cell = OnceLock::new();
        assert_eq!(once(&cell, || Err("none".to_owned())), Err("none".to_owned()));
        assert_eq!(once(&cell, || Ok(1)), Ok(1));
        assert_eq!(once(&cell, || Ok(2)), Ok(1), "made once");
    }
}
