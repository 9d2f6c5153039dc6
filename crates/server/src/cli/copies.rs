use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use larkspur_store::{SCHEMA_VERSION, blobs};
use larkspur_store_sqlite::Sqlite;
use tokio::time::Instant;

use super::Place;
use super::progress::Progress;
use super::store::{Store, advised, blobs as configured, plain};
use super::waiting::patiently;
use crate::blobs::Objects;
use crate::config::Config;

/// Nobody waits for longer than these seconds.
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
    waiting(async {
        let until = Instant::now() + Duration::from_secs(flags.wait.min(DAY));
        let store = patiently(
            Some(until),
            |_| (),
            async || {
                let store = Store::try_open(&config).await?;
                store.migrate(&config).await.inspect_err(|_| store.close())?;
                Ok(store)
            },
        );
        let store = store.await?;
        let place = store.place(&config);
        store.close();
        super::print(&format!(
            "{place} has schema {SCHEMA_VERSION}, the one of this release, or a newer one that it can serve\n"
        ))
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

/// Looks for damage and for files that are missing; of a database on a server, whether it can hold the data.
pub(super) fn check(place: &Place) -> Result<(), String> {
    let config = place.config()?;
    if config.is_on_a_server() {
        return waiting(async {
            let store = Store::open(&config).await?;
            let place = store.place(&config);
            let lost = missing(&store, &config).await;
            store.close();
            super::print(&format!(
                "{place} can hold the data: version, encoding, order of text and durability are right\n"
            ))?;
            lost
        });
    }
    let data = &config.data;
    let progress = Progress::of("looking at every page and every reference");
    let found = Sqlite::check(data).map_err(|error| advised(&error))?;
    drop(progress);
    if !found.is_empty() {
        super::print(&format!("{}\n", found.join("\n")))?;
        return Err(format!("{} is damaged: restore a backup into another directory", data.display()));
    }
    super::print(&format!("{}: no damage found\n", data.display()))?;
    if config.blobs().is_empty() {
        return Ok(());
    }
    waiting(async {
        let Ok(store) = Store::open(&config).await else {
            return super::print("its files were not looked at, since a server has the data\n");
        };
        let lost = missing(&store, &config).await;
        store.close();
        lost
    })
}

/// Says which files are missing that images name.
async fn missing(store: &Store, config: &Config) -> Result<(), String> {
    let Some(kept) = configured(config)? else { return Ok(()) };
    let progress = Progress::of("looking for the files of images");
    let lost = blobs::missing(&store.driver(), &*kept).await.map_err(|error| plain(&error))?;
    drop(progress);
    if lost.is_empty() {
        return super::print(&format!("{}: no file is missing\n", config.blobs()));
    }
    super::print(&format!("missing: {}\n", lost.join("\nmissing: ")))?;
    Err(format!(
        "{} lacks {} files that images name: put them back from a backup",
        config.blobs(),
        lost.len()
    ))
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
