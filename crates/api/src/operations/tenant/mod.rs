//! `tenant/v2`

use super::{Entry, entry};

mod query;

pub(super) static ENTRIES: &[Entry] = &[entry::<query::Get>()];
