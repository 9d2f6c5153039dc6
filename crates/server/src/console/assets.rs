//! The files of the console, embedded in the program, or read from a folder while one works on them.

use std::fmt::Write;
use std::io::Read;
use std::path::Path;
use std::sync::LazyLock;

use bytes::Bytes;
use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};

use crate::request::Response;

/// The page.
pub(super) const INDEX: &str = "index.html";

/// The files by their names in `console/`, each in the form of gzip. The build script makes the table.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/console.rs"));

/// The entity tags of the embedded files, in their order.
static TAGS: LazyLock<Vec<String>> = LazyLock::new(|| FILES.iter().map(|(_, bytes)| tag(bytes)).collect());

/// A file of the console, in the form that the client takes.
pub(super) struct File {
    media: &'static str,
    tag: String,
    bytes: Bytes,
    is_packed: bool,
}

/// What a client says of the forms of a file.
#[derive(Default)]
pub(super) struct Client<'a> {
    /// `If-None-Match`: the entity tags that it knows.
    pub(super) known: Option<&'a str>,
    /// `Accept-Encoding`.
    pub(super) takes: Option<&'a str>,
}

impl Client<'_> {
    /// Whether it takes gzip: named, or meant by `*`, and not with a weight of zero.
    fn takes_gzip(&self) -> bool {
        let weight = |wanted: &str| {
            self.takes.unwrap_or_default().split(',').find_map(|coding| {
                let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
                let weight = weight.trim().to_ascii_lowercase();
                let weight = weight.strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
                name.trim().eq_ignore_ascii_case(wanted).then_some(weight.unwrap_or(0.0))
            })
        };
        weight("gzip").or_else(|| weight("*")).is_some_and(|weight| weight > 0.0)
    }
}

impl File {
    /// The answer to a client.
    pub(super) fn answer(self, client: &Client<'_>) -> Response {
        let is_known = client
            .known
            .is_some_and(|tags| tags.split(',').map(str::trim).any(|tag| tag == self.tag || tag == "*"));
        let mut response = match is_known {
            true => Response::plain(304, "", ""),
            false => Response::plain(200, self.media, self.bytes),
        };
        if self.is_packed && !is_known {
            response.extra.push(("Content-Encoding", "gzip".into()));
        }
        response.extra.push(("Etag", self.tag.into()));
        response.extra.push(("Vary", "Accept-Encoding".into()));
        response
    }
}

/// A file by its name: that of the folder, if there is one, else the embedded one.
pub(super) fn find(folder: Option<&Path>, name: &str, client: &Client<'_>) -> Option<File> {
    let Some(folder) = folder else { return embedded(name, client) };
    if !is_plain(name) {
        return None;
    }
    // It blocks, but only while one works on the files.
    Some(plain(name, std::fs::read(folder.join(name)).ok()?))
}

/// An embedded file, as it is in the program if the client takes that.
fn embedded(name: &str, client: &Client<'_>) -> Option<File> {
    let place = FILES.iter().position(|(known, _)| *known == name)?;
    let (name, packed) = FILES.get(place)?;
    if client.takes_gzip() {
        let (media, tag, bytes) = (media(name), TAGS.get(place)?.clone(), Bytes::from_static(packed));
        return Some(File { media, tag, bytes, is_packed: true });
    }
    let mut bytes = Vec::new();
    GzDecoder::new(*packed).read_to_end(&mut bytes).ok()?;
    Some(plain(name, bytes))
}

fn plain(name: &str, bytes: Vec<u8>) -> File {
    File { media: media(name), tag: tag(&bytes), bytes: bytes.into(), is_packed: false }
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

    const TAKES: Client<'static> = Client { known: None, takes: Some("gzip, deflate, br") };

    /// What the console adds to the program; the budget of decision 20.
    const BYTES_MAX: usize = 180_000;

    #[test]
    fn the_console_is_small() {
        let size: usize = FILES.iter().map(|(_, packed)| packed.len()).sum();
        assert!(size <= BYTES_MAX, "{size}");
    }

    #[test]
    fn each_embedded_file_is_that_of_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../console");
        assert!(FILES.iter().any(|(name, _)| *name == INDEX) && FILES.len() > 20, "these are not all");
        for (name, packed) in FILES {
            let source = find(Some(&folder), name, &TAKES).expect("in the folder");
            let (small, whole) = (find(None, name, &TAKES), find(None, name, &Client::default()));
            let (small, whole) = (small.expect("embedded"), whole.expect("embedded"));
            assert_eq!((&whole.bytes, &whole.tag), (&source.bytes, &source.tag), "{name}");
            assert!(small.is_packed && small.bytes == *packed && small.tag != whole.tag, "{name}");
            assert_ne!(media(name), "application/octet-stream", "{name}");
        }
        assert!(find(None, "none.js", &TAKES).is_none());
    }

    #[test]
    fn a_form_is_sent_to_those_who_take_it() {
        let takes = |text| Client { known: None, takes: text }.takes_gzip();
        for yes in ["gzip", "br, GZIP;q=0.5", "*", "identity, *;q=0.1"] {
            assert!(takes(Some(yes)), "{yes}");
        }
        for no in ["", "br", "gzip;q=0", "gzip; q=0, *", "gzip;Q=0", "identity", "*;q=0", "xgzip", "gzip;q=x"]
        {
            assert!(!takes(Some(no)), "{no}");
        }
        assert!(!takes(None));
    }

    #[test]
    fn who_knows_a_form_gets_no_content() {
        let first = find(None, INDEX, &TAKES).expect("embedded").answer(&TAKES);
        assert_eq!(first.header("content-encoding").as_deref(), Some("gzip"));
        let tag = first.header("etag").expect("a tag").into_owned();
        let again = Client { known: Some(&tag), ..TAKES };
        let answer = find(None, INDEX, &again).expect("embedded").answer(&again);
        assert_eq!((answer.status, answer.header("content-encoding")), (304, None));
        assert_eq!(answer.header("vary").as_deref(), Some("Accept-Encoding"));
        let other = Client { known: Some(&tag), takes: None };
        assert_eq!(find(None, INDEX, &other).expect("embedded").answer(&other).status, 200);
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
