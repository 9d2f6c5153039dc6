//! The process: gateway, HTTP, settings, command line.
//!
//! An [`App`] answers requests in process, without a socket; [`http::serve`] puts one on a listener.

mod app;
pub mod blobs;
pub mod cli;
pub mod config;
mod connections;
pub mod delivery;
mod demo;
pub mod documents;
mod endpoints;
pub mod gateway;
mod health;
pub mod http;
mod logs;
mod metrics;
mod ready;
mod registry;
mod request;
mod site;
mod stream;
mod unpanicked;
mod upkeep;

pub use app::{App, AppOptions, Observer, StoreStats};
pub use demo::World;
pub use gateway::admit::RateLimits;
pub use http::serve;
pub use ready::Ready;
pub use registry::REGISTRY;
pub use request::{BodyError, BodySource, Request, Response};
pub use site::{Names, Site};
pub use upkeep::{Upkeep, sweep_files_if_due};
