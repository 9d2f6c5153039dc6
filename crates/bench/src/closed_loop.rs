//! In-process clients that repeat one action on a database.

use std::future::Future;
use std::time::Instant;

use crate::Res;
use crate::load::{Load, Measured, Times};
use crate::machine::{Group, Moment};
use crate::postgres::Cluster;
use crate::stats::Histogram;

/// Runs an action repeatedly in this many clients. This process is the measured server.
pub(crate) async fn closed_loop<F>(
    cluster: &Cluster,
    clients: usize,
    times: Times,
    work: impl Fn() -> F + Clone + Send + 'static,
) -> Res<Measured>
where
    F: Future<Output = Res<()>> + Send,
{
    let group = Group { servers: vec![std::process::id()], database: Some(cluster.pid) };
    let begin = Instant::now() + times.warmup;
    let end = begin + times.measure;
    let mut tasks = Vec::new();
    for _ in 0..clients {
        let work = work.clone();
        tasks.push(tokio::spawn(async move {
            let mut latency = Histogram::default();
            loop {
                let asked = Instant::now();
                if asked >= end {
                    return Ok::<_, Box<dyn std::error::Error + Send + Sync>>(latency);
                }
                work().await?;
                let now = Instant::now();
                if now >= begin && now < end {
                    latency.record(now - asked);
                }
            }
        }));
    }
    tokio::time::sleep_until(begin.into()).await;
    let (moment, spent, began) = (Moment::now()?, group.now()?, Instant::now());
    tokio::time::sleep_until(end.into()).await;
    let seconds = began.elapsed().as_secs_f64();
    let spent = group.now()?.since(&spent);
    let noise = moment.until(&Moment::now()?, spent.all(), seconds);
    let mut load = Load::default();
    for task in tasks {
        load.latency.add(&task.await??);
    }
    load.answers = load.latency.count();
    Ok(Measured { loads: vec![load], seconds, server_ns: spent.servers, database_ns: spent.database, noise })
}
