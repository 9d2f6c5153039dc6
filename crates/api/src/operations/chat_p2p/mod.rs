//! `im/v1/chat_p2p`

use super::{Entry, entry};

mod batch_query;

pub(super) static ENTRIES: &[Entry] = &[entry::<batch_query::BatchQuery>()];
