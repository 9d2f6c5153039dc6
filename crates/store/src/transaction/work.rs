//! What a transaction did, for those who record calls.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use larkspur_contract::ids::AppId;
use larkspur_contract::{EventType, Scope};

use super::driver::StoreError;

/// What a transaction did.
#[derive(Debug, Clone, Default)]
pub struct Work {
    /// The events that it wrote, and the callbacks that were sent for it.
    pub events: Vec<Emitted>,
    /// The events that need a scope: those that it wrote, and those that apps were not told for want of one.
    pub scoped: Vec<Scoped>,
    /// The number of its statements.
    pub statements: u32,
    /// What the `uuid` of its call meant, if it had one.
    pub uuid: Option<Uuid>,
}

/// An event that was written.
#[derive(Debug, Clone, Copy)]
pub struct Emitted {
    /// Its type.
    pub kind: &'static EventType,
    /// The app that is told.
    pub app_id: AppId,
    /// The number of its delivery; 0 for a callback.
    pub number: i64,
}

/// An event for an app that needs a scope to receive it.
#[derive(Debug, Clone, Copy)]
pub struct Scoped {
    /// Its type.
    pub kind: &'static EventType,
    /// The app.
    pub app_id: AppId,
    /// The scopes, any of which lets this event through. They may be fewer than those of its type.
    pub any_of: &'static [Scope],
    /// Whether the app has one, and is told.
    pub told: bool,
}

/// What the `uuid` of a call meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uuid {
    /// No earlier call had it: the call was done.
    New,
    /// An earlier call had it, and its answer was repeated.
    Recalled,
}

impl Uuid {
    /// Its name in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Uuid::New => "new",
            Uuid::Recalled => "recalled",
        }
    }
}

/// State shared by all handles on a transaction.
#[derive(Default)]
pub(crate) struct Shared {
    /// The first failure of a statement.
    pub(crate) failed: OnceLock<StoreError>,
    statements: AtomicU32,
    written: Mutex<Written>,
    /// Whether no app is told of what happens.
    pub(crate) silent: AtomicBool,
    /// Whether the transaction is undone at its end, although it succeeds.
    pub(crate) discarded: AtomicBool,
}

#[derive(Default, Clone)]
struct Written {
    events: Vec<Emitted>,
    scoped: Vec<Scoped>,
    uuid: Option<Uuid>,
}

impl Shared {
    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a statement.
    pub(crate) fn counted(&self) {
        self.statements.fetch_add(1, Ordering::Relaxed);
    }

    /// Records an event.
    pub(crate) fn emitted(&self, event: Emitted) {
        self.written().events.push(event);
    }

    /// Records which scopes an event needed.
    pub(crate) fn scoped(&self, event: Scoped) {
        self.written().scoped.push(event);
    }

    /// Records what the `uuid` of the call meant.
    pub(crate) fn named(&self, uuid: Uuid) {
        self.written().uuid = Some(uuid);
    }

    /// What was done until now.
    pub(crate) fn work(&self) -> Work {
        let Written { events, scoped, uuid } = self.written().clone();
        Work { events, scoped, statements: self.statements.load(Ordering::Relaxed), uuid }
    }
}
