//! `bot/v3`

use super::{Entry, entry};

mod info;

pub(super) static ENTRIES: &[Entry] = &[entry::<info::Info>()];
