//! Every operation, one file each. The path of the file is the id: `im.v1.chat_tab.create` is
//! `im/v1/chat_tab/create.rs`.

use crate::Entry;

pub use docx::v1::announce;

mod application;
mod auth;
mod authen;
mod bot;
mod cardkit;
mod contact;
mod docx;
mod drive;
mod ephemeral;
mod event;
mod im;
mod interactive;
mod message;
mod oauth;
mod tenant;

/// Every operation of the platform, in the order of the documents.
pub static PLATFORM: &[&[Entry]] = &[
    im::v2::tag::ENTRIES,
    im::v2::biz_entity_tag_relation::ENTRIES,
    im::v1::chat_tab::ENTRIES,
    im::v1::chat::ENTRIES,
    im::v1::chat_p2p::ENTRIES,
    im::v1::chat_user_setting::ENTRIES,
    im::v1::chat_nickname::ENTRIES,
    im::v1::chat_members::ENTRIES,
    im::v1::chat_managers::ENTRIES,
    im::v1::chat_menu_tree::ENTRIES,
    im::v1::chat_announcement::ENTRIES,
    im::v1::chat_moderation::ENTRIES,
    im::v1::chat_top_notice::ENTRIES,
    im::v1::image::ENTRIES,
    docx::v1::chat_announcement::ENTRIES,
    docx::v1::chat_announcement_block::ENTRIES,
    docx::v1::chat_announcement_block_children::ENTRIES,
    im::v1::file::ENTRIES,
    im::v1::message::ENTRIES,
    im::v1::thread::ENTRIES,
    message::ENTRIES,
    im::v1::batch_message::ENTRIES,
    im::v2::url_preview::ENTRIES,
    im::v1::message_reaction::ENTRIES,
    im::v1::pin::ENTRIES,
    cardkit::v1::card::ENTRIES,
    cardkit::v1::card_element::ENTRIES,
    im::v1::message_resource::ENTRIES,
    interactive::ENTRIES,
    ephemeral::ENTRIES,
    drive::v1::media::ENTRIES,
    drive::v1::permission_member::ENTRIES,
    auth::v3::ENTRIES,
    authen::ENTRIES,
    oauth::ENTRIES,
    bot::ENTRIES,
    contact::v3::user::ENTRIES,
    contact::v3::scope::ENTRIES,
    application::v6::application::ENTRIES,
    application::v6::scope::ENTRIES,
    application::v7::application_config::ENTRIES,
    event::ENTRIES,
    tenant::ENTRIES,
];
