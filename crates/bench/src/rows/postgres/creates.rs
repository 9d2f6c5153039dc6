//! Durable creates on PostgreSQL against a pool of connections.

use std::cell::RefCell;

use super::{CLIENTS, CONNECTIONS, database_row, nodes, plan};
use crate::Res;
use crate::embedded;
use crate::load::{Measured, Script};
use crate::pool;
use crate::postgres::Cluster;
use crate::product::{Product, creating, creating_by};
use crate::report::{Row, Table};
use crate::rows::{Contender, Run, announce, over, quiet, ratio, take_turns};
use crate::stats::Goal;

/// Worlds over which creates are spread.
const WORLDS: usize = 64;
/// Connections of the pools to compare with; the faster one counts.
const POOLS: [usize; 2] = [16, 64];

/// Measures the pools, the store and the product in turn.
pub(super) fn measure(run: &Run, table: &mut Table, cluster: &Cluster) -> Res<()> {
    announce(&format!("PostgreSQL: creates by {CLIENTS}"));
    let url = cluster.database("creates")?;
    let product = Product::on_database(&run.place, &url, "postgres-1", CONNECTIONS)?;
    let wide = product.beside(&run.place, &url, "postgres-2", CLIENTS)?;
    pool::table(cluster, "creates")?;
    let tokens = product.worlds(WORLDS)?;
    let spread = creating_by(tokens.iter().map(|token| (token.as_str(), "Bench")))?;
    let single = creating(&product.token)?;
    let times = run.times;
    let counts = RefCell::new([0.0; 5]);
    let spread_plan = [plan(&product, CLIENTS, &spread)];
    let mut contenders = Vec::new();
    for connections in POOLS {
        contenders.push(Contender::new(format!("pool of {connections}"), move || {
            pool::creates(cluster, "creates", connections, CLIENTS, times)
        }));
    }
    contenders
        .push(Contender::new("store", move || embedded::creates_on(cluster, "creates", CLIENTS, times)));
    contenders.push(Contender::new("Larkspur", || {
        let before = trips(&product)?;
        let measured = crate::load::run(&spread_plan, &nodes(cluster, &[&product]), times)?;
        let after = trips(&product)?;
        for (index, count) in counts.borrow_mut().iter_mut().enumerate() {
            *count += after[index] - before[index];
        }
        Ok(measured)
    }));
    let mut ours = |name: &str, product: &Product, script: &Script| {
        let plan = plan(product, CLIENTS, script);
        contenders.push(Contender::load(name, vec![plan], nodes(cluster, &[product]), times));
    };
    ours("Larkspur, one tenant", &product, &single);
    ours("Larkspur, more connections", &wide, &spread);
    let rounds = take_turns(run.rounds, &mut contenders)?;
    drop(contenders);
    let [pool_16, pool_64, store, spread, single, wide_rounds] = rounds.as_slice() else {
        return Err("six contenders".into());
    };
    let median = |rounds: &[Measured]| over(rounds, Measured::rate).map_or(0.0, |spread| spread.median);
    let best = if median(pool_16) >= median(pool_64) { pool_16 } else { pool_64 };
    table.section(format!("Durable creates on PostgreSQL by {CLIENTS} clients, one node"));
    for (connections, rounds) in POOLS.iter().zip([pool_16, pool_64]) {
        let name = format!("a pool of {connections}, a prepared statement that commits by itself");
        table.row(database_row(name, rounds));
    }
    let against = |row: Row, rounds: &[Measured]| {
        row.against("creates/s / the better pool", ratio(rounds, best, Measured::rate, Measured::rate))
    };
    let name = format!("the store without HTTP, {CLIENTS} clients, {WORLDS} tenants");
    table.row(against(database_row(name, store), store));
    let name = format!("**Larkspur on PostgreSQL, {CLIENTS} clients, {WORLDS} tenants**");
    table.row(
        against(database_row(name, spread), spread).should_be(Goal::AtLeast(3.0), quiet(&[spread, best])),
    );
    table.row(against(database_row("the same, one tenant", single), single));
    let name = format!("the same, {WORLDS} tenants, {CLIENTS} connections instead of {CONNECTIONS}");
    table.row(against(database_row(name, wide_rounds), wide_rounds));
    let [trips, commits, reads, groups, undone] = counts.into_inner();
    let each = |count: f64| count / commits.max(1.0);
    table.row(Row::named(format!(
        "for each create {:.2} round trips, {:.2} reading and {:.2} shared transactions, {:.3} of them undone",
        each(trips),
        each(reads),
        each(groups),
        each(undone)
    )));
    product.process.end()?;
    wide.process.end()
}

/// Round trips, creates, reading transactions, shared transactions, and undone ones of these, so far.
fn trips(product: &Product) -> Res<[f64; 5]> {
    let mut counts = [0.0; 5];
    let names = ["round_trips", "commits", "reads", "groups", "groups_undone"];
    for (count, name) in counts.iter_mut().zip(names) {
        *count = product.counter(&format!("larkspur_store_{name}_total"))?;
    }
    Ok(counts)
}
