//! `im/v2`. The search of `im/v2` is with that of `im/v1`.

mod biz_entity_tag_relation;
mod tag;
mod url_preview;
