//! The console of a server.

pub(super) mod link;
