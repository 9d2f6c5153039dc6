//! Callbacks between servers: an app is connected to one of them, and the user who clicks may have reached another.
//!
//! Servers meet in the store alone; see [`relays`]. A server looks for callbacks that it is to send while apps are connected
//! to it. A store that only this process uses has no other servers.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use larkspur_api::Callback;
use larkspur_contract::Effect;
use larkspur_contract::events::Form;
use larkspur_contract::ids::TenantKey;
use larkspur_store::events::connections;
use larkspur_store::events::relays::{self, Relay};
use larkspur_store::{Engine, StoreError};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::callback::{self, Ended};
use crate::App;

/// How often a server looks for callbacks that it is to send.
const LOOK: Duration = Duration::from_millis(150);
/// How often a server looks for the outcome of a callback.
const POLL: Duration = Duration::from_millis(100);
/// How long a server may take to notice a callback. One that is gone, or has lost the app, does not.
const NOTICED: Duration = Duration::from_millis(800);
/// How long the way to the other server and back may take.
const WAY: Duration = Duration::from_secs(1);
/// The most callbacks that are sent for others at a time.
const AT_ONCE: usize = 256;

/// Has another server send a callback. `None` if the app is connected to none.
pub(super) async fn ask(app: &App, callback: &Callback, body: &[u8]) -> Option<Ended> {
    let engine = &app.engine;
    if !engine.driver.is_shared() {
        return None;
    }
    // JSON, so nothing is lost.
    let body = &*String::from_utf8_lossy(body);
    let end = Instant::now() + Duration::from_millis(Form::Callback.answer_ms()) + WAY;
    let mut last = None;
    for server in servers(engine, callback).await.unwrap_or_default() {
        match ask_one(engine, callback, (&server, body), end).await {
            Ok(Asked::Ended(ended)) if callback::is_not_connected(&ended) => last = Some(ended),
            Ok(Asked::Ended(ended)) => return Some(ended),
            Ok(Asked::Late) => return Some(callback::late()),
            Ok(Asked::Unnoticed) => {}
            Err(error) => {
                tracing::warn!(why = %error, "cannot pass a callback to another server");
                return Some(callback::late());
            }
        }
    }
    last
}

/// The servers to which the app is connected, in a random order.
async fn servers(engine: &Arc<Engine>, callback: &Callback) -> Result<Vec<String>, StoreError> {
    let (app_id, developer, now) = (callback.app_id, callback.developer, engine.clock.now_ms());
    let listed = engine.run(Effect::Reads, move |root| {
        Box::pin(async move { connections::list(&mut root.tenant(developer), app_id, now).await })
    });
    let mut servers: Vec<String> = listed.await?.into_iter().map(|known| known.server).collect();
    if let Ok(count @ 1..) = u128::try_from(servers.len()) {
        let first = usize::try_from(engine.ids.random() % count).unwrap_or_default();
        servers.rotate_left(first);
    }
    Ok(servers)
}

/// What another server did with a callback.
enum Asked {
    /// It was sent, or could not be.
    Ended(Ended),
    /// It was taken, and there was no outcome in time.
    Late,
    /// It was not taken, and is not sent.
    Unnoticed,
}

/// Has one server send it.
async fn ask_one(
    engine: &Arc<Engine>,
    callback: &Callback,
    (server, body): (&str, &str),
    end: Instant,
) -> Result<Asked, StoreError> {
    let developer = callback.developer;
    let (began, mut taken) = (Instant::now(), false);
    let left = end.saturating_duration_since(Instant::now());
    let relay = Arc::new(Relay {
        id: format!("{:032x}", engine.ids.random()),
        app_id: callback.app_id,
        server: server.to_owned(),
        request: body.to_owned(),
        until: engine.clock.now_ms() + i64::try_from(left.as_millis()).unwrap_or_default(),
    });
    let asked = relay.clone();
    let asking = engine.run(Effect::Writes, move |root| {
        let relay = asked.clone();
        Box::pin(async move { relays::ask(&mut root.tenant(developer), &relay).await })
    });
    asking.await?;
    let mut outcome = None;
    while outcome.is_none() && Instant::now() < end {
        sleep(POLL).await;
        let looked = relay.clone();
        let looking = engine.run(Effect::Reads, move |root| {
            let relay = looked.clone();
            Box::pin(async move { relays::outcome(&mut root.tenant(developer), &relay.id).await })
        });
        outcome = looking.await?;
        if outcome.is_none() && !taken && began.elapsed() >= NOTICED {
            let relay = relay.clone();
            let taking_back = engine.run(Effect::Writes, move |root| {
                let relay = relay.clone();
                Box::pin(async move { relays::take_back(&mut root.tenant(developer), &relay.id).await })
            });
            if taking_back.await? {
                return Ok(Asked::Unnoticed);
            }
            taken = true;
        }
    }
    let ending = engine.run(Effect::Writes, move |root| {
        let relay = relay.clone();
        Box::pin(async move { relays::end(&mut root.tenant(developer), &relay.id).await })
    });
    ending.await?;
    Ok(outcome.map_or(Asked::Late, |text| Asked::Ended(callback::from_text(&text))))
}

/// Sends the callbacks that other servers pass to this one, forever. `server` is this server's name.
pub(super) async fn serve(app: Arc<App>, server: String) {
    if !app.engine.driver.is_shared() {
        return std::future::pending().await;
    }
    let mut tasks = JoinSet::new();
    let taken: Arc<Mutex<HashSet<String>>> = Arc::default();
    let mut complained = false;
    loop {
        sleep(LOOK).await;
        while tasks.try_join_next().is_some() {}
        if app.long_connections.count() == 0 {
            continue;
        }
        let name = server.clone();
        let looking = app.engine.run(Effect::Reads, move |root| {
            let server = name.clone();
            Box::pin(async move { relays::waiting(root, &server).await })
        });
        let waiting = match looking.await {
            Ok(waiting) => waiting,
            Err(error) => {
                if !std::mem::replace(&mut complained, true) {
                    tracing::warn!(why = %error, "cannot read the callbacks that other servers pass on");
                }
                continue;
            }
        };
        complained = false;
        for (developer, id) in waiting {
            let is_new = || taken.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
            if tasks.len() < AT_ONCE && is_new() {
                let (app, taken) = (app.clone(), taken.clone());
                tasks.spawn(async move {
                    if let Err(error) = serve_one(&app, developer, &id).await {
                        tracing::warn!(why = %error, "cannot send the callback of another server");
                    }
                    taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                });
            }
        }
    }
}

/// Takes a callback, sends it, and stores the outcome.
async fn serve_one(app: &Arc<App>, developer: TenantKey, id: &str) -> Result<(), StoreError> {
    let (engine, id) = (&app.engine, Arc::<str>::from(id));
    let (now, name) = (engine.clock.now_ms(), id.clone());
    let taking = engine.run(Effect::Writes, move |root| {
        let id = name.clone();
        Box::pin(async move { relays::take(&mut root.tenant(developer), &id, now).await })
    });
    let Some((app_id, body)) = taking.await? else { return Ok(()) };
    let outcome = Arc::<str>::from(callback::to_text(&callback::push(app, app_id, body.into()).await));
    let answering = engine.run(Effect::Writes, move |root| {
        let (id, outcome) = (id.clone(), outcome.clone());
        Box::pin(async move { relays::answer(&mut root.tenant(developer), &id, &outcome).await })
    });
    answering.await
}
