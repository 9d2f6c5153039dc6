//! `im/v1/messages/:message_id/resources`

use super::image;
use crate::{Entry, entry};

mod get;

pub(crate) static ENTRIES: &[Entry] = &[entry::<get::Get>()];
