//! `contact/v3`.

mod user;
