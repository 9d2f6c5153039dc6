//! What the control operations ask of a value by itself.

use larkspur_contract::{Fault, codes};
use larkspur_store::apps;

/// The most that a clock may be moved, and a token's life be, in milliseconds: a hundred years, so that no sum overflows.
pub(super) const TIME_MAX_MS: i64 = 100 * 365 * 24 * 3600 * 1000;

/// A refusal of a value: 5275400.
pub(super) fn invalid(field: &str, value: Option<&str>, why: &str) -> Fault {
    Fault::new(codes::CONTROL_PARAM_INVALID, format!("{field}: {why}")).with_violation(field, value, why)
}

/// Words that fit into a list separated by blanks.
pub(super) fn scopes(field: &str, scopes: &[String]) -> Result<apps::Scopes, Fault> {
    match scopes.iter().find(|scope| scope.is_empty() || scope.contains(char::is_whitespace)) {
        Some(wrong) => Err(invalid(field, Some(wrong), "a scope is a word without blanks")),
        None => Ok(apps::Scopes::new(scopes.iter().map(String::as_str))),
    }
}

/// Whether a text may be a user_id: nothing that another id could be taken for, and nothing that a URL would change.
pub(super) fn user_id(id: &str) -> Result<(), Fault> {
    let why = if id.is_empty() || id.len() > 64 {
        "1 to 64 characters"
    } else if ["cli_", "oc_", "ou_", "on_"].iter().any(|prefix| id.starts_with(prefix)) {
        "must not start with cli_, oc_, ou_ or on_"
    } else if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.@".contains(&byte)) {
        "letters, digits and _ - . @ only"
    } else {
        return Ok(());
    };
    Err(invalid("user_id", Some(id), why))
}

/// Whether a text may be the token of a document: one segment of a URL.
pub(super) fn document_token(token: &str) -> Result<(), Fault> {
    let fits = (1..=64).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if fits { Ok(()) } else { Err(invalid("token", Some(token), "1 to 64 letters, digits, _ and -")) }
}

/// The first `length` base-36 digits, lower case, of a random number; at most 24 of them are random.
pub(super) fn word(mut random: u128, length: usize) -> String {
    const DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(length);
    for _ in 0..length {
        #[allow(clippy::cast_possible_truncation, reason = "a remainder of 36")]
        text.push(char::from(DIGITS[(random % 36) as usize]));
        random /= 36;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_ids() {
        for good in ["a", "4d7a3c6g", "anna.b@example-corp_1", &"x".repeat(64)] {
            assert!(user_id(good).is_ok(), "{good}");
        }
        for bad in ["", "cli_1", "oc_1", "ou_1", "on_1", "a b", "a/b", "user:1", "ä", &"x".repeat(65)] {
            assert_eq!(user_id(bad).expect_err(bad).code(), codes::CONTROL_PARAM_INVALID);
        }
    }

    #[test]
    fn document_tokens() {
        assert!(document_token("doxcnAbC_-1").is_ok());
        for bad in ["", "a/b", "a?b", "a#b", "a b", &"x".repeat(65)] {
            assert!(document_token(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn words_are_as_long_as_asked_and_differ() {
        let (one, other) = (word(1, 8), word(2, 8));
        assert_eq!((one.len(), other.len()), (8, 8));
        assert_ne!(one, other);
        assert!(user_id(&word(u128::MAX, 24)).is_ok());
    }

    #[test]
    fn scopes_are_words() {
        assert!(scopes("scopes", &["im:chat".to_owned()]).is_ok());
        for bad in ["", "im:chat im:tag:read", "a\tb"] {
            assert!(scopes("scopes", &[bad.to_owned()]).is_err(), "{bad:?}");
        }
    }
}
