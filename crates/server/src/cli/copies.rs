use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use larkspur_store::state::{self, Schema};
use larkspur_store::{Driver, SCHEMA_VERSION, StoreError, blobs, citus};
use larkspur_store_sqlite::{OpenError, Sqlite};
use tokio::time::Instant;

use super::Place;
use super::check::lies;
use super::progress::Progress;
use super::store::{Store, advised, plain};
use super::waiting::patiently;
use crate::blobs::Objects;
use crate::config::Config;

/// The most seconds that may be waited.
const DAY: u64 = 86_400;

/// Flags of `larkspur backup` and `larkspur restore`.
#[derive(Debug, Args)]
pub(super) struct Flags {
    /// The copy
    file: PathBuf,
    #[command(flatten)]
    place: Place,
}

/// Flags of `larkspur migrate`.
#[derive(Debug, Args)]
pub(super) struct Migration {
    /// Make a store in the data directory if there is none
    #[arg(long)]
    create: bool,
    /// Divide the tables by tenant among the servers of a Citus cluster; end all larkspur servers first
    #[arg(long)]
    distribute: bool,
    /// Into how many shards [default: 32, or as many as they have]
    #[arg(long, value_name = "COUNT", requires = "distribute", value_parser = clap::value_parser!(u32).range(1..=64_000))]
    shards: Option<u32>,
    #[command(flatten)]
    place: Place,
    /// Seconds to wait for a database that does not answer yet
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
}

/// Brings the data to this program's schema.
pub(super) fn migrate(flags: &Migration) -> Result<(), String> {
    let config = flags.place.config()?;
    if !flags.create
        && !config.is_on_a_server()
        && !Sqlite::exists(&config.data).map_err(|error| advised(&error))?
    {
        return Err(format!(
            "there is no store in {}: name another directory with --data, or make one with --create",
            config.data.display()
        ));
    }
    if config.read_only {
        return Err("read_only is set, and a migration writes: set it to false for this command".to_owned());
    }
    if flags.distribute && !config.is_on_a_server() {
        return Err("--distribute is for a database on a Citus coordinator: name it with --store".to_owned());
    }
    waiting(async {
        let until = Instant::now() + Duration::from_secs(flags.wait.min(DAY));
        let store = patiently(
            Some(until),
            |_| (),
            async || {
                let store = match flags.distribute {
                    true => Store::open_at_leisure(&config).await?,
                    false => Store::try_open(&config).await?,
                };
                store.migrate(&config).await.inspect_err(|_| store.close())?;
                Ok(store)
            },
        );
        let store = store.await?;
        let place = store.place(&config);
        super::print(&format!(
            "{place} has schema {SCHEMA_VERSION}, the one of this release, or a newer one that it can serve\n"
        ))?;
        if flags.distribute {
            let mut told = Vec::new();
            let mut tell = |table: &str| told.push(table.to_owned());
            let layout = citus::distribute(&store.driver(), flags.shards, &mut tell).await;
            let done =
                if told.is_empty() { String::new() } else { format!("distributed: {}\n", told.join(", ")) };
            super::print(&done)?;
            super::print(&format!("{}\n", lies(&layout.map_err(|error| plain(&error))?)))?;
        }
        store.close();
        Ok(())
    })
}

/// Gives back the room that deleted data left.
pub(super) fn compact(place: &Place) -> Result<(), String> {
    let config = place.config()?;
    if config.is_on_a_server() {
        return Err("the data are on a PostgreSQL server, which does this by itself (autovacuum)".to_owned());
    }
    let progress = Progress::of("writing the file anew");
    let (before, after) = Sqlite::compact(&config.data).map_err(|error| advised(&error))?;
    drop(progress);
    super::print(&format!("{}: {before} bytes before, {after} now\n", config.data.display()))
}

/// Copies the data to a file, and the files of a folder to one beside it.
pub(super) fn backup(flags: &Flags) -> Result<(), String> {
    let config = flags.place.config()?;
    let (data, to) = (directory(&config)?, &flags.file);
    let progress = Progress::of_file("copying", Sqlite::unfinished(to), size(&Sqlite::file(data)));
    Sqlite::backup(data, to).map_err(|error| advised(&error))?;
    drop(progress);
    let said = format!("{} holds all of {}; keep it as secret\n", to.display(), data.display());
    if config.blobs().starts_with("file:") {
        // Afterwards: no file goes until long after the last row that names it.
        let beside = beside(to)?;
        let copied = copy_files(config.blobs(), &beside).inspect_err(|_| {
            // Without its files it is no backup.
            drop(std::fs::remove_file(to));
        })?;
        return super::print(&format!("{said}{beside} holds its {copied} files\n"));
    }
    let elsewhere = config.blobs().starts_with("s3:");
    let note = if elsewhere { "The files in S3 are not in it: let the bucket keep versions\n" } else { "" };
    super::print(&format!("{said}{note}"))
}

/// Makes data from such a file, with its files.
pub(super) fn restore(flags: &Flags) -> Result<(), String> {
    let config = flags.place.config()?;
    let (data, from) = (directory(&config)?, &flags.file);
    waiting(is_store(from))?;
    let beside = beside(from)?;
    let files = Path::new(beside.trim_start_matches("file://")).is_dir();
    if files && config.blobs().is_empty() {
        return Err(format!(
            "{beside} has files of this backup, and blobs.url does not say where they belong: set it"
        ));
    }
    if files {
        copy_files(&beside, config.blobs())?;
    }
    let progress =
        Progress::of_file("examining and copying", Sqlite::unfinished(&Sqlite::file(data)), size(from));
    Sqlite::restore(from, data).map_err(|error| advised(&error))?;
    drop(progress);
    super::print(&format!("{} holds what {} held\n", data.display(), from.display()))
}

/// Refuses a database that is no store, or one that nothing may serve.
async fn is_store(file: &Path) -> Result<(), String> {
    let store = match Sqlite::look(file) {
        Ok(store) => Arc::new(store),
        Err(error @ OpenError::Missing(_)) => return Err(advised(&error)),
        // What is no database at all is told by the restoration, which looks for damage.
        Err(_) => return Ok(()),
    };
    let driver: Arc<dyn Driver> = store.clone();
    let state = state::look(&driver).await;
    store.close();
    let why = match state {
        Ok(state) if state.schema == Schema::Absent => "it is no store of larkspur".to_owned(),
        Ok(state) => match state.fault() {
            Some(why) => why,
            None => return Ok(()),
        },
        Err(StoreError::Broken(why)) => why,
        Err(_) => return Ok(()),
    };
    Err(format!("{} is not restored: {why}; name a file that `larkspur backup` wrote", file.display()))
}

/// The address of the folder with the files of a backup.
fn beside(file: &Path) -> Result<String, String> {
    let absolute = std::path::absolute(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let text = absolute.to_str().ok_or_else(|| format!("{} is not UTF-8", file.display()))?;
    Ok(format!("file://{text}.blobs"))
}

fn copy_files(from: &str, to: &str) -> Result<u64, String> {
    waiting(async {
        let (from, to) = (Objects::open(from)?, Objects::open(to)?);
        let progress = Progress::of("copying files");
        let mut told = |copied| progress.now(format!("{copied} files copied"));
        blobs::copy_all(&*from, &*to, &mut told).await.map_err(|error| plain(&error))
    })
}

fn size(file: &Path) -> Option<u64> {
    std::fs::metadata(file).ok().map(|file| file.len())
}

/// The data directory, if that is where the data are.
fn directory(config: &Config) -> Result<&Path, String> {
    if config.is_on_a_server() {
        return Err("the data are on a PostgreSQL server: copy them with pg_basebackup or pg_dump".to_owned());
    }
    Ok(&config.data)
}

pub(super) fn waiting<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(1).build();
    runtime.map_err(|error| format!("cannot start threads: {error}"))?.block_on(work)
}
