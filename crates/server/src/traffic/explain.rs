//! Shows a record: parses its bytes, and says which rule decided.

use larkspur_contract::{Access, Basis, Spec, nearest, rules};
use larkspur_control::traffic::{Action, Caused, Entry, Named, Route, Row, Sent, Step, Who, Why, Window};
use larkspur_store::{Keys, Uuid};
use serde_json::Value;

use super::record::{Part, Record};
use crate::gateway::exchange;
use crate::gateway::platform;

/// The most routes that are proposed for an unknown path.
const NEAR: usize = 3;

/// The row of a record. `ahead_ms` is how far the world's clock is ahead, if the record does not say.
pub(super) fn row(seq: u64, record: &Record, ahead_ms: i64) -> Row {
    let ahead = record.ahead_ms.or(record.world.map(|_| ahead_ms));
    Row {
        seq,
        log_id: record.id.log_id().to_owned(),
        world: record.world.map(|world| world.to_string()),
        kind: if record.is_control() { "control" } else { "platform" },
        at_ms: record.at_ms,
        world_at_ms: ahead.map(|ahead| record.at_ms.saturating_add(ahead)),
        operation: record.operation,
        outcome: record.outcome(),
        method: record.text(Part::Method).into_owned(),
        path: record.text(Part::Path).into_owned(),
        status: record.status,
        code: record.code,
        app_id: record.app.map(|app| app.to_string()),
        app: None,
        token: record.who.token,
        user: record.user_id.as_deref().map(str::to_owned),
        fault: record.fault.as_ref().map(|fault| fault.rule.clone()),
        us: record.us,
    }
}

/// The whole of a record.
pub(super) fn entry(seq: u64, record: &Record, ahead_ms: i64, keys: Option<&Keys>) -> Entry {
    let row = row(seq, record, ahead_ms);
    let headers = record.headers(Part::Headers);
    let media = |headers: &[(String, String)]| {
        let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let sdk = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("user-agent"));
    let now = row.world_at_ms.unwrap_or(row.at_ms);
    let caller = Who {
        app_id: row.app_id.clone(),
        user: row.user.clone(),
        token: row.token,
        expires_in_s: record.token.map(|token| token.expires_at.saturating_sub(now) / 1000),
        sdk: sdk.map(|(_, value)| value.clone()),
        peer: record.peer.map(|peer| peer.to_string()),
        credential: record.token,
    };
    let near = if row.outcome == "unrouted" { near(&row.method, &row.path) } else { Vec::new() };
    Entry {
        request: Sent {
            query: record.text(Part::Query).into_owned(),
            media: media(&headers),
            body: body(record, Part::Body),
            headers,
            bytes: record.sizes.request,
            cut: record.sizes.request_cut,
            hidden: record.sizes.hidden,
        },
        answer: Sent {
            query: String::new(),
            media: record.media.clone().into_owned(),
            headers: answer_headers(record),
            body: body(record, Part::Answer),
            bytes: record.sizes.answer,
            cut: record.sizes.answer_cut,
            hidden: false,
        },
        caller,
        steps: steps(record),
        delay_ms: record.fault.as_ref().map_or(0, |fault| fault.delay_ms),
        why: why(record, row.world.as_deref().unwrap_or_default()),
        behaviours: record.spec.map(behaviours).unwrap_or_default(),
        events: events(record, keys),
        uuid: record.work.uuid.map(Uuid::as_str),
        near,
        row,
    }
}

/// The events that it caused, one for each app that is told.
fn events(record: &Record, keys: Option<&Keys>) -> Vec<Caused> {
    let caused = record.work.events.iter().map(|event| {
        let known = keys.zip(record.world).filter(|_| event.number != 0);
        Caused {
            event_type: event.kind.name,
            app_id: event.app_id.to_string(),
            event_id: known.map(|(keys, world)| keys.event_id(event.number, world)),
        }
    });
    caused.collect()
}

fn body(record: &Record, part: Part) -> Value {
    let bytes = record.part(part);
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into())
}

fn answer_headers(record: &Record) -> Vec<(String, String)> {
    let owned = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut all = vec![
        owned("Content-Type", &record.media),
        owned("X-Tt-Logid", record.id.log_id()),
        owned("X-Request-Id", record.id.request_id()),
    ];
    all.extend(record.headers(Part::AnswerHeaders));
    all.retain(|(_, value)| !value.is_empty());
    all
}

fn steps(record: &Record) -> Vec<Step> {
    let Some(spec) = record.spec else { return Vec::new() };
    let shown = record.steps.ended().map(|(step, us)| {
        let any_of = match (step, spec.access) {
            (exchange::Step::Authorize, Access::Token { scopes, .. }) if !scopes.is_empty() => Some(scopes),
            _ => None,
        };
        let windows = match step {
            exchange::Step::Admit => spec.rate.windows,
            _ => &[],
        };
        let windows = windows.iter().zip(record.windows);
        let windows = windows.map(|(window, used)| Window { cap: window.cap, seconds: window.seconds, used });
        let used = record.used.filter(|_| any_of.is_some());
        let statements = (step == exchange::Step::Execute).then_some(record.work.statements);
        Step { step: step.name(), us, any_of, used, windows: windows.collect(), statements }
    });
    shown.collect()
}

fn behaviours(spec: &'static Spec) -> Vec<Named> {
    let all = spec.behaviours.iter();
    all.map(|behaviour| Named { name: behaviour.name, basis: behaviour.basis.as_str() }).collect()
}

fn why(record: &Record, world: &str) -> Option<Why> {
    let why = record.why.as_ref()?;
    let spec = record.spec;
    let rule = why.rule.filter(|_| !record.planned);
    let behaviours = spec.map(|spec| spec.behaviours).unwrap_or_default();
    let basis = rule.and_then(|rule| {
        let own = behaviours.iter().find(|behaviour| behaviour.name == rule);
        own.map(|behaviour| behaviour.basis).or_else(|| rules::basis(rule))
    });
    let soft = record.soft && record.code == Some(0);
    let ended = if soft { Some(exchange::Step::Authorize) } else { record.steps.last() };
    let step = ended.filter(|_| !record.planned);
    let facts = why.facts.iter().map(|(name, value)| {
        let value = value.parse::<i64>().map_or_else(|_| Value::from(value.as_str()), Value::from);
        ((*name).to_owned(), value)
    });
    Some(Why {
        step: step.map(exchange::Step::name),
        code: why.name,
        note: why.note.clone(),
        rule,
        basis: basis.map(Basis::as_str),
        reference: spec.map_or("", |spec| spec.reference),
        facts: facts.collect(),
        fixes: why.fixes.iter().map(|fix| Action::of(fix, world)).collect(),
    })
}

/// The routes that are most like an unknown path: the same but for the method, the prefix, or one word.
fn near(method: &str, path: &str) -> Vec<Route> {
    let own = crate::REGISTRY.iter().copied().flatten().map(|entry| entry.spec);
    let own = own.map(|spec| (spec.id, spec.route.method.name(), spec.route.path));
    let known = platform::operations().iter().map(|known| (known.id, known.method.name(), known.path));
    let mut found: Vec<(usize, Route)> = Vec::new();
    for (operation, wanted, pattern) in own.chain(known) {
        if found.iter().any(|(_, route)| route.operation == operation) {
            continue;
        }
        let Some((distance, mut differs)) = compare(path, pattern) else { continue };
        let other = wanted != method;
        if other {
            differs.push(format!("the method is {wanted}"));
        }
        let route = Route { operation, method: wanted, path: pattern, differs: differs.join("; ") };
        found.push((distance * 2 + usize::from(other), route));
    }
    found.sort_by_key(|(distance, _)| *distance);
    found.into_iter().take(NEAR).map(|(_, route)| route).collect()
}

/// How far a path is from a pattern, if it is near: at most one word differs, by a few letters.
fn compare(path: &str, pattern: &str) -> Option<(usize, Vec<String>)> {
    let words =
        |text: &str| -> Vec<String> { text.trim_matches('/').split('/').map(str::to_owned).collect() };
    let (mut given, wanted) = (words(path), words(pattern));
    let (mut distance, mut differs) = (0, Vec::new());
    if wanted.first().is_some_and(|word| word == "open-apis")
        && given.first().is_some_and(|word| word != "open-apis")
    {
        given.insert(0, "open-apis".to_owned());
        differs.push("it begins with /open-apis".to_owned());
        distance += 1;
    }
    if given.len() != wanted.len() {
        return None;
    }
    let pairs =
        given.iter().zip(&wanted).filter(|(given, wanted)| given != wanted && !wanted.starts_with('{'));
    for (index, (given, wanted)) in pairs.enumerate() {
        let letters = nearest::distance(given, wanted);
        if index > 0 || letters > 3 {
            return None;
        }
        distance += letters;
        differs.push(format!("{wanted} in place of {given}"));
    }
    Some((distance, differs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_paths_have_neighbors() {
        let first = |method: &str, path: &str| {
            near(method, path).into_iter().next().map(|route| (route.operation, route.differs))
        };
        let (operation, differs) = first("POST", "/im/v1/chats").expect("a route");
        assert_eq!((operation, differs.as_str()), ("im.v1.chat.create", "it begins with /open-apis"));
        let (operation, differs) = first("GET", "/open-apis/im/v1/chat/oc_1").expect("a route");
        assert_eq!((operation, differs.as_str()), ("im.v1.chat.get", "chats in place of chat"));
        let (_, differs) = first("PATCH", "/open-apis/im/v1/chats/oc_1").expect("a route");
        assert!(differs.starts_with("the method is "), "{differs}");
        assert!(near("GET", "/nothing/like/it/at/all").is_empty());
    }
}
