//! `contact/v3/users`, and the contact range.

mod by_id;
mod fields;
mod lists;
