//! Markdown of rich texts: nodes in its place. It is sent only, and read back as the nodes.
//!
//! Each line is a paragraph. A style has no other elements in it, and its marks have no spaces inside. Quotes lose
//! their mark, lists keep it as text. Source: the page on content; what it leaves open is assumed.

use std::ops::Range;

use super::inline::{At, Ats, Links, is_href};
use super::post::{Node, Origin, Style};

/// Appends the paragraphs of a Markdown text.
pub(super) fn read(text: &str, rows: &mut Vec<Vec<Node>>) {
    let mut lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if let Some(language) = trimmed.strip_prefix("```") {
            match language.strip_suffix("```").filter(|code| !code.is_empty()) {
                Some(code) => rows.push(vec![Node::Code { language: None, text: code.to_owned() }]),
                None => rows.push(vec![read_code(language.trim(), &mut lines)]),
            }
        } else if trimmed.len() >= 3 && trimmed.bytes().all(|byte| byte == b'-') {
            rows.push(vec![Node::Rule]);
        } else {
            Line::read(line.strip_prefix("> ").unwrap_or(line), rows);
        }
    }
}

/// The code up to the end of its block, or of the text.
fn read_code<'a>(language: &str, lines: &mut impl Iterator<Item = &'a str>) -> Node {
    let mut code = Vec::new();
    for line in lines {
        if line.trim() == "```" {
            break;
        }
        code.push(line);
    }
    let language = Some(language.to_owned()).filter(|language| !language.is_empty());
    Node::Code { language, text: code.join("\n") }
}

/// A run of the same mark: `*`, `**`, `***`, `~` or `~~`.
struct Run {
    at: usize,
    length: usize,
    /// The run that ends the style that this one begins.
    partner: Option<usize>,
}

/// A line that is being read.
struct Line<'a, 'r> {
    line: &'a str,
    /// Up to where the line is read into `plain` or nodes.
    done: usize,
    plain: String,
    row: Vec<Node>,
    rows: &'r mut Vec<Vec<Node>>,
}

impl<'a, 'r> Line<'a, 'r> {
    fn read(line: &'a str, rows: &'r mut Vec<Vec<Node>>) {
        let before = rows.len();
        let mut this = Line { line, done: 0, plain: String::new(), row: Vec::new(), rows };
        this.elements();
        this.keep_to(line.len());
        this.end_text();
        if !this.row.is_empty() || this.rows.len() == before {
            let row = std::mem::take(&mut this.row);
            this.rows.push(row);
        }
    }

    /// Finds the elements, from left to right.
    fn elements(&mut self) {
        let (line, bytes) = (self.line, self.line.as_bytes());
        let (mut ats, mut links, runs) = (Ats::new(line), Links::new(line), runs(line));
        let (mut at, mut next_run) = (0, 0);
        while let Some(byte) = bytes.get(at) {
            at = match byte {
                b'\\' if bytes.get(at + 1).is_some_and(u8::is_ascii_punctuation) => {
                    self.keep_to(at);
                    self.done = at + 1;
                    at + 2
                }
                b'<' => self.at(ats.at(at)).unwrap_or(at + 1),
                b'!' if bytes.get(at + 1) == Some(&b'[') => match links.at(at + 1) {
                    Some(link) if line[link.href.clone()].starts_with("img_") => {
                        self.keep_to(at);
                        self.image(&line[link.href]);
                        self.done = link.end;
                        link.end
                    }
                    // A picture of another site stays as it was written.
                    Some(link) => link.end,
                    None => at + 2,
                },
                b'[' => match links.at(at) {
                    Some(link) => {
                        self.keep_to(at);
                        self.link(&line[link.text], &line[link.href]);
                        self.done = link.end;
                        link.end
                    }
                    None => at + 1,
                },
                b'*' | b'~' => {
                    while runs.get(next_run).is_some_and(|run| run.at < at) {
                        next_run += 1;
                    }
                    let Some(run) = runs.get(next_run).filter(|run| run.at == at) else {
                        at += 1;
                        continue;
                    };
                    match run.partner.and_then(|partner| runs.get(partner)) {
                        Some(end) => {
                            self.keep_to(at);
                            self.styled(*byte, run.length, &line[at + run.length..end.at]);
                            self.done = end.at + end.length;
                            self.done
                        }
                        None => at + run.length,
                    }
                }
                _ => at + 1,
            };
        }
    }

    /// Adds what was not read yet to the plain text.
    fn keep_to(&mut self, end: usize) {
        if let Some(text) = self.line.get(self.done..end) {
            self.plain.push_str(text);
            self.done = end;
        }
    }

    fn end_text(&mut self) {
        if !self.plain.is_empty() {
            self.row.push(Node::plain(std::mem::take(&mut self.plain)));
        }
    }

    fn node(&mut self, node: Node) {
        self.end_text();
        self.row.push(node);
    }

    fn at(&mut self, found: Option<At>) -> Option<usize> {
        let found = found?;
        self.keep_to(found.raw.start);
        let text = |range: Range<usize>| self.line[range].to_owned();
        let from = Origin::Markdown(text(found.raw.clone()));
        let node = Node::At { id: text(found.id), name: text(found.name), style: Vec::new(), from };
        self.node(node);
        self.done = found.raw.end;
        Some(found.raw.end)
    }

    /// An image is alone in a paragraph.
    fn image(&mut self, key: &str) {
        self.end_text();
        if !self.row.is_empty() {
            self.rows.push(std::mem::take(&mut self.row));
        }
        self.rows.push(vec![Node::Image { key: key.to_owned() }]);
    }

    /// Of a link whose address is not valid, only the text is sent. Source: the page on content.
    fn link(&mut self, text: &str, href: &str) {
        if is_href(href) {
            self.node(Node::Link { href: href.to_owned(), text: text.to_owned(), style: Vec::new() });
        } else {
            self.plain.push_str(text);
        }
    }

    fn styled(&mut self, mark: u8, length: usize, text: &str) {
        let style = match (mark, length) {
            (b'*', 1) => vec![Style::Italic],
            (b'*', 2) => vec![Style::Bold],
            (b'*', _) => vec![Style::Bold, Style::Italic],
            (_, 1) => vec![Style::Underline],
            _ => vec![Style::LineThrough],
        };
        self.node(Node::Text { text: text.to_owned(), style });
    }
}

/// The runs of marks in a line, each with the run that ends its style: the next one of the same mark and length.
fn runs(line: &str) -> Vec<Run> {
    let bytes = line.as_bytes();
    let mut runs: Vec<Run> = Vec::new();
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(|byte| matches!(byte, b'*' | b'~')) {
        at += found;
        let length = bytes[at..].iter().take_while(|byte| **byte == bytes[at]).count();
        runs.push(Run { at, length, partner: None });
        at += length;
    }
    // From right to left, the nearest run that can end a style, by mark and length.
    let mut ends = [[None; 4]; 2];
    for place in (0..runs.len()).rev() {
        let Run { at, length, .. } = runs[place];
        let (mark, most) = if bytes[at] == b'*' { (0, 3) } else { (1, 2) };
        if length > most {
            continue;
        }
        let is_space = |c: Option<char>| c.is_none_or(char::is_whitespace);
        if !is_space(line[at + length..].chars().next()) {
            runs[place].partner = ends[mark][length];
        }
        if !is_space(line[..at].chars().next_back()) {
            ends[mark][length] = Some(place);
        }
    }
    runs
}
