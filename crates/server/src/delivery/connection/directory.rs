//! Stores which apps are connected to this process, so that other servers leave their events to it and
//! `event/v1/connection` counts them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_store::events::connections::{self, LEASE_MS, RENEWAL_MS};
use larkspur_store::{Engine, StoreError};
use tokio::time::{sleep, timeout};

use super::LongConnections;

/// How often the rows are renewed.
const RENEWAL: Duration = Duration::from_millis(RENEWAL_MS.unsigned_abs());
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
    told: HashMap<AppId, (TenantKey, usize)>,
    /// Apps that connected since the last renewal, with the time, in real milliseconds. A claim of another server that
    /// began before may fail their events after they were released; so they are released once more.
    opened: HashMap<AppId, i64>,
    /// When all rows were last renewed, in real milliseconds.
    renewed: i64,
}

/// An app whose connections are to be stored.
#[derive(Debug, Clone, Copy)]
struct Change {
    tenant: TenantKey,
    app_id: AppId,
    count: usize,
    /// Whether other servers took it for not connected.
    opened: bool,
}

impl Directory {
    pub(in crate::delivery) fn new(engine: &Engine) -> Self {
        let server = format!("{:032x}", engine.ids.random());
        let (told, opened) = (HashMap::new(), HashMap::new());
        Directory { server, told, opened, renewed: engine.clock.now_ms() }
    }

    /// Stores every change, forever.
    pub(in crate::delivery) async fn run(&mut self, engine: &Arc<Engine>, open: &LongConnections) {
        let mut complained = false;
        loop {
            match self.tell(engine, open).await {
                Ok(()) => {
                    complained = false;
                    // A change, or the time of a renewal.
                    let _ = timeout(RENEWAL, open.changed.notified()).await;
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

    /// Stores changes, and renews what is due.
    pub(in crate::delivery) async fn tell(
        &mut self,
        engine: &Arc<Engine>,
        open: &LongConnections,
    ) -> Result<(), StoreError> {
        let now = engine.clock.now_ms();
        // A clock that was set back must not delay the renewal.
        let is_due = !(0..RENEWAL_MS).contains(&(now - self.renewed));
        let lapsed = now - self.renewed >= LEASE_MS;
        if is_due && !lapsed {
            let tenants: BTreeSet<TenantKey> = self.told.values().map(|(tenant, _)| *tenant).collect();
            for piece in Vec::from_iter(tenants).chunks(AT_ONCE) {
                self.renew(engine, piece.to_vec()).await?;
            }
            self.release(engine, now).await?;
        }
        for piece in self.changes(open, lapsed).chunks(AT_ONCE) {
            self.write(engine, piece.to_vec()).await?;
        }
        if is_due {
            self.renewed = now;
        }
        Ok(())
    }

    /// What differs from what is stored. After a lapse of the leases, that is every app.
    fn changes(&self, open: &LongConnections, lapsed: bool) -> Vec<Change> {
        let now: HashMap<AppId, (TenantKey, usize)> =
            open.apps().into_iter().map(|(tenant, app_id, count)| (app_id, (tenant, count))).collect();
        let gone = self.told.iter().filter(|(app_id, _)| !now.contains_key(app_id));
        let gone = gone.map(|(app_id, (tenant, _))| Change {
            tenant: *tenant,
            app_id: *app_id,
            count: 0,
            opened: false,
        });
        let other = now.iter().filter(|(app_id, now)| lapsed || self.told.get(app_id) != Some(now));
        let other = other.map(|(app_id, (tenant, count))| Change {
            tenant: *tenant,
            app_id: *app_id,
            count: *count,
            opened: lapsed || !self.told.contains_key(app_id),
        });
        let mut all: Vec<Change> = gone.chain(other).collect();
        // Always in the same order: servers that collide wait for each other's rows.
        all.sort_unstable_by_key(|change| (change.tenant, change.app_id));
        all
    }

    async fn write(&mut self, engine: &Arc<Engine>, changes: Vec<Change>) -> Result<(), StoreError> {
        let (server, now, written) = (self.server.clone(), engine.clock.now_ms(), changes.clone());
        let writing = engine.run(Effect::Writes, move |root| {
            let (server, changes) = (server.clone(), changes.clone());
            Box::pin(async move {
                for change in changes {
                    let count = i64::try_from(change.count).unwrap_or(i64::MAX);
                    connections::set(&mut root.tenant(change.tenant), change.app_id, &server, count, now)
                        .await?;
                    if change.opened {
                        connections::release(root, change.app_id, now).await?;
                    }
                }
                Ok(())
            })
        });
        writing.await?;
        for change in written {
            if change.opened {
                self.opened.insert(change.app_id, now);
            }
            match change.count {
                0 => self.told.remove(&change.app_id),
                count => self.told.insert(change.app_id, (change.tenant, count)),
            };
        }
        Ok(())
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
        self.told.retain(|app_id, (tenant, _)| !renewed.contains(tenant) || stored.contains(app_id));
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
