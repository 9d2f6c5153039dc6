//! The ready file: what a program needs to know of a running server.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub use larkspur_api::operations::DemoWorld as World;
use serde::{Deserialize, Serialize};

/// Its name in the data directory.
pub(crate) const NAME: &str = "ready.json";

/// What a program needs to know of a running server. It holds secrets, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// Scheme, host and port, without a slash at the end.
    pub base_url: String,
    /// What opens the control API.
    pub control_key: String,
    /// The demo world, if there is one and its secret is known.
    #[serde(flatten)]
    pub world: Option<World>,
}

/// Reads a ready file; `None` if it is not there or is not one.
pub(crate) fn read(path: &Path) -> Option<Ready> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Writes a ready file: whole or not at all, readable by its owner only.
pub(crate) fn write(path: &Path, ready: &Ready) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(ready)?;
    text.push(b'\n');
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(name);
    let _ = fs::remove_file(&temporary);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&temporary).and_then(|mut file| {
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_whole_private_and_read_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join(NAME);
        let mut ready = Ready { base_url: "http://127.0.0.1:1".into(), control_key: "k".into(), world: None };
        write(&path, &ready).expect("written");
        assert!(read(&path).as_ref() == Some(&ready));
        ready.world = Some(World {
            tenant_key: "t".into(),
            app_id: "a".into(),
            app_secret: "s".into(),
            chat_id: "c".into(),
            document_url: "d".into(),
            users: vec![],
        });
        write(&path, &ready).expect("written over");
        assert!(read(&path).as_ref() == Some(&ready));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(directory.path()).expect("listed").count(), 1, "nothing is left over");
    }
}
