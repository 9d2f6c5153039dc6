//! How state is kept: every statement of the product, over drivers that know no table.

mod driver;
mod engine;
mod ids;
mod keys;
mod memory;
mod migrate;
mod root;
mod tx;
mod value;

pub mod announcements;
pub mod apps;
pub mod chats;
pub mod copy;
pub mod documents;
pub mod facts;
pub mod frequency;
pub mod idempotency;
pub mod images;
pub mod jobs;
pub mod leaving;
pub mod limits;
pub mod links;
pub mod listing;
pub mod members;
pub mod menus;
pub mod moderation;
pub mod nodes;
pub mod oauth;
pub mod pending;
pub mod refusals;
pub mod tabs;
pub mod tags;
pub mod tenants;
pub mod terms;
pub mod users;

pub use driver::{BoxFuture, Driver, Hook, Session, StoreError, Unit, Verdict};
pub use engine::{Clock, Engine, SystemClock};
pub use ids::Ids;
pub use keys::Keys;
pub use memory::{Memory, Shelf};
pub use migrate::{SCHEMA_VERSION, migrations};
pub use root::Root;
pub use tx::{LockedChat, Tx};
pub use value::{Row, Value};
