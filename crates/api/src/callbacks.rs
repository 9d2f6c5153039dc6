//! Callbacks: requests to an app whose answer goes back to the user who caused them.
//!
//! An operation that causes one calls [`send`]. The callback is sent between two runs of the operation; see [`Asking`]. It is
//! sent once: an app that fails, or is late, does not get it again. Source: observed.

use larkspur_contract::events::EventType;
use larkspur_contract::{Code, Fault, codes};
use larkspur_store::Tx;
use larkspur_store::apps::Install;
use larkspur_store::events::subscriptions::{self, Mode, Subscription};
use serde_json::Value;

use crate::{Asking, Callback, CallbackRoute, Called};

/// What happened, for the app that is called.
pub struct Cause {
    /// The type of the callback.
    pub kind: &'static EventType,
    /// The payload for this app: JSON, without the envelope.
    pub payload: String,
    /// When it happened, in the tenant's time, in milliseconds.
    pub now: i64,
}

/// Sends a callback to an app that is installed in the transaction's tenant, and returns the result. If the app has no way to
/// receive it, nothing is sent, and the result says so.
///
/// The operation runs twice, and `cause` of the second run is ignored: take what was made up for the payload, such as a token,
/// from the result.
///
/// # Errors
/// It was not sent yet: the operation must end with this refusal, and is run again. Or the store failed.
pub async fn send(tx: &mut Tx, asking: &Asking, app: &Install, cause: Cause) -> Result<Called, Fault> {
    let Cause { kind, payload, now } = cause;
    if let Some(called) = asking.called() {
        tx.called_back(kind, app.app_id);
        return Ok(called);
    }
    let event_id = format!("{:032x}", tx.random_id());
    let found = subscriptions::of(tx, app.developer, app.app_id).await?;
    match route(tx, app, kind, found) {
        Ok(to) => {
            let (tenant, app_id, developer) = (tx.tenant(), app.app_id, app.developer);
            Err(asking.call(Callback {
                tenant,
                app_id,
                developer,
                kind,
                event_id,
                created_at: now,
                payload,
                to,
            }))
        }
        Err(why) => Ok(Called {
            event_id,
            payload,
            way: None,
            took_ms: 0,
            status: None,
            answer: None,
            failure: Some((codes::CALLBACK_NO_ADDRESS, why.to_owned())),
        }),
    }
}

/// How an app receives callbacks of a type, or why it does not.
fn route(
    tx: &Tx,
    app: &Install,
    kind: &EventType,
    found: Option<Subscription>,
) -> Result<CallbackRoute, &'static str> {
    let Subscription { callbacks, encrypt_key, verification_token, .. } =
        found.unwrap_or_else(Subscription::none);
    if !callbacks.types.has(kind.name) {
        return Err("the app is not subscribed to this callback");
    }
    match callbacks.mode {
        Mode::Connection => Ok(CallbackRoute::Connection),
        Mode::Webhook if callbacks.request_url.is_empty() => Err("the app has no URL for callbacks"),
        Mode::Webhook => Ok(CallbackRoute::Webhook {
            request_url: callbacks.request_url,
            encrypt_key,
            verification_token: verification_token
                .unwrap_or_else(|| tx.engine().keys.verification_token(app.app_id)),
        }),
    }
}

/// The answer to a callback, from its text; nothing is an empty object.
///
/// # Errors
/// The code that the user's client shows, and the reason: it is not an object, its `toast` is not one that clients show, or
/// its `card` has not the parts of a card. The content of a card is not checked.
pub fn read_answer(text: &[u8]) -> Result<Value, (Code, &'static str)> {
    let malformed = |why| (codes::CALLBACK_MALFORMED, why);
    if text.trim_ascii().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let answer: Value = serde_json::from_slice(text).map_err(|_| malformed("the answer is not JSON"))?;
    if !answer.is_object() {
        return Err(malformed("the answer is not a JSON object"));
    }
    let has = |value: &Value, name: &str, known: &[&str]| {
        value[name].as_str().is_some_and(|found| known.contains(&found))
    };
    if let Some(toast) = answer.get("toast").filter(|toast| !toast.is_null()) {
        let kind = toast.get("type").is_none_or(Value::is_null)
            || has(toast, "type", &["info", "success", "error", "warning"]);
        if !toast.is_object() || !kind {
            return Err(malformed("toast is an object; its type is info, success, error or warning"));
        }
    }
    if let Some(card) = answer.get("card").filter(|card| !card.is_null())
        && !(has(card, "type", &["raw", "template"]) && card["data"].is_object())
    {
        return Err((
            codes::CALLBACK_CARD_INVALID,
            "card has a type, raw or template, and an object as its data",
        ));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_may_be() {
        for good in [
            "",
            " \n",
            "{}",
            r#"{"msg":"success"}"#,
            r#"{"toast":{"type":"success","content":"Approved"},"card":{"type":"raw","data":{"schema":"2.0"}}}"#,
            r#"{"toast":{"content":"x"},"card":null}"#,
            r#"{"inline":{"title":"Ticket 7"}}"#,
        ] {
            assert!(read_answer(good.as_bytes()).is_ok_and(|answer| answer.is_object()), "{good}");
        }
        for (bad, code) in [
            ("success", codes::CALLBACK_MALFORMED),
            ("[]", codes::CALLBACK_MALFORMED),
            ("null", codes::CALLBACK_MALFORMED),
            (r#"{"toast":"done"}"#, codes::CALLBACK_MALFORMED),
            (r#"{"toast":{"type":"green"}}"#, codes::CALLBACK_MALFORMED),
            (r#"{"card":{"elements":[]}}"#, codes::CALLBACK_CARD_INVALID),
            (r#"{"card":{"type":"raw","data":"{}"}}"#, codes::CALLBACK_CARD_INVALID),
        ] {
            assert_eq!(read_answer(bad.as_bytes()).map_err(|(code, _)| code), Err(code), "{bad}");
        }
    }
}
