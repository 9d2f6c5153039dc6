use std::path::PathBuf;

use clap::Args;
use larkspur_store_sqlite::Sqlite;

use super::Place;

/// Flags of `larkspur backup` and `larkspur restore`.
#[derive(Debug, Args)]
pub(super) struct Flags {
    /// The copy
    file: PathBuf,
    #[command(flatten)]
    place: Place,
}

/// Looks for damage.
pub(super) fn check(place: &Place) -> Result<(), String> {
    let data = place.config()?.data;
    let found = Sqlite::check(&data).map_err(|error| error.to_string())?;
    if found.is_empty() {
        return super::print(&format!("{}: no damage found\n", data.display()));
    }
    super::print(&format!("{}\n", found.join("\n")))?;
    Err(format!("{} is damaged: restore a backup into another directory", data.display()))
}

/// Copies the data to a file.
pub(super) fn backup(flags: &Flags) -> Result<(), String> {
    let data = flags.place.config()?.data;
    Sqlite::backup(&data, &flags.file).map_err(|error| error.to_string())?;
    super::print(&format!("{} holds all of {}; keep it as secret\n", flags.file.display(), data.display()))
}

/// Makes data from such a file.
pub(super) fn restore(flags: &Flags) -> Result<(), String> {
    let data = flags.place.config()?.data;
    Sqlite::restore(&flags.file, &data).map_err(|error| error.to_string())?;
    super::print(&format!("{} holds what {} held\n", data.display(), flags.file.display()))
}
