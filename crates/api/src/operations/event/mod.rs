//! `event`

use crate::{Entry, entry};

mod v1 {
    pub(crate) mod connection {
        pub(crate) mod get;
    }
    pub(crate) mod outbound_ip {
        pub(crate) mod list;
    }
}

pub(crate) static ENTRIES: &[Entry] =
    &[entry::<v1::connection::get::Connection>(), entry::<v1::outbound_ip::list::OutboundIp>()];
