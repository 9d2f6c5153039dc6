//! One POST to a foreign server, with limits on everything.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Uri;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::Message;
use super::address::is_public;

/// How long a connection may take, encryption included. Source: the pages on receiving events ("2 s").
const CONNECT: Duration = Duration::from_secs(2);
/// How much of an answer is read.
const ANSWER_BYTES: usize = 4 << 10;

/// Posts requests.
pub(super) struct Poster {
    allow_private: bool,
    tls: OnceLock<Result<TlsConnector, String>>,
}

/// What came back.
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: u16,
    /// The beginning of the body.
    pub(super) body: Vec<u8>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Poster {
    pub(super) fn new(allow_private: bool) -> Self {
        Poster { allow_private, tls: OnceLock::new() }
    }

    /// Posts JSON; `time` is what the answer may take once there is a connection.
    ///
    /// # Errors
    /// Why there is no answer, in words.
    pub(super) async fn post(&self, url: &str, message: Message, time: Duration) -> Result<Answer, String> {
        let uri: Uri = url.parse().map_err(|error| format!("the request address cannot be read: {error}"))?;
        let stream = timeout_at(Instant::now() + CONNECT, self.connect(&uri))
            .await
            .unwrap_or_else(|_| Err(format!("no connection within {} s", CONNECT.as_secs())))?;
        timeout_at(Instant::now() + time, exchange(stream, &uri, message))
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", time.as_secs())))
    }

    async fn connect(&self, uri: &Uri) -> Result<Box<dyn Stream>, String> {
        let host = uri.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let encrypted = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let stream = self.open(host, port).await?;
        // One request, sent at once.
        let _ = stream.set_nodelay(true);
        if !encrypted {
            return Ok(Box::new(stream));
        }
        let connector = self.tls.get_or_init(tls).clone()?;
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| format!("{host} is no name that a certificate can have"))?;
        let stream = connector.connect(name, stream).await;
        Ok(Box::new(stream.map_err(|error| format!("no encrypted connection: {error}"))?))
    }

    /// Connects to one of the host's addresses. What is connected to is what was checked: a name is looked up once.
    async fn open(&self, host: &str, port: u16) -> Result<TcpStream, String> {
        let found = lookup_host((host, port)).await;
        let found: Vec<SocketAddr> =
            found.map_err(|error| format!("{host} is not found: {error}"))?.collect();
        let (allowed, refused): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|address| self.may_call(address.ip()));
        let mut failure = match refused.first() {
            Some(address) => format!(
                "{} is not a public address: this server calls such only if events.allow_private is on",
                address.ip()
            ),
            None => format!("{host} has no address"),
        };
        for address in allowed {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = format!("cannot connect to {address}: {error}"),
            }
        }
        Err(failure)
    }

    fn may_call(&self, address: IpAddr) -> bool {
        self.allow_private || is_public(address)
    }
}

/// Encryption with the roots of trust of this machine (or those that SSL_CERT_FILE names).
fn tls() -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err("this machine has no certificates of authorities: install ca-certificates".to_owned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("encryption cannot be set up: {error}"))?;
    Ok(TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
}

async fn exchange(stream: Box<dyn Stream>, uri: &Uri, message: Message) -> Result<Answer, String> {
    let failed = |error: hyper::Error| format!("the connection broke: {error}");
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .title_case_headers(true)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    // Ends with this exchange, however that ends.
    let mut task = tokio::task::JoinSet::new();
    task.spawn(async move {
        // What is wrong with the connection, the exchange hears as well.
        let _ = connection.await;
    });
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let mut request = hyper::Request::post(target)
        .header("Host", authority)
        .header("Content-Type", "application/json; charset=utf-8")
        .header("User-Agent", concat!("Larkspur/", env!("CARGO_PKG_VERSION")))
        .header("Connection", "close");
    for (name, value) in message.headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::<Bytes>::new(message.body)).map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(failed)?;
    let status = response.status().as_u16();
    Ok(Answer { status, body: beginning(response.into_body()).await })
}

/// The beginning of a body; what is broken off is enough for what it is read for.
async fn beginning(mut body: Incoming) -> Vec<u8> {
    let mut read = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        if let Some(data) = frame.data_ref() {
            read.extend_from_slice(&data[..data.len().min(ANSWER_BYTES - read.len())]);
        }
        if read.len() >= ANSWER_BYTES {
            break;
        }
    }
    read
}
