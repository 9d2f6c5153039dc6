//! `event/v1`

use super::{Entry, entry};

mod connection;
mod outbound_ip;

pub(super) static ENTRIES: &[Entry] =
    &[entry::<connection::Connection>(), entry::<outbound_ip::OutboundIp>()];
