//! Encryption and signature of webhook requests, and what their receivers compute. Source: the page on encrypting and
//! verifying events.

use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// Base64 of the IV and of AES-256-CBC with it, PKCS#7 padding, under the SHA-256 of the key.
pub fn encrypt(key: &str, iv: [u8; 16], plain: &[u8]) -> String {
    let cipher = cbc::Encryptor::<Aes256>::new(&Sha256::digest(key), &iv.into());
    let mut sealed = iv.to_vec();
    sealed.extend(cipher.encrypt_padded_vec::<Pkcs7>(plain));
    STANDARD.encode(sealed)
}

/// SHA-256 of time, nonce, key and body, in hex.
pub fn sign(timestamp: &str, nonce: &str, key: &str, body: &[u8]) -> String {
    let digest = Sha256::new()
        .chain_update(timestamp)
        .chain_update(nonce)
        .chain_update(key)
        .chain_update(body)
        .finalize();
    hex(&digest)
}

/// What is in an encrypted text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decrypted {
    /// The IV, in hex.
    pub iv: String,
    /// How many bytes follow it.
    pub cipher_bytes: usize,
    /// The text.
    pub plain: Vec<u8>,
}

/// Decrypts what [`encrypt`] made.
///
/// # Errors
/// Why it cannot be decrypted.
pub fn decrypt(key: &str, sealed: &str) -> Result<Decrypted, &'static str> {
    let sealed = STANDARD.decode(sealed).map_err(|_| "it is not base64")?;
    let (iv, cipher) = sealed.split_first_chunk::<16>().ok_or("it is shorter than an IV")?;
    let decryptor = cbc::Decryptor::<Aes256>::new(&Sha256::digest(key), iv.into());
    let plain =
        decryptor.decrypt_padded_vec::<Pkcs7>(cipher).map_err(|_| "it was encrypted with another key")?;
    Ok(Decrypted { iv: hex(iv), cipher_bytes: cipher.len(), plain })
}

/// The SHA-256 of bytes, in hex.
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_of_the_page() {
        let vector = "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=";
        let sealed = STANDARD.decode(vector).expect("base64");
        let (iv, _) = sealed.split_first_chunk::<16>().expect("an IV");
        assert_eq!(encrypt("test key", *iv, b"hello world"), vector);
        let decrypted = decrypt("test key", vector).expect("decrypted");
        assert_eq!((decrypted.plain.as_slice(), decrypted.cipher_bytes), (b"hello world".as_slice(), 16));
        assert_eq!(decrypted.iv, "3f7ef0f9564898d80f10ed5106127a46");
    }

    #[test]
    fn what_cannot_be_decrypted() {
        let sealed = encrypt("key", [7; 16], b"hello world");
        assert!(decrypt("another key", &sealed).is_err());
        for wrong in ["", "é", "AAAA", &STANDARD.encode([0; 17])] {
            assert!(decrypt("key", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_signature_made_elsewhere() {
        // printf '%s' '1700000000nonce-key{"encrypt":"x"}' | sha256sum
        let expected = "af73f7ce6daac5cd8b55e166fcfda90148002880d94a1a6cc19504ba853a4b41";
        assert_eq!(sign("1700000000", "nonce", "-key", br#"{"encrypt":"x"}"#), expected);
    }
}
