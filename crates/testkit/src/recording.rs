//! A driver that records every statement it runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use larkspur_contract::Effect;
use larkspur_contract::ids::TenantKey;
use larkspur_store::{BoxFuture, Driver, Hook, Row, Session, StoreError, Unit, Value, Verdict};

type Statements = Arc<Mutex<Seen>>;

#[derive(Default)]
struct Seen {
    last: BTreeMap<String, Vec<Value>>,
    runs: usize,
    rows: usize,
}

/// A driver that records every statement it runs.
pub struct Recording {
    inner: Arc<dyn Driver>,
    statements: Statements,
}

impl Recording {
    /// Wraps a driver.
    pub fn over(inner: Arc<dyn Driver>) -> Arc<Self> {
        Arc::new(Recording { inner, statements: Arc::default() })
    }

    /// Each statement that was run, once, with the parameters of its last run.
    pub fn statements(&self) -> BTreeMap<String, Vec<Value>> {
        self.statements.lock().expect("not poisoned").last.clone()
    }

    /// How many statements were run.
    pub fn runs(&self) -> usize {
        self.statements.lock().expect("not poisoned").runs
    }

    /// How many rows all statements returned.
    pub fn rows(&self) -> usize {
        self.statements.lock().expect("not poisoned").rows
    }
}

impl Driver for Recording {
    fn transact(&self, effect: Effect, unit: Arc<dyn Unit>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.transact(effect, Arc::new(Recorded { inner: unit, statements: self.statements.clone() }))
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }

    fn trouble(&self) -> Option<String> {
        self.inner.trouble()
    }

    fn name(&self) -> &'static str {
        "recording"
    }
}

struct Recorded<T> {
    inner: T,
    statements: Statements,
}

impl Unit for Recorded<Arc<dyn Unit>> {
    fn run(&self, session: Box<dyn Session>) -> BoxFuture<'_, Result<Verdict, StoreError>> {
        self.inner.run(Box::new(Recorded { inner: session, statements: self.statements.clone() }))
    }
}

impl Session for Recorded<Box<dyn Session>> {
    fn query<'a>(
        &'a mut self,
        sql: &'a str,
        params: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        let mut seen = self.statements.lock().expect("not poisoned");
        seen.last.insert(sql.to_owned(), params.to_vec());
        seen.runs += 1;
        drop(seen);
        Box::pin(async move {
            let rows = self.inner.query(sql, params).await?;
            self.statements.lock().expect("not poisoned").rows += rows.len();
            Ok(rows)
        })
    }

    fn keep_out<'a>(&'a mut self, tenant: TenantKey) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.keep_out(tenant)
    }

    fn on_commit(&mut self, hook: Hook) {
        self.inner.on_commit(hook);
    }

    fn share(&self) -> Box<dyn Session> {
        Box::new(Recorded { inner: self.inner.share(), statements: self.statements.clone() })
    }
}
