//! What names are found by: their folded text from the start of each word on, so that a prefix of a term is a prefix
//! of a word. Scripts without blanks between words have a start at every character.

use std::collections::BTreeSet;

/// The most characters of a term; longer ones are cut, in names and in queries alike.
pub const LENGTH_MAX: usize = 64;
/// The most terms of a chat or a user: a bound on what a very long name costs.
const COUNT_MAX: usize = 256;

/// Text as it is searched: lower case, by Unicode's rules.
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// Text as terms hold it: folded, each run of blanks as one, cut to [`LENGTH_MAX`] characters.
pub fn normal(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    fold(&words.join(" ")).chars().take(LENGTH_MAX).collect()
}

/// Text as a query for terms: it begins where a word begins. Empty if nothing can be found by it.
pub fn sought(text: &str) -> String {
    normal(text.trim_start_matches(|c| !is_word(c)))
}

/// The terms of some names.
pub fn terms<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    for name in names {
        let mut previous = ' ';
        for (at, c) in name.char_indices() {
            let starts = is_word(c) && (!is_word(previous) || stands_alone(c) || stands_alone(previous));
            if starts && terms.len() < COUNT_MAX {
                // A blank run may hide behind the cut, so some more is taken than is kept.
                let rest: String = name[at..].chars().take(LENGTH_MAX * 4).collect();
                terms.insert(normal(&rest));
            }
            previous = c;
        }
    }
    terms
}

/// The range of terms that begin with a text, as a statement's two bounds.
pub(crate) fn range(prefix: &str) -> (String, String) {
    (prefix.to_owned(), format!("{prefix}{}", char::MAX))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_ascii() && !c.is_whitespace() && !c.is_control())
}

/// Whether a character is a word by itself: ideographs, syllables of scripts without blanks, symbols.
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
    fn a_long_name_has_a_bounded_cost() {
        let found = of(&"群 ".repeat(5000));
        assert!(found.len() <= COUNT_MAX);
        assert!(found.iter().all(|term| term.chars().count() <= LENGTH_MAX));
    }
}
