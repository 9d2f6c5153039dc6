//! What is posted, and whether the answer will do.

use bytes::Bytes;
use larkspur_contract::ids::AppId;
use larkspur_store::Keys;
use larkspur_store::events::Subject;
use larkspur_store::outbox::Delivery;
use serde::Serialize;

use super::seal;

/// How much of an unwelcome answer is shown, in characters.
const SHOWN: usize = 200;

/// A request in the making.
#[derive(Debug)]
pub(super) struct Message {
    /// The body, compact JSON: some receivers check the signature over what they make of it again.
    pub(super) body: Bytes,
    /// Headers beside the usual ones.
    pub(super) headers: Vec<(&'static str, String)>,
}

/// An event of the first form.
#[derive(Serialize)]
struct Callback<T> {
    ts: String,
    uuid: String,
    token: String,
    r#type: &'static str,
    event: T,
}

#[derive(Serialize)]
struct AppTicket {
    app_id: String,
    app_ticket: String,
    r#type: &'static str,
}

#[derive(Serialize)]
struct Verification {
    challenge: String,
    token: String,
    r#type: &'static str,
}

#[derive(Serialize)]
struct Encrypted {
    encrypt: String,
}

/// Seconds since 1970 with six decimals.
fn ts(milliseconds: i64) -> String {
    format!("{}.{:03}000", milliseconds.div_euclid(1000), milliseconds.rem_euclid(1000))
}

/// Makes the request for an event. `real_now` is the real time in milliseconds.
pub(super) fn of(delivery: &Delivery, keys: &Keys, real_now: i64, random: impl Fn() -> u128) -> Message {
    let body = plain(delivery, keys, delivery.app_id);
    let Some(key) = &delivery.encrypt_key else { return Message { body: body.into(), headers: Vec::new() } };
    let body = json(&Encrypted { encrypt: seal::encrypt(key, random().to_be_bytes(), &body) });
    // The receiver may not know the key yet when it is asked whether it wants events.
    if let Subject::UrlVerification(_) = delivery.subject {
        return Message { body: body.into(), headers: Vec::new() };
    }
    let (timestamp, nonce) = ((real_now / 1000).to_string(), format!("{:032x}", random()));
    let signature = seal::sign(&timestamp, &nonce, key, &body);
    let headers = vec![
        ("X-Lark-Request-Timestamp", timestamp),
        ("X-Lark-Request-Nonce", nonce),
        ("X-Lark-Signature", signature),
    ];
    Message { body: body.into(), headers }
}

fn plain(delivery: &Delivery, keys: &Keys, app: AppId) -> Vec<u8> {
    let token = keys.verification_token(app);
    match &delivery.subject {
        Subject::UrlVerification(challenge) => {
            json(&Verification { challenge: challenge.clone(), token, r#type: delivery.subject.kind() })
        }
        Subject::AppTicket(number) => json(&Callback {
            ts: ts(delivery.created_at),
            uuid: delivery.event_id.clone(),
            token,
            r#type: "event_callback",
            event: AppTicket {
                app_id: app.to_string(),
                app_ticket: keys.app_ticket(app, *number),
                r#type: delivery.subject.kind(),
            },
        }),
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    // Structs of texts always serialize.
    serde_json::to_vec(value).unwrap_or_default()
}

/// Why an answer will not do; `None` if it will.
pub(super) fn failure(subject: &Subject, status: u16, body: &[u8]) -> Option<String> {
    let shown = || match printable(&String::from_utf8_lossy(body)) {
        text if text.is_empty() => "with an empty body".to_owned(),
        text => text,
    };
    match (subject, status) {
        (_, 300..400) => Some(format!("HTTP {status}: redirects are not followed")),
        (_, status) if status != 200 => Some(format!("HTTP {status}: {}", shown())),
        (Subject::UrlVerification(challenge), _) => {
            let answer = serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default();
            let same = answer["challenge"] == challenge.as_str();
            (!same).then(|| {
                format!("HTTP 200, but not {{\"challenge\":…}} with the challenge that was sent: {}", shown())
            })
        }
        (Subject::AppTicket(_), _) => None,
    }
}

/// The beginning of a text that others wrote, without anything that a log or a terminal would take for a command.
pub(super) fn printable(text: &str) -> String {
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
    fn times_of_events() {
        assert_eq!(ts(1_502_199_207_717), "1502199207.717000");
        assert_eq!(ts(5), "0.005000");
    }

    #[test]
    fn only_200_is_delivered() {
        let ticket = Subject::AppTicket(1);
        assert_eq!(failure(&ticket, 200, b""), None);
        assert_eq!(failure(&ticket, 200, b"no app_ticket event handle"), None);
        assert_eq!(failure(&ticket, 204, b"").as_deref(), Some("HTTP 204: with an empty body"));
        assert_eq!(failure(&ticket, 500, b"oh\nno").as_deref(), Some("HTTP 500: oh no"));
        assert_eq!(failure(&ticket, 302, b"x").as_deref(), Some("HTTP 302: redirects are not followed"));
        let long = failure(&ticket, 500, "é".repeat(4000).as_bytes()).expect("a failure");
        assert_eq!(long, format!("HTTP 500: {}…", "é".repeat(200)));
    }

    #[test]
    fn a_challenge_has_to_come_back() {
        let asked = Subject::UrlVerification("abc".to_owned());
        assert_eq!(failure(&asked, 200, br#"{"challenge":"abc","more":1}"#), None);
        for wrong in [&br#"{"challenge":"abd"}"#[..], b"", b"abc", b"[]", br#"{"challenge":1}"#] {
            let why = failure(&asked, 200, wrong).expect("a failure");
            assert!(why.starts_with("HTTP 200, but not {\"challenge\":…}"), "{why}");
        }
        assert!(failure(&asked, 201, br#"{"challenge":"abc"}"#).is_some());
    }
}
