//! A document and its permissions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

words! {
    /// Permission on a document.
    DocPermission {
        /// Read.
        View = "view",
        /// Read and write.
        Edit = "edit",
        /// Read, write and share.
        FullAccess = "full_access",
    }
    /// Kind of cloud document.
    DocType {
        /// Legacy document.
        Doc = "doc",
        /// Document.
        Docx = "docx",
        /// Spreadsheet.
        Sheet = "sheet",
        /// Base.
        Bitable = "bitable",
        /// File.
        File = "file",
        /// Wiki node.
        Wiki = "wiki",
        /// Mind note.
        Mindnote = "mindnote",
        /// Slides.
        Slides = "slides",
        /// Minutes.
        Minutes = "minutes",
        /// Folder.
        Folder = "folder",
    }
}
