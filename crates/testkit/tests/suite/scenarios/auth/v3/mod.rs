//! `auth/v3`.

mod isv_tokens;
mod tokens;
