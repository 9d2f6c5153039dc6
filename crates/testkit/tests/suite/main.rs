//! What is tested in process, above the crates' own unit tests. What starts the program is in
//! `crates/server/tests/process`.

mod drivers;
mod faults;
mod policy;
mod properties;
mod queries;
mod races;
mod scenarios;
mod source;
