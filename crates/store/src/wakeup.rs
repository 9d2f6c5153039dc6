//! Wakes the worker of this process when it has work.

use std::fmt;
use std::sync::OnceLock;

/// Notifies a worker after a commit with work for it.
#[derive(Default)]
pub struct Wakeup(OnceLock<Box<dyn Fn() + Send + Sync>>);

impl Wakeup {
    /// Calls `wake` after every commit with work. Only the first caller is served; any other gets false, and has to poll for
    /// work from time to time, as all workers do, since other processes write to the store as well.
    pub fn listen(&self, wake: impl Fn() + Send + Sync + 'static) -> bool {
        self.0.set(Box::new(wake)).is_ok()
    }

    pub(crate) fn wake(&self) {
        if let Some(wake) = self.0.get() {
            wake();
        }
    }
}

impl fmt::Debug for Wakeup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wakeup")
    }
}
