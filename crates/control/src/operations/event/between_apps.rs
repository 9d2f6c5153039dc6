//! An event as another app gets it: each app knows people and bots under IDs of its own.

use std::collections::HashMap;

use larkspur_contract::ids::{AppId, OpenId, TenantKey, UnionId};
use larkspur_contract::scopes::CONTACT_EMPLOYEE_ID;
use larkspur_store::apps::Install;
use larkspur_store::events::history::Past;
use larkspur_store::{Keys, StoreError, Tx, users};
use serde_json::Value;

/// The length of an open_id and of a union_id.
const LENGTH: usize = 35;

/// What a payload says, in a form that is equal for all apps that are told of one event.
///
/// People and bots have their numbers. user_ids are left out, because not every app gets them. So is the content of a stored
/// message, which apps may get in different forms; the message_id stands for it.
pub(super) fn said(keys: &Keys, past: &Past) -> Value {
    let text = with_ids(&past.payload, |id| match id {
        Id::Open(id) => {
            let (subject, app) = keys.read_open_id(id);
            (app == past.app_id).then(|| format!("open {subject}"))
        }
        Id::Union(id) => {
            let (subject, developer) = keys.read_union_id(id);
            (developer == past.developer).then(|| format!("union {subject}"))
        }
    });
    let mut payload: Value = serde_json::from_str(&text).unwrap_or_default();
    each_object(&mut payload, &mut |object| {
        if object.contains_key("open_id") {
            object.remove("user_id");
        }
        if object.contains_key("message_id") {
            object.remove("content");
        }
    });
    payload
}

/// The payload of an event for another app, with the IDs and the user_ids that this app gets.
///
/// # Errors
/// The store is unavailable.
pub(super) async fn payload_for(tx: &mut Tx, past: &Past, to: &Install) -> Result<String, StoreError> {
    let (from, goal) = ((past.app_id, past.developer), (to.app_id, to.developer));
    let text = translated(&tx.engine().keys, &past.payload, from, goal);
    let Ok(mut payload) = serde_json::from_str::<Value>(&text) else { return Ok(text) };
    let mut named: HashMap<u64, String> = HashMap::new();
    if to.scopes.has(CONTACT_EMPLOYEE_ID) {
        let mut numbers = Vec::new();
        each_object(&mut payload, &mut |object| numbers.extend(subject(&tx.engine().keys, object)));
        let numbers = numbers.into_iter().map(u64::cast_signed);
        let found = users::by_numbers(tx, numbers).await?;
        named.extend(found.into_iter().map(|user| (user.user_no.cast_unsigned(), user.user_id)));
    }
    each_object(&mut payload, &mut |object| {
        let known = subject(&tx.engine().keys, object).map(|number| named.get(&number));
        if let Some((known, user_id)) = known.zip(object.get_mut("user_id")) {
            *user_id = known.map_or(Value::Null, |known| known.as_str().into());
        }
    });
    Ok(payload.to_string())
}

/// A payload with the IDs of another app in place of those of the first.
fn translated(keys: &Keys, payload: &str, from: (AppId, TenantKey), to: (AppId, TenantKey)) -> String {
    with_ids(payload, |id| match id {
        Id::Open(id) => {
            let (subject, app) = keys.read_open_id(id);
            (app == from.0).then(|| keys.open_id(subject, to.0).to_string())
        }
        Id::Union(id) => {
            let (subject, developer) = keys.read_union_id(id);
            (developer == from.1).then(|| keys.union_id(subject, to.1).to_string())
        }
    })
}

/// The number of the user or bot that an object names by its IDs.
fn subject(keys: &Keys, object: &serde_json::Map<String, Value>) -> Option<u64> {
    let id = OpenId::parse(object.get("open_id")?.as_str()?)?;
    Some(keys.read_open_id(id).0)
}

/// An ID that differs between apps, or between their developers.
enum Id {
    Open(OpenId),
    Union(UnionId),
}

/// A text in which the IDs that have a replacement are replaced. They may stand in JSON inside JSON, as the content of a
/// message does.
fn with_ids(text: &str, replacement: impl Fn(Id) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('o') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let id = from
            .get(..LENGTH)
            .and_then(|id| OpenId::parse(id).map(Id::Open).or_else(|| UnionId::parse(id).map(Id::Union)));
        let skipped = match id.and_then(&replacement) {
            Some(new) => {
                out.push_str(&new);
                LENGTH
            }
            None => {
                out.push('o');
                1
            }
        };
        rest = from.get(skipped..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Shows each object of a value, the outer ones first.
fn each_object(value: &mut Value, see: &mut impl FnMut(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            see(object);
            object.values_mut().for_each(|inner| each_object(inner, see));
        }
        Value::Array(all) => all.iter_mut().for_each(|inner| each_object(inner, see)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: (AppId, TenantKey) = (AppId(1), TenantKey(7));
    const TWO: (AppId, TenantKey) = (AppId(2), TenantKey(8));

    #[test]
    fn an_event_is_translated_there_and_back() {
        let keys = Keys::derive("a master key");
        let ids = |(app, developer): (AppId, TenantKey)| {
            format!(
                "\"{}\" oo_ {} \\\"{}\\\"",
                keys.open_id(5, app),
                keys.union_id(5, developer),
                keys.open_id(6, app)
            )
        };
        assert_eq!(translated(&keys, &ids(ONE), ONE, TWO), ids(TWO));
        assert_eq!(translated(&keys, &ids(TWO), TWO, ONE), ids(ONE));
        assert_eq!(translated(&keys, &ids(ONE), TWO, ONE), ids(ONE), "these are not IDs of the second app");
    }

    proptest::proptest! {
        #[test]
        fn other_texts_stay(text in ".{0,40}(ou_[0-9a-f]{32})?[oun_0-9a-f]{0,40}é?") {
            proptest::prop_assert_eq!(with_ids(&text, |_| None), text);
        }
    }
}
