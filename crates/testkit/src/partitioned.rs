//! A driver that partitions every table of tenants by tenant.
//!
//! PostgreSQL then refuses what Citus refuses: a primary key or unique index without the tenant, a row that moves.

use std::sync::Arc;

use larkspur_contract::Effect;
use larkspur_contract::ids::TenantKey;
use larkspur_store::{BoxFuture, Driver, Hook, Row, Session, StoreError, Unit, Value, Verdict};

/// A driver that partitions every table of tenants by tenant.
pub(crate) struct Partitioned {
    inner: Arc<dyn Driver>,
}

/// The parts of a table.
const PARTS: usize = 2;

impl Partitioned {
    pub(crate) fn over(inner: Arc<dyn Driver>) -> Self {
        Partitioned { inner }
    }
}

impl Driver for Partitioned {
    fn transact(&self, effect: Effect, unit: Arc<dyn Unit>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.transact(effect, Arc::new(Divided { inner: unit }))
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }

    fn trouble(&self) -> Option<String> {
        self.inner.trouble()
    }

    fn name(&self) -> &'static str {
        "partitioned"
    }
}

struct Divided<T> {
    inner: T,
}

impl Unit for Divided<Arc<dyn Unit>> {
    fn run(&self, session: Box<dyn Session>) -> BoxFuture<'_, Result<Verdict, StoreError>> {
        self.inner.run(Box::new(Divided { inner: session }))
    }
}

impl Session for Divided<Box<dyn Session>> {
    fn query<'a>(
        &'a mut self,
        sql: &'a str,
        params: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            for statement in divided(sql) {
                self.inner.query(&statement, params).await?;
            }
            if divided(sql).is_empty() { self.inner.query(sql, params).await } else { Ok(Vec::new()) }
        })
    }

    fn keep_out<'a>(&'a mut self, tenant: TenantKey) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.keep_out(tenant)
    }

    fn on_commit(&mut self, hook: Hook) {
        self.inner.on_commit(hook);
    }

    fn share(&self) -> Box<dyn Session> {
        Box::new(Divided { inner: self.inner.share() })
    }
}

/// Tables shared by all tenants: reference tables on Citus. The directory of apps is what finds the tenant.
const GLOBAL: [&str; 4] = ["IF", "app", "node_lease", "job_slot"];

/// The statements to run in place of this one; empty to run it unchanged. For an unlogged table, its partitions are
/// unlogged.
fn divided(sql: &str) -> Vec<String> {
    let (kind, rest) = match (sql.strip_prefix("CREATE TABLE"), sql.strip_prefix("CREATE UNLOGGED TABLE")) {
        (Some(rest), _) => ("CREATE TABLE", rest),
        (_, Some(rest)) => ("CREATE UNLOGGED TABLE", rest),
        _ => return Vec::new(),
    };
    let table = rest.trim_start().split([' ', '(']).next().unwrap_or_default();
    if GLOBAL.contains(&table) {
        return Vec::new();
    }
    let parts = (0..PARTS).map(|part| {
        let values = format!("FOR VALUES WITH (MODULUS {PARTS}, REMAINDER {part})");
        [kind, &format!("{table}_{part} PARTITION OF {table}"), &values].join(" ")
    });
    std::iter::once(["CREATE TABLE", rest, "PARTITION BY HASH (tenant)"].join(" ")).chain(parts).collect()
}
