//! The envelopes of events, for webhooks and long connections.

use larkspur_contract::events::Form;
use larkspur_store::events::claims::Delivery;
use serde_json::{Value, json};

/// The body of an event: compact JSON. `token` is the app's verification token; empty on long connections.
///
/// The payload is JSON already and inserted unchanged: key order and bytes are the same in every attempt.
pub(super) fn body(delivery: &Delivery, token: &str) -> Vec<u8> {
    let (event, token) = (&delivery.payload, Value::from(token));
    let (id, tenant, app) = (&delivery.event_id, delivery.tenant, delivery.app_id);
    let text = match delivery.form {
        Form::Challenge => challenge(event, &token),
        Form::V1 => {
            let ts = ts(delivery.created_at);
            format!(
                r#"{{"uuid":"{id}","token":{token},"ts":"{ts}","type":"event_callback","event":{event}}}"#
            )
        }
        Form::V2 | Form::Callback => {
            let (kind, time) = (Value::from(delivery.event_type.as_str()), create_time(delivery));
            format!(
                r#"{{"schema":"2.0","header":{{"event_id":"{id}","token":{token},"create_time":"{time}","event_type":{kind},"tenant_key":"{tenant}","app_id":"{app}"}},"event":{event}}}"#
            )
        }
    };
    text.into_bytes()
}

/// The body of a challenge.
pub(super) fn challenge(payload: &str, token: &Value) -> String {
    let asked: Value = serde_json::from_str(payload).unwrap_or_default();
    json!({"challenge": asked["challenge"], "token": token, "type": "url_verification"}).to_string()
}

/// When it happened: milliseconds since 1970; of callbacks, microseconds. Source: the pages of events and of callbacks.
fn create_time(delivery: &Delivery) -> String {
    let thousandths = if delivery.form == Form::Callback { "000" } else { "" };
    format!("{}{thousandths}", delivery.created_at)
}

/// Seconds since 1970 with six decimals.
fn ts(milliseconds: i64) -> String {
    format!("{}.{:03}000", milliseconds.div_euclid(1000), milliseconds.rem_euclid(1000))
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
    fn the_question_to_an_address() {
        let text = challenge(r#"{"challenge":"abc"}"#, &Value::from("token"));
        assert_eq!(text, r#"{"challenge":"abc","token":"token","type":"url_verification"}"#);
    }
}
