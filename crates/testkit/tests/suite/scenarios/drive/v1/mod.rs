//! `drive/v1`.

mod permission_member;
