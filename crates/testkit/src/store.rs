//! Empty stores of the kind that a run tests.

use std::path::Path;
use std::sync::Arc;

use larkspur_server::blobs::Objects;
use larkspur_store::Driver;
use larkspur_store::blobs::Blobs;
use larkspur_store_sqlite::{Options, Sqlite};

use crate::postgres::{Tables, database};

/// The kind of store that `TEST_STORE` names; SQLite by default.
enum Kind {
    Sqlite,
    Postgres(Tables),
}

#[expect(clippy::disallowed_methods, reason = "tells the test run what to test")]
fn kind() -> Kind {
    match std::env::var("TEST_STORE").as_deref() {
        Err(_) | Ok("sqlite") => Kind::Sqlite,
        Ok("postgres") => Kind::Postgres(Tables::Plain),
        Ok("partitioned") => Kind::Postgres(Tables::Partitioned),
        Ok(other) => panic!("TEST_STORE is {other:?}: not sqlite, postgres or partitioned"),
    }
}

/// Where the files of such a store are kept: in memory or in the database, so that runs test both.
pub(crate) fn blobs() -> Option<Arc<dyn Blobs>> {
    match kind() {
        Kind::Sqlite => Some(Objects::open("memory:").expect("files in memory")),
        Kind::Postgres(_) => None,
    }
}

/// An empty store: SQLite in memory, or a database of the run's own PostgreSQL server.
pub async fn empty_store() -> Arc<dyn Driver> {
    match kind() {
        Kind::Sqlite => Arc::new(Sqlite::memory().expect("a store in memory")),
        Kind::Postgres(tables) => database(tables).await,
    }
}

/// An empty store on which units run concurrently: SQLite on a file in this directory, or PostgreSQL.
pub async fn racing_store(directory: &Path) -> Arc<dyn Driver> {
    match kind() {
        Kind::Sqlite => Arc::new(Sqlite::open(directory, &Options::default()).expect("a store on disk")),
        Kind::Postgres(tables) => database(tables).await,
    }
}
