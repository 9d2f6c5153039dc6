//! An image.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

words! {
    /// What an image may be used for.
    ImageType {
        /// Messages, tab icons, menu icons.
        Message = "message",
        /// Avatars.
        Avatar = "avatar",
    }
}
