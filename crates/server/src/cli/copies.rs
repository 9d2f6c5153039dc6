use std::path::PathBuf;

use clap::Args;
use larkspur_store::SCHEMA_VERSION;
use larkspur_store_sqlite::Sqlite;

use super::Place;
use super::store::Store;
use crate::config::Config;

/// Flags of `larkspur backup` and `larkspur restore`.
#[derive(Debug, Args)]
pub(super) struct Flags {
    /// The copy
    file: PathBuf,
    #[command(flatten)]
    place: Place,
}

/// Brings the data to this program's schema.
pub(super) fn migrate(place: &Place) -> Result<(), String> {
    let config = place.config()?;
    waiting(async {
        let store = Store::open(&config).await?;
        store.engine(&config).await?;
        let place = store.place(&config);
        store.close();
        super::print(&format!("{place} has schema {SCHEMA_VERSION}, the one of this release\n"))
    })
}

/// Looks for damage; of a database on a server, whether it can hold the data.
pub(super) fn check(place: &Place) -> Result<(), String> {
    let config = place.config()?;
    if config.is_on_a_server() {
        return waiting(async {
            let store = Store::open(&config).await?;
            let place = store.place(&config);
            store.close();
            super::print(&format!(
                "{place} can hold the data: version, encoding, order of text and durability are right\n"
            ))
        });
    }
    let data = config.data;
    let found = Sqlite::check(&data).map_err(|error| error.to_string())?;
    if found.is_empty() {
        return super::print(&format!("{}: no damage found\n", data.display()));
    }
    super::print(&format!("{}\n", found.join("\n")))?;
    Err(format!("{} is damaged: restore a backup into another directory", data.display()))
}

/// Copies the data to a file.
pub(super) fn backup(flags: &Flags) -> Result<(), String> {
    let data = directory(flags.place.config()?)?;
    Sqlite::backup(&data, &flags.file).map_err(|error| error.to_string())?;
    super::print(&format!("{} holds all of {}; keep it as secret\n", flags.file.display(), data.display()))
}

/// Makes data from such a file.
pub(super) fn restore(flags: &Flags) -> Result<(), String> {
    let data = directory(flags.place.config()?)?;
    Sqlite::restore(&flags.file, &data).map_err(|error| error.to_string())?;
    super::print(&format!("{} holds what {} held\n", data.display(), flags.file.display()))
}

/// The data directory, if that is where the data are.
fn directory(config: Config) -> Result<PathBuf, String> {
    if config.is_on_a_server() {
        return Err("the data are on a PostgreSQL server: copy them with pg_basebackup or pg_dump".to_owned());
    }
    Ok(config.data)
}

pub(super) fn waiting(work: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(1).build();
    runtime.map_err(|error| format!("cannot start threads: {error}"))?.block_on(work)
}
