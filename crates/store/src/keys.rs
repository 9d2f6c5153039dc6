//! The secrets of a store, derived from one master key, and what they sign and encrypt.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{
    Block, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit,
};
use aes::{Aes128, Aes256};
use hmac::{Hmac, Mac};
use larkspur_contract::ids::{AppId, HookToken, MessageId, OpenId, TenantKey, UnionId};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::ids::random_bytes;

/// Derived keys. They never leave the process.
pub struct Keys {
    token: Hmac<Sha256>,
    secret: Hmac<Sha256>,
    open_id: Aes128,
    union_id: Aes128,
    hook: Aes128,
    message_id: Aes128,
    event_id: Aes128,
    reaction_id: Aes128,
    reaction_mark: Hmac<Sha256>,
    seal: [u8; 32],
    seal_mark: Hmac<Sha256>,
    session: Hmac<Sha256>,
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
    /// A new random master key, as hex.
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
            hook: cipher(master, "custom bot"),
            message_id: cipher(master, "message_id"),
            event_id: cipher(master, "event_id"),
            reaction_id: cipher(master, "reaction_id"),
            reaction_mark: hmac(&derive(master, "mark of a reaction_id")),
            seal: derive(master, "sealed secret"),
            seal_mark: hmac(&derive(master, "mark of a sealed secret")),
            session: hmac(&derive(master, "session of the console")),
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

    /// Whether this is the signature of the message, in constant time.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.sign(message).as_slice().ct_eq(signature).into()
    }

    /// The full HMAC-SHA256 of a message, for tokens in the form of a JWT. The message never begins with the letter of
    /// a token's kind.
    pub fn sign_whole(&self, message: &[u8]) -> [u8; 32] {
        let mut mac = self.token.clone();
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    /// Whether this is the full signature of the message, in constant time.
    pub fn verify_whole(&self, message: &[u8], signature: &[u8]) -> bool {
        self.sign_whole(message).as_slice().ct_eq(signature).into()
    }

    /// An app ticket: always the same for an app and a number.
    pub fn app_ticket(&self, app: AppId, number: i64) -> String {
        self.hash_secret(&format!("app ticket {app} {number}"))
    }

    /// Whether a ticket is the app's with that number, in constant time.
    pub fn app_ticket_matches(&self, ticket: &str, app: AppId, number: i64) -> bool {
        self.app_ticket(app, number).as_bytes().ct_eq(ticket.as_bytes()).into()
    }

    /// The token by which an app recognizes events: always the same for an app, 32 lower-case hex digits.
    pub fn verification_token(&self, app: AppId) -> String {
        let mut token = self.hash_secret(&format!("verification token {app}"));
        token.truncate(32);
        token
    }

    /// Encrypts a secret that has to be read again, with a mark that reveals changes.
    pub fn seal(&self, secret: &str) -> String {
        let iv = random_bytes::<16>();
        let mut sealed = iv.to_vec();
        let cipher = cbc::Encryptor::<Aes256>::new(&self.seal.into(), &iv.into());
        sealed.extend(cipher.encrypt_padded_vec::<Pkcs7>(secret.as_bytes()));
        let mut mark = self.seal_mark.clone();
        mark.update(&sealed);
        sealed.extend(mark.finalize().into_bytes());
        hex(&sealed)
    }

    /// Decrypts what [`Keys::seal`] made; `None` for anything else.
    pub fn open(&self, sealed: &str) -> Option<String> {
        let sealed = from_hex(sealed)?;
        let (message, mark) = sealed.split_at_checked(sealed.len().checked_sub(32)?)?;
        let mut expected = self.seal_mark.clone();
        expected.update(message);
        expected.verify_slice(mark).ok()?;
        let (iv, text) = message.split_first_chunk::<16>()?;
        let cipher = cbc::Decryptor::<Aes256>::new(&self.seal.into(), &(*iv).into());
        String::from_utf8(cipher.decrypt_padded_vec::<Pkcs7>(text).ok()?).ok()
    }

    /// The signature of a session of the console, as hex.
    pub fn sign_session(&self, message: &str) -> String {
        let mut mac = self.session.clone();
        mac.update(message.as_bytes());
        hex(&mac.finalize().into_bytes())
    }

    /// Whether this is the signature of the session, in constant time.
    pub fn session_matches(&self, message: &str, signature: &str) -> bool {
        self.sign_session(message).as_bytes().ct_eq(signature.as_bytes()).into()
    }

    /// The hash that is stored of an app secret.
    pub fn hash_secret(&self, secret: &str) -> String {
        let mut mac = self.secret.clone();
        mac.update(secret.as_bytes());
        hex(&mac.finalize().into_bytes())
    }

    /// Whether a secret has this hash, in constant time.
    pub fn secret_matches(&self, secret: &str, hash: &str) -> bool {
        self.hash_secret(secret).as_bytes().ct_eq(hash.as_bytes()).into()
    }

    /// A mark of the store whose keys these are: it tells whether another one can read what they sealed, and reveals nothing.
    pub fn store_mark(&self) -> String {
        hex(&self.sign(b"the mark of a store"))
    }

    /// Eight random bytes that tell apart things which are otherwise equal.
    pub fn fresh_mark() -> [u8; 8] {
        random_bytes()
    }

    /// A new random app secret: 32 letters and digits.
    pub fn fresh_secret() -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ab";
        random_bytes::<32>().iter().map(|byte| char::from(ALPHABET[usize::from(byte & 63)])).collect()
    }

    /// The open_id under which an app sees a user (by number) or a bot (by app number).
    pub fn open_id(&self, subject: u64, app: AppId) -> OpenId {
        OpenId(encrypt(&self.open_id, subject, app.0))
    }

    /// The subject and the app of an open_id. Any 128 bits decrypt to something: the caller must look both up.
    pub fn read_open_id(&self, id: OpenId) -> (u64, AppId) {
        let (subject, app) = decrypt(&self.open_id, id.0);
        (subject, AppId(app))
    }

    /// The union_id of a user among the apps of a developer (the tenant that owns the apps).
    pub fn union_id(&self, user_no: u64, developer: TenantKey) -> UnionId {
        UnionId(encrypt(&self.union_id, user_no, developer.0))
    }

    /// The ID of an event, from its number and the tenant where it happened: 32 lower-case hex digits.
    pub fn event_id(&self, number: i64, tenant: TenantKey) -> String {
        format!("{:032x}", encrypt(&self.event_id, number.cast_unsigned(), tenant.0))
    }

    /// The number of the event of a tenant with this ID; `None` for an ID that was not made of one. A copy of an event with the
    /// same ID has another number.
    pub fn event_number(&self, event_id: &str, tenant: TenantKey) -> Option<i64> {
        let id = u128::from_str_radix(event_id, 16).ok().filter(|_| event_id.len() == 32)?;
        let (number, made_in) = decrypt(&self.event_id, id);
        (made_in == tenant.0).then_some(number.cast_signed())
    }

    /// The user number and the developer of a union_id.
    pub fn read_union_id(&self, id: UnionId) -> (u64, TenantKey) {
        let (user_no, developer) = decrypt(&self.union_id, id.0);
        (user_no, TenantKey(developer))
    }

    /// The token in the URL of a custom bot of a tenant. `number` is below 2^40.
    pub fn hook_token(&self, number: i64, tenant: TenantKey) -> HookToken {
        HookToken(encrypt(&self.hook, number.cast_unsigned(), tenant.0))
    }

    /// The number and the tenant of a custom bot's token; `None` if it was never issued, but for one guess of 16 million.
    /// The bot may be gone.
    pub fn read_hook_token(&self, token: HookToken) -> Option<(i64, TenantKey)> {
        let (number, tenant) = decrypt(&self.hook, token.0);
        (number < HOOKS).then(|| (number.cast_signed(), TenantKey(tenant)))
    }

    /// The HMAC-SHA256 of an empty message under a key, as custom bots are signed.
    pub fn sign_nothing(key: &[u8]) -> [u8; 32] {
        hmac(key).finalize().into_bytes().into()
    }

    /// The message_id of a message of a tenant.
    pub fn message_id(&self, number: i64, tenant: TenantKey) -> MessageId {
        MessageId(encrypt(&self.message_id, number.cast_unsigned(), tenant.0))
    }

    /// The number and the tenant of a message_id. Any 128 bits decrypt to something: the caller must look both up.
    pub fn read_message_id(&self, id: MessageId) -> (i64, TenantKey) {
        let (number, tenant) = decrypt(&self.message_id, id.0);
        (number.cast_signed(), TenantKey(tenant))
    }

    /// The reaction_id of a reaction of a tenant: 40 lower-case hex digits, of which the last 8 are a mark.
    pub fn reaction_id(&self, number: i64, tenant: TenantKey) -> String {
        let id = encrypt(&self.reaction_id, number.cast_unsigned(), tenant.0).to_be_bytes();
        let mut mark = self.reaction_mark.clone();
        mark.update(&id);
        let mut text = hex(&id);
        text.push_str(&hex(&mark.finalize().into_bytes()[..4]));
        text
    }

    /// The number and the tenant of a reaction_id; `None` for a text that is none.
    pub fn read_reaction_id(&self, text: &str) -> Option<(i64, TenantKey)> {
        let id = u128::from_str_radix(text.get(..32)?, 16).ok()?;
        let (number, tenant) = decrypt(&self.reaction_id, id);
        let (number, tenant) = (number.cast_signed(), TenantKey(tenant));
        (self.reaction_id(number, tenant) == text).then_some((number, tenant))
    }
}

/// The numbers of custom bots are below this.
pub(crate) const HOOKS: u64 = 1 << 40;

fn encrypt(cipher: &Aes128, high: u64, low: u64) -> u128 {
    let mut block = Block::<Aes128>::from(((u128::from(high) << 64) | u128::from(low)).to_be_bytes());
    cipher.encrypt_block(&mut block);
    u128::from_be_bytes(block.into())
}

fn decrypt(cipher: &Aes128, value: u128) -> (u64, u64) {
    let mut block = Block::<Aes128>::from(value.to_be_bytes());
    cipher.decrypt_block(&mut block);
    let plain = u128::from_be_bytes(block.into());
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

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some((digit(pair[0])? << 4) | digit(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_carries_its_number_for_its_tenant_alone() {
        let (keys, tenant) = (Keys::derive("master"), TenantKey(7));
        for number in [0, 1, i64::MAX] {
            let id = keys.event_id(number, tenant);
            assert!(id.len() == 32 && id.bytes().all(|digit| b"0123456789abcdef".contains(&digit)), "{id}");
            assert_eq!(keys.event_number(&id, tenant), Some(number));
            assert_eq!(keys.event_number(&id, TenantKey(8)), None);
            assert_eq!(Keys::derive("other").event_number(&id, tenant), None);
        }
        for wrong in ["", "x", "0123456789abcdef0123456789abcdef", "+123456789abcdef0123456789abcdef"] {
            assert_eq!(keys.event_number(wrong, tenant), None, "{wrong}");
        }
    }

    #[test]
    fn ids_translate_both_ways_and_differ_by_app() {
        let keys = Keys::derive(&Keys::fresh_master());
        let (one, two) = (AppId(1), AppId(2));
        assert_ne!(keys.open_id(7, one), keys.open_id(7, two));
        assert_eq!(keys.read_open_id(keys.open_id(7, one)), (7, one));
        assert_eq!(keys.read_hook_token(keys.hook_token(7, TenantKey(9))), Some((7, TenantKey(9))));
        assert_eq!(keys.read_hook_token(HookToken(7)), None);
        assert_eq!(keys.read_union_id(keys.union_id(7, TenantKey(9))), (7, TenantKey(9)));
        assert_eq!(keys.read_message_id(keys.message_id(7, TenantKey(9))), (7, TenantKey(9)));
        assert_ne!(keys.message_id(7, TenantKey(9)).0, keys.union_id(7, TenantKey(9)).0);
    }

    #[test]
    fn reaction_ids_have_a_mark() {
        let keys = Keys::derive(&Keys::fresh_master());
        let id = keys.reaction_id(7, TenantKey(9));
        assert_eq!((id.len(), keys.read_reaction_id(&id)), (40, Some((7, TenantKey(9)))));
        for at in 0..id.len() {
            let mut changed = id.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(keys.read_reaction_id(&String::from_utf8(changed).expect("ASCII")), None, "{at}");
        }
        let other = Keys::derive(&Keys::fresh_master());
        for wrong in [
            "",
            "+",
            &id[..32],
            &id.to_uppercase(),
            &other.reaction_id(7, TenantKey(9)),
            "é".repeat(20).as_str(),
        ] {
            assert_eq!(keys.read_reaction_id(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sealed_secrets_open_with_the_same_key_and_unchanged() {
        let keys = Keys::derive("master");
        for secret in ["", "k", "an encrypt key of the usual length"] {
            let sealed = keys.seal(secret);
            assert_ne!(sealed, keys.seal(secret), "the same secret is not seen to be the same");
            assert_eq!(keys.open(&sealed).as_deref(), Some(secret));
            assert_eq!(Keys::derive("other").open(&sealed), None);
            for at in 0..sealed.len() {
                let mut changed = sealed.clone().into_bytes();
                changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
                assert_eq!(keys.open(&String::from_utf8(changed).expect("ASCII")), None, "{at}");
            }
        }
        for wrong in ["", "0", "zz", &"0".repeat(96)] {
            assert_eq!(keys.open(wrong), None, "{wrong}");
        }
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
