//! Content of text messages: mentions are tags, styles are tags, links are written as `[text](address)`.

use std::ops::Range;

use serde::Serialize;

use super::Mentions;
use super::inline::{At, Ats, link_mails};

/// A text whose tags are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Plain(Range<usize>),
    At(At),
}

/// The stored form.
#[derive(Serialize)]
struct Stored {
    text: String,
}

enum Tag {
    At(At),
    Style { range: Range<usize>, letter: u8, ends: bool },
}

impl Text {
    /// Finds the tags of a text. Without `styled`, tags of styles are plain text: the custom bots' and the batch
    /// messages' form.
    pub(super) fn parse(text: String, styled: bool) -> Text {
        let mut tags = Vec::new();
        let mut ats = Ats::new(&text);
        let mut from = 0;
        while let Some(start) = text[from..].find('<').map(|at| from + at) {
            from = start + 1;
            if let Some(at) = ats.at(start) {
                from = at.raw.end;
                tags.push(Tag::At(at));
            } else if let Some(tag) = style_tag(&text, start).filter(|_| styled) {
                from = tag.end();
                tags.push(tag);
            }
        }
        // One tag of a style that is missing or in the wrong order, and the styles of the whole text are literal.
        // Source: the page on the content of sent messages.
        if !is_nested(&tags) {
            tags.retain(|tag| matches!(tag, Tag::At(_)));
        }
        let pieces = pieces(&text, tags);
        Text { text, pieces }
    }

    /// The IDs in mentions, `all` included.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::At(at) => Some(&self.text[at.id.clone()]),
            Piece::Plain(_) => None,
        })
    }

    /// The stored form: keys in place of mentions, no tags of styles, mail addresses as links. With `named`, a mention
    /// of an unknown ID becomes the name in it; otherwise it is literal.
    pub(super) fn stored(&self, mentions: &mut Mentions<'_>, named: bool) -> String {
        let (mut out, mut plain) = (String::with_capacity(self.text.len()), String::new());
        for piece in &self.pieces {
            let at = match piece {
                Piece::Plain(range) => {
                    plain.push_str(&self.text[range.clone()]);
                    continue;
                }
                Piece::At(at) => at,
            };
            match mentions.key(&self.text[at.id.clone()]) {
                Some(key) => {
                    link_mails(&plain, &mut out);
                    plain.clear();
                    out.push_str(&key);
                }
                None if named => plain.push_str(&self.text[at.name.clone()]),
                None => plain.push_str(&self.text[at.raw.clone()]),
            }
        }
        link_mails(&plain, &mut out);
        super::written(&Stored { text: out })
    }
}

impl Tag {
    fn end(&self) -> usize {
        match self {
            Tag::At(at) => at.raw.end,
            Tag::Style { range, .. } => range.end,
        }
    }
}

/// The tag of a style at a position: `<b>`, `</b>`, and the same with i, u and s.
fn style_tag(text: &str, start: usize) -> Option<Tag> {
    let rest = &text.as_bytes()[start..];
    let (letter, ends, length) = match rest {
        [b'<', letter, b'>', ..] => (*letter, false, 3),
        [b'<', b'/', letter, b'>', ..] => (*letter, true, 4),
        _ => return None,
    };
    b"bius".contains(&letter).then(|| Tag::Style { range: start..start + length, letter, ends })
}

/// Whether every tag of a style has its partner, and pairs do not overlap.
fn is_nested(tags: &[Tag]) -> bool {
    let mut open = Vec::new();
    for tag in tags {
        match tag {
            Tag::Style { letter, ends: false, .. } => open.push(*letter),
            Tag::Style { letter, .. } if open.pop() != Some(*letter) => return false,
            _ => {}
        }
    }
    open.is_empty()
}

fn pieces(text: &str, tags: Vec<Tag>) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(2 * tags.len() + 1);
    let mut from = 0;
    for tag in tags {
        let (range, at) = match tag {
            Tag::At(at) => (at.raw.clone(), Some(at)),
            Tag::Style { range, .. } => (range, None),
        };
        pieces.extend((from < range.start).then_some(Piece::Plain(from..range.start)));
        pieces.extend(at.map(Piece::At));
        from = range.end;
    }
    pieces.extend((from < text.len()).then_some(Piece::Plain(from..text.len())));
    pieces
}
