//! A test's own statements that read a store.

use std::sync::{Arc, Mutex};

use larkspur_contract::Effect;
use larkspur_store::{BoxFuture, Driver, Row, Session, StoreError, Unit, Value, Verdict};

/// One statement that reads.
struct Reading {
    sql: String,
    params: Vec<Value>,
    rows: Mutex<Vec<Row>>,
}

impl Unit for Reading {
    fn run(&self, mut session: Box<dyn Session>) -> BoxFuture<'_, Result<Verdict, StoreError>> {
        Box::pin(async move {
            let rows = session.query(&self.sql, &self.params).await?;
            *self.rows.lock().expect("not poisoned") = rows;
            Ok(Verdict::Commit)
        })
    }
}

/// The rows that a statement finds.
pub async fn rows(driver: &Arc<dyn Driver>, sql: String, params: Vec<Value>) -> Vec<Vec<Value>> {
    let unit = Arc::new(Reading { sql, params, rows: Mutex::default() });
    driver.transact(Effect::Reads, unit.clone()).await.expect("reads");
    let rows = std::mem::take(&mut *unit.rows.lock().expect("not poisoned"));
    rows.into_iter().map(|row| row.0).collect()
}
