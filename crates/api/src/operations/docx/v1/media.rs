//! Uploaded pictures and files.

use std::collections::HashMap;

use larkspur_contract::Fault;
use larkspur_store::{Tx, docx_media, images};

use crate::rules::docx::{Picture, Pictures, Request, media};

/// The uploads that edits name, and that were made for their block. Keys of images fit every block, and each is read once.
pub(super) async fn find(tx: &mut Tx, requests: &[Request]) -> Result<Pictures, Fault> {
    let (mut found, mut images) = (Pictures::new(), HashMap::new());
    for request in requests {
        let (Some(token), Some(block_id)) = (request.token(), &request.block_id) else { continue };
        let picture = match docx_media::get(tx, token).await? {
            Some(upload) if *block_id == upload.block_id => {
                let size = Some(upload.pixels).filter(|(width, height)| *width > 0 && *height > 0);
                Some(Picture { name: upload.name, size })
            }
            Some(_) => None,
            None => {
                if !images.contains_key(token) {
                    images.insert(token, image(tx, token).await?);
                }
                images.get(token).cloned().flatten()
            }
        };
        if let Some(picture) = picture {
            found.insert((block_id.clone(), token.to_owned()), picture);
        }
    }
    Ok(found)
}

/// The most bytes of a picture that are read for its size: it is at the beginning.
const HEAD: usize = 256 * 1024;

async fn image(tx: &mut Tx, key: &str) -> Result<Option<Picture>, Fault> {
    if images::get(tx, key).await?.is_none_or(|image| image.deleted) {
        return Ok(None);
    }
    // The size of a picture that is kept as a file is not read: no file is read in a transaction.
    let size = images::head(tx, key, HEAD).await?.and_then(|bytes| media::pixels(&bytes));
    Ok(Some(Picture { name: key.to_owned(), size }))
}
