//! Events by webhook: one POST to the app's address, encrypted and signed where the app has a key.

mod address;
mod kept;
mod names;
mod post;

use std::time::Instant;

use bytes::Bytes;
use larkspur_api::rules::webhook;
use larkspur_api::{Challenge, Heard, Step};
use larkspur_contract::events::{self, Form};
use larkspur_store::events::delivery::{Attempt, Delivery};
use larkspur_store::events::steering::Corruption;
use larkspur_store::{Engine, Exchange, Keys};
use serde::Serialize;
use serde_json::json;

use super::message::{self, Parts};
use post::{Patience, Poster};

pub(super) use post::{Answer, Failed};

/// How much of a failed answer is shown, in characters.
const SHOWN: usize = 200;

/// What is shown in place of an answer that repeats a secret.
const HIDDEN: &[u8] = b"the answer is not shown, as it repeats a secret of the event";
/// The header of the signature.
const SIGNATURE: &str = "X-Lark-Signature";
/// A verification token that is wrong on purpose.
const FORGED: &str = "not-the-verification-token";
/// The fewest characters of a secret.
const SECRET: usize = 16;

/// Sends events to URLs.
pub(crate) struct Webhook(Poster);

/// A request before it is sent.
#[derive(Debug, Clone)]
struct Message {
    /// The body: compact JSON, since some receivers check the signature over their own serialization of it.
    body: Bytes,
    /// Headers in addition to the usual ones.
    headers: Vec<(&'static str, String)>,
}

#[derive(Serialize)]
struct Encrypted {
    encrypt: String,
}

impl Webhook {
    /// `allow_private`: whether events may go to addresses that are not public.
    pub(crate) fn new(allow_private: bool) -> Self {
        Webhook(Poster::new(allow_private))
    }

    /// Makes one attempt.
    pub(crate) async fn attempt(&self, engine: &Engine, delivery: &Delivery) -> (Attempt, Exchange) {
        let token = delivery.route.verification_token.clone();
        let token = token.unwrap_or_else(|| engine.keys.verification_token(delivery.app_id));
        let (form, key) = (delivery.form, delivery.route.encrypt_key.as_deref());
        let message = of(&delivery.into(), (key, &token), engine);
        let (headers, body) = (message.headers.clone(), Exchange::beginning(&message.body));
        let mut exchange = Exchange { headers, body, answer: None };
        match self.0.post(delivery.app_id, &delivery.channel().request_url, message, Patience::of(form)).await
        {
            Ok(answer) => {
                let secret = events::named(&delivery.event_type).is_some_and(|kind| kind.secret);
                let shown =
                    if secret && repeats(&answer.body, &delivery.payload) { HIDDEN } else { &answer.body };
                let failure = failure(form, &delivery.payload, answer.status, shown);
                exchange.answer = Some(Exchange::beginning(&answer.body));
                (Attempt { status: Some(answer.status), failure }, exchange)
            }
            Err(failed) => (Attempt { status: None, failure: Some(printable(&failed.why)) }, exchange),
        }
    }

    /// Sends a challenge to a URL, which must return it.
    pub(crate) async fn ask(&self, engine: &Engine, question: &Challenge) -> Heard {
        let began = Instant::now();
        let payload = json!({"challenge": Keys::fresh_secret()}).to_string();
        let plain = message::challenge(&payload, &question.verification_token.as_str().into()).into_bytes();
        let message = sealed(Form::Challenge, question.encrypt_key.as_deref(), plain, engine);
        let patience = Patience::of(Form::Challenge);
        let (step, status, failure) =
            match self.0.post(question.app_id, &question.request_url, message, patience).await {
                Ok(answer) => {
                    let step = if answer.status == 200 { Step::Challenge } else { Step::Status };
                    let failure = failure(Form::Challenge, &payload, answer.status, &answer.body);
                    (step, Some(answer.status), failure)
                }
                Err(failed) => (failed.step, None, Some(printable(&failed.why))),
            };
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Heard { step, status, failure, took_ms }
    }

    /// Posts a callback to a URL, encrypted and signed if there is a key.
    ///
    /// # Errors
    /// The step that failed, and why.
    pub(super) async fn call(
        &self,
        engine: &Engine,
        parts: &Parts<'_>,
        (request_url, key, token): (&str, Option<&str>, &str),
    ) -> Result<Answer, Failed> {
        let message = of(parts, (key, token), engine);
        let done = self.0.post(parts.app_id, request_url, message, Patience::of(Form::Callback)).await;
        done.map_err(|failed| Failed { why: printable(&failed.why), ..failed })
    }
}

/// Builds the request of an event or a callback: encrypted and signed, if there is a key.
fn of(parts: &Parts<'_>, (key, token): (Option<&str>, &str), engine: &Engine) -> Message {
    let forged = parts.corrupted == Some(Corruption::Signature);
    let token = if forged && key.is_none() { FORGED } else { token };
    let mut message = sealed(parts.form, key, message::body(parts, token), engine);
    if forged && let Some((_, signature)) = message.headers.iter_mut().find(|(name, _)| *name == SIGNATURE) {
        *signature = signature.chars().rev().collect();
    }
    message
}

/// Builds the request of a body, encrypted and signed if there is a key.
fn sealed(form: Form, key: Option<&str>, plain: Vec<u8>, engine: &Engine) -> Message {
    let Some(key) = key else {
        return Message { body: plain.into(), headers: Vec::new() };
    };
    let encrypt = webhook::encrypt(key, engine.ids.random().to_be_bytes(), &plain);
    // A struct with one string always serializes.
    let body = serde_json::to_vec(&Encrypted { encrypt }).unwrap_or_default();
    // A challenge is not signed: the receiver may not know the key yet.
    if form == Form::Challenge {
        return Message { body: body.into(), headers: Vec::new() };
    }
    let timestamp = (engine.clock.now_ms() / 1000).to_string();
    let nonce = format!("{:032x}", engine.ids.random());
    let signature = webhook::sign(&timestamp, &nonce, key, &body);
    let headers = vec![
        ("X-Lark-Request-Timestamp", timestamp),
        ("X-Lark-Request-Nonce", nonce),
        (SIGNATURE, signature),
    ];
    Message { body: body.into(), headers }
}

/// Why an answer is a failure; `None` if it is not. `payload` is what was sent.
fn failure(form: Form, payload: &str, status: u16, body: &[u8]) -> Option<String> {
    let shown = || match printable(&String::from_utf8_lossy(body)) {
        text if text.is_empty() => "with an empty body".to_owned(),
        text => text,
    };
    match status {
        300..400 => return Some(format!("HTTP {status}: redirects are not followed")),
        200 => {}
        status => return Some(format!("HTTP {status}: {}", shown())),
    }
    if form != Form::Challenge {
        return None;
    }
    let read = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).unwrap_or_default();
    let (asked, answered) = (read(payload.as_bytes()), read(body));
    let same = asked["challenge"].is_string() && asked["challenge"] == answered["challenge"];
    (!same).then(|| {
        format!("HTTP 200, but not {{\"challenge\":…}} with the challenge that was sent: {}", shown())
    })
}

/// Whether an answer contains a text of a payload, which is an object.
fn repeats(answer: &[u8], payload: &str) -> bool {
    let (answer, payload) =
        (String::from_utf8_lossy(answer), serde_json::from_str(payload).unwrap_or_default());
    let serde_json::Value::Object(fields) = payload else { return false };
    let mut texts = fields.values().filter_map(serde_json::Value::as_str);
    texts.any(|text| text.len() >= SECRET && answer.contains(text))
}

/// The beginning of a foreign text, without control characters, which a log or a terminal might interpret.
fn printable(text: &str) -> String {
    let clean: String =
        text.trim().chars().take(SHOWN + 1).map(|c| if c.is_control() { ' ' } else { c }).collect();
    match clean.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &clean[..end]),
        None => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_200_is_delivered() {
        let failure = |status, body: &[u8]| failure(Form::V1, "{}", status, body);
        assert_eq!(failure(200, b""), None);
        assert_eq!(failure(200, b"no app_ticket event handle"), None);
        assert_eq!(failure(204, b"").as_deref(), Some("HTTP 204: with an empty body"));
        assert_eq!(failure(500, b"oh\nno").as_deref(), Some("HTTP 500: oh no"));
        assert_eq!(failure(302, b"x").as_deref(), Some("HTTP 302: redirects are not followed"));
        let long = failure(500, "é".repeat(4000).as_bytes()).expect("a failure");
        assert_eq!(long, format!("HTTP 500: {}…", "é".repeat(200)));
    }

    #[test]
    fn an_answer_that_repeats_a_secret_is_recognized() {
        let payload = r#"{"type":"app_ticket","app_ticket":"0123456789abcdef"}"#;
        assert!(repeats(b"bad ticket: 0123456789abcdef!", payload));
        assert!(!repeats(b"app_ticket is 0123456789abcde", payload));
    }

    #[test]
    fn a_challenge_has_to_come_back() {
        let failure = |status, body: &[u8]| failure(Form::Challenge, r#"{"challenge":"abc"}"#, status, body);
        assert_eq!(failure(200, br#"{"challenge":"abc","more":1}"#), None);
        for wrong in [&br#"{"challenge":"abd"}"#[..], b"", b"abc", b"[]", br#"{"challenge":1}"#] {
            let why = failure(200, wrong).expect("a failure");
            assert!(why.starts_with("HTTP 200, but not {\"challenge\":…}"), "{why}");
        }
        assert!(failure(201, br#"{"challenge":"abc"}"#).is_some());
    }
}
