//! The parts of an app's configuration, and what each changes.

use larkspur_contract::events::{self, Form};
use larkspur_contract::model::SubscriptionMode;
use larkspur_contract::{Fault, codes, scopes};
use larkspur_store::apps::Scopes;
use larkspur_store::events::subscriptions::{AddressState, Channel, Mode, Subscription};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rules::events::is_type_name;

/// How an app is told of events.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct EventPart {
    /// By webhook or by long connection.
    pub(super) subscription_type: SubscriptionMode,
    /// The address of the webhook; as it is by default.
    #[schemars(length(max = 2048), extend("format" = "request-url"))]
    pub(super) request_url: Option<String>,
    /// Types of events to subscribe to.
    #[schemars(length(max = 500))]
    add_events: Option<Vec<String>>,
    /// Types of events to subscribe to no longer.
    #[schemars(length(max = 500))]
    remove_events: Option<Vec<String>>,
}

/// How an app is asked by callbacks.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct CallbackPart {
    /// By webhook or by long connection.
    callback_type: SubscriptionMode,
    /// The address of the webhook; as it is by default.
    #[schemars(length(max = 2048), extend("format" = "request-url"))]
    request_url: Option<String>,
    /// Types of callbacks to subscribe to.
    #[schemars(length(max = 500))]
    add_callbacks: Option<Vec<String>>,
    /// Types of callbacks to subscribe to no longer.
    #[schemars(length(max = 500))]
    remove_callbacks: Option<Vec<String>>,
}

/// How what is posted is protected. What is absent is left as it is.
// It has no `Debug`, so that its secrets do not get into a log.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Protection {
    /// What is encrypted and signed with.
    #[schemars(length(min = 1, max = 32))]
    encryption_key: Option<String>,
    /// What the app recognizes events by.
    #[schemars(length(min = 1, max = 32))]
    verification_token: Option<String>,
}

/// What an app may do.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct ScopePart {
    /// Scopes to grant.
    #[schemars(length(max = 2000))]
    add_scopes: Option<Vec<ScopeName>>,
    /// Scopes to take back.
    #[schemars(length(max = 2000))]
    remove_scopes: Option<Vec<ScopeName>>,
}

/// A scope.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct ScopeName {
    /// Its name.
    scope_name: String,
    /// To which identity: `tenant` or `user`. An app has one list for both.
    token_type: String,
}

impl EventPart {
    /// Changes a subscription.
    pub(super) fn apply(&self, subscription: &mut Subscription) -> Result<(), Fault> {
        let (add, remove) = (list(self.add_events.as_deref()), list(self.remove_events.as_deref()));
        check("event.add_events[*]", add)?;
        let channel = &mut subscription.events;
        channel.types = channel.types.changed(add, remove, known_events());
        mode("event.request_url", channel, self.subscription_type, self.request_url.as_deref())
    }

    /// Whether it subscribes to an event that only bots receive.
    pub(super) fn needs_bot(&self) -> bool {
        list(self.add_events.as_deref()).iter().any(|name| name.starts_with("im."))
    }
}

impl CallbackPart {
    /// Changes a subscription. The address is not asked whether it wants callbacks.
    pub(super) fn apply(&self, subscription: &mut Subscription) -> Result<(), Fault> {
        let (add, remove) = (list(self.add_callbacks.as_deref()), list(self.remove_callbacks.as_deref()));
        check("callback.add_callbacks[*]", add)?;
        let channel = &mut subscription.callbacks;
        channel.types = channel.types.changed(add, remove, known_callbacks());
        mode("callback.request_url", channel, self.callback_type, self.request_url.as_deref())?;
        channel.state = AddressState::Verified;
        Ok(())
    }
}

impl Protection {
    /// Changes a subscription.
    pub(super) fn apply(&self, subscription: &mut Subscription) {
        if let Some(key) = &self.encryption_key {
            subscription.encrypt_key = Some(key.clone());
        }
        if let Some(token) = &self.verification_token {
            subscription.verification_token = Some(token.clone());
        }
    }
}

impl ScopePart {
    /// The scopes that an app has afterwards.
    pub(super) fn apply(&self, held: &Scopes) -> Result<Scopes, Fault> {
        let names = |part: &Option<Vec<ScopeName>>| -> Vec<String> {
            part.iter().flatten().map(|scope| scope.scope_name.clone()).collect()
        };
        let (add, remove) = (names(&self.add_scopes), names(&self.remove_scopes));
        if let Some(wrong) = add.iter().find(|name| !scopes::is_known(name)) {
            return Err(invalid("scope.add_scopes[*].scope_name", wrong, "no scope has this name"));
        }
        let kept = held.iter().chain(add.iter().map(String::as_str));
        Ok(Scopes::new(kept.filter(|name| !remove.iter().any(|gone| gone == name))))
    }
}

/// The types of events that there are.
pub(crate) fn known_events() -> impl Iterator<Item = &'static str> {
    let told = events::ALL.iter().filter(|kind| matches!(kind.form, Form::V1 | Form::V2));
    told.map(|kind| kind.name)
}

/// The types of callbacks that there are.
pub(crate) fn known_callbacks() -> impl Iterator<Item = &'static str> {
    events::ALL.iter().filter(|kind| kind.form == Form::Callback).map(|kind| kind.name)
}

fn list(names: Option<&[String]>) -> &[String] {
    names.unwrap_or_default()
}

fn check(field: &str, names: &[String]) -> Result<(), Fault> {
    match names.iter().find(|name| !is_type_name(name)) {
        Some(wrong) => Err(invalid(field, wrong, "1 to 128 lower-case letters, digits, _ and .")),
        None => Ok(()),
    }
}

fn mode(
    field: &str,
    channel: &mut Channel,
    mode: SubscriptionMode,
    request_url: Option<&str>,
) -> Result<(), Fault> {
    channel.mode = mode.into();
    if let Some(url) = request_url {
        url.clone_into(&mut channel.request_url);
        channel.state = AddressState::Pending;
    }
    if channel.mode == Mode::Webhook && channel.request_url.is_empty() {
        return Err(invalid(field, "", "a webhook has an address"));
    }
    Ok(())
}

fn invalid(field: &str, value: &str, why: &str) -> Fault {
    Fault::new(codes::CONFIG_PARAM_INVALID, format!("{field}: {why}")).with_violation(field, Some(value), why)
}
