//! Removes secrets from a call while it is recorded: by name at any depth, and tokens of this server by their form.
//!
//! Each part is read once and copied once. Most calls have nothing to remove, so what is read is copied in long runs, or as a
//! whole.
//! Pure: no bytes may make it panic.

mod headers;
mod json;
mod multipart;
pub(crate) mod names;
mod plain;
mod urls;

pub(super) use headers::header;
pub(super) use json::{json, json_of_plain_names};
pub(super) use multipart::multipart;
pub(super) use urls::{path, query};

/// What stands for a secret, or for its middle.
const GAP: &str = "…";
/// Values with fewer bytes leave nothing.
const SHORT: usize = 16;
/// The fewest bytes of a token of this server.
const TOKEN_MIN: usize = 82;
/// The length of the longest name in the list of secrets.
const LISTED_MAX: usize = 16;
/// Names that end in `token` and are not secrets: places in lists, and ids of documents.
const OPEN: [&[u8]; 9] = [
    b"page_token",
    b"sync_token",
    b"file_token",
    b"folder_token",
    b"obj_token",
    b"doc_token",
    b"node_token",
    b"parent_token",
    b"has_token",
];

/// Whether a member, parameter or part with this name is a secret.
pub(super) fn is_secret(name: &[u8]) -> bool {
    let Some(last) = name.last() else { return false };
    if is_listed(name) {
        return true;
    }
    if last | 0x20 == b'n' && name.len() >= 5 && name[name.len() - 5..].eq_ignore_ascii_case(b"token") {
        return !OPEN.iter().any(|open| name.eq_ignore_ascii_case(open));
    }
    name.len() >= 6
        && name.windows(6).any(|part| {
            part[0] | 0x20 == b's' && part[1] | 0x20 == b'e' && part.eq_ignore_ascii_case(b"secret")
        })
}

/// Whether a name is no secret, but its value is read in a way of its own.
fn has_rule(name: &[u8]) -> bool {
    name == b"field" || name == b"seed"
}

/// Whether it is one of the whole names of secrets.
fn is_listed(name: &[u8]) -> bool {
    let Some(last) = name.last() else { return false };
    let like = |known: &[u8]| name.eq_ignore_ascii_case(known);
    // The length and the last letter exclude most names at once.
    match (name.len(), last | 0x20) {
        (3, b'd') => like(b"pwd"),
        (4, b'e') => like(b"code"),
        (4, b'n') => like(b"sign"),
        (6, b'd') => like(b"passwd"),
        (6, b't') => like(b"ticket"),
        (6, b'y') => like(b"apikey"),
        (7, b'y') => like(b"api_key"),
        (8, b'd') => like(b"password"),
        (9, b't') => like(b"appticket"),
        (9, b'y') => like(b"accesskey"),
        (10, b't') => like(b"app_ticket"),
        (10, b'y') => like(b"access_key") || like(b"encryptkey"),
        (11, b'y') => like(b"encrypt_key") || like(b"control_key") || like(b"private_key"),
        (12, b'r') => like(b"codeverifier"),
        (13, b'r') => like(b"code_verifier"),
        (13, b'n') => like(b"authorization"),
        (15, b'n') => like(b"clientassertion"),
        (LISTED_MAX, b'n') => like(b"client_assertion"),
        _ => false,
    }
}

/// Secrets that a call contained: how many and, if they are wanted, as they were written, to find them again in texts
/// about the call.
#[derive(Default)]
pub(super) struct Found {
    count: usize,
    wanted: bool,
    secrets: Vec<Vec<u8>>,
}

impl Found {
    /// Keeps the secrets, if they are `wanted`.
    pub(super) fn new(wanted: bool) -> Self {
        Found { wanted, ..Found::default() }
    }

    fn note(&mut self, secret: &[u8]) {
        self.count += 1;
        // Shorter ones would be found everywhere.
        if self.wanted && secret.len() >= 6 && self.secrets.len() < 32 {
            self.secrets.push(secret.to_owned());
        }
    }

    /// How many were found.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// A text without the secrets that were found.
    pub(super) fn without(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            if let Ok(secret) = str::from_utf8(secret)
                && text.contains(secret)
            {
                text = text.replace(secret, GAP);
            }
        }
        text
    }

    /// Removes the secrets from the end of a buffer, from `start` on.
    pub(super) fn clean(&self, out: &mut Vec<u8>, start: usize) {
        if self.secrets.is_empty() {
            return;
        }
        if let Ok(text) = str::from_utf8(&out[start..]) {
            let clean = self.without(text);
            out.truncate(start);
            out.extend_from_slice(clean.as_bytes());
        }
    }
}

/// Writes what may be seen of a secret: its prefix and its last four characters.
fn mask(secret: &[u8], out: &mut Vec<u8>, found: &mut Found) {
    found.note(secret);
    let prefix = if secret.get(1) == Some(&b'-') { 2 } else { 0 };
    let tail = secret.len().saturating_sub(4);
    let plain = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_alphanumeric);
    if secret.len() < SHORT || !plain(&secret[tail..]) || secret[tail.saturating_sub(6)..].contains(&b'\\') {
        out.extend_from_slice(GAP.as_bytes());
        return;
    }
    out.extend_from_slice(if plain(&secret[..prefix.min(1)]) { &secret[..prefix] } else { b"" });
    out.extend_from_slice(GAP.as_bytes());
    out.extend_from_slice(&secret[tail..]);
}

/// Whether a text has the form of a token of this server.
fn is_token(text: &[u8]) -> bool {
    text.len() >= TOKEN_MIN
        && matches!(text, [b't' | b'u' | b'a', b'-', hex @ ..] if hex.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests;
