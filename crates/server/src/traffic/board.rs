//! Who watches which world of this process, besides its calls.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use larkspur_contract::ids::TenantKey;
use larkspur_store::Notice;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::broadcast::{Receiver, Sender, channel};

/// How many notices a stream may be behind. Beyond, it is told that it lost some.
const BEHIND: usize = 1024;

/// The watched worlds. Notices of other worlds are dropped.
#[derive(Default)]
pub(super) struct Board(RwLock<HashMap<TenantKey, Sender<Notice>>>);

impl Board {
    /// Passes a notice to those who watch a world. It never waits for them.
    pub(super) fn tell(&self, world: TenantKey, notice: Notice) {
        if let Some(watched) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&world) {
            // Without a receiver, nothing is to be told.
            let _ = watched.send(notice);
        }
    }

    /// Watches a world from now on.
    pub(super) fn watch(self: &Arc<Self>, world: TenantKey) -> Watched {
        let mut worlds = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let sender = worlds.entry(world).or_insert_with(|| channel(BEHIND).0);
        Watched { notices: Some(sender.subscribe()), world, board: self.clone() }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A world that is watched until this is dropped.
pub(super) struct Watched {
    /// `None` while it is dropped.
    notices: Option<Receiver<Notice>>,
    world: TenantKey,
    board: Arc<Board>,
}

impl Watched {
    /// The next notice.
    pub(super) async fn next(&mut self) -> Result<Notice, RecvError> {
        match &mut self.notices {
            Some(notices) => notices.recv().await,
            None => Err(RecvError::Closed),
        }
    }

    /// The next notice, if there is one already.
    pub(super) fn at_hand(&mut self) -> Result<Notice, TryRecvError> {
        self.notices.as_mut().map_or(Err(TryRecvError::Closed), Receiver::try_recv)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut worlds = self.board.0.write().unwrap_or_else(PoisonError::into_inner);
        // Under the lock, so that of two that end at once the second one sees that it is the last.
        self.notices = None;
        if worlds.get(&self.world).is_some_and(|watched| watched.receiver_count() == 0) {
            worlds.remove(&self.world);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_is_watched_until_its_last_stream_ends() {
        let board: Arc<Board> = Arc::default();
        board.tell(TenantKey(1), Notice::Clock);
        let (mut one, other) = (board.watch(TenantKey(1)), board.watch(TenantKey(1)));
        board.tell(TenantKey(1), Notice::Faults);
        board.tell(TenantKey(2), Notice::Clock);
        assert_eq!(one.at_hand(), Ok(Notice::Faults));
        assert!(one.at_hand().is_err());
        drop(one);
        assert_eq!(board.len(), 1);
        drop(other);
        assert_eq!(board.len(), 0);
    }
}
