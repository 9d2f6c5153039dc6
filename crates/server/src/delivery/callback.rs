//! Callbacks: sent once, during the call that causes them, by webhook or by long connection. The answer goes to the user.

use std::time::Instant;

use bytes::Bytes;
use larkspur_api::callbacks::read_answer;
use larkspur_api::{Callback, CallbackRoute, Called, Step};
use larkspur_contract::events::Form;
use larkspur_contract::ids::AppId;
use larkspur_contract::{Code, codes};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::connection::{CallbackFailure, NoAnswer};
use super::faults;
use super::message::{self, Parts};
use super::relay;
use super::webhook::{Answer, Failed};
use crate::App;

/// The HTTP status of an answer, or the code of an acknowledgment, and the answer or why it is a failure.
pub(super) type Ended = (Option<u16>, Result<Value, (Code, String)>);

/// Sends a callback and waits for the answer.
pub(super) async fn send(app: &App, callback: Callback) -> Called {
    let began = Instant::now();
    let fault = faults::of_callback(app, &callback).await;
    let (way, (status, answer)) = {
        let parts = Parts {
            corrupted: fault.corrupted(),
            form: Form::Callback,
            event_id: &callback.event_id,
            event_type: callback.kind.name,
            tenant: callback.tenant,
            app_id: callback.app_id,
            created_at: callback.created_at,
            payload: &callback.payload,
        };
        let ended = match fault.is_lost() {
            true => (None, Err((codes::CALLBACK_LATE, "a fault rule of the world drops it".to_owned()))),
            // The first answer counts. Both are asked at once, so that the user waits no longer.
            false if fault.is_repeated() => {
                tokio::join!(ask(app, &callback, &parts), ask(app, &callback, &parts)).0
            }
            false => ask(app, &callback, &parts).await,
        };
        (faults::way(&callback), fault.late(began, ended).await)
    };
    let (answer, failure) = match answer {
        Ok(answer) => (Some(answer), None),
        Err(failure) => (None, Some(failure)),
    };
    if let Some((code, _)) = &failure {
        let (tenant, app_id, event_id) = (callback.tenant, callback.app_id, &callback.event_id);
        let (event, code) = (callback.kind.name, code.number);
        // The reason may repeat what the app answered: the control API shows it, the log does not.
        tracing::info!(%tenant, %app_id, event, %event_id, status, code, "a callback failed");
    }
    Called {
        event_id: callback.event_id,
        payload: callback.payload,
        way: Some(way),
        took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        status,
        answer,
        failure,
    }
}

/// Asks the app.
async fn ask(app: &App, callback: &Callback, parts: &Parts<'_>) -> Ended {
    match &callback.to {
        CallbackRoute::Connection => push_anywhere(app, callback, parts).await,
        CallbackRoute::Webhook { request_url, encrypt_key, verification_token } => {
            let to = (request_url.as_str(), encrypt_key.as_deref(), verification_token.as_str());
            posted(app.webhook.call(&app.engine, parts, to).await)
        }
    }
}

/// The result of a post.
fn posted(answer: Result<Answer, Failed>) -> Ended {
    match answer {
        Ok(Answer { status: 200, body, whole }) => {
            let answer = match whole {
                true => read_answer(&body).map_err(|(code, why)| (code, why.to_owned())),
                false => Err((codes::CALLBACK_MALFORMED, "the answer broke off or is too large".to_owned())),
            };
            (Some(200), answer)
        }
        Ok(Answer { status, .. }) => {
            (Some(status), Err((codes::CALLBACK_REFUSED, format!("HTTP {status}: only 200 counts"))))
        }
        Err(Failed { step, why }) => {
            let code = match step {
                Step::Resolve => codes::CALLBACK_NAME_UNKNOWN,
                Step::Connect | Step::Encrypt => codes::CALLBACK_NOT_CONNECTED,
                Step::Answer | Step::Status | Step::Challenge => codes::CALLBACK_LATE,
            };
            (None, Err((code, why)))
        }
    }
}

/// Sends a callback over one of the app's connections: to this server, or to another one.
async fn push_anywhere(app: &App, callback: &Callback, parts: &Parts<'_>) -> Ended {
    let body = message::body(parts, "");
    let ended = push(app, callback.app_id, body.clone().into()).await;
    if !is_not_connected(&ended) {
        return ended;
    }
    relay::ask(app, callback, &body).await.unwrap_or(ended)
}

/// Sends a callback over one of the app's connections to this server. `body` is in its envelope.
pub(super) async fn push(app: &App, app_id: AppId, body: Bytes) -> Ended {
    let failed = match app.long_connections.ask(&app.engine, app_id, body).await {
        Ok(answer) => {
            let answer = read_answer(answer.to_string().as_bytes());
            return (Some(200), answer.map_err(|(code, why)| (code, why.to_owned())));
        }
        Err(failed) => failed,
    };
    let code = |number: i64| u16::try_from(number).ok();
    match failed {
        CallbackFailure::NoAnswer(NoAnswer::NotConnected) => {
            (None, Err((codes::CALLBACK_NOT_CONNECTED, "app not online".to_owned())))
        }
        CallbackFailure::NoAnswer(why) => (None, Err((codes::CALLBACK_LATE, why.to_string()))),
        CallbackFailure::Refused(number) => {
            let why = "the app acknowledged the callback with another code than 200".to_owned();
            (number.and_then(code), Err((codes::CALLBACK_REFUSED, why)))
        }
        CallbackFailure::Malformed => {
            let why = "the data of the acknowledgment is not a JSON object".to_owned();
            (Some(200), Err((codes::CALLBACK_MALFORMED, why)))
        }
    }
}

/// Whether the app was not connected.
pub(super) fn is_not_connected(ended: &Ended) -> bool {
    matches!(&ended.1, Err((code, _)) if *code == codes::CALLBACK_NOT_CONNECTED)
}

/// No answer in time.
pub(super) fn late() -> Ended {
    (None, Err((codes::CALLBACK_LATE, NoAnswer::Late.to_string())))
}

/// The result of a callback, as servers pass it to one another.
#[derive(Serialize, Deserialize)]
struct Passed {
    status: Option<u16>,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Answer(Value),
    Failure { code: u32, why: String },
}

/// The result of a callback as text, for another server.
pub(super) fn to_text((status, answer): &Ended) -> String {
    let outcome = match answer {
        Ok(answer) => Outcome::Answer(answer.clone()),
        Err((code, why)) => Outcome::Failure { code: code.number, why: why.clone() },
    };
    serde_json::to_string(&Passed { status: *status, outcome }).unwrap_or_default()
}

/// The reverse of [`to_text`]. What cannot be read, from a server of another release, is no answer.
pub(super) fn from_text(text: &str) -> Ended {
    let known = [
        codes::CALLBACK_NOT_CONNECTED,
        codes::CALLBACK_REFUSED,
        codes::CALLBACK_MALFORMED,
        codes::CALLBACK_CARD_INVALID,
    ];
    let Ok(Passed { status, outcome }) = serde_json::from_str(text) else { return late() };
    match outcome {
        Outcome::Answer(answer) => (status, Ok(answer)),
        Outcome::Failure { code, why } => {
            let code = known.into_iter().find(|known| known.number == code).unwrap_or(codes::CALLBACK_LATE);
            (status, Err((code, why)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_passes_between_servers() {
        let failed = |code| (None, Err((code, "because".to_owned())));
        let answered = |status| (Some(status), Ok(serde_json::json!({"toast": {"content": "é\n"}})));
        for ended in [
            answered(200),
            failed(codes::CALLBACK_NOT_CONNECTED),
            failed(codes::CALLBACK_LATE),
            failed(codes::CALLBACK_CARD_INVALID),
            (Some(500), Err((codes::CALLBACK_REFUSED, String::new()))),
        ] {
            assert_eq!(from_text(&to_text(&ended)), ended);
        }
        assert_eq!(from_text("what is this"), late());
    }

    #[test]
    fn what_the_client_shows_of_a_post() {
        let code = |ended: Ended| ended.1.map_err(|(code, _)| code);
        let answered = |status, body: &str, whole| {
            code(posted(Ok(Answer { status, body: body.as_bytes().to_vec(), whole })))
        };
        assert_eq!(answered(200, r#"{"toast":{}}"#, true), Ok(serde_json::json!({"toast": {}})));
        assert_eq!(answered(200, r#"{"toast":{}}"#, false), Err(codes::CALLBACK_MALFORMED));
        assert_eq!(answered(200, "ok", true), Err(codes::CALLBACK_MALFORMED));
        for status in [201, 204, 302, 404, 500] {
            assert_eq!(answered(status, "{}", true), Err(codes::CALLBACK_REFUSED), "{status}");
        }
        for (step, expected) in [
            (Step::Resolve, codes::CALLBACK_NAME_UNKNOWN),
            (Step::Connect, codes::CALLBACK_NOT_CONNECTED),
            (Step::Encrypt, codes::CALLBACK_NOT_CONNECTED),
            (Step::Answer, codes::CALLBACK_LATE),
        ] {
            assert_eq!(code(posted(Err(Failed { step, why: String::new() }))), Err(expected));
        }
    }
}
