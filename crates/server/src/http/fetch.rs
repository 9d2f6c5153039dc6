//! A single request to a server, for the command line.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A server's answer to [`fetch`].
#[derive(Debug)]
pub struct Fetched {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

/// The contents of a request for [`fetch`].
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
    /// A JSON body, or none.
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
