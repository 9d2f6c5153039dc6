//! Wakes whoever waits for work of this process.

use std::fmt;
use std::sync::OnceLock;

/// Rung when something was committed that a worker should look at now.
#[derive(Default)]
pub struct Bell(OnceLock<Box<dyn Fn() + Send + Sync>>);

impl Bell {
    /// Has `hear` called at every ring. The first to ask is served; false for everybody else, who has to look for
    /// work from time to time anyway, since other processes write to the store as well.
    pub fn listen(&self, hear: impl Fn() + Send + Sync + 'static) -> bool {
        self.0.set(Box::new(hear)).is_ok()
    }

    pub(crate) fn ring(&self) {
        if let Some(hear) = self.0.get() {
            hear();
        }
    }
}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bell")
    }
}
