//! Events: their way to an app.

mod delivery;
mod faults;
mod recipients;
mod upgrade;
