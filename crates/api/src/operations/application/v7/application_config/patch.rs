use larkspur_contract::ids::AppId;
use larkspur_contract::model::{AppKind, UserIdType};
use larkspur_contract::{
    Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, patch, rates, scopes,
};
use larkspur_store::apps::{self, Install};
use larkspur_store::events::outbox;
use larkspur_store::events::subscriptions::{self, AddressState, Mode, Subscription};
use larkspur_store::{Tx, publishing, tenants};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::parts::{CallbackPart, EventPart, Protection, ScopePart};
use crate::{Actor, Call, Challenge, Empty, Input, Operation};

/// `PATCH /application/v7/applications/:app_id/config`
pub(super) struct Patch;

/// Which app.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Path {
    /// The calling app.
    app_id: String,
}

/// In which form ids are.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// Form of the ids of users; `open_id` by default.
    user_id_type: Option<UserIdType>,
}

/// What to change. What is absent is left as it is.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// How the app is told of events.
    event: Option<EventPart>,
    /// How the app is asked by callbacks.
    callback: Option<CallbackPart>,
    /// How what is posted is protected.
    event_and_callback_encrypt_strategy: Option<Protection>,
    /// What the app may do.
    scope: Option<ScopePart>,
}

impl Operation for Patch {
    const SPEC: &'static Spec = &Spec {
        id: "application.v7.application_config.patch",
        summary: "Change an app's subscriptions and scopes",
        reference: "application-v7/application-config/patch",
        route: patch("/open-apis/application/v7/applications/{app_id}/config"),
        access: Access::tenant_or_user(&[scopes::APPLICATION_PATCH]),
        rate: rates::TIER_3,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::CONFIG_PARAM_INVALID,
        codes: &[
            codes::CONFIG_PARAM_INVALID,
            codes::CONFIG_APP_UNKNOWN,
            codes::CONFIG_APP_ISV,
            codes::CONFIG_OTHER_APP,
            codes::CONFIG_USER_DENIED,
            codes::CONFIG_NEEDS_BOT,
            codes::CONFIG_URL_FAILED,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"event":{"subscription_type":"websocket","add_events":["im.chat.updated_v1"]}}"#,
        behaviours: &[ORDER, ASKED, AT_ONCE],
        deviations: &["The parts security, visibility and contacts are accepted and ignored."],
    };
    type Ground = Tx;
    type Path = Path;
    type Query = Query;
    type Body = Body;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let body = &input.body;
        tenants::lock(tx).await?;
        let install = find(tx, call, &input.path.app_id).await?;
        let app_id = install.app_id;
        let before = subscriptions::get(tx, app_id).await?.unwrap_or_else(Subscription::none);
        let mut after = before.clone();
        if let Some(protection) = &body.event_and_callback_encrypt_strategy {
            protection.apply(&mut after);
        }
        if let Some(part) = &body.event {
            part.apply(&mut after)?;
        }
        if let Some(part) = &body.callback {
            part.apply(&mut after)?;
        }
        let held = body.scope.as_ref().map(|part| part.apply(&install.scopes)).transpose()?;
        if body.event.as_ref().is_some_and(EventPart::needs_bot) && !install.bot {
            return Err(Fault::new(codes::CONFIG_NEEDS_BOT, "event.add_events: the app has no bot"));
        }
        let pending = after.events.mode == Mode::Webhook && after.events.state == AddressState::Pending;
        if pending && body.event.is_some() {
            verify(tx, input, app_id, &mut after)?;
        }
        let touched = body.event.is_some() || body.event_and_callback_encrypt_strategy.is_some();
        if touched && after.events.is_open() {
            // A challenge that was sent before asked for what no longer holds. Its failure must not close the channel.
            outbox::drop_challenges(tx, app_id, "the setting was changed").await?;
        }
        if after != before {
            subscriptions::set(tx, app_id, &after).await?;
            subscriptions::announce_here(tx, app_id, &after).await?;
        }
        if let Some(scopes) = held {
            apps::set_scopes(tx, app_id, &scopes).await?;
        }
        Ok(Empty {})
    }
}

/// Goes on if the address for events sends a challenge back.
fn verify(
    tx: &Tx,
    input: &Input<Patch>,
    app_id: AppId,
    subscription: &mut Subscription,
) -> Result<(), Fault> {
    let token = subscription.verification_token.clone();
    let heard = input.asking.ask(Challenge {
        app_id,
        request_url: subscription.events.request_url.clone(),
        encrypt_key: subscription.encrypt_key.clone(),
        verification_token: token.unwrap_or_else(|| tx.engine().keys.verification_token(app_id)),
    })?;
    if let Some(why) = &heard.failure {
        return Err(Fault::new(codes::CONFIG_URL_FAILED, why.clone()));
    }
    subscription.events.state = AddressState::Verified;
    subscription.events.reason = String::new();
    Ok(())
}

/// The app that a path names, if the caller may change it.
async fn find(tx: &mut Tx, call: &Call, id: &str) -> Result<Install, Fault> {
    let refused = |code, why: &str| Fault::new(code, format!("app_id {id}: {why}"));
    let unknown = || refused(codes::CONFIG_APP_UNKNOWN, "no app has this id");
    let app_id = AppId::parse(id).ok_or_else(unknown)?;
    if app_id != call.app_id() {
        return Err(match apps::is_known(tx, app_id).await? {
            true => refused(codes::CONFIG_OTHER_APP, "an app changes itself alone"),
            false => unknown(),
        });
    }
    let install = apps::stored_install(tx, app_id).await?.ok_or_else(unknown)?;
    if install.kind == AppKind::Isv {
        return Err(refused(codes::CONFIG_APP_ISV, "an app of the store"));
    }
    if let Actor::User { grant, .. } = &call.actor
        && publishing::about(tx, app_id).await?.owner != grant.user_id
    {
        return Err(refused(codes::CONFIG_USER_DENIED, "the user does not own the app"));
    }
    Ok(install)
}

const ORDER: Behaviour = Behaviour {
    name: "config_checks",
    rule: "Codes in this order: 210032, 210036, 210034, 210037 for a user who does not own the app, 210031, 210041, 210042. An event whose name begins with im. needs a bot.",
    basis: Basis::Assumed,
    switch: false,
};
const ASKED: Behaviour = Behaviour {
    name: "config_url_asked",
    rule: "event.request_url is asked for a challenge while the call waits, with the key and the token that the call sets; it has a second. callback.request_url is not asked. An address that was verified before is asked again if it is sent again.",
    basis: Basis::Assumed,
    switch: false,
};
const AT_ONCE: Behaviour = Behaviour {
    name: "config_at_once",
    rule: "Everything takes effect at once, since there is no review; websocket is accepted without an open connection. What waits to be sent goes where the app is when it is sent. A scope is granted to both identities.",
    basis: Basis::Assumed,
    switch: false,
};
