//! A multipart body, for uploads.

use std::fs;

use bytes::Bytes;
use sha2::{Digest, Sha256};

/// The media type and the bytes of a form with these fields (`NAME=VALUE`) and files (`NAME=@PATH`).
pub(super) fn form(fields: &[String], files: &[String]) -> Result<(String, Bytes), String> {
    let mut parts = Vec::new();
    for field in fields {
        let (name, value) = field.split_once('=').ok_or_else(|| format!("{field:?} is not NAME=VALUE"))?;
        parts.push((head(name, None)?, value.as_bytes().to_vec()));
    }
    for file in files {
        let (name, path) = file
            .split_once("=@")
            .ok_or_else(|| format!("{file:?} is not NAME=@PATH, such as image=@picture.png"))?;
        let bytes = fs::read(path).map_err(|error| format!("cannot read {path}: {error}"))?;
        let last = path.rsplit('/').next().unwrap_or(path);
        parts.push((head(name, Some(last))?, bytes));
    }
    // A boundary must not be in what it bounds: one that is made of it is not.
    let mut digest = Sha256::new();
    for (head, bytes) in &parts {
        digest.update(head);
        digest.update(bytes);
    }
    let boundary: String = digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let mut body = Vec::new();
    for (head, bytes) in parts {
        body.extend_from_slice(format!("--{boundary}\r\n{head}\r\n\r\n").as_bytes());
        body.extend_from_slice(&bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok((format!("multipart/form-data; boundary={boundary}"), body.into()))
}

/// The header of a part, or two for a file.
fn head(name: &str, file: Option<&str>) -> Result<String, String> {
    let plain = |text: &str| !text.contains(['"', '\r', '\n']);
    if !plain(name) || file.is_some_and(|file| !plain(file)) {
        return Err(format!(
            "{name:?} or the name of its file has a quotation mark or a line feed: rename it"
        ));
    }
    Ok(match file {
        None => format!("Content-Disposition: form-data; name=\"{name}\""),
        Some(file) => format!(
            "Content-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\nContent-Type: application/octet-stream"
        ),
    })
}
