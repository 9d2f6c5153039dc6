//! Why writes fail, or would be lost with the process, as far as is known without writing.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use larkspur_contract::Effect;
use larkspur_store::StoreError;

/// For how long a failed write predicts the same for others.
const RECENT: Duration = Duration::from_secs(3);

/// The file's identity and the last failed write.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    /// The file and its identity when it was opened; `None` in memory.
    file: Option<(PathBuf, Identity)>,
    failed: Mutex<Option<(Instant, String)>>,
}

/// What identifies a file.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    place: (u64, u64),
    least_bytes: u64,
}

impl Identity {
    fn of(file: &Metadata) -> Self {
        #[cfg(unix)]
        let place = (std::os::unix::fs::MetadataExt::dev(file), std::os::unix::fs::MetadataExt::ino(file));
        #[cfg(not(unix))]
        let place = (0, 0);
        Identity { place, least_bytes: file.len() }
    }
}

impl Trouble {
    /// Records the opened file.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let file = Identity::of(&fs::metadata(path)?);
        Ok(Trouble { file: Some((path.to_owned(), file)), failed: Mutex::default() })
    }

    /// Records the outcome of a unit. There is one writer: what fails one unit fails the others.
    pub(crate) fn note(&self, effect: Effect, outcome: &Result<(), StoreError>) {
        if let (Effect::Writes, Err(StoreError::Unavailable(why) | StoreError::UnknownOutcome(why))) =
            (effect, outcome)
        {
            let failed = (Instant::now(), why.clone());
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(failed);
        }
    }

    /// The present trouble, if any.
    ///
    /// The file is never opened here: closing a second descriptor would drop SQLite's own locks.
    pub(crate) fn now(&self) -> Option<String> {
        if let Some((path, opened)) = &self.file {
            let shown = path.display();
            match fs::metadata(path).map(|file| Identity::of(&file)) {
                Err(error) => return Some(format!("{shown} is gone: {error}")),
                Ok(file) if file.place != opened.place => {
                    return Some(format!("{shown} was replaced by another file"));
                }
                Ok(file) if file.least_bytes < opened.least_bytes => {
                    return Some(format!("{shown} has become shorter: another program changed it"));
                }
                Ok(_) => {}
            }
        }
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = failed.as_ref().filter(|(when, _)| when.elapsed() < RECENT);
        recent.map(|(_, why)| format!("a write failed a moment ago: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_gone_replaced_or_cut_off_is_trouble() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("larkspur.db");
        fs::write(&path, "content").expect("written");
        let trouble = Trouble::of(&path).expect("it is there");
        assert_eq!(trouble.now(), None);
        fs::write(&path, "").expect("written");
        assert!(trouble.now().is_some_and(|why| why.contains("has become shorter")));
        fs::write(&path, "more content").expect("written");
        assert_eq!(trouble.now(), None);
        let aside = directory.path().join("aside");
        fs::rename(&path, &aside).expect("moved");
        assert!(trouble.now().is_some_and(|why| why.contains("is gone")));
        fs::write(&path, "content").expect("written");
        assert!(trouble.now().is_some_and(|why| why.contains("was replaced")));
        fs::rename(&aside, &path).expect("moved");
        assert_eq!(trouble.now(), None);
    }

    #[test]
    fn a_failed_write_is_reported_for_a_while_and_a_refusal_is_not() {
        let trouble = Trouble::default();
        let full = Err(StoreError::Unavailable("disk full".to_owned()));
        trouble.note(Effect::Reads, &full);
        trouble.note(Effect::Writes, &Err(StoreError::Broken("no such table".to_owned())));
        assert_eq!(trouble.now(), None);
        trouble.note(Effect::Writes, &full);
        assert_eq!(trouble.now().as_deref(), Some("a write failed a moment ago: disk full"));
        let past = Instant::now().checked_sub(RECENT).expect("the machine runs for longer");
        *trouble.failed.lock().expect("no panic") = Some((past, "disk full".to_owned()));
        assert_eq!(trouble.now(), None);
    }
}
