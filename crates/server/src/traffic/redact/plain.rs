//! Whether JSON can be copied as it is. Most bodies can, and a look at some of their bytes shows it.

use super::{has_rule, is_secret};

/// How many bytes are looked at together.
const WORD: usize = size_of::<u64>();
/// A word with 1 in each byte.
const ONES: u64 = u64::MAX / 255;
/// How most answers begin. Nothing in it is a secret.
const BEGINNINGS: [&[u8]; 2] = [br#"{"code":0,"msg":"success","data":"#, br#"{"code":0,"msg":"ok","data":"#];

/// Whether [`super::json()`] would copy all of this text unchanged. If in doubt, it says no: of a text with a backslash, with a
/// URL, with what begins like a token, or with the name of a secret before a value.
///
/// Without a backslash, strings end at the next quote. So a name is what is between the quote before a colon and the quote
/// before that.
pub(super) fn is_plain(text: &[u8]) -> bool {
    let text = BEGINNINGS.iter().find_map(|beginning| text.strip_prefix(*beginning)).unwrap_or(text);
    let (escaped, hyphened) = has_marks(text);
    if escaped || (hyphened && may_have_token(text)) {
        return false;
    }
    let secretive = may_have_secret(text);
    let (words, rest) = text.as_chunks::<WORD>();
    for (index, word) in words.iter().enumerate() {
        let mut colons = marks(u64::from_le_bytes(*word), b':');
        while colons != 0 {
            let at = index * WORD + (colons.trailing_zeros() / u8::BITS) as usize;
            if !is_plain_at(text, at, secretive) {
                return false;
            }
            colons &= colons - 1;
        }
    }
    let read = text.len() - rest.len();
    rest.iter().enumerate().all(|(at, byte)| *byte != b':' || is_plain_at(text, read + at, secretive))
}

/// Whether values can be copied as they are, wherever no name is that of a secret: without a backslash, a URL, and what begins like
/// a token.
pub(super) fn has_plain_values(text: &[u8]) -> bool {
    let (escaped, hyphened) = has_marks(text);
    !(escaped || has_address(text) || (hyphened && may_have_token(text)))
}

/// Whether a text has a colon before a slash. Runs on many bytes at once.
fn has_address(text: &[u8]) -> bool {
    let later = text.get(1..).unwrap_or_default();
    let mut found = false;
    for (colon, slash) in text.iter().zip(later) {
        found |= (*colon == b':') & (*slash == b'/');
    }
    found
}

/// Whether a text has a backslash, and a hyphen. Without an exit, the loop runs on many bytes at once.
fn has_marks(text: &[u8]) -> (bool, bool) {
    let (mut backslash, mut hyphen) = (false, false);
    for byte in text {
        backslash |= *byte == b'\\';
        hyphen |= *byte == b'-';
    }
    (backslash, hyphen)
}

/// Whether a text has what is in the middle of `secret`. Runs on many bytes at once, too.
fn may_have_secret(text: &[u8]) -> bool {
    let later = |bytes: usize| text.get(bytes..).unwrap_or_default();
    let mut found = false;
    for ((e, c), r) in text.iter().zip(later(1)).zip(later(2)) {
        found |= (*e | 0x20 == b'e') & (*c | 0x20 == b'c') & (*r | 0x20 == b'r');
    }
    found
}

/// The highest bit of each byte of a word that is this one. After such a byte, others may be marked, too.
fn marks(word: u64, byte: u8) -> u64 {
    let zeros = word ^ (ONES * u64::from(byte));
    zeros.wrapping_sub(ONES) & !zeros & (ONES << 7)
}

/// Whether a string begins like a token of this server.
fn may_have_token(text: &[u8]) -> bool {
    text.windows(3).any(|three| matches!(three, [b'"', b't' | b'u' | b'a', b'-']))
}

/// Whether there is no colon at a place, or one that is neither part of a URL nor between the name of a secret and a value. Names
/// with a rule of their own count as secrets. `secretive`: whether a name may have `secret` in it.
#[inline]
fn is_plain_at(text: &[u8], at: usize, secretive: bool) -> bool {
    let (before, [b':', after @ ..]) = text.split_at(at) else { return true };
    if after.first() == Some(&b'/') {
        return false;
    }
    match before {
        [.., one, last, b'"'] if !secretive && !ends_secret(*one, *last) => true,
        _ => is_plain_member(before.trim_ascii_end(), after),
    }
}

/// Whether one of the whole names of secrets, `token`, `field` or `seed` ends with these letters.
fn ends_secret(one: u8, last: u8) -> bool {
    matches!(
        [one | 0x20, last | 0x20],
        [b'd' | b'w' | b'r' | b'l' | b'e', b'd']
            | [b'd', b'e']
            | [b'e' | b'g' | b'o', b'n']
            | [b'e', b't' | b'y' | b'r']
    )
}

/// Whether what ends here is not the name of a secret before a value.
fn is_plain_member(before: &[u8], after: &[u8]) -> bool {
    let [before @ .., b'"'] = before else { return true };
    let start = before.iter().rposition(|byte| *byte == b'"').map_or(0, |quote| quote + 1);
    let name = &before[start..];
    if !is_secret(name) && !has_rule(name) {
        return true;
    }
    match after.trim_ascii_start().first() {
        Some(b'"' | b'{' | b'[') => false,
        // A code as a number is that of an answer.
        Some(b'-' | b'0'..=b'9') => name.eq_ignore_ascii_case(b"code"),
        _ => true,
    }
}
