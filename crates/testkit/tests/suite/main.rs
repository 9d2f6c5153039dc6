//! One test binary: everything that is tested above the crates' own unit tests.

mod blobs;
mod broken;
mod citus;
mod commands;
mod conformance;
mod copy;
mod deployment;
mod differential;
mod faults;
mod full;
mod invariants;
mod isolation;
mod kill;
mod logs;
mod lost;
mod many_chats;
mod members;
mod members_at_once;
mod nodes;
mod orphans;
mod people_ids;
mod plans;
mod policy;
mod program;
mod proxies;
mod races;
mod random;
mod read_only;
mod reading;
mod receiver;
mod recipes;
mod replaced;
mod roles;
mod round_trips;
mod scenarios;
mod servers;
mod sound;
mod source;
mod stale;
mod statements;
mod tenants;
mod troubles;

/// A PNG of this size, as far as its head goes: what an upload is judged by.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}
