//! The product's crates inside this process: the store alone, and the server with other settings.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, TagId, TenantKey};
use larkspur_contract::model::{TagI18nName, TagType};
use larkspur_server::{App, AppOptions, RateLimits};
use larkspur_store::tags::{self, Naming, Tag};
use larkspur_store::{BoxFuture, Engine, Root, Session, StoreError, SystemClock, Unit, Verdict, tenants};
use larkspur_store_postgres::{Options as PostgresOptions, Postgres};
use larkspur_store_sqlite::{Options, Sqlite};
use tokio::net::TcpListener;

use crate::Res;
use crate::closed_loop::closed_loop;
use crate::load::{Measured, Times};
use crate::machine::runtime;
use crate::postgres::Cluster;
use crate::process::say;
use crate::stats::Histogram;

/// Runs the server with one commit per write, until it is killed.
pub(crate) async fn serve(listener: TcpListener, store: &Path) -> Res<()> {
    let engine = open(store, false).await?;
    let options = AppOptions { rate_limits: RateLimits::Off, ..AppOptions::default() };
    let app = App::build(engine, options)?;
    say(listener.local_addr()?)?;
    larkspur_server::serve(listener, app, larkspur_server::http::Limits::default(), std::future::pending())
        .await;
    Ok(())
}

async fn open(store: &Path, group_commit: bool) -> Res<Arc<Engine>> {
    let driver = Sqlite::open(store, &Options { group_commit, ..Options::default() })?;
    Ok(Engine::open(Arc::new(driver), Arc::new(SystemClock), 64 << 20).await?)
}

/// A tag of typical size: about 200 bytes in an answer.
fn tag(tag_id: TagId, number: u64, app_id: AppId) -> Tag {
    let localized = |locale: &str, name: String| TagI18nName { locale: locale.to_owned(), name: Some(name) };
    Tag {
        tag_id,
        tag_type: TagType::Tenant,
        name: format!("Store tag {number:012}"),
        i18n_names: vec![
            localized("zh_cn", format!("标签 {number:012}")),
            localized("en_us", format!("Tag {number:012}")),
        ],
        app_id,
        create_time: 1_721_963_468_000,
        update_time: 1_721_963_468_000,
    }
}

/// The result of the store alone.
pub(crate) struct StoreRate {
    pub(crate) rate: f64,
    pub(crate) latency: Histogram,
    /// Processor time of this process per write, in microseconds.
    pub(crate) cpu_us: f64,
}

/// The number in the next tag's name.
static NUMBER: AtomicU64 = AtomicU64::new(1);

/// Creates tags through the store's own functions, without HTTP, with this many concurrent writers.
pub(crate) fn creates(store: &Path, writers: usize, group: bool, duration: Duration) -> Res<StoreRate> {
    runtime()?.block_on(async {
        let engine = open(store, group).await?;
        let (tenant, app) = (first_tenant(&engine).await?, AppId(1));
        // Read beforehand: the record of a thread's time disappears with the thread.
        let cpu = crate::machine::cpu_ns(std::process::id())?;
        let begun = Instant::now();
        let mut tasks = Vec::new();
        for _ in 0..writers {
            let engine = engine.clone();
            tasks.push(tokio::spawn(async move {
                let mut latency = Histogram::default();
                while begun.elapsed() < duration {
                    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                    let start = Instant::now();
                    insert(&engine, tenant, app, number).await?;
                    latency.record(start.elapsed());
                }
                Ok::<_, StoreError>(latency)
            }));
        }
        let mut latency = Histogram::default();
        for task in tasks {
            latency.add(&task.await??);
        }
        let seconds = begun.elapsed().as_secs_f64();
        let cpu = crate::machine::cpu_ns(std::process::id())? - cpu;
        let count = latency.count() as f64;
        Ok(StoreRate { rate: count / seconds, latency, cpu_us: cpu as f64 / 1000.0 / count })
    })
}

/// As [`creates`], on a PostgreSQL database, in each of its tenants in turn.
pub(crate) fn creates_on(cluster: &Cluster, database: &str, clients: usize, times: Times) -> Res<Measured> {
    let url = cluster.url(database);
    runtime()?.block_on(async {
        let driver = Postgres::open(&url, &PostgresOptions::default()).await?;
        let engine = Engine::open(Arc::new(driver), Arc::new(SystemClock), 0).await?;
        let tenants = engine.run(Effect::Reads, |root| Box::pin(tenants::all(root))).await?;
        let tenants: Arc<[TenantKey]> = tenants.iter().map(|tenant| tenant.tenant).collect();
        let insert = move || {
            let (engine, number) = (engine.clone(), NUMBER.fetch_add(1, Ordering::Relaxed));
            let tenant =
                usize::try_from(number).ok().and_then(|number| tenants.get(number % tenants.len())).copied();
            async move {
                let tenant = tenant.ok_or("the store has no tenant")?;
                Ok(insert(&engine, tenant, AppId(1), number).await?)
            }
        };
        closed_loop(cluster, clients, times, insert).await
    })
}

/// A unit that creates a tag.
struct Creation {
    engine: Arc<Engine>,
    tenant: TenantKey,
    app: AppId,
    number: u64,
}

impl Unit for Creation {
    fn run(&self, session: Box<dyn Session>) -> BoxFuture<'_, Result<Verdict, StoreError>> {
        Box::pin(async move {
            let root = Root::new(session, self.engine.clone(), Effect::Writes);
            let mut tx = root.tenant(self.tenant);
            let tag = tag(TagId(tx.next_id()), self.number, self.app);
            match tags::insert(&mut tx, &tag).await? {
                Naming::Done => Ok(Verdict::Commit),
                Naming::Taken(_) => Err(StoreError::Broken("a name was not new".to_owned())),
            }
        })
    }

    fn tenant(&self) -> Option<TenantKey> {
        Some(self.tenant)
    }

    fn only_adds(&self) -> bool {
        true
    }
}

async fn insert(engine: &Arc<Engine>, tenant: TenantKey, app: AppId, number: u64) -> Result<(), StoreError> {
    let creation = Creation { engine: engine.clone(), tenant, app, number };
    engine.driver.transact(Effect::Writes, Arc::new(creation)).await
}

async fn first_tenant(engine: &Arc<Engine>) -> Res<TenantKey> {
    let all = engine.run(Effect::Reads, |root| Box::pin(tenants::all(root))).await?;
    Ok(all.first().ok_or("the store has no tenant")?.tenant)
}

/// Tags created in one transaction when a store is filled.
const BATCH: u64 = 10_000;

/// Fills the store of a directory with `count` tags, and returns their ids.
pub(crate) fn populate(store: &Path, count: u64) -> Res<Vec<i64>> {
    runtime()?.block_on(async {
        let driver = Sqlite::open(store, &Options::default())?;
        // Caching what is written here has no use: the server starts with empty memory.
        let engine = Engine::open(Arc::new(driver), Arc::new(SystemClock), 1 << 20).await?;
        let (tenant, app) = (first_tenant(&engine).await?, AppId(1));
        let ids = Arc::new(Mutex::new(Vec::new()));
        for first in (0..count).step_by(usize::try_from(BATCH)?) {
            let made = ids.clone();
            let filled = engine.run(Effect::Writes, move |root| {
                let made = made.clone();
                Box::pin(async move {
                    let mut tx = root.tenant(tenant);
                    let mut batch = Vec::new();
                    for number in first..count.min(first + BATCH) {
                        let tag = tag(TagId(tx.next_id()), 500_000_000_000 + number, app);
                        tags::insert(&mut tx, &tag).await?;
                        batch.push(tag.tag_id.0);
                    }
                    made.lock().unwrap_or_else(PoisonError::into_inner).extend(batch);
                    Ok(())
                })
            });
            filled.await?;
        }
        let ids = std::mem::take(&mut *ids.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(ids)
    })
}
