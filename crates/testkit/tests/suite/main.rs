//! Tests in process, above the crates' own unit tests. Tests that start the program are in
//! `crates/server/tests/process`.

#![recursion_limit = "256"]

mod drivers;
mod faults;
mod policy;
mod properties;
mod queries;
mod races;
mod scenarios;
mod source;
