//! `drive`: documents.

pub(crate) mod v1 {
    pub(crate) mod media;
    pub(crate) mod permission_member;
}
