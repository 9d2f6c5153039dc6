//! `message`

use crate::{Entry, entry};

mod v4 {
    pub(super) mod batch_send;
}

pub(crate) static ENTRIES: &[Entry] = &[entry::<v4::batch_send::BatchSend>()];
