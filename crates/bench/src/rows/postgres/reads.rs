//! Reads of tags on PostgreSQL by one node and by two.

use super::{CLIENTS, CONNECTIONS, database_row, nodes, plan};
use crate::Res;
use crate::load::{Load, Measured};
use crate::postgres::Cluster;
use crate::product::{Product, get_tags, reading};
use crate::report::Table;
use crate::rows::{Contender, Run, announce, ratio, take_turns};

/// Gives the same load to one node and to two.
pub(super) fn measure(run: &Run, table: &mut Table, cluster: &Cluster) -> Res<()> {
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

/// The plans of a measurement, merged into one.
fn joined(measured: &Measured) -> Measured {
    let mut load = Load::default();
    for each in &measured.loads {
        load.answers += each.answers;
        load.client_ns += each.client_ns;
        load.latency.add(&each.latency);
    }
    Measured { loads: vec![load], ..measured.clone() }
}
