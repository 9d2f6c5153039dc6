//! Pages of messages on PostgreSQL databases of several sizes, with and without statistics.

use std::time::Instant;

use super::lists::{forget, unwatched};
use super::{CONNECTIONS, database_row, nodes};
use crate::Res;
use crate::multiplied::Database;
use crate::postgres::{Cluster, Session};
use crate::product::Product;
use crate::report::Table;
use crate::rows::lists::{Store, by_store};
use crate::rows::messages::{Patterns, kinds, title};
use crate::rows::{Run, announce};

/// Fills a database of each size and measures them in turn: as they are, and again after ANALYZE.
pub(super) fn measure(run: &Run, table: &mut Table, cluster: &Cluster) -> Res<()> {
    let (mut stores, mut sessions) = (Vec::new(), Vec::new());
    for &count in &run.messages {
        announce(&format!("PostgreSQL: a database of {count} messages"));
        let (store, session) = fill(run, cluster, count)?;
        stores.push(store);
        sessions.push(session);
    }
    for state in ["never analyzed", "analyzed"] {
        if state == "analyzed" {
            for session in &sessions {
                session.run("ANALYZE")?;
                session.run("CHECKPOINT")?;
            }
        }
        announce(&format!("PostgreSQL: messages, {state}"));
        let title = |count| format!("{}, on PostgreSQL, {state}", title(count));
        by_store(run, table, &stores, &kinds(), &title, |name, rounds| database_row(name, rounds))?;
    }
    for store in stores {
        store.product.process.end()?;
    }
    Ok(())
}

fn fill(run: &Run, cluster: &Cluster, count: u64) -> Res<(Store, Session)> {
    let name = format!("messages_{count}");
    let url = cluster.database(&name)?;
    let first = Product::on_database(&run.place, &url, &format!("{name}-first"), CONNECTIONS)?;
    let session = cluster.session(&name)?;
    let tables = unwatched(&session)?;
    let begun = Instant::now();
    let filled = Patterns::send(&first)?.multiply(&session, count)?;
    forget(&session, &tables)?;
    eprintln!("  filled in {:.1} s", begun.elapsed().as_secs_f64());
    let product = first.beside(&run.place, &url, &name, CONNECTIONS)?;
    first.process.end()?;
    let group = nodes(cluster, &[&product]);
    Ok((Store { count, product, group, filled, ids: Vec::new() }, session))
}
