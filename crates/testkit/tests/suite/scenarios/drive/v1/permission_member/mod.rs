//! `drive/v1/permissions/:token/members`.

mod changes;
mod create;
