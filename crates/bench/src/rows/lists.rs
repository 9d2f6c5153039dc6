//! Lists and searches of chats, on stores of several sizes, and pages of a large chat beside those of a small one.

use std::path::PathBuf;
use std::time::Instant;

use super::{Contender, Run, announce, load_row, quiet, ratio, take_turns};
use crate::Res;
use crate::filled::{self, Filled, LARGE, SMALL};
use crate::load::{Measured, Plan, Script};
use crate::process::request;
use crate::product::{Product, reading};
use crate::report::Table;
use crate::stats::Goal;

/// Connections of a load: few, so that what is measured is an answer and not a queue.
const CONNECTIONS: usize = 2;
/// Pages that a deep page is behind.
const DEEP: usize = 40;
/// What must not be more than this much slower in a larger store, or in a larger chat.
const FLAT: Goal = Goal::Below(1.5);

const CHATS: &str = "/open-apis/im/v1/chats";

/// Makes a load for a store.
type Making = Box<dyn Fn(&Sized) -> Res<Script>>;

struct Sized {
    count: u64,
    store: PathBuf,
    product: Product,
    filled: Filled,
}

/// Fills a store of each size and lets them take turns.
pub(crate) fn measure(run: &Run, table: &mut Table) -> Res<()> {
    let mut stores = Vec::new();
    for &count in &run.chats {
        announce(&format!("a store of {count} chats"));
        let store = run.place.fresh(&format!("chats-{count}"))?;
        Product::start(&run.place, &store, None)?.process.end()?;
        let begun = Instant::now();
        let filled = filled::chats(&store, count)?;
        eprintln!("  filled in {:.1} s", begun.elapsed().as_secs_f64());
        let product = Product::start(&run.place, &store, None)?;
        stores.push(Sized { count, store, product, filled });
    }
    by_store(run, table, &stores)?;
    if let Some(largest) = stores.last() {
        by_chat(run, table, largest)?;
    }
    for Sized { store, product, .. } in stores {
        product.process.end()?;
        drop(std::fs::remove_dir_all(store));
    }
    Ok(())
}

fn p50(measured: &Measured) -> f64 {
    measured.loads[0].latency.quantile_us(0.5)
}

/// The same request to every store.
fn by_store(run: &Run, table: &mut Table, stores: &[Sized]) -> Res<()> {
    let kinds: [(&str, Making); 8] = [
        ("list, the oldest first", Box::new(|store| got(store, &format!("{CHATS}?page_size=20")))),
        ("list, behind 40 pages of 100", Box::new(|store| deep(store, &format!("{CHATS}?page_size=100")))),
        (
            "list, the most active first",
            Box::new(|store| got(store, &format!("{CHATS}?page_size=20&sort_type=ByActiveTimeDesc"))),
        ),
        ("search, one chat found", Box::new(|store| got(store, &searching("000000000123")))),
        ("search, a member's name", Box::new(|store| got(store, &searching("p000000123")))),
        ("search, nothing found", Box::new(|store| got(store, &searching("nothing")))),
        ("search, every chat found", Box::new(|store| got(store, &searching("store")))),
        ("search of im/v2, one chat found", Box::new(second)),
    ];
    let smallest = stores.first().map_or(0, |store| store.count);
    let mut rows = Vec::new();
    for (name, script) in &kinds {
        announce(&format!("chats: {name}"));
        let scripts = stores.iter().map(script).collect::<Res<Vec<_>>>()?;
        rows.push((name, turns(run, stores.iter().zip(scripts))?));
    }
    for (index, store) in stores.iter().enumerate() {
        table.section(format!("Lists and searches, the caller being in each of {} chats", store.count));
        for (name, rounds) in &rows {
            let row = load_row(**name, &rounds[index]);
            table.row(if index == 0 {
                row
            } else {
                let quiet = quiet(&[&rounds[index], &rounds[0]]);
                row.against(&format!("p50 / p50 at {smallest}"), ratio(&rounds[index], &rounds[0], p50, p50))
                    .should_be(FLAT, quiet)
            });
        }
    }
    Ok(())
}

/// Pages of the large chat against the same pages of the small one.
fn by_chat(run: &Run, table: &mut Table, store: &Sized) -> Res<()> {
    table.section(format!("A chat of {LARGE} members, in the store of {} chats", store.count));
    for (name, path) in [("members, 20 on a page", "members"), ("moderators, 20 on a page", "moderation")] {
        announce(name);
        let paths = [&store.filled.small, &store.filled.large]
            .map(|chat| format!("{CHATS}/{chat}/{path}?page_size=20"));
        let scripts = [got(store, &paths[0])?, got(store, &paths[1])?, deep(store, &paths[1])?]
            .map(|script| (store, script));
        let rounds = turns(run, scripts.into_iter())?;
        table.row(load_row(format!("{name}, of {SMALL}"), &rounds[0]));
        for (place, name) in
            [(1, format!("{name}, of {LARGE}")), (2, format!("{name}, of {LARGE}, behind 40 pages"))]
        {
            let quiet = quiet(&[&rounds[place], &rounds[0]]);
            let against = ratio(&rounds[place], &rounds[0], p50, p50);
            table.row(
                load_row(name, &rounds[place])
                    .against(&format!("p50 / p50 of {SMALL}"), against)
                    .should_be(FLAT, quiet),
            );
        }
    }
    Ok(())
}

fn turns<'a>(run: &Run, of: impl Iterator<Item = (&'a Sized, Script)>) -> Res<Vec<Vec<Measured>>> {
    let mut contenders: Vec<_> = of
        .map(|(store, script)| {
            let process = &store.product.process;
            let plan = Plan { address: process.address, connections: CONNECTIONS, script, processor: None };
            Contender::load(store.count.to_string(), vec![plan], process.pid(), run.times)
        })
        .collect();
    take_turns(run.rounds, &mut contenders)
}

fn searching(query: &str) -> String {
    format!("{CHATS}/search?query={query}")
}

fn got(store: &Sized, path: &str) -> Res<Script> {
    let request = request("GET", path, Some(&store.product.token), None);
    let answer = store.product.call(&request)?;
    if answer.status != 200 {
        return Err(format!("{path}: {}", String::from_utf8_lossy(&answer.body)).into());
    }
    Ok(reading(vec![request]))
}

/// The page behind [`DEEP`] others, or the last one.
fn deep(store: &Sized, path: &str) -> Res<Script> {
    let mut page = path.to_owned();
    for _ in 0..DEEP {
        let request = request("GET", &page, Some(&store.product.token), None);
        let answer = store.product.call(&request)?.json()?;
        let token = answer["data"]["page_token"].as_str().ok_or_else(|| format!("{page}: {answer}"))?;
        if token.is_empty() {
            break;
        }
        page = format!("{path}&page_token={token}");
    }
    got(store, &page)
}

fn second(store: &Sized) -> Res<Script> {
    let body =
        r#"{"query":"000000000123","filter":{"search_types":["private"]},"sorter":"member_count_desc"}"#;
    let path = "/open-apis/im/v2/chats/search";
    let request = request("POST", path, Some(&store.product.token), Some(body));
    if store.product.call(&request)?.status != 200 {
        return Err("a search of im/v2 was refused".into());
    }
    Ok(reading(vec![request]))
}
