//! The yardstick of writes on PostgreSQL: a pool of connections, and one prepared statement per row that commits alone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

use crate::Res;
use crate::closed_loop::closed_loop;
use crate::load::{Measured, Times};
use crate::machine::runtime;
use crate::postgres::{Cluster, connect};

/// Tenants over which rows are spread.
const TENANTS: u64 = 64;
const INSERT: &str = "INSERT INTO pool_tag (tenant, tag_id, tag_type, name, i18n_names, app_id, create_time, update_time) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/// The target table, with the product's columns and indexes.
pub(crate) fn table(cluster: &Cluster, database: &str) -> Res<()> {
    cluster.run(database, "CREATE TABLE pool_tag (LIKE tag INCLUDING ALL)").map(drop)
}

struct Pool {
    turns: Semaphore,
    idle: Mutex<Vec<(Client, Statement)>>,
}

impl Pool {
    async fn insert(&self, number: i64) -> Res<()> {
        let turn = self.turns.acquire().await?;
        let taken = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (client, statement) = taken.ok_or("a turn without a connection")?;
        let tenant = format!("{:032x}", number.unsigned_abs() % TENANTS);
        let name = format!("Bench tag {number:012}");
        let i18n =
            r#"[{"locale":"zh_cn","name":"标签 标签"},{"locale":"en_us","name":"Bench tag, in English"}]"#;
        let (time, app) = (1_721_963_468_000_i64, "cli_0000000000000001");
        let params: [&(dyn ToSql + Sync); 8] =
            [&tenant, &(7_000_000_000_000_000_000 + number), &"tenant", &name, &i18n, &app, &time, &time];
        client.execute(&statement, &params).await?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((client, statement));
        drop(turn);
        Ok(())
    }
}

/// Inserts by this many clients through this many connections. This process is the measured server.
pub(crate) fn creates(
    cluster: &Cluster,
    database: &str,
    connections: usize,
    clients: usize,
    times: Times,
) -> Res<Measured> {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let url = cluster.url(database);
    runtime()?.block_on(async {
        let mut idle = Vec::new();
        for _ in 0..connections {
            let client = connect(&url).await?;
            let statement = client.prepare(INSERT).await?;
            idle.push((client, statement));
        }
        let pool = Arc::new(Pool { turns: Semaphore::new(connections), idle: Mutex::new(idle) });
        let insert = move || {
            let (pool, number) = (pool.clone(), NUMBER.fetch_add(1, Ordering::Relaxed));
            async move { pool.insert(number.cast_signed()).await }
        };
        closed_loop(cluster, clients, times, insert).await
    })
}
