//! The console, as the control API knows it. The server serves it and implements [`Links`].

use larkspur_contract::Fault;
use schemars::JsonSchema;
use serde::Serialize;

/// What the process offers for its console.
pub trait Links: Send + Sync {
    /// Makes a link that signs a browser in; `now` is the real time.
    ///
    /// # Errors
    /// 5275414: no console is served, or not with links.
    fn link(&self, now: i64) -> Result<Link, Fault>;
}

// It contains a secret, so it has no `Debug`.
/// A link that signs a browser in.
#[derive(Serialize, JsonSchema)]
pub struct Link {
    /// Its URL. It works once.
    pub url: String,
    /// When it ends, in milliseconds since 1970, in real time.
    pub expires_at_ms: i64,
}
