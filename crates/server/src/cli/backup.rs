use larkspur_store_sqlite::Sqlite;

use super::backup_files::{Flags, beside, copy_files, directory, size};
use super::progress::Progress;
use super::store::advised;

/// Backs up the data to a file, and the files of a folder to one beside it.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    let config = flags.place.config()?;
    let (data, to) = (directory(&config)?, &flags.file);
    let progress = Progress::of_file("copying", Sqlite::unfinished(to), size(&Sqlite::file(data)));
    Sqlite::backup(data, to).map_err(|error| advised(&error))?;
    drop(progress);
    let said = format!(
        "Backed up {} to {}; it contains the master key, keep it secret\n",
        data.display(),
        to.display()
    );
    if config.blobs().starts_with("file:") {
        // After the rows: a file is only removed long after the last row that names it.
        let beside = beside(to)?;
        let copied = copy_files(config.blobs(), &beside).inspect_err(|_| {
            // A backup without its files is incomplete.
            drop(std::fs::remove_file(to));
        })?;
        return super::print(&format!("{said}Copied its {copied} files to {beside}\n"));
    }
    let elsewhere = config.blobs().starts_with("s3:");
    let note = if elsewhere { "Files in S3 are not included: enable versioning of the bucket\n" } else { "" };
    super::print(&format!("{said}{note}"))
}
