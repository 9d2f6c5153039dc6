//! `app_ticket`: an ISV app gets a ticket, every hour and on request.

use std::sync::Arc;

use larkspur_contract::ids::AppId;
use larkspur_contract::{Effect, EventType, events};
use larkspur_store::events::tickets;
use larkspur_store::{Engine, Root, StoreError, Tx, oauth, tenants};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Event, Recipient, tell};
use crate::entry::schema;

/// A ticket was made.
pub struct AppTicket {
    /// Its number.
    pub number: i64,
}

#[derive(Serialize, JsonSchema)]
struct Told {
    app_id: String,
    app_ticket: String,
    r#type: &'static str,
}

/// The JSON Schema of the payload.
pub(super) fn shape() -> Value {
    schema::<Told>(true)
}

impl Event for AppTicket {
    const TYPE: &'static EventType = &events::APP_TICKET;

    fn told(&self, to: &Recipient<'_>) -> impl Serialize {
        let app_ticket = to.keys.app_ticket(to.app_id, self.number);
        Told { app_id: to.app_id.to_string(), app_ticket, r#type: Self::TYPE.name }
    }
}

/// Creates a ticket of an app that the transaction's tenant made, and queues it. `now` is the tenant's time.
///
/// # Errors
/// The store is unavailable.
pub async fn send(tx: &mut Tx, app_id: AppId, now: i64) -> Result<(), StoreError> {
    let number = oauth::next_ticket(tx, app_id, now).await?;
    let (engine, tenant) = (tx.engine().clone(), tx.tenant());
    let recipient = Recipient::of_maker(app_id, tenant, &engine.keys);
    tell(tx, &AppTicket { number }, &recipient, now).await
}

/// Queues the due tickets of the apps that can receive them, and returns their number. `real_now` is the real time. If
/// several servers do this at once, one of them sends each ticket.
///
/// # Errors
/// The store is unavailable.
pub async fn send_due(engine: &Arc<Engine>, real_now: i64) -> Result<usize, StoreError> {
    let mut sent = 0;
    loop {
        let due = engine.run(Effect::Reads, move |root| Box::pin(tickets::due(root, real_now))).await?;
        if due.is_empty() {
            return Ok(sent);
        }
        for one in due {
            let taken = engine.run(Effect::Writes, move |root| Box::pin(take(root, one, real_now))).await?;
            sent += usize::from(taken);
        }
    }
}

async fn take(root: &mut Root, due: tickets::Due, real_now: i64) -> Result<bool, StoreError> {
    let mut tx = root.tenant(due.tenant);
    // The clock is read from the store: an earlier unit of the same commit may have moved it.
    let Some(world) = tenants::lock(&mut tx).await? else { return Ok(false) };
    if !tickets::take(&mut tx, &due, real_now).await? {
        return Ok(false);
    }
    send(&mut tx, due.app_id, real_now + world.clock_offset_ms).await?;
    Ok(true)
}
