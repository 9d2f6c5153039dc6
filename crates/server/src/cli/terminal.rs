//! Fits text to the terminal, and colors it there. Pipes and files get all of it, without colors.

use std::ffi::OsStr;
use std::io::IsTerminal;

/// What begins and ends the look of a part of a line: Select Graphic Rendition.
const SGR: &str = "\u{1b}[";
/// The narrowest cell to which [`Screen::pair`] shortens.
const NARROWEST: usize = 8;

/// How a part of a line looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Look {
    /// As the terminal shows text.
    Plain,
    /// A head, or what a line is about.
    Bold,
    /// What few readers look for.
    Dim,
    /// It succeeded: green.
    Good,
    /// It is not finished, or it succeeded in part: yellow.
    Open,
    /// It was refused, or it failed: red.
    Bad,
    /// A rule made it fail: magenta.
    Injected,
}

impl Look {
    /// That of an outcome or a state.
    pub(super) fn of(state: &str) -> Self {
        match state {
            "ok" | "delivered" | "used" => Look::Good,
            "soft" | "cut" | "unrouted" | "waiting" | "held" => Look::Open,
            "refused" | "failed" | "dropped" | "missing" => Look::Bad,
            "injected" => Look::Injected,
            "unused" => Look::Dim,
            _ => Look::Plain,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Look::Plain => "",
            Look::Bold => "1",
            Look::Dim => "2",
            Look::Bad => "31",
            Look::Good => "32",
            Look::Open => "33",
            Look::Injected => "35",
        }
    }
}

/// A part of a line with its look.
pub(super) type Part = (Look, String);

/// A part that looks as usual.
pub(super) fn plain(text: impl Into<String>) -> Part {
    (Look::Plain, text.into())
}

/// A part that few readers look for.
pub(super) fn dim(text: impl Into<String>) -> Part {
    (Look::Dim, text.into())
}

/// A part that a line is about.
pub(super) fn bold(text: impl Into<String>) -> Part {
    (Look::Bold, text.into())
}

/// What lines are printed to.
#[derive(Clone, Copy)]
pub(super) struct Screen {
    terminal: bool,
    width: Option<usize>,
    colors: bool,
}

impl Screen {
    /// Standard output.
    pub(super) fn standard() -> Self {
        let set = |name: &str| std::env::var_os(name).unwrap_or_default();
        let terminal = std::io::stdout().is_terminal();
        Screen { terminal, width: width(), colors: colored(terminal, &set("NO_COLOR"), &set("TERM")) }
    }

    /// A pipe or a file.
    #[cfg(test)]
    pub(super) const PIPE: Screen = Screen { terminal: false, width: None, colors: false };

    /// A terminal with colors.
    #[cfg(test)]
    pub(super) fn terminal(width: usize) -> Self {
        Screen { terminal: true, width: Some(width), colors: true }
    }

    /// Its columns, if it is a terminal.
    pub(super) fn width(&self) -> Option<usize> {
        self.width
    }

    /// The same without a width, for lines that must be whole.
    pub(super) fn uncut(self) -> Self {
        Screen { width: None, ..self }
    }

    /// A part with its look.
    fn paint(&self, look: Look, text: &str) -> String {
        match look.code() {
            code if self.colors && !code.is_empty() && !text.is_empty() => {
                format!("{SGR}{code}m{text}{SGR}0m")
            }
            _ => text.to_owned(),
        }
    }

    /// A line that fits, without its line feed. A terminal gets no control characters but those of the looks.
    pub(super) fn line(&self, parts: &[Part]) -> String {
        let whole: String = parts.iter().map(|(_, text)| text.as_str()).collect();
        let clean = |letter: char| match letter {
            '\t' => ' ',
            letter if letter.is_control() => '\u{fffd}',
            letter => letter,
        };
        let whole = if self.terminal { whole.chars().map(clean).collect() } else { whole };
        let fitted = if self.width.is_some() { fit(&whole, self.width) } else { whole };
        let (mut out, mut rest) = (String::with_capacity(fitted.len()), fitted.as_str());
        for (look, text) in parts {
            let letters = text.chars().count();
            let end = rest.char_indices().nth(letters).map_or(rest.len(), |(at, _)| at);
            let (part, after) = rest.split_at(end);
            out.push_str(&self.paint(*look, part));
            rest = after;
        }
        out
    }

    /// Lines that fit, each with its line feed.
    pub(super) fn lines(&self, lines: &[Vec<Part>]) -> String {
        lines.iter().map(|parts| format!("{}\n", self.line(parts))).collect()
    }

    /// The same without colors.
    #[cfg(test)]
    pub(super) fn gray(self) -> Self {
        Screen { colors: false, ..self }
    }

    /// Whether it is a terminal.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// The head of a table, for terminals alone.
    pub(super) fn head(&self, titles: &str) -> Option<Vec<Part>> {
        self.terminal.then(|| vec![bold(titles)])
    }

    /// Two cells, such as JSON, shortened to what a line has beside `used` columns. Pipes and files get all of them.
    pub(super) fn pair(&self, used: usize, first: &str, second: &str) -> (String, String) {
        let Some(width) = self.width else { return (first.to_owned(), second.to_owned()) };
        let room = width.saturating_sub(used).max(2 * NARROWEST);
        let most = (room / 2).max(room.saturating_sub(columns(second)));
        let first = fit(first, Some(most));
        let second = fit(second, Some(room - columns(&first).min(most)));
        (first, second)
    }
}

/// Whether to print colors: only to a terminal that knows them, and not if `NO_COLOR` is set.
fn colored(terminal: bool, no_color: &OsStr, term: &OsStr) -> bool {
    terminal && no_color.is_empty() && term != "dumb"
}

/// Columns of standard output, if it is a terminal.
pub(super) fn width() -> Option<usize> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0))
}

/// How many columns a text takes.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(breadth).sum()
}

/// How many columns a letter takes: Chinese, Japanese and Korean ones and emoji take two.
fn breadth(letter: char) -> usize {
    match u32::from(letter) {
        0x0300..=0x036f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff01..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// A line cut to that width; a cut shows as `…`.
pub(super) fn fit(line: &str, width: Option<usize>) -> String {
    let line = line.trim_end();
    match width {
        Some(width) if columns(line) > width => {
            let mut left = width.saturating_sub(1);
            let fits = |letter: &char| {
                let fits = breadth(*letter) <= left;
                left = left.saturating_sub(breadth(*letter));
                fits
            };
            let mut cut: String = line.chars().take_while(fits).collect();
            cut.push('…');
            cut
        }
        _ => line.to_owned(),
    }
}

/// A paragraph: its first line starts with `first`, the others are indented by `rest` blanks. Ends with a line feed.
pub(super) fn paragraph(first: &str, rest: usize, text: &str, width: Option<usize>) -> String {
    let width = width.unwrap_or(usize::MAX).max(rest + 20);
    let (mut out, mut used) = (first.to_owned(), columns(first));
    let mut fresh = true;
    for word in text.split_whitespace() {
        let letters = columns(word);
        if !fresh && used + 1 + letters > width {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', rest));
            (used, fresh) = (rest, true);
        }
        if !fresh {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        (used, fresh) = (used + letters, false);
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_and_paragraphs_are_folded() {
        assert_eq!(fit("abcdef  ", None), "abcdef");
        assert_eq!(fit("abcdef", Some(6)), "abcdef");
        assert_eq!(fit("äbcdef", Some(5)), "äbcd…");
        let folded = paragraph("  name  ", 8, "one two three four five six seven", Some(28));
        assert_eq!(folded, "  name  one two three four\n        five six seven\n");
        assert_eq!(paragraph("a ", 2, "b\n c", None), "a b c\n");
    }

    #[test]
    fn colors_are_for_terminals_that_want_them() {
        let wanted =
            |terminal, no_color: &str, term: &str| colored(terminal, no_color.as_ref(), term.as_ref());
        assert!(wanted(true, "", "xterm") && wanted(true, "", ""));
        assert!(!wanted(false, "", "xterm"), "a pipe");
        assert!(!wanted(true, "1", "xterm"), "NO_COLOR");
        assert!(!wanted(true, "", "dumb"), "a terminal without colors");
    }

    #[test]
    fn a_line_has_its_looks_and_fits() {
        let parts = [bold("ab"), plain("  "), (Look::of("refused"), "refused".to_owned()), dim("  \u{7}x  ")];
        assert_eq!(Screen::PIPE.line(&parts), "ab  refused  \u{7}x  ");
        let all = Screen::terminal(80).line(&parts);
        assert_eq!(all, "\u{1b}[1mab\u{1b}[0m  \u{1b}[31mrefused\u{1b}[0m\u{1b}[2m  \u{fffd}x\u{1b}[0m");
        assert_eq!(Screen::terminal(7).line(&parts), "\u{1b}[1mab\u{1b}[0m  \u{1b}[31mre…\u{1b}[0m");
        let gray = Screen::terminal(7).gray();
        assert_eq!(gray.line(&parts), "ab  re…");
        assert_eq!((Screen::PIPE.head("a"), gray.head("a")), (None, Some(vec![bold("a")])));
    }

    #[test]
    fn wide_letters_take_two_columns() {
        assert_eq!(columns("群聊a🎉e\u{301}"), 8);
        assert_eq!(fit("群聊名称", Some(8)), "群聊名称");
        assert_eq!(fit("群聊名称", Some(7)), "群聊名…");
        assert_eq!(fit("群聊名称", Some(6)), "群聊…");
    }

    #[test]
    fn two_cells_share_a_line() {
        let (short, long) = ("abc", "x".repeat(40));
        assert_eq!(Screen::PIPE.pair(10, short, &long), (short.to_owned(), long.clone()));
        let screen = Screen::terminal(40);
        for (a, b) in [(short, long.as_str()), (&long, short), (&long, &long)] {
            let (first, second) = screen.pair(10, a, b);
            assert_eq!(columns(&first) + columns(&second), 30, "{first} {second}");
            assert!(a.len() > 3 || first == a);
            assert!(b.len() > 3 || second == b);
        }
        assert_eq!(screen.pair(39, &long, &long), ("xxxxxxx…".to_owned(), "xxxxxxx…".to_owned()));
    }
}
