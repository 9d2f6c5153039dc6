//! User tokens as JSON web tokens, as `authen/v2` and `oauth/v3` issue them.

use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_store::Keys;
use larkspur_store::apps::Scopes;
use serde::{Deserialize, Serialize};

use super::{Holder, Token, family_of, mark};
use crate::base64url;

/// `{"alg":"HS256","typ":"JWT"}`: the only header that is written or accepted.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

#[derive(Serialize, Deserialize)]
struct Claims {
    tenant: String,
    app: String,
    user: u64,
    epoch: i64,
    /// Seconds since 1970, in the tenant's time.
    exp: i64,
    /// The sign-in, and random bytes: a renewed token differs from its predecessor, which stays valid.
    jti: String,
    /// Absent: every scope that the user granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

/// Encodes a user's token, whose expiry is a whole second; `None` for other holders. `scopes` restricts its scopes.
pub fn issue(token: &Token, scopes: Option<&Scopes>, keys: &Keys) -> Option<String> {
    let Holder::User { number, epoch, family } = token.holder else { return None };
    let claims = Claims {
        tenant: token.tenant.to_string(),
        app: token.app.to_string(),
        user: number,
        epoch,
        exp: token.expires_at / 1000,
        jti: base64url::encode(&mark(family)),
        scope: scopes.map(Scopes::to_column),
    };
    let claims = serde_json::to_vec(&claims).ok()?;
    let message = format!("{HEADER}.{}", base64url::encode(&claims));
    let signature = base64url::encode(&keys.sign_whole(message.as_bytes()));
    Some(format!("{message}.{signature}"))
}

/// Reads a token and checks its signature, but not its expiry.
pub fn read(text: &str, keys: &Keys) -> Option<(Token, Option<Scopes>)> {
    let (message, signature) = text.rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    if header != HEADER || !keys.verify_whole(message.as_bytes(), &base64url::decode(signature)?) {
        return None;
    }
    let claims = Claims::of(claims)?;
    Some((claims.token()?, claims.scope.as_deref().map(Scopes::parse)))
}

/// The content of a text in the form of such a token, without verification: for logs only.
pub fn claimed(text: &str) -> Option<Token> {
    let mut parts = text.split('.');
    let claims = parts.next().filter(|header| *header == HEADER).and(parts.next())?;
    Claims::of(claims)?.token()
}

impl Claims {
    fn of(text: &str) -> Option<Self> {
        serde_json::from_slice(&base64url::decode(text)?).ok()
    }

    fn token(&self) -> Option<Token> {
        Some(Token {
            holder: Holder::User {
                number: self.user,
                epoch: self.epoch,
                family: base64url::decode(&self.jti).map_or(0, |mark| family_of(&mark)),
            },
            tenant: TenantKey::parse(&self.tenant)?,
            app: AppId::parse(&self.app)?,
            expires_at: self.exp.checked_mul(1000)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_forgery() {
        let keys = Keys::derive("master");
        let holder = Holder::User { number: u64::MAX, epoch: 5, family: u32::MAX };
        let token = Token { holder, tenant: TenantKey(1), app: AppId(2), expires_at: 3000 };
        let narrow = Scopes::new(["im:chat", "im:tag:read"]);
        for scopes in [None, Some(narrow)] {
            let text = issue(&token, scopes.as_ref(), &keys).expect("a user's");
            assert!(text.starts_with("eyJ"));
            assert_eq!(read(&text, &keys), Some((token, scopes)));
            assert_eq!(read(&text, &Keys::derive("other")), None);
            assert_eq!(claimed(&text), Some(token), "the signature does not matter");
            for at in 0..text.len() {
                let mut forged = text.clone().into_bytes();
                forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
                let forged = String::from_utf8(forged).expect("ASCII");
                assert_eq!(read(&forged, &keys), None, "{at}");
            }
        }
        assert_eq!(issue(&Token { holder: Holder::Tenant, ..token }, None, &keys), None);
        for wrong in ["eyJ", "eyJ.a.b", "..", &format!("{HEADER}..")] {
            assert_eq!(read(wrong, &keys), None, "{wrong}");
            assert_eq!(claimed(wrong), None, "{wrong}");
        }
    }
}
