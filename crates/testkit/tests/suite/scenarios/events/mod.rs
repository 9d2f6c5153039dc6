//! Events and their delivery to apps.

mod delivery;
mod faults;
mod long_connections;
mod recipients;
mod upgrade;
