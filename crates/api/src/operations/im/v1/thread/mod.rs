//! `im/v1/threads`

use crate::{Entry, entry};

mod forward;

pub(crate) static ENTRIES: &[Entry] = &[entry::<forward::Forward>()];
