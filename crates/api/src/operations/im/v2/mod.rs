//! `im/v2`

pub(crate) mod biz_entity_tag_relation;
pub(crate) mod chat;
pub(crate) mod tag;
pub(crate) mod url_preview;
