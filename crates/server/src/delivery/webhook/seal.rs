//! Encryption and signature of webhook requests. Source: the page on encrypting and verifying events.

use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// Base64 of the IV and of AES-256-CBC with it, PKCS#7 padding, under the SHA-256 of the key.
pub(super) fn encrypt(key: &str, iv: [u8; 16], plain: &[u8]) -> String {
    let cipher = cbc::Encryptor::<Aes256>::new(&Sha256::digest(key), &iv.into());
    let mut sealed = iv.to_vec();
    sealed.extend(cipher.encrypt_padded_vec::<Pkcs7>(plain));
    STANDARD.encode(sealed)
}

/// SHA-256 of time, nonce, key and body, in hex.
pub(super) fn sign(timestamp: &str, nonce: &str, key: &str, body: &[u8]) -> String {
    let digest = Sha256::new()
        .chain_update(timestamp)
        .chain_update(nonce)
        .chain_update(key)
        .chain_update(body)
        .finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
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
    }

    #[test]
    fn a_signature_made_elsewhere() {
        // printf '%s' '1700000000nonce-key{"encrypt":"x"}' | sha256sum
        let expected = "af73f7ce6daac5cd8b55e166fcfda90148002880d94a1a6cc19504ba853a4b41";
        assert_eq!(sign("1700000000", "nonce", "-key", br#"{"encrypt":"x"}"#), expected);
    }
}
