//! The ready file: what a program needs to reach a running server.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub(crate) use larkspur_control::demo::DemoUser as User;
pub use larkspur_control::demo::DemoWorld as World;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Its name in the data directory.
pub(crate) const NAME: &str = "ready.json";

/// Files in the data directory that show that there was a store: this one, and that of the demo world.
pub(crate) const WITNESSES: [&str; 2] = [NAME, DEMO];

/// What a program needs to reach a running server. It contains secrets, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The URL by which clients reach the server: scheme, host and port, without a trailing slash.
    pub base_url: String,
    /// The URL by which programs on this machine reach it, if it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_url: Option<String>,
    /// The key of the control API.
    pub control_key: String,
    /// The demo world, if there is one and its secret is known.
    #[serde(flatten)]
    pub world: Option<World>,
}

impl Ready {
    /// For a server with the URL `local` on this machine and, unless it is empty, `public` from elsewhere.
    pub(crate) fn at(local: String, public: &str, control_key: String, world: Option<World>) -> Self {
        let (base_url, local_url) = match public {
            "" => (local, None),
            public => (public.to_owned(), Some(local)),
        };
        Ready { base_url, local_url, control_key, world }
    }

    /// The URL by which programs on this machine reach the server.
    pub(crate) fn reach(&self) -> &str {
        self.local_url.as_deref().unwrap_or(&self.base_url)
    }
}

/// The file of the demo world in the data directory. The ready file is removed with the server, and the store keeps
/// only a hash of the secret.
pub(crate) const DEMO: &str = "demo.json";

/// Reads a ready file, or that of a demo world; `None` if it does not exist or is not one.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Reads a ready file.
///
/// # Errors
/// It does not exist, cannot be read, or is not a ready file.
pub(crate) fn load(path: &Path) -> Result<Ready, String> {
    let shown = path.display();
    let text = fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("there is no ready file {shown}: no server is running there"),
        io::ErrorKind::PermissionDenied => {
            format!(
                "permission denied for the ready file {shown}: only the user that runs the server can read it"
            )
        }
        _ => format!("cannot read the ready file {shown}: {error}"),
    })?;
    serde_json::from_slice(&text).map_err(|error| format!("{shown} is not a ready file: {error}"))
}

/// Removes a ready file, unless another server has replaced it meanwhile.
pub(crate) fn withdraw(path: &Path, ready: &Ready) {
    if read::<Ready>(path).as_ref() == Some(ready)
        && let Err(error) = fs::remove_file(path)
    {
        tracing::warn!(why = %error, path = %path.display(), "cannot remove the ready file");
    }
}

/// Writes a ready file, or that of a demo world: atomically, readable by its owner only.
pub(crate) fn write<T: Serialize>(path: &Path, ready: &T) -> io::Result<()> {
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
        let mut ready = Ready::at("http://127.0.0.1:1".into(), "", "k".into(), None);
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
        assert!(load(&path).is_ok_and(|read| read == ready));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(directory.path()).expect("listed").count(), 1, "nothing is left over");
        assert_eq!(ready.reach(), "http://127.0.0.1:1");
        let named = Ready::at("http://127.0.0.1:1".into(), "https://a.example", "k".into(), None);
        assert_eq!((named.base_url.as_str(), named.reach()), ("https://a.example", "http://127.0.0.1:1"));
        // Another server's stays.
        let other = Ready { control_key: "l".into(), ..ready.clone() };
        withdraw(&path, &other);
        assert!(path.exists());
        withdraw(&path, &ready);
        assert!(!path.exists() && load(&path).is_err_and(|why| why.contains("there is no ready file")));
    }
}
