//! The known word that an unknown one was probably meant to be.

/// The most characters of a word that is compared: longer ones are not typing errors.
const LONGEST: usize = 100;

/// The nearest known word, if one is near.
///
/// A word is near if a few letters differ (one in three at most: changed, missing, added or swapped), or if the given
/// word is one of its parts: `status` is near `chat_status`, `im:chatt` is near `im:chat`. Case is ignored. Of equally
/// near words, the first wins.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().take(LONGEST + 1).collect();
    if word.is_empty() || word.len() > LONGEST {
        return None;
    }
    let most = (word.len() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let other: Vec<char> = candidate.to_lowercase().chars().collect();
        let typed = letters_between(&word, &other);
        let score = match typed {
            typed if typed <= most && typed < word.len() => typed,
            _ if is_part(&word, &other) || is_part(&other, &word) => most + 1,
            _ => continue,
        };
        if best.is_none_or(|(least, _)| score < least) {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// `; did you mean "…"?`, to append to a message; empty if no known word is near.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"))
}

/// How many letters must be changed, removed, added, or swapped with the next one to turn one word into the other.
pub fn distance(one: &str, other: &str) -> usize {
    letters_between(&one.chars().collect::<Vec<_>>(), &other.chars().collect::<Vec<_>>())
}

fn letters_between(one: &[char], other: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let mut least = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}

/// Whether a word of three letters or more is one or several whole parts of another one, at its start or end.
fn is_part(part: &[char], whole: &[char]) -> bool {
    let split = |c: &char| matches!(c, '_' | ':' | '.');
    let rest = whole.len().saturating_sub(part.len());
    part.len() > 2
        && rest > 1
        && ((whole.starts_with(part) && split(&whole[part.len()]))
            || (whole.ends_with(part) && split(&whole[rest - 1])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found() {
        let known =
            ["chat_mode", "chat_status", "chat_users", "scopes", "im:chat", "im:chat:read", "bot", "name"];
        for (word, near) in [
            ("scope", Some("scopes")),
            ("chat_user", Some("chat_users")),
            ("status", Some("chat_status")),
            ("im:chatt", Some("im:chat")),
            ("im:chat:raed", Some("im:chat:read")),
            ("Bot", Some("bot")),
            ("bto", Some("bot")),
            ("namE", Some("name")),
            ("x", None),
            ("", None),
            ("colour", None),
        ] {
            assert_eq!(nearest(word, known), near, "{word}");
        }
        assert_eq!(nearest(&"a".repeat(5000), known), None);
        assert_eq!(did_you_mean("scope", known), "; did you mean \"scopes\"?");
        assert_eq!(did_you_mean("colour", known), "");
    }

    #[test]
    fn distances() {
        for (one, other, expected) in [("", "", 0), ("", "ab", 2), ("ab", "ba", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }
}
