//! The project's own source, for tests: code and string literals, without comments and unit tests.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("two levels up")
}

/// A source file.
pub struct Source {
    /// Its path from the root, with slashes.
    pub path: String,
    /// The number of lines before its unit tests.
    pub lines: usize,
    /// Its code, without comments, and with empty string literals.
    pub code: String,
    /// Its string literals, as the compiler reads them.
    pub strings: Vec<String>,
}

/// The Rust files under a folder, without their unit tests.
pub fn rust(folder: &str) -> Vec<Source> {
    let found = files(folder, &["rs"]);
    assert!(!found.is_empty(), "{folder} has no source");
    found.iter().map(|path| Source::read(path)).collect()
}

/// The files under a folder with one of these extensions, sorted, except for what is built or installed.
pub fn files(folder: &str, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&root().join(folder), extensions, &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !["target", "node_modules", "__pycache__", ".git"].contains(&name) {
                collect(&path, extensions, found);
            }
        } else if name.rsplit_once('.').is_some_and(|(_, extension)| extensions.contains(&extension)) {
            found.push(path);
        }
    }
}

/// The path of a file from the root, with slashes.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/")
}

impl Source {
    fn read(path: &Path) -> Source {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Source::parse(&shown(path), &text)
    }

    /// Splits a text into code and strings.
    pub fn parse(path: &str, text: &str) -> Source {
        let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
        let (mut code, mut strings) = (String::new(), Vec::new());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let taken = if rest.starts_with("//") {
                rest.find('\n').unwrap_or(rest.len())
            } else if let Some((literal, length)) = raw_string(rest, &code).or_else(|| plain_string(rest)) {
                strings.push(literal);
                code.push_str("\"\"");
                length
            } else if first == '\'' {
                let length = character(rest);
                code.push_str(&rest[..length]);
                length
            } else {
                code.push(first);
                first.len_utf8()
            };
            rest = &rest[taken..];
        }
        Source { path: path.to_owned(), lines: text.lines().count(), code, strings }
    }

    /// Whether the code has this word.
    pub fn names(&self, word: &str) -> bool {
        has_word(&self.code, word)
    }
}

/// Whether a text contains a word, delimited as an identifier.
pub fn has_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}

/// `r"…"`, `r#"…"#` and `br"…"` at the beginning of a text: its content and its length.
fn raw_string(text: &str, before: &str) -> Option<(String, usize)> {
    if before.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let rest = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let prefix = text.len() - rest.len();
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let inner = rest[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inner.find(&end)?;
    Some((inner[..length].to_owned(), prefix + hashes + 1 + length + end.len()))
}

/// `"…"` at the beginning of a text. Only escapes that hide a quote or the end of a line matter.
fn plain_string(text: &str) -> Option<(String, usize)> {
    let inner = text.strip_prefix('"')?;
    let (mut literal, mut characters) = (String::new(), inner.char_indices());
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((literal, at + 2)),
            '\\' => match characters.next() {
                Some((next, '\n')) => {
                    let blank = inner[next..].len() - inner[next..].trim_start().len();
                    while characters.offset() < next + blank {
                        characters.next();
                    }
                }
                Some((_, escaped)) => literal.push(escaped),
                None => return None,
            },
            other => literal.push(other),
        }
    }
    None
}

/// The length of `'x'` or `'
/// '`; for a lifetime, of its quote.
fn character(text: &str) -> usize {
    let inner = &text[1..];
    let length = match inner.strip_prefix('\\') {
        Some(escape) => escape
            .chars()
            .next()
            .map_or(0, |first| 1 + first.len_utf8() + escape[first.len_utf8()..].find('\'').unwrap_or(0)),
        None => inner.chars().next().map_or(0, char::len_utf8),
    };
    if inner[length..].starts_with('\'') { 1 + length + 1 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_is_taken_apart() {
        let text = "//! SELECT in a comment\nlet a = 'x'; let q = '\"'; let l: &'static str = \"SELECT \\\"a\\\" \\\n      FROM t\"; // \"no\"\nlet r = r#\"{\"b\":1}\"#; let b = br\"raw\"; let br = other(\"\");\n#[cfg(test)]\nmod tests { \"hidden\" }";
        let source = Source::parse("a.rs", text);
        assert_eq!(source.strings, ["SELECT \"a\" FROM t", "{\"b\":1}", "raw", ""]);
        assert_eq!(source.lines, 4);
        assert!(
            source.names("other") && source.names("l") && !source.names("SELECT") && !source.names("othe")
        );
    }
}
