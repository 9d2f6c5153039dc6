//! `im/v1/chat_p2p`

use crate::{Entry, entry};

mod batch_query;

pub(crate) static ENTRIES: &[Entry] = &[entry::<batch_query::BatchQuery>()];
