//! Uploaded pictures and files.

use larkspur_contract::Fault;
use larkspur_store::Tx;
use larkspur_store::blobs::Content;
use larkspur_store::images;

use crate::rules::docx::{Picture, Pictures, Request};

/// The uploads that edits name and that exist.
pub(super) async fn find(tx: &mut Tx, requests: &[Request]) -> Result<Pictures, Fault> {
    let mut found = Pictures::new();
    for token in requests.iter().filter_map(Request::token) {
        if found.contains_key(token) || images::get(tx, token).await?.is_none_or(|image| image.deleted) {
            continue;
        }
        // The size of a picture that is kept as a file is not read: no file is read in a transaction.
        let size = match images::content(tx, token).await? {
            Some(Content::Row(bytes)) => imagesize::blob_size(&bytes).ok(),
            Some(Content::Kept(_)) | None => None,
        };
        let pixels = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let size = size.map(|size| (pixels(size.width), pixels(size.height)));
        found.insert(token.to_owned(), Picture { name: token.to_owned(), size });
    }
    Ok(found)
}
