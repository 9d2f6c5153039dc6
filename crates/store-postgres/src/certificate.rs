//! Reads the public key of a certificate, of any version and with any extensions.

use rustls::SignatureScheme;
use rustls::crypto::WebPkiSupportedAlgorithms;

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
/// `[0] EXPLICIT`: the version, which version 1 omits.
const VERSION: u8 = 0xa0;

/// One element of DER.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    /// With its tag and length.
    whole: &'a [u8],
}

/// The first element of some DER, and what follows it. `None` if it is malformed, or longer than any certificate.
fn first(der: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&front, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(front) {
        short @ ..0x80 => (short, rest),
        long => {
            let (digits, rest) = rest.split_at_checked(long & 0x7f)?;
            if !(1..=3).contains(&digits.len()) {
                return None;
            }
            (digits.iter().fold(0, |sum, digit| (sum << 8) | usize::from(*digit)), rest)
        }
    };
    let (content, after) = rest.split_at_checked(length)?;
    let whole = &der[..der.len() - after.len()];
    Some((Element { tag, content, whole }, after))
}

/// The content of the sequence at the start of some DER.
fn sequence(der: &[u8]) -> Option<&[u8]> {
    first(der).filter(|(element, _)| element.tag == SEQUENCE).map(|(element, _)| element.content)
}

/// The `SubjectPublicKeyInfo` of a certificate (RFC 5280, 4.1), as DER.
pub(crate) fn public_key(certificate: &[u8]) -> Option<&[u8]> {
    let mut rest = sequence(sequence(certificate)?)?;
    let (version, after) = first(rest)?;
    if version.tag == VERSION {
        rest = after;
    }
    // Serial number, signature, issuer, validity, subject.
    for _ in 0..5 {
        rest = first(rest)?.1;
    }
    first(rest).filter(|(key, _)| key.tag == SEQUENCE).map(|(key, _)| key.whole)
}

/// Whether a key, a `SubjectPublicKeyInfo`, signed a TLS 1.2 message.
pub(crate) fn signed(
    key: &[u8],
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
    known: &WebPkiSupportedAlgorithms,
) -> Option<bool> {
    let (algorithm, rest) = first(sequence(key)?)?;
    let (bits, _) = first(rest).filter(|(bits, _)| bits.tag == BIT_STRING)?;
    // The first byte counts the unused bits at the end: keys have none.
    let bits = bits.content.strip_prefix(&[0])?;
    let (_, candidates) = known.mapping.iter().find(|(named, _)| *named == scheme)?;
    Some(candidates.iter().any(|candidate| {
        *candidate.public_key_alg_id() == *algorithm.content
            && candidate.verify_signature(bits, message, signature).is_ok()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate of these elements; only its shape matters here.
    fn certificate(elements: &[&[u8]]) -> Vec<u8> {
        let wrap = |content: &[u8]| {
            let length = u8::try_from(content.len()).expect("short");
            [&[SEQUENCE, 0x81, length], content].concat()
        };
        wrap(&wrap(&elements.concat()))
    }

    #[test]
    fn the_key_is_found_in_every_version() {
        let (number, list, key): (&[u8], &[u8], &[u8]) = (&[2, 1, 7], &[SEQUENCE, 0], &[SEQUENCE, 2, 5, 0]);
        let version: &[u8] = &[VERSION, 3, 2, 1, 2];
        let old = certificate(&[number, list, list, list, list, key]);
        assert_eq!(public_key(&old), Some(key));
        let new = certificate(&[version, number, list, list, list, list, key, &[0xa3, 0]]);
        assert_eq!(public_key(&new), Some(key));
        assert_eq!(public_key(&certificate(&[number, list, list, list, list])), None, "no key");
        for length in 0..old.len() {
            assert_eq!(public_key(&old[..length]), None, "{length}");
        }
        assert_eq!(public_key(&[SEQUENCE, 0x84, 0, 0, 0, 1, 0]), None, "longer than any certificate");
        assert_eq!(public_key(&[SEQUENCE, 0x80, 0, 0]), None, "without a length, which DER does not have");
    }
}
