//! Parses the query of a chat search.

use larkspur_store::text;

/// The most characters of a query. Source: the search page.
pub const QUERY_MAX: usize = 64;
/// The most words of a query that are used, the longest ones: a bound on its cost.
const WORDS_MAX: usize = 8;

/// The words and phrases of a query, longest first; empty if the query can find nothing.
///
/// Spaces and hyphens separate words, except inside double quotes; there, a backslash escapes the next
/// character.
pub fn words(query: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for c in query.chars() {
        let last = parts.len() - 1;
        match c {
            _ if escaped => {
                escaped = false;
                parts[last].push(c);
            }
            '\\' if quoted => escaped = true,
            '"' => {
                quoted = !quoted;
                parts.push(String::new());
            }
            c if !quoted && (c == '-' || c.is_whitespace()) => parts.push(String::new()),
            c => parts[last].push(c),
        }
    }
    let mut words: Vec<String> = parts.iter().map(|part| text::sought(part)).collect();
    words.retain(|word| !word.is_empty());
    words.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
    words.dedup();
    words.truncate(WORDS_MAX);
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spaces_and_hyphens_separate_words() {
        assert_eq!(words("Red-Ball  pen"), ["ball", "red", "pen"]);
        assert_eq!(words("项目"), ["项目"]);
        for nothing in ["", " ", "-", "\"", "\"\"", "(", "\\"] {
            assert_eq!(words(nothing), Vec::<String>::new(), "{nothing:?}");
        }
    }

    #[test]
    fn quotes_keep_spaces_and_hyphens() {
        assert_eq!(words("\"Red-Ball pen\""), ["red-ball pen"]);
        assert_eq!(words("a \"b-c"), ["b-c", "a"]);
        assert_eq!(words(r#""a\"b\\c""#), [r#"a"b\c"#]);
    }

    #[test]
    fn a_query_has_a_bounded_cost() {
        assert_eq!(words("a b c d e f g h i j kk").len(), WORDS_MAX);
        assert_eq!(words("a b c d e f g h i j kk")[0], "kk");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC*") {
            prop_assert!(words(&text).iter().all(|word| !word.is_empty()));
        }
    }
}
