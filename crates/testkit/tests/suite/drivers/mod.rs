//! Requirements of the product on a driver, one function each, run on every driver.

mod blobs;
mod groups;
mod postgres;
mod restart;
mod statements;
mod tls;
mod transactions;

use std::sync::{Arc, Mutex};

use larkspur_contract::Effect::{self, Reads, Writes};
use larkspur_store::{BoxFuture, Driver, Row, Session, StoreError, Unit, Value, Verdict};
use larkspur_store_sqlite::{Options, Sqlite};
use larkspur_testkit::postgres::Tables;
use tempfile::TempDir;

/// A new store of a driver.
struct Store {
    driver: Arc<dyn Driver>,
    _directory: Option<TempDir>,
}

/// A new store of every driver; add new drivers here.
async fn stores() -> Vec<(&'static str, Store)> {
    let memory = Arc::new(Sqlite::memory().expect("a store in memory"));
    let directory = tempfile::tempdir().expect("a directory");
    let file = Arc::new(Sqlite::open(directory.path(), &Options::default()).expect("a store on disk"));
    let postgres = larkspur_testkit::postgres::database(Tables::None).await;
    vec![
        ("SQLite in memory", Store { driver: memory, _directory: None }),
        ("SQLite on a file", Store { driver: file, _directory: Some(directory) }),
        ("PostgreSQL", Store { driver: postgres, _directory: None }),
    ]
}

/// Runs each function on a new store of every driver, with a table `t`.
macro_rules! facts {
    ($($fact:ident)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $fact() {
            for (name, store) in $crate::drivers::stores().await {
                println!("{name}");
                store.must($crate::drivers::TABLE, vec![]).await;
                facts::$fact(&store).await;
            }
        })*
    };
}
use facts;

const TABLE: &str =
    "CREATE TABLE t (g TEXT NOT NULL, k BIGINT NOT NULL, v TEXT, b BYTEA, PRIMARY KEY (g, k))";
const INSERT: &str = "INSERT INTO t (g, k, v) VALUES ($1, $2, $3)";

type Outcome = Result<Verdict, StoreError>;

/// A unit made from a function.
struct Body<F>(F);

impl<F> Unit for Body<F>
where
    F: Fn(Box<dyn Session>) -> BoxFuture<'static, Outcome> + Send + Sync,
{
    fn run(&self, session: Box<dyn Session>) -> BoxFuture<'_, Outcome> {
        (self.0)(session)
    }
}

fn unit<F>(body: F) -> Arc<dyn Unit>
where
    F: Fn(Box<dyn Session>) -> BoxFuture<'static, Outcome> + Send + Sync + 'static,
{
    Arc::new(Body(body))
}

impl Store {
    /// Runs a unit made from a function.
    async fn run<F>(&self, effect: Effect, body: F) -> Result<(), StoreError>
    where
        F: Fn(Box<dyn Session>) -> BoxFuture<'static, Outcome> + Send + Sync + 'static,
    {
        self.driver.transact(effect, unit(body)).await
    }

    /// Runs one statement in a transaction of its own.
    async fn one(&self, effect: Effect, sql: &str, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let found = Arc::new(Mutex::new(Vec::new()));
        let (rows, sql) = (found.clone(), sql.to_owned());
        self.run(effect, move |mut session| {
            let (rows, sql, params) = (rows.clone(), sql.clone(), params.clone());
            Box::pin(async move {
                let answer = session.query(&sql, &params).await?;
                *rows.lock().expect("not poisoned") = answer;
                Ok(Verdict::Commit)
            })
        })
        .await?;
        Ok(std::mem::take(&mut *found.lock().expect("not poisoned")))
    }

    /// Runs one statement that must succeed.
    async fn must(&self, sql: &str, params: Vec<Value>) -> Vec<Row> {
        self.one(Writes, sql, params).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Reads with one statement that must succeed.
    async fn read(&self, sql: &str, params: Vec<Value>) -> Vec<Row> {
        self.one(Reads, sql, params).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Adds a row.
    async fn put(&self, key: i64, text: &str) {
        self.must(INSERT, row(key, text)).await;
    }

    /// The existing keys, in order.
    async fn keys(&self) -> Vec<i64> {
        let rows = self.read("SELECT k FROM t WHERE g = $1 ORDER BY k", vec!["g".into()]).await;
        rows.iter().map(|row| row.int(0).expect("a number")).collect()
    }
}

/// The parameters of [`INSERT`].
fn row(key: i64, text: &str) -> Vec<Value> {
    vec!["g".into(), key.into(), text.into()]
}
