//! A driver that fails on demand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use larkspur_contract::Effect;
use larkspur_contract::ids::TenantKey;
use larkspur_store::{BoxFuture, Driver, Hook, Row, Session, StoreError, Unit, Value, Verdict};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The statement collides with another transaction; the unit is retried.
    Collide,
    /// The store fails at the statement.
    Break,
    /// The next writing transaction is committed, and its answer is lost, whatever the number of the statement.
    Doubt,
}

/// A driver that fails at the nth statement, or at the commit after the last one.
pub struct Faulty {
    inner: Arc<dyn Driver>,
    countdown: Arc<AtomicI64>,
    fault: Arc<std::sync::Mutex<Fault>>,
    met: Met,
}

/// The text of the statement that a fault met.
type Met = Arc<std::sync::Mutex<String>>;

const NEVER: i64 = i64::MAX;

impl Faulty {
    /// Wraps a driver; nothing fails yet.
    pub fn over(inner: Arc<dyn Driver>) -> Arc<Self> {
        Arc::new(Faulty {
            inner,
            countdown: Arc::new(AtomicI64::new(NEVER)),
            fault: Arc::new(std::sync::Mutex::new(Fault::Break)),
            met: Met::default(),
        })
    }

    /// From now on, the nth statement (from 0) fails, once. The end of a unit counts as a statement.
    pub fn arm(&self, nth: i64, fault: Fault) {
        *self.fault.lock().expect("not poisoned") = fault;
        self.countdown.store(nth, Ordering::SeqCst);
    }

    /// The statement that the last fault met; empty at the end of a unit.
    pub fn met(&self) -> String {
        self.met.lock().expect("not poisoned").clone()
    }

    /// Nothing fails any more; true if the armed fault did occur.
    pub fn disarm(&self) -> bool {
        self.countdown.swap(NEVER, Ordering::SeqCst) < 0
    }
}

fn trip(
    countdown: &AtomicI64,
    (fault, met): (&std::sync::Mutex<Fault>, &Met),
    sql: &str,
) -> Result<(), StoreError> {
    let fault = *fault.lock().expect("not poisoned");
    if fault == Fault::Doubt
        || countdown.load(Ordering::SeqCst) == NEVER
        || countdown.fetch_sub(1, Ordering::SeqCst) != 0
    {
        return Ok(());
    }
    sql.clone_into(&mut met.lock().expect("not poisoned"));
    Err(match fault {
        Fault::Collide => StoreError::Collided,
        Fault::Break | Fault::Doubt => StoreError::Unavailable("armed to break here".to_owned()),
    })
}

impl Driver for Faulty {
    fn transact(&self, effect: Effect, unit: Arc<dyn Unit>) -> BoxFuture<'_, Result<(), StoreError>> {
        let (countdown, fault) = (self.countdown.clone(), self.fault.clone());
        Box::pin(async move {
            let doubt = *fault.lock().expect("not poisoned") == Fault::Doubt;
            if doubt && effect == Effect::Writes && countdown.load(Ordering::SeqCst) != NEVER {
                countdown.store(-1, Ordering::SeqCst);
                self.inner.transact(effect, unit).await?;
                return Err(StoreError::UnknownOutcome("the answer of the commit was lost".to_owned()));
            }
            // Yields like a driver over a network, so that any statement may collide, and not only where the embedded
            // driver can.
            for _ in 0..4 {
                let wrapped = Arc::new(FaultyUnit {
                    inner: unit.clone(),
                    countdown: countdown.clone(),
                    fault: fault.clone(),
                    met: self.met.clone(),
                });
                match self.inner.transact(effect, wrapped).await {
                    Err(StoreError::Collided) => {}
                    other => return other,
                }
            }
            Err(StoreError::Unavailable("collided too often".to_owned()))
        })
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }

    fn trouble(&self) -> Option<String> {
        self.inner.trouble()
    }

    fn name(&self) -> &'static str {
        "faulty"
    }
}

struct FaultyUnit {
    inner: Arc<dyn Unit>,
    countdown: Arc<AtomicI64>,
    fault: Arc<std::sync::Mutex<Fault>>,
    met: Met,
}

impl Unit for FaultyUnit {
    fn run(&self, session: Box<dyn Session>) -> BoxFuture<'_, Result<Verdict, StoreError>> {
        let (countdown, fault, met) = (self.countdown.clone(), self.fault.clone(), self.met.clone());
        let session = FaultySession { inner: session, countdown, fault, met };
        Box::pin(async move {
            let verdict = self.inner.run(Box::new(session)).await?;
            trip(&self.countdown, (&self.fault, &self.met), "")?;
            Ok(verdict)
        })
    }
}

struct FaultySession {
    inner: Box<dyn Session>,
    countdown: Arc<AtomicI64>,
    fault: Arc<std::sync::Mutex<Fault>>,
    met: Met,
}

impl Session for FaultySession {
    fn query<'a>(
        &'a mut self,
        sql: &'a str,
        params: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            trip(&self.countdown, (&self.fault, &self.met), sql)?;
            self.inner.query(sql, params).await
        })
    }

    fn keep_out<'a>(&'a mut self, tenant: TenantKey) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.keep_out(tenant)
    }

    fn on_commit(&mut self, hook: Hook) {
        self.inner.on_commit(hook);
    }

    fn share(&self) -> Box<dyn Session> {
        Box::new(FaultySession {
            inner: self.inner.share(),
            countdown: self.countdown.clone(),
            fault: self.fault.clone(),
            met: self.met.clone(),
        })
    }
}
