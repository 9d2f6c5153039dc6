//! `drive/v1/medias`: uploads for blocks of announcements

use crate::{Entry, entry};

mod upload_all;

pub(crate) static ENTRIES: &[Entry] = &[entry::<upload_all::UploadAll>()];
