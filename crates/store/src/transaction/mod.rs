//! Transactions: the interface of drivers, and the handles that statements go through. No table is named here.

mod blob_store;
pub(crate) mod driver;
mod engine;
mod root;
pub mod tenant_locks;
pub(crate) mod tx;
pub(crate) mod value;
mod work;

pub use blob_store::{BlobKey, Blobs};
pub use driver::{BoxFuture, Driver, Hook, Session, StoreError, Unit, Verdict};
pub use engine::Engine;
pub use root::Root;
pub use tx::Tx;
pub use value::{Row, Value};
pub use work::{Emitted, Scoped, Uuid, Work};
