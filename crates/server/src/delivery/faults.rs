//! What the fault rules of worlds do with events, callbacks and long connections.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use larkspur_api::rules::matcher::Subject;
use larkspur_api::{Callback, CallbackRoute};
use larkspur_contract::events::Form;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::{Effect, codes};
use larkspur_control::faults::{self as control, Decided, Kind, Rule, Rules, What};
use larkspur_store::events::steering::{Action, Corruption, EventRules, Fresh, Treatment};
use larkspur_store::events::subscriptions::Mode;
use larkspur_store::faults::Ruled;
use larkspur_store::{BoxFuture, StoreError, Tx};
use serde_json::Value;
use tokio::time::sleep;

use super::callback::Ended;
use super::connection::Connection;
use crate::App;
use crate::ruled::{by_app, by_tenant};

/// The rules of the worlds of an application.
struct OfWorlds(Arc<App>);

/// The rules that workers ask.
pub(super) fn rules(app: &Arc<App>) -> Arc<dyn EventRules> {
    Arc::new(OfWorlds(app.clone()))
}

impl OfWorlds {
    fn of(&self, ruled: &Ruled) -> Arc<Rules> {
        self.0.faults.rules(ruled.tenant, &ruled.faults)
    }
}

impl EventRules for OfWorlds {
    fn any(&self, ruled: &Ruled) -> bool {
        self.of(ruled).has(Kind::Events)
    }

    fn decide<'a>(
        &'a self,
        tx: &'a mut Tx,
        ruled: &'a Ruled,
        event: &'a Fresh,
        real_now: i64,
    ) -> BoxFuture<'a, Result<Treatment, StoreError>> {
        Box::pin(async move {
            let now = real_now.saturating_add(ruled.clock_offset_ms);
            let matching = matching(&self.of(ruled), now, (event, "event"));
            let decided = control::decide(tx, &matching).await?;
            Ok(treatment(&matching, decided))
        })
    }
}

/// An event or a connection, as rules see it.
struct Seen<'a> {
    event_type: Option<&'a str>,
    app_id: AppId,
    way: Option<Mode>,
    /// `event` or `callback`.
    form: &'static str,
}

impl Subject for Seen<'_> {
    fn field(&self, name: &str) -> Option<Cow<'_, Value>> {
        let value: Value = match name {
            "event_type" => self.event_type?.into(),
            "app_id" => self.app_id.to_string().into(),
            "way" => self.way?.as_str().into(),
            "form" => self.form.into(),
            _ => return None,
        };
        Some(Cow::Owned(value))
    }
}

fn matching(rules: &Rules, now: i64, (event, form): (&Fresh, &'static str)) -> Vec<Rule> {
    let seen = Seen { event_type: Some(&event.event_type), app_id: event.app_id, way: Some(event.way), form };
    rules.matching(Kind::Events, now, &seen).cloned().collect()
}

fn treatment(matching: &[Rule], Decided { delay_ms, used }: Decided) -> Treatment {
    let effect = used.and_then(|place| matching.get(place)).map(|rule| &rule.effect);
    let action = effect.and_then(|effect| {
        let corrupt = effect.corrupt.as_ref().map(|corrupt| match corrupt.what {
            What::Signature => Action::Corrupt(Corruption::Signature),
            What::Json => Action::Corrupt(Corruption::Json),
        });
        let repeat = effect.repeat.as_ref();
        let repeat = repeat.map(|repeat| Action::Repeat { fresh_id: repeat.fresh_id == Some(true) });
        let drop = effect.drop.as_ref().map(|_| Action::Drop);
        drop.or(effect.hold.as_ref().map(|_| Action::Hold)).or(repeat).or(corrupt)
    });
    Treatment { delay_ms: i64::try_from(delay_ms).unwrap_or(i64::MAX), action }
}

/// How an app gets a callback.
pub(super) fn way(callback: &Callback) -> Mode {
    match callback.to {
        CallbackRoute::Connection => Mode::Connection,
        CallbackRoute::Webhook { .. } => Mode::Webhook,
    }
}

/// What is done with a callback.
#[derive(Default)]
pub(super) struct OfCallback(Treatment);

impl OfCallback {
    pub(super) fn corrupted(&self) -> Option<Corruption> {
        match self.0.action {
            Some(Action::Corrupt(how)) => Some(how),
            _ => None,
        }
    }

    /// Whether the app is not asked. A callback cannot be held: its user waits.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self.0.action, Some(Action::Drop | Action::Hold))
    }

    pub(super) fn is_repeated(&self) -> bool {
        matches!(self.0.action, Some(Action::Repeat { .. }))
    }

    /// Waits as long as the answer is delayed. One that would come too late counts as none.
    pub(super) async fn late(&self, began: Instant, ended: Ended) -> Ended {
        let patience = Duration::from_millis(Form::Callback.answer_ms());
        let delay = Duration::from_millis(u64::try_from(self.0.delay_ms).unwrap_or(0));
        let left = patience.saturating_sub(began.elapsed());
        if self.is_lost() {
            sleep(left).await;
            return ended;
        }
        if delay.is_zero() || ended.1.is_err() {
            return ended;
        }
        sleep(delay.min(left)).await;
        if delay < left {
            return ended;
        }
        (None, Err((codes::CALLBACK_LATE, "a fault rule of the world makes the answer late".to_owned())))
    }
}

/// What the rules of its world do with a callback.
pub(super) async fn of_callback(app: &App, callback: &Callback) -> OfCallback {
    let found = by_tenant(&app.engine, callback.tenant).await;
    let Ok(Some(ruled)) = found else { return OfCallback::default() };
    let event =
        Fresh { event_type: callback.kind.name.to_owned(), app_id: callback.app_id, way: way(callback) };
    let now = app.engine.clock.now_ms().saturating_add(ruled.clock_offset_ms);
    let rules = app.faults.rules(ruled.tenant, &ruled.faults);
    OfCallback(
        counted(app, ruled.tenant, matching(&rules, now, (&event, "callback")), treatment)
            .await
            .unwrap_or_default(),
    )
}

/// Ends a connection as a rule of the world that made the app says, if one does: any rule when the connection is opened, later one
/// that was added since.
pub(super) async fn of_connection(app: &App, connection: &Connection) {
    let app_id = connection.app_id();
    let Some(ruled) = by_app(&app.engine, app_id).await.ok().flatten() else { return };
    let before = connection.looks_at(ruled.faults.clone());
    if connection.is_ended() || before.as_ref() == Some(&ruled.faults) {
        return;
    }
    let rules = app.faults.rules(ruled.tenant, &ruled.faults);
    let now = app.engine.clock.now_ms().saturating_add(ruled.clock_offset_ms);
    let seen = Seen { event_type: None, app_id, way: None, form: "connection" };
    let earlier = before.as_ref().map(|before| Rules::read(before));
    let earlier = earlier.iter().flat_map(|rules| rules.matching(Kind::Connections, now, &seen));
    let known: HashSet<&str> = earlier.map(|rule| rule.id.as_str()).collect();
    let matching = rules.matching(Kind::Connections, now, &seen);
    let matching: Vec<Rule> = matching.filter(|rule| !known.contains(rule.id.as_str())).cloned().collect();
    let decide = |matching: &[Rule], decided: Decided| {
        let used = decided.used.and_then(|place| matching.get(place));
        used.and_then(|rule| rule.effect.disconnect.clone())
    };
    if matching.is_empty() {
        return;
    }
    match counted(app, ruled.tenant, matching, decide).await {
        Some(Some(how)) => connection.end(how),
        Some(None) => {}
        // They could not be counted: they still count as added since, when rules change again.
        None => connection.forgets(&ruled.faults, before),
    }
}

/// Ends open connections as rules say that are added in this process, forever.
pub(super) async fn watch(app: &App) {
    loop {
        for connection in app.long_connections.ruled_anew().await {
            of_connection(app, &connection).await;
        }
    }
}

/// Counts for the rules that match, and reads what they decide; `None` if none matches, or the store is unavailable.
async fn counted<T>(
    app: &App,
    tenant: TenantKey,
    matching: Vec<Rule>,
    read: impl FnOnce(&[Rule], Decided) -> T,
) -> Option<T> {
    if matching.is_empty() || app.engine.read_only {
        return None;
    }
    let (matching, engine) = (Arc::new(matching), &app.engine);
    let asked = matching.clone();
    let decided = engine.run(Effect::Writes, move |root| {
        let (mut tx, rules) = (root.tenant(tenant), asked.clone());
        Box::pin(async move { control::decide(&mut tx, &rules).await })
    });
    Some(read(&matching, decided.await.ok()?))
}
