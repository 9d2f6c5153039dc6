//! What changes in worlds, for those who watch them in this process.

use std::fmt;
use std::sync::OnceLock;

use larkspur_contract::ids::{ChatId, TenantKey};

/// Something that changed, and was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The delivery with this number: it is new, or its state changed.
    Delivery(i64),
    /// Many deliveries.
    Deliveries,
    /// A message.
    Message {
        /// The number of the message.
        number: i64,
        /// Its chat, where it is known.
        chat: Option<ChatId>,
        /// What was done with it.
        change: Change,
    },
    /// The fault rules.
    Faults,
    /// How often a fault rule was used.
    FaultHits,
    /// The clock.
    Clock,
}

/// What was done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It was sent.
    Sent,
    /// Its content was changed.
    Changed,
    /// It was recalled, or deleted for the one who saw it.
    Recalled,
    /// A reaction was added or removed.
    Reacted,
    /// It was pinned or unpinned.
    Pinned,
    /// A person read it.
    Read,
}

type Listener = Box<dyn Fn(TenantKey, Notice) + Send + Sync>;

/// Tells a listener of this process what changed. It does not hear of what other processes on the store do.
#[derive(Default)]
pub struct Notices(OnceLock<Listener>);

impl Notices {
    /// Calls `hear` after every commit, for each change. It must not wait. Only the first caller is served; any other gets
    /// false.
    pub fn listen(&self, hear: impl Fn(TenantKey, Notice) + Send + Sync + 'static) -> bool {
        self.0.set(Box::new(hear)).is_ok()
    }

    /// Tells the listener.
    pub(crate) fn tell(&self, tenant: TenantKey, notice: Notice) {
        if let Some(hear) = self.0.get() {
            hear(tenant, notice);
        }
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notices")
    }
}
