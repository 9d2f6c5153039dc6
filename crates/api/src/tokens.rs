//! Access tokens: signed and self-validating, so they outlive a restart and need no lookup.
//!
//! Format: `t-` or `u-` (or `a-`), then hex of tenant, app, expiry and, for users, number, epoch, 4 bytes of the
//! sign-in and 4 random bytes, then 16 bytes of HMAC.

use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_store::Keys;

pub mod judging;
pub mod jwt;

/// How long a token lives, in milliseconds. Source: the auth pages ("2 hours").
pub const LIFE_MS: i64 = 7200 * 1000;
/// How long the tokens of an ISV app live, in milliseconds. Source: the auth pages (`expire` 7140).
pub const ISV_LIFE_MS: i64 = 7140 * 1000;
/// A token with at least this much time left is returned again. Source: the auth pages ("30 minutes").
pub const RENEW_MS: i64 = 1800 * 1000;

/// The content of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Its holder.
    pub holder: Holder,
    /// The tenant in which it works.
    pub tenant: TenantKey,
    /// The app that it was issued to.
    pub app: AppId,
    /// When it expires, in the tenant's time.
    pub expires_at: i64,
}

/// The holder of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// The app's bot: `tenant_access_token`.
    Tenant,
    /// An ISV app, in no tenant: `app_access_token`. Its tenant is the one that created the app.
    App,
    /// A user: `user_access_token`.
    User {
        /// The user's number.
        number: u64,
        /// The number of the user's grant; tokens of older grants are revoked.
        epoch: i64,
        /// The sign-in that produced it, as [`family`] computes it; any number for a token without a sign-in.
        family: u32,
    },
}

impl Token {
    /// Writes the token.
    pub fn issue(&self, keys: &Keys) -> String {
        let mut bytes = Vec::with_capacity(65);
        bytes.push(match self.holder {
            Holder::Tenant => b't',
            Holder::App => b'a',
            Holder::User { .. } => b'u',
        });
        bytes.extend_from_slice(&self.tenant.0.to_be_bytes());
        bytes.extend_from_slice(&self.app.0.to_be_bytes());
        bytes.extend_from_slice(&self.expires_at.to_be_bytes());
        if let Holder::User { number, epoch, family } = self.holder {
            bytes.extend_from_slice(&number.to_be_bytes());
            bytes.extend_from_slice(&epoch.to_be_bytes());
            // Each token is unique: a renewed one differs from its predecessor, which stays valid.
            bytes.extend_from_slice(&mark(family));
        }
        let signature = keys.sign(&bytes);
        bytes.extend_from_slice(&signature);
        let mut text = String::with_capacity(2 + bytes.len() * 2);
        text.push(char::from(bytes[0]));
        text.push('-');
        for byte in &bytes[1..] {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        text
    }

    /// Reads a token and checks its signature, but not its expiry.
    pub fn read(text: &str, keys: &Keys) -> Option<Token> {
        let (bytes, signed) = bytes_of(text)?;
        let (message, signature) = bytes[..signed + SIGNATURE].split_at(signed);
        keys.verify(message, signature).then(|| Token::of(message))
    }

    /// The content of a text in token form, without verification: for logs only.
    pub fn claimed(text: &str) -> Option<Token> {
        let (bytes, signed) = bytes_of(text)?;
        Some(Token::of(&bytes[..signed]))
    }

    /// Parses signed bytes of the right length.
    fn of(message: &[u8]) -> Token {
        let number =
            |at: usize| message[at..at + 8].iter().fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
        Token {
            holder: match message[0] {
                b't' => Holder::Tenant,
                b'a' => Holder::App,
                _ => Holder::User {
                    number: number(25),
                    epoch: number(33).cast_signed(),
                    family: family_of(&message[41..]),
                },
            },
            tenant: TenantKey(number(1)),
            app: AppId(number(9)),
            expires_at: number(17).cast_signed(),
        }
    }
}

/// Four bytes of the sign-in, then four random bytes that make the token unique.
fn mark(family: u32) -> [u8; 8] {
    let mut mark = Keys::fresh_mark();
    mark[..4].copy_from_slice(&family.to_be_bytes());
    mark
}

/// The sign-in in these bytes.
fn family_of(mark: &[u8]) -> u32 {
    mark.iter().take(4).fold(0, |sum, byte| (sum << 8) | u32::from(*byte))
}

/// The number that the tokens of a sign-in carry: the first digits of its code's hash. It is unlikely that two
/// sign-ins of one user share a number.
pub fn family(code_hash: &str) -> u32 {
    code_hash.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

/// The number of signature bytes at the end of a token.
const SIGNATURE: usize = 16;

/// The bytes of a text in token form, and how many of them are signed.
fn bytes_of(text: &str) -> Option<([u8; 65], usize)> {
    let (kind, hex) = match text.as_bytes() {
        [kind @ (b't' | b'a' | b'u'), b'-', hex @ ..] => (*kind, hex),
        _ => return None,
    };
    let signed = if kind == b'u' { 49 } else { 25 };
    if hex.len() != (signed - 1 + SIGNATURE) * 2 {
        return None;
    }
    // In two loops without exits, which the processor runs on many bytes at once.
    let (mut digits, mut wrong) = ([0u8; 128], 0);
    for (digit, byte) in digits.iter_mut().zip(hex) {
        *digit = value(*byte);
        wrong |= *digit;
    }
    if wrong > 15 {
        return None;
    }
    let mut bytes = [0u8; 65];
    bytes[0] = kind;
    for (bytes, digits) in bytes[1..].as_chunks_mut().0.iter_mut().zip(digits.as_chunks().0) {
        *bytes = joined(*digits);
    }
    Some((bytes, signed))
}

/// The four bytes of eight hex digits.
fn joined(digits: [u8; 8]) -> [u8; 4] {
    let digits = u64::from_be_bytes(digits);
    let bytes = (digits | (digits >> 4)) & 0x00ff_00ff_00ff_00ff;
    let pairs = (bytes | (bytes >> 8)) & 0x0000_ffff_0000_ffff;
    let [_, _, _, _, four @ ..] = (pairs | (pairs >> 16)).to_be_bytes();
    four
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The value of a lower-case hex digit; 255 for every other byte.
fn value(byte: u8) -> u8 {
    let (decimal, letter) = (byte.wrapping_sub(b'0'), byte.wrapping_sub(b'a'));
    let letter = if letter < 6 { letter + 10 } else { u8::MAX };
    if decimal < 10 { decimal } else { letter }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_forgery() {
        let keys = Keys::derive("master");
        let tenant = Token { holder: Holder::Tenant, tenant: TenantKey(1), app: AppId(2), expires_at: 3 };
        let user = Token { holder: Holder::User { number: 4, epoch: 5, family: 0x0102_0304 }, ..tenant };
        let app = Token { holder: Holder::App, ..tenant };
        for token in [tenant, app, user] {
            let text = token.issue(&keys);
            assert_eq!(Token::read(&text, &keys), Some(token));
            assert_eq!(Token::read(&text, &Keys::derive("other")), None);
            for at in 0..text.len() {
                let mut forged = text.clone().into_bytes();
                forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
                let forged = String::from_utf8(forged).expect("ASCII");
                assert_eq!(Token::read(&forged, &keys), None, "{at}");
            }
            assert_eq!(Token::claimed(&text), Some(token), "the signature does not matter");
            assert_eq!(Token::claimed(&text[1..]), None);
            assert_eq!(Token::read(&text[..text.len() - 2], &keys), None);
        }
        assert_eq!(Token::read("t-é", &keys), None);
        assert_ne!(user.issue(&keys), user.issue(&keys), "each is unique");
    }

    #[test]
    fn families() {
        assert_eq!(family("0102030405"), 0x0102_0304);
        assert_eq!((family(""), family("ä1234567")), (0, 0));
    }
}
