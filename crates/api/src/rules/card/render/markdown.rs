//! Blocks of markdown: headings, lists, quotations, code, lines, images. Read line by line.

use super::inline;
use super::tree::Node;

/// The nodes of a markdown text.
pub(super) fn nodes(text: &str) -> Vec<Node> {
    let mut reading = Reading::default();
    for line in text.split('\n') {
        reading.line(line.strip_suffix('\r').unwrap_or(line));
    }
    reading.close();
    reading.nodes
}

/// The block that lines are added to.
#[derive(Default, PartialEq)]
enum Open {
    #[default]
    Nothing,
    Text,
    Quote,
    List {
        ordered: bool,
    },
    Code {
        language: String,
    },
}

#[derive(Default)]
struct Reading {
    nodes: Vec<Node>,
    open: Open,
    lines: Vec<String>,
}

impl Reading {
    fn line(&mut self, line: &str) {
        let bare = line.trim();
        if let Open::Code { .. } = self.open {
            if bare == "```" {
                self.close();
            } else {
                self.lines.push(line.to_owned());
            }
            return;
        }
        if let Some(language) = bare.strip_prefix("```").filter(|language| !language.contains('`')) {
            self.close();
            self.open = Open::Code { language: language.trim().to_owned() };
        } else if bare.is_empty() {
            self.close();
        } else if matches!(bare, "---" | "***" | "___" | "<hr>" | "<hr/>") {
            self.push(Node::Rule);
        } else if let Some((level, title)) = heading(bare) {
            self.push(Node::Heading { level, spans: inline::spans(title) });
        } else if let Some((key, alt)) = image(bare) {
            self.push(Node::Image { key: key.to_owned(), alt: alt.to_owned() });
        } else if let Some(quoted) = bare.strip_prefix('>') {
            self.add(Open::Quote, quoted.trim_start());
        } else if let Some((ordered, item)) = item(bare) {
            self.add(Open::List { ordered }, item);
        } else {
            self.add(Open::Text, line);
        }
    }

    /// Adds a line to the open block, or to a new one of this kind.
    fn add(&mut self, kind: Open, line: &str) {
        if self.open != kind {
            self.close();
            self.open = kind;
        }
        self.lines.push(line.to_owned());
    }

    /// Adds a block of one line.
    fn push(&mut self, node: Node) {
        self.close();
        self.nodes.push(node);
    }

    fn close(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        match std::mem::take(&mut self.open) {
            Open::Nothing => {}
            Open::Text => {
                let spans = inline::spans(&lines.join("\n"));
                self.nodes.push(Node::Text { spans, size: None, align: None });
            }
            Open::Quote => self.nodes.push(Node::Quote { spans: inline::spans(&lines.join("\n")) }),
            Open::List { ordered } => {
                let items = lines.iter().map(|line| inline::spans(line)).collect();
                self.nodes.push(Node::List { ordered, items });
            }
            Open::Code { language } => self.nodes.push(Node::Code { language, text: lines.join("\n") }),
        }
    }
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let title = line.get(level..)?.strip_prefix(' ')?;
    (1..=6).contains(&level).then_some((level, title.trim()))
}

/// `![alt](key)` alone in a line.
fn image(line: &str) -> Option<(&str, &str)> {
    let (alt, key) = line.strip_prefix("![")?.strip_suffix(')')?.split_once("](")?;
    (!key.contains([')', '(']) && !alt.contains(']')).then_some((key, alt))
}

fn item(line: &str) -> Option<(bool, &str)> {
    if let Some(item) = ["- ", "* ", "+ "].into_iter().find_map(|mark| line.strip_prefix(mark)) {
        return Some((false, item));
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let item = line.get(digits..)?.strip_prefix(". ")?;
    (1..=4).contains(&digits).then_some((true, item))
}
