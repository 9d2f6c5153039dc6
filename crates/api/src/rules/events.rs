//! Events: names of types.

/// Whether a text may be the name of a type of event, known or not: clients subscribe to events that no group causes.
pub fn is_type_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'.';
    (1..=128).contains(&name.len()) && name.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_types() {
        for good in ["im.chat.updated_v1", "p2p_chat_create", "x"] {
            assert!(is_type_name(good), "{good}");
        }
        for bad in ["", "*", "a b", "Im.chat", "im.chat\n", &"x".repeat(129)] {
            assert!(!is_type_name(bad), "{bad}");
        }
    }
}
