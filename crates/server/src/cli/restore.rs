use std::path::Path;
use std::sync::Arc;

use larkspur_store::state::{self, Schema};
use larkspur_store::{Driver, StoreError};
use larkspur_store_sqlite::{OpenError, Sqlite};

use super::backup_files::{Flags, beside, copy_files, directory, size};
use super::progress::Progress;
use super::store::advised;
use super::waiting::waiting;

/// Restores a backup, with its files.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    let config = flags.place.config()?;
    let (data, from) = (directory(&config)?, &flags.file);
    waiting(is_store(from))?;
    let beside = beside(from)?;
    let files = Path::new(beside.trim_start_matches("file://")).is_dir();
    if files && config.blobs().is_empty() {
        return Err(format!(
            "{beside} has files of this backup, and blobs.url is not set: set it to where they belong"
        ));
    }
    if files {
        copy_files(&beside, config.blobs())?;
    }
    let progress =
        Progress::of_file("checking and copying", Sqlite::unfinished(&Sqlite::file(data)), size(from));
    Sqlite::restore(from, data).map_err(|error| advised(&error))?;
    drop(progress);
    super::print(&format!("Restored {} from {}\n", data.display(), from.display()))
}

/// Refuses a database that is not a store, or that cannot be served.
async fn is_store(file: &Path) -> Result<(), String> {
    let store = match Sqlite::look(file) {
        Ok(store) => Arc::new(store),
        Err(error @ OpenError::Missing(_)) => return Err(advised(&error)),
        // If it is not a database at all, the restoration reports this: it checks for damage.
        Err(_) => return Ok(()),
    };
    let driver: Arc<dyn Driver> = store.clone();
    let state = state::look(&driver).await;
    store.close();
    let why = match state {
        Ok(state) if state.schema == Schema::Absent => "it is not a larkspur store".to_owned(),
        Ok(state) => match state.fault() {
            Some(why) => why,
            None => return Ok(()),
        },
        Err(StoreError::Broken(why)) => why,
        Err(_) => return Ok(()),
    };
    Err(format!("{} was not restored: {why}; name a file written by `larkspur backup`", file.display()))
}
