//! Snapshots of worlds: saving and putting back the demo world, and a world of 10,000 tags.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{Contender, Run, announce, median_noise, take_turns};
use crate::Res;
use crate::embedded;
use crate::machine::{self, Moment, Noise};
use crate::product::{Product, create_body};
use crate::report::{Row, Table};
use crate::stats::{Goal, Spread};

/// The tags of the large world.
const TAGS: u64 = 10_000;
/// Calls of a turn: of the demo world, and of the large one.
const CALLS: (usize, usize) = (20, 3);
/// The goals, in milliseconds.
const GOALS: (f64, f64) = (5.0, 150.0);

/// What a turn took: the median of its calls in milliseconds, and what else the machine did.
struct Turn {
    millis: f64,
    noise: Noise,
}

/// A world whose calls are timed.
struct Place<'a> {
    product: &'a Product,
    /// The path of the world.
    path: String,
    token: String,
    calls: usize,
}

/// Saves and restores both worlds.
pub(crate) fn measure(run: &Run, table: &mut Table) -> Res<()> {
    let store = run.place.fresh("worlds")?;
    Product::start(&run.place, &store, None)?.process.end()?;
    let count = TAGS.min(run.sizes.iter().copied().max().unwrap_or(TAGS));
    embedded::populate(&store, count)?;
    let alone = Alone::of(&run.place.copy_of(&store, "worlds-alone")?)?;
    let product = Product::start(&run.place, &store, None)?;
    let worlds = product.control("GET", "/larkspur/v1/worlds", "")?;
    let large = worlds["worlds"][0]["tenant_key"].as_str().ok_or("there is no world")?.to_owned();
    let demo = product.world(false)?;
    let place = |key: &str, token: &str, calls| Place {
        product: &product,
        path: format!("/larkspur/v1/worlds/{key}"),
        token: token.to_owned(),
        calls,
    };
    announce("snapshots of the demo world");
    table.section("Snapshots of the demo world".to_owned());
    rows(run, table, &place(demo.tenant_key(), &demo.token, CALLS.0), &alone, GOALS.0)?;
    announce("snapshots of many tags");
    table.section(format!("Snapshots of a world of {count} tags"));
    rows(run, table, &place(&large, &product.token, CALLS.1), &alone, GOALS.1)?;
    product.process.end()
}

fn rows(run: &Run, table: &mut Table, place: &Place<'_>, alone: &Alone, goal: f64) -> Res<()> {
    place.post("/snapshots", r#"{"name":"state"}"#)?;
    let restore = || place.post("/snapshots/state/restore", "{}");
    let mut contenders = [
        Contender::new("SQLite alone", || turn(place, || Ok(()), || alone.copy())),
        Contender::new("save", || {
            let delete = || place.call("DELETE", "/snapshots/bench", "");
            turn(place, || delete().or(Ok(())), || place.post("/snapshots", r#"{"name":"bench"}"#))
        }),
        Contender::new("restore, one tag more", || turn(place, || place.tag(), restore)),
        Contender::new("restore, all gone", || {
            turn(place, || place.post("/reset", r#"{"to":"empty"}"#), restore)
        }),
    ];
    let turns = take_turns(run.rounds, &mut contenders)?;
    let names = [
        "SQLite alone: deletes and copies 10000 tags",
        "save",
        "restore, one tag more",
        "restore, everything gone",
    ];
    for (name, rounds) in names.into_iter().zip(&turns) {
        let noise: Vec<Noise> = rounds.iter().map(|turn| turn.noise).collect();
        let noise = median_noise(&noise);
        let millis = Spread::of(rounds.iter().map(|turn| turn.millis));
        let row = Row { noise, ..Row::named(name) }.against("ms", millis);
        if !name.starts_with("restore") {
            table.row(row);
            continue;
        }
        let row = Row { name: format!("**{name}**"), ..row };
        table.row(row.should_be(Goal::Below(goal), noise.is_some_and(Noise::is_quiet)));
    }
    for (name, rounds) in names.into_iter().zip(&turns).skip(1) {
        let by = rounds.iter().zip(&turns[0]).map(|(turn, alone)| turn.millis / alone.millis);
        table.row(
            Row::named(format!("{name}, against it")).against("ms / ms of SQLite alone", Spread::of(by)),
        );
    }
    Ok(())
}

/// Times calls, each after its preparation.
fn turn(
    place: &Place<'_>,
    mut prepare: impl FnMut() -> Res<()>,
    mut call: impl FnMut() -> Res<()>,
) -> Res<Turn> {
    let pid = place.product.process.pid();
    let spent = || -> Res<u64> { Ok(machine::cpu_ns(pid)? + machine::cpu_ns(std::process::id())?) };
    let (moment, before, begun) = (Moment::now()?, spent()?, Instant::now());
    let mut all = Vec::new();
    for _ in 0..place.calls {
        prepare()?;
        let start = Instant::now();
        call()?;
        all.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    // The kernel counts in steps of ten milliseconds.
    std::thread::sleep(Duration::from_millis(100));
    let noise = moment.until(&Moment::now()?, spent()?.saturating_sub(before), begun.elapsed().as_secs_f64());
    let millis = Spread::of(all).ok_or("no calls")?.median;
    Ok(Turn { millis, noise })
}

impl Place<'_> {
    fn post(&self, path: &str, body: &str) -> Res<()> {
        self.call("POST", path, body)
    }

    fn call(&self, method: &str, path: &str, body: &str) -> Res<()> {
        self.product.control(method, &format!("{}{path}", self.path), body).map(drop)
    }

    /// Creates a tag.
    fn tag(&self) -> Res<()> {
        self.product.make_tag(&self.token, &create_body("One tag more")).map(drop)
    }
}

/// The tags in a database, without the product.
struct Alone(Connection);

impl Alone {
    fn of(store: &Path) -> Res<Self> {
        let path: PathBuf = store.join("larkspur.db");
        let database = Connection::open(path)?;
        database.execute_batch(
            "PRAGMA cache_size = -65536; PRAGMA synchronous = FULL; CREATE TABLE bench_tag AS SELECT * FROM tag;",
        )?;
        Ok(Alone(database))
    }

    /// Deletes all tags and copies them back, in one durable transaction: the least that a restore of them costs.
    fn copy(&self) -> Res<()> {
        let sql = "BEGIN IMMEDIATE; DELETE FROM tag; INSERT INTO tag SELECT * FROM bench_tag; COMMIT;";
        Ok(self.0.execute_batch(sql)?)
    }
}
