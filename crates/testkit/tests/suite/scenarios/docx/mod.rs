//! `docx`: announcements of the docx form.

mod v1;
