//! What `backup` and `restore` share: their flags, and the folder of files beside a backup.

use std::path::{Path, PathBuf};

use clap::Args;
use larkspur_store::blobs;

use super::Place;
use super::progress::Progress;
use super::store::plain;
use super::waiting::waiting;
use crate::blobs::Objects;
use crate::config::Config;

/// Flags of `larkspur backup` and `larkspur restore`.
#[derive(Debug, Args)]
pub(super) struct Flags {
    /// Backup file
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) place: Place,
}

/// The URL of the folder with a backup's files.
pub(super) fn beside(file: &Path) -> Result<String, String> {
    let absolute = std::path::absolute(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let text = absolute.to_str().ok_or_else(|| format!("{} is not UTF-8", file.display()))?;
    Ok(format!("file://{text}.blobs"))
}

/// Copies image files from one place to another, and returns their number.
pub(super) fn copy_files(from: &str, to: &str) -> Result<u64, String> {
    waiting(async {
        let (from, to) = (Objects::open(from)?, Objects::open(to)?);
        let progress = Progress::of("copying files");
        let mut report = |copied| progress.now(format!("{copied} files copied"));
        blobs::copy_all(&*from, &*to, &mut report).await.map_err(|error| plain(&error))
    })
}

/// The size of a file, if it exists.
pub(super) fn size(file: &Path) -> Option<u64> {
    std::fs::metadata(file).ok().map(|file| file.len())
}

/// The data directory, if the data is in one.
pub(super) fn directory(config: &Config) -> Result<&Path, String> {
    if config.is_on_a_server() {
        return Err("the data is on a PostgreSQL server: use pg_basebackup or pg_dump".to_owned());
    }
    Ok(&config.data)
}
