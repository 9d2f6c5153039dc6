//! Files of a world.

pub(super) mod delete;
