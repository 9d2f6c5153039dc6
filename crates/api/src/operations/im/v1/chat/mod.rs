//! `im/v1/chats`

use larkspur_contract::model::{ImageType, UserIdType};
use larkspur_contract::{Code, Fault};
use larkspur_store::{Tx, images};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::im::v2;
use crate::{Call, Entry, entry, rules};

mod batch_query;
mod changes;
mod create;
mod delete;
mod draft;
pub(crate) mod finding;
mod get;
mod info;
mod invite;
pub(crate) mod items;
mod link;
mod list;
mod peers;
mod search;
mod update;

pub(crate) static ENTRIES: &[Entry] = &[
    entry::<create::Create>(),
    entry::<get::Get>(),
    entry::<update::Update>(),
    entry::<delete::Delete>(),
    entry::<list::List>(),
    entry::<link::Share>(),
    entry::<search::Search>(),
    entry::<v2::chat::search::Search>(),
    entry::<batch_query::BatchQuery>(),
];

/// The form of user ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct IdType {
    /// `open_id` by default.
    user_id_type: Option<UserIdType>,
}

/// An avatar is an image of type avatar that the app uploaded, or one of the platform's own. An empty key is the
/// default avatar.
async fn owns_avatar(tx: &mut Tx, call: &Call, key: &str, code: Code) -> Result<(), Fault> {
    if key.is_empty() || rules::images::is_default_avatar(key) {
        return Ok(());
    }
    let image = images::get(tx, key).await?;
    if image.is_some_and(|image| image.app_id == call.app_id() && image.image_type == ImageType::Avatar) {
        return Ok(());
    }
    Err(Fault::new(code, "the avatar is not an image of type avatar that this app uploaded").with_violation(
        "avatar",
        Some(key),
        "must be an uploaded avatar",
    ))
}
