//! Access tokens: signed and self-validating, so that they outlive a restart and cost no look-up.
//!
//! `t-` or `u-` (or `a-`), then hex of tenant, app, expiry and, for users, number, epoch, 4 bytes of what the token came of
//! and 4 random bytes, then 16 bytes of HMAC.

use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_store::Keys;

pub mod jwt;

/// How long a token lives, in milliseconds. Source: the auth pages ("2 hours").
pub const LIFE_MS: i64 = 7200 * 1000;
/// How long the tokens of an ISV app live, in milliseconds. Source: the auth pages (`expire` 7140).
pub const ISV_LIFE_MS: i64 = 7140 * 1000;
/// With at least this much left, the same token is given again. Source: the auth pages ("30 minutes").
pub const RENEW_MS: i64 = 1800 * 1000;

/// What a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Whose it is.
    pub holder: Holder,
    /// In which tenant it works.
    pub tenant: TenantKey,
    /// To which app it was issued.
    pub app: AppId,
    /// Until when it is valid, in the tenant's time.
    pub expires_at: i64,
}

/// Whose a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// The app's bot: `tenant_access_token`.
    Tenant,
    /// An ISV app, in no tenant: `app_access_token`. Its tenant is the one that made the app.
    App,
    /// A user: `user_access_token`.
    User {
        /// The user's number.
        number: u64,
        /// Which of the user's grants; an older one is revoked.
        epoch: i64,
        /// The sign-in that it came of, as [`family`] makes it; any number for a token that came of none.
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
            // Each is one of its own: a renewed token differs from the one before, which lives on.
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

    /// Reads a token and checks its signature; not whether it has expired.
    pub fn read(text: &str, keys: &Keys) -> Option<Token> {
        let (bytes, signed) = bytes_of(text)?;
        let (message, signature) = bytes[..signed + SIGNATURE].split_at(signed);
        keys.verify(message, signature).then(|| Token::of(message))
    }

    /// What a text in the form of a token says of itself. It is not verified: for logs alone.
    pub fn claimed(text: &str) -> Option<Token> {
        let (bytes, signed) = bytes_of(text)?;
        Some(Token::of(&bytes[..signed]))
    }

    /// What signed bytes of the right length say.
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

/// What tells tokens apart that are otherwise the same, behind the sign-in that they came of.
fn mark(family: u32) -> [u8; 8] {
    let mut mark = Keys::fresh_mark();
    mark[..4].copy_from_slice(&family.to_be_bytes());
    mark
}

/// The sign-in of a mark.
fn family_of(mark: &[u8]) -> u32 {
    mark.iter().take(4).fold(0, |sum, byte| (sum << 8) | u32::from(*byte))
}

/// The number that the tokens of a sign-in carry: the first digits of the hash of its code. Two sign-ins of one user with
/// one number are as good as never met.
pub fn family(code_hash: &str) -> u32 {
    code_hash.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

/// How many bytes of signature a token ends with.
const SIGNATURE: usize = 16;

/// The bytes of a text in the form of a token, and how many of them are signed.
fn bytes_of(text: &str) -> Option<([u8; 65], usize)> {
    let (kind, hex) = match text.as_bytes() {
        [kind @ (b't' | b'a' | b'u'), b'-', hex @ ..] => (*kind, hex),
        _ => return None,
    };
    let signed = if kind == b'u' { 49 } else { 25 };
    if hex.len() != (signed - 1 + SIGNATURE) * 2 {
        return None;
    }
    let mut bytes = [0u8; 65];
    bytes[0] = kind;
    for (byte, pair) in bytes[1..].iter_mut().zip(hex.chunks_exact(2)) {
        *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
    }
    Some((bytes, signed))
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
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
        assert_ne!(user.issue(&keys), user.issue(&keys), "each is one of its own");
    }

    #[test]
    fn families() {
        assert_eq!(family("0102030405"), 0x0102_0304);
        assert_eq!((family(""), family("ä1234567")), (0, 0));
    }
}
