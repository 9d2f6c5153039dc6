//! Recorded calls, as the control API shows them. The server records them and implements [`Traffic`].

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::time::Instant;

use larkspur_api::Feed;
use larkspur_api::rules::matcher::{Grammar, Matcher, Subject};
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::{Fault, Fix};
use larkspur_store::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

mod check;
mod diff;
pub mod export;
pub mod ledger;
pub mod news;
pub mod summary;

pub use check::{Checked, Count, Differs, Judged, Near, Nearly, Verdict, Wanted, judge, verdict};
pub use diff::{Change, diff};
pub use news::Topics;

/// A place in a stream: the ID of what was received last, as in `5f0c61d2a94be873-17`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The start of the process that counted: a random number of 16 hex digits. `None` of a number alone, which is taken for one
    /// of this process.
    pub start: Option<u64>,
    /// The number of the call.
    pub number: u64,
}

impl Place {
    /// Reads an ID.
    pub fn parse(text: &str) -> Option<Self> {
        let (start, number) = match text.split_once('-') {
            Some((start, number)) if start.len() == 16 => {
                (Some(u64::from_str_radix(start, 16).ok()?), number)
            }
            Some(_) => return None,
            None => (None, text),
        };
        number.parse().ok().map(|number| Place { start, number })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.start {
            Some(start) => write!(f, "{start:016x}-{}", self.number),
            None => write!(f, "{}", self.number),
        }
    }
}

/// What a filter, an assertion or a fault rule may name in a call.
pub const GRAMMAR: Grammar = Grammar {
    fields: &[
        "operation",
        "code",
        "outcome",
        "kind",
        "app_id",
        "user",
        "token",
        "method",
        "path",
        "status",
        "us",
        "log_id",
    ],
    globs: &["operation", "path"],
    maps: &["header", "query"],
    trees: &["body", "answer"],
};

/// Which calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those of a world; its clock is ahead by these milliseconds.
    World(TenantKey, i64),
    /// Those of unknown callers.
    Unknown,
    /// All.
    All,
}

/// How long to wait until an assertion is judged again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// At least, in milliseconds, so that judging does not take all of the time.
    pub least_ms: u64,
    /// At most, in milliseconds; never less than `least_ms`.
    pub most_ms: u64,
}

impl Wait {
    /// For how long further calls are gathered after one, to be judged together, in milliseconds.
    pub const SETTLE_MS: u64 = 10;
    /// Judging takes at most one in so many parts of the time.
    const SHARE: u64 = 10;

    /// For an assertion that was judged since `began`.
    pub fn after(began: Instant, most_ms: u64) -> Self {
        let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let least = took.saturating_mul(Self::SHARE - 1);
        Wait { least_ms: least.min(most_ms), most_ms }
    }
}

/// What the process offers for recorded calls.
pub trait Traffic: Send + Sync {
    /// Whether calls are recorded, unless their world says otherwise.
    fn is_on(&self) -> bool;
    /// Tells which apps a world has, so that calls that name only an app are found in it.
    fn adopt(&self, world: TenantKey, apps: &[AppId]);
    /// At most `most` calls with numbers above `after`, the oldest first.
    fn calls(&self, whose: Whose, after: u64, most: usize) -> Calls;
    /// A call by its log id.
    fn call(&self, whose: Whose, log_id: &str) -> Option<Entry>;
    /// How many calls of a world were recorded since the start of the process.
    fn recorded(&self, world: TenantKey) -> u64;
    /// The calls that sent messages of a world, as far as they are still recorded: log ids by message_id.
    fn senders(&self, world: TenantKey, messages: &HashSet<String>) -> HashMap<String, String>;
    /// Removes the calls of a world, and what was counted of them.
    fn clear(&self, world: TenantKey);
    /// Which calls caused deliveries with these numbers: their log ids, by number.
    fn causes(&self, world: TenantKey, numbers: &HashSet<i64>) -> HashMap<i64, String>;
    /// Waits until a delivery of the world changes, a moment at most. Returns how long it waited, in milliseconds.
    fn wait_event(&self, world: TenantKey, wait: Wait) -> BoxFuture<'_, u64>;
    /// Waits until the world has a call beyond `seen`. Returns how long it waited, in milliseconds.
    fn wait(&self, world: TenantKey, seen: u64, wait: Wait) -> BoxFuture<'_, u64>;
    /// A stream of what happens in the world: its calls from the one after `last` on, or from now on, and the other topics from
    /// now on.
    ///
    /// # Errors
    /// 5275429: too many streams are open.
    fn stream(
        &self,
        world: TenantKey,
        ahead_ms: i64,
        topics: Topics,
        last: Option<Place>,
    ) -> Result<Box<dyn Feed>, Fault>;
    /// What was counted of an app's scopes: in the calls that are kept after one with a number, or in all calls.
    fn scopes(&self, world: TenantKey, app: AppId, after: Option<u64>) -> ledger::Counts;
    /// Calls the operation of a recorded call again. `Err` says why that is impossible.
    fn replay(
        &self,
        entry: Entry,
        fresh_token: bool,
        fresh_uuid: bool,
    ) -> BoxFuture<'_, Result<Entry, String>>;
    /// The public base URL, for exports; empty if clients use the address that the server listens on.
    fn base_url(&self) -> String;
    /// The name of this process among those on its store.
    fn node(&self) -> String;
}

/// Calls of a world, the oldest first.
pub struct Calls {
    /// The calls.
    pub entries: Vec<Entry>,
    /// The number of the oldest call that is kept.
    pub oldest: u64,
    /// The number of the newest call; 0 if there was none.
    pub newest: u64,
    /// How many older calls were dropped.
    pub dropped: u64,
}

/// A call in a list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Row {
    /// Its number in its world, from 1 on.
    pub seq: u64,
    /// Its log id: the `X-Tt-Logid` of its answer.
    pub log_id: String,
    /// The world; absent for an unknown caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub world: Option<String>,
    /// `platform` or `control`.
    pub kind: &'static str,
    /// When it arrived, in milliseconds since 1970.
    pub at_ms: i64,
    /// The same by the world's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub world_at_ms: Option<i64>,
    /// The operation; absent for an unknown path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<&'static str>,
    /// `ok`, `soft` (let through without a needed scope), `refused`, `failed` (HTTP 5xx), `injected` (planned by a test), `cut` (cut off, as a test planned) or `unrouted` (an unknown path).
    pub outcome: &'static str,
    /// The HTTP method.
    pub method: String,
    /// The path, without secrets.
    pub path: String,
    /// The HTTP status.
    pub status: u16,
    /// The code of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// The app that called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The name of the app, if the world made it; absent in streams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// The kind of credential: `tenant`, `user`, `app`, `control`, `basic`, `none` or `unreadable`.
    pub token: &'static str,
    /// The user that called, by user_id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The rule of the world's faults that changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// How long it took, in microseconds, with the delay of fault rules.
    pub us: u32,
}

/// A call with everything that is known of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Entry {
    /// Its row.
    #[serde(flatten)]
    pub row: Row,
    /// The request, without secrets.
    pub request: Sent,
    /// The answer, without secrets.
    pub answer: Sent,
    /// Who called.
    pub caller: Who,
    /// The steps of the gateway that it passed.
    pub steps: Vec<Step>,
    /// For how long fault rules delayed it, in milliseconds; 0 for not at all.
    pub delay_ms: u64,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// Decisions of the operation where the documents are silent.
    pub behaviours: Vec<Named>,
    /// The events that it caused, one for each app that is told.
    pub events: Vec<Caused>,
    /// What its `uuid` meant: `new`, or `recalled` if the answer of an earlier call was repeated. Absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<&'static str>,
    /// For an unknown path: routes that are like it, and how they differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub near: Vec<Route>,
}

/// An event that a call caused.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Caused {
    /// Its type.
    pub event_type: &'static str,
    /// The app that is told.
    pub app_id: String,
    /// Its ID; absent for a callback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
}

/// A request or an answer.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Sent {
    /// The query of a request, without secrets.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// The media type.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub media: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body: JSON as JSON, anything else as text.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub body: Value,
    /// How many bytes the body has.
    pub bytes: u32,
    /// Whether the record has less than that.
    pub cut: bool,
    /// Whether path, query or body had a secret.
    #[serde(skip)]
    pub hidden: bool,
}

/// The caller of a call.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Who {
    /// The app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The user, by user_id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The kind of credential.
    pub token: &'static str,
    /// Seconds until the token expired, when the call arrived, by the world's clock; below 0 if it had expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in_s: Option<i64>,
    /// The program, from `User-Agent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdk: Option<String>,
    /// The address of the client's end of the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// The content of the token, to issue it again.
    #[serde(skip)]
    pub credential: Option<larkspur_api::tokens::Token>,
}

/// A step of the gateway.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Step {
    /// Its name.
    pub step: &'static str,
    /// How long it took, in microseconds.
    pub us: u32,
    /// For `authorize`: the scopes of which one is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub any_of: Option<&'static [&'static str]>,
    /// For `authorize`: the scope that let the call through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<&'static str>,
    /// For `admit`: the windows of the rate limit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// For `execute`: the number of statements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statements: Option<u32>,
}

/// A window of a rate limit.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Window {
    /// Calls allowed in the window.
    pub cap: u32,
    /// Length of the window in seconds.
    pub seconds: u32,
    /// How many calls it has, with this one; 0 if rate limits are off.
    pub used: u32,
}

/// Why a call was refused.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Why {
    /// The step that refused it; absent if it was planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<&'static str>,
    /// The name of the code.
    pub code: &'static str,
    /// The reason, as in the log.
    pub note: String,
    /// The rule that decided; absent if the code says it all, or a test planned the refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
    /// What the rule rests on: `documented`, `observed` or `assumed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<&'static str>,
    /// The page of the public documentation.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub reference: &'static str,
    /// The facts that decided.
    pub facts: Map<String, Value>,
    /// Calls of the control API that would let it through.
    pub fixes: Vec<Action>,
}

/// A call of the control API, as a value.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Action {
    /// The operation, without `larkspur.v1.`.
    pub id: String,
    /// Its path parameters.
    pub path: Map<String, Value>,
    /// Its body.
    pub body: Value,
}

impl Action {
    /// A fix in a world.
    pub fn of(fix: &Fix, world: &str) -> Self {
        let mut path = Map::new();
        path.insert("tenant_key".to_owned(), world.into());
        path.extend(fix.path.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())));
        let id = fix.id.strip_prefix("larkspur.v1.").unwrap_or(fix.id).to_owned();
        Action { id, path, body: fix.body.clone() }
    }
}

/// A named decision.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Named {
    /// Its name.
    pub name: &'static str,
    /// Its basis.
    pub basis: &'static str,
}

/// A route that is like an unknown path.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Route {
    /// The operation.
    pub operation: &'static str,
    /// Its method.
    pub method: &'static str,
    /// Its path.
    pub path: &'static str,
    /// What differs.
    pub differs: String,
}

impl Subject for Entry {
    fn field(&self, name: &str) -> Option<Cow<'_, Value>> {
        let row = &self.row;
        let value = match name {
            "operation" => row.operation.map(Value::from)?,
            "code" => row.code.map(Value::from)?,
            "outcome" => row.outcome.into(),
            "kind" => row.kind.into(),
            "app_id" => row.app_id.clone().map(Value::from)?,
            "user" => row.user.clone().map(Value::from)?,
            "token" => row.token.into(),
            "method" => row.method.as_str().into(),
            "path" => row.path.as_str().into(),
            "status" => row.status.into(),
            "us" => row.us.into(),
            "log_id" => row.log_id.as_str().into(),
            "header" => {
                let pairs = self.request.headers.iter();
                Value::Object(pairs.map(|(name, value)| (name.to_lowercase(), json!(value))).collect())
            }
            "query" => {
                Value::Object(self.query().into_iter().map(|(name, value)| (name, value.into())).collect())
            }
            "body" => return Some(Cow::Borrowed(&self.request.body)),
            "answer" => return Some(Cow::Borrowed(&self.answer.body)),
            _ => return None,
        };
        Some(Cow::Owned(value))
    }
}

impl Entry {
    /// The fields in which another call differs, ids and times aside.
    pub fn changes(&self, other: &Entry) -> Vec<Change> {
        let mut changes = Vec::new();
        diff("", &self.comparable(), &other.comparable(), &mut changes);
        changes
    }

    fn comparable(&self) -> Value {
        let row = &self.row;
        let mut answer = self.answer.body.clone();
        if let Some(error) = answer.get_mut("error").and_then(Value::as_object_mut) {
            error.remove("log_id");
            error.remove("troubleshooter");
        }
        let named = |headers: &[(String, String)]| -> Map<String, Value> {
            let own = headers.iter().filter(|(name, _)| {
                !["X-Tt-Logid", "X-Request-Id"].contains(&name.as_str())
                    && !name.eq_ignore_ascii_case("authorization")
            });
            own.map(|(name, value)| (name.to_lowercase(), value.as_str().into())).collect()
        };
        json!({
            "operation": row.operation, "outcome": row.outcome, "method": row.method, "path": row.path,
            "app_id": row.app_id, "user": row.user, "token": row.token,
            "query": self.query().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
            "request": {"headers": named(&self.request.headers), "body": self.request.body},
            "answer": {"status": row.status, "code": row.code, "headers": named(&self.answer.headers), "body": answer},
        })
    }

    /// The parameters of the query, decoded.
    pub fn query(&self) -> Vec<(String, String)> {
        let decoded = |text: &str| {
            let text = text.replace('+', " ");
            percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned()
        };
        let pairs = self.request.query.split('&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(a, b)| (decoded(a), decoded(b)))
            .collect()
    }
}

/// The calls that a matcher matches; of the platform's operations alone, unless it names a `kind`.
pub fn matching<'a>(
    entries: &'a [Entry],
    matcher: &'a Matcher,
    control: bool,
) -> impl Iterator<Item = &'a Entry> {
    entries.iter().filter(move |entry| (control || entry.row.kind == "platform") && matcher.matches(*entry))
}
