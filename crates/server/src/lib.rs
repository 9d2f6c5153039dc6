//! The process: gateway, HTTP, settings, command line.
//!
//! An [`App`] answers requests in process, without a socket; [`http::serve`] serves one on a listener.

mod app;
mod background_jobs;
pub mod blobs;
mod body;
mod call_id;
pub mod cli;
pub mod config;
mod connections;
mod console;
pub mod delivery;
mod demo;
pub mod documents;
mod endpoints;
pub mod gateway;
mod health;
pub mod http;
mod logs;
mod metrics;
mod outside;
mod ready;
mod registry;
mod request;
mod ruled;
mod site;
mod traffic;
mod unpanicked;

pub use app::{App, AppOptions, StoreStats};
pub use background_jobs::{BackgroundJobs, sweep_files_if_due};
pub use body::{Body, Broken, Duplex, Handler, Pieces, Producer, Reading, Stop, Upgrade, Upgraded};
pub use call_id::{CallId, CallIds};
pub use console::{ConsoleOptions, Place};
pub use delivery::connection::{Ack, CallbackFailure, ConnectionOptions, LongConnections, NoAnswer};
pub use demo::World;
pub use endpoints::{Answered, Asked, ENDPOINTS, Endpoint};
pub use gateway::exchange::{Exchange, Recorder};
pub use gateway::rate_limits::RateLimits;
pub use gateway::who::Who;
pub use http::serve;
pub use ready::Ready;
pub use registry::REGISTRY;
pub use request::{BodyError, BodySource, Request, Response};
pub use site::{Names, Site};
pub use traffic::TrafficOptions;
