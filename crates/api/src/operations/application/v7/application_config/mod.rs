//! `application/v7/applications/:app_id/config`

use crate::{Entry, entry};

mod parts;
mod patch;

pub(crate) use parts::{known_callbacks, known_events};

pub(crate) static ENTRIES: &[Entry] = &[entry::<patch::Patch>()];
