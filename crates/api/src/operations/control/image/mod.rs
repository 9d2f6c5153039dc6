//! Images of a world.

use super::support;

pub(super) mod delete;
