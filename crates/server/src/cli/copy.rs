use std::path::{Path, PathBuf};

use clap::Args;
use larkspur_store::copy::{Source, Step};
use larkspur_store_sqlite::Sqlite;

use super::progress::Progress;
use super::store::{Store, advised, blobs, plain};
use super::waiting::waiting;
use crate::config::Config;

/// Flags of `larkspur copy`.
#[derive(Debug, Args)]
pub(super) struct Flags {
    /// Source: data directory or PostgreSQL URL [default: as set]
    #[arg(long, value_name = "PLACE", required_unless_present = "to")]
    from: Option<String>,
    /// Target: empty, or left by an interrupted copy [default: as set]
    #[arg(long, value_name = "PLACE")]
    to: Option<String>,
    /// Where the source keeps files, as in `[blobs] url` [default: as set]
    #[arg(long, value_name = "URL")]
    blobs_from: Option<String>,
    /// Where the target keeps files (same place: not copied) [default: as set]
    #[arg(long, value_name = "URL")]
    blobs_to: Option<String>,
    /// Settings file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Rows between two progress lines.
const LINE: u64 = 100_000;

/// Files between two progress lines.
const FILES: u64 = 1000;

/// Copies a whole store to an empty one.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    let config = flags.config.as_deref();
    let from = settings(flags.from.as_deref(), flags.blobs_from.as_deref(), config)?;
    let mut to = settings(flags.to.as_deref(), flags.blobs_to.as_deref(), config)?;
    to.read_only = false;
    if from.is_on_a_server() == to.is_on_a_server() && (&from.store, &from.data) == (&to.store, &to.data) {
        return Err("source and target are the same place: name another one with --from or --to".to_owned());
    }
    waiting(async {
        if !from.is_on_a_server() && !Sqlite::exists(&from.data).map_err(|error| advised(&error))? {
            return Err(format!(
                "the source {} has no data: choose another one with --from",
                from.data.display()
            ));
        }
        let source = open(&from, "source").await?;
        let read = Source::of(source.driver()).await.map_err(|error| plain(&error))?;
        let target = open(&to, "target").await?;
        let files = blobs(&from)?.zip(blobs(&to)?);
        let files = files.as_ref().map(|(from, to)| (&**from, &**to));
        let (mut begun, mut lines, mut rows, mut kept) = (false, 0, 0, String::new());
        let progress = Progress::of("reading the source");
        let say = |line: &str| progress.say(line);
        let mut report = |step| match step {
            Step::Copying(table, copied) if progress.is_shown() => {
                progress.now(format!("{table}: {copied} rows copied"));
            }
            Step::Copying(table, copied) => {
                if copied / LINE > lines {
                    say(&format!("{table}: {copied} rows copied"));
                }
                // It restarts with every table.
                lines = copied / LINE;
            }
            Step::Files(copied) if progress.is_shown() => progress.now(format!("{copied} files copied")),
            Step::Files(copied) if copied % FILES == 0 => say(&format!("{copied} files copied")),
            Step::Files(_) => {}
            Step::Verified(table, count) => {
                rows += count;
                say(&format!("{table}: {count} rows, verified"));
            }
            Step::Found(count) => kept = format!("{} has its {count} image files\n", to.blobs()),
            Step::Missing(name) => kept.push_str(&format!("missing in the source as well: {name}\n")),
        };
        let mut heard = |step| {
            begun = true;
            report(step);
        };
        let copied = read.copy_to(&target.driver(), files, &mut heard).await;
        drop(progress);
        // An error before anything was copied says what to do.
        let again = if begun { AGAIN } else { "" };
        copied.map_err(|error| format!("{}{again}", plain(&error)))?;
        let (here, there) = (source.place(&from), target.place(&to));
        source.close();
        target.close();
        super::print(&format!(
            "Copied all {rows} rows of {here} to {there}; serve only one of the two from now on\n{kept}"
        ))
    })
}

const AGAIN: &str = "\nThe copy is incomplete; no server will open it. Run the same command again to resume.";

/// The settings with another place for the store, and another one for files. A place that is a URL is a PostgreSQL
/// database.
fn settings(place: Option<&str>, files: Option<&str>, config: Option<&Path>) -> Result<Config, String> {
    // A statement moves many rows, and nothing else waits for it.
    let mut flags =
        vec![("postgres.connections", "1".to_owned()), ("postgres.deadline_ms", "120000".to_owned())];
    let on_a_server = |place: &str| place.starts_with("postgres://") || place.starts_with("postgresql://");
    if let Some(place) = place {
        flags.push((if on_a_server(place) { "store" } else { "data" }, place.to_owned()));
    }
    if let Some(files) = files {
        flags.push(("blobs.url", files.to_owned()));
    }
    let mut config = super::load(config, &flags)?;
    config.memory = false;
    if place.is_some_and(|place| !on_a_server(place)) {
        config.store.clear();
    }
    Ok(config)
}

async fn open(config: &Config, what: &str) -> Result<Store, String> {
    Store::open(config).await.map_err(|why| format!("the {what}: {why}"))
}
