//! The secrets of a store, derived from one master key, and what is made with them.

use aes::Aes128;
use aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use hmac::{Hmac, Mac};
use larkspur_contract::ids::{AppId, OpenId, TenantKey, UnionId};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::ids::random_bytes;

/// Derived keys. None of them ever leaves the process.
pub struct Keys {
    token: Hmac<Sha256>,
    secret: Hmac<Sha256>,
    open_id: Aes128,
    union_id: Aes128,
}

fn hmac(key: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of any length, so the error cannot happen; an empty key would still be a valid HMAC.
    Hmac::new_from_slice(key).unwrap_or_else(|_| <Hmac<Sha256> as KeyInit>::new(&Default::default()))
}

fn derive(master: &[u8], purpose: &str) -> [u8; 32] {
    let mut mac = hmac(master);
    mac.update(purpose.as_bytes());
    mac.finalize().into_bytes().into()
}

fn cipher(master: &[u8], purpose: &str) -> Aes128 {
    let mut key = [0; 16];
    key.copy_from_slice(&derive(master, purpose)[..16]);
    Aes128::new(&key.into())
}

impl Keys {
    /// A fresh master key, as hex.
    pub fn fresh_master() -> String {
        hex(&random_bytes::<32>())
    }

    /// The keys of a master key.
    pub fn derive(master: &str) -> Self {
        let master = master.as_bytes();
        Keys {
            token: hmac(&derive(master, "access token")),
            secret: hmac(&derive(master, "app secret")),
            open_id: cipher(master, "open_id"),
            union_id: cipher(master, "union_id"),
        }
    }

    /// The first 16 bytes of a token's signature.
    pub fn sign(&self, message: &[u8]) -> [u8; 16] {
        let mut mac = self.token.clone();
        mac.update(message);
        let full = mac.finalize().into_bytes();
        let mut short = [0; 16];
        short.copy_from_slice(&full[..16]);
        short
    }

    /// Whether this is the signature of the message; takes the same time either way.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.sign(message).as_slice().ct_eq(signature).into()
    }

    /// HMAC-SHA256 of a message that begins with no letter of a token's kind: for tokens in the form of a JWT.
    pub fn sign_whole(&self, message: &[u8]) -> [u8; 32] {
        let mut mac = self.token.clone();
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    /// Whether this is the whole signature of the message; takes the same time either way.
    pub fn verify_whole(&self, message: &[u8], signature: &[u8]) -> bool {
        self.sign_whole(message).as_slice().ct_eq(signature).into()
    }

    /// A ticket of an app: the same for the same app and number.
    pub fn app_ticket(&self, app: AppId, number: i64) -> String {
        self.hash_secret(&format!("app ticket {app} {number}"))
    }

    /// Whether a ticket is the app's with that number; takes the same time either way.
    pub fn app_ticket_matches(&self, ticket: &str, app: AppId, number: i64) -> bool {
        self.app_ticket(app, number).as_bytes().ct_eq(ticket.as_bytes()).into()
    }

    /// What is kept of an app secret.
    pub fn hash_secret(&self, secret: &str) -> String {
        let mut mac = self.secret.clone();
        mac.update(secret.as_bytes());
        hex(&mac.finalize().into_bytes())
    }

    /// Whether a secret is the one of which this was kept; takes the same time either way.
    pub fn secret_matches(&self, secret: &str, hash: &str) -> bool {
        self.hash_secret(secret).as_bytes().ct_eq(hash.as_bytes()).into()
    }

    /// Eight random bytes that tell things apart which are otherwise the same.
    pub fn fresh_mark() -> [u8; 8] {
        random_bytes()
    }

    /// A fresh app secret: 32 letters and digits.
    pub fn fresh_secret() -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ab";
        random_bytes::<32>().iter().map(|byte| char::from(ALPHABET[usize::from(byte & 63)])).collect()
    }

    /// The open_id under which an app sees a user (by number) or a bot (by app number).
    pub fn open_id(&self, subject: u64, app: AppId) -> OpenId {
        OpenId(encrypt(&self.open_id, subject, app.0))
    }

    /// Whom an open_id names, and to which app. Any 128 bits decrypt to something: the caller looks both up.
    pub fn read_open_id(&self, id: OpenId) -> (u64, AppId) {
        let (subject, app) = decrypt(&self.open_id, id.0);
        (subject, AppId(app))
    }

    /// The union_id of a user among the apps of a developer (the tenant that owns the apps).
    pub fn union_id(&self, user_no: u64, developer: TenantKey) -> UnionId {
        UnionId(encrypt(&self.union_id, user_no, developer.0))
    }

    /// Whom a union_id names, and to which developer.
    pub fn read_union_id(&self, id: UnionId) -> (u64, TenantKey) {
        let (user_no, developer) = decrypt(&self.union_id, id.0);
        (user_no, TenantKey(developer))
    }
}

fn encrypt(cipher: &Aes128, high: u64, low: u64) -> u128 {
    let mut block = Block::<Aes128>::from(((u128::from(high) << 64) | u128::from(low)).to_be_bytes());
    cipher.encrypt_block(&mut block);
    u128::from_be_bytes(block.into())
}

fn decrypt(cipher: &Aes128, value: u128) -> (u64, u64) {
    let mut block = Block::<Aes128>::from(value.to_be_bytes());
    cipher.decrypt_block(&mut block);
    let plain = u128::from_be_bytes(block.into());
    #[allow(clippy::cast_possible_truncation, reason = "the two halves")]
    ((plain >> 64) as u64, plain as u64)
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_translate_both_ways_and_differ_by_app() {
        let keys = Keys::derive(&Keys::fresh_master());
        let (one, two) = (AppId(1), AppId(2));
        assert_ne!(keys.open_id(7, one), keys.open_id(7, two));
        assert_eq!(keys.read_open_id(keys.open_id(7, one)), (7, one));
        assert_eq!(keys.read_union_id(keys.union_id(7, TenantKey(9))), (7, TenantKey(9)));
    }

    #[test]
    fn signatures_and_secrets() {
        let keys = Keys::derive("master");
        let signature = keys.sign(b"message");
        assert!(keys.verify(b"message", &signature));
        assert!(!keys.verify(b"massage", &signature));
        assert!(!keys.verify(b"message", &signature[..15]));
        let secret = Keys::fresh_secret();
        assert_eq!(secret.len(), 32);
        assert!(keys.secret_matches(&secret, &keys.hash_secret(&secret)));
        assert!(!keys.secret_matches("x", &keys.hash_secret(&secret)));
    }
}
