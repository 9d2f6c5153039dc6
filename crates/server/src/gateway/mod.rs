//! From a request to a response, in seven steps. None of them knows an operation's types; they read its spec.

pub(crate) mod admit;
mod authenticate;
mod authorize;
mod counting;
pub mod decode;
pub(crate) mod exchange;
mod execute;
pub(crate) mod faults;
pub mod limiter;
pub(crate) mod lines;
pub(crate) mod lookups;
pub(crate) mod own;
pub mod platform;
mod quota;
mod ranges;
pub mod rate_limits;
pub mod reply;
pub mod route;
pub(crate) mod who;
mod why;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use larkspur_api::pages::Frame;
use larkspur_api::tokens::Token;
use larkspur_api::{Answer, Caller, Presented, Received, Settings};
use larkspur_contract::{Access, Consumes, Fault, Method, Reply, Spec, codes, fields};
use larkspur_store::Work;
use serde_json::Value;
use tokio::sync::SemaphorePermit;

use crate::App;
use crate::call_id::CallId;
use crate::console;
use crate::request::{BodyError, BodySource, Request, Response};
use crate::site;
use crate::unpanicked::unpanicked;
use exchange::{Exchange, Step, Steps};
use faults::Injected;
use limiter::Used;
use lines::Line;
use own::Own;
use route::{Route, Routed};
use who::Who;

/// The most bytes of a JSON body. Source: assumed (contract: nothing is documented).
pub const JSON_LIMIT: usize = 10 << 20;
/// How many bytes a multipart body may have beyond the largest file that the operation accepts. The operation's own code
/// (234006) thus refuses a file that is a little too large, and not the gateway's.
pub const MULTIPART_MARGIN: usize = (10 << 20) + (64 << 10);
/// How many MiB of multipart bodies are in memory at the same time. Further uploads wait before their bodies are read.
pub const UPLOADS_MIB: usize = 512;
/// The most bytes of a body without a token or a key.
pub const OPEN_LIMIT: usize = 1 << 20;

/// Answers a request.
pub(crate) async fn handle(app: &App, mut request: Request<'_>) -> Response {
    let (now, began) = (app.engine.clock.now_ms(), Instant::now());
    let id = app.call_ids.next(now);
    let mut trace = Trace {
        id,
        caller: None,
        token: None,
        own: None,
        noted: false,
        planned: false,
        soft: None,
        fault: None,
        replaced: false,
        session: false,
        frame: Frame::PLAIN,
        recorded: app.is_recorded(),
        body: None,
        work: Work::default(),
        used: Used::default(),
        began,
        steps: Steps::of(app.is_recorded(), began),
    };
    let routed = app.routes.find(request.method, request.path);
    let ended = match &routed {
        Some(routed) => operation(app, routed, &mut request, (now, began), &mut trace).await,
        None => platform::answer(app, &request, id, now, began),
    };
    if trace.recorded && !trace.noted {
        own::look_up(app, ended.spec, faults::Head::of(&request), &mut trace).await;
    }
    if trace.recorded {
        record(app, &request, &ended, &trace, (now, routed.map(|routed| routed.route)));
    }
    // Files of a world may be hostile, and are opened by browsers with the control key, too.
    let file = |spec: &Spec| spec.reply == Reply::Bytes && matches!(spec.access, Access::Control);
    let response = match trace.session || ended.spec.is_some_and(file) {
        true => console::as_data(ended.response),
        false => ended.response,
    };
    // What is recorded is the whole answer, even if less of it is sent.
    faults::shape(trace.fault.as_ref(), response)
}

/// Calls an operation of the control API from inside the process.
pub(crate) async fn own_call(app: &App, id: &str, body: &Value) -> Result<Value, Fault> {
    let entry = app.options.registry.iter().copied().flatten().find(|entry| entry.spec.id == id);
    let entry = entry.ok_or_else(|| Fault::new(codes::INTERNAL, format!("there is no operation {id}")))?;
    let caller = authenticate::root(app, app.engine.clock.now_ms(), Presented::Nothing);
    let received = Received { body: body.clone(), ..Received::default() };
    match execute::execute(app, entry, (caller, received), &mut Work::default()).await? {
        Answer::Json(json) => serde_json::from_slice(&json)
            .map_err(|error| Fault::new(codes::INTERNAL, format!("an answer is not JSON: {error}"))),
        _ => Err(Fault::new(codes::INTERNAL, format!("{id} answers no JSON"))),
    }
}

/// Shows a call that has ended to the recorders.
fn record(
    app: &App,
    request: &Request<'_>,
    ended: &Ended,
    trace: &Trace,
    (now, route): (i64, Option<&Route>),
) {
    let own_answer = ended.code == Some(0) && !trace.planned && !trace.replaced && trace.fault.is_none();
    let authorization = request.header("authorization");
    let exchange = Exchange {
        id: trace.id,
        at_ms: now,
        took: trace.began.elapsed(),
        who: Who::of(&app.engine.keys, ended.spec, authorization, trace.caller.as_ref()),
        caller: trace.caller.as_ref(),
        token: trace.token,
        steps: trace.steps,
        spec: ended.spec,
        operation: ended.operation,
        peer: request.peer,
        method: request.method,
        path: request.path,
        query: request.query,
        headers: request.headers,
        body: trace.body.as_ref(),
        code: ended.code,
        fault: ended.fault.as_ref(),
        soft: trace.soft.as_ref(),
        work: &trace.work,
        used: trace.used,
        planned: trace.planned,
        injected: trace.fault.as_ref(),
        response: &ended.response,
        has_plain_names: own_answer && route.is_some_and(Route::has_plain_names),
    };
    let own = trace.own.as_ref().map(|own| own.overrides().traffic).unwrap_or_default();
    if own.record.unwrap_or(app.traffic.is_on()) {
        app.traffic.record(&exchange, &app.engine.keys, own.body_kb);
    }
    if let Some(recorder) = &app.options.recorder {
        recorder.record(&exchange);
    }
}

/// The result of a call.
struct Ended {
    response: Response,
    spec: Option<&'static Spec>,
    /// The id of the operation, even if it is not served.
    operation: Option<&'static str>,
    /// The code of the answer, 0 for success; `None` for an unknown path.
    code: Option<u32>,
    fault: Option<Fault>,
}

/// What is known of a call so far, for the log, the answer and a recorder.
struct Trace {
    id: CallId,
    caller: Option<Caller>,
    /// The content of the access token, if it was read.
    token: Option<Token>,
    /// The settings of the tenant that the call is about, if it has its own.
    own: Option<Arc<Own>>,
    /// Whether the settings of its tenant were looked at.
    noted: bool,
    /// Whether a test planned the refusal.
    planned: bool,
    /// The refusal for want of a scope that the tenant's settings prevented.
    soft: Option<Fault>,
    /// The rule that changes the call.
    fault: Option<Injected>,
    /// Whether the answer is not the platform's.
    replaced: bool,
    /// Whether a session of the console stood in for the control key.
    session: bool,
    /// The frame around the page, if a page is answered.
    frame: Frame,
    /// Whether it is recorded.
    recorded: bool,
    /// The body, if it was read and the call is recorded.
    body: Option<Bytes>,
    /// What the operation did.
    work: Work,
    /// How many calls the windows of the rate limit have.
    used: Used,
    /// When it arrived.
    began: Instant,
    /// When its steps ended, if it is recorded.
    steps: Steps,
}

impl Trace {
    /// Keeps the body of a recorded call. Of a call without an access token it is returned, too: which world that is about, and
    /// whether it records, is known later.
    fn keep(&mut self, spec: &Spec, caller: &Caller, body: &Bytes) -> Option<Bytes> {
        let is_late = matches!(caller, Caller::Root(_));
        let has_body = !matches!(spec.consumes, Consumes::Nothing);
        let kept = ((self.recorded || is_late) && has_body).then(|| body.clone());
        if self.recorded {
            self.body.clone_from(&kept);
        }
        kept.filter(|_| is_late)
    }

    /// Keeps a body after it is known that the call is recorded.
    fn keep_late(&mut self, body: Option<Bytes>) {
        if self.recorded && self.body.is_none() {
            self.body = body;
        }
    }

    /// Decides whether the call is recorded.
    fn record(&mut self, recorded: bool) {
        if recorded != self.recorded {
            self.recorded = recorded;
            self.steps = Steps::of(recorded, self.began);
        }
    }
}

/// Answers a call that arrived at the real time `now`, and logs and counts it.
async fn operation(
    app: &App,
    routed: &Routed<'_, '_>,
    request: &mut Request<'_>,
    (now, began): (i64, Instant),
    trace: &mut Trace,
) -> Ended {
    let spec = routed.route.entry.spec;
    if spec.reply == Reply::Page {
        let is_get = spec.route.method == Method::Get;
        trace.frame = Frame::of(request.query, request.header("accept-language"), is_get);
    }
    // Pinned here, to avoid moving some kilobytes of future.
    let outcome = match unpanicked(pin!(steps(app, routed, request, now, trace))).await {
        Ok(outcome) => outcome,
        // Where it panicked is unknown: report the outcome as unknown.
        Err(why) => Err(Fault::new(codes::INTERNAL, format!("the operation panicked: {why}")).in_doubt()),
    };
    let outcome = outcome.map_err(|fault| with_cause(own::settings(app, trace), spec, in_form(spec, fault)));
    let number = outcome.as_ref().map_or_else(|fault| fault.code().number, |_| 0);
    let took = began.elapsed();
    app.metrics.record(routed.route.index, number, took);
    let line = || {
        let authorization = request.header("authorization");
        let who = Who::of(&app.engine.keys, Some(spec), authorization, trace.caller.as_ref());
        let who = who.about(&routed.params());
        Line::of(&trace.id, who, took).answering(spec.id, number)
    };
    let (response, fault) = match outcome {
        Err(fault) => {
            refused(app, spec, &fault, line(), trace.planned);
            debug_assert!(is_about_the_request(routed, &fault), "{}: {:?}", spec.id, fault.violations());
            (reply::failure(app, routed, &fault, trace), Some(fault))
        }
        Ok(answer) => {
            if tracing::enabled!(tracing::Level::DEBUG) {
                lines::answered(line());
            }
            // Without validators in the answer, a condition on a range never applies.
            let range = request.header("range").filter(|_| request.header("if-range").is_none());
            (reply::success(app, routed, answer, (trace, range)), None)
        }
    };
    let response = match trace.replaced {
        true => faults::shape(trace.fault.as_ref(), response),
        false => response,
    };
    // Nothing of the platform answers in place of a proxy, or on a connection that was cut before.
    let code = (!trace.replaced).then_some(number);
    Ended { response, spec: Some(spec), operation: Some(spec.id), code, fault }
}

async fn steps(
    app: &App,
    routed: &Routed<'_, '_>,
    request: &mut Request<'_>,
    now: i64,
    trace: &mut Trace,
) -> Result<Answer, Fault> {
    let spec = routed.route.entry.spec;
    site::check(&app.options, spec, request.headers)?;
    trace.session = app.console.admits(spec, (request.method, request.headers), now)?;
    let mut caller = match trace.session {
        true => authenticate::by_session(app, now),
        false => authenticate::authenticate(app, spec, (request.header("authorization"), now), trace).await?,
    };
    if let Caller::Root(call) = &mut caller {
        call.frame = trace.frame.clone();
        call.address = site::address(request.peer, request.headers);
        if matches!(spec.access, Access::Control) {
            call.origin = site::origin(request.headers, &app.options.public_url, ["http", "https"]);
            call.last_event_id = request.header("last-event-id").map(str::to_owned);
        }
    }
    trace.caller = Some(caller.clone());
    let early = look(app, spec, request, trace).await?;
    inject(app, spec, trace, Step::Authenticate)?;
    trace.steps.end(Step::Authenticate);
    inject(app, spec, trace, Step::Authorize)?;
    trace.soft = authorize::authorize(spec, &caller)?;
    trace.steps.end(Step::Authorize);
    inject(app, spec, trace, Step::Admit)?;
    let pace = app.frequency.pace(trace.own.as_deref());
    app.frequency.admit(spec, routed.route.index, (&caller, pace), now, &mut trace.used).await?;
    quota::admit(app, &caller, now).await?;
    trace.steps.end(Step::Admit);
    execute::permitted(&app.engine, spec)?;
    inject(app, spec, trace, Step::Decode)?;
    // Held until the call is answered.
    let _room = room(app, spec, request.header("content-length")).await?;
    let body = match early {
        Some(body) => body,
        None => read(spec, request.body).await?,
    };
    let kept = trace.keep(spec, &caller, &body);
    let raw = decode::Raw {
        params: &routed.params(),
        query: request.query,
        content_type: request.header("content-type"),
        body,
    };
    let mut received = decode::decode(spec, routed.route.shapes(), own::settings(app, trace), raw)?;
    if matches!(caller, Caller::Root(_)) {
        faults::of_root(app, spec, faults::Head::of(request), (&caller, &received), trace).await?;
        faults::deny(trace, &mut received);
        own::give(&mut caller, trace);
        trace.keep_late(kept);
    }
    let pace = app.frequency.pace(trace.own.as_deref());
    let whose = (&caller, &received, pace);
    app.frequency.admit_client(spec, routed.route.index, whose, now, &mut trace.used).await?;
    inject(app, spec, trace, Step::Execute)?;
    trace.steps.end(Step::Decode);
    let call = (caller, received);
    let answer = execute::execute(app, routed.route.entry, call, &mut trace.work).await?;
    trace.steps.end(Step::Execute);
    Ok(answer)
}

/// Looks at the rules of the caller's tenant. Returns the body, if a rule looks at it.
async fn look(
    app: &App,
    spec: &'static Spec,
    request: &mut Request<'_>,
    trace: &mut Trace,
) -> Result<Option<Bytes>, Fault> {
    let Some(Caller::Token(call)) = &trace.caller else { return Ok(None) };
    if call.faults.is_empty() || app.engine.read_only {
        return Ok(None);
    }
    let has_body = matches!(spec.consumes, Consumes::Json | Consumes::Form);
    let early = match has_body && faults::reads_bodies(app, call) {
        true => Some(read(spec, request.body).await?),
        false => None,
    };
    trace.fault = faults::of_token(app, spec, (faults::Head::of(request), call), early.as_ref()).await?;
    Ok(early)
}

/// Ends the call at a step, if a rule does so there.
fn inject(app: &App, spec: &Spec, trace: &mut Trace, step: Step) -> Result<(), Fault> {
    faults::apply(app, spec, trace, step).inspect_err(|_| {
        trace.planned = true;
        trace.replaced = trace.fault.as_ref().is_some_and(|rule| rule.effect.refuse.is_none());
    })
}

/// Waits until there is room for a multipart body; `length` is what its head says.
async fn room<'a>(
    app: &'a App,
    spec: &Spec,
    length: Option<&str>,
) -> Result<Option<SemaphorePermit<'a>>, Fault> {
    let Consumes::Multipart { most, .. } = spec.consumes else { return Ok(None) };
    let room = app.uploads.acquire_many(mebibytes(most.saturating_add(MULTIPART_MARGIN), length)).await;
    room.map(Some).map_err(|_| Fault::new(codes::UNAVAILABLE, "the server takes no uploads any more"))
}

/// The MiB that a body may take: its length, if that is known, and at most its limit.
fn mebibytes(limit: usize, length: Option<&str>) -> u32 {
    let bytes = length.and_then(|text| text.parse::<usize>().ok()).unwrap_or(limit).min(limit);
    u32::try_from(bytes.div_ceil(1 << 20).clamp(1, UPLOADS_MIB)).unwrap_or(1)
}

/// The body of an admitted call. A body that the operation does not take is not read.
async fn read(spec: &Spec, body: &mut dyn BodySource) -> Result<Bytes, Fault> {
    let limit = match (spec.access, spec.consumes) {
        (_, Consumes::Nothing) => return Ok(Bytes::new()),
        (Access::Open | Access::App | Access::AppOrBody, _) => OPEN_LIMIT,
        (_, Consumes::Multipart { most, .. }) => most.saturating_add(MULTIPART_MARGIN),
        _ => JSON_LIMIT,
    };
    body.read(limit).await.map_err(|error| match error {
        BodyError::TooLarge => {
            Fault::new(codes::BODY_TOO_LARGE, format!("the body is larger than {limit} bytes"))
        }
        BodyError::Broken(why) => Fault::new(codes::BAD_REQUEST, format!("the body was cut off: {why}")),
    })
}

/// Logs and counts a refusal, and an answer that the operation's page does not list.
fn refused(app: &App, spec: &'static Spec, fault: &Fault, line: Line<'_>, planned: bool) {
    let code = fault.code();
    if fault.is_in_doubt() {
        app.metrics.doubtful.fetch_add(1, Ordering::Relaxed);
    }
    lines::refused(line, fault, planned);
    if !planned && !is_documented(spec, fault) {
        app.metrics.undocumented.fetch_add(1, Ordering::Relaxed);
        lines::undocumented(line, fault);
        debug_assert!(false, "{} answered {code:?}, which its spec does not list: {}", spec.id, fault.note());
    }
}

/// A refusal of the gateway in the error codes of an OAuth endpoint, or of a custom bot.
fn in_form(spec: &Spec, fault: Fault) -> Fault {
    // The URL of a custom bot answers every body that it cannot read alike.
    if spec.reply == Reply::Hook && fault.code() == codes::BODY_TOO_LARGE {
        return fault.with_code(codes::BAD_REQUEST);
    }
    let code = codes::oauth_instead(fault.code());
    if !matches!(spec.reply, Reply::OAuth | Reply::Page) || code == fault.code() {
        return fault;
    }
    let doubtful = fault.is_in_doubt();
    let fault = Fault::new(code, format!("{:?}: {}", fault.code(), fault.note())).explained_as(&fault);
    if doubtful { fault.in_doubt() } else { fault }
}

/// A refusal with its cause, if it is known and may be shown: at least the first invalid field.
fn with_cause(settings: &Settings, spec: &Spec, fault: Fault) -> Fault {
    if !settings.error_causes || spec.page_speaks() {
        return fault.without_cause();
    }
    let named = fault.cause().is_none() && codes::NAME_THE_FIELD.contains(&fault.code());
    match fault.violations().first().filter(|_| named) {
        Some(first) => {
            let cause = format!("invalid {}", fields::leaf(&first.field));
            fault.with_cause(cause)
        }
        None => fault,
    }
}

fn is_documented(spec: &Spec, fault: &Fault) -> bool {
    let number = fault.code().number;
    number == spec.invalid.number
        || spec.codes.iter().chain(codes::GATEWAY).any(|code| code.number == number)
        || (matches!(spec.reply, Reply::OAuth | Reply::Page)
            && codes::OAUTH_GATEWAY.iter().any(|code| code.number == number))
        || (spec.is_for_apps() && number == codes::AUTHEN_APP_TOKEN_INVALID.number)
        || (matches!(spec.access, Access::Control)
            && codes::CONTROL_GATEWAY.iter().any(|code| code.number == number))
        || ((matches!(spec.access, Access::Control) || spec.reply == Reply::Page)
            && number == codes::HOST_UNKNOWN.number)
}

/// Whether every field that a refusal names belongs to the operation, by its whole path.
fn is_about_the_request(routed: &Routed<'_, '_>, fault: &Fault) -> bool {
    let shapes = routed.route.shapes();
    let file = match routed.route.entry.spec.consumes {
        Consumes::Multipart { file, .. } => file,
        _ => "",
    };
    let parts = [&shapes.path, &shapes.query, &shapes.body];
    // The control API also names the parts of its objects.
    if matches!(routed.route.entry.spec.access, Access::Control) {
        return true;
    }
    fault.violations().iter().all(|one| one.field == file || parts.iter().any(|part| part.has(&one.field)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_takes_the_room_that_it_announces() {
        let most = 40 << 20;
        for (length, expected) in [
            (None, 40),
            (Some("0"), 1),
            (Some("1048576"), 1),
            (Some("1048577"), 2),
            (Some("99999999999"), 40),
            (Some("-1"), 40),
        ] {
            assert_eq!(mebibytes(most, length), expected, "{length:?}");
        }
        assert_eq!(mebibytes(usize::MAX, None) as usize, UPLOADS_MIB, "it can be had at all");
    }
}
