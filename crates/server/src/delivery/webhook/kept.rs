//! Connections to receivers that are kept for the next event.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use tokio::task::JoinSet;

/// How long an idle connection is kept. Common servers close one after 5 s.
const KEPT: Duration = Duration::from_secs(4);
/// The most connections that are kept to one receiver.
const EACH: usize = 16;
/// The most connections that are kept in all.
const ALL: usize = 256;

/// A connection. It ends when this is dropped.
pub(super) struct Link {
    /// Sends requests.
    pub(super) sender: SendRequest<Full<Bytes>>,
    _task: JoinSet<()>,
    since: Instant,
}

impl Link {
    /// A new connection; `work` drives it.
    pub(super) fn new(
        sender: SendRequest<Full<Bytes>>,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let mut task = JoinSet::new();
        task.spawn(work);
        Link { sender, _task: task, since: Instant::now() }
    }

    fn is_good(&self) -> bool {
        self.since.elapsed() < KEPT && !self.sender.is_closed()
    }
}

/// The connections that are kept, by scheme, host and port.
#[derive(Default)]
pub(super) struct Kept(Mutex<HashMap<String, Vec<Link>>>);

impl Kept {
    /// The connection to a place that was used last, if one is kept and ready.
    pub(super) fn take(&self, place: &str) -> Option<Link> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let links = kept.get_mut(place)?;
        while let Some(link) = links.pop() {
            if link.is_good() && link.sender.is_ready() {
                return Some(link);
            }
        }
        kept.remove(place);
        None
    }

    /// Keeps a connection, unless there are too many.
    pub(super) fn put(&self, place: &str, mut link: Link) {
        link.since = Instant::now();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, links| {
            links.retain(Link::is_good);
            !links.is_empty()
        });
        if kept.values().map(Vec::len).sum::<usize>() >= ALL {
            return;
        }
        let links = kept.entry(place.to_owned()).or_default();
        if links.len() < EACH {
            links.push(link);
        }
    }
}
