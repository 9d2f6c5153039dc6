//! Every operation, one file each; its path is its id: `im.v1.chat_tab.create` is `im/v1/chat_tab/create.rs`.

use larkspur_contract::model::ImageType;
use larkspur_store::{StoreError, Tx, images};

use crate::{Call, Entry, entry};

mod application;
mod auth;
mod authen;
mod bot;
mod contact;
mod control;
mod drive;
mod event;
mod im;
mod oauth;
mod tenant;

pub use control::demo::{DemoUser, DemoWorld, build as demo_world};

/// Every operation of the product, in the order of the documents.
pub static REGISTRY: &[&[Entry]] = &[
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
    drive::v1::permission_member::ENTRIES,
    auth::v3::ENTRIES,
    authen::ENTRIES,
    oauth::ENTRIES,
    bot::ENTRIES,
    contact::v3::user::ENTRIES,
    contact::v3::scope::ENTRIES,
    application::v6::application::ENTRIES,
    application::v6::scope::ENTRIES,
    event::ENTRIES,
    tenant::ENTRIES,
    control::ENTRIES,
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
