//! The envelopes of events, for webhooks and long connections.

use larkspur_contract::events::Form;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_store::events::delivery::Delivery;
use larkspur_store::events::steering::Corruption;
use serde_json::{Value, json};

/// What an envelope contains.
pub(super) struct Parts<'a> {
    /// Its form.
    pub(super) form: Form,
    /// The ID of the event or the callback.
    pub(super) event_id: &'a str,
    /// Its type.
    pub(super) event_type: &'a str,
    /// The tenant where it happened.
    pub(super) tenant: TenantKey,
    /// The app that receives it.
    pub(super) app_id: AppId,
    /// When it happened, in milliseconds since 1970, in the tenant's time.
    pub(super) created_at: i64,
    /// The payload: JSON.
    pub(super) payload: &'a str,
    /// What is wrong with it on purpose.
    pub(super) corrupted: Option<Corruption>,
}

impl<'a> From<&'a Delivery> for Parts<'a> {
    fn from(delivery: &'a Delivery) -> Self {
        Parts {
            form: delivery.form,
            event_id: &delivery.event_id,
            event_type: &delivery.event_type,
            tenant: delivery.tenant,
            app_id: delivery.app_id,
            created_at: delivery.created_at,
            payload: &delivery.payload,
            corrupted: delivery.corrupted,
        }
    }
}

/// The body of an event: compact JSON. `token` is the app's verification token; empty on long connections.
///
/// The payload is JSON already and inserted unchanged: key order and bytes are the same in every attempt.
pub(super) fn body(parts: &Parts<'_>, token: &str) -> Vec<u8> {
    let (event, token) = (parts.payload, Value::from(token));
    let (id, tenant, app) = (parts.event_id, parts.tenant, parts.app_id);
    let mut text = match parts.form {
        Form::Challenge => challenge(event, &token),
        Form::V1 => {
            let ts = ts(parts.created_at);
            format!(
                r#"{{"uuid":"{id}","token":{token},"ts":"{ts}","type":"event_callback","event":{event}}}"#
            )
        }
        Form::V2 | Form::Callback => {
            let (kind, time) = (Value::from(parts.event_type), create_time(parts));
            format!(
                r#"{{"schema":"2.0","header":{{"event_id":"{id}","token":{token},"create_time":"{time}","event_type":{kind},"tenant_key":"{tenant}","app_id":"{app}"}},"event":{event}}}"#
            )
        }
    };
    if parts.corrupted == Some(Corruption::Json) {
        text.pop();
    }
    text.into_bytes()
}

/// The body of a challenge.
pub(super) fn challenge(payload: &str, token: &Value) -> String {
    let asked: Value = serde_json::from_str(payload).unwrap_or_default();
    json!({"challenge": asked["challenge"], "token": token, "type": "url_verification"}).to_string()
}

/// When it happened: milliseconds since 1970; of callbacks, microseconds. Source: the pages of events and of callbacks.
fn create_time(parts: &Parts<'_>) -> String {
    let thousandths = if parts.form == Form::Callback { "000" } else { "" };
    format!("{}{thousandths}", parts.created_at)
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
