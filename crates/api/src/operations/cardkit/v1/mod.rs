//! `cardkit/v1`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) mod card;
pub(crate) mod card_element;

/// The entity.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct CardPath {
    /// Its id.
    #[schemars(length(min = 1, max = 20))]
    card_id: String,
}
