//! Sign-in: redirect URLs and their parameters, PKCE, lists of scopes.

use larkspur_contract::forms::{host, is_address};
use larkspur_store::oauth::Refresh;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::base64url;

/// The most scopes that one authorization may ask for. Source: the authorize page's manual.
pub const SCOPES_MAX: usize = 50;

/// The most bytes of a `redirect_uri` and of a `state`. Source: assumed; browsers and proxies accept URLs of this
/// length.
pub const ADDRESS_MAX: usize = 2048;
/// The most characters of a name to search for. Source: assumed.
pub const NAME_MAX: usize = 100;

const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// How long a grant lasts, in milliseconds. Source: the refresh page (365 days).
const AUTHORIZED_MS: i64 = 365 * 24 * 3600 * 1000;

/// Why a refresh token is no longer exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// It was exchanged.
    Used,
    /// It or the authorization has expired.
    Expired,
    /// Its grant was revoked, or its sign-in.
    Revoked,
}

/// Why a refresh token is no longer exchanged at the time `now` of its tenant, apart from its grant.
pub fn spent(token: &Refresh, now: i64) -> Option<Spent> {
    if token.used {
        return Some(Spent::Used);
    }
    let expired = token.expires_at <= now || token.authorized_at + AUTHORIZED_MS <= now;
    expired.then_some(Spent::Expired)
}

/// Whether a refresh token is of a grant's present epoch; otherwise it was revoked.
pub fn is_of_grant(token: &Refresh, epoch: i64) -> bool {
    token.epoch == epoch
}

/// Whether a code may be sent to a URL: a registered one, ignoring the fragment; if none are registered, any URL
/// on this machine.
pub fn may_redirect(registered: &[String], uri: &str) -> bool {
    if !is_address(uri) {
        return false;
    }
    if registered.is_empty() {
        return host(uri).is_some_and(|host| {
            host.eq_ignore_ascii_case("localhost")
                || host == "::1"
                || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        });
    }
    let bare = |text: &str| text.split('#').next().map(str::to_owned);
    registered.iter().any(|known| bare(known) == bare(uri))
}

/// Adds parameters to the query of a URL; a fragment stays at its end.
pub fn with_query(uri: &str, pairs: &[(&str, &str)]) -> String {
    let (front, fragment) = uri.split_once('#').map_or((uri, None), |(front, rest)| (front, Some(rest)));
    let mut out = front.to_owned();
    for (name, value) in pairs {
        out.push(if out.contains('?') { '&' } else { '?' });
        out.push_str(name);
        out.push('=');
        out.extend(utf8_percent_encode(value, QUERY));
    }
    if let Some(fragment) = fragment {
        out.push('#');
        out.push_str(fragment);
    }
    out
}

/// Whether a text is a valid challenge or verifier: 43 to 128 unreserved characters (RFC 7636, 4.1 and 4.2).
pub fn is_challenge(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&text.len()) && text.bytes().all(allowed)
}

/// Whether a verifier matches a challenge (RFC 7636). `method` is `S256` or `plain`.
pub fn verifies(challenge: &str, method: &str, verifier: &str) -> bool {
    if !is_challenge(verifier) {
        return false;
    }
    let made = match method {
        "S256" => base64url::encode(&Sha256::digest(verifier.as_bytes())),
        _ => verifier.to_owned(),
    };
    made.as_bytes().ct_eq(challenge.as_bytes()).into()
}

/// Parses a list of scopes, separated by spaces; the `Err` is a duplicate.
pub fn scope_list(text: &str) -> Result<Vec<&str>, &str> {
    let mut found: Vec<&str> = Vec::new();
    for scope in text.split_ascii_whitespace() {
        if found.contains(&scope) {
            return Err(scope);
        }
        found.push(scope);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_list_only_this_machine() {
        for good in [
            "http://localhost/cb",
            "http://LOCALHOST:3000",
            "https://127.0.0.1:8/cb?x=1#f",
            "http://[::1]:80/cb",
            "http://127.9.9.9",
        ] {
            assert!(may_redirect(&[], good), "{good}");
        }
        for bad in [
            "",
            "localhost/cb",
            "http://",
            "http:///cb",
            "javascript:alert(1)//localhost",
            "ftp://localhost/",
            "http://localhost.example.com/",
            "http://localhost@example.com/",
            "http://example.com/?http://localhost",
            "http://example.com\\@localhost/",
            "http://128.0.0.1/",
            "http://localhost/\r\nSet-Cookie: a=b",
            "http://localhost/é",
            "http://[::2]/",
        ] {
            assert!(!may_redirect(&[], bad), "{bad}");
        }
    }

    #[test]
    fn a_list_is_exact() {
        let list = ["https://app.example.com/cb".to_owned()];
        assert!(may_redirect(&list, "https://app.example.com/cb"));
        assert!(may_redirect(&list, "https://app.example.com/cb#/route"));
        for bad in ["https://app.example.com/cb/", "https://app.example.com/cb?x", "http://localhost/cb"] {
            assert!(!may_redirect(&list, bad), "{bad}");
        }
    }

    #[test]
    fn parameters_precede_the_fragment() {
        assert_eq!(
            with_query("http://a/b", &[("code", "x"), ("state", "a b&c=é")]),
            "http://a/b?code=x&state=a%20b%26c%3D%C3%A9"
        );
        assert_eq!(with_query("http://a/b?c=d#/e?f", &[("code", "x")]), "http://a/b?c=d&code=x#/e?f");
    }

    #[test]
    fn pkce() {
        // RFC 7636, appendix B.
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(verifies(challenge, "S256", verifier));
        assert!(verifies(verifier, "plain", verifier));
        assert!(!verifies(challenge, "plain", verifier));
        assert!(!verifies(challenge, "S256", &verifier.replace('d', "e")));
        for length in [42, 129] {
            let verifier = "a".repeat(length);
            assert!(!verifies(&verifier, "plain", &verifier), "{length}");
        }
        let strange = format!("{} ", "a".repeat(43));
        assert!(!verifies(&strange, "plain", &strange));
    }

    #[test]
    fn duplicate_scopes_are_refused() {
        assert_eq!(scope_list(" a  b "), Ok(vec!["a", "b"]));
        assert_eq!(scope_list("a b a"), Err("a"));
        assert_eq!(scope_list(""), Ok(vec![]));
    }
}
