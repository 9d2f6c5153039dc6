use larkspur_store_sqlite::Sqlite;

use super::backup_files::{Flags, beside, copy_files, directory, size};
use super::progress::Progress;
use super::store::advised;

/// Copies the data to a file, and the files of a folder to one beside it.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
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
