//! Secrets in headers.

use super::urls::{reference, url};
use super::{Found, LISTED_MAX, is_listed, mask};

/// Whether a header is of the kind that every client sends and that has no secret.
fn is_usual(name: &str) -> bool {
    let like = |known: &str| name.eq_ignore_ascii_case(known);
    match name.len() {
        4 => like("host"),
        6 => like("accept"),
        10 => like("user-agent") || like("connection"),
        12 => like("content-type"),
        14 => like("content-length"),
        15 => like("accept-encoding") || like("accept-language"),
        _ => false,
    }
}

/// Copies the value of a header.
pub(in crate::traffic) fn header(name: &str, value: &str, out: &mut Vec<u8>, found: &mut Found) {
    if is_usual(name) {
        out.extend_from_slice(value.as_bytes());
    } else if name.eq_ignore_ascii_case("authorization") || is_private(name) {
        // The scheme of `Authorization` is no secret.
        match value.split_once(' ').filter(|(scheme, _)| scheme.len() <= 8) {
            Some((scheme, rest)) => {
                out.extend_from_slice(scheme.as_bytes());
                out.push(b' ');
                mask(rest.trim().as_bytes(), out, found);
            }
            None => mask(value.as_bytes(), out, found),
        }
    } else if value.starts_with('/') {
        reference(value.as_bytes(), out, found);
    } else if value.contains(":/") {
        url(value.as_bytes(), out, found);
    } else {
        out.extend_from_slice(value.as_bytes());
    }
}

/// Whether a header's name says that its value is a secret.
pub(super) fn is_private(name: &str) -> bool {
    let name = name.as_bytes();
    if (0..name.len()).any(|at| begins_private(&name[at..])) {
        return true;
    }
    // As it would be written as a member.
    let mut member = [0; LISTED_MAX];
    let Some(member) = member.get_mut(..name.len()) else { return false };
    for (to, from) in member.iter_mut().zip(name) {
        *to = if *from == b'-' { b'_' } else { *from };
    }
    is_listed(member)
}

/// Whether a name, from here on, begins with a word that secrets have in their names.
fn begins_private(name: &[u8]) -> bool {
    let has = |word: &[u8]| name.get(..word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word));
    match name.first().map(u8::to_ascii_lowercase) {
        Some(b'a') => has(b"auth") || has(b"api_key") || has(b"api-key"),
        Some(b'c') => has(b"cookie") || has(b"csrf") || has(b"console"),
        Some(b'p') => has(b"password"),
        Some(b's') => has(b"secret") || has(b"signature"),
        Some(b't') => has(b"token"),
        _ => false,
    }
}
