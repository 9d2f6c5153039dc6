//! Search terms of names: their folded text from the start of each word on, so that a prefix of a term is a prefix of a
//! word. In scripts without blanks between words, a word starts at every character.

use std::collections::BTreeSet;

/// The most characters of a term; longer ones are cut, in names and in queries alike.
pub const LENGTH_MAX: usize = 64;
/// The most terms of a chat or a user: a bound on what a very long name costs.
const COUNT_MAX: usize = 256;

/// Precedes each word of marked text. It is white space other than a blank, which folded text never contains.
const MARK: char = '\n';
/// Separates the names in marked text.
const BETWEEN: char = '\t';
/// The most bytes of marked text: every term of a chat repeats it. So few bytes have at most [`COUNT_MAX`] words.
const MARKED_MAX: usize = 2 * COUNT_MAX;

/// Text as it is compared in searches: lower case, by Unicode's rules.
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// Folded text with each run of white space as one blank.
fn whole(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    fold(&words.join(" "))
}

/// Text in the form of a term: folded, each run of white space as one blank, cut to [`LENGTH_MAX`] characters.
pub fn normal(text: &str) -> String {
    whole(text).chars().take(LENGTH_MAX).collect()
}

/// Text in the form of a query for terms: it begins where a word begins. Empty if it cannot match anything.
pub fn sought(text: &str) -> String {
    normal(text.trim_start_matches(|c| !is_word(c)))
}

/// Where words begin in a text, in bytes. Each start depends only on the characters before it.
fn starts(text: &str) -> impl Iterator<Item = usize> {
    let mut previous = ' ';
    text.char_indices().filter_map(move |(at, c)| {
        let starts = is_word(c) && (!is_word(previous) || stands_alone(c) || stands_alone(previous));
        previous = c;
        starts.then_some(at)
    })
}

/// The terms of some names.
pub fn terms<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    for name in names {
        for at in starts(name) {
            if terms.len() < COUNT_MAX {
                // A run of blanks may exceed the cut, so read more than is kept.
                let rest: String = name[at..].chars().take(LENGTH_MAX * 4).collect();
                terms.insert(normal(&rest));
            }
        }
    }
    terms
}

/// Some names as one text that contains the [`marked_word`] of a word exactly if one of their terms begins with that
/// word.
///
/// Empty if no such text of a bounded length exists: names are long, or folding moves the beginnings of their words.
pub(crate) fn marked<'a>(names: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let folded: Vec<String> = names.clone().into_iter().map(whole).collect();
    let mut text = String::new();
    for name in &folded {
        text.push_str(&marked_word(name));
        text.push(BETWEEN);
    }
    let is_exact = text.len() <= MARKED_MAX && terms(folded.iter().map(String::as_str)) == terms(names);
    if is_exact { text } else { String::new() }
}

/// Folded text with a mark before each word.
pub(crate) fn marked_word(text: &str) -> String {
    let mut marked = String::with_capacity(text.len() * 2);
    let mut from = 0;
    for at in starts(text) {
        marked.push_str(&text[from..at]);
        marked.push(MARK);
        from = at;
    }
    marked.push_str(&text[from..]);
    marked
}

/// A LIKE pattern that finds a text anywhere, with the escape character `\`.
pub(crate) fn anywhere(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 8);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// The range of terms that begin with a text, as a statement's two bounds.
pub(crate) fn range(prefix: &str) -> (String, String) {
    (prefix.to_owned(), format!("{prefix}{}", char::MAX))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_ascii() && !c.is_whitespace() && !c.is_control())
}

/// Whether a character is a word of its own: ideographs, syllables of scripts without blanks, symbols.
fn stands_alone(c: char) -> bool {
    !c.is_ascii()
        && (!c.is_alphanumeric()
            || matches!(u32::from(c), 0x0e00..=0x0eff | 0x3040..=0x30ff | 0x3400..=0x9fff | 0xac00..=0xd7af | 0xf900..=0xfaff | 0x20000..=0x3ffff))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Vec<String> {
        terms([name]).into_iter().collect()
    }

    #[test]
    fn every_word_begins_a_term() {
        assert_eq!(of("Big  Red-Ball"), ["ball", "big red-ball", "red-ball"]);
        assert_eq!(of("项目A组"), ["a组", "目a组", "组", "项目a组"]);
        assert_eq!(of("ÉTÉ 2026"), ["2026", "été 2026"]);
        assert_eq!(of("🎉party"), ["party", "🎉party"]);
        assert_eq!(of(" -- "), Vec::<String>::new());
    }

    #[test]
    fn queries_begin_at_a_word() {
        assert_eq!(sought("(Red  BALL"), "red ball");
        assert_eq!(sought("--"), "");
        assert_eq!(sought(&"x".repeat(200)).chars().count(), LENGTH_MAX);
    }

    #[test]
    fn marked_text_holds_a_word_exactly_if_a_term_begins_with_it() {
        let names = [
            "Big  Red-Ball",
            "项目A组 50%_\\",
            "ÉTÉ 2026",
            "🎉party",
            " -- ",
            "a\tb\n c",
            "ΟΔΟΣ Σ",
            "İx ıy",
            "",
            "한국 어 の字",
            "x--y",
        ];
        // Every substring of every name, as a query that may match or not.
        let pieces = names.iter().flat_map(|name| {
            let chars: Vec<char> = name.chars().collect();
            (0..chars.len())
                .flat_map(move |from| (from + 1..=chars.len()).map(move |to| (from, to)))
                .map(|(from, to)| name.chars().skip(from).take(to - from).collect::<String>())
                .collect::<Vec<_>>()
        });
        let queries: BTreeSet<String> = pieces.map(|piece| sought(&piece)).collect();
        let mut known = 0;
        for (first, second) in names.iter().flat_map(|one| names.iter().map(move |two| (*one, *two))) {
            let (text, terms) = (marked([first, second]), terms([first, second]));
            known += usize::from(!text.is_empty());
            for query in queries.iter().filter(|query| !query.is_empty() && !text.is_empty()) {
                let expected = terms.iter().any(|term| term.starts_with(query));
                assert_eq!(text.contains(&marked_word(query)), expected, "{query:?} in {text:?}");
            }
        }
        assert!(known > 80, "only {known} of 121 are known");
        assert_eq!(marked([&*"word ".repeat(100)]), "", "too long");
        assert_eq!(marked(["İx"]), "", "folding makes a word of a mark on a letter");
    }

    #[test]
    fn patterns_escape_special_characters() {
        assert_eq!(anywhere(r"\n5%_\"), r"%\\n5\%\_\\%");
    }

    #[test]
    fn a_long_name_has_a_bounded_cost() {
        let found = of(&"群 ".repeat(5000));
        assert!(found.len() <= COUNT_MAX);
        assert!(found.iter().all(|term| term.chars().count() <= LENGTH_MAX));
    }
}
