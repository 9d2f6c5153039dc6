//! The product on PostgreSQL: durable creates against a pool of connections, and reads by one node and by two.

use std::cell::RefCell;

use super::{Contender, Run, announce, load_row, over, postgres_sizes, quiet, ratio, take_turns};
use crate::Res;
use crate::embedded;
use crate::load::{Load, Measured, Plan, Script};
use crate::machine::Group;
use crate::pool;
use crate::postgres::{Cluster, SETTINGS};
use crate::product::{Product, creating, creating_by, get_tags, reading};
use crate::report::{Row, Table};
use crate::stats::Goal;

/// Clients that create, and connections that read.
const CLIENTS: usize = 64;
/// Worlds that creates are spread over.
const WORLDS: usize = 64;
/// Connections of the product's pool, as by default.
pub(super) const CONNECTIONS: usize = 16;
/// Connections of the pools to compare with: the better one counts.
const POOLS: [usize; 2] = [16, 64];

/// Starts a private server and measures all of it.
pub(crate) fn measure(run: &Run, table: &mut Table) -> Res<()> {
    announce("PostgreSQL: a server of its own");
    let cluster = Cluster::start(&run.place)?;
    table.section(format!("PostgreSQL {} beside it: {SETTINGS}", cluster.version()?));
    creates(run, table, &cluster)?;
    reads(run, table, &cluster)?;
    postgres_sizes::measure(run, table, &cluster)
}

/// A row of a load, with what the database ran for each request.
pub(super) fn database_row(name: impl Into<String>, rounds: &[Measured]) -> Row {
    let each = |m: &Measured| {
        m.database_ns as f64 / 1000.0 / m.loads.iter().map(|load| load.answers).sum::<u64>() as f64
    };
    let note = over(rounds, each).map(|spread| format!("PostgreSQL {:.0} CPU µs each", spread.median));
    load_row(name, rounds).note(note.unwrap_or_default())
}

/// All the database's processes with those of these nodes.
pub(super) fn nodes(cluster: &Cluster, products: &[&Product]) -> Group {
    let servers = products.iter().map(|product| product.process.pid()).collect();
    Group { servers, database: Some(cluster.pid) }
}

fn creates(run: &Run, table: &mut Table, cluster: &Cluster) -> Res<()> {
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

/// Round trips, creates, reading transactions, shared ones, and those of them that were undone, so far.
fn trips(product: &Product) -> Res<[f64; 5]> {
    let mut counts = [0.0; 5];
    let names = ["round_trips", "commits", "reads", "groups", "groups_undone"];
    for (count, name) in counts.iter_mut().zip(names) {
        *count = product.counter(&format!("larkspur_store_{name}_total"))?;
    }
    Ok(counts)
}

pub(super) fn plan(product: &Product, connections: usize, script: &Script) -> Plan {
    Plan { address: product.process.address, connections, script: script.clone(), processor: None }
}

fn reads(run: &Run, table: &mut Table, cluster: &Cluster) -> Res<()> {
    announce("PostgreSQL: GET 40 tags by one node and by two");
    let url = cluster.database("reads")?;
    let first = Product::on_database(&run.place, &url, "postgres-1", CONNECTIONS)?;
    let second = first.beside(&run.place, &url, "postgres-2", CONNECTIONS)?;
    let request = get_tags(&first.token, &first.make_tags(40)?);
    let (one, two) = (first.call(&request)?, second.call(&request)?);
    if one.status != 200 || one.body != two.body {
        return Err("two nodes answer differently".into());
    }
    let script = reading(vec![request]);
    let halves = vec![plan(&first, CLIENTS / 2, &script), plan(&second, CLIENTS / 2, &script)];
    let mut contenders = [
        Contender::load(
            "one node",
            vec![plan(&first, CLIENTS, &script)],
            nodes(cluster, &[&first]),
            run.times,
        ),
        Contender::load("two nodes", halves, nodes(cluster, &[&first, &second]), run.times),
    ];
    let rounds = take_turns(run.rounds, &mut contenders)?;
    let [alone, both] = rounds.as_slice() else { return Err("two contenders".into()) };
    let both: Vec<Measured> = both.iter().map(joined).collect();
    table.section(format!(
        "GET 40 tags on PostgreSQL: {} bytes, {CLIENTS} connections, all on the same processors",
        one.body.len()
    ));
    table.row(database_row("**Larkspur on PostgreSQL, GET 40 tags, one node**", alone));
    let row = database_row("the same load spread over two nodes", &both);
    table.row(row.against("requests/s two / one", ratio(&both, alone, Measured::rate, Measured::rate)));
    first.process.end()?;
    second.process.end()
}

/// The plans of a measurement as one.
fn joined(measured: &Measured) -> Measured {
    let mut load = Load::default();
    for each in &measured.loads {
        load.answers += each.answers;
        load.client_ns += each.client_ns;
        load.latency.add(&each.latency);
    }
    Measured { loads: vec![load], ..measured.clone() }
}
