//! Stores which apps are connected to this process, so that other servers leave their events to it and
//! `event/v1/connection` counts them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_store::events::connections::{self, Cut, LEASE_MS, RENEWAL_MS};
use larkspur_store::{Engine, StoreError};
use tokio::time::{sleep, timeout};

use super::details::Details;
use super::{About, LongConnections};

/// How often a server looks for connections that are to be closed. It is less than the time between two renewals.
const LOOK: Duration = Duration::from_secs(1);
/// The wait after a failure.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a claim of another server may take, in real milliseconds.
const CLAIM_MS: i64 = 1000;
/// Apps, or tenants, in one transaction.
const AT_ONCE: usize = 64;

/// What this process has stored.
pub(in crate::delivery) struct Directory {
    /// This process's name: random.
    server: String,
    told: HashMap<AppId, Details>,
    /// Apps that connected since the last renewal, with the time, in real milliseconds. A claim of another server that
    /// began before may fail their events after they were released; so they are released once more.
    opened: HashMap<AppId, i64>,
    /// When all rows were last renewed, in real milliseconds.
    renewed: i64,
}

/// An app whose connections are to be stored.
#[derive(Debug, Clone)]
struct Change {
    app_id: AppId,
    /// A count of 0 if there are none any more.
    details: Details,
    /// Whether other servers took it for not connected.
    opened: bool,
}

impl Directory {
    pub(in crate::delivery) fn new(engine: &Engine, open: &LongConnections) -> Self {
        let server = open.server(engine).to_owned();
        let (told, opened) = (HashMap::new(), HashMap::new());
        Directory { server, told, opened, renewed: engine.clock.now_ms() }
    }

    /// This process's name.
    pub(in crate::delivery) fn name(&self) -> &str {
        &self.server
    }

    /// Stores every change, forever.
    pub(in crate::delivery) async fn run(&mut self, engine: &Arc<Engine>, open: &LongConnections) {
        let mut complained = false;
        loop {
            match self.tell(engine, open).await {
                Ok(()) => {
                    complained = false;
                    // A change, or the time to look for what is to be closed.
                    let _ = timeout(LOOK, open.changed.notified()).await;
                }
                Err(error) => {
                    if !std::mem::replace(&mut complained, true) {
                        tracing::warn!(why = %error, "cannot store which apps are connected");
                    }
                    sleep(AGAIN).await;
                }
            }
        }
    }

    /// Closes what is to be closed, stores changes, and renews what is due.
    pub(in crate::delivery) async fn tell(
        &mut self,
        engine: &Arc<Engine>,
        open: &LongConnections,
    ) -> Result<(), StoreError> {
        self.cut(engine, open).await?;
        let now = engine.clock.now_ms();
        // A clock that was set back must not delay the renewal.
        let is_due = !(0..RENEWAL_MS).contains(&(now - self.renewed));
        let lapsed = now - self.renewed >= LEASE_MS;
        if is_due && !lapsed {
            let tenants: BTreeSet<TenantKey> = self.told.values().map(|details| details.tenant).collect();
            for piece in Vec::from_iter(tenants).chunks(AT_ONCE) {
                self.renew(engine, piece.to_vec()).await?;
            }
            self.release(engine, now).await?;
        }
        for piece in self.changes(open, lapsed).chunks(AT_ONCE) {
            self.write(engine, open, piece.to_vec()).await?;
        }
        if is_due {
            self.renewed = now;
        }
        Ok(())
    }

    /// What differs from what is stored. After a lapse of the leases, that is every app.
    fn changes(&self, open: &LongConnections, lapsed: bool) -> Vec<Change> {
        let now = open.details();
        let gone = self.told.iter().filter(|(app_id, _)| !now.contains_key(app_id));
        let gone = gone.map(|(app_id, before)| Change {
            app_id: *app_id,
            details: Details { tenant: before.tenant, count: 0, text: String::new() },
            opened: false,
        });
        let other = now.iter().filter(|(app_id, now)| lapsed || self.told.get(app_id) != Some(now));
        let other = other.map(|(app_id, details)| Change {
            app_id: *app_id,
            details: details.clone(),
            opened: lapsed || !self.told.contains_key(app_id),
        });
        let mut all: Vec<Change> = gone.chain(other).collect();
        // Always in the same order: servers that collide wait for each other's rows.
        all.sort_unstable_by_key(|change| (change.details.tenant, change.app_id));
        all
    }

    /// Stores changes. An app that may not be connected any more is disconnected.
    async fn write(
        &mut self,
        engine: &Arc<Engine>,
        open: &LongConnections,
        changes: Vec<Change>,
    ) -> Result<(), StoreError> {
        let (server, now, written) = (self.server.clone(), engine.clock.now_ms(), changes.clone());
        let writing = engine.run(Effect::Writes, move |root| {
            let (server, changes) = (server.clone(), changes.clone());
            Box::pin(async move {
                let mut refused = HashSet::new();
                for Change { app_id, details, opened } in changes {
                    let mut tx = root.tenant(details.tenant);
                    if opened && !connections::may_connect(&mut tx, app_id).await? {
                        refused.insert(app_id);
                        continue;
                    }
                    let count = i64::try_from(details.count).unwrap_or(i64::MAX);
                    connections::set(&mut tx, app_id, &server, (count, &details.text), now).await?;
                    if opened {
                        connections::release(root, app_id, now).await?;
                    }
                }
                Ok(refused)
            })
        });
        let refused = writing.await?;
        for Change { app_id, details, opened } in written {
            if refused.contains(&app_id) {
                engine.lanes.leave(app_id);
                open.cut(app_id, |_| true);
                continue;
            }
            if opened {
                self.opened.insert(app_id, now);
            }
            if details.count == 0 {
                engine.lanes.leave(app_id);
                self.told.remove(&app_id);
            } else {
                engine.lanes.enter(app_id, details.tenant);
                self.told.insert(app_id, details);
            }
        }
        Ok(())
    }

    /// Closes the connections that are to be closed, and forgets the apps whose rows are gone: they are written again, unless
    /// they were deleted.
    async fn cut(&mut self, engine: &Arc<Engine>, open: &LongConnections) -> Result<(), StoreError> {
        if self.told.is_empty() {
            return Ok(());
        }
        let server = self.server.clone();
        let looking = engine.run(Effect::Reads, move |root| {
            let server = server.clone();
            Box::pin(async move { connections::cuts(root, &server).await })
        });
        let mut stored = HashSet::new();
        for Cut { app_id, before, ids } in looking.await? {
            stored.insert(app_id);
            if before > 0 || !ids.is_empty() {
                let is_named = |about: &About| ids.split(' ').any(|id| id == about.id);
                open.cut(app_id, |about| about.since <= before || is_named(about));
            }
        }
        self.keep(engine, |app_id, _| stored.contains(app_id));
        Ok(())
    }

    /// Forgets apps, which then have no lane, either.
    fn keep(&mut self, engine: &Engine, which: impl Fn(&AppId, &Details) -> bool) {
        self.told.retain(|app_id, details| {
            let kept = which(app_id, details);
            if !kept {
                engine.lanes.leave(*app_id);
            }
            kept
        });
    }

    /// Renews the rows in some tenants, and forgets the apps whose rows were deleted: other servers took them for not
    /// connected, and they are written again.
    async fn renew(&mut self, engine: &Arc<Engine>, tenants: Vec<TenantKey>) -> Result<(), StoreError> {
        let (server, now, renewed) = (self.server.clone(), engine.clock.now_ms(), tenants.clone());
        let renewing = engine.run(Effect::Writes, move |root| {
            let (server, tenants) = (server.clone(), tenants.clone());
            Box::pin(async move {
                let mut stored = HashSet::new();
                for tenant in tenants {
                    stored.extend(connections::renew(&mut root.tenant(tenant), &server, now).await?);
                }
                Ok(stored)
            })
        });
        let stored = renewing.await?;
        self.keep(engine, |app_id, known| !renewed.contains(&known.tenant) || stored.contains(app_id));
        Ok(())
    }

    /// Releases the events of the apps that connected a while ago, once.
    async fn release(&mut self, engine: &Arc<Engine>, now: i64) -> Result<(), StoreError> {
        self.opened.retain(|app_id, _| self.told.contains_key(app_id));
        let settled = self.opened.iter().filter(|(_, opened)| now - **opened >= CLAIM_MS);
        // Always in the same order, as above.
        let apps: BTreeSet<AppId> = settled.map(|(app_id, _)| *app_id).collect();
        for piece in Vec::from_iter(apps).chunks(AT_ONCE) {
            let apps = piece.to_vec();
            let releasing = engine.run(Effect::Writes, move |root| {
                let apps = apps.clone();
                Box::pin(async move {
                    for app_id in apps {
                        connections::release(root, app_id, now).await?;
                    }
                    Ok(())
                })
            });
            releasing.await?;
            for app_id in piece {
                self.opened.remove(app_id);
            }
        }
        Ok(())
    }
}
