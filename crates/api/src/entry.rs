//! An operation as a trait, and its erasure to a spec and function pointers, to compile the gateway only once.

use std::any::Any;
use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use larkspur_contract::fields::Shape;
use larkspur_contract::ids::TenantKey;
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes};
use larkspur_store::blobs::{BlobKey, Content};
use larkspur_store::{
    BoxFuture, Emitted, Engine, Memory, Root, Session, StoreError, Tx, Unit, Verdict, Work,
};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::people::People;
use crate::{Asking, Call, Caller, Question, RootCall, Told};

/// One operation of the platform.
pub trait Operation: Sized + Send + Sync + 'static {
    /// Its description.
    const SPEC: &'static Spec;
    /// Whether it only adds rows through [`Tx`], as long as they are added; it may emit events. Concurrent calls of one tenant
    /// can then share a transaction; see [`Unit::only_adds`].
    const ONLY_ADDS: bool = false;
    /// What it runs on: [`Tx`] for calls with a token, [`Root`] for the others, [`crate::Process`] for those about the
    /// server process.
    type Ground: Ground;
    /// Path parameters.
    type Path: Wire;
    /// Query parameters.
    type Query: Wire;
    /// The body.
    type Body: Wire;
    /// The members of a successful answer's `data`.
    type Output: Serialize + JsonSchema + Send;

    /// Runs in one transaction. It may be run again from the start if the transaction collides with another.
    fn run(
        ground: &mut Self::Ground,
        call: &<Self::Ground as Ground>::Call,
        input: &Input<Self>,
    ) -> impl Future<Output = Result<Self::Output, Fault>> + Send;

    /// Answers from memory alone, if it can: writes the JSON of its output and returns true. Called only for operations
    /// that read.
    fn recall(
        _memory: &Memory,
        _call: &<Self::Ground as Ground>::Call,
        _input: &Input<Self>,
        _out: &mut Vec<u8>,
    ) -> bool {
        false
    }

    /// What the browser gets for a [`Reply::Page`] answer.
    fn page(_output: &mut Self::Output) -> Option<Browse> {
        None
    }

    /// The pieces of a [`Reply::Events`] answer, which are made while they are read.
    fn feed(_output: &mut Self::Output) -> Option<Box<dyn Feed>> {
        None
    }

    /// The bytes of a [`Reply::Bytes`] answer, and what they are.
    fn bytes(_output: &mut Self::Output) -> Option<(Content, Media)> {
        None
    }

    /// The ids of people in its body. The gateway translates them before the operation runs: the first unknown id is
    /// answered in place of any other refusal. Operations that list unknown ids in their answer return `None`.
    fn people(_input: &Input<Self>) -> Option<People<'_>> {
        None
    }

    /// The file to store before the operation runs. It depends only on the call and the input. It is `None` for a file
    /// that will be refused.
    fn keeps(_call: &<Self::Ground as Ground>::Call, _input: &Input<Self>) -> Option<BlobKey> {
        None
    }
}

/// A type that is read from the wire.
pub trait Wire: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {}
impl<T: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static> Wire for T {}

/// No parameters.
#[derive(Debug, Clone, Copy, Default, Serialize, serde::Deserialize, JsonSchema)]
pub struct Empty {}

/// The input of an operation.
#[derive(Debug)]
pub struct Input<O: Operation> {
    /// Path parameters.
    pub path: O::Path,
    /// Query parameters.
    pub query: O::Query,
    /// The body.
    pub body: O::Body,
    /// The file of a multipart body.
    pub file: Option<Bytes>,
    /// The key of the stored file, if the store keeps files outside and the operation asked for it.
    pub kept: OnceLock<BlobKey>,
    /// The question to a request address that the operation may need answered.
    pub asking: Asking,
}

/// What an operation runs on.
pub trait Ground: Sized + Send {
    /// Its kind of call.
    type Call: Send + Sync + 'static;

    /// Extracts its kind of call from a caller; `None` if the gateway sent the other kind.
    fn call(caller: Caller) -> Option<Self::Call>;
    /// Opens it on a session.
    fn open(session: Box<dyn Session>, engine: &Arc<Engine>, call: &Self::Call, effect: Effect) -> Self;
    /// Opens it without a session, if it needs none: the operation then runs outside of any transaction.
    fn outside(_engine: &Arc<Engine>, _call: &Self::Call) -> Option<Self> {
        None
    }
    /// Fails if a statement failed.
    fn outcome(&self) -> Result<(), StoreError>;
    /// What was done until now.
    fn work(&self) -> Work;
    /// Whether it is to be undone, although the operation succeeds.
    fn is_discarded(&self) -> bool {
        false
    }
    /// Writes what a successful operation deferred to its end.
    fn settle(&mut self) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// The only tenant whose rows it writes, if there is one.
    fn tenant(call: &Self::Call) -> Option<TenantKey>;
    /// The refusal to answer: the operation's, or that of an id which the gateway cannot translate, which takes
    /// precedence.
    fn refusal(
        &mut self,
        call: &Self::Call,
        people: &People<'_>,
        refused: Fault,
    ) -> impl Future<Output = Fault> + Send;
}

impl Ground for Tx {
    type Call = Call;

    fn call(caller: Caller) -> Option<Call> {
        match caller {
            Caller::Token(call) => Some(call),
            Caller::Root(_) => None,
        }
    }
    fn open(session: Box<dyn Session>, engine: &Arc<Engine>, call: &Call, effect: Effect) -> Self {
        Tx::new(session, engine.clone(), call.tenant, effect)
    }
    fn outcome(&self) -> Result<(), StoreError> {
        Tx::outcome(self)
    }
    fn work(&self) -> Work {
        Tx::work(self)
    }
    async fn settle(&mut self) -> Result<(), StoreError> {
        Tx::settle(self).await
    }
    fn tenant(call: &Call) -> Option<TenantKey> {
        Some(call.tenant)
    }
    async fn refusal(&mut self, call: &Call, people: &People<'_>, refused: Fault) -> Fault {
        match people.untranslated(self, call, refused.code()).await {
            Ok(first) => first.unwrap_or(refused),
            Err(failed) => failed,
        }
    }
}

impl Ground for Root {
    type Call = RootCall;

    fn call(caller: Caller) -> Option<RootCall> {
        match caller {
            Caller::Root(call) => Some(call),
            Caller::Token(_) => None,
        }
    }
    fn open(session: Box<dyn Session>, engine: &Arc<Engine>, _call: &RootCall, effect: Effect) -> Self {
        Root::new(session, engine.clone(), effect)
    }
    fn outcome(&self) -> Result<(), StoreError> {
        Root::outcome(self)
    }
    fn work(&self) -> Work {
        Root::work(self)
    }
    fn is_discarded(&self) -> bool {
        Root::is_discarded(self)
    }
    async fn settle(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
    fn tenant(_call: &RootCall) -> Option<TenantKey> {
        None
    }
    async fn refusal(&mut self, _call: &RootCall, _people: &People<'_>, refused: Fault) -> Fault {
        refused
    }
}

/// The decoded parts of a request, checked against the entry's shapes.
#[derive(Debug, Default)]
pub struct Received {
    /// Path parameters, as an object.
    pub path: Value,
    /// Query parameters, as an object.
    pub query: Value,
    /// The body, as an object.
    pub body: Value,
    /// The file of a multipart body.
    pub file: Option<Bytes>,
}

/// The source of an answer that is produced while it is read.
pub trait Feed: Send {
    /// Waits for the next piece; `None` ends the answer. It is canceled and called again at any time.
    fn next(&mut self) -> BoxFuture<'_, Option<Bytes>>;
    /// The last piece, when the server stops.
    fn last(&mut self) -> Option<Bytes>;
}

/// The answer of an operation.
pub enum Answer {
    /// The JSON of its output.
    Json(Vec<u8>),
    /// Bytes. The client may ask for a part of them.
    Bytes(Bytes, Media),
    /// The same, if the bytes are stored as a file.
    Kept(BlobKey, Media),
    /// For a browser.
    Browse(Browse),
    /// Server-sent events, in pieces.
    Feed(Box<dyn Feed>),
}

/// What the bytes of an answer are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Media {
    /// Their media type.
    pub content_type: String,
    /// The name to save them under, if they are a file. The answer then has a `Content-Disposition`.
    pub file_name: Option<String>,
    /// Whether a browser may show a file instead of saving it.
    pub inline: bool,
}

/// The output of an operation whose answer is a stored content: no JSON, but [`Reply::Bytes`].
#[derive(Debug, Serialize, JsonSchema)]
pub struct Download {
    #[serde(skip)]
    content: Option<Content>,
    #[serde(skip)]
    media: Media,
}

impl Download {
    /// A content, and what it is.
    pub fn new(content: Content, media: Media) -> Self {
        Download { content: Some(content), media }
    }

    /// Its content, for [`Operation::bytes`]; `None` if it was taken before.
    pub fn take(&mut self) -> Option<(Content, Media)> {
        Some((self.content.take()?, std::mem::take(&mut self.media)))
    }
}

/// The response to a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Browse {
    /// A page, as HTML.
    Page(String),
    /// A redirect to another URL, in printable ASCII.
    Elsewhere(String),
}

/// One operation of the registry, with its types erased.
pub struct Entry {
    /// Its description.
    pub spec: &'static Spec,
    prepare: fn(Arc<Engine>, Caller, Received) -> Result<Invocation, Fault>,
    schemas: fn() -> Schemas,
}

/// The JSON Schemas of an operation.
#[derive(Debug, Clone)]
pub struct Schemas {
    /// Of the path parameters.
    pub path: Value,
    /// Of the query parameters.
    pub query: Value,
    /// Of the body.
    pub body: Value,
    /// Of the answer's `data`.
    pub output: Value,
}

/// The compiled shapes of an operation's input.
#[derive(Debug)]
pub struct Shapes {
    /// Of the path parameters.
    pub path: Shape,
    /// Of the query parameters.
    pub query: Shape,
    /// Of the body.
    pub body: Shape,
}

/// A call that is ready to run.
pub enum Invocation {
    /// Already answered, from memory.
    Recalled(Answer),
    /// To be run by a driver.
    Pending(Arc<dyn Job>),
    /// To be awaited, outside of any transaction.
    Outside(BoxFuture<'static, Result<Answer, Fault>>),
}

/// A unit of work whose result can be taken once its transaction has ended.
pub trait Job: Unit {
    /// The answer of the operation.
    fn take(&self) -> Result<Answer, Fault>;
    /// The file to store before this runs.
    fn keeps(&self) -> Option<(BlobKey, Bytes)>;
    /// Records that the file was stored.
    fn kept(&self, key: BlobKey);
    /// The question to an app that it left when it ran: once it is answered, it is to be run again.
    fn question(&self) -> Option<Question>;
    /// Tells it the answer to its question.
    fn told(&self, told: Told);
    /// What it did. If it was refused, its events were undone.
    fn work(&self) -> Work;
    /// The same object as a unit, for the driver.
    fn unit(self: Arc<Self>) -> Arc<dyn Unit>;
}

/// Erases the types of an operation. A constant: the registry is built at compile time.
pub const fn entry<O: Operation>() -> Entry {
    Entry { spec: O::SPEC, prepare: prepare::<O>, schemas: schemas::<O> }
}

impl Entry {
    /// Computes the JSON Schemas.
    pub fn schemas(&self) -> Schemas {
        (self.schemas)()
    }

    /// Computes the compiled shapes; the gateway keeps them.
    pub fn shapes(&self) -> Shapes {
        let schemas = self.schemas();
        Shapes {
            path: Shape::compile(&schemas.path),
            query: Shape::compile(&schemas.query),
            body: Shape::compile(&schemas.body),
        }
    }

    /// Turns a decoded request into a call that can run, or answers it from memory.
    pub fn prepare(
        &self,
        engine: Arc<Engine>,
        caller: Caller,
        received: Received,
    ) -> Result<Invocation, Fault> {
        (self.prepare)(engine, caller, received)
    }

    /// Whether the operation needs a token. A test checks that this agrees with its ground.
    pub fn is_behind_token(&self) -> bool {
        matches!(self.spec.access, Access::Token { .. })
    }
}

fn schemas<O: Operation>() -> Schemas {
    let mut schemas = Schemas {
        path: schema::<O::Path>(false),
        query: schema::<O::Query>(false),
        body: schema::<O::Body>(false),
        output: schema::<O::Output>(true),
    };
    // Larkspur's own API refuses unknown members; the platform ignores them.
    if matches!(O::SPEC.access, Access::Control) {
        close(&mut schemas.query);
        if O::SPEC.consumes != Consumes::Nothing {
            close(&mut schemas.body);
        }
    }
    schemas
}

/// Closes every object in a schema: unknown members become violations.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.values_mut().for_each(close);
            let kinds = map.get("type");
            let object = |kind: &Value| kind.as_str() == Some("object");
            if kinds.is_some_and(|kinds| {
                object(kinds) || kinds.as_array().is_some_and(|all| all.iter().any(object))
            }) {
                map.entry("additionalProperties").or_insert(Value::Bool(false));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}

/// The JSON Schema of a type of Larkspur's own, in which unknown members are violations.
pub fn closed_schema<T: JsonSchema>() -> Value {
    let mut schema = schema::<T>(false);
    close(&mut schema);
    schema
}

/// As [`closed_schema`], compiled.
pub fn closed_shape<T: JsonSchema>() -> Shape {
    Shape::compile(&closed_schema::<T>())
}

/// The JSON Schema of a type, as it is read, or written.
pub(crate) fn schema<T: JsonSchema>(output: bool) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let settings = if output { settings.for_serialize() } else { settings.for_deserialize() };
    settings.into_generator().into_root_schema_for::<T>().into()
}

fn prepare<O: Operation>(
    engine: Arc<Engine>,
    caller: Caller,
    received: Received,
) -> Result<Invocation, Fault> {
    let call = O::Ground::call(caller).ok_or_else(|| {
        Fault::new(codes::INTERNAL, "the access of the spec does not match the operation's ground")
    })?;
    let input = Input::<O> {
        path: read(received.path)?,
        query: read(received.query)?,
        body: read(received.body)?,
        file: received.file,
        kept: OnceLock::new(),
        asking: Asking::default(),
    };
    let mut out = Vec::new();
    if O::SPEC.effect == Effect::Reads && O::recall(&engine.memory, &call, &input, &mut out) {
        return Ok(Invocation::Recalled(Answer::Json(out)));
    }
    if let Some(mut ground) = O::Ground::outside(&engine, &call) {
        return Ok(Invocation::Outside(Box::pin(async move {
            let mut output =
                O::run(&mut ground, &call, &input).await.map_err(|refused| O::SPEC.recoded(refused))?;
            answer::<O>(&mut output)
        })));
    }
    let (result, work) = (Mutex::default(), Mutex::default());
    Ok(Invocation::Pending(Arc::new(Running::<O> { engine, call, input, result, work })))
}

/// Reads a checked value into its type. Check and type come from the same schema, so a failure is a rule that the
/// schema cannot express, such as a number out of the range of its type.
fn read<T: DeserializeOwned + Any>(value: Value) -> Result<T, Fault> {
    let value = if value.is_null() { Value::Object(serde_json::Map::new()) } else { value };
    serde_json::from_value(value).map_err(|error| Fault::new(codes::BAD_REQUEST, error.to_string()))
}

struct Running<O: Operation> {
    engine: Arc<Engine>,
    call: <O::Ground as Ground>::Call,
    input: Input<O>,
    result: Mutex<Option<Result<Answer, Fault>>>,
    work: Mutex<Work>,
}

impl<O: Operation> Unit for Running<O> {
    fn run(&self, session: Box<dyn Session>) -> BoxFuture<'_, Result<Verdict, StoreError>> {
        Box::pin(async move {
            let mut ground = O::Ground::open(session, &self.engine, &self.call, O::SPEC.effect);
            let result = O::run(&mut ground, &self.call, &self.input).await;
            let result = result.map_err(|refused| O::SPEC.recoded(refused));
            let result = match result {
                Err(refused) => Err(match O::people(&self.input) {
                    Some(people) => ground.refusal(&self.call, &people, refused).await,
                    None => refused,
                }),
                done => done,
            };
            let stays = result.as_ref().err().is_none_or(Fault::keeps_writes);
            if stays {
                ground.settle().await?;
            }
            ground.outcome()?;
            let kept = stays && !ground.is_discarded();
            let verdict = if kept { Verdict::Commit } else { Verdict::Rollback };
            let mut work = ground.work();
            for Emitted { kind, .. } in &work.events {
                let listed = O::SPEC.emits.iter().any(|known| known.name == kind.name);
                debug_assert!(listed, "{} emitted {}, which its spec does not list", O::SPEC.id, kind.name);
            }
            if !stays {
                work.events.clear();
            }
            *self.work.lock().unwrap_or_else(PoisonError::into_inner) = work;
            let answer = result.and_then(|mut output| answer::<O>(&mut output));
            *self.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
            Ok(verdict)
        })
    }

    fn tenant(&self) -> Option<TenantKey> {
        O::Ground::tenant(&self.call)
    }

    fn only_adds(&self) -> bool {
        O::ONLY_ADDS
    }
}

fn answer<O: Operation>(output: &mut O::Output) -> Result<Answer, Fault> {
    if O::SPEC.reply == Reply::Page {
        let page =
            O::page(output).ok_or_else(|| Fault::new(codes::INTERNAL, "the operation returned no page"))?;
        return Ok(Answer::Browse(page));
    }
    if O::SPEC.reply == Reply::Events {
        let feed =
            O::feed(output).ok_or_else(|| Fault::new(codes::INTERNAL, "the operation returned no events"))?;
        return Ok(Answer::Feed(feed));
    }
    if O::SPEC.reply == Reply::Bytes {
        let (bytes, media) =
            O::bytes(output).ok_or_else(|| Fault::new(codes::INTERNAL, "the operation returned no bytes"))?;
        return Ok(match bytes {
            Content::Row(bytes) => Answer::Bytes(bytes.into(), media),
            Content::Kept(key) => Answer::Kept(key, media),
        });
    }
    serde_json::to_vec(output)
        .map(Answer::Json)
        .map_err(|error| Fault::new(codes::INTERNAL, error.to_string()))
}

impl<O: Operation> Job for Running<O> {
    fn take(&self) -> Result<Answer, Fault> {
        let result = self.result.lock().unwrap_or_else(PoisonError::into_inner).take();
        result.unwrap_or_else(|| Err(Fault::new(codes::INTERNAL, "the driver did not run the unit")))
    }

    fn keeps(&self) -> Option<(BlobKey, Bytes)> {
        O::keeps(&self.call, &self.input).zip(self.input.file.clone())
    }

    fn kept(&self, key: BlobKey) {
        // It is reported once.
        let _ = self.input.kept.set(key);
    }

    fn question(&self) -> Option<Question> {
        self.input.asking.question()
    }

    fn told(&self, told: Told) {
        self.input.asking.told(told);
    }

    fn work(&self) -> Work {
        self.work.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn unit(self: Arc<Self>) -> Arc<dyn Unit> {
        self
    }
}
