//! Faults by rule: what a test wants done to a call, in place of its own result.
//!
//! The rules are looked at once, when the caller is known. What they decide is applied at the step where the platform would
//! answer so. A tenant without rules costs one comparison.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use larkspur_api::rules::matcher::Subject;
use larkspur_api::tokens::Token;
use larkspur_api::{Actor, Call, Caller, Presented, Received};
use larkspur_contract::ids::{AppId, HookToken, TenantKey};
use larkspur_contract::{Access, Code, Effect, Fault, Reply, Spec, codes};
use larkspur_control::faults::{
    self as control, Cut, DELAY_MAX_MS, Decided, Effect as Done, How, Kind, Refuse, Rule, Rules, SignIn,
    SignInResult, When,
};
use larkspur_store::Engine;
use larkspur_store::faults::Ruled;
use serde_json::{Map, Value};
use tokio::time::sleep;

use super::admit::Pace;
use super::exchange::Step;
use super::rate_limits::Full;
use super::{Trace, authorize, own};
use crate::App;
use crate::body::{Body, Broken};
use crate::request::{Headers, Request, Response};
use crate::ruled::{by_app, by_tenant};

/// How often a piece of a slow answer is sent, in a second.
const PIECES: usize = 10;

/// A rule that changes a call.
#[derive(Debug, Clone)]
pub(crate) struct Injected {
    /// The rule's id.
    pub(crate) id: String,
    pub(crate) effect: Done,
    /// For how long rules delayed the call, in milliseconds.
    pub(crate) delay_ms: u64,
}

impl Injected {
    /// One word for the end of the call, if the rule decides it.
    pub(crate) fn outcome(&self) -> Option<&'static str> {
        match &self.effect {
            Done { refuse: Some(_), .. } | Done { answer: Some(_), .. } => Some("injected"),
            Done { cut: Some(_), .. } => Some("cut"),
            _ => None,
        }
    }

    /// Whether the answer is not the platform's.
    pub(crate) fn replaces(&self) -> bool {
        self.effect.refuse.is_none() && self.outcome().is_some()
    }

    /// The rule's refusal of a request for the address of long connections.
    pub(crate) fn at_endpoint(&self) -> Option<Fault> {
        let note = || format!("planned by the fault rule {} of the world", self.id);
        let Some(refuse) = &self.effect.refuse else {
            return self.replaces().then(|| Fault::new(codes::UNAVAILABLE, note()));
        };
        let number = u32::try_from(refuse.code).unwrap_or_default();
        let known = codes::ALL.iter().copied().find(|code| i64::from(code.number) == refuse.code);
        let fault =
            Fault::new(known.unwrap_or(Code { name: "INJECTED", number, status: 200, text: "" }), note());
        Some(match &refuse.text {
            Some(text) => fault.with_text(text.clone()),
            None => fault,
        })
    }
}

/// A request without its body.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a (dyn Headers + Sync),
}

impl<'a> Head<'a> {
    pub(super) fn of(request: &Request<'a>) -> Self {
        let Request { method, path, query, headers, .. } = *request;
        Head { method, path, query, headers }
    }
}

/// A call, as the rules see it.
struct Seen<'a> {
    operation: &'a str,
    method: &'a str,
    path: &'a str,
    query: &'a str,
    headers: Option<&'a (dyn Headers + Sync)>,
    token: &'static str,
    app: Option<AppId>,
    user: Option<String>,
    body: Option<Value>,
}

impl Subject for Seen<'_> {
    fn field(&self, name: &str) -> Option<Cow<'_, Value>> {
        let value = match name {
            "operation" => self.operation.into(),
            "method" => self.method.into(),
            "path" => self.path.into(),
            "token" => self.token.into(),
            "app_id" => self.app?.to_string().into(),
            "user" => self.user.clone()?.into(),
            "header" => {
                let pairs = self.headers?.all().into_iter();
                Value::Object(pairs.map(|(name, value)| (name.to_lowercase(), value.into())).collect())
            }
            "query" => {
                let text =
                    |text: &str| super::decode::form_text(text).map(Cow::into_owned).unwrap_or_default();
                let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
                let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
                Value::Object(pairs.map(|(a, b)| (text(a), text(b).into())).collect::<Map<_, _>>())
            }
            "body" => return self.body.as_ref().map(Cow::Borrowed),
            _ => return None,
        };
        Some(Cow::Owned(value))
    }
}

/// What the rules of a tenant do to a call with an access token. `body` is its body, if a rule looks at bodies.
pub(super) async fn of_token(
    app: &App,
    spec: &'static Spec,
    (request, call): (Head<'_>, &Call),
    body: Option<&Bytes>,
) -> Result<Option<Injected>, Fault> {
    let rules = app.faults.rules(call.tenant, &call.faults);
    let (token, user) = match &call.actor {
        Actor::Bot => ("tenant", None),
        Actor::User { grant, .. } => ("user", Some(grant.user_id.clone())),
    };
    let seen = Seen {
        operation: spec.id,
        method: request.method,
        path: request.path,
        query: request.query,
        headers: Some(request.headers),
        token,
        app: Some(call.app.app_id),
        user,
        body: body.and_then(|body| serde_json::from_slice(body).ok()),
    };
    decided(&app.engine, call.tenant, &rules, (call.now, &seen)).await
}

/// Whether a rule of the caller's tenant looks at bodies.
pub(super) fn reads_bodies(app: &App, call: &Call) -> bool {
    app.faults.rules(call.tenant, &call.faults).reads_bodies()
}

/// Notes what the rules do to a call without an access token, and which settings it has: those of the tenant that made the
/// app, or has the custom bot, that the call names.
pub(super) async fn of_root(
    app: &App,
    spec: &'static Spec,
    request: Head<'_>,
    (caller, received): (&Caller, &Received),
    trace: &mut Trace,
) -> Result<(), Fault> {
    let Caller::Root(call) = caller else { return Ok(()) };
    if matches!(spec.access, Access::Control) {
        return Ok(());
    }
    let (token, named) = named(app, spec, &call.presented, received);
    let found = match named {
        Named::Nothing => None,
        Named::App(app_id) => by_app(&app.engine, app_id).await?,
        Named::Tenant(tenant) => by_tenant(&app.engine, tenant).await?,
    };
    let Some(ruled) = found else { return Ok(()) };
    own::note(app, trace, ruled.tenant, &ruled.policy);
    if ruled.faults.is_empty() || app.engine.read_only {
        return Ok(());
    }
    let rules = app.faults.rules(ruled.tenant, &ruled.faults);
    let seen = Seen {
        operation: spec.id,
        method: request.method,
        path: request.path,
        query: request.query,
        headers: Some(request.headers),
        token,
        app: match named {
            Named::App(app_id) => Some(app_id),
            _ => None,
        },
        user: None,
        body: rules.reads_bodies().then(|| received.body.clone()),
    };
    let now = call.now.saturating_add(ruled.clock_offset_ms);
    trace.fault = decided(&app.engine, ruled.tenant, &rules, (now, &seen)).await?;
    Ok(())
}

/// What the rules do to a request for the address of long connections; it is no operation of the registry.
async fn of_endpoint(
    app: &App,
    request: (&str, &str),
    (app_id, ruled): (AppId, &Ruled),
) -> Result<Option<Injected>, Fault> {
    if app.engine.read_only || ruled.faults.is_empty() {
        return Ok(None);
    }
    let rules = app.faults.rules(ruled.tenant, &ruled.faults);
    let seen = Seen {
        operation: "callback.ws.endpoint",
        method: request.0,
        path: request.1,
        query: "",
        headers: None,
        token: "none",
        app: Some(app_id),
        user: None,
        body: None,
    };
    let now = app.engine.clock.now_ms().saturating_add(ruled.clock_offset_ms);
    decided(&app.engine, ruled.tenant, &rules, (now, &seen)).await
}

/// Whom a call without an access token names.
#[derive(Clone, Copy)]
enum Named {
    Nothing,
    App(AppId),
    Tenant(TenantKey),
}

fn named(app: &App, spec: &Spec, presented: &Presented, received: &Received) -> (&'static str, Named) {
    let keys = &app.engine.keys;
    let text = |name: &str| received.body.get(name).or_else(|| received.query.get(name))?.as_str();
    if spec.reply == Reply::Hook {
        let token = received.path.get("token").and_then(Value::as_str).and_then(HookToken::parse);
        let tenant = token.and_then(|token| keys.read_hook_token(token)).map(|(_, tenant)| tenant);
        return ("none", tenant.map_or(Named::Nothing, Named::Tenant));
    }
    let (token, presented) = match presented {
        Presented::App(app_id) => ("app", Some(*app_id)),
        Presented::Basic { id, .. } => ("basic", AppId::parse(id)),
        Presented::Nothing | Presented::Unreadable => ("none", None),
    };
    let inner = || Some(Token::read(text("app_access_token")?, keys)?.app);
    let found =
        presented.or_else(|| ["app_id", "client_id"].iter().find_map(|name| AppId::parse(text(name)?)));
    (token, found.or_else(inner).map_or(Named::Nothing, Named::App))
}

/// Counts the call for the rules that match it, and waits as long as they delay it. Returns the rule that ends it, else the
/// first one that delayed it.
async fn decided(
    engine: &Arc<Engine>,
    tenant: TenantKey,
    rules: &Rules,
    (now, seen): (i64, &Seen<'_>),
) -> Result<Option<Injected>, Fault> {
    let matching: Arc<Vec<Rule>> = Arc::new(rules.matching(Kind::Calls, now, seen).cloned().collect());
    if matching.is_empty() {
        return Ok(None);
    }
    let asked = matching.clone();
    let counted = engine.run(Effect::Writes, move |root| {
        let (mut tx, rules) = (root.tenant(tenant), asked.clone());
        Box::pin(async move { control::decide(&mut tx, &rules).await })
    });
    let Decided { delay_ms, used } = counted.await?;
    // Its transaction has ended: none is open while the call waits.
    let delay_ms = delay_ms.min(DELAY_MAX_MS);
    if delay_ms > 0 {
        sleep(Duration::from_millis(delay_ms)).await;
    }
    let used = used.and_then(|place| matching.get(place));
    Ok(used.map(|rule| Injected { id: rule.id.clone(), effect: rule.effect.clone(), delay_ms }))
}

/// Ends the call at a step, if the rule does so there. Calls without an access token have only the last step.
pub(super) fn apply(app: &App, spec: &Spec, trace: &Trace, step: Step) -> Result<(), Fault> {
    let Some(injected) = &trace.fault else { return Ok(()) };
    let call = match &trace.caller {
        Some(Caller::Token(call)) => Some(call),
        _ => None,
    };
    let Done { refuse, answer, cut, .. } = &injected.effect;
    let note = || format!("planned by the fault rule {} of the world", injected.id);
    if let Some(refuse) = refuse {
        if step == step_of(refuse.code) || (call.is_none() && step == Step::Execute) {
            let pace = app.frequency.pace(trace.own.as_deref());
            return Err(refusal(pace, (spec, call), refuse, note()));
        }
        return Ok(());
    }
    let instead = answer.is_some() || matches!(cut, Some(Cut { when: When::Before, .. }));
    if instead && (step == Step::Authenticate || call.is_none()) {
        return Err(Fault::new(codes::UNAVAILABLE, note()));
    }
    Ok(())
}

/// The codes that the platform answers before the operation, by step.
const STEPS: [(Step, &[Code]); 4] = [
    (
        Step::Authenticate,
        &[
            codes::TOKEN_MISSING,
            codes::TOKEN_INVALID,
            codes::APP_TOKEN_INVALID,
            codes::TENANT_CODE_INVALID,
            codes::USER_TOKEN_INVALID,
            codes::TOKEN_PREFIX_UNKNOWN,
            codes::TOKEN_EXPIRED,
        ],
    ),
    (
        Step::Authorize,
        &[codes::APP_DISABLED, codes::SCOPE_MISSING, codes::APP_NOT_INSTALLED, codes::USER_SCOPE_MISSING],
    ),
    (Step::Admit, &[codes::RATE_LIMITED, codes::QUOTA_SPENT]),
    (Step::Decode, &[codes::BAD_REQUEST, codes::FIELD_VALIDATION]),
];

/// The step at which the platform answers a code.
fn step_of(number: i64) -> Step {
    let has = |codes: &[Code]| codes.iter().any(|code| i64::from(code.number) == number);
    STEPS.iter().find(|(_, codes)| has(codes)).map_or(Step::Execute, |(step, _)| *step)
}

/// The platform's refusal with the code of a rule.
fn refusal(pace: Pace, (spec, call): (&Spec, Option<&Call>), refuse: &Refuse, note: String) -> Fault {
    let number = u32::try_from(refuse.code).unwrap_or_default();
    let all = spec.codes.iter().chain(codes::GATEWAY).chain(codes::OAUTH_GATEWAY).chain(codes::ALL);
    let unknown = Code { name: "INJECTED", number, status: 400, text: "" };
    let listed = spec.plannable(number).or_else(|| all.copied().find(|code| code.number == number));
    let code = listed.unwrap_or(unknown);
    let limited = [codes::RATE_LIMITED.number, codes::QUOTA_SPENT.number].contains(&number);
    let mut fault = if number == codes::RATE_LIMITED.number {
        let (cap, seconds) = spec.rate.windows.first().map_or((1, 1), |window| (window.cap, window.seconds));
        let fault = pace.refusal(Full { cap, seconds }, note);
        let status = spec.rate.status.unwrap_or(fault.code().status);
        let code = Code { status, ..fault.code() };
        fault.with_code(code)
    } else {
        Fault::new(code, note)
    };
    if let (true, Some(seconds)) = (limited, refuse.reset_s.and_then(|seconds| u32::try_from(seconds).ok())) {
        let cap = spec.rate.windows.first().map_or(1, |window| window.cap);
        fault = fault.with_retry(cap, seconds);
    }
    let scopes = [codes::SCOPE_MISSING.number, codes::USER_SCOPE_MISSING.number].contains(&number);
    if let Some(call) = call.filter(|_| scopes) {
        fault = fault.with_permissions(authorize::permissions(spec, call));
    }
    if let Some(status) = refuse.status.and_then(|status| u16::try_from(status).ok()) {
        let code = Code { status, ..fault.code() };
        fault = fault.with_code(code);
    }
    match &refuse.text {
        Some(text) => fault.with_text(text.clone()),
        None => fault,
    }
}

/// The rule that changes a request for the address of long connections, and the answer in its place, if the rule has one.
/// `request` is the method and the path; the app comes with the rules of its world.
pub(crate) async fn endpoint(
    app: &App,
    request: (&str, &str),
    named: (AppId, &Ruled),
) -> Result<Option<(Injected, Option<Response>)>, Fault> {
    let Some(injected) = of_endpoint(app, request, named).await? else { return Ok(None) };
    let refused = injected.effect.refuse.as_ref().zip(injected.at_endpoint());
    let response = match refused {
        Some((refuse, fault)) => {
            let body = serde_json::json!({"code": refuse.code, "msg": fault.text(), "data": {"URL": ""}});
            Some(Response::json(200, body.to_string()))
        }
        None => injected.outcome().map(|_| shape(Some(&injected), Response::json(200, ""))),
    };
    Ok(Some((injected, response)))
}

/// What the client gets in place of the response, if a rule says so.
pub(crate) fn shape(injected: Option<&Injected>, response: Response) -> Response {
    let Some(Injected { effect, .. }) = injected else { return response };
    match effect {
        Done { answer: Some(answer), .. } => {
            let media = answer.media.clone().unwrap_or_else(|| "text/html".to_owned());
            let body = answer.body.clone().unwrap_or_default();
            let status = u16::try_from(answer.status).unwrap_or(502);
            Response { content_type: media.into(), ..Response::plain(status, "", body) }
        }
        Done { cut: Some(cut), .. } => {
            let reset = cut.how == Some(How::Reset);
            let whole = match cut.when {
                When::Body => Some(response.body.bytes().clone()),
                When::Before | When::After => None,
            };
            Response { body: Body::Broken(Broken { whole, reset }), ..response }
        }
        Done { slow: Some(slow), .. } if !response.body.bytes().is_empty() => {
            let bytes = response.body.bytes().clone();
            let piece = usize::try_from(slow.bytes_per_s).unwrap_or(1).div_ceil(PIECES).max(1);
            Response { body: dribbled(bytes, piece), ..response }
        }
        Done { sign_in: Some(SignIn { result: SignInResult::WrongState }), .. } => {
            let location = response.location.as_deref().map(with_wrong_state);
            Response { location, ..response }
        }
        _ => response,
    }
}

/// Denies a sign-in that a user allowed, if the rule says so.
pub(super) fn deny(trace: &Trace, received: &mut Received) {
    let Some(Injected { effect: Done { sign_in: Some(sign_in), .. }, .. }) = &trace.fault else { return };
    if sign_in.result == SignInResult::Denied
        && let Some(decision) = received.body.get_mut("decision").filter(|decision| **decision == "allow")
    {
        *decision = "deny".into();
    }
}

/// The address to which a user goes back, with another `state`.
fn with_wrong_state(location: &str) -> String {
    let (front, fragment) = location.split_once('#').map_or((location, None), |(a, b)| (a, Some(b)));
    let (path, query) = front.split_once('?').unwrap_or((front, ""));
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("state="));
    let query = kept.chain(["state=wrong-state"]).collect::<Vec<_>>().join("&");
    match fragment {
        Some(fragment) => format!("{path}?{query}#{fragment}"),
        None => format!("{path}?{query}"),
    }
}

/// A body that is sent in pieces of a size.
fn dribbled(mut bytes: Bytes, piece: usize) -> Body {
    Body::stream(move |mut pieces| async move {
        while !bytes.is_empty() {
            let next = bytes.split_to(piece.min(bytes.len()));
            pieces.send(next).await;
            sleep(Duration::from_millis(1000 / PIECES as u64)).await;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_replaced_wherever_it_is() {
        for (address, other) in [
            ("http://a/?code=1&state=mine", "http://a/?code=1&state=wrong-state"),
            ("http://a/?state=mine&code=1#end", "http://a/?code=1&state=wrong-state#end"),
            ("http://a/", "http://a/?state=wrong-state"),
        ] {
            assert_eq!(with_wrong_state(address), other);
        }
    }

    #[test]
    fn codes_belong_to_steps() {
        for (code, step) in [
            (codes::TOKEN_INVALID, Step::Authenticate),
            (codes::SCOPE_MISSING, Step::Authorize),
            (codes::QUOTA_SPENT, Step::Admit),
            (codes::FIELD_VALIDATION, Step::Decode),
            (codes::INTERNAL, Step::Execute),
        ] {
            assert_eq!(step_of(i64::from(code.number)), step, "{code:?}");
        }
    }
}
