//! How an app receives events and callbacks, as the control API sets it.

use larkspur_api::events::url_verification::UrlVerification;
use larkspur_api::events::{Recipient, tell};
use larkspur_api::{RootCall, rules};
use larkspur_contract::Fault;
use larkspur_contract::model::{AppKind, SubscriptionMode};
use larkspur_store::apps::Install;
use larkspur_store::events::subscriptions::{self, AddressState, Channel, Mode, Subscription, Types};
use larkspur_store::events::{TICKET_EVERY_MS, outbox};
use larkspur_store::{Keys, Root, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::values;

/// Why events that wait are dropped.
const REPLACED: &str = "the request URL was changed";
const TAKEN_AWAY: &str = "the request URL was removed";
/// Why a challenge that waits is dropped.
const SET_ANEW: &str = "the setting was changed";

/// How an app receives events and callbacks from now on.
// It has no `Debug`, so that its secrets do not get into a log.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Setting {
    /// `webhook` (the default) or `websocket`, which ISV apps cannot use.
    mode: Option<SubscriptionMode>,
    /// An absolute http or https URL, which must return a challenge; empty for none. Not with `websocket`.
    #[schemars(length(max = 2048), extend("format" = "request-url"))]
    request_url: Option<String>,
    /// The types of events that it receives; all by default.
    #[schemars(length(max = 200))]
    types: Option<Vec<String>>,
    /// The key to encrypt and sign with on webhooks; none by default.
    #[schemars(length(min = 1, max = 256))]
    encrypt_key: Option<String>,
    /// The token by which the app recognizes events; unchanged by default.
    #[schemars(length(min = 1, max = 256))]
    verification_token: Option<String>,
    /// How it receives callbacks; unchanged by default.
    callbacks: Option<Callbacks>,
}

/// How an app receives callbacks.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Callbacks {
    /// `webhook` or `websocket`, which ISV apps cannot use.
    mode: SubscriptionMode,
    /// An absolute http or https URL; it gets no challenge. Not with `websocket`.
    #[schemars(length(max = 2048), extend("format" = "request-url"))]
    request_url: Option<String>,
    /// The types of callbacks; all by default.
    #[schemars(length(max = 200))]
    types: Option<Vec<String>>,
}

impl Setting {
    /// Applies the setting to an app of the world. The caller holds the world's row; `now` is the world's time.
    pub(crate) async fn write(
        &self,
        root: &mut Root,
        tx: &mut Tx,
        (call, now): (&RootCall, i64),
        install: &Install,
    ) -> Result<(), Fault> {
        let app_id = install.app_id;
        let before = subscriptions::get(tx, app_id).await?.unwrap_or_else(Subscription::none);
        let old = before.events.clone();
        let mut after = self.over(before, install, call.now)?;
        if tx.is_silent() {
            // No challenge is sent to it.
            after.events.state = AddressState::Verified;
        }
        let asked = after.events.mode == Mode::Webhook && !after.events.request_url.is_empty();
        let gone = after.events.mode == Mode::Webhook && !asked;
        let had_url = old.mode == Mode::Webhook && !old.request_url.is_empty();
        if gone {
            outbox::drop_everywhere(root, app_id, TAKEN_AWAY).await?;
        } else if had_url && asked && old.request_url != after.events.request_url {
            outbox::drop_everywhere(root, app_id, REPLACED).await?;
        } else {
            // What waits is sent as the setting says at its next attempt.
            outbox::drop_challenges(tx, app_id, SET_ANEW).await?;
        }
        if gone && self.callbacks.is_none() {
            subscriptions::remove(tx, app_id).await?;
        } else {
            subscriptions::set(tx, app_id, &after).await?;
        }
        subscriptions::announce(root, app_id).await?;
        if asked {
            let recipient = Recipient::of_maker(app_id, install.developer, &call.engine.keys);
            let question = UrlVerification { challenge: Keys::fresh_secret() };
            tell(tx, &question, &recipient, now).await?;
        }
        Ok(())
    }

    /// The old subscription with this setting applied. `real_now` is the real time.
    fn over(&self, before: Subscription, install: &Install, real_now: i64) -> Result<Subscription, Fault> {
        if self.mode.is_none() && self.request_url.is_none() {
            return Err(values::invalid("request_url", None, "required unless mode is websocket"));
        }
        let is_isv = install.kind == AppKind::Isv;
        let mode = self.mode.unwrap_or(SubscriptionMode::Webhook);
        let events = channel("", is_isv, mode, self.request_url.as_deref(), self.types.as_deref())?;
        let callbacks = match &self.callbacks {
            Some(new) => {
                let (url, types) = (new.request_url.as_deref(), new.types.as_deref());
                let channel = channel("callbacks.", is_isv, new.mode, url, types)?;
                Channel { state: AddressState::Verified, ..channel }
            }
            None => before.callbacks,
        };
        let has_address = !events.request_url.is_empty();
        Ok(Subscription {
            events,
            callbacks,
            encrypt_key: self.encrypt_key.clone(),
            verification_token: self.verification_token.clone().or(before.verification_token),
            ticket_at: (is_isv && has_address).then_some(real_now + TICKET_EVERY_MS),
        })
    }
}

/// A channel, from fields whose names begin with `at`.
fn channel(
    at: &str,
    is_isv: bool,
    mode: SubscriptionMode,
    url: Option<&str>,
    types: Option<&[String]>,
) -> Result<Channel, Fault> {
    let url = url.unwrap_or_default();
    if mode == SubscriptionMode::Websocket && is_isv {
        let why = "an ISV app cannot use long connections";
        return Err(values::invalid(&format!("{at}mode"), Some(mode.as_str()), why));
    }
    if mode == SubscriptionMode::Websocket && !url.is_empty() {
        return Err(values::invalid(&format!("{at}request_url"), Some(url), "empty with mode websocket"));
    }
    let types = match types {
        None => Types::All,
        Some(names) => {
            if let Some(wrong) = names.iter().find(|name| !rules::events::is_type_name(name)) {
                let why = "1 to 128 lower-case letters, digits, _ and .";
                return Err(values::invalid(&format!("{at}types[*]"), Some(wrong), why));
            }
            Types::Only(names.to_vec())
        }
    };
    Ok(Channel { mode: mode.into(), types, ..Channel::webhook(url.to_owned()) })
}
