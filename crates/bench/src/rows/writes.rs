//! Durable creates: over HTTP, in the store alone, and on the bare disk.

use super::{Contender, Run, announce, load_row, over, quiet, ratio, take_turns};
use crate::Res;
use crate::disk::{self, RawLog};
use crate::embedded::{self, StoreRate};
use crate::load::{Measured, Plan};
use crate::process::Process;
use crate::product::{Product, create_body, creating};
use crate::report::{Row, Table};
use crate::stats::Goal;

/// The result of one turn.
enum Turn {
    Http(Measured),
    Store(StoreRate),
    Raw(RawLog),
}

/// Creates of tags with new names by several numbers of clients.
pub(crate) fn measure(run: &Run, table: &mut Table) -> Res<()> {
    let group_store = run.place.fresh("writes")?;
    // Stopped once, so that the yardsticks have the same world and its tokens.
    let first = Product::start(&run.place, &group_store, None)?;
    first.process.end()?;
    let single_store = run.place.copy_of(&group_store, "writes-single")?;
    let alone_group = run.place.copy_of(&group_store, "writes-store-group")?;
    let alone_single = run.place.copy_of(&group_store, "writes-store-single")?;
    let product = Product::start(&run.place, &group_store, None)?;
    let single = Process::yardstick(&["per-request-commit", &single_store.to_string_lossy()], None)?;
    let script = creating(&product.token)?;
    let record = create_body("Bench tag 000000000000").into_bytes();
    let quick = super::Duration::from_millis(300).min(run.alone());
    for &clients in &run.clients {
        announce(&format!("creates by {clients}"));
        let plan = |server: &Process| {
            vec![Plan {
                address: server.address,
                connections: clients,
                script: script.clone(),
                processor: None,
            }]
        };
        let (ours, theirs) = (plan(&product.process), plan(&single));
        let (alone, place) = (run.alone(), &run.place.directory);
        let mut contenders = [
            Contender::new("HTTP", || {
                crate::load::run(&ours, &product.process.pid().into(), run.times).map(Turn::Http)
            }),
            Contender::new("HTTP, a commit each", || {
                crate::load::run(&theirs, &single.pid().into(), run.times).map(Turn::Http)
            }),
            Contender::new("store", || {
                // The first moment opens files and prepares statements.
                embedded::creates(&alone_group, clients, true, quick)?;
                embedded::creates(&alone_group, clients, true, alone).map(Turn::Store)
            }),
            Contender::new("store, a commit each", || {
                embedded::creates(&alone_single, clients, false, quick)?;
                embedded::creates(&alone_single, clients, false, alone).map(Turn::Store)
            }),
            Contender::new("raw log", || disk::raw_log(place, &record, clients, alone).map(Turn::Raw)),
        ];
        let turns = take_turns(run.rounds, &mut contenders)?;
        rows(table, clients, turns)?;
    }
    Ok(())
}

fn rows(table: &mut Table, clients: usize, turns: Vec<Vec<Turn>>) -> Res<()> {
    let mut http = Vec::new();
    let mut store = Vec::new();
    let mut raw = Vec::new();
    for contender in turns {
        let (mut measured, mut rates, mut logs) = (Vec::new(), Vec::new(), Vec::new());
        for turn in contender {
            match turn {
                Turn::Http(it) => measured.push(it),
                Turn::Store(it) => rates.push(it),
                Turn::Raw(it) => logs.push(it),
            }
        }
        http.extend((!measured.is_empty()).then_some(measured));
        store.extend((!rates.is_empty()).then_some(rates));
        raw.extend((!logs.is_empty()).then_some(logs));
    }
    let ([ours, single], [group, each], [raw]) = (http.as_slice(), store.as_slice(), raw.as_slice()) else {
        return Err("five contenders".into());
    };
    let calm = quiet(&[ours, single]);
    table.section(format!("Durable creates by {clients} client{}", if clients == 1 { "" } else { "s" }));
    table.row(load_row("Larkspur with a commit for each request", single));
    table.row(store_row("the store without HTTP, a commit each", each));
    table.row(store_row("the store without HTTP, group commit", group));
    table.row(Row {
        rate: over(raw, |log| log.rate),
        p50_us: over(raw, |log| log.latency.quantile_us(0.50)),
        p99_us: over(raw, |log| log.latency.quantile_us(0.99)),
        ..Row::named(if clients == 1 {
            "raw append + fdatasync of the same bytes"
        } else {
            "raw append + fdatasync of the same bytes, shared"
        })
    });
    let gain = ratio(ours, single, Measured::rate, Measured::rate);
    let row =
        load_row(format!("**Larkspur, {clients} client{}**", if clients == 1 { "" } else { "s" }), ours);
    if clients == 1 {
        let p50 = |m: &Measured| m.loads[0].latency.quantile_us(0.5);
        let slower = ratio(ours, raw, p50, |log| log.latency.quantile_us(0.5));
        table.row(row.against("p50 / raw append + fdatasync p50", slower).note("aim ≤ 2".to_owned()));
        return Ok(());
    }
    let row = row.against("creates/s / a commit each", gain);
    table.row(if clients == 64 { row.should_be(Goal::AtLeast(5.0), calm) } else { row });
    table.row(
        Row::named("against the store without HTTP")
            .against("creates/s / store alone", ratio(ours, group, Measured::rate, |store| store.rate)),
    );
    table.row(
        Row::named("against the raw log")
            .against("creates/s / raw log", ratio(ours, raw, Measured::rate, |log| log.rate)),
    );
    Ok(())
}

fn store_row(name: &str, rounds: &[StoreRate]) -> Row {
    Row {
        cpu_us: over(rounds, |store| store.cpu_us),
        rate: over(rounds, |store| store.rate),
        p50_us: over(rounds, |store| store.latency.quantile_us(0.50)),
        p99_us: over(rounds, |store| store.latency.quantile_us(0.99)),
        ..Row::named(name)
    }
}
