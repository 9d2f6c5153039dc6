//! Lists and searches of chats, on stores of several sizes; and pages of a large chat, compared with a small one.

use std::time::Instant;

use super::{Contender, Run, announce, load_row, quiet, ratio, take_turns};
use crate::Res;
use crate::filled::{self, Filled, LARGE, SMALL};
use crate::load::{Measured, Plan, Script};
use crate::machine::Group;
use crate::process::request;
use crate::product::{Product, reading};
use crate::report::{Row, Table};
use crate::stats::{Goal, Spread};

/// Connections of a load: few, to measure answers and not a queue.
const CONNECTIONS: usize = 2;
/// The number of pages before a deep page.
const DEEP: usize = 40;
/// The highest ratio for a larger store, or a larger chat.
const FLAT: Goal = Goal::Below(1.5);
/// The longest allowed call, in milliseconds.
const LONGEST: Goal = Goal::Below(100.0);

pub(super) const CHATS: &str = "/open-apis/im/v1/chats";

/// A request for stores of several sizes: its name, and how to make the load for a store.
pub(super) type Kind = (&'static str, Box<dyn Fn(&Store) -> Res<Script>>);

/// A store of one size.
pub(super) struct Store {
    pub(super) count: u64,
    pub(super) product: Product,
    /// The processes whose time is counted.
    pub(super) group: Group,
    pub(super) filled: Filled,
    /// Its tags.
    pub(super) ids: Vec<i64>,
}

/// Fills a store of each size and measures them in turn.
pub(crate) fn measure(run: &Run, table: &mut Table) -> Res<()> {
    let (mut stores, mut folders) = (Vec::new(), Vec::new());
    for &count in &run.chats {
        announce(&format!("a store of {count} chats"));
        let store = run.place.fresh(&format!("chats-{count}"))?;
        Product::start(&run.place, &store, None)?.process.end()?;
        let begun = Instant::now();
        let filled = filled::chats(&store, count)?;
        eprintln!("  filled in {:.1} s", begun.elapsed().as_secs_f64());
        let product = Product::start(&run.place, &store, None)?;
        let group = product.process.pid().into();
        stores.push(Store { count, product, group, filled, ids: Vec::new() });
        folders.push(store);
    }
    let mut kinds = kinds();
    kinds.extend([
        kind("list, behind 40 pages of 100", |store| deep(store, &format!("{CHATS}?page_size=100"))),
        kind("search, nothing found", |store| got(store, &searching("nothing"))),
        kind("search of im/v2, one chat found", second),
    ]);
    let title = |count| format!("Lists and searches, the caller being in each of {count} chats");
    by_store(run, table, &stores, &kinds, &title, |name, rounds| load_row(name, rounds))?;
    if let Some(largest) = stores.last() {
        by_chat(run, table, largest)?;
    }
    for (store, folder) in stores.into_iter().zip(folders) {
        store.product.process.end()?;
        drop(std::fs::remove_dir_all(folder));
    }
    Ok(())
}

pub(super) fn kind(name: &'static str, script: impl Fn(&Store) -> Res<Script> + 'static) -> Kind {
    (name, Box::new(script))
}

/// The lists and searches that are measured on every kind of store.
///
/// With two words, the longer one is searched, and its results are checked for the other: a common word together with
/// one that no name has is the most expensive search.
pub(super) fn kinds() -> Vec<Kind> {
    let listing = |name, order: &'static str| {
        kind(name, move |store| got(store, &format!("{CHATS}?page_size=20&sort_type={order}")))
    };
    let search = |name, query: &'static str| kind(name, move |store| got(store, &searching(query)));
    vec![
        listing("list, the oldest first", "ByCreateTimeAsc"),
        listing("list, the most active first", "ByActiveTimeDesc"),
        search("search, one chat found", "000000000123"),
        search("search, a member's name", "p000000123"),
        search("search, every chat found", "store"),
        search("search, two words, one chat found", "000000000123%20store"),
        search("search, two words, every chat found", "store%20chat"),
        search("search, two words, one of them nowhere", "store%20none"),
    ]
}

fn p50(measured: &Measured) -> f64 {
    measured.loads[0].latency.quantile_us(0.5)
}

/// The longest call, in milliseconds.
fn longest(measured: &Measured) -> f64 {
    measured.loads[0].latency.quantile_us(1.0) / 1000.0
}

/// Sends the same requests to every store: a section for each, with the ratio to the first one, the smallest.
pub(super) fn by_store(
    run: &Run,
    table: &mut Table,
    stores: &[Store],
    kinds: &[Kind],
    title: &dyn Fn(u64) -> String,
    row: fn(&str, &[Measured]) -> Row,
) -> Res<()> {
    let smallest = stores.first().map_or(0, |store| store.count);
    let mut all = Vec::new();
    for (name, script) in kinds {
        announce(&format!("chats: {name}"));
        let scripts = stores.iter().map(script).collect::<Res<Vec<_>>>()?;
        all.push((*name, turns(run, stores.iter().zip(scripts))?));
    }
    for (index, store) in stores.iter().enumerate() {
        table.section(title(store.count));
        for (name, rounds) in &all {
            let row = row(name, &rounds[index]);
            table.row(if index == 0 {
                row
            } else {
                let quiet = quiet(&[&rounds[index], &rounds[0]]);
                row.against(&format!("p50 / p50 at {smallest}"), ratio(&rounds[index], &rounds[0], p50, p50))
                    .should_be(FLAT, quiet)
            });
        }
        let of_store: Vec<_> = all.iter().map(|(name, rounds)| (*name, rounds[index].as_slice())).collect();
        table.row(longest_row(run.rounds, &of_store));
    }
    Ok(())
}

/// The longest call of each round, and the request of the longest of all.
fn longest_row(rounds: usize, kinds: &[(&str, &[Measured])]) -> Row {
    let of_round = |round: usize| kinds.iter().map(|(_, all)| longest(&all[round])).fold(0.0, f64::max);
    let of_kind = |all: &[Measured]| all.iter().map(longest).fold(0.0, f64::max);
    let slowest = kinds.iter().max_by(|(_, one), (_, other)| of_kind(one).total_cmp(&of_kind(other)));
    let all: Vec<&[Measured]> = kinds.iter().map(|(_, all)| *all).collect();
    Row::named("the longest of these calls")
        .against("ms", Spread::of((0..rounds).map(of_round)))
        .should_be(LONGEST, quiet(&all))
        .note(slowest.map_or_else(String::new, |(name, _)| (*name).to_owned()))
}

/// Compares pages of the large chat with the same pages of the small one.
fn by_chat(run: &Run, table: &mut Table, store: &Store) -> Res<()> {
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

fn turns<'a>(run: &Run, of: impl Iterator<Item = (&'a Store, Script)>) -> Res<Vec<Vec<Measured>>> {
    let mut contenders: Vec<_> = of
        .map(|(store, script)| {
            let address = store.product.process.address;
            let plan = Plan { address, connections: CONNECTIONS, script, processor: None };
            Contender::load(store.count.to_string(), vec![plan], store.group.clone(), run.short())
        })
        .collect();
    take_turns(run.rounds, &mut contenders)
}

fn searching(query: &str) -> String {
    format!("{CHATS}/search?query={query}")
}

/// A load of one request that succeeds.
pub(super) fn got(store: &Store, path: &str) -> Res<Script> {
    let request = request("GET", path, Some(&store.product.token), None);
    let answer = store.product.call(&request)?;
    if answer.status != 200 {
        return Err(format!("{path}: {}", String::from_utf8_lossy(&answer.body)).into());
    }
    Ok(reading(vec![request]))
}

/// The page after [`DEEP`] others, or the last one.
pub(super) fn deep(store: &Store, path: &str) -> Res<Script> {
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

fn second(store: &Store) -> Res<Script> {
    let body =
        r#"{"query":"000000000123","filter":{"search_types":["private"]},"sorter":"member_count_desc"}"#;
    let path = "/open-apis/im/v2/chats/search";
    let request = request("POST", path, Some(&store.product.token), Some(body));
    if store.product.call(&request)?.status != 200 {
        return Err("a search of im/v2 was refused".into());
    }
    Ok(reading(vec![request]))
}
