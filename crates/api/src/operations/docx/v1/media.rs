//! Uploaded pictures and files.

use larkspur_contract::Fault;
use larkspur_store::blobs::Content;
use larkspur_store::{Tx, docx_media, images};

use crate::rules::docx::{Picture, Pictures, Request, media};

/// The uploads that edits name, and that were made for their block. Keys of images fit every block.
pub(super) async fn find(tx: &mut Tx, requests: &[Request]) -> Result<Pictures, Fault> {
    let mut found = Pictures::new();
    for request in requests {
        let Some(token) = request.token() else { continue };
        let picture = match docx_media::get(tx, token).await? {
            Some(upload) if request.block_id.as_ref() == Some(&upload.block_id) => {
                let size = Some(upload.pixels).filter(|(width, height)| *width > 0 && *height > 0);
                Some(Picture { name: upload.name, size })
            }
            Some(_) => None,
            None => image(tx, token).await?,
        };
        if let Some(picture) = picture {
            found.insert(token.to_owned(), picture);
        }
    }
    Ok(found)
}

async fn image(tx: &mut Tx, key: &str) -> Result<Option<Picture>, Fault> {
    if images::get(tx, key).await?.is_none_or(|image| image.deleted) {
        return Ok(None);
    }
    // The size of a picture that is kept as a file is not read: no file is read in a transaction.
    let size = match images::content(tx, key).await? {
        Some(Content::Row(bytes)) => media::pixels(&bytes),
        Some(Content::Kept(_)) | None => None,
    };
    Ok(Some(Picture { name: key.to_owned(), size }))
}
