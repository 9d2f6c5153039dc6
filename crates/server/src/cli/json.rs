//! Formats JSON for people, without reordering it.

use serde::de::IgnoredAny;

/// The same JSON with one member per line: members keep their order, and numbers and texts their spelling. `None` if it
/// is not JSON.
pub(super) fn indented(bytes: &[u8]) -> Option<String> {
    serde_json::from_slice::<IgnoredAny>(bytes).ok()?;
    let text = str::from_utf8(bytes).ok()?;
    let (mut out, mut depth) = (String::with_capacity(2 * text.len()), 0_usize);
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                out.push(letter);
                let mut escaped = false;
                for letter in letters.by_ref() {
                    out.push(letter);
                    match letter {
                        _ if escaped => escaped = false,
                        '\\' => escaped = true,
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '{' | '[' => {
                out.push(letter);
                while letters.next_if(char::is_ascii_whitespace).is_some() {}
                match letters.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => out.push(end),
                    None => {
                        depth += 1;
                        line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            letter if letter.is_ascii_whitespace() => {}
            letter => out.push(letter),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_stays_and_nothing_else_changes() {
        let text = r#"{"code":0,"msg":"a: \"{[,\\","data":{"z":[1,{"b":1e9,"a":[]}],"a":{},"n":[ ]}}"#;
        let shown = indented(text.as_bytes()).expect("JSON");
        assert_eq!(
            shown,
            "{\n  \"code\": 0,\n  \"msg\": \"a: \\\"{[,\\\\\",\n  \"data\": {\n    \"z\": [\n      1,\n      {\n        \"b\": 1e9,\n        \"a\": []\n      }\n    ],\n    \"a\": {},\n    \"n\": []\n  }\n}"
        );
        let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("still JSON"), value);
        assert_eq!(indented(b"404 page not found"), None);
        assert_eq!(indented(b"{\"a\":1"), None);
    }
}
