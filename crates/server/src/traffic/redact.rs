//! Removes secrets from a call while it is recorded: by name at any depth, and tokens of this server by their form.
//!
//! Each part is copied once, in one pass. Pure: no bytes may make it panic.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// What stands for a secret, or for its middle.
const GAP: &str = "…";
/// Values with fewer bytes leave nothing.
const SHORT: usize = 16;
/// The fewest bytes of a token of this server.
const TOKEN_MIN: usize = 82;
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
/// Names of secrets, besides those that end in `token` or contain `secret`.
const SECRET: [&[u8]; 21] = [
    b"code",
    b"code_verifier",
    b"codeverifier",
    b"password",
    b"passwd",
    b"pwd",
    b"ticket",
    b"app_ticket",
    b"appticket",
    b"encrypt_key",
    b"encryptkey",
    b"control_key",
    b"access_key",
    b"accesskey",
    b"api_key",
    b"apikey",
    b"private_key",
    b"sign",
    b"authorization",
    b"client_assertion",
    b"clientassertion",
];

/// Whether a member, parameter or part with this name is a secret.
pub(super) fn is_secret(name: &[u8]) -> bool {
    let Some(last) = name.last() else { return false };
    let like = |known: &[u8]| name.eq_ignore_ascii_case(known);
    match last | 0x20 {
        b'n' if name.len() >= 5 && name[name.len() - 5..].eq_ignore_ascii_case(b"token") => {
            return !OPEN.iter().any(|open| like(open));
        }
        b'n' | b'd' | b't' | b'e' | b'r' | b'y' if SECRET.iter().any(|known| like(known)) => return true,
        _ => {}
    }
    name.len() >= 6
        && (0..=name.len() - 6)
            .any(|at| name[at] | 0x20 == b's' && name[at..at + 6].eq_ignore_ascii_case(b"secret"))
}

/// Secrets that a call contained, as they were written, to find them again in texts about the call.
#[derive(Default)]
pub(super) struct Found(Vec<Vec<u8>>);

impl Found {
    fn note(&mut self, secret: &[u8]) {
        // Shorter ones would be found everywhere.
        if self.0.len() < 32 {
            self.0.push(if secret.len() >= 6 { secret.to_owned() } else { Vec::new() });
        }
    }

    /// How many were found.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// A text without the secrets that were found.
    pub(super) fn without(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            if let Ok(secret) = str::from_utf8(secret)
                && !secret.is_empty()
                && text.contains(secret)
            {
                text = text.replace(secret, GAP);
            }
        }
        text
    }

    /// Removes the secrets from the end of a buffer, from `start` on.
    pub(super) fn clean(&self, out: &mut Vec<u8>, start: usize) {
        if self.0.is_empty() {
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
    let end = out.len() + limit;
    let mut scan = Json { text, at: 0, out, found, masking: None, about_secret: false };
    while scan.at < text.len() && scan.out.len() <= end {
        scan.step();
    }
    let whole = scan.at >= text.len() && out.len() <= end;
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
    out: &'a mut Vec<u8>,
    found: &'a mut Found,
    /// Inside a secret object or list: how many brackets are open.
    masking: Option<usize>,
    /// Whether the present object is about a field that is a secret: then so is its `value`.
    about_secret: bool,
}

impl Json<'_> {
    /// Copies up to the next string, and the string with the value that it names.
    fn step(&mut self) {
        let rest = &self.text[self.at..];
        let Some(quote) = rest.iter().position(|byte| *byte == b'"') else {
            self.plain(rest.len());
            return;
        };
        self.plain(quote);
        let (start, end) = self.string();
        let inner = &self.text[start..end];
        let after = end + 1 + blanks(self.text.get(end + 1..).unwrap_or_default());
        if self.text.get(after) == Some(&b':') {
            let value = after + 1 + blanks(&self.text[after + 1..]);
            self.out.extend_from_slice(&self.text[self.at..value.min(self.text.len())]);
            self.at = value;
            self.named(inner);
        } else {
            self.value(start, end, self.masking.is_some());
        }
    }

    /// Copies bytes outside of strings.
    fn plain(&mut self, length: usize) {
        let part = &self.text[self.at..self.at + length];
        self.at += length;
        self.out.extend_from_slice(part);
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

    /// The content of the string that begins here.
    fn string(&self) -> (usize, usize) {
        let start = self.at + 1;
        let mut end = start;
        while let Some(byte) = self.text.get(end) {
            match byte {
                b'"' => break,
                b'\\' => end += 2,
                _ => end += 1,
            }
        }
        (start.min(self.text.len()), end.min(self.text.len()))
    }

    /// Looks at the value of a member, which begins here.
    fn named(&mut self, name: &[u8]) {
        let decoded = match name.contains(&b'\\') {
            true => decode(name).map_or(Cow::Borrowed(name), |text| Cow::Owned(text.into_bytes())),
            false => Cow::Borrowed(name),
        };
        let secret = is_secret(&decoded) || (self.about_secret && *decoded == *b"value");
        match self.text.get(self.at) {
            Some(b'"') => {
                let (start, end) = self.string();
                if *decoded == *b"field" {
                    let leaf = self.text[start..end].rsplit(|byte| *byte == b'.').next();
                    self.about_secret = leaf.is_some_and(is_secret);
                }
                self.value(start, end, secret || self.masking.is_some());
            }
            Some(b'{' | b'[') if secret && self.masking.is_none() => {
                self.masking = Some(0);
                self.plain(1);
            }
            Some(b'-' | b'0'..=b'9') if secret && !decoded.eq_ignore_ascii_case(b"code") => {
                let rest = &self.text[self.at..];
                let length = rest.iter().take_while(|byte| !b",]} \r\n\t".contains(byte)).count();
                self.found.note(&rest[..length]);
                self.out.extend_from_slice("\"…\"".as_bytes());
                self.at += length;
            }
            _ => {}
        }
    }

    /// Copies a string value, with its quotes.
    fn value(&mut self, start: usize, end: usize, secret: bool) {
        let inner = &self.text[start..end];
        self.out.push(b'"');
        if secret || is_token(inner) {
            mask(inner, self.out, self.found);
        } else if matches!(inner.first(), Some(b'{' | b'[')) && inner.contains(&b'\\') {
            self.nested(inner);
        } else if inner.windows(3).any(|three| three == b"://") {
            url(inner, self.out, self.found);
        } else {
            self.out.extend_from_slice(inner);
        }
        if end < self.text.len() {
            self.out.push(b'"');
        }
        self.at = (end + 1).min(self.text.len());
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
        let clean = String::from_utf8_lossy(&clean);
        let quoted = serde_json::to_string(&clean).unwrap_or_default();
        self.out.extend_from_slice(quoted.trim_start_matches('"').strip_suffix('"').unwrap_or("").as_bytes());
    }
}

fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// The text of a string's inner bytes.
fn decode(inner: &[u8]) -> Option<String> {
    let mut quoted = Vec::with_capacity(inner.len() + 2);
    quoted.push(b'"');
    quoted.extend_from_slice(inner);
    quoted.push(b'"');
    serde_json::from_slice(&quoted).ok()
}

/// Copies a query or a form: the values of secret names are masked.
pub(super) fn query(text: &[u8], out: &mut Vec<u8>, found: &mut Found) {
    for (index, pair) in text.split(|byte| *byte == b'&').enumerate() {
        if index > 0 {
            out.push(b'&');
        }
        let equals = pair.iter().position(|byte| *byte == b'=');
        let (name, value) = pair.split_at(equals.map_or(pair.len(), |at| at + 1));
        out.extend_from_slice(name);
        let bare = name.strip_suffix(b"=").unwrap_or(name);
        let decoded = match str::from_utf8(bare) {
            Ok(text) if text.contains('%') => Cow::Owned(percent_decode_str(text).collect()),
            _ => Cow::Borrowed(bare),
        };
        // An error's code is a short number; an authorization code is not.
        let number = value.len() <= 10 && value.iter().all(u8::is_ascii_digit) && *decoded == *b"code";
        if (is_secret(&decoded) && !number) || is_token(value) {
            mask(value, out, found);
        } else {
            out.extend_from_slice(value);
        }
    }
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
    let mark = rest.iter().position(|byte| *byte == b'?').unwrap_or(rest.len());
    path(&rest[..mark], out, found);
    if let Some(rest) = rest.get(mark + 1..) {
        out.push(b'?');
        query(rest, out, found);
    }
}

/// Copies a path: what follows `hook` is a secret, and so is a token.
pub(super) fn path(text: &[u8], out: &mut Vec<u8>, found: &mut Found) {
    let mut after_hook = false;
    for (index, part) in text.split(|byte| *byte == b'/').enumerate() {
        if index > 0 {
            out.push(b'/');
        }
        if (after_hook && !part.is_empty()) || is_token(part) {
            mask(part, out, found);
        } else {
            out.extend_from_slice(part);
        }
        let decoded = match str::from_utf8(part) {
            Ok(text) if text.contains('%') => Cow::Owned(percent_decode_str(text).collect()),
            _ => Cow::Borrowed(part),
        };
        after_hook = decoded.eq_ignore_ascii_case(b"hook") || (after_hook && part.is_empty());
    }
}

/// Copies the value of a header.
pub(super) fn header(name: &str, value: &str, out: &mut Vec<u8>, found: &mut Found) {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let parts = ["auth", "cookie", "token", "secret", "signature", "password", "csrf", "api_key", "console"];
    if parts.iter().any(|part| name.contains(part)) || is_secret(name.as_bytes()) {
        // The scheme of `Authorization` is no secret.
        match value.split_once(' ').filter(|(scheme, _)| scheme.len() <= 8) {
            Some((scheme, rest)) => {
                out.extend_from_slice(scheme.as_bytes());
                out.push(b' ');
                mask(rest.trim().as_bytes(), out, found);
            }
            None => mask(value.as_bytes(), out, found),
        }
    } else if value.contains("://") {
        url(value.as_bytes(), out, found);
    } else {
        out.extend_from_slice(value.as_bytes());
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
    let mut shown = Vec::new();
    let mut rest = body;
    while let Some(at) = position(rest, boundary) {
        let Some(part) = rest.get(at + boundary.len()..) else { break };
        let end = position(part, boundary).unwrap_or(part.len());
        let part = &part[..end];
        if let Some(blank) = position(part, b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&part[..blank]);
            let size = part.len().saturating_sub(blank + 4 + 2);
            let lines: Vec<&str> = head.split("\r\n").filter(|line| !line.is_empty()).collect();
            shown.push(serde_json::json!({"head": lines, "bytes": size}));
        }
        if shown.len() == 32 {
            break;
        }
        rest = &rest[at + boundary.len() + end..];
    }
    shown
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const CANARY: &str = "canary0123456789canary";

    fn clean(text: &str) -> String {
        let mut out = Vec::new();
        assert!(json(text.as_bytes(), usize::MAX / 2, &mut out, &mut Found::default()));
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn names_of_secrets() {
        for secret in [
            "app_secret",
            "secret",
            "client_secret",
            "SECRET_KEY",
            "tenant_access_token",
            "token",
            "accessToken",
            "refresh_token",
            "password",
            "app_ticket",
            "code",
            "code_verifier",
            "encrypt_key",
            "sign",
            "Authorization",
            "verification_token",
            "control_key",
        ] {
            assert!(is_secret(secret.as_bytes()), "{secret}");
        }
        for open in
            ["", "page_token", "file_token", "image_key", "name", "codes", "tag_name", "i18n_names", "secre"]
        {
            assert!(!is_secret(open.as_bytes()), "{open}");
        }
    }

    #[test]
    fn json_at_any_depth() {
        for text in [
            json!({"app_secret": CANARY}),
            json!({"a": [{"b": {"password": CANARY}}]}),
            json!({"secrets": {"a": CANARY, "b": [CANARY, {"c": CANARY}]}}),
            json!({"content": json!({"token": CANARY}).to_string()}),
            json!({"content": json!({"deep": json!({"token": CANARY}).to_string()}).to_string()}),
            json!({"url": format!("wss://host/ws?ticket={CANARY}&a=1")}),
            json!({"url": format!("https://user:{CANARY}@host/x")}),
            json!({"url": format!("https://open/open-apis/bot/v2/hook/{CANARY}")}),
            json!({"field_violations": [{"field": "a.app_secret", "value": CANARY, "description": "x"}]}),
            json!([{"note": format!("t-{}", "0a".repeat(41))}, {"sign": CANARY}]),
        ] {
            let shown = clean(&text.to_string());
            assert!(!shown.contains(CANARY) && !shown.contains(&"0a".repeat(41)), "{shown}");
            serde_json::from_str::<Value>(&shown).unwrap_or_else(|error| panic!("{shown}: {error}"));
        }
        assert!(!clean(&format!("{{\"app_\\u0073ecret\" : \"{CANARY}\"}}")).contains(CANARY));
        assert_eq!(clean(r#"{"password": 12345678}"#), r#"{"password": "…"}"#);
        assert_eq!(clean(r#"{"code":0,"msg":"ok"}"#), r#"{"code":0,"msg":"ok"}"#);
        assert_eq!(clean(r#"{"secrets":{"a":"b"},"c":"d"}"#), r#"{"secrets":{"a":"…"},"c":"d"}"#);
        assert_eq!(clean(&format!(r#"{{"code":"t-{CANARY}"}}"#)), r#"{"code":"t-…nary"}"#);
        // Cut in the middle.
        assert!(!clean(&format!("{{\"app_secret\":\"{CANARY}")).contains(CANARY));
    }

    #[test]
    fn other_parts() {
        let shown = |write: &dyn Fn(&mut Vec<u8>, &mut Found)| {
            let (mut out, mut found) = (Vec::new(), Found::default());
            write(&mut out, &mut found);
            assert!(!found.without(&format!("about {CANARY}")).contains(CANARY));
            String::from_utf8(out).expect("UTF-8")
        };
        let form = format!("a=1&client%5Fsecret={CANARY}");
        assert_eq!(shown(&|out, found| query(form.as_bytes(), out, found)), "a=1&client%5Fsecret=…nary");
        let hook = format!("/open-apis/bot/v2/hook/{CANARY}");
        assert_eq!(shown(&|out, found| path(hook.as_bytes(), out, found)), "/open-apis/bot/v2/hook/…nary");
        let bearer = format!("Bearer t-{CANARY}");
        let masked = shown(&|out, found| {
            header("Authorization", &bearer, out, found);
            found.note(CANARY.as_bytes());
        });
        assert_eq!(masked, "Bearer t-…nary");
        assert_eq!(
            shown(&|out, found| {
                query(b"code=99991400&method_id=1", out, found);
                found.note(CANARY.as_bytes());
            }),
            "code=99991400&method_id=1"
        );
        for name in ["Cookie", "X-Lark-Signature", "X-Larkspur-Console"] {
            assert!(!shown(&|out, found| header(name, CANARY, out, found)).contains(CANARY));
        }
        let body = format!(
            "--B\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n{CANARY}\r\n--B\r\nContent-Type: image/png\r\n\r\nabc\r\n--B--\r\n"
        );
        let mut out = Vec::new();
        multipart("multipart/form-data; boundary=B", body.as_bytes(), &mut out);
        let parts: Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(parts["parts"][0]["bytes"], CANARY.len());
        assert_eq!(parts["parts"][1], json!({"head": ["Content-Type: image/png"], "bytes": 3}));
    }

    #[test]
    fn a_long_body_is_cut_between_characters() {
        let mut out = Vec::new();
        let text = json!({"name": "文".repeat(100)}).to_string();
        assert!(!json(text.as_bytes(), 50, &mut out, &mut Found::default()));
        assert!(out.len() <= 50 && String::from_utf8(out).is_ok());
    }

    proptest! {
        #[test]
        fn any_bytes_are_copied_without_panic(text in prop::collection::vec(any::<u8>(), 0..200), limit in 0usize..100) {
            let (mut out, mut found) = (Vec::new(), Found::default());
            json(&text, limit, &mut out, &mut found);
            prop_assert!(out.len() <= limit);
            query(&text, &mut out, &mut found);
            path(&text, &mut out, &mut found);
            url(&text, &mut out, &mut found);
            multipart("multipart/form-data; boundary=a", &text, &mut out);
        }

        #[test]
        fn json_without_secrets_is_unchanged(name in "[a-bx-z]{1,8}", value in "\\PC{0,20}", number in any::<i32>()) {
            prop_assume!(!value.contains("://") && !value.starts_with(['{', '[']));
            let text = json!({name: {"x": value, "y": [number, null, true]}}).to_string();
            prop_assert_eq!(clean(&text), text);
        }
    }
}
