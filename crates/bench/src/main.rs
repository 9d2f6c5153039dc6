//! Measures the server against yardsticks that run beside it: `cargo xtask bench`.

#![allow(
    clippy::print_stderr,
    reason = "a command: progress goes to standard error, the table to standard output"
)]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "measurements are rounded anyway"
)]

mod closed_loop;
mod disk;
mod embedded;
mod filled;
mod instructions;
mod listener;
mod load;
mod machine;
mod multiplied;
mod pool;
mod postgres;
mod process;
mod product;
mod report;
mod rows;
mod stats;
mod yardsticks;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use load::Times;
use product::Place;
use report::{Conditions, Table};
use rows::Run;
use yardsticks::Yardstick;

/// A result whose error is only shown.
pub(crate) type Res<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Measures Larkspur against yardsticks.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Count the instructions of the hot handlers
    Instructions(instructions::Flags),
    /// Be one of the servers to compare with
    #[command(hide = true, subcommand)]
    Yardstick(Yardstick),
    /// Be the program whose instructions are counted
    #[command(hide = true)]
    Workload(instructions::Workload),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Reads,
    Writes,
    Start,
    Sizes,
    Lists,
    Events,
    Messages,
    Worlds,
    Postgres,
    /// Of `postgres`, lists, searches, members and tags alone
    PostgresLists,
    /// Of `postgres`, messages alone
    PostgresMessages,
}

#[derive(Debug, Args)]
struct Flags {
    /// Rounds in which all take turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Only these parts
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// Sizes of stores, in tags
    #[arg(long, value_delimiter = ',', default_value = "10000,1000000")]
    tags: Vec<u64>,
    /// Sizes of stores, in chats
    #[arg(long, value_delimiter = ',', default_value = "10000,1000000")]
    chats: Vec<u64>,
    /// Sizes of stores, in messages
    #[arg(long, value_delimiter = ',', default_value = "10000,1000000")]
    messages: Vec<u64>,
    /// Short and small: shows that everything works, not how fast
    #[arg(long)]
    quick: bool,
    /// Tie neither server nor load to a processor
    #[arg(long)]
    shared: bool,
    /// The program under test [default: larkspur, beside this program]
    #[arg(long)]
    server: Option<PathBuf>,
    /// Where stores are written
    #[arg(long, default_value = "target/bench")]
    directory: PathBuf,
    /// Write the document to this file
    #[arg(long)]
    write: Option<PathBuf>,
    /// Add rows of the console's figures, which `tests/clients/run.py console_soak` wrote
    #[arg(long)]
    console: Option<PathBuf>,
    /// Fail if a goal is missed in every round
    #[arg(long)]
    gate: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.command {
        None => bench(&cli.flags),
        Some(Command::Instructions(flags)) => instructions::run(flags),
        Some(Command::Yardstick(yardstick)) => yardsticks::serve(yardstick),
        Some(Command::Workload(workload)) => instructions::work(workload),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench(flags: &Flags) -> Res<()> {
    let server = match &flags.server {
        Some(server) => server.clone(),
        None => std::env::current_exe()?.with_file_name("larkspur"),
    };
    if !server.exists() {
        return Err("the server is not built: cargo build --release --package larkspur-server".into());
    }
    std::fs::create_dir_all(&flags.directory)?;
    let seconds = if flags.quick { 0.2 } else { flags.seconds };
    let run = Run {
        place: Place { server, directory: flags.directory.clone(), made: Mutex::default() },
        rounds: if flags.quick { 2 } else { flags.rounds.max(1) },
        times: Times {
            warmup: Duration::from_secs_f64(if flags.quick { 0.05 } else { 0.5 }),
            measure: Duration::from_secs_f64(seconds),
        },
        pinned: !flags.shared && machine::can_pin(),
        sizes: if flags.quick { vec![1000, 4000] } else { flags.tags.clone() },
        chats: if flags.quick { vec![1000, 4000] } else { flags.chats.clone() },
        messages: if flags.quick { vec![1000, 4000] } else { flags.messages.clone() },
        clients: if flags.quick { vec![1, 64] } else { vec![1, 16, 64, 256] },
        idle: if flags.quick { 200 } else { 10_000 },
        starts: if flags.quick { 3 } else { 20 },
    };
    let mut table = Table::of_rounds(run.rounds);
    measure(flags, &run, &mut table)?;
    if let Some(path) = &flags.console {
        rows::console::of_file(path, &mut table)?;
    }
    let disk = disk::probe(&flags.directory, Duration::from_secs_f64(seconds / 2.0))?;
    let layout = if run.pinned {
        "GET rows: server on one processor, load on another; everything else on all processors"
    } else {
        "server and load share all processors"
    };
    let conditions = Conditions {
        facts: machine::facts(&flags.directory),
        settings: format!("{} rounds of {seconds} s each; {layout}", run.rounds),
    };
    println!("{}\n{}\n{}", table.goals(), table.markdown(), report::probes(&disk));
    if let Some(path) = &flags.write {
        std::fs::write(path, report::document(&table, &disk, &conditions))?;
    }
    match table.failures() {
        missed if missed > 0 && flags.gate => Err(format!("{missed} goals were missed").into()),
        _ => Ok(()),
    }
}

/// Fills the table with the parts that are wanted.
fn measure(flags: &Flags, run: &Run, table: &mut Table) -> Res<()> {
    let wanted = |part| flags.only.is_empty() || flags.only.contains(&part);
    if [Part::Postgres, Part::PostgresLists, Part::PostgresMessages].into_iter().any(wanted) {
        // Not after a quarter of an hour.
        postgres::programs()?;
    }
    if wanted(Part::Reads) {
        rows::reads::measure(run, table)?;
    }
    if wanted(Part::Writes) {
        rows::writes::measure(run, table)?;
    }
    if wanted(Part::Start) {
        rows::start::measure(run, table)?;
    }
    if wanted(Part::Sizes) {
        rows::sizes::measure(run, table)?;
    }
    if wanted(Part::Lists) {
        rows::lists::measure(run, table)?;
    }
    if wanted(Part::Events) {
        rows::events::measure(run, table)?;
    }
    if wanted(Part::Messages) {
        rows::messages::measure(run, table)?;
    }
    if wanted(Part::Worlds) {
        rows::worlds::measure(run, table)?;
    }
    if wanted(Part::Postgres) {
        rows::postgres::measure(run, table)?;
        return Ok(());
    }
    if wanted(Part::PostgresLists) {
        rows::postgres::measure_lists(run, table)?;
    }
    if wanted(Part::PostgresMessages) {
        rows::postgres::measure_messages(run, table)?;
    }
    Ok(())
}
