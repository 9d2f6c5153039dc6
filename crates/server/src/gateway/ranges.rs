//! Parts of a file, and the name to save it under.

use std::fmt::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is sent of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// The bytes from `first` to `last`, both included; both exist.
    Bytes {
        /// The first one, from 0.
        first: usize,
        /// The last one.
        last: usize,
    },
    /// Nothing: it has no such bytes.
    Outside,
}

/// The part that a `Range` header asks for, of `total` bytes. A header that is malformed, has another unit or lists
/// several ranges is ignored. Source: RFC 9110, section 14.2.
pub(super) fn part(header: Option<&str>, total: usize) -> Part {
    let Some((unit, range)) = header.and_then(|header| header.split_once('=')) else { return Part::Whole };
    let Some((first, last)) = range.trim().split_once('-') else { return Part::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Part::Whole;
    }
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first > last => Part::Whole,
        (Some(_), None) if !last.is_empty() => Part::Whole,
        (Some(first), _) if first >= total => Part::Outside,
        (Some(first), last) => Part::Bytes { first, last: last.unwrap_or(usize::MAX).min(total - 1) },
        (None, Some(count)) if first.is_empty() => match count.min(total) {
            0 => Part::Outside,
            count => Part::Bytes { first: total - count, last: total - 1 },
        },
        _ => Part::Whole,
    }
}

/// A decimal number without a sign; one that is too large is the largest.
fn number(text: &str) -> Option<usize> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(usize::MAX))
}

/// What needs no encoding in `filename*`. Source: RFC 8187, section 3.2.1.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The `Content-Disposition` of a file: its name in ASCII for old clients, with `_` for every other character, and the
/// whole name for all others. Browsers save a file, unless it is `inline`. Source: RFC 6266.
pub(super) fn disposition(name: &str, inline: bool) -> String {
    let mut text = String::from(if inline { "inline" } else { "attachment" });
    text.push_str("; filename=\"");
    for c in name.chars() {
        text.push(if matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '%') { c } else { '_' });
    }
    let _ = write!(text, "\"; filename*=UTF-8''{}", utf8_percent_encode(name, PLAIN));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let bytes = |first, last| Part::Bytes { first, last };
        for (header, total, expected) in [
            ("bytes=0-131071", 200_000, bytes(0, 131_071)),
            ("bytes=0-131071", 10, bytes(0, 9)),
            ("bytes=9-9", 10, bytes(9, 9)),
            ("Bytes = 4-", 10, bytes(4, 9)),
            ("bytes=-3", 10, bytes(7, 9)),
            ("bytes=-30", 10, bytes(0, 9)),
            ("bytes=0-99999999999999999999999", 10, bytes(0, 9)),
            ("bytes=10-", 10, Part::Outside),
            ("bytes=99999999999999999999999-", 10, Part::Outside),
            ("bytes=-0", 10, Part::Outside),
            ("bytes=0-", 0, Part::Outside),
            ("bytes=-1", 0, Part::Outside),
            ("bytes=5-4", 10, Part::Whole),
            ("bytes=0-1,3-4", 10, Part::Whole),
            ("bytes=-", 10, Part::Whole),
            ("bytes=+1-2", 10, Part::Whole),
            ("bytes=1-x", 10, Part::Whole),
            ("bytes=x-1", 10, Part::Whole),
            ("lines=0-1", 10, Part::Whole),
            ("bytes", 10, Part::Whole),
            ("", 10, Part::Whole),
        ] {
            assert_eq!(part(Some(header), total), expected, "{header} of {total}");
        }
        assert_eq!(part(None, 10), Part::Whole);
    }

    #[test]
    fn names() {
        assert_eq!(
            disposition("a b.txt", false),
            "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt"
        );
        assert_eq!(
            disposition("报告\"\r\n.pdf", false),
            "attachment; filename=\"_____.pdf\"; filename*=UTF-8''%E6%8A%A5%E5%91%8A%22%0D%0A.pdf"
        );
        assert_eq!(disposition("a.png", true), "inline; filename=\"a.png\"; filename*=UTF-8''a.png");
    }
}
