//! Every operation, one file each; the path of the file is the path of the API.

use larkspur_contract::model::ImageType;
use larkspur_store::{StoreError, Tx, images};

use crate::{Call, Entry, entry};

mod app_scope;
mod application;
mod auth;
mod authen;
mod bot;
mod chat;
mod chat_announcement;
mod chat_managers;
mod chat_members;
mod chat_menu;
mod chat_moderation;
mod chat_nickname;
mod chat_p2p;
mod chat_tab;
mod chat_top_notice;
mod chat_user_setting;
mod contact_scope;
mod drive;
mod event;
mod image;
mod oauth;
mod tag;
mod tag_relation;
mod tenant;
mod user;

/// Every operation of the platform, in the order of the documents.
pub static PLATFORM: &[&[Entry]] = &[
    tag::ENTRIES,
    tag_relation::ENTRIES,
    chat_tab::ENTRIES,
    chat::ENTRIES,
    chat_p2p::ENTRIES,
    chat_user_setting::ENTRIES,
    chat_nickname::ENTRIES,
    chat_members::ENTRIES,
    chat_managers::ENTRIES,
    chat_menu::ENTRIES,
    chat_announcement::ENTRIES,
    chat_moderation::ENTRIES,
    chat_top_notice::ENTRIES,
    image::ENTRIES,
    drive::ENTRIES,
    auth::ENTRIES,
    authen::ENTRIES,
    oauth::ENTRIES,
    bot::ENTRIES,
    user::ENTRIES,
    contact_scope::ENTRIES,
    application::ENTRIES,
    app_scope::ENTRIES,
    event::ENTRIES,
    tenant::ENTRIES,
];

/// The address of an avatar; without a key, of the default one.
fn avatar_url(key: &str) -> String {
    avatar_sized(key, "72x72")
}

/// As [`avatar_url`], in a size such as `240x240`; `noop` is the picture as it was uploaded.
fn avatar_sized(key: &str, size: &str) -> String {
    let key = if key.is_empty() { "default-avatar_44ae0ca3-e140-494b-956f-78091e348435" } else { key };
    format!(
        "https://s1-imfile.feishucdn.com/static-resource/v1/{key}~?image_size={size}&cut_type=&quality=&format=image&sticker_format=.webp"
    )
}

/// Whether an image may be the icon of a tab or a menu: one of type message that the calling app uploaded.
async fn is_own_icon(tx: &mut Tx, call: &Call, key: &str) -> Result<bool, StoreError> {
    let image = images::get(tx, key).await?;
    Ok(image.is_some_and(|image| {
        image.app_id == call.app_id() && image.image_type == ImageType::Message && !image.deleted
    }))
}
