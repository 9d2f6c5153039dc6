//! Secrets in paths, queries, forms and URLs.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::{Found, GAP, TOKEN_MIN, is_secret, is_token, mask};

/// A name as it is meant: percent-decoded, if it is encoded.
fn meant(name: &[u8]) -> Cow<'_, [u8]> {
    if !name.contains(&b'%') {
        return Cow::Borrowed(name);
    }
    match str::from_utf8(name) {
        Ok(text) => Cow::Owned(percent_decode_str(text).collect()),
        Err(_) => Cow::Borrowed(name),
    }
}

/// Copies a query or a form: the values of secret names are masked.
pub(in crate::traffic) fn query(text: &[u8], out: &mut Vec<u8>, found: &mut Found) {
    let (mut at, mut copied) = (0, 0);
    for pair in text.split(|byte| *byte == b'&') {
        let end = at + pair.len();
        let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = (meant(&pair[..equals]), pair.get(equals + 1..).unwrap_or_default());
        // An error's code is a short number; an authorization code is not.
        let number = value.len() <= 10 && *name == *b"code" && value.iter().all(u8::is_ascii_digit);
        if (is_secret(&name) && !number) || is_token(value) {
            out.extend_from_slice(&text[copied..end - value.len()]);
            mask(value, out, found);
            copied = end;
        }
        at = end + 1;
    }
    out.extend_from_slice(&text[copied..]);
}

/// Copies a URL: without the password in its authority, and with a clean path and query.
pub(super) fn url(text: &[u8], out: &mut Vec<u8>, found: &mut Found) {
    let scheme = text.windows(3).position(|three| three == b"://").map_or(0, |at| at + 3);
    let (scheme, rest) = text.split_at(scheme);
    out.extend_from_slice(scheme);
    let authority = rest.iter().position(|byte| b"/?#\\".contains(byte)).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(authority);
    match authority.iter().rposition(|byte| *byte == b'@') {
        Some(at) => {
            found.note(&authority[..at]);
            out.extend_from_slice(GAP.as_bytes());
            out.extend_from_slice(&authority[at..]);
        }
        None => out.extend_from_slice(authority),
    }
    reference(rest, out, found);
}

/// Copies path, query and fragment of a URL. Pages keep parameters in fragments, behind a path of their own or without one.
pub(super) fn reference(text: &[u8], out: &mut Vec<u8>, found: &mut Found) {
    for (index, part) in text.split(|byte| *byte == b'#').enumerate() {
        if index > 0 {
            out.push(b'#');
        }
        let mark = part.iter().position(|byte| *byte == b'?').unwrap_or(part.len());
        let (front, pairs) = part.split_at(mark);
        if index == 0 || front.first() == Some(&b'/') {
            path(front, out, found);
        } else {
            query(front, out, found);
        }
        if let [mark, pairs @ ..] = pairs {
            out.push(*mark);
            query(pairs, out, found);
        }
    }
}

/// Copies a path: what follows `hook` is a secret, and so is a token.
pub(in crate::traffic) fn path(text: &[u8], out: &mut Vec<u8>, found: &mut Found) {
    // Neither has room in most paths. A loop without an exit runs on many bytes at once.
    let may_have_hook = text.iter().fold(false, |may, byte| may | (*byte | 0x20 == b'k') | (*byte == b'%'));
    if text.len() < TOKEN_MIN && !may_have_hook {
        out.extend_from_slice(text);
        return;
    }
    let (mut at, mut copied, mut after_hook) = (0, 0, false);
    for part in text.split(|byte| *byte == b'/') {
        let end = at + part.len();
        if (after_hook && !part.is_empty()) || is_token(part) {
            out.extend_from_slice(&text[copied..at]);
            mask(part, out, found);
            copied = end;
        }
        after_hook = match part.len() {
            0 => after_hook,
            4.. => meant(part).eq_ignore_ascii_case(b"hook"),
            _ => false,
        };
        at = end + 1;
    }
    out.extend_from_slice(&text[copied..]);
}
