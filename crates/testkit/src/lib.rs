//! Larkspur in process for tests.
//!
//! A [`Lab`] is a server without a socket; a [`World`] is a tenant of it with an app, three users, a chat and a
//! document. Tests run concurrently in one lab or in many, since each has a world of its own.

mod call;
pub mod disk;
mod faulty;
mod journey;
mod lab;
pub mod model;
mod partitioned;
pub mod postgres;
mod random;
pub mod reading;
pub mod receiver;
mod recording;
mod sign_in;
pub mod sound;
pub mod source;
mod store;
mod tools;
mod world;

pub use call::{Reply, Request};
pub use faulty::{Fault, Faulty};
pub use journey::journey;
pub use lab::{Lab, LabOptions, ManualClock};
pub use random::Random;
pub use recording::Recording;
pub use store::{empty_store, racing_store};
pub use tools::{png, run};
pub use world::{User, World};
