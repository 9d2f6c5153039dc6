//! Reads of tags: the whole product against servers that answer the same bytes.

use std::fs;

use super::{Contender, Run, announce, had_a_processor, load_row, quiet, ratio, take_turns};
use crate::Res;
use crate::load::{Measured, Plan};
use crate::process::Process;
use crate::product::{Product, creating, get_tags, reading};
use crate::report::{Row, Table};
use crate::stats::{Goal, Spread};

/// Connections of a reading load.
const CONNECTIONS: usize = 64;

/// Queries of one tag and of 40, for the main figures: processor time per request.
pub(crate) fn measure(run: &Run, table: &mut Table) -> Res<()> {
    for (tags, goal, next) in [(1, 0.70, 0.80), (40, 0.45, 0.55)] {
        announce(&format!("GET {tags}"));
        one(run, table, tags, goal, next)?;
    }
    announce("GET 1 tag, recorded");
    recorded(run, table)?;
    announce("GET 40 tags while creates saturate");
    beside_creates(run, table)
}

/// What a call costs more that is recorded: two servers, of which one records.
fn recorded(run: &Run, table: &mut Table) -> Res<()> {
    let mut servers = Vec::new();
    for (name, record) in [("not-recorded", "off"), ("recorded", "on")] {
        let store = run.place.fresh(name)?;
        let settings = [("LARKSPUR_TRAFFIC_RECORD", record)];
        let server = Product::with_settings(&run.place, &store, run.server_processor(), &settings)?;
        let request = get_tags(&server.token, &server.make_tags(1)?);
        // From now on it answers from memory.
        server.call(&request)?;
        servers.push((server, request));
    }
    let mut contenders = Vec::new();
    for (name, (server, request)) in ["not recorded", "recorded"].into_iter().zip(&servers) {
        let plan = Plan {
            address: server.process.address,
            connections: CONNECTIONS,
            script: reading(vec![request.clone()]),
            processor: run.load_processor(),
        };
        contenders.push(Contender::load(name, vec![plan], server.process.pid(), run.times));
    }
    let rounds = take_turns(run.rounds, &mut contenders)?;
    let [plain, recorded] = rounds.as_slice() else { return Err("two contenders".into()) };
    table.section(format!("GET 1 tag, recorded and not: {CONNECTIONS} connections, from memory"));
    let calm = quiet(&[plain, recorded]) && (!run.pinned || had_a_processor(recorded));
    table.row(load_row("not recorded", plain));
    let pairs = recorded.iter().zip(plain);
    let more = Spread::of(pairs.map(|(recorded, plain)| recorded.cpu_us() - plain.cpu_us()));
    table.row(
        load_row("**recorded**", recorded).against("CPU µs more", more).should_be(Goal::Below(0.8), calm),
    );
    Ok(())
}

fn one(run: &Run, table: &mut Table, tags: usize, goal: f64, next: f64) -> Res<()> {
    let store = run.place.fresh("reads")?;
    // Filled and stopped first, so that the SQLite yardstick can copy the store.
    let filled = Product::start(&run.place, &store, None)?;
    let ids = filled.make_tags(tags)?;
    filled.process.end()?;
    let copy = run.place.copy_of(&store, "reads-inline")?;

    let product = Product::start(&run.place, &store, run.server_processor())?;
    let request = get_tags(&product.token, &ids);
    // The first answer comes from the store, the second from memory; both have the same body.
    let (first, second) = (product.call(&request)?, product.call(&request)?);
    if first.status != 200 || first.body != second.body {
        return Err("two answers to the same query differ".into());
    }
    let answer = store.join("bench-answer");
    fs::write(&answer, [second.head.as_slice(), second.body.as_slice()].concat())?;
    let (answer, copy) = (answer.to_string_lossy().into_owned(), copy.to_string_lossy().into_owned());
    let yardstick = |words: &[&str]| Process::yardstick(words, run.server_processor());
    let hyper = yardstick(&["hyper", &answer])?;
    let axum = yardstick(&["axum", &answer])?;
    let inline = yardstick(&["sqlite-inline", &answer, &copy])?;
    for server in [&hyper, &axum, &inline] {
        let same = crate::process::call(server.address, &request)?;
        if same.body != second.body || same.head.len() != second.head.len() {
            let (theirs, ours) = (String::from_utf8_lossy(&same.head), String::from_utf8_lossy(&second.head));
            return Err(format!("a yardstick does not answer the same bytes:\n{theirs}{ours}").into());
        }
    }
    let plan = |server: &Process| {
        vec![Plan {
            address: server.address,
            connections: CONNECTIONS,
            script: reading(vec![request.clone()]),
            processor: run.load_processor(),
        }]
    };
    let mut contenders = Vec::new();
    for (name, server) in
        [("hyper", &hyper), ("axum", &axum), ("SQLite inline", &inline), ("Larkspur", &product.process)]
    {
        contenders.push(Contender::load(name, plan(server), server.pid(), run.times));
    }
    let rounds = take_turns(run.rounds, &mut contenders)?;
    let [hyper, axum, inline, ours] = rounds.as_slice() else { return Err("four contenders".into()) };
    let what = format!("GET {tags} tag{}", if tags == 1 { "" } else { "s" });
    let body = second.body.len();
    table.section(format!(
        "{what}: {body} bytes, {CONNECTIONS} connections, from memory; ratio of processor time"
    ));
    let calm = quiet(&[hyper, ours]) && (!run.pinned || had_a_processor(ours));
    table.row(load_row("bare hyper, same bytes", hyper));
    table.row(load_row("axum, same bytes", axum));
    table.row(load_row("SQLite read inline, same bytes", inline));
    let saved = ratio(inline, ours, Measured::cpu_us, Measured::cpu_us);
    table.row(
        load_row(format!("**Larkspur, {what}**"), ours)
            .against("bare hyper / Larkspur", ratio(hyper, ours, Measured::cpu_us, Measured::cpu_us))
            .should_be(Goal::AtLeast(goal), calm)
            .note(format!("next goal ≥ {next}")),
    );
    table.row(
        Row::named("Larkspur against axum")
            .against("axum / Larkspur", ratio(axum, ours, Measured::cpu_us, Measured::cpu_us)),
    );
    table.row(Row::named("Larkspur against SQLite inline").against("SQLite inline / Larkspur", saved));
    Ok(())
}

/// Latency of reads while durable creates keep every processor busy.
fn beside_creates(run: &Run, table: &mut Table) -> Res<()> {
    let store = run.place.fresh("beside")?;
    let product = Product::start(&run.place, &store, None)?;
    let ids = product.make_tags(40)?;
    let address = product.process.address;
    let readers = Plan {
        address,
        connections: 16,
        script: reading(vec![get_tags(&product.token, &ids)]),
        processor: None,
    };
    let writers = Plan { address, connections: 64, script: creating(&product.token)?, processor: None };
    let pid = product.process.pid();
    let mut contenders = [
        Contender::load("reads alone", vec![readers.clone()], pid, run.times),
        Contender::load("creates alone", vec![writers.clone()], pid, run.times),
        Contender::load("both", vec![readers, writers], pid, run.times),
    ];
    let rounds = take_turns(run.rounds, &mut contenders)?;
    let [alone, creates, both] = rounds.as_slice() else { return Err("three contenders".into()) };
    table.section(
        "GET 40 tags (16 connections) while 64 connections create, all on the same processors".to_owned(),
    );
    table.row(load_row("reads alone", alone));
    table.row(load_row("creates alone", creates));
    let mut row = load_row("**reads beside creates**", both)
        .against("requests/s beside / alone", ratio(both, alone, Measured::rate, Measured::rate))
        .note(match super::over(both, |m| m.loads[1].answers as f64 / m.seconds) {
            Some(spread) => format!("with {:.0} creates/s", spread.median),
            None => String::new(),
        });
    // The processor time includes reads and creates.
    row.cpu_us = None;
    table.row(row);
    let p50 = |m: &Measured| m.loads[0].latency.quantile_us(0.5);
    table.row(Row::named("their p50").against("p50 beside / alone", ratio(both, alone, p50, p50)));
    Ok(())
}
