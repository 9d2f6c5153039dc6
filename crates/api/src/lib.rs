//! The operations of the platform. Does not depend on HTTP, drivers, or the control API, which is built on it.

pub mod acts;
pub mod announcing;
mod asking;
mod base64url;
pub mod busy;
mod call;
pub mod callbacks;
pub mod cards;
mod entry;
pub mod events;
pub mod messages;
mod operations;
pub mod p2p;
pub mod pages;
pub mod paging;
pub mod people;
mod process;
pub mod rules;
mod settings;
pub mod standing;
pub mod tabs;
pub mod tokens;
pub mod translate;

pub use asking::{
    Asking, Callback, CallbackRoute, Called, Challenge, FileCopies, Heard, QUESTIONS, Question, Step, Told,
};
pub use call::{Actor, Call, Caller, Presented, RootCall};
pub use entry::{
    Answer, Browse, Download, Empty, Entry, Feed, Ground, Input, Invocation, Job, Media, Operation, Received,
    Schemas, Shapes, closed_schema, closed_shape, entry,
};
pub use operations::{PLATFORM, announce};
pub use process::{Process, Services};
pub use settings::{DuplicateName, Settings, TagOwner, UserPicker, WithdrawnGet, WrongSwitch};
