//! An event on its way to an app, and the result of an attempt to send it.

use std::sync::Arc;

use larkspur_contract::events::Form;
use larkspur_contract::ids::{AppId, TenantKey};

use super::steering::Corruption;
use super::subscriptions::{Channel, Subscription};
use crate::lanes::{Handed, Seat};

/// An event to be sent now. It holds keys, so it has no `Debug`.
#[derive(Clone)]
pub struct Delivery {
    /// The tenant where it happened.
    pub tenant: TenantKey,
    /// The app that receives it.
    pub app_id: AppId,
    /// The event's ID, the same in every attempt.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
    /// The form of its envelope.
    pub form: Form,
    /// The payload: JSON, without the envelope.
    pub payload: String,
    /// When it happened, in the tenant's time.
    pub created_at: i64,
    /// How many attempts were made before.
    pub attempts: i64,
    /// What is wrong with it on purpose.
    pub corrupted: Option<Corruption>,
    /// How the app receives events.
    pub route: Arc<Subscription>,
    pub(super) developer: TenantKey,
    pub(super) number: i64,
    /// The owner of the claim.
    pub(super) owner: Arc<str>,
    /// Its place in the lane of its app, if it was handed over.
    pub(super) seat: Option<Arc<Seat>>,
}

impl Delivery {
    /// An event that was claimed when it was written.
    pub fn handed(event: Handed, route: Arc<Subscription>) -> Self {
        Delivery {
            tenant: event.tenant,
            app_id: event.app_id,
            event_id: event.event_id,
            event_type: event.kind.name.to_owned(),
            form: event.kind.form,
            payload: event.payload,
            created_at: event.created_at,
            attempts: 0,
            corrupted: None,
            route,
            developer: event.developer,
            number: event.number,
            owner: event.seat.owner.clone(),
            seat: Some(Arc::new(event.seat)),
        }
    }

    /// Frees its place for another event of the app.
    pub fn arrived(&mut self) {
        self.seat = None;
    }

    /// The channel of the app for this event.
    pub fn channel(&self) -> &Channel {
        channel(self.form, &self.route)
    }
}

/// The channel of an app for events of a form.
pub(super) fn channel(form: Form, route: &Subscription) -> &Channel {
    if form == Form::Callback { &route.callbacks } else { &route.events }
}

/// The result of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why it failed; `None` if it did not.
    pub failure: Option<String>,
}

/// The outcome of an attempt for its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The app received it.
    Delivered,
    /// It waits for a retry.
    Retried,
    /// The last attempt failed.
    Dropped,
    /// The claim had expired: another worker has the event.
    Lost,
}
