//! Storage: all SQL of the product, over drivers that know no table.
//!
//! - `transaction/`: what a driver must do, and the handles on a transaction.
//! - `memory/`: the read model, and the bounded cache that it consists of.
//! - `whole/`: the store as a whole, such as migrations, copies and jobs.
//! - The other public modules: one for each family of tables, with its statements.

mod attempts;
mod clock;
mod gather;
mod ids;
mod keys;
mod member;
mod memory;
mod notices;
mod transaction;
mod wakeup;
mod whole;

pub mod announcements;
pub mod apps;
pub mod batches;
pub mod blobs;
pub mod cards;
pub mod chat_search;
pub mod chats;
pub mod directory;
pub mod documents;
pub mod docx;
pub mod docx_media;
pub mod ephemeral;
pub mod events;
pub mod faults;
pub mod files;
pub mod follow_ups;
pub mod frequency;
pub mod hooks;
pub mod idempotency;
pub mod images;
pub mod lanes;
pub mod limits;
pub mod links;
pub mod listing;
pub mod members;
pub mod menus;
pub mod message_order;
pub mod messages;
pub mod moderation;
pub mod oauth;
pub mod own;
pub mod own_cards;
pub mod pace;
pub mod parties;
pub mod pending;
pub mod pins;
pub mod policies;
pub mod publishing;
pub mod reactions;
pub mod reads;
pub mod snapshots;
pub mod tabs;
pub mod tags;
pub mod tenants;
pub mod text;
pub mod token_lookup;
pub mod urgents;
pub mod user_deletion;
pub mod users;

pub use attempts::{Attempts, Exchange, Try};
pub use chats::LockedChat;
pub use clock::{Clock, SystemClock};
pub use gather::gather;
pub use ids::Ids;
pub use keys::Keys;
pub use memory::{BoundedCache, Memory, Mix, Mixing, Moment};
pub use notices::{Change, Notice, Notices};
pub use transaction::tenant_locks;
pub use transaction::{
    BoxFuture, Driver, Emitted, Engine, Hook, Root, Row, Scoped, Session, StoreError, Tx, Unit, Uuid, Value,
    Verdict, Work,
};
pub use wakeup::Wakeup;
pub use whole::EngineOptions;
pub use whole::migrate::{SCHEMA_VERSION, migrations};
pub use whole::{citus, copy, deleted_worlds, jobs, nodes, probe, retention, rights, state};

// The tables name these often.
use transaction::{driver, tx, value};
