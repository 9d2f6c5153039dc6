//! Removes secrets from a call while it is recorded: by name at any depth, and tokens of this server by their form.
//!
//! Each part is read once and copied once. Most calls have nothing to remove, so what is read is copied in long runs, or as a
//! whole.
//! Pure: no bytes may make it panic.

pub(crate) mod names;
mod plain;

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// What stands for a secret, or for its middle.
const GAP: &str = "…";
/// Values with fewer bytes leave nothing.
const SHORT: usize = 16;
/// The fewest bytes of a token of this server.
const TOKEN_MIN: usize = 82;
/// The length of the longest name in the list of secrets.
const LISTED_MAX: usize = 16;
/// How much of a multipart body is searched for heads.
const HEADS_MAX: usize = 64 << 10;
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

/// Copies JSON, or what looks like it, of at most `limit` bytes. Returns whether all of it was copied.
pub(super) fn json(text: &[u8], limit: usize, out: &mut Vec<u8>, found: &mut Found) -> bool {
    if text.len() <= limit && plain::is_plain(text) {
        out.extend_from_slice(text);
        return true;
    }
    scanned(text, limit, out, found)
}

/// As [`json`], of JSON whose names are known not to be those of secrets.
pub(super) fn json_of_plain_names(text: &[u8], limit: usize, out: &mut Vec<u8>, found: &mut Found) -> bool {
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
fn scanned(text: &[u8], limit: usize, out: &mut Vec<u8>, found: &mut Found) -> bool {
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
pub(super) fn query(text: &[u8], out: &mut Vec<u8>, found: &mut Found) {
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
fn url(text: &[u8], out: &mut Vec<u8>, found: &mut Found) {
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
fn reference(text: &[u8], out: &mut Vec<u8>, found: &mut Found) {
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
pub(super) fn path(text: &[u8], out: &mut Vec<u8>, found: &mut Found) {
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
pub(super) fn header(name: &str, value: &str, out: &mut Vec<u8>, found: &mut Found) {
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
fn is_private(name: &str) -> bool {
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

/// Writes what a multipart body consists of, as JSON: the head and the size of each part, no content.
pub(super) fn multipart(content_type: &str, body: &[u8], out: &mut Vec<u8>) {
    let parts = boundary(content_type).map(|boundary| parts(&boundary, body)).unwrap_or_default();
    let shown = serde_json::json!({ "parts": parts });
    out.extend_from_slice(shown.to_string().as_bytes());
}

fn boundary(content_type: &str) -> Option<Vec<u8>> {
    let given = content_type.split(';').skip(1).find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    (!given.is_empty()).then(|| format!("--{given}").into_bytes())
}

fn parts(boundary: &[u8], body: &[u8]) -> Vec<serde_json::Value> {
    // Heads come first, and files last: a long file is not searched for its end.
    let text = &body[..body.len().min(HEADS_MAX)];
    let unread = body.len() - text.len();
    let mut shown = Vec::new();
    let mut rest = text;
    while let Some(at) = position(rest, boundary) {
        let Some(part) = rest.get(at + boundary.len()..) else { break };
        let end = position(part, boundary);
        let length = end.unwrap_or(part.len());
        if let Some(blank) = position(&part[..length], b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&part[..blank]);
            // The line break before the next boundary; after the last part also the boundary itself.
            let closing = if end.is_some() { 2 } else { boundary.len() + 6 };
            let most = length + if end.is_some() { 0 } else { unread };
            let size = most.saturating_sub(blank + 4 + closing);
            let lines: Vec<&str> = head.split("\r\n").filter(|line| !line.is_empty()).collect();
            shown.push(serde_json::json!({"head": lines, "bytes": size}));
        }
        if shown.len() == 32 {
            break;
        }
        rest = &rest[at + boundary.len() + length..];
    }
    shown
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests;
