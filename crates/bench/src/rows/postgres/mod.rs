//! The product on PostgreSQL.

mod creates;
mod lists;
mod messages;
mod reads;
mod sizes;

use super::{Run, announce, load_row, over};
use crate::Res;
use crate::load::{Measured, Plan, Script};
use crate::machine::Group;
use crate::postgres::{Cluster, SETTINGS};
use crate::product::Product;
use crate::report::{Row, Table};

/// Clients that create, and connections that read.
const CLIENTS: usize = 64;
/// The default size of the product's pool.
const CONNECTIONS: usize = 16;

/// Starts a private server and measures all of it.
pub(crate) fn measure(run: &Run, table: &mut Table) -> Res<()> {
    let cluster = start(run, table)?;
    creates::measure(run, table, &cluster)?;
    reads::measure(run, table, &cluster)?;
    sizes::measure(run, table, &cluster)?;
    lists::measure(run, table, &cluster)?;
    messages::measure(run, table, &cluster)
}

/// Starts a private server and measures messages alone.
pub(crate) fn measure_messages(run: &Run, table: &mut Table) -> Res<()> {
    let cluster = start(run, table)?;
    messages::measure(run, table, &cluster)
}

/// Starts a private server and measures lists alone.
pub(crate) fn measure_lists(run: &Run, table: &mut Table) -> Res<()> {
    let cluster = start(run, table)?;
    lists::measure(run, table, &cluster)
}

fn start(run: &Run, table: &mut Table) -> Res<Cluster> {
    announce("PostgreSQL: a server of its own");
    let cluster = Cluster::start(&run.place)?;
    table.section(format!("PostgreSQL {} beside it: {SETTINGS}", cluster.version()?));
    Ok(cluster)
}

/// A row of a load, with the database's time per request.
fn database_row(name: impl Into<String>, rounds: &[Measured]) -> Row {
    let each = |m: &Measured| {
        m.database_ns as f64 / 1000.0 / m.loads.iter().map(|load| load.answers).sum::<u64>() as f64
    };
    let note = over(rounds, each).map(|spread| format!("PostgreSQL {:.0} CPU µs each", spread.median));
    load_row(name, rounds).note(note.unwrap_or_default())
}

/// The database's processes and those of these nodes.
fn nodes(cluster: &Cluster, products: &[&Product]) -> Group {
    let servers = products.iter().map(|product| product.process.pid()).collect();
    Group { servers, database: Some(cluster.pid) }
}

/// A load on a node.
fn plan(product: &Product, connections: usize, script: &Script) -> Plan {
    Plan { address: product.process.address, connections, script: script.clone(), processor: None }
}
