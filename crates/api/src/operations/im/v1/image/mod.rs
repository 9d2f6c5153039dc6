//! `im/v1/images`, and what files have in common with images

use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::{ImageType, InstallStatus};
use larkspur_contract::{Behaviour, Code, Fault, codes};
use larkspur_store::{StoreError, Tx, files, images, tenants};

use crate::{Call, Entry, entry, rules};

mod create;
mod get;

pub(crate) static ENTRIES: &[Entry] = &[entry::<create::Create>(), entry::<get::Get>()];

/// Prerequisites of the pages of images and files, which have their own codes for them.
pub(super) fn app_may(call: &Call) -> Result<(), Fault> {
    if call.app.status != InstallStatus::Enabled {
        return Err(Fault::new(codes::IMAGE_UNAUTHORIZED, "the app is not in use in this tenant"));
    }
    if !call.app.bot {
        return Err(Fault::new(codes::IMAGE_BOT_NOT_ENABLED, "the app has no bot; enable its bot ability"));
    }
    Ok(())
}

/// Whether an image may be the icon of a tab or menu item: one of type message that the calling app uploaded.
pub(crate) async fn is_own_icon(tx: &mut Tx, call: &Call, key: &str) -> Result<bool, StoreError> {
    let image = images::get(tx, key).await?;
    Ok(image.is_some_and(|image| {
        image.app_id == call.app_id() && image.image_type == ImageType::Message && !image.deleted
    }))
}

/// Checks that another image or file of this size fits into the tenant's quota. Concurrent uploads are counted one after
/// the other.
pub(super) async fn has_room(tx: &mut Tx, call: &Call, bytes: usize) -> Result<(), Fault> {
    if call.policy.storage_bytes.is_none() {
        return Ok(());
    }
    tenants::lock(tx).await?;
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    rules::policies::storage_fits(&call.policy, used_bytes(tx).await?.saturating_add(bytes))
}

/// Refuses downloads while a tenant exceeds its quota.
pub(super) async fn is_readable(tx: &mut Tx, call: &Call) -> Result<(), Fault> {
    if call.policy.storage_bytes.is_none() {
        return Ok(());
    }
    rules::policies::storage_fits(&call.policy, used_bytes(tx).await?)
}

/// The size of all images and files of the tenant.
async fn used_bytes(tx: &mut Tx) -> Result<i64, StoreError> {
    Ok(images::used_bytes(tx).await?.saturating_add(files::used_bytes(tx).await?))
}

pub(super) const QUOTA: Behaviour = Behaviour {
    name: "storage_quota",
    rule: "A world has no quota unless the control API sets one. An upload that would exceed it is 234042. A download is 234042 while the stored images and files exceed the quota, for example after it was lowered.",
    basis: Assumed,
    switch: false,
};

/// The codes of both pages about a tenant's storage. The first cannot occur here: there are no master keys to delete.
const STORAGE: [Code; 2] = [codes::MASTER_KEY_DELETED, codes::STORAGE_FULL];
