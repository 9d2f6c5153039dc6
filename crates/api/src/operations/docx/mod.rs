//! `docx`: announcements of the docx form.

pub(crate) mod v1;
