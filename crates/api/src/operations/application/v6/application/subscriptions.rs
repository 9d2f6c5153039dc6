//! How an app receives events and callbacks, in the answers of the application operations.

use larkspur_contract::Fault;
use larkspur_contract::ids::AppId;
use larkspur_contract::model::{AppKind, SubscriptionMode};
use larkspur_store::Tx;
use larkspur_store::apps::Install;
use larkspur_store::events::subscriptions::{self, Channel, Subscription, Types};
use schemars::JsonSchema;
use serde::Serialize;

use crate::operations::application::v7::application_config::{known_callbacks, known_events};

/// How an app is told of events.
#[derive(Debug, Serialize, JsonSchema)]
struct EventSetting {
    /// By webhook or by long connection.
    subscription_type: SubscriptionMode,
    /// The address of the webhook; empty for none.
    request_url: String,
    /// The types of events.
    subscribed_events: Vec<String>,
}

/// How an app is asked by callbacks.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct CallbackSetting {
    /// By webhook or by long connection.
    callback_type: SubscriptionMode,
    /// The address of the webhook; empty for none.
    request_url: String,
    /// The types of callbacks.
    subscribed_callbacks: Vec<String>,
}

/// How what is posted is protected.
#[derive(Serialize, JsonSchema)]
struct Encryption {
    /// What is encrypted and signed with; empty for plain text.
    encryption_key: String,
    /// What the app recognizes events by.
    verification_token: String,
}

impl EventSetting {
    fn of(channel: Channel) -> Self {
        EventSetting {
            subscription_type: channel.mode.into(),
            request_url: channel.request_url,
            subscribed_events: names(channel.types, known_events()),
        }
    }
}

impl CallbackSetting {
    fn of(channel: Channel) -> Self {
        CallbackSetting {
            callback_type: channel.mode.into(),
            request_url: channel.request_url,
            subscribed_callbacks: names(channel.types, known_callbacks()),
        }
    }
}

/// The names of a set of types.
fn names(types: Types, known: impl Iterator<Item = &'static str>) -> Vec<String> {
    match types {
        Types::All => known.map(str::to_owned).collect(),
        Types::Only(names) => names,
    }
}

impl Encryption {
    fn of(tx: &Tx, app_id: AppId, subscription: &Subscription) -> Self {
        let token = subscription.verification_token.clone();
        Encryption {
            encryption_key: subscription.encrypt_key.clone().unwrap_or_default(),
            verification_token: token.unwrap_or_else(|| tx.engine().keys.verification_token(app_id)),
        }
    }
}

/// How an app receives events and callbacks. Nothing of an ISV app, and of one that another tenant made.
#[derive(Default, Serialize, JsonSchema)]
pub(super) struct Subscriptions {
    /// How it is told of events.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<EventSetting>,
    /// How it is asked by callbacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    callback: Option<CallbackSetting>,
    /// The same once more.
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_info: Option<CallbackSetting>,
    /// How what is posted is protected. Only for the app itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption: Option<Encryption>,
}

impl Subscriptions {
    /// Those of an app; with its secrets, if it asks itself.
    pub(super) async fn of(tx: &mut Tx, install: &Install, is_own: bool) -> Result<Self, Fault> {
        if install.developer != tx.tenant() || install.kind != AppKind::Custom {
            return Ok(Subscriptions::default());
        }
        let found = subscriptions::get(tx, install.app_id).await?.unwrap_or_else(Subscription::none);
        let encryption = is_own.then(|| Encryption::of(tx, install.app_id, &found));
        let callback = CallbackSetting::of(found.callbacks);
        Ok(Subscriptions {
            event: Some(EventSetting::of(found.events)),
            callback_info: Some(callback.clone()),
            callback: Some(callback),
            encryption,
        })
    }
}
