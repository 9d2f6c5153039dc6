//! Events and their delivery to apps.

mod delivery;
mod faults;
mod recipients;
mod upgrade;
