//! Events: what a subscription costs writers, how fast events are delivered by long connection, and what idle connections
//! cost.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{Contender, Run, announce, load_row, median_noise, over, quiet, ratio, take_turns};
use crate::Res;
use crate::listener::{self, Heard, Listener};
use crate::load::{Measured, Plan, Times};
use crate::machine::{self, Noise, Watch};
use crate::process::exchange;
use crate::product::{Product, World, renaming};
use crate::report::{Row, Table};
use crate::stats::{Goal, Histogram, Spread};

/// Clients that write.
const CLIENTS: usize = 64;
/// Chats that they rename in turn.
const CHATS: usize = 64;
/// Events in a second that one connection should sustain.
const DELIVERED: f64 = 20_000.0;
/// Writers of the paced load, each with a connection of its own.
const PACED: u32 = 64;
/// The most connections that are measured, and the most of one app.
const IDLE: (usize, usize) = (10_000, 50);
/// Files that the programs need besides.
const OTHER_FILES: usize = 300;
/// How long to wait for events that were written.
const PATIENCE: Duration = Duration::from_secs(120);

/// All parts.
pub(crate) fn measure(run: &Run, table: &mut Table) -> Res<()> {
    let store = run.place.fresh("events")?;
    let product = Product::start(&run.place, &store, None)?;
    writers(run, table, &product)?;
    delivery(run, table, &product)?;
    delays(run, table, &product)?;
    product.process.end()?;
    idle(run, table)
}

/// A world with chats, and the load that renames them.
struct Chats {
    world: World,
    plan: Plan,
}

impl Chats {
    fn make(product: &Product, subscribed: bool) -> Res<Self> {
        let world = product.world(subscribed)?;
        let chats = (0..CHATS).map(|_| product.make_chat(&world.token)).collect::<Res<Vec<_>>>()?;
        let script = renaming(&world.token, &chats)?;
        let plan = Plan { address: product.process.address, connections: CLIENTS, script, processor: None };
        Ok(Chats { world, plan })
    }
}

/// The same writes with and without a subscribed app.
fn writers(run: &Run, table: &mut Table, product: &Product) -> Res<()> {
    announce("writers of events");
    let (alone, heard) = (Chats::make(product, false)?, Chats::make(product, true)?);
    let listener = Listener::connect(product.process.address, &heard.world)?;
    let pid = product.process.pid();
    let load = |chats: &Chats| crate::load::run(std::slice::from_ref(&chats.plan), &pid.into(), run.times);
    let mut meanwhile = Vec::new();
    let mut contenders = [
        Contender::new("without a subscription", || load(&alone)),
        Contender::new("with a subscription", || {
            let before = listener.heard.count();
            let measured = load(&heard)?;
            let count = listener.heard.count() - before;
            meanwhile.push(count as f64 / (run.times.warmup + run.times.measure).as_secs_f64());
            // What is left is delivered before the next turn, so that it does not disturb that.
            settled(&listener.heard);
            Ok(measured)
        }),
    ];
    let turns = take_turns(run.rounds, &mut contenders)?;
    drop(contenders);
    let [without, with] = turns.as_slice() else { return Err("two contenders".into()) };
    table.section(format!(
        "Durable renames of chats by {CLIENTS} clients, each an event of one app in the chat"
    ));
    table.row(load_row("without a subscription", without));
    let kept = ratio(with, without, Measured::rate, Measured::rate);
    let row = load_row("**with one subscribed app, by long connection**", with);
    let calm = quiet(&[without, with]);
    table.row(row.against("renames/s / without", kept).should_be(Goal::AtLeast(0.8), calm));
    table.row(Row::named("events delivered meanwhile").against("events/s", Spread::of(meanwhile)));
    Ok(())
}

/// Waits until nothing more is heard for a while.
fn settled(heard: &Heard) {
    let begun = Instant::now();
    let (mut count, mut since) = (heard.count(), Instant::now());
    while since.elapsed() < Duration::from_millis(1500) && begun.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(20));
        if heard.count() > count {
            (count, since) = (heard.count(), Instant::now());
        }
    }
}

/// A round of deliveries.
struct Round {
    /// Events in a second.
    rate: f64,
    delays: Histogram,
    /// Processor time of the server for each event, in microseconds.
    cpu_us: f64,
    noise: Noise,
}

/// A row of such rounds, and whether the machine did little else.
fn row(name: &str, rounds: &[Round]) -> (Row, bool) {
    let all: Vec<Noise> = rounds.iter().map(|round| round.noise).collect();
    let noise = median_noise(&all);
    let row = Row {
        cpu_us: over(rounds, |round| round.cpu_us),
        rate: over(rounds, |round| round.rate),
        noise,
        ..Row::named(name)
    };
    (row, noise.is_some_and(Noise::is_quiet))
}

/// How many events wait, about.
const WAITING: u64 = 6_000;

/// Events that wait, and go to one client as fast as they can.
fn delivery(run: &Run, table: &mut Table, product: &Product) -> Res<()> {
    announce("delivery by long connection");
    let (address, pid) = (product.process.address, product.process.pid());
    // In short bursts, so that not many more are written: of an app, 10,000 events are kept.
    let times = Times { warmup: Duration::ZERO, measure: Duration::from_millis(50) };
    let mut rounds = Vec::new();
    for _ in 0..run.rounds {
        // A new one each time, so that none of the events of the last one is left.
        let chats = Chats::make(product, true)?;
        let mut written = 0;
        while written < WAITING {
            let load = crate::load::run(std::slice::from_ref(&chats.plan), &pid.into(), times)?;
            written += load.loads[0].answers;
        }
        let (watch, begun) = (Watch::start(pid.into())?, Instant::now());
        let listener = Listener::connect(address, &chats.world)?;
        listener.heard.wait_for(written, PATIENCE)?;
        let (count, span) = (listener.heard.count(), begun.elapsed());
        let (spent, noise) = watch.end()?;
        settled(&listener.heard);
        rounds.push(Round {
            rate: count as f64 / span.as_secs_f64(),
            delays: Histogram::default(),
            cpu_us: spent.servers as f64 / 1000.0 / count as f64,
            noise,
        });
    }
    table.section("Delivery to one client by one long connection, each event acknowledged".to_owned());
    let (row, calm) = row("**events that wait when the client connects**", &rounds);
    let rate = over(&rounds, |round| round.rate);
    table.row(row.against("events/s", rate).should_be(Goal::AtLeast(DELIVERED), calm));
    Ok(())
}

/// From the answer to a write, which is sent after its commit, to the frame of its event, at a tenth of the rate that is wanted.
fn delays(run: &Run, table: &mut Table, product: &Product) -> Res<()> {
    announce("delays of events");
    let (address, pid) = (product.process.address, product.process.pid());
    let chats = Chats::make(product, true)?;
    let every = Duration::from_secs_f64(f64::from(PACED) / (DELIVERED / 10.0));
    let mut rounds = Vec::new();
    for _ in 0..run.rounds {
        let listener = Listener::connect(address, &chats.world)?;
        let watch = Watch::start(pid.into())?;
        let (answered, seconds) = paced(&chats.plan, every, run.times)?;
        let sent = answered.len() as u64;
        listener.heard.wait_for(sent, PATIENCE)?;
        let (spent, noise) = watch.end()?;
        rounds.push(Round {
            rate: sent as f64 / seconds,
            delays: listener.heard.delays(&answered)?,
            cpu_us: spent.servers as f64 / 1000.0 / sent as f64,
            noise,
        });
    }
    let (row, calm) = row("**from the answer to a write to its frame, at a tenth of that**", &rounds);
    let row = Row {
        p50_us: over(&rounds, |round| round.delays.quantile_us(0.50)),
        p99_us: over(&rounds, |round| round.delays.quantile_us(0.99)),
        ..row
    };
    let p99 = over(&rounds, |round| round.delays.quantile_us(0.99) / 1000.0);
    table.row(row.against("ms, p99", p99).should_be(Goal::Below(20.0), calm));
    Ok(())
}

/// A write by its digits, and when it was answered.
type Answered = Vec<(u64, Instant)>;

/// Sends a load at a fixed pace; the writes, and in how many seconds they were made.
fn paced(plan: &Plan, every: Duration, times: Times) -> Res<(Answered, f64)> {
    let (begun, end) = (Instant::now(), Instant::now() + times.warmup + times.measure);
    let answered = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..PACED)
            .map(|writer| {
                scope.spawn(move || {
                    let mut stream = TcpStream::connect(plan.address)?;
                    stream.set_nodelay(true)?;
                    let mut due = begun + every * writer / PACED;
                    let (mut answered, mut turn, mut request) = (Vec::new(), writer as usize, Vec::new());
                    // Where the store cannot keep the pace, the rate in the table says so.
                    while due < end && Instant::now() < end {
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        let number = plan.script.write(turn, &mut request);
                        let answer = exchange(&mut stream, &request)?;
                        if !answer.body.starts_with(plan.script.expects) {
                            return Err(String::from_utf8_lossy(&answer.body).into_owned().into());
                        }
                        answered.push((number, Instant::now()));
                        (turn, due) = (turn + PACED as usize, due + every);
                    }
                    Ok::<Answered, Box<dyn std::error::Error + Send + Sync>>(answered)
                })
            })
            .collect();
        let mut all = Vec::new();
        for writer in writers {
            all.append(&mut writer.join().map_err(|_| "a writer panicked")??);
        }
        Ok::<Answered, Box<dyn std::error::Error + Send + Sync>>(all)
    })?;
    Ok((answered, begun.elapsed().as_secs_f64()))
}

/// Connections on which nothing happens.
fn idle(run: &Run, table: &mut Table) -> Res<()> {
    let (most, per_app) = IDLE;
    let count = most.min(machine::open_files().saturating_sub(OTHER_FILES)).min(run.idle);
    announce(&format!("{count} idle long connections"));
    let product = Product::start(&run.place, &run.place.fresh("idle")?, None)?;
    let home = product.world(true)?;
    let apps = (0..count.div_ceil(per_app)).map(|_| product.app(&home)).collect::<Res<Vec<_>>>()?;
    let before = machine::memory(product.process.pid())?;
    let mut open = Vec::with_capacity(count);
    for number in 0..count {
        let (app_id, secret) = &apps[number / per_app];
        open.push(listener::idle(product.process.address, app_id, secret)?);
    }
    // The HTTP side of each has ended, and the store knows of them.
    std::thread::sleep(Duration::from_secs(2));
    let after = machine::memory(product.process.pid())?;
    let each = (after.anonymous - before.anonymous) * 1024.0 / count as f64;
    table.section(format!("Memory of {count} idle long connections, {per_app} of each app"));
    let all = Row::named("all resident").against("MiB (VmRSS)", Spread::of([after.resident]));
    table.row(if count == most { all.should_be(Goal::Below(300.0), true) } else { all });
    table.row(
        Row::named("**private, for each connection**")
            .against("KiB (growth of RssAnon)", Spread::of([each]))
            .should_be(Goal::Below(25.0), true),
    );
    drop(open);
    product.process.end()
}
