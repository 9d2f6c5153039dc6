//! What each operation does. Knows neither HTTP nor drivers.

mod call;
mod entry;
pub mod operations;
pub mod paging;
pub mod rules;
mod settings;
pub mod standing;
pub mod tokens;
pub mod translate;

pub use call::{Actor, Call, Caller, RootCall};
pub use entry::{
    Answer, Empty, Entry, Ground, Input, Invocation, Job, Operation, Received, Schemas, Shapes, entry,
};
pub use operations::REGISTRY;
pub use settings::{DuplicateName, Settings, TagOwner};
