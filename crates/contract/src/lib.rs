//! What an operation is: its spec, its codes, its ids, its envelopes. No I/O, no async.

pub mod codes;
pub mod envelope;
pub mod events;
mod fault;
pub mod fields;
pub mod forms;
pub mod ids;
pub mod model;
pub mod nearest;
pub mod profile;
pub mod rates;
pub mod rules;
pub mod scopes;
mod spec;

pub use codes::Code;
pub use events::EventType;
pub use fault::{Fault, FieldViolation, Fix, Permission};
pub use scopes::Scope;
pub use spec::{
    Access, Basis, Behaviour, Bot, Consumes, Effect, Method, PAGE_SPEAKS, Rate, Reply, Route, Spec, Tokens,
    Window,
};
pub use spec::{delete, get, patch, post, put};
