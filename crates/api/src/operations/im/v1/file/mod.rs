//! `im/v1/files`

use super::image;
use crate::{Entry, entry};

mod create;
mod get;

pub(crate) static ENTRIES: &[Entry] = &[entry::<create::Create>(), entry::<get::Get>()];
