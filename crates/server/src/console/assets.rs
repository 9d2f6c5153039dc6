//! The files of the console, embedded in the program, or read from a folder while one works on them.

use std::fmt::Write;
use std::path::Path;
use std::sync::LazyLock;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::request::Response;

/// The page.
pub(super) const INDEX: &str = "index.html";

/// The files by their names in `console/`. A new file is a new line; a test compares them with the folder.
macro_rules! files {
    ($($name:literal)*) => {
        const FILES: &[(&str, &[u8])] =
            &[$(($name, include_bytes!(concat!("../../../../console/", $name)))),*];
    };
}

files! {
    "app.js"
    "index.html"
    "lib/api.js"
    "lib/ascode.js"
    "lib/call.js"
    "lib/card.js"
    "lib/dialog.js"
    "lib/dom.js"
    "lib/gate.js"
    "lib/i18n.js"
    "lib/json.js"
    "lib/keys.js"
    "lib/list.js"
    "lib/store.js"
    "lib/stream.js"
    "lib/time.js"
    "lib/ui.js"
    "screens/apps.js"
    "screens/chat.js"
    "screens/chat/dialogs.js"
    "screens/chat/log.js"
    "screens/chat/message.js"
    "screens/chat/room.js"
    "screens/chat/say.js"
    "screens/chat/side.js"
    "screens/coverage.js"
    "screens/events.js"
    "screens/faults.js"
    "screens/login.js"
    "screens/traffic.js"
    "screens/worlds.js"
    "style.css"
    "text/en.js"
    "text/zh.js"
}

/// The entity tags of the embedded files, in their order.
static TAGS: LazyLock<Vec<String>> = LazyLock::new(|| FILES.iter().map(|(_, bytes)| tag(bytes)).collect());

/// A file of the console.
pub(super) struct File {
    media: &'static str,
    tag: String,
    bytes: Bytes,
}

impl File {
    /// The answer to a client that knows these entity tags.
    pub(super) fn answer(self, known: Option<&str>) -> Response {
        let is_known =
            known.is_some_and(|tags| tags.split(',').map(str::trim).any(|tag| tag == self.tag || tag == "*"));
        let mut response = match is_known {
            true => Response::plain(304, "", ""),
            false => Response::plain(200, self.media, self.bytes),
        };
        response.extra.push(("Etag", self.tag.into()));
        response
    }
}

/// A file by its name: that of the folder, if there is one, else the embedded one.
pub(super) fn find(folder: Option<&Path>, name: &str) -> Option<File> {
    let Some(folder) = folder else {
        let place = FILES.iter().position(|(known, _)| *known == name)?;
        let (name, bytes) = FILES.get(place)?;
        return Some(File {
            media: media(name),
            tag: TAGS.get(place)?.clone(),
            bytes: Bytes::from_static(bytes),
        });
    };
    if !is_plain(name) {
        return None;
    }
    // It blocks, but only while one works on the files.
    let bytes = std::fs::read(folder.join(name)).ok()?;
    Some(File { media: media(name), tag: tag(&bytes), bytes: bytes.into() })
}

/// Whether a name stays in its folder, and names no hidden file.
fn is_plain(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    name.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && part.bytes().all(letter))
}

fn media(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}

/// The entity tag of a content: its SHA-256.
fn tag(bytes: &[u8]) -> String {
    let mut tag = String::from("\"");
    for byte in Sha256::digest(bytes) {
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_folder(folder: &Path, front: &str, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let name = format!("{front}{}", entry.file_name().to_str().expect("a name"));
            match entry.file_type().expect("a type").is_dir() {
                true => in_folder(&entry.path(), &format!("{name}/"), found),
                false => found.push(name),
            }
        }
    }

    #[test]
    fn the_table_has_the_files_of_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../console");
        let mut there = Vec::new();
        in_folder(&folder, "", &mut there);
        there.sort();
        let mut known: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        known.sort_unstable();
        assert_eq!(known, there, "files! in console/assets.rs names each file of console/");
        for name in known {
            assert!(is_plain(name), "{name}");
            assert_ne!(media(name), "application/octet-stream", "{name}");
        }
    }

    #[test]
    fn no_name_leaves_the_folder() {
        for good in ["index.html", "lib/dom.js", "text/zh.js"] {
            assert!(is_plain(good), "{good}");
        }
        for bad in
            ["", "..", "../x", "lib/../../x", "/etc/passwd", "lib//x", ".git", "a\\b", "a b", "C:x", "%2e"]
        {
            assert!(!is_plain(bad), "{bad}");
        }
    }
}
