//! Types of the rate limits: the key of a count, and a full window.

pub use larkspur_contract::rates::RateLimits;

/// A full window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    /// Calls allowed in it.
    pub cap: u32,
    /// Whole seconds until it opens again, at least 1.
    pub seconds: u32,
}

/// The key of a count.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// The operation's index among the routes.
    pub operation: usize,
    /// The app.
    pub app: u64,
    /// The tenant.
    pub tenant: u64,
}
