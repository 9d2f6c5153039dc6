//! SQLite's own behavior: group commit, one writer, files.

#![expect(clippy::unwrap_used, reason = "tests")]

mod closing;
mod files;
mod groups;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use larkspur_contract::Effect::{self, Reads, Writes};
use larkspur_store::{BoxFuture, Driver, Hook, Row, Session, StoreError, Unit, Value, Verdict};
use larkspur_store_sqlite::{Options, Sqlite};

type Outcome = Result<Verdict, StoreError>;

/// A unit made from a function, which may use the session through [`sql`].
struct Body<F>(F);

impl<F: Fn(Box<dyn Session>) -> Outcome + Send + Sync> Unit for Body<F> {
    fn run(&self, session: Box<dyn Session>) -> BoxFuture<'_, Outcome> {
        Box::pin(async move { (self.0)(session) })
    }
}

/// Runs a statement of a driver that never waits.
fn sql(session: &mut dyn Session, text: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
    let mut answer = session.query(text, params);
    match answer.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(answer) => answer,
        std::task::Poll::Pending => panic!("SQLite made a caller wait"),
    }
}

async fn run<F>(store: &Sqlite, effect: Effect, body: F) -> Result<(), StoreError>
where
    F: Fn(Box<dyn Session>) -> Outcome + Send + Sync + 'static,
{
    store.transact(effect, Arc::new(Body(body))).await
}

/// Runs one statement in a transaction of its own.
async fn one(
    store: &Sqlite,
    effect: Effect,
    text: &'static str,
    params: Vec<Value>,
) -> Result<Vec<Row>, StoreError> {
    let rows = Arc::new(Mutex::new(Vec::new()));
    let found = rows.clone();
    run(store, effect, move |mut session| {
        *found.lock().unwrap() = sql(session.as_mut(), text, &params)?;
        Ok(Verdict::Commit)
    })
    .await?;
    Ok(std::mem::take(&mut *rows.lock().unwrap()))
}

async fn table(store: &Sqlite) {
    one(store, Writes, "CREATE TABLE t (k BIGINT NOT NULL PRIMARY KEY, v TEXT)", vec![]).await.unwrap();
}

const INSERT: &str = "INSERT INTO t (k, v) VALUES ($1, $2)";

async fn put(store: &Sqlite, key: i64) -> Result<(), StoreError> {
    one(store, Writes, INSERT, vec![Value::Int(key), Value::from("v")]).await.map(drop)
}

async fn count(store: &Sqlite) -> i64 {
    one(store, Reads, "SELECT count(*) FROM t", vec![]).await.unwrap()[0].int(0).unwrap()
}

fn open(directory: &Path) -> Arc<Sqlite> {
    Arc::new(Sqlite::open(directory, &Options::default()).unwrap())
}

fn hook(log: &Arc<Mutex<Vec<String>>>, name: &str) -> Hook {
    let half = |when: &str| -> Box<dyn FnOnce() + Send> {
        let (log, line) = (log.clone(), format!("{when} {name}"));
        Box::new(move || log.lock().unwrap().push(line))
    };
    Hook { before: half("before"), after: half("after") }
}

/// Keeps the writer busy until the returned sender is used, so that later units share one batch.
async fn hold(
    store: &Arc<Sqlite>,
) -> (std::sync::mpsc::Sender<()>, tokio::task::JoinHandle<Result<(), StoreError>>) {
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let (started, running) = tokio::sync::oneshot::channel();
    let gate = Mutex::new(gate);
    let started = Mutex::new(Some(started));
    let store = store.clone();
    let task = tokio::spawn(async move {
        run(&store, Writes, move |_| {
            if let Some(started) = started.lock().unwrap().take() {
                let _ = started.send(());
            }
            let _ = gate.lock().unwrap().recv();
            Ok(Verdict::Commit)
        })
        .await
    });
    running.await.unwrap();
    (go, task)
}

/// Time for spawned tasks to reach the queue.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

#[tokio::test]
async fn parameters_are_bound_by_number() {
    let store = Sqlite::memory().unwrap();
    let params = vec![Value::from("one"), Value::Int(2), Value::Null, Value::Bytes(vec![4])];
    let rows = one(&store, Reads, "SELECT $4, $2, $1, $3, $2", params).await.unwrap();
    let wanted = vec![Value::Bytes(vec![4]), Value::Int(2), Value::from("one"), Value::Null, Value::Int(2)];
    assert_eq!(rows, [Row(wanted)]);
    let ten: Vec<Value> = (1..=10).map(Value::Int).collect();
    assert_eq!(
        one(&store, Reads, "SELECT $10, $1", ten).await.unwrap()[0].0,
        [Value::Int(10), Value::Int(1)]
    );
    for (text, params) in [
        ("SELECT $1, $2", vec![Value::Null]),
        ("SELECT $1", vec![Value::Null, Value::Null]),
        ("SELECT ?", vec![Value::Null]),
        ("SELECT $name", vec![Value::Null]),
        ("SELECT 1.5", vec![]),
        ("SELEC 1", vec![]),
        ("SELECT 1; SELECT 2", vec![]),
        ("CREATE TABLE no (a)", vec![]),
    ] {
        let outcome = one(&store, Reads, text, params).await;
        assert!(matches!(outcome, Err(StoreError::Broken(_))), "{text}: {outcome:?}");
    }
}

#[tokio::test]
async fn memory_is_a_store() {
    let store = Sqlite::memory().unwrap();
    table(&store).await;
    put(&store, 1).await.unwrap();
    let refused = run(&store, Writes, |mut session| {
        sql(session.as_mut(), INSERT, &[Value::Int(2), Value::Null])?;
        Ok(Verdict::Rollback)
    });
    refused.await.unwrap();
    assert_eq!(count(&store).await, 1);
    assert_eq!(store.name(), "sqlite");
}
