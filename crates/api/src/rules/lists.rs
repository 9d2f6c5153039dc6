//! Lists of words in a query: clients repeat the parameter or join the words by commas.

use larkspur_contract::{Fault, codes};

/// Which of the words are in a list; `None` for an empty list. An unknown word is 99992402, as in the gateway.
pub fn chosen<const N: usize>(
    field: &str,
    words: [&str; N],
    sent: &[String],
) -> Result<Option<[bool; N]>, Fault> {
    let mut found = [false; N];
    for word in sent.iter().flat_map(|part| part.split(',')).map(str::trim).filter(|word| !word.is_empty()) {
        let Some(at) = words.iter().position(|known| *known == word) else {
            let fault = Fault::new(codes::FIELD_VALIDATION, format!("{word:?} in {field}"));
            let options = format!("options: [{}]", words.join(","));
            return Err(fault.with_violation(field, Some(word), &options));
        };
        found[at] = true;
    }
    Ok(found.contains(&true).then_some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sent: &[&str]) -> Result<Option<[bool; 2]>, Fault> {
        chosen("types", ["a", "b"], &sent.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn words_are_repeated_or_joined() {
        assert_eq!(of(&[]).expect("none"), None);
        assert_eq!(of(&["", " ,"]).expect("empty"), None);
        assert_eq!(of(&["b"]).expect("one"), Some([false, true]));
        assert_eq!(of(&["b, a"]).expect("joined"), Some([true, true]));
        assert_eq!(of(&["a", "a"]).expect("repeated"), Some([true, false]));
    }

    #[test]
    fn other_words_are_refused() {
        for wrong in [&["c"][..], &["a,c"], &["A"]] {
            let fault = of(wrong).expect_err("refused");
            assert_eq!((fault.code(), fault.violations().len()), (codes::FIELD_VALIDATION, 1));
        }
    }
}
