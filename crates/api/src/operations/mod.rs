//! Every operation, one file each; the path of the file is the path of the API.

use crate::{Entry, entry};

mod auth;

/// Every operation of the product, in the order of the documents.
pub static REGISTRY: &[&[Entry]] = &[auth::ENTRIES];
