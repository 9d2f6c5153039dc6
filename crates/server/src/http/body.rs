//! Bodies on the wire: reading those of requests, and writing those of responses.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use larkspur_store::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::body::{Pieces, Producer, Stop};
use crate::connections::{Presence, Seat};
use crate::request::{BodyError, BodySource};
use crate::unpanicked::unpanicked;

/// How much of a refused request's body is read and discarded, so that the client gets to read the refusal.
const DISCARD_BYTES: usize = 32 << 20;
/// The time limit for that.
const DISCARD_TIME: Duration = Duration::from_secs(5);
/// How long a stream may continue after the shutdown has started.
const STREAM_GRACE: Duration = Duration::from_millis(400);

/// A body on the wire.
pub(super) struct Unread<'a> {
    body: Option<Incoming>,
    begun: bool,
    time: Duration,
    seat: &'a Seat,
}

impl<'a> Unread<'a> {
    /// The body of a request, which must arrive within `time`.
    pub(super) fn new(body: Incoming, time: Duration, seat: &'a Seat) -> Self {
        Unread { body: Some(body), begun: false, time, seat }
    }
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
            // There is a second piece: collect all of them in one buffer.
            rest.extend_from_slice(&std::mem::take(&mut first));
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

impl Unread<'_> {
    /// Discards the unread rest, so that the connection can be reused; false if it cannot.
    ///
    /// A client that waits for `100 Continue` does not get it.
    pub(super) async fn settle(&mut self, expects: bool) -> bool {
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

/// The body of a response, in the library's form.
pub(super) enum Outgoing {
    Full(Full<Bytes>),
    Stream(Box<Streamed>),
    /// The first half of a body, and the number of bytes of the whole; then an error, after it has waited once.
    Half(Option<Bytes>, u64, bool),
}

impl Outgoing {
    /// A body of which only the first half is sent.
    pub(super) fn half(whole: &Bytes) -> Self {
        let half = whole.slice(..whole.len() / 2);
        Outgoing::Half(Some(half), u64::try_from(whole.len()).unwrap_or(u64::MAX), false)
    }

    /// The known number of bytes to send; 0 for a stream, of which only little is buffered.
    pub(super) fn len(&self) -> usize {
        usize::try_from(self.size_hint().lower()).unwrap_or(usize::MAX)
    }
}

impl From<Bytes> for Outgoing {
    fn from(bytes: Bytes) -> Self {
        Outgoing::Full(Full::new(bytes))
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Outgoing::Full(full) => {
                let never = |error: Infallible| match error {};
                Pin::new(full).poll_frame(context).map(|frame| frame.map(|frame| frame.map_err(never)))
            }
            Outgoing::Half(half, _, waited) => match half.take() {
                Some(half) => Poll::Ready(Some(Ok(Frame::data(half)))),
                // What was sent so far is written while it waits.
                None if !*waited => {
                    *waited = true;
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                None => {
                    let cut = io::Error::other("cut off, as a rule of the world's faults says");
                    Poll::Ready(Some(Err(cut)))
                }
            },
            Outgoing::Stream(stream) => {
                stream.poll_piece(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Outgoing::Full(full) => full.is_end_stream(),
            Outgoing::Stream(_) | Outgoing::Half(..) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outgoing::Full(full) => full.size_hint(),
            Outgoing::Half(_, whole, _) => SizeHint::with_exact(*whole),
            Outgoing::Stream(_) => SizeHint::default(),
        }
    }
}

/// A stream that is being sent. Its producer runs only while the library asks for more, that is, while it has room.
pub(super) struct Streamed {
    /// Produces the pieces; `None` once it has ended.
    producer: Option<BoxFuture<'static, Result<(), String>>>,
    pieces: mpsc::Receiver<Bytes>,
    /// Ends some time after the shutdown has started.
    deadline: BoxFuture<'static, ()>,
    presence: Arc<Presence>,
}

impl Streamed {
    pub(super) fn new(producer: Producer, presence: Arc<Presence>, mut stop: Stop) -> Self {
        let (sender, pieces) = Pieces::pair(stop.clone());
        let producer = Box::pin(async move { unpanicked(async move { producer(sender).await }).await });
        let deadline = Box::pin(async move {
            stop.stopped().await;
            sleep(STREAM_GRACE).await;
        });
        Streamed { producer: Some(producer), pieces, deadline, presence }
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.deadline.as_mut().poll(context).is_ready() {
            self.producer = None;
            return Poll::Ready(None);
        }
        if let Poll::Ready(produced) =
            self.producer.as_mut().map_or(Poll::Pending, |producer| producer.as_mut().poll(context))
        {
            self.producer = None;
            if let Err(why) = produced {
                tracing::error!(why, "a stream panicked");
                return Poll::Ready(Some(Err(io::Error::other("the stream was cut off"))));
            }
        }
        // While it waits for a piece, the server is working. Then the client has to read it.
        self.presence.seat.servers_turn();
        let piece = ready!(self.pieces.poll_recv(context));
        self.presence.seat.callers_turn();
        Poll::Ready(piece.map(Ok))
    }
}
