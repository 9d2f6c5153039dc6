//! An uploaded file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

words! {
    /// What a file is uploaded as. It decides which type of message the file can be sent in.
    FileType {
        /// Audio, for messages of type audio.
        Opus = "opus",
        /// Video, for messages of type media.
        Mp4 = "mp4",
        /// A PDF document.
        Pdf = "pdf",
        /// A text document.
        Doc = "doc",
        /// A sheet.
        Xls = "xls",
        /// Slides.
        Ppt = "ppt",
        /// Any other file.
        Stream = "stream",
    }
}
