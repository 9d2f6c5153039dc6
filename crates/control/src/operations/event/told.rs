//! The events of a world, as assertions see them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use larkspur_api::rules::matcher::{Grammar, Matcher, Subject};
use larkspur_api::{Process, RootCall};
use larkspur_contract::Fault;
use larkspur_contract::events::Form;
use larkspur_store::events::history::{self, Past};
use larkspur_store::events::subscriptions::{self, Mode};
use serde_json::Value;

use crate::traffic::Judged;
use crate::{support, values};

/// How many pages of deliveries are looked at.
const PAGES: usize = 4;

/// What an assertion may name in an event.
const GRAMMAR: Grammar = Grammar {
    fields: &["type", "app_id", "state", "way", "event_id", "attempts", "status"],
    globs: &["type"],
    maps: &[],
    trees: &["body"],
};

/// An event for one app.
pub(super) struct Told {
    past: Past,
    way: Option<Mode>,
    payload: Value,
}

impl Subject for Told {
    fn field(&self, name: &str) -> Option<Cow<'_, Value>> {
        let past = &self.past;
        let value = match name {
            "type" => past.event_type.as_str().into(),
            "app_id" => past.app_id.to_string().into(),
            "state" => past.state.as_str().into(),
            "way" => self.way?.as_str().into(),
            "event_id" => past.event_id.as_str().into(),
            "attempts" => past.attempts.into(),
            "status" => past.status?.into(),
            "body" => return Some(Cow::Borrowed(&self.payload)),
            _ => return None,
        };
        Some(Cow::Owned(value))
    }
}

impl Judged for Told {
    fn id(&self) -> &str {
        &self.past.event_id
    }

    fn is_counted(&self) -> bool {
        true
    }
}

/// The matcher of a member of an assertion.
pub(super) fn matcher(field: &str, value: &Value) -> Result<Matcher, Fault> {
    Matcher::parse(value, &GRAMMAR).map_err(|wrong| {
        let dot = if wrong.at.is_empty() { "" } else { "." };
        values::invalid(&format!("{field}{dot}{}", wrong.at), None, &wrong.why)
    })
}

/// The last events of a world, the oldest first, and whether there are older ones; only those after one, if it is given.
pub(super) async fn told(
    process: &Process,
    call: &RootCall,
    key: &str,
    since: Option<&str>,
) -> Result<(Vec<Told>, bool), Fault> {
    let asked = Arc::new((call.clone(), key.to_owned(), since.map(str::to_owned)));
    let read = process.read(move |root| {
        let asked = asked.clone();
        Box::pin(async move {
            let (call, key, since) = &*asked;
            let (mut tx, _) = support::open(root, call, key).await?;
            let lowest = match since {
                Some(id) => {
                    let found = history::find(&mut tx, None, id).await?;
                    found.ok_or_else(|| support::not_found("since", id, "no event has this id"))?.number
                }
                None => i64::MIN,
            };
            let (mut all, mut before, mut truncated) = (Vec::new(), i64::MAX, false);
            for number in 0..=PAGES {
                let page = history::before(&mut tx, None, before).await?;
                let Some(last) = page.last().map(|past| past.number) else { break };
                if number == PAGES {
                    truncated = page.first().is_some_and(|past| past.number > lowest);
                    break;
                }
                all.extend(page.into_iter().filter(|past| past.number > lowest));
                if last <= lowest {
                    break;
                }
                before = last;
            }
            let mut ways = HashMap::new();
            for past in &all {
                if let Entry::Vacant(way) = ways.entry(past.app_id) {
                    way.insert(subscriptions::of(&mut tx, past.developer, past.app_id).await?);
                }
            }
            all.reverse();
            let told = all.into_iter().map(|past| {
                let route = ways.get(&past.app_id).and_then(Option::as_ref);
                let channel = |form: Form| {
                    let by = |route: &subscriptions::Subscription| match form {
                        Form::Callback => route.callbacks.mode,
                        Form::Challenge => Mode::Webhook,
                        Form::V1 | Form::V2 => route.events.mode,
                    };
                    route.map(by)
                };
                let payload = serde_json::from_str(&past.payload).unwrap_or_default();
                Told { way: channel(past.form), payload, past }
            });
            Ok((told.collect(), truncated))
        })
    });
    read.await
}
