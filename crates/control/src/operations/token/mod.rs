//! Tokens that were issued: what they are, and their end.

use larkspur_api::tokens::{Token, judging};
use larkspur_contract::ids::TenantKey;
use larkspur_contract::{Fault, codes};
use larkspur_store::apps::Scopes;
use larkspur_store::oauth::{self, Refresh};
use larkspur_store::{Root, StoreError, Tx};

mod described;
pub(super) mod inspect;
pub(super) mod revoke;

/// A token of this server.
enum Known {
    /// An access token, and the scopes that it is narrowed to.
    Access(Token, Option<Scopes>),
    /// A refresh token.
    Refresh(Refresh),
    /// A token of another world.
    Elsewhere,
}

/// Reads a token of any kind in a world.
///
/// # Errors
/// This server did not issue it.
async fn read(root: &mut Root, tx: &mut Tx, text: &str) -> Result<Known, Fault> {
    if let Some(body) = text.strip_prefix("ur-") {
        return refresh(root, tx, text, body).await?.ok_or_else(|| {
            Fault::new(codes::OAUTH_REFRESH_INVALID, "not a token of this server").by_rule("token")
        });
    }
    let engine = tx.engine().clone();
    let (token, narrowed) = judging::read(text, &engine.keys)?;
    if token.tenant != tx.tenant() {
        return Ok(Known::Elsewhere);
    }
    Ok(Known::Access(token, narrowed))
}

/// A refresh token begins with its tenant.
async fn refresh(root: &mut Root, tx: &mut Tx, text: &str, body: &str) -> Result<Option<Known>, StoreError> {
    let Some(home) = body.get(..16).and_then(TenantKey::parse) else { return Ok(None) };
    let hash = tx.engine().keys.hash_secret(text);
    let elsewhere = home != tx.tenant();
    let found = oauth::refresh(&mut root.tenant(home), &hash).await?;
    Ok(found.map(|found| if elsewhere { Known::Elsewhere } else { Known::Refresh(found) }))
}

/// The end of a token, which is not secret; nothing of a short text.
fn tail(text: &str) -> String {
    let start = text.len().saturating_sub(4);
    text.get(start..).filter(|_| text.len() >= 16).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::tail;

    #[test]
    fn the_end_of_a_token() {
        assert_eq!(tail("t-0123456789abcdef"), "cdef");
        assert_eq!(tail("short"), "");
        assert_eq!(tail("a text that ends with äöü"), "öü");
        assert_eq!(tail("a text that ends with äöüx"), "", "in the middle of a letter");
    }
}
