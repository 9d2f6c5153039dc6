//! `im/v2/url_previews`

use crate::{Entry, entry};

mod batch_update;

pub(crate) static ENTRIES: &[Entry] = &[entry::<batch_update::BatchUpdate>()];
