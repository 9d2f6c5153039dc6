//! Files in a folder: written as a whole and durably, and private to their owner, whatever the umask.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::time::UNIX_EPOCH;

use larkspur_contract::ids::TenantKey;
use larkspur_store::blobs::BlobKey;

/// How many partial uploads of one file may exist, running or interrupted.
const PARTS: u32 = 1000;

/// Creates a folder that only its owner can use, and its parents, unless it exists.
pub(super) fn private(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent().filter(|above| !above.is_dir()) {
        private(above)?;
    }
    match DirBuilder::new().create(folder) {
        Ok(()) => restrict(folder, 0o700),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Stores bytes under their name, in place of existing ones. The name has all of them or does not exist, and survives a
/// crash.
pub(super) fn keep(folder: &Path, key: &BlobKey, content: &[u8]) -> io::Result<()> {
    let tenant = folder.join(key.tenant().to_string());
    if !tenant.is_dir() {
        private(&tenant)?;
        sync(folder)?;
    }
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&tenant)?.permissions()) & 0o077 != 0 {
        // An earlier release created it with the umask's mode; a folder that belongs to another user stays as it is.
        drop(restrict(&tenant, 0o700));
    }
    let (part, mut file) = begin(&tenant, key.hash())?;
    let written = restrict(&part, 0o600)
        .and_then(|()| file.write_all(content))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&part, tenant.join(key.hash())));
    if written.is_err() {
        drop(fs::remove_file(&part));
    }
    written.and_then(|()| sync(&tenant))
}

/// A temporary file for bytes that will have this name: `hash#number`. [`tidy`] removes it if it is never finished.
fn begin(tenant: &Path, hash: &str) -> io::Result<(std::path::PathBuf, File)> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    for number in 1..PARTS {
        let part = tenant.join(format!("{hash}#{number}"));
        match options.open(&part) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (part, file)),
        }
    }
    Err(io::Error::new(ErrorKind::AlreadyExists, format!("{hash} is being written {PARTS} times")))
}

/// Sets the exact mode, whatever the umask left.
#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn restrict(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

/// Makes the names in a folder durable. Only Unix can open folders.
fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Removes unfinished files below a folder, if they were last written before a time.
pub(super) fn tidy(folder: &Path, before_ms: i64) -> io::Result<()> {
    for tenant in fs::read_dir(folder)? {
        let tenant = tenant?;
        let Some(name) = tenant.file_name().to_str().map(str::to_owned) else { continue };
        if TenantKey::parse(&name).is_none() || !tenant.file_type()?.is_dir() {
            continue;
        }
        for file in fs::read_dir(tenant.path())? {
            let file = file?;
            let begun = file.file_name().to_str().is_some_and(|part| {
                part.split_once('#').is_some_and(|(hash, number)| {
                    BlobKey::parse(&name, hash).is_some() && number.parse::<u64>().is_ok()
                })
            });
            if begun && modified_ms(&file.path())?.is_some_and(|at| at < before_ms) {
                gone(fs::remove_file(file.path()))?;
            }
        }
    }
    Ok(())
}

/// When a file was last written, in milliseconds since 1970; `None` if it no longer exists.
fn modified_ms(file: &Path) -> io::Result<Option<i64>> {
    let Some(about) = gone(fs::metadata(file))? else { return Ok(None) };
    let age = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Some(i64::try_from(age.as_millis()).unwrap_or(i64::MAX)))
}

/// A file that no longer exists is not an error: it was finished meanwhile, or another sweep removed it.
fn gone<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn files_are_private_and_those_of_earlier_releases_become_so() {
        let directory = tempfile::tempdir().expect("a directory");
        let folder = directory.path().join("outer/files");
        private(&folder).expect("made");
        assert_eq!((mode(&folder), mode(folder.parent().expect("outer"))), (0o700, 0o700));
        let tenant = TenantKey::parse("0123456789abcdef").expect("a tenant");
        let open = folder.join(tenant.to_string());
        fs::create_dir(&open).expect("made");
        restrict(&open, 0o777).expect("opened");
        let key = BlobKey::of(tenant, b"content");
        for _ in 0..2 {
            keep(&folder, &key, b"content").expect("kept");
        }
        assert_eq!((mode(&open), mode(&open.join(key.hash()))), (0o700, 0o600));
        assert_eq!(fs::read_dir(&open).expect("listed").count(), 1, "no part is left");
    }
}
