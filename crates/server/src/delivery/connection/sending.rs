//! Events and callbacks on their way: each is queued to one of the app's connections, and then its answer is awaited.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use larkspur_contract::events::Form;
use larkspur_contract::ids::AppId;
use larkspur_store::Engine;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::frame::{Event, uuid_bits};
use super::{Ack, CallbackFailure, Connection, LongConnections, NoAnswer};

/// An event or a callback that was queued to a connection, or could not be.
pub(in crate::delivery) struct Sending {
    /// The connection that was chosen; `None` if the app has none.
    connection: Option<Arc<Connection>>,
    waiting: Result<Waiting, NoAnswer>,
}

impl Sending {
    /// The ID of the connection that was chosen; `None` if the app has none to this process.
    pub(in crate::delivery) fn connection_id(&self) -> Option<&str> {
        self.connection.as_ref().map(|connection| connection.about.id.as_str())
    }

    /// Waits for the answer up to the given time.
    ///
    /// # Errors
    /// [`NoAnswer`]: it may still have arrived, unless there is no connection.
    pub(in crate::delivery) async fn answer(self, time: Duration) -> Result<Ack, NoAnswer> {
        self.waiting?.answer(time).await
    }
}

impl LongConnections {
    /// Chooses one of an app's connections and queues an event or a callback there. `payload` is in its envelope.
    ///
    /// What is queued to a connection arrives in the order of these calls. To keep it, call this before a task is spawned for
    /// the answer: tasks run in any order.
    pub(in crate::delivery) fn enqueue(&self, engine: &Engine, app_id: AppId, payload: Bytes) -> Sending {
        let number = engine.ids.random();
        let connection = self.choose(app_id, number);
        let waiting = connection.clone().ok_or(NoAnswer::NotConnected).and_then(|connection| {
            let event = Event {
                message_id: uuid_bits(number),
                trace_id: engine.ids.random(),
                sequence: connection.sequence.fetch_add(1, Ordering::Relaxed),
                service: connection.service,
                now: engine.clock.now_ms(),
                payload,
            };
            connection.send(&event, self.options.split_bytes)
        });
        Sending { connection, waiting }
    }

    /// Sends an event or a callback to one of an app's connections, and waits for the answer up to the given time.
    /// `payload` is in its envelope.
    ///
    /// # Errors
    /// [`NoAnswer`]: it may still have arrived, unless there is no connection.
    pub async fn send(
        &self,
        engine: &Engine,
        app_id: AppId,
        payload: Bytes,
        time: Duration,
    ) -> Result<Ack, NoAnswer> {
        self.enqueue(engine, app_id, payload).answer(time).await
    }

    /// Sends a callback over one of an app's connections to this process and waits for the answer, an object. `payload` is
    /// in its envelope. There are no retries. Source: observed.
    ///
    /// # Errors
    /// [`CallbackFailure`].
    pub async fn ask(
        &self,
        engine: &Engine,
        app_id: AppId,
        payload: Bytes,
    ) -> Result<Value, CallbackFailure> {
        let time = Duration::from_millis(Form::Callback.answer_ms());
        let ack = self.send(engine, app_id, payload, time).await.map_err(CallbackFailure::NoAnswer)?;
        if !ack.is_success() {
            return Err(CallbackFailure::Refused(ack.code));
        }
        // A handler that returns nothing changes nothing.
        let Some(data) = ack.data else { return Ok(json!({})) };
        let answer: Option<Value> = serde_json::from_slice(&data).ok();
        answer.filter(Value::is_object).ok_or(CallbackFailure::Malformed)
    }

    /// One of an app's connections, at random. Source: the page on long connections.
    pub(super) fn choose(&self, app_id: AppId, random: u128) -> Option<Arc<Connection>> {
        let state = self.state();
        let open = &state.apps.get(&app_id)?.open;
        let count = u128::try_from(open.len()).ok().filter(|count| *count > 0)?;
        open.get(usize::try_from(random % count).ok()?).cloned()
    }
}

/// An event that is not acknowledged yet.
pub(super) struct Waiting {
    message_id: u128,
    answer: oneshot::Receiver<Ack>,
    connection: Arc<Connection>,
}

impl Waiting {
    /// Waits for the answer to a message. Dropping it removes the message from those that the connection waits for.
    pub(super) fn new(message_id: u128, answer: oneshot::Receiver<Ack>, connection: Arc<Connection>) -> Self {
        Waiting { message_id, answer, connection }
    }

    pub(super) async fn answer(mut self, time: Duration) -> Result<Ack, NoAnswer> {
        match timeout(time, &mut self.answer).await {
            Ok(Ok(ack)) => Ok(ack),
            Ok(Err(_)) => Err(NoAnswer::Closed),
            Err(_) => Err(NoAnswer::Late),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(waiting) = self.connection.waiting().as_mut() {
            waiting.remove(&self.message_id);
        }
    }
}
