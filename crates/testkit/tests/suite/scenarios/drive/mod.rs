//! Who may do what with documents.

mod v1;
