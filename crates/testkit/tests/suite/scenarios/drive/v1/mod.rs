//! `drive/v1`.

mod media;
mod permission_member;
