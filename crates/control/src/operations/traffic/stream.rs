use std::sync::Mutex;

use larkspur_api::{Empty, Feed, Input, Operation, Process, RootCall};
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::{CONTROL, WorldPath};
use crate::traffic::{Place, Topics};
use crate::values;

/// Which topics there are.
const TOPICS: &str = "one of traffic, events, faults, clock, and chat: with a chat_id";

/// `GET /larkspur/v1/worlds/:tenant_key/stream`
pub(crate) struct Stream;

/// What to send.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Query {
    /// Topics, separated by commas: `traffic`, `events`, `faults`, `clock`, and `chat:` with a chat_id. `traffic` by default.
    topics: Option<String>,
    /// The `id` that was received last, if no `Last-Event-ID` header says it; or the number of a call of this process. 0: all
    /// that are kept.
    last_event_id: Option<String>,
}

/// A stream of server-sent events.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    #[serde(skip)]
    #[schemars(skip)]
    feed: Mutex<Option<Box<dyn Feed>>>,
}

impl Operation for Stream {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.traffic.stream",
        summary: "Stream what happens in a world, as server-sent events: calls, events, messages, faults and the clock",
        route: get("/larkspur/v1/worlds/{tenant_key}/stream"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Events,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND, codes::TOO_MANY_STREAMS],
        emits: &[],
        example: "topics=traffic,events",
        behaviours: &[
            super::RECORDED,
            Behaviour {
                name: "traffic_stream",
                rule: "`hello` says where the stream begins; `rows` has an array of rows, gathered for 100 ms or 64 KiB; the `id` of both has a mark of the process's start and the number of the last call; `gap` says how many rows were lost, because the client reads too slowly or was away too long. After an id of another process or of one before a restart, `gap` has `restarted`, and all rows that are kept follow; `bye` is sent when the server stops. A comment is sent after 15 s without news. A process has at most 16 streams.",
                basis: Basis::Assumed,
                switch: false,
            },
            Behaviour {
                name: "news_stream",
                rule: "The topics besides `traffic` begin with the stream, and are not resumed: read the state again after `hello`. `events` has an array of deliveries that are new or changed their state; `chat` one of `{chat_id, message_id, kind}`, where kind is `sent`, `changed`, `recalled`, `reacted`, `pinned` or `read`; `faults` the counts of the rules after a change; `clock` how far the clock is ahead. `gap` with a `topic` means that more changed than is listed. Only what the answering server does itself is streamed: what other servers on the store do is seen in the next answer to a list.",
                basis: Basis::Assumed,
                switch: false,
            },
        ],
        ..CONTROL
    };
    type Ground = Process;
    type Path = WorldPath;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(process: &mut Process, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let topics = Topics::parse(input.query.topics.as_deref().unwrap_or("traffic"));
        let topics = topics.map_err(|unknown| values::invalid("topics", Some(&unknown), TOPICS))?;
        let asked = super::open(process, call, &input.path.tenant_key).await?;
        let header = call.last_event_id.as_deref().and_then(Place::parse);
        let query = match &input.query.last_event_id {
            Some(text) => {
                let why = "the id of a piece of the stream, or the number of a call";
                Some(Place::parse(text).ok_or_else(|| values::invalid("last_event_id", Some(text), why))?)
            }
            None => None,
        };
        let last = header.or(query);
        let feed = asked.traffic.stream(asked.tenant, asked.ahead_ms, topics, last)?;
        Ok(Output { feed: Mutex::new(Some(feed)) })
    }

    fn feed(output: &mut Output) -> Option<Box<dyn Feed>> {
        output.feed.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }
}
