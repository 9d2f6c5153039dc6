//! The body of a response: bytes, a stream, or a connection that leaves HTTP.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;

use bytes::Bytes;
use larkspur_store::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};

/// The body of a response.
pub enum Body {
    /// All of it, in memory.
    Full(Bytes),
    /// Pieces that are produced while the client reads them.
    Stream(Producer),
    /// None: the connection stops speaking HTTP and is handed over.
    Upgrade(Upgrade),
    /// Less than all of it: the connection ends.
    Broken(Broken),
}

/// A body that is not sent as a whole, because a test wants it so.
#[derive(Debug)]
pub struct Broken {
    /// The whole body, of which the first half is sent; `None` if not even the head is.
    pub whole: Option<Bytes>,
    /// Whether the connection is reset.
    pub reset: bool,
}

/// Produces the pieces of a stream.
pub type Producer = Box<dyn FnOnce(Pieces) -> BoxFuture<'static, ()> + Send>;
/// Serves a connection that was upgraded.
pub type Handler = Box<dyn FnOnce(Upgraded) -> BoxFuture<'static, ()> + Send>;

impl Body {
    /// A body whose pieces a future sends. The future runs only while the client reads what was sent, and is dropped
    /// when the client disconnects. The body ends with the future. If the future panics, the body is cut off and looks
    /// incomplete.
    ///
    /// At shutdown [`Pieces::stopping`] returns, and 400 ms later the body ends.
    pub fn stream<F: Future<Output = ()> + Send + 'static>(
        produce: impl FnOnce(Pieces) -> F + Send + 'static,
    ) -> Self {
        Body::Stream(Box::new(move |pieces| Box::pin(produce(pieces))))
    }

    /// The bytes of a full body; empty for the other kinds.
    pub fn bytes(&self) -> &Bytes {
        static EMPTY: OnceLock<Bytes> = OnceLock::new();
        match self {
            Body::Full(bytes) => bytes,
            Body::Stream(_) | Body::Upgrade(_) | Body::Broken(_) => EMPTY.get_or_init(Bytes::new),
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Body::Full(Bytes::new())
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Body::Full(bytes.into())
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::Full(bytes) => f.debug_tuple("Full").field(bytes).finish(),
            Body::Stream(_) => f.write_str("Stream"),
            Body::Broken(broken) => broken.fmt(f),
            Body::Upgrade(upgrade) => f.debug_tuple("Upgrade").field(&upgrade.protocol).finish(),
        }
    }
}

/// The shutdown of the server, for work that outlives a request.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Signaled by the sender when its value is true.
    pub(crate) fn of(receiver: watch::Receiver<bool>) -> Self {
        Stop(receiver)
    }

    /// Waits for the shutdown; returns at once if it has started.
    pub async fn stopped(&mut self) {
        // An error means that the sender is gone, and the server with it.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

/// The sending end of a stream.
#[derive(Debug)]
pub struct Pieces {
    sender: mpsc::Sender<Bytes>,
    stop: Stop,
}

impl Pieces {
    /// Both ends: at most one piece waits between them.
    pub(crate) fn pair(stop: Stop) -> (Self, mpsc::Receiver<Bytes>) {
        let (sender, receiver) = mpsc::channel(1);
        (Pieces { sender, stop }, receiver)
    }

    /// Sends a piece, and waits until the client has read enough of the earlier ones.
    pub async fn send(&mut self, piece: impl Into<Bytes>) {
        let piece = piece.into();
        // An empty chunk would end the body. Without a receiver, this future is about to be dropped.
        if !piece.is_empty() {
            let _ = self.sender.send(piece).await;
        }
    }

    /// Waits for the shutdown of the server: a few last pieces can still be sent.
    pub async fn stopping(&mut self) {
        self.stop.stopped().await;
    }
}

/// A stream that is read in this process, without a connection.
pub struct Reading {
    producer: Option<BoxFuture<'static, ()>>,
    pieces: mpsc::Receiver<Bytes>,
    /// The server does not stop while it is read.
    _stop: watch::Sender<bool>,
}

impl Reading {
    /// Of a body that is a stream.
    pub fn of(body: Body) -> Option<Self> {
        let Body::Stream(produce) = body else { return None };
        let (_stop, stop) = watch::channel(false);
        let (sender, pieces) = Pieces::pair(Stop::of(stop));
        Some(Reading { producer: Some(produce(sender)), pieces, _stop })
    }

    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            let Some(producer) = &mut self.producer else { return self.pieces.recv().await };
            tokio::select! {
                biased;
                piece = self.pieces.recv() => return piece,
                () = producer => self.producer = None,
            }
        }
    }
}

/// How a connection continues after HTTP.
pub struct Upgrade {
    /// The protocol that the response names in `Upgrade`, such as `websocket`.
    pub protocol: &'static str,
    /// Serves the connection. It must limit how many there are: an upgraded connection does not count as an HTTP
    /// connection.
    pub handler: Handler,
}

impl Upgrade {
    /// An upgrade to a connection that a future serves. The connection is closed when the future ends.
    ///
    /// At shutdown [`Upgraded::stop`] is signaled; 800 ms later the future is dropped.
    pub fn new<F: Future<Output = ()> + Send + 'static>(
        protocol: &'static str,
        serve: impl FnOnce(Upgraded) -> F + Send + 'static,
    ) -> Self {
        Upgrade { protocol, handler: Box::new(move |upgraded| Box::pin(serve(upgraded))) }
    }
}

/// A connection that has left HTTP.
pub struct Upgraded {
    /// The bytes in both directions. A write fails if the client reads nothing for as long as an HTTP answer may wait.
    pub io: Pin<Box<dyn Duplex>>,
    /// The shutdown of the server.
    pub stop: Stop,
}

/// Bytes in both directions.
pub trait Duplex: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}
