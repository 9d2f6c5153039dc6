//! The registry: every operation of the product, of the platform and of the control API.

use larkspur_api::{Entry, PLATFORM};

/// Every operation, in the order of the documents: the platform's by resource, then the control API's.
pub static REGISTRY: &[&[Entry]] = &joined();

const fn joined() -> [&'static [Entry]; PLATFORM.len() + 1] {
    // The last one stays.
    let mut all = [larkspur_control::ENTRIES; PLATFORM.len() + 1];
    let mut at = 0;
    while at < PLATFORM.len() {
        all[at] = PLATFORM[at];
        at += 1;
    }
    all
}
