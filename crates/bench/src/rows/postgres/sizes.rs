//! A lone create on PostgreSQL databases of several sizes.

use std::time::Instant;

use super::{CONNECTIONS, database_row, nodes, plan};
use crate::Res;
use crate::load::{Measured, Script};
use crate::multiplied;
use crate::postgres::Cluster;
use crate::product::{Product, creating_by};
use crate::report::Table;
use crate::rows::sizes::Random;
use crate::rows::{Contender, Run, announce, quiet, ratio, take_turns};
use crate::stats::Goal;

/// Different requests of a load; their names go to all parts of the index.
const REQUESTS: usize = 4096;
/// The highest ratio of a create in a larger store to one in the smallest.
const FLAT: Goal = Goal::Below(1.3);

struct Sized {
    count: u64,
    product: Product,
    script: Script,
}

/// Fills a database of each size and measures them in turn.
pub(super) fn measure(run: &Run, table: &mut Table, cluster: &Cluster) -> Res<()> {
    let mut stores = Vec::new();
    for &count in &run.sizes {
        announce(&format!("PostgreSQL: a database of {count} tags"));
        let name = format!("tags_{count}");
        let url = cluster.database(&name)?;
        let product = Product::on_database(&run.place, &url, &format!("postgres-{count}"), CONNECTIONS)?;
        let begun = Instant::now();
        let first = product.make_tags(1)?[0];
        multiplied::tags(&cluster.session(&name)?, first, count)?;
        cluster.run(&name, "VACUUM (ANALYZE) tag")?;
        cluster.run(&name, "CHECKPOINT")?;
        eprintln!("  filled in {:.1} s", begun.elapsed().as_secs_f64());
        let script = all_over(&product.token)?;
        stores.push(Sized { count, product, script });
    }
    announce("PostgreSQL: lone create");
    let mut contenders: Vec<_> = stores
        .iter()
        .map(|store| {
            let plans = vec![plan(&store.product, 1, &store.script)];
            Contender::load(store.count.to_string(), plans, nodes(cluster, &[&store.product]), run.times)
        })
        .collect();
    let rounds = take_turns(run.rounds, &mut contenders)?;
    drop(contenders);
    table.section("A lone create on PostgreSQL, by size of the database".to_owned());
    let p50 = |m: &Measured| m.loads[0].latency.quantile_us(0.5);
    let smallest = stores.first().map_or(0, |store| store.count);
    for (index, store) in stores.iter().enumerate() {
        let row = database_row(format!("create alone, {} tags", store.count), &rounds[index]);
        table.row(if index == 0 {
            row
        } else {
            let quiet = quiet(&[&rounds[index], &rounds[0]]);
            row.against(&format!("p50 / p50 at {smallest}"), ratio(&rounds[index], &rounds[0], p50, p50))
                .should_be(FLAT, quiet)
        });
    }
    for store in stores {
        store.product.process.end()?;
    }
    Ok(())
}

/// Creations with names between those of [`multiplied::tags`], in random order.
fn all_over(token: &str) -> Res<Script> {
    let mut random = Random(23);
    let words: Vec<String> = (0..REQUESTS).map(|_| format!("{:08x}", random.below(1 << 32))).collect();
    creating_by(words.iter().map(|word| (token, word.as_str())))
}
