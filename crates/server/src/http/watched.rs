//! A stream that closes when its answers are not read, and lingers so that they can be.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::connections::Presence;

/// How long closing waits for a client that still sends, and how much it reads meanwhile. Closing a socket with unread
/// bytes resets it, and a reset may destroy the answer before the client has read it.
const LINGER_TIME: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 8 << 20;

/// A stream whose writes fail once the client has read nothing for a while.
pub(crate) struct Watched<S> {
    stream: S,
    presence: Arc<Presence>,
    time: Duration,
    /// Runs while data waits to be read by the client.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Set once the server has finished writing.
    lingering: Option<Lingering>,
    /// Makes the stream end with a reset.
    reset: Option<fn(&S)>,
}

impl<S> Drop for Watched<S> {
    fn drop(&mut self) {
        if let Some(reset) = self.reset
            && self.presence.resets.load(Ordering::Relaxed)
        {
            reset(&self.stream);
        }
    }
}

/// The last bytes of a client, read and discarded.
struct Lingering {
    until: Pin<Box<Sleep>>,
    left: usize,
}

impl Lingering {
    /// Ready when the client has closed, failed, or sent for long enough.
    fn poll<S: AsyncRead + Unpin>(&mut self, stream: &mut S, context: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [0; 16 << 10];
        while self.left > 0 && self.until.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut bytes);
            match ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {
                    self.left = self.left.saturating_sub(buffer.filled().len());
                }
                _ => break,
            }
        }
        Poll::Ready(())
    }
}

impl<S> Watched<S> {
    /// Writes fail when the client reads nothing for `time`.
    pub(crate) fn new(stream: S, presence: Arc<Presence>, time: Duration) -> Self {
        Watched { stream, presence, time, stalled: None, lingering: None, reset: None }
    }

    /// With a way to reset the stream, for connections that end so.
    pub(crate) fn with_reset(mut self, reset: fn(&S)) -> Self {
        self.reset = Some(reset);
        self
    }

    /// Updates the timer after a write.
    fn watch(
        &mut self,
        context: &mut Context<'_>,
        wrote: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if wrote.is_ready() {
            self.stalled = None;
            self.presence.seat.reads();
            return wrote;
        }
        let time = self.time;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(time)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the answer is not read")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.watch(context, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Flushing means that everything has been written.
        self.presence.answers(0);
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
            if !this.presence.lingers.load(Ordering::Relaxed) {
                return Poll::Ready(Ok(()));
            }
        }
        let lingering = this
            .lingering
            .get_or_insert_with(|| Lingering { until: Box::pin(sleep(LINGER_TIME)), left: LINGER_BYTES });
        ready!(lingering.poll(&mut this.stream, context));
        Poll::Ready(Ok(()))
    }
}
