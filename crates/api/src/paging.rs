//! Page tokens: opaque to callers, and valid only for the list that they were issued for.

use larkspur_contract::{Code, Fault, codes};
use larkspur_store::Keys;

/// The most bytes of a position that a token carries.
const PLACE_MAX: usize = 512;

/// Writes a token: where the next page of a list begins. `list` identifies the list and everything it depends on.
pub fn write(keys: &Keys, list: &str, place: &str) -> String {
    let signature = keys.sign(signed(list, place).as_bytes());
    let mut token = String::with_capacity((place.len() + signature.len()) * 2);
    for byte in place.bytes().chain(signature) {
        token.push(char::from(DIGITS[usize::from(byte >> 4)]));
        token.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    token
}

/// Reads where a page begins: `None` for the first one, 232001 for a token that was not issued for this list.
pub fn read(keys: &Keys, list: &str, token: Option<&str>) -> Result<Option<String>, Fault> {
    read_or(keys, list, token, codes::PARAM_INVALID)
}

/// Like [`read`], for pages that have their own code for a token that was not issued.
pub fn read_or(keys: &Keys, list: &str, token: Option<&str>, invalid: Code) -> Result<Option<String>, Fault> {
    let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(None) };
    place(keys, list, token).map(Some).ok_or_else(|| {
        Fault::new(invalid, "page_token was not issued for this list").with_violation(
            "page_token",
            Some(token),
            "invalid page_token",
        )
    })
}

fn place(keys: &Keys, list: &str, token: &str) -> Option<String> {
    let token = token.as_bytes();
    if !token.len().is_multiple_of(2) || token.len() / 2 > PLACE_MAX + SIGNATURE {
        return None;
    }
    let digit = |byte: u8| DIGITS.iter().position(|digit| *digit == byte);
    let bytes: Option<Vec<u8>> =
        token.chunks_exact(2).map(|pair| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()).collect();
    let bytes = bytes?;
    let (place, signature) = bytes.split_at_checked(bytes.len().checked_sub(SIGNATURE)?)?;
    let place = std::str::from_utf8(place).ok()?;
    keys.verify(signed(list, place).as_bytes(), signature).then(|| place.to_owned())
}

const SIGNATURE: usize = 16;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The signed message. No token of another kind starts like this, and the name of a list has no line break.
fn signed(list: &str, place: &str) -> String {
    format!("page {list}\n{place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_valid_for_its_list_only() {
        let keys = Keys::derive("master");
        let token = write(&keys, "members oc_1", "17 anna");
        assert!(!token.contains("anna"));
        assert_eq!(read(&keys, "members oc_1", Some(&token)).expect("good").as_deref(), Some("17 anna"));
        assert_eq!(read(&keys, "members oc_1", None).expect("first page"), None);
        assert_eq!(read(&keys, "members oc_1", Some("")).expect("first page"), None);
        assert!(read(&keys, "members oc_2", Some(&token)).is_err());
        assert!(read(&Keys::derive("other"), "members oc_1", Some(&token)).is_err());
        for at in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            let forged = String::from_utf8(forged).expect("ASCII");
            assert!(read(&keys, "members oc_1", Some(&forged)).is_err(), "{at}");
        }
        for wrong in ["0", "00", "x", "é", &token[2..], &token[..token.len() - 2], &"0".repeat(4096)] {
            assert!(read(&keys, "members oc_1", Some(wrong)).is_err(), "{wrong}");
        }
    }
}
