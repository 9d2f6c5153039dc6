//! What the receiver of a webhook has to compute, computed again, with each step.

use larkspur_api::rules::webhook;
use larkspur_store::Exchange;
use larkspur_store::events::subscriptions::Subscription;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// The checks of a request by the app's present settings.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Checks {
    /// The signature; absent without an encrypt key, and of a challenge.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<Signature>,
    /// The encryption; absent without an encrypt key.
    #[serde(skip_serializing_if = "Option::is_none")]
    encrypt: Option<Encryption>,
    /// The verification token.
    token: Token,
}

/// SHA-256 of timestamp, nonce, encrypt key and body, in this order.
#[derive(Serialize, JsonSchema)]
struct Signature {
    /// Whether it is the one that was sent; absent if it cannot be computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<bool>,
    /// `X-Lark-Request-Timestamp`.
    timestamp: String,
    /// `X-Lark-Request-Nonce`.
    nonce: String,
    /// The encrypt key, of which only the end is shown.
    key: String,
    /// How many bytes the body has.
    body_bytes: usize,
    /// The SHA-256 of the body alone, in hex.
    body_sha256: String,
    /// The signature that was computed again.
    #[serde(skip_serializing_if = "Option::is_none")]
    computed: Option<String>,
    /// `X-Lark-Signature`.
    sent: String,
    /// Why it cannot be computed, or why it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
}

/// AES-256-CBC under the SHA-256 of the encrypt key; the IV comes first.
#[derive(Serialize, JsonSchema)]
struct Encryption {
    /// Whether the body could be decrypted; absent if it was not kept as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<bool>,
    /// The IV, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    iv: Option<String>,
    /// How many bytes were decrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    cipher_bytes: Option<usize>,
    /// The decrypted body, without the verification token.
    #[serde(skip_serializing_if = "Option::is_none")]
    plain: Option<String>,
    /// Why it could not be decrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
}

/// The verification token, of which only the end is shown.
#[derive(Serialize, JsonSchema)]
struct Token {
    /// Whether it is the app's; absent if the body is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<bool>,
    /// Where it is in the body: `header.token` or `token`.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    place: Option<&'static str>,
    /// The one that was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<String>,
    /// The one of the app.
    expected: String,
    /// Why it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
}

/// The secrets of an app's webhook.
pub(crate) struct Secrets {
    key: Option<String>,
    token: String,
}

impl Secrets {
    /// Those of a subscription; `derived` is the verification token of an app that has set none.
    pub(crate) fn of(subscription: Option<Subscription>, derived: String) -> Self {
        let (key, token) =
            subscription.map_or((None, None), |found| (found.encrypt_key, found.verification_token));
        Secrets { key, token: token.unwrap_or(derived) }
    }
}

/// The end of a secret; nothing of a short one.
fn end(secret: &str) -> String {
    let start = secret.len().saturating_sub(4);
    let end = secret.get(start..).filter(|_| secret.len() >= 16).unwrap_or_default();
    format!("…{end}")
}

const CUT: &str = "the body was not kept as a whole";
const CHANGED: &str = "the app has another encrypt key now than when this was sent, or none";

/// Checks a request as its receiver has to.
pub(crate) fn of(exchange: &Exchange, secrets: &Secrets) -> Checks {
    let header = |name: &str| {
        let found = exchange.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    };
    let body: Option<Value> = serde_json::from_str(&exchange.body).ok();
    let sealed = body.as_ref().and_then(|body| body["encrypt"].as_str());
    let whole = !exchange.is_cut();
    let signature = header("X-Lark-Signature").map(|sent| {
        let given = |name| header(name).unwrap_or_default();
        let (timestamp, nonce) = (given("X-Lark-Request-Timestamp"), given("X-Lark-Request-Nonce"));
        let computed = secrets.key.as_deref().filter(|_| whole);
        let computed = computed.map(|key| webhook::sign(&timestamp, &nonce, key, exchange.body.as_bytes()));
        let ok = computed.as_ref().map(|computed| *computed == sent);
        Signature {
            why: match ok {
                Some(true) => None,
                None if !whole => Some(CUT),
                Some(false) | None => Some(CHANGED),
            },
            ok,
            timestamp,
            nonce,
            key: end(secrets.key.as_deref().unwrap_or_default()),
            body_bytes: exchange.body.len(),
            body_sha256: webhook::digest(exchange.body.as_bytes()),
            computed,
            sent,
        }
    });
    let opened = sealed.map(|sealed| match &secrets.key {
        Some(key) => webhook::decrypt(key, sealed),
        None => Err(CHANGED),
    });
    let plain = match &opened {
        Some(Ok(opened)) => serde_json::from_slice(&opened.plain).ok(),
        Some(Err(_)) => None,
        None => body.clone().filter(|body| body.get("encrypt").is_none()),
    };
    let cut = !whole && body.is_none();
    Checks {
        token: token(plain.as_ref(), &secrets.token, if cut { CUT } else { CHANGED }),
        encrypt: match opened {
            Some(Ok(opened)) => Some(Encryption {
                ok: Some(true),
                iv: Some(opened.iv),
                cipher_bytes: Some(opened.cipher_bytes),
                plain: Some(without_tokens(&opened.plain, plain.as_ref(), &secrets.token)),
                why: None,
            }),
            Some(Err(why)) => Some(Encryption::failed(Some(false), why)),
            None if cut && exchange.body.starts_with("{\"encrypt\"") => Some(Encryption::failed(None, CUT)),
            None => None,
        },
        signature,
    }
}

impl Encryption {
    fn failed(ok: Option<bool>, why: &'static str) -> Self {
        Encryption { ok, iv: None, cipher_bytes: None, plain: None, why: Some(why) }
    }
}

/// The verification token that a body carries, and where.
fn carried(plain: &Value) -> Option<(&'static str, &str)> {
    let places = [("header.token", &plain["header"]["token"]), ("token", &plain["token"])];
    places.into_iter().find_map(|(place, value)| Some((place, value.as_str()?)))
}

/// A body without the verification token of now, and without the one that it carries: the app may have had another then.
fn without_tokens(text: &[u8], plain: Option<&Value>, expected: &str) -> String {
    let mut text = String::from_utf8_lossy(text).into_owned();
    let sent = plain.and_then(carried).map(|(_, sent)| sent);
    for token in sent.into_iter().chain([expected]).filter(|token| !token.is_empty()) {
        // As it stands between the quotes of JSON.
        let quoted = Value::from(token).to_string();
        text = text.replace(quoted.trim_matches('"'), &end(token));
    }
    text
}

fn token(plain: Option<&Value>, expected: &str, why: &'static str) -> Token {
    let Some(plain) = plain else {
        return Token { ok: None, place: None, sent: None, expected: end(expected), why: Some(why) };
    };
    let found = carried(plain);
    Token {
        ok: Some(found.is_some_and(|(_, sent)| sent == expected)),
        place: found.map(|(place, _)| place),
        sent: found.map(|(_, sent)| end(sent)),
        expected: end(expected),
        why: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "a key of some length";
    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn secrets(key: Option<&str>) -> Secrets {
        Secrets { key: key.map(str::to_owned), token: TOKEN.to_owned() }
    }

    fn sealed(plain: &Value) -> Exchange {
        let encrypt = webhook::encrypt(KEY, [7; 16], plain.to_string().as_bytes());
        let body = json!({ "encrypt": encrypt }).to_string();
        let signature = webhook::sign("1700000000", "nonce", KEY, body.as_bytes());
        let headers = vec![
            ("X-Lark-Request-Timestamp", "1700000000".to_owned()),
            ("X-Lark-Request-Nonce", "nonce".to_owned()),
            ("X-Lark-Signature", signature),
        ];
        Exchange { headers, body, answer: None }
    }

    #[test]
    fn each_step_is_computed_again_without_the_secrets() {
        let exchange = sealed(&json!({"schema": "2.0", "header": {"token": TOKEN}, "event": {}}));
        let checks = serde_json::to_value(of(&exchange, &secrets(Some(KEY)))).expect("JSON");
        for part in ["signature", "encrypt", "token"] {
            assert_eq!(checks[part]["ok"], true, "{checks}");
        }
        assert_eq!(checks["signature"]["computed"], checks["signature"]["sent"]);
        assert_eq!(checks["token"]["where"], "header.token");
        let text = checks.to_string();
        assert!(!text.contains(KEY) && !text.contains(TOKEN), "{text}");
    }

    #[test]
    fn a_token_of_an_earlier_time_is_hidden_too() {
        let earlier = "an \"earlier\" token, with 30 letters";
        let exchange = sealed(&json!({"header": {"token": earlier}}));
        let text = serde_json::to_string(&of(&exchange, &secrets(Some(KEY)))).expect("JSON");
        assert!(!text.contains("earlier"), "{text}");
    }

    #[test]
    fn another_key_is_told() {
        let exchange = sealed(&json!({"token": TOKEN}));
        for key in [None, Some("another key of the app")] {
            let checks = serde_json::to_value(of(&exchange, &secrets(key))).expect("JSON");
            assert_ne!(checks["signature"]["ok"], true);
            assert!(checks["signature"]["why"].is_string() && checks["encrypt"]["why"].is_string());
            assert!(checks["token"].get("ok").is_none(), "{checks}");
        }
    }

    #[test]
    fn a_plain_body_has_only_its_token() {
        let exchange = Exchange { body: json!({"token": "wrong"}).to_string(), ..Exchange::default() };
        let checks = serde_json::to_value(of(&exchange, &secrets(None))).expect("JSON");
        assert_eq!((&checks["token"]["ok"], &checks["token"]["where"]), (&json!(false), &json!("token")));
        assert!(checks.get("signature").is_none() && checks.get("encrypt").is_none());
    }

    #[test]
    fn a_body_that_was_cut_is_not_judged() {
        let mut exchange = sealed(&json!({"token": TOKEN, "event": "x".repeat(8000)}));
        exchange.body = Exchange::beginning(exchange.body.as_bytes());
        let checks = serde_json::to_value(of(&exchange, &secrets(Some(KEY)))).expect("JSON");
        for part in ["signature", "encrypt", "token"] {
            assert!(checks[part].get("ok").is_none(), "{checks}");
            assert_eq!(checks[part]["why"], CUT, "{checks}");
        }
    }
}
