//! Images of a world.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) mod delete;
pub(super) mod get;

/// An image of a world.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Path {
    /// The tenant.
    pub(super) tenant_key: String,
    /// The image.
    pub(super) image_key: String,
}
