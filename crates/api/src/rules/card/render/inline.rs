//! Styles, links and mentions inside of a text.
//!
//! One pass from left to right: searches for the end of something never look at a place twice, so the work is linear.

use super::tree::{At, Color, Span};

/// The longest tag, in bytes. Longer ones are text.
const TAG_MAX: usize = 2048;

/// The spans of a text with markup. What is not understood is text.
pub(crate) fn spans(text: &str) -> Vec<Span> {
    let mut reading = Reading {
        text,
        at: 0,
        spans: Vec::new(),
        style: Span::default(),
        last: ["*", "**", "~~", "</font>", "</a>", "</text_tag>"].map(|mark| text.rfind(mark)),
        brackets: Ahead::new("["),
        closing: Ahead::new("]"),
        parens: Ahead::new(")"),
        opening: Ahead::new("("),
        angles: Ahead::new(">"),
        tags: Ahead::new("<"),
        ticks: Ahead::new("`"),
    };
    while reading.at < text.len() {
        reading.step();
    }
    reading.flush();
    reading.spans
}

/// A text without markup, as one span.
pub(super) fn literal(text: &str) -> Vec<Span> {
    if text.is_empty() {
        return Vec::new();
    }
    vec![Span { text: text.to_owned(), ..Span::default() }]
}

/// Where a mark occurs next. Its searches begin where the previous one ended.
struct Ahead {
    mark: &'static str,
    found: Option<Option<usize>>,
}

impl Ahead {
    fn new(mark: &'static str) -> Self {
        Ahead { mark, found: None }
    }

    /// The first place at or after `from`; `from` must not decrease.
    fn next(&mut self, text: &str, from: usize) -> Option<usize> {
        match self.found {
            Some(None) => None,
            Some(Some(at)) if at >= from => Some(at),
            _ => {
                let found = text.get(from..).and_then(|rest| rest.find(self.mark)).map(|at| from + at);
                self.found = Some(found);
                found
            }
        }
    }
}

struct Reading<'a> {
    text: &'a str,
    at: usize,
    spans: Vec<Span>,
    /// The style of what follows; its text is what was read and not yet added.
    style: Span,
    /// The last place of each mark that something can open with.
    last: [Option<usize>; 6],
    brackets: Ahead,
    closing: Ahead,
    parens: Ahead,
    opening: Ahead,
    angles: Ahead,
    tags: Ahead,
    ticks: Ahead,
}

impl Reading<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.style.text);
        if !text.is_empty() {
            self.spans.push(Span { text, ..self.style.clone() });
        }
    }

    fn step(&mut self) {
        let understood = match self.text.as_bytes().get(self.at) {
            Some(b'\\') => self.escaped(),
            Some(b'`') => self.code(),
            Some(b'*' | b'~') => self.mark(),
            Some(b'[') => self.link(),
            Some(b'<') => self.tag(),
            _ => false,
        };
        if understood {
            return;
        }
        match self.rest().chars().next() {
            Some(letter) => {
                self.style.text.push(letter);
                self.at += letter.len_utf8();
            }
            None => self.at = self.text.len(),
        }
    }

    fn escaped(&mut self) -> bool {
        let Some(next) = self.rest().chars().nth(1).filter(char::is_ascii_punctuation) else { return false };
        self.style.text.push(next);
        self.at += 2;
        true
    }

    fn code(&mut self) -> bool {
        let Some(end) = self.ticks.next(self.text, self.at + 1) else { return false };
        let inside = self.text.get(self.at + 1..end).unwrap_or_default().to_owned();
        if inside.is_empty() {
            return false;
        }
        self.flush();
        self.spans.push(Span { text: inside, code: true, color: self.style.color, ..Span::default() });
        self.at = end + 1;
        true
    }

    fn mark(&mut self) -> bool {
        let (index, length) = match self.rest() {
            rest if rest.starts_with("**") => (1, 2),
            rest if rest.starts_with("~~") => (2, 2),
            rest if rest.starts_with('*') => (0, 1),
            _ => return false,
        };
        let on = [self.style.italic, self.style.bold, self.style.strike][index];
        let blank_follows = self.text.get(self.at + length..).and_then(|rest| rest.chars().next());
        let blank_follows = blank_follows.is_none_or(char::is_whitespace);
        let closes_later = self.last[index].is_some_and(|last| last >= self.at + length);
        if !on && (blank_follows || !closes_later) {
            return false;
        }
        self.flush();
        match index {
            0 => self.style.italic = !on,
            1 => self.style.bold = !on,
            _ => self.style.strike = !on,
        }
        self.at += length;
        true
    }

    /// `[text](url)`.
    fn link(&mut self) -> bool {
        let Some(close) = self.closing.next(self.text, self.at + 1) else { return false };
        if self.brackets.next(self.text, self.at + 1).is_some_and(|other| other < close) {
            return false;
        }
        if self.text.as_bytes().get(close + 1) != Some(&b'(') {
            return false;
        }
        let Some(end) = self.parens.next(self.text, close + 2) else { return false };
        if end > close + 2 + TAG_MAX
            || self.opening.next(self.text, close + 2).is_some_and(|other| other < end)
        {
            return false;
        }
        let label = self.text.get(self.at + 1..close).unwrap_or_default();
        let href = self.text.get(close + 2..end).unwrap_or_default();
        if label.is_empty() || !is_link(href) {
            return false;
        }
        let (text, href) = (label.to_owned(), Some(href.to_owned()));
        self.flush();
        self.spans.push(Span { text, href, ..self.style.clone() });
        self.at = end + 1;
        true
    }

    /// One of the tags that cards know; others are text.
    fn tag(&mut self) -> bool {
        let Some(end) = self.angles.next(self.text, self.at + 1) else { return false };
        if end > self.at + TAG_MAX || self.tags.next(self.text, self.at + 1).is_some_and(|other| other < end)
        {
            return false;
        }
        let inside = self.text.get(self.at + 1..end).unwrap_or_default().trim();
        let (closing, inside) = match inside.strip_prefix('/') {
            Some(inside) => (true, inside),
            None => (false, inside),
        };
        let inside = inside.strip_suffix('/').unwrap_or(inside);
        let name_end = inside.find(|c: char| c.is_whitespace()).unwrap_or(inside.len());
        let (name, attributes) = (inside[..name_end].to_owned(), inside[name_end..].to_owned());
        let next = end + 1;
        let closes = |index: usize| self.last[index].is_some_and(|last| last >= next);
        match (name.as_str(), closing) {
            ("at", false) => return self.mention(&attributes, next),
            ("br" | "br/", false) => self.style.text.push('\n'),
            ("b" | "strong", _) => self.restyle(|style| style.bold = !closing),
            ("i" | "em", _) => self.restyle(|style| style.italic = !closing),
            ("s" | "del", _) => self.restyle(|style| style.strike = !closing),
            ("u", _) => {}
            ("font", true) => self.restyle(|style| style.color = Color::Default),
            ("font", false) if closes(3) => {
                let color = Color::parse(attribute(&attributes, "color"));
                self.restyle(|style| style.color = color);
            }
            ("text_tag", true) => self.restyle(|style| {
                style.label = false;
                style.color = Color::Default;
            }),
            ("text_tag", false) if closes(5) => {
                let color = Color::parse(attribute(&attributes, "color"));
                self.restyle(|style| {
                    style.label = true;
                    style.color = color;
                });
            }
            ("a" | "link", true) => self.restyle(|style| style.href = None),
            ("a", false) if closes(4) && is_link(attribute(&attributes, "href")) => {
                let href = attribute(&attributes, "href").to_owned();
                self.restyle(|style| style.href = Some(href));
            }
            _ => return false,
        }
        self.at = next;
        true
    }

    fn restyle(&mut self, change: impl FnOnce(&mut Span)) {
        self.flush();
        change(&mut self.style);
    }

    /// `<at id=…>name</at>`; the end tag may be missing.
    fn mention(&mut self, attributes: &str, next: usize) -> bool {
        let id = ["id", "user_id", "ids", "email"].into_iter().map(|name| attribute(attributes, name));
        let Some(id) = id.into_iter().find(|id| !id.is_empty()) else { return false };
        let rest = self.text.get(next..).unwrap_or_default();
        let name_end = rest.bytes().take(TAG_MAX).position(|byte| byte == b'<');
        let closed = name_end.filter(|end| rest.get(*end..).is_some_and(|rest| rest.starts_with("</at>")));
        let name = closed.map(|end| rest.get(..end).unwrap_or_default()).unwrap_or_default();
        let text = if name.is_empty() { id.to_owned() } else { name.to_owned() };
        self.flush();
        self.spans.push(Span { text, at: Some(At { id: id.to_owned() }), ..Span::default() });
        self.at = closed.map_or(next, |end| next + end + "</at>".len());
        true
    }
}

/// The value of an attribute, with or without quotes.
fn attribute<'a>(attributes: &'a str, name: &str) -> &'a str {
    let mut rest = attributes.trim_start();
    while let Some((key, value)) = rest.split_once('=') {
        let value = value.trim_start();
        let (value, after) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
            _ => value.split_once(char::is_whitespace).unwrap_or((value, "")),
        };
        if key.trim() == name {
            return value;
        }
        rest = after.trim_start();
    }
    ""
}

/// Whether a link may be followed: the schemes that clients open.
pub(super) fn is_link(href: &str) -> bool {
    let schemes = ["http://", "https://", "lark://", "feishu://", "mailto:", "tel:"];
    let lower: String = href.chars().take(9).flat_map(char::to_lowercase).collect();
    schemes.iter().any(|scheme| lower.starts_with(scheme)) && !href.contains(char::is_whitespace)
}
