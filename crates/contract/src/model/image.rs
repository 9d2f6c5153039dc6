//! An image.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

words! {
    /// Permitted use of an image.
    ImageType {
        /// Messages, tab icons, menu icons.
        Message = "message",
        /// Avatars.
        Avatar = "avatar",
    }
}
