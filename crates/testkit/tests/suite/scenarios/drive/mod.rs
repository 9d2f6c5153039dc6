//! Permissions on documents.

mod v1;
