//! Stores of several sizes: reads of ids from everywhere in them, and a lone create.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::{Contender, Run, announce, load_row, ratio, start, take_turns};
use crate::Res;
use crate::embedded;
use crate::load::{Measured, Plan, Script};
use crate::machine;
use crate::process::{Process, exchange};
use crate::product::{Product, creating, get_tags, reading};
use crate::report::{Row, Table};
use crate::stats::{Histogram, Spread};

/// Different requests of a load: 40 ids each.
const REQUESTS: usize = 4096;
/// Requests that are timed individually right after a start.
const COLD: usize = 250;

struct Sized {
    count: u64,
    store: PathBuf,
    ids: Vec<i64>,
    product: Product,
    /// SQLite, read for each request, with the same tags.
    inline: Process,
    cold: Histogram,
}

/// Fills a store of each size and measures them in turn.
pub(crate) fn measure(run: &Run, table: &mut Table) -> Res<()> {
    let mut stores = Vec::new();
    for &count in &run.sizes {
        announce(&format!("a store of {count} tags"));
        let store = run.place.fresh(&format!("size-{count}"))?;
        Product::start(&run.place, &store, None)?.process.end()?;
        let begun = Instant::now();
        let ids = embedded::populate(&store, count)?;
        eprintln!("  filled in {:.1} s", begun.elapsed().as_secs_f64());
        let product = Product::start(&run.place, &store, None)?;
        let cold = first_reads(&product, &ids)?;
        let answer = product.call(&get_tags(&product.token, &ids[..1]))?;
        let headers = store.join("bench-answer");
        std::fs::write(&headers, answer.head)?;
        let words = ["sqlite-inline", &headers.to_string_lossy(), &store.to_string_lossy()];
        let inline = Process::yardstick(&words, None)?;
        stores.push(Sized { count, store, ids, product, inline, cold });
    }
    let scripts = |how| -> Vec<Script> {
        stores.iter().map(|store| spread_over(&store.product.token, &store.ids, how)).collect()
    };
    let (uniform, hot) = (scripts(Draw::Uniform), scripts(Draw::Zipf));
    let creates = stores.iter().map(|store| creating(&store.product.token)).collect::<Res<Vec<_>>>()?;
    announce("sizes: GET 40 of uniformly random ids");
    let inline = loads(run, &stores, &uniform, 16, |store| &store.inline)?;
    let uniform = loads(run, &stores, &uniform, 16, |store| &store.product.process)?;
    announce("sizes: GET 40 of Zipf-distributed ids");
    let hot = loads(run, &stores, &hot, 16, |store| &store.product.process)?;
    announce("sizes: lone create");
    let creates = loads(run, &stores, &creates, 1, |store| &store.product.process)?;

    let p50 = |m: &Measured| m.loads[0].latency.quantile_us(0.5);
    let smallest = stores.first().map_or(0, |store| store.count);
    for (index, store) in stores.iter().enumerate() {
        table.section(format!("A store of {} tags (memory for tags as by default)", store.count));
        let memory = machine::memory(store.product.process.pid())?;
        table.row(Row {
            p50_us: Spread::of([store.cold.quantile_us(0.5)]),
            p99_us: Spread::of([store.cold.quantile_us(0.99)]),
            ..Row::named(format!("the first {COLD} GET 40 after a start, one by one, uniform"))
        });
        for (name, rounds) in [
            ("SQLite read inline, uniform ids, 16 connections", &inline),
            ("GET 40 tags, uniform ids, 16 connections", &uniform),
            ("GET 40 tags, Zipf(1) ids, 16 connections", &hot),
            ("create alone", &creates),
        ] {
            let row = load_row(name, &rounds[index]);
            table.row(if index == 0 {
                row
            } else {
                row.against(&format!("p50 / p50 at {smallest}"), ratio(&rounds[index], &rounds[0], p50, p50))
            });
        }
        table.row(
            Row::named("memory after that: private").against("MiB (RssAnon)", Spread::of([memory.anonymous])),
        );
    }
    for store in stores {
        let Sized { count, store, product, .. } = store;
        product.process.end()?;
        table.section(format!("Cold start with {count} tags, and memory after the first answer"));
        start::of_store(run, table, &format!("{count} tags"), &store)?;
        remove(&store);
    }
    Ok(())
}

/// Deletes a large store.
fn remove(store: &Path) {
    drop(std::fs::remove_dir_all(store));
}

fn loads(
    run: &Run,
    stores: &[Sized],
    scripts: &[Script],
    connections: usize,
    server: fn(&Sized) -> &Process,
) -> Res<Vec<Vec<Measured>>> {
    let mut contenders: Vec<_> = stores
        .iter()
        .zip(scripts)
        .map(|(store, script)| {
            let server = server(store);
            let plan = Plan { address: server.address, connections, script: script.clone(), processor: None };
            Contender::load(store.count.to_string(), vec![plan], server.pid(), run.times)
        })
        .collect();
    take_turns(run.rounds, &mut contenders)
}

/// Times reads of a server with empty memory. The kernel has the file in its cache.
fn first_reads(product: &Product, ids: &[i64]) -> Res<Histogram> {
    let mut stream = TcpStream::connect(product.process.address)?;
    stream.set_nodelay(true)?;
    let mut random = Random(11);
    let mut latency = Histogram::default();
    for _ in 0..COLD {
        let request = get_tags(&product.token, &draw(ids, || random.below(ids.len())));
        let begun = Instant::now();
        let answer = exchange(&mut stream, &request)?;
        latency.record(begun.elapsed());
        if answer.status != 200 {
            return Err("a read was refused".into());
        }
    }
    Ok(latency)
}

/// How ids are chosen.
#[derive(Clone, Copy)]
pub(super) enum Draw {
    /// Uniformly.
    Uniform,
    /// By Zipf's law: the n-th most frequent 1/n times as often as the first.
    Zipf,
}

/// Queries of 40 tags, drawn from these ids.
pub(super) fn spread_over(token: &str, ids: &[i64], how: Draw) -> Script {
    let mut random = Random(7);
    let mut sums: Vec<f64> = Vec::new();
    if matches!(how, Draw::Zipf) {
        let mut sum = 0.0;
        sums.extend((1..=ids.len()).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        }));
    }
    let mut next = || match sums.last() {
        None => random.below(ids.len()),
        Some(last) => {
            let at = random.share() * last;
            let rank = sums.partition_point(|sum| *sum < at);
            // The frequent ones are spread over the whole store, not at its start.
            rank.wrapping_mul(2_654_435_761) % ids.len()
        }
    };
    reading((0..REQUESTS).map(|_| get_tags(token, &draw(ids, &mut next))).collect())
}

fn draw(ids: &[i64], mut next: impl FnMut() -> usize) -> Vec<i64> {
    (0..40).map(|_| ids[next()]).collect()
}

/// A fixed pseudorandom sequence (splitmix64): every run draws the same ids.
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}
