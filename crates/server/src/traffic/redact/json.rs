//! Secrets in JSON, or in what looks like it: by the names of members at any depth, and by the form of values.

use std::borrow::Cow;

use super::urls::url;
use super::{Found, GAP, is_secret, is_token, mask, plain};

/// Copies JSON, or what looks like it, of at most `limit` bytes. Returns whether all of it was copied.
pub(in crate::traffic) fn json(text: &[u8], limit: usize, out: &mut Vec<u8>, found: &mut Found) -> bool {
    if text.len() <= limit && plain::is_plain(text) {
        out.extend_from_slice(text);
        return true;
    }
    scanned(text, limit, out, found)
}

/// As [`json`], of JSON whose names are known not to be those of secrets.
pub(in crate::traffic) fn json_of_plain_names(
    text: &[u8],
    limit: usize,
    out: &mut Vec<u8>,
    found: &mut Found,
) -> bool {
    if text.len() <= limit && plain::has_plain_values(text) {
        debug_assert!(is_untouched(text), "it has a secret: {}", String::from_utf8_lossy(text));
        out.extend_from_slice(text);
        return true;
    }
    json(text, limit, out, found)
}

/// Whether a copy, string by string, is the same.
fn is_untouched(text: &[u8]) -> bool {
    let mut copy = Vec::with_capacity(text.len());
    scanned(text, usize::MAX / 2, &mut copy, &mut Found::default()) && copy == text
}

/// The same, string by string.
pub(super) fn scanned(text: &[u8], limit: usize, out: &mut Vec<u8>, found: &mut Found) -> bool {
    let end = out.len().saturating_add(limit);
    let mut scan = Json { text, at: 0, copied: 0, out, found, masking: None, about_secret: false };
    while scan.at < text.len() && scan.out.len() + (scan.at - scan.copied) <= end {
        scan.step();
    }
    let read = scan.at;
    scan.flush(read);
    let whole = read >= text.len() && out.len() <= end;
    if out.len() > end {
        let mut end = end;
        while end > 0 && out[end] & 0xc0 == 0x80 {
            end -= 1;
        }
        out.truncate(end);
    }
    whole
}

struct Json<'a> {
    text: &'a [u8],
    at: usize,
    /// What is before this was copied, or replaced.
    copied: usize,
    out: &'a mut Vec<u8>,
    found: &'a mut Found,
    /// Inside a secret object or list: how many brackets are open.
    masking: Option<usize>,
    /// Whether the present object is about a field that is a secret: then so is its `value`.
    about_secret: bool,
}

/// A string: where its content is, and what is in it.
#[derive(Clone, Copy)]
struct Text {
    start: usize,
    end: usize,
    escaped: bool,
    address: bool,
}

impl Json<'_> {
    /// Copies what was read so far, up to `end`.
    fn flush(&mut self, end: usize) {
        let end = end.min(self.text.len());
        if let Some(run) = self.text.get(self.copied..end) {
            self.out.extend_from_slice(run);
        }
        self.copied = self.copied.max(end);
    }

    /// Reads up to the next string, and the string with the value that it names.
    fn step(&mut self) {
        let rest = &self.text[self.at..];
        let quote = rest.iter().position(|byte| *byte == b'"').unwrap_or(rest.len());
        self.plain(quote);
        if self.at >= self.text.len() {
            return;
        }
        let string = self.string();
        let mut after = string.end + 1;
        while self.text.get(after).is_some_and(u8::is_ascii_whitespace) {
            after += 1;
        }
        if self.text.get(after) == Some(&b':') {
            after += 1;
            while self.text.get(after).is_some_and(u8::is_ascii_whitespace) {
                after += 1;
            }
            self.at = after;
            self.named(string);
        } else {
            self.value(string, self.masking.is_some());
        }
    }

    /// Reads bytes outside of strings.
    fn plain(&mut self, length: usize) {
        let part = &self.text[self.at..self.at + length];
        self.at += length;
        let Some(mut open) = self.masking else { return };
        for byte in part {
            match byte {
                b'{' | b'[' => open += 1,
                b'}' | b']' => open = open.saturating_sub(1),
                _ => {}
            }
        }
        self.masking = (open > 0).then_some(open);
    }

    /// The string that begins here.
    fn string(&self) -> Text {
        let start = self.at + 1;
        let (mut end, mut escaped, mut address) = (start, false, false);
        while let Some(byte) = self.text.get(end) {
            match byte {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    end += 1;
                }
                b':' => address |= matches!(self.text.get(end + 1..), Some([b'/', ..] | [b'\\', b'/', ..])),
                _ => {}
            }
            end += 1;
        }
        let most = self.text.len();
        Text { start: start.min(most), end: end.min(most), escaped, address }
    }

    /// Looks at the value of a member, which begins here.
    fn named(&mut self, name: Text) {
        let inner = &self.text[name.start..name.end];
        let decoded = match name.escaped {
            true => decode(inner).map_or(Cow::Borrowed(inner), |text| Cow::Owned(text.into_bytes())),
            false => Cow::Borrowed(inner),
        };
        let secret = is_secret(&decoded) || (self.about_secret && *decoded == *b"value");
        match self.text.get(self.at) {
            Some(b'"') => {
                let string = self.string();
                if *decoded == *b"field" {
                    let leaf = self.text[string.start..string.end].rsplit(|byte| *byte == b'.').next();
                    self.about_secret = leaf.is_some_and(is_secret);
                }
                // A seed as text may have a secret that it should not have.
                let seed = *decoded == *b"seed";
                self.value(string, secret || seed || self.masking.is_some());
            }
            Some(b'{' | b'[') if secret && self.masking.is_none() => {
                self.masking = Some(0);
                self.plain(1);
            }
            Some(b'-' | b'0'..=b'9') if secret && !decoded.eq_ignore_ascii_case(b"code") => {
                let rest = &self.text[self.at..];
                let length = rest.iter().take_while(|byte| !b",]} \r\n\t".contains(byte)).count();
                self.found.note(&rest[..length]);
                self.flush(self.at);
                self.out.extend_from_slice("\"…\"".as_bytes());
                self.at += length;
                self.copied = self.at;
            }
            _ => {}
        }
    }

    /// Reads a string value, and replaces it if it has a secret.
    fn value(&mut self, string: Text, secret: bool) {
        let Text { start, end, escaped, address } = string;
        let inner = &self.text[start..end];
        self.at = (end + 1).min(self.text.len());
        let json = escaped && matches!(inner.first(), Some(b'{' | b'['));
        if !(secret || json || address || is_token(inner)) {
            return;
        }
        self.flush(start);
        self.copied = end;
        if secret || is_token(inner) {
            mask(inner, self.out, self.found);
        } else if json {
            self.nested(inner);
        } else if escaped {
            self.escaped_url(inner);
        } else {
            url(inner, self.out, self.found);
        }
    }

    /// Copies JSON inside a string.
    fn nested(&mut self, inner: &[u8]) {
        let Some(text) = decode(inner) else {
            // Not a string, so nothing can be said of what it contains.
            self.out.extend_from_slice(GAP.as_bytes());
            return;
        };
        let mut clean = Vec::with_capacity(text.len());
        json(text.as_bytes(), usize::MAX / 2, &mut clean, self.found);
        encode(&clean, self.out);
    }

    /// Copies a URL inside a string with escapes, such as those of Go for `&` and of PHP for `/`. Without a secret it stays as
    /// it was written.
    fn escaped_url(&mut self, inner: &[u8]) {
        let Some(text) = decode(inner) else { return url(inner, self.out, self.found) };
        let (mut clean, before) = (Vec::with_capacity(text.len()), self.found.count());
        url(text.as_bytes(), &mut clean, self.found);
        match self.found.count() > before {
            true => encode(&clean, self.out),
            false => self.out.extend_from_slice(inner),
        }
    }
}

/// Writes the inner bytes of the string with this text.
fn encode(text: &[u8], out: &mut Vec<u8>) {
    let quoted = serde_json::to_string(&String::from_utf8_lossy(text)).unwrap_or_default();
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    out.extend_from_slice(inner.unwrap_or_default().as_bytes());
}

/// The text of a string's inner bytes.
fn decode(inner: &[u8]) -> Option<String> {
    let mut quoted = Vec::with_capacity(inner.len() + 2);
    quoted.push(b'"');
    quoted.extend_from_slice(inner);
    quoted.push(b'"');
    serde_json::from_slice(&quoted).ok()
}
