//! Cold start and idle memory.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{Run, announce};
use crate::Res;
use crate::machine::{self, Moment, Noise, ProcessMemory};
use crate::process::{self, Process, exchange, request};
use crate::report::{Row, Table};
use crate::stats::{Goal, Spread};

/// One start.
struct Started {
    millis: f64,
    memory: ProcessMemory,
    noise: Noise,
}

/// Starts on an empty directory and on an existing store.
pub(crate) fn measure(run: &Run, table: &mut Table) -> Res<()> {
    announce("cold start");
    let store = run.place.fresh("start")?;
    let (mut first, mut again) = (Vec::new(), Vec::new());
    for _ in 0..run.starts {
        let fresh = run.place.fresh("start")?;
        first.push(start(run, &fresh)?);
        again.push(start(run, &store)?);
    }
    table.section(
        "Cold start (from starting the program to its first answer) and memory after that answer".to_owned(),
    );
    rows(table, "an empty directory (makes the demo world)", &first);
    rows(table, "the same store again", &again);
    Ok(())
}

/// Starts on the store of another part.
pub(crate) fn of_store(run: &Run, table: &mut Table, name: &str, store: &Path) -> Res<()> {
    let started: Vec<Started> = (0..run.starts.min(10)).map(|_| start(run, store)).collect::<Res<_>>()?;
    rows(table, name, &started);
    Ok(())
}

fn rows(table: &mut Table, name: &str, started: &[Started]) {
    let millis = Spread::of(started.iter().map(|start| start.millis));
    let private = Spread::of(started.iter().map(|start| start.memory.anonymous));
    let resident = Spread::of(started.iter().map(|start| start.memory.resident));
    // A start is shorter than the resolution of the kernel's busy time: only the sum shows other work.
    let share = |of: fn(&Noise) -> f64| {
        started.iter().map(|start| of(&start.noise)).sum::<f64>() / started.len().max(1) as f64
    };
    let noise = Noise {
        steal: share(|noise| noise.steal),
        others: share(|noise| noise.others),
        pressure: share(|noise| noise.pressure),
    };
    let row = Row { noise: Some(noise), ..Row::named(format!("**cold start, {name}**")) };
    table.row(row.against("ms", millis).should_be(Goal::Below(20.0), noise.is_quiet()));
    table.row(
        Row::named("memory: all resident")
            .against("MiB (VmRSS)", resident)
            .should_be(Goal::Below(16.0), true),
    );
    table.row(Row::named("memory: private").against("MiB (RssAnon)", private));
}

fn start(run: &Run, store: &Path) -> Res<Started> {
    // Chosen here, so that only the port has to be awaited.
    let address = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?.local_addr()?;
    let request = request("GET", "/larkspur/health/live", None, None);
    let (moment, own) = (Moment::now()?, machine::cpu_ns(std::process::id())?);
    let begun = Instant::now();
    let child = process::tied(&run.place.server, None)
        .args(["serve", "--listen", &address.to_string(), "--data"])
        .arg(store)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let process = Process::of(child, address);
    let mut stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(_) if begun.elapsed() > Duration::from_secs(20) => {
                return Err("the server did not start".into());
            }
            Err(_) => std::thread::sleep(Duration::from_micros(200)),
        }
    };
    let status = exchange(&mut stream, &request)?.status;
    let millis = begun.elapsed().as_secs_f64() * 1000.0;
    if status != 200 {
        return Err(format!("the live check answered {status}").into());
    }
    let memory = machine::memory(process.pid())?;
    // Wait longer: the kernel counts in steps of ten milliseconds.
    std::thread::sleep(Duration::from_millis(100));
    let ours = machine::cpu_ns(process.pid())? + machine::cpu_ns(std::process::id())?.saturating_sub(own);
    let noise = moment.until(&Moment::now()?, ours, begun.elapsed().as_secs_f64());
    process.end()?;
    Ok(Started { millis, memory, noise })
}
