//! One recorded call: its bytes, redacted and copied once. They are parsed when they are read.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::OnceLock;

use larkspur_api::tokens::{Token, jwt};
use larkspur_api::{Actor, Caller};
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::{Access, Consumes, Effect, Fault, Fix, Scope, Spec, codes};
use larkspur_store::{Emitted, Keys, Scoped, Work};

use super::redact::{self, Found};
use crate::call_id::CallId;
use crate::gateway::exchange::{Exchange, Steps};
use crate::gateway::who::Who;

/// A recorded call.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) id: CallId,
    pub(super) at_ms: i64,
    /// How far the world's clock was ahead; `None` if it is not known.
    pub(super) ahead_ms: Option<i64>,
    pub(super) us: u32,
    pub(super) world: Option<TenantKey>,
    pub(super) who: Who,
    /// The app that called, as far as the call says.
    pub(super) app: Option<AppId>,
    pub(super) user_id: Option<Box<str>>,
    pub(super) peer: Option<IpAddr>,
    /// The content of the token, if this server signed it.
    pub(super) token: Option<Token>,
    pub(super) spec: Option<&'static Spec>,
    pub(super) operation: Option<&'static str>,
    pub(super) code: Option<u32>,
    pub(super) status: u16,
    pub(super) planned: bool,
    /// Whether it lacked a scope and was let through.
    pub(super) soft: bool,
    /// The rule that changed it.
    pub(super) fault: Option<Box<ByRule>>,
    pub(super) steps: Steps,
    pub(super) used: Option<Scope>,
    pub(super) media: Cow<'static, str>,
    pub(super) why: Option<Box<Why>>,
    pub(super) work: Work,
    /// How many calls each window of the rate limit has.
    pub(super) windows: [u32; 2],
    pub(super) sizes: Sizes,
    /// Its row as JSON, made once for all streams.
    pub(super) row: OnceLock<Box<str>>,
    text: Vec<u8>,
    /// Where each part of `text` ends.
    ends: [u32; PARTS],
}

/// Longer bodies of refused calls are not kept: whether they are JSON is not looked at.
const CHECKED_MAX: usize = 1 << 20;
/// What the row of a call in a stream costs, about.
const ROW_BYTES: usize = 400;

/// What a rule of the world's faults did.
#[derive(Debug, Clone)]
pub(super) struct ByRule {
    /// Its id.
    pub(super) rule: String,
    /// Its own word for the end.
    pub(super) outcome: Option<&'static str>,
    /// For how long rules delayed the call, in milliseconds.
    pub(super) delay_ms: u64,
}

/// Why a call was refused.
#[derive(Debug, Clone)]
pub(super) struct Why {
    pub(super) name: &'static str,
    pub(super) rule: Option<&'static str>,
    pub(super) note: String,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) fixes: Vec<Fix>,
}

/// The sizes of bodies as they were sent, in bytes, and whether the record has less.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sizes {
    pub(super) request: u32,
    pub(super) answer: u32,
    pub(super) request_cut: bool,
    pub(super) answer_cut: bool,
    /// Whether path, query or body had a secret, so that the request cannot be sent again.
    pub(super) hidden: bool,
}

/// The parts of a record's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Method,
    Path,
    Query,
    /// Names and values, each ended by a zero byte.
    Headers,
    Body,
    AnswerHeaders,
    Answer,
}

const PARTS: usize = 7;

impl Record {
    /// Copies a call; `body` is the most bytes of each body.
    pub(super) fn of(call: &Exchange<'_>, keys: &Keys, body: usize) -> Self {
        let mut writer = Writer { text: Vec::with_capacity(capacity(call, body)), ends: [0; PARTS], next: 0 };
        let mut found = Found::new(call.fault.is_some() || call.soft.is_some());
        let mut sizes = Sizes::default();
        writer.text.extend_from_slice(call.method.as_bytes());
        writer.end();
        redact::path(call.path.as_bytes(), &mut writer.text, &mut found);
        writer.end();
        redact::query(call.query.as_bytes(), &mut writer.text, &mut found);
        writer.end();
        let before = found.count();
        call.headers.each(&mut |name, value| writer.header(name, value, &mut found));
        writer.end();
        let after = found.count();
        sizes.request_cut = request(call, body, &mut writer.text, &mut found);
        sizes.hidden = before > 0 || found.count() > after;
        sizes.request = size(call.body.map_or(0, |body| body.len()));
        writer.end();
        let answered = writer.text.len();
        answer_headers(call, &mut writer, &mut found);
        writer.end();
        sizes.answer_cut = answer(call, body, &mut writer.text, &mut found);
        sizes.answer = size(call.response.body.bytes().len());
        if call.fault.is_some() {
            // A refusal may repeat a value of the request; its headers do not.
            let headers = usize::try_from(writer.ends[Part::AnswerHeaders as usize]).unwrap_or(answered);
            found.clean(&mut writer.text, headers);
        }
        writer.end();
        let (now, user_id) = match call.caller {
            Some(Caller::Token(token)) => (Some(token.now), user_id(&token.actor)),
            _ => (None, None),
        };
        Record {
            id: call.id,
            at_ms: call.at_ms,
            ahead_ms: now.map(|now| now - call.at_ms),
            us: u32::try_from(call.took.as_micros()).unwrap_or(u32::MAX),
            world: None,
            who: call.who,
            app: call.who.app_id,
            user_id,
            peer: call.peer,
            token: token(call, keys),
            spec: call.spec,
            operation: call.operation,
            code: call.code,
            status: call.response.status,
            planned: call.planned,
            soft: call.soft.is_some(),
            fault: call.injected.map(|rule| {
                Box::new(ByRule { rule: rule.id.clone(), outcome: rule.outcome(), delay_ms: rule.delay_ms })
            }),
            steps: call.steps,
            used: used(call),
            media: call.response.content_type.clone(),
            why: call.fault.or(call.soft).map(|fault| Box::new(why(fault, &found))),
            work: call.work.clone(),
            windows: call.used,
            sizes,
            row: OnceLock::new(),
            text: writer.text,
            ends: writer.ends,
        }
    }

    /// The message that the call sent, if it sent one.
    pub(super) fn sent_message(&self) -> Option<&str> {
        const SENDING: [&str; 4] = ["/messages", "/reply", "/forward", "/merge_forward"];
        const MEMBER: &str = "\"message_id\":\"";
        let spec = self.spec.filter(|spec| spec.effect == Effect::Writes && self.code == Some(0))?;
        SENDING.iter().find(|end| spec.route.path.ends_with(*end))?;
        // Quotes in texts are escaped, so that no content looks like a member.
        let answer = str::from_utf8(self.part(Part::Answer)).ok()?;
        let (_, rest) = answer.split_once(MEMBER)?;
        rest.split_once('"').map(|(message, _)| message)
    }

    /// A part of its text.
    pub(super) fn part(&self, part: Part) -> &[u8] {
        let at = |index: usize| usize::try_from(self.ends[index]).unwrap_or_default();
        let index = part as usize;
        let start = if index == 0 { 0 } else { at(index - 1) };
        self.text.get(start..at(index)).unwrap_or_default()
    }

    /// A part of its text, as text.
    pub(super) fn text(&self, part: Part) -> Cow<'_, str> {
        String::from_utf8_lossy(self.part(part))
    }

    /// The headers of a part.
    pub(super) fn headers(&self, part: Part) -> Vec<(String, String)> {
        let text = self.text(part);
        let mut words = text.split('\0');
        let mut pairs = Vec::new();
        while let (Some(name), Some(value)) = (words.next(), words.next()) {
            pairs.push((name.to_owned(), value.to_owned()));
        }
        pairs
    }

    /// What it costs in memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let why = self
            .why
            .as_ref()
            .map_or(0, |why| 256 + why.note.len() + why.facts.len() * 64 + why.fixes.len() * 256);
        size_of::<Self>()
            + 64
            + ROW_BYTES
            + self.text.capacity()
            + why
            + self.work.events.len() * size_of::<Emitted>()
            + self.work.scoped.len() * size_of::<Scoped>()
    }

    /// Whether it was refused for want of a scope.
    pub(super) fn lacked_scope(&self) -> bool {
        let missing = [codes::SCOPE_MISSING.number, codes::USER_SCOPE_MISSING.number];
        !self.planned && self.code.is_some_and(|code| missing.contains(&code))
    }

    /// Whether it is a call of the control API.
    pub(super) fn is_control(&self) -> bool {
        self.spec.is_some_and(|spec| matches!(spec.access, Access::Control))
    }

    /// One word for its end.
    pub(super) fn outcome(&self) -> &'static str {
        if let Some(word) = self.fault.as_ref().and_then(|fault| fault.outcome) {
            return word;
        }
        match self.code {
            _ if self.planned => "injected",
            None => "unrouted",
            Some(0) if self.soft => "soft",
            Some(0) => "ok",
            Some(code) if self.status >= 500 && code != codes::UNSERVED.number => "failed",
            Some(_) => "refused",
        }
    }

    #[cfg(test)]
    pub(super) fn sized(size: usize) -> Self {
        use std::time::Instant;
        let who = Who { tenant: None, app_id: None, user: None, token: "none", claimed: false };
        Record {
            id: crate::call_id::CallIds::default().next(0),
            at_ms: 0,
            ahead_ms: None,
            us: 1,
            world: None,
            who,
            app: None,
            user_id: None,
            peer: None,
            token: None,
            spec: None,
            operation: None,
            code: None,
            status: 200,
            planned: false,
            soft: false,
            fault: None,
            steps: Steps::of(false, Instant::now()),
            used: None,
            media: Cow::Borrowed(""),
            why: None,
            work: Work::default(),
            windows: [0; 2],
            sizes: Sizes::default(),
            row: OnceLock::new(),
            text: Vec::with_capacity(size),
            ends: [0; PARTS],
        }
    }
}

struct Writer {
    text: Vec<u8>,
    ends: [u32; PARTS],
    next: usize,
}

impl Writer {
    fn end(&mut self) {
        if let Some(end) = self.ends.get_mut(self.next) {
            *end = size(self.text.len());
        }
        self.next += 1;
    }

    fn header(&mut self, name: &str, value: &str, found: &mut Found) {
        self.text.extend_from_slice(name.as_bytes());
        self.text.push(0);
        redact::header(name, value, &mut self.text, found);
        self.text.push(0);
    }
}

fn size(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// The bytes that a call's text needs, about.
fn capacity(call: &Exchange<'_>, body: usize) -> usize {
    let sent = call.body.map_or(0, |sent| sent.len().min(body));
    call.path.len() + call.query.len() + sent + call.response.body.bytes().len().min(body) + 128
}

/// Writes the body of the request. Returns whether it is incomplete.
fn request(call: &Exchange<'_>, limit: usize, out: &mut Vec<u8>, found: &mut Found) -> bool {
    let Some(body) = call.body.filter(|body| !body.is_empty()) else { return false };
    let consumes = call.spec.map_or(Consumes::Json, |spec| spec.consumes);
    let kind = call.headers.get("content-type").unwrap_or_default();
    if matches!(consumes, Consumes::Multipart { .. }) {
        redact::multipart(kind, body, out);
        return true;
    }
    if matches!(body.trim_ascii_start().first(), Some(b'{' | b'[')) {
        // What is not JSON may hide a name from the reader of JSON.
        let refused = call.fault.is_some();
        if refused
            && (body.len() > CHECKED_MAX || serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err())
        {
            return true;
        }
        return !redact::json(body, limit, out, found);
    }
    if consumes == Consumes::Form && body.len() <= limit {
        redact::query(body, out, found);
        return false;
    }
    true
}

/// Writes the headers of the answer that are not those of every answer.
fn answer_headers(call: &Exchange<'_>, writer: &mut Writer, found: &mut Found) {
    let response = call.response;
    let plain = response.retry.is_none()
        && response.doubtful.is_none()
        && response.location.is_none()
        && response.allow.is_none()
        && response.extra.is_empty();
    if !plain {
        let usual = ["Content-Type", "X-Tt-Logid", "X-Request-Id"];
        for (name, value) in response.headers().filter(|(name, _)| !usual.contains(name)) {
            writer.header(name, &value, found);
        }
    }
}

/// Writes the body of the answer, if it is JSON. Returns whether it is incomplete. Pages and files keep none.
fn answer(call: &Exchange<'_>, limit: usize, out: &mut Vec<u8>, found: &mut Found) -> bool {
    let body = call.response.body.bytes();
    if call.response.content_type.starts_with("application/json") {
        let copy = if call.has_plain_names { redact::json_of_plain_names } else { redact::json };
        return !copy(body, limit, out, found);
    }
    !body.is_empty()
}

fn user_id(actor: &Actor) -> Option<Box<str>> {
    match actor {
        Actor::User { grant, .. } => Some(grant.user_id.as_str().into()),
        Actor::Bot => None,
    }
}

/// The content of the bearer token, if this server signed it.
fn token(call: &Exchange<'_>, keys: &Keys) -> Option<Token> {
    if call.who.tenant.is_none() || call.who.claimed {
        return None;
    }
    call.token.or_else(|| {
        let text = call.headers.get("authorization")?.strip_prefix("Bearer ")?.trim();
        match text.starts_with("eyJ") {
            true => jwt::read(text, keys).map(|(token, _)| token),
            false => Token::read(text, keys),
        }
    })
}

/// The scope that let the call through; of several, the narrowest: the one with the longest name.
fn used(call: &Exchange<'_>) -> Option<Scope> {
    let (Some(Access::Token { scopes, .. }), Some(Caller::Token(token))) =
        (call.spec.map(|spec| spec.access), call.caller)
    else {
        return None;
    };
    // Looking at a name's length is cheaper than looking for the scope.
    scopes.iter().copied().fold(None, |best: Option<Scope>, scope| {
        let longer = best.is_none_or(|best| scope.len() >= best.len());
        if longer && token.was_granted(scope) { Some(scope) } else { best }
    })
}

fn why(fault: &Fault, found: &Found) -> Why {
    Why {
        name: fault.code().name,
        rule: fault.rule(),
        note: found.without(fault.note()),
        facts: fault.facts().iter().map(|(name, value)| (*name, found.without(value))).collect(),
        fixes: fault.fixes().to_vec(),
    }
}
