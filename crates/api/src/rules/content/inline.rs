//! What is found inside a line of text: mentions, links, mail addresses. Every search is linear in the length of the
//! text: a position that was found once is remembered, and other searches do not overlap.

use std::ops::Range;

/// The next occurrences of a pattern, asked for at growing positions.
struct Next<'a> {
    text: &'a str,
    pattern: &'static str,
    found: Option<usize>,
    searched: bool,
}

impl<'a> Next<'a> {
    fn new(text: &'a str, pattern: &'static str) -> Self {
        Next { text, pattern, found: None, searched: false }
    }

    /// The first occurrence at `from` or later; `from` must not be smaller than before.
    fn after(&mut self, from: usize) -> Option<usize> {
        let is_known = self.searched && self.found.is_none_or(|found| found >= from);
        if !is_known {
            self.searched = true;
            self.found = self.text.get(from..)?.find(self.pattern).map(|at| from + at);
        }
        self.found
    }
}

/// A mention written as a tag: `<at user_id="…">name</at>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct At {
    /// The whole tag.
    pub(super) raw: Range<usize>,
    /// The ID of the user or bot, or `all`.
    pub(super) id: Range<usize>,
    /// The name in the tag.
    pub(super) name: Range<usize>,
}

/// Finds mentions in a text, from left to right.
pub(super) struct Ats<'a> {
    text: &'a str,
    opening: Next<'a>,
    closing: Next<'a>,
}

impl<'a> Ats<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Ats { text, opening: Next::new(text, "<at"), closing: Next::new(text, "</at") }
    }

    /// The mention that starts at `start`, which must grow from call to call. Spaces, single quotes, no quotes, other
    /// attributes and `/>` are accepted. A tag without an ID or without its end is not a mention.
    pub(super) fn at(&mut self, start: usize) -> Option<At> {
        let inner = self.text.get(start..)?.strip_prefix("<at")?;
        if !inner.starts_with(|c: char| c.is_ascii_whitespace()) {
            return None;
        }
        // No attribute has `<` or `>`, so that searches of different tags do not overlap.
        let stop = inner.find(['<', '>']).filter(|stop| inner.as_bytes()[*stop] == b'>')?;
        let (attributes, end) = (&inner[..stop], start + 3 + stop + 1);
        let (attributes, is_empty) = match attributes.strip_suffix('/') {
            Some(attributes) => (attributes, true),
            None => (attributes, false),
        };
        let id = user_id(attributes).map(|id| start + 3 + id.start..start + 3 + id.end)?;
        if is_empty {
            return Some(At { raw: start..end, id, name: end..end });
        }
        let closing = self.closing.after(end)?;
        if self.opening.after(end).is_some_and(|opening| opening < closing) {
            return None;
        }
        let tail = &self.text[closing + 4..];
        let spaces = tail.len() - tail.trim_ascii_start().len();
        if tail.as_bytes().get(spaces) != Some(&b'>') {
            return None;
        }
        Some(At { raw: start..closing + 4 + spaces + 1, id, name: end..closing })
    }
}

/// Where the value of `user_id` is in the attributes of a tag; the first one, if there are several.
fn user_id(attributes: &str) -> Option<Range<usize>> {
    let mut rest = attributes.trim_ascii_start();
    let mut id = None;
    while !rest.is_empty() {
        let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
        let (name, after) = rest.split_at(length.unwrap_or(rest.len()));
        let value = after.trim_ascii_start().strip_prefix('=')?.trim_ascii_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let value = if quote.is_some() { &value[1..] } else { value };
        let length = match quote {
            Some(quote) => value.find(quote)?,
            None => value.find(|c: char| c.is_ascii_whitespace()).unwrap_or(value.len()),
        };
        let (value, after) = value.split_at(length);
        if name == "user_id" && id.is_none() {
            let start = attributes.len() - value.trim_ascii_start().len() - after.len();
            id = Some(start..start + value.trim_ascii().len());
        }
        rest = after.strip_prefix(|c| Some(c) == quote).unwrap_or(after).trim_ascii_start();
    }
    id.filter(|id| !id.is_empty())
}

/// A link: `[text](address)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// What is shown.
    pub(super) text: Range<usize>,
    /// The address, without spaces.
    pub(super) href: Range<usize>,
    /// The position after the link.
    pub(super) end: usize,
}

/// Finds links in a text, from left to right.
pub(super) struct Links<'a> {
    text: &'a str,
    opening: Next<'a>,
    closing: Next<'a>,
}

impl<'a> Links<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Links { text, opening: Next::new(text, "["), closing: Next::new(text, "]") }
    }

    /// The link whose `[` is at `start`, which must grow from call to call. No part of it has another `[`, and the
    /// parentheses in the address match.
    pub(super) fn at(&mut self, start: usize) -> Option<Link> {
        let bytes = self.text.as_bytes();
        if bytes.get(start) != Some(&b'[') {
            return None;
        }
        let closing = self.closing.after(start + 1)?;
        let limit = self.opening.after(start + 1).unwrap_or(bytes.len());
        if limit < closing || bytes.get(closing + 1) != Some(&b'(') {
            return None;
        }
        let href = closing + 2;
        let mut depth = 0;
        for (at, byte) in bytes.iter().enumerate().take(limit).skip(href) {
            match byte {
                b'(' => depth += 1,
                b')' if depth == 0 => {
                    return Some(Link { text: start + 1..closing, href: href..at, end: at + 1 });
                }
                b')' => depth -= 1,
                byte if byte.is_ascii_whitespace() => return None,
                _ => {}
            }
        }
        None
    }
}

/// Whether an address can be opened: a web address with a host, a mail address, a telephone number, or a page of the
/// client. Source: observed for `file:` and relative addresses, which are refused; the list is assumed.
pub(super) fn is_href(href: &str) -> bool {
    let Some((scheme, rest)) = href.split_once(':') else { return false };
    if href.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return false;
    }
    let host = rest.strip_prefix("//").map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" | "lark" | "feishu" => host.is_some_and(|host| !host.is_empty()),
        "mailto" | "tel" => !rest.is_empty(),
        _ => false,
    }
}

/// Adds a text to `out`, with mail addresses as links: `[a@b.cn](mailto:a@b.cn)`. Links and web addresses stay as they
/// are. Source: the page on the content of received messages.
pub(super) fn link_mails(text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    let mut links = Links::new(text);
    let (mut copied, mut floor, mut at, mut in_address) = (0, 0, 0, false);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'[' => {
                in_address = false;
                if let Some(link) = links.at(at).filter(|link| is_href(&text[link.href.clone()])) {
                    (floor, at) = (link.end, link.end);
                    continue;
                }
            }
            b':' if bytes[at..].starts_with(b"://") => in_address = true,
            b'@' if !in_address => {
                if let Some(mail) =
                    mail(bytes, floor, at).filter(|mail| !text[..mail.start].ends_with("mailto:"))
                {
                    let address = &text[mail.clone()];
                    out.push_str(&text[copied..mail.start]);
                    out.extend(["[", address, "](mailto:", address, ")"]);
                    (copied, floor, at) = (mail.end, mail.end, mail.end);
                    continue;
                }
            }
            byte if byte.is_ascii_whitespace() || !byte.is_ascii() || b"<>\"'()]".contains(byte) => {
                in_address = false;
            }
            _ => {}
        }
        at += 1;
    }
    out.push_str(&text[copied..]);
}

/// The mail address around an `@`, none of it before `floor`.
fn mail(bytes: &[u8], floor: usize, at: usize) -> Option<Range<usize>> {
    let is_local = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(byte);
    let is_domain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
    let local = bytes[floor..at].iter().rev().take(65).take_while(|byte| is_local(byte)).count();
    let domain = bytes[at + 1..].iter().take(254).take_while(|byte| is_domain(byte)).count();
    let (local, domain) = (&bytes[at - local..at], &bytes[at + 1..at + 1 + domain]);
    let kept = domain.iter().rposition(u8::is_ascii_alphanumeric)? + 1;
    let domain = &domain[..kept];
    let is_name =
        |part: &[u8]| !part.is_empty() && part.split(|byte| *byte == b'.').all(|label| !label.is_empty());
    let mut labels = domain.rsplit(|byte| *byte == b'.');
    let is_top = labels.next().is_some_and(|top| top.len() > 1 && top.iter().all(u8::is_ascii_alphabetic));
    let is_mail = local.len() <= 64 && is_name(local) && is_name(domain) && is_top && labels.next().is_some();
    is_mail.then(|| at - local.len()..at + 1 + kept)
}
