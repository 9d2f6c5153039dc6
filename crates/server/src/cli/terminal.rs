//! Fits text to the terminal. Pipes and files get all of it.

/// Columns of standard output, if it is a terminal.
pub(super) fn width() -> Option<usize> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0))
}

/// A line cut to that width; a cut shows as `…`.
pub(super) fn fit(line: &str, width: Option<usize>) -> String {
    let line = line.trim_end();
    match width {
        Some(width) if line.chars().count() > width => {
            let mut cut: String = line.chars().take(width.saturating_sub(1)).collect();
            cut.push('…');
            cut
        }
        _ => line.to_owned(),
    }
}

/// A paragraph: its first line starts with `first`, the others are indented by `rest` blanks. Ends with a line feed.
pub(super) fn paragraph(first: &str, rest: usize, text: &str, width: Option<usize>) -> String {
    let width = width.unwrap_or(usize::MAX).max(rest + 20);
    let (mut out, mut used) = (first.to_owned(), first.chars().count());
    let mut fresh = true;
    for word in text.split_whitespace() {
        let letters = word.chars().count();
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
}
