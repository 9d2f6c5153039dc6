//! The token in the page's form. It proves that the form was on a page of this server, for the same request.
//!
//! A page of another origin can send a form to this server, but cannot read the server's pages.

use larkspur_store::Keys;
use subtle::ConstantTimeEq;

use super::authorize_request::Asked;

/// How long the form of a page can be sent, in milliseconds. Source: assumed.
const LIFE_MS: i64 = 3600 * 1000;

/// A token for the form of a page that is shown at `now`, in real time.
pub(crate) fn make(keys: &Keys, asked: &Asked, now: i64) -> String {
    sealed(keys, asked, now + LIFE_MS)
}

/// Whether a form has the token of a page that was shown for the same request within the last hour.
pub(crate) fn fits(keys: &Keys, asked: &Asked, now: i64) -> bool {
    let given = asked.form_token.as_deref().unwrap_or_default();
    let until = given.split_once('.').and_then(|(until, _)| until.parse::<i64>().ok());
    let until = until.filter(|until| (now..=now + LIFE_MS).contains(until));
    until.is_some_and(|until| given.as_bytes().ct_eq(sealed(keys, asked, until).as_bytes()).into())
}

/// The expiry, and a signature over it and the request.
fn sealed(keys: &Keys, asked: &Asked, until: i64) -> String {
    let mut message = format!("form {until}");
    let client = asked.client_id.as_ref().or(asked.app_id.as_ref());
    for field in [
        client,
        asked.redirect_uri.as_ref(),
        asked.scope.as_ref(),
        asked.state.as_ref(),
        asked.code_challenge.as_ref(),
        asked.code_challenge_method.as_ref(),
    ] {
        // Browsers change line ends in the values of a form.
        let text: String =
            field.into_iter().flat_map(|text| text.chars()).filter(|c| !"\r\n".contains(*c)).collect();
        message.push_str(&format!(" {}:{text}", text.len()));
    }
    let mut out = format!("{until}.");
    for byte in keys.sign(message.as_bytes()) {
        out.push_str(&format!("{byte:02x}"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(form_token: &str) -> Asked {
        Asked {
            client_id: Some("cli_1".to_owned()),
            redirect_uri: Some("http://localhost/".to_owned()),
            state: Some("a\nb".to_owned()),
            form_token: Some(form_token.to_owned()),
            ..Asked::default()
        }
    }

    #[test]
    fn valid_for_an_hour_and_for_the_same_request() {
        let keys = Keys::derive("master");
        let token = make(&keys, &asked(""), 1000);
        for now in [1000, 1000 + LIFE_MS] {
            assert!(fits(&keys, &asked(&token), now), "{now}");
        }
        for now in [999, 1001 + LIFE_MS] {
            assert!(!fits(&keys, &asked(&token), now), "{now}");
        }
        let sent = Asked { state: Some("a\r\nb".to_owned()), scope: Some(String::new()), ..asked(&token) };
        assert!(fits(&keys, &sent, 1000), "as a browser sends it");
        for other in [
            Asked { client_id: Some("cli_2".to_owned()), ..asked(&token) },
            Asked { redirect_uri: Some("http://localhost/x".to_owned()), ..asked(&token) },
            Asked { scope: Some("im:chat".to_owned()), ..asked(&token) },
            Asked { state: Some("ab ".to_owned()), ..asked(&token) },
            Asked { code_challenge: Some("x".to_owned()), ..asked(&token) },
        ] {
            assert!(!fits(&keys, &other, 1000), "{other:?}");
        }
        for wrong in ["", ".", "x.y", &token[1..], &token.replace('.', ".0"), &format!("9{token}")] {
            assert!(!fits(&keys, &asked(wrong), 1000), "{wrong}");
        }
        assert!(!fits(&Keys::derive("other"), &asked(&token), 1000));
    }
}
