//! The worker's side of events: it finds the due events of all tenants and claims them. [`super::settlements`] has the
//! results.
//!
//! Delivery is at least once. A claim is a lease: after [`LEASE_MS`] another process can claim the events of a dead one.
//! Any number of workers may share a store; a conditional UPDATE lets one of them claim a row.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use larkspur_contract::events::Form;
use larkspur_contract::ids::{AppId, TenantKey};

use super::connections;
use super::delivery::{Delivery, channel};
use super::shares::shares;
use super::steering::{self, Corruption, EventRules};
use super::subscriptions::{self, AddressState, Mode, Subscription};
use super::turns::{self, Turns};
use crate::driver::StoreError;
use crate::lanes::{self, Closed};
use crate::tx::{PIECE, found_rows, in_list};
use crate::{Engine, Notice, Root, Row, Tx, Value};

/// How long a claim lasts, in real milliseconds: several times the duration of an attempt, plus the clock skew between
/// two machines.
pub const LEASE_MS: i64 = 30 * 1000;
/// The most posts to one app in progress in a worker. At this limit the worker claims no more events of the app, so a slow
/// receiver does not delay others.
pub const POSTS_EACH: usize = 64;
/// The same for events that are sent over an app's long connections and are not acknowledged yet.
pub const PUSHES_EACH: usize = lanes::EACH;
/// How long an event waits for the verification of its URL before the next check, in real milliseconds.
const HOLD_MS: i64 = 1000;

/// The failure of an attempt without a long connection of the app. Such events are sent when the app connects.
pub const NOT_CONNECTED: &str = "the app has no long connection open";

/// Why an event was dropped whose payload was encrypted with the key of another store.
const SPOILED: &str = "the payload was encrypted with another key";

/// How many deliveries to each app are in progress in a worker.
pub type InProgress = HashMap<(AppId, Mode), usize>;

/// The most deliveries to an app in progress in a worker.
fn most_of(mode: Mode) -> usize {
    match mode {
        Mode::Webhook => POSTS_EACH,
        Mode::Connection => PUSHES_EACH,
    }
}

/// The due events, and how their apps receive them.
#[derive(Clone, Default)]
pub struct Due {
    rows: Vec<Key>,
    routes: HashMap<AppId, Arc<Subscription>>,
    /// What is due and cannot be read. It waits: a later release may have written it.
    pub unreadable: Vec<Unreadable>,
    /// Where the next search begins; empty if this one has seen every app.
    pub next: String,
    /// The lanes of apps of which nothing is due, and which receive events by long connection.
    pub quiet: Vec<(Closed, Arc<Subscription>)>,
    /// Whether some of what is due was left out, because enough is in progress.
    pub limited: bool,
}

/// Due events that this server cannot read, so that it can send the others.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// The app that receives them.
    pub app_id: String,
    /// What cannot be read.
    pub why: String,
}

impl Due {
    /// How many events were found.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing is due that can be read.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

#[derive(Clone)]
pub(super) struct Key {
    pub(super) tenant: TenantKey,
    pub(super) number: i64,
    pub(super) app_id: AppId,
    developer: TenantKey,
    form: Form,
    /// Whether it had no attempt, and no rule looked at it.
    fresh: bool,
}

/// What to do with a due event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Send,
    Hold,
    /// The app is not connected to any server: the attempt has failed. `repeats` is whether retries follow.
    Fail {
        repeats: bool,
    },
    /// The app is connected to another server, which sends it.
    Leave,
    Drop(&'static str),
}

/// At most `most` due events of all tenants, ordered by due time. If several apps have due events, each gets a share. Events
/// of the apps `except` are left out, and so are those beyond an app's limit of deliveries in progress. `real_now` is the
/// real time. It only reads, and its cost does not depend on the number of events that are left out: if there are many, it
/// looks at a few apps, from `from` on. `from` is [`Due::next`] of the search before, empty at first. `lanes` are those that are
/// closed.
pub async fn due(
    root: &mut Root,
    real_now: i64,
    most: usize,
    except: &[AppId],
    in_progress: &InProgress,
    (from, lanes): (&str, &[Closed]),
) -> Result<Due, StoreError> {
    let full = in_progress.iter().filter(|((_, mode), count)| **count >= most_of(*mode));
    let except: HashSet<AppId> = except.iter().copied().chain(full.map(|((app_id, _), _)| *app_id)).collect();
    let Turns { rows, mut unreadable, next, saw_all, .. } =
        turns::read(root, real_now, most, &except, from).await?;
    let mut quiet: Vec<Closed> = lanes.to_vec();
    quiet.retain(|lane| saw_all && !except.contains(&lane.app_id));
    quiet.retain(|lane| rows.iter().all(|row| row.app_id != lane.app_id));
    let found = rows.len();
    let mut rows = shares(rows, most, |row| row.app_id);
    let apps = rows.iter().map(|row| (row.app_id, row.developer));
    let apps = apps.chain(quiet.iter().map(|lane| (lane.app_id, lane.developer))).collect();
    let Routes { found: routes, closed } = routes(root, apps).await?;
    rows.retain(|row| !closed.contains_key(&row.app_id));
    unreadable.extend(closed.into_iter().map(|(app_id, why)| Unreadable { app_id: app_id.to_string(), why }));
    let mut counts = in_progress.clone();
    rows.retain(|row| {
        let Some(route) = routes.get(&row.app_id) else { return true };
        let mode = channel(row.form, route).mode;
        let count = counts.entry((row.app_id, mode)).or_default();
        *count += 1;
        *count <= most_of(mode)
    });
    let quiet = quiet.into_iter().filter_map(|lane| Some((lane, routes.get(&lane.app_id)?.clone())));
    let quiet = quiet.filter(|(_, route)| route.events.mode == Mode::Connection);
    let (quiet, limited) = (quiet.collect(), !saw_all || !except.is_empty() || rows.len() < found);
    Ok(Due { rows, routes, unreadable, next, quiet, limited })
}

pub(super) fn key(mut row: Row) -> Result<Result<Key, Unreadable>, StoreError> {
    let (tenant, number, app_id) = (row.text(0)?, row.int(1)?, row.text(2)?);
    let (developer, form, fresh) = (row.text(3)?, row.text(4)?, row.int(5)? == 0);
    let read = || {
        Some(Key {
            tenant: TenantKey::parse(&tenant)?,
            number,
            app_id: AppId::parse(&app_id)?,
            developer: TenantKey::parse(&developer)?,
            form: Form::parse(&form)?,
            fresh,
        })
    };
    Ok(read().ok_or_else(|| {
        let why =
            format!("event {number} of tenant {tenant} has an unknown form or a malformed id: {form:?}");
        Unreadable { app_id, why }
    }))
}

/// How apps receive events.
#[derive(Default)]
struct Routes {
    found: HashMap<AppId, Arc<Subscription>>,
    /// Why this is unreadable, for the other apps.
    closed: HashMap<AppId, String>,
}

/// How apps receive events, with the tenant that made each.
async fn routes(root: &mut Root, apps: BTreeMap<AppId, TenantKey>) -> Result<Routes, StoreError> {
    let apps: Vec<(AppId, TenantKey)> = apps.into_iter().collect();
    let Routes { mut found, mut closed } = Routes::default();
    for piece in apps.chunks(PIECE) {
        let mut values: Vec<Value> =
            piece.iter().flat_map(|(app, developer)| [Value::from(*developer), Value::from(*app)]).collect();
        let length = piece.len().next_power_of_two();
        values.resize(length * 2, Value::Null);
        let pairs: Vec<String> = (0..length)
            .map(|index| format!("(CAST(${} AS TEXT), CAST(${} AS TEXT))", 2 * index + 1, 2 * index + 2))
            .collect();
        let (pairs, columns) = (pairs.join(", "), subscriptions::COLUMNS);
        let sql = format!(
            "SELECT e.app_id, {columns} FROM (VALUES {pairs}) w LEFT JOIN app_events e ON e.tenant = w.column1 AND e.app_id = w.column2"
        );
        for mut row in found_rows(root.rows(&sql, &values).await?) {
            let app_id = row.id(0, AppId::parse)?;
            match subscriptions::read(&root.engine().keys, &mut row, 1) {
                Ok(route) => drop(found.insert(app_id, Arc::new(route))),
                Err(error) => drop(closed.insert(app_id, error.to_string())),
            }
        }
    }
    Ok(Routes { found, closed })
}

/// What to do with an event; `None` if its app uses long connections.
fn verdict(form: Form, route: Option<&Arc<Subscription>>) -> Option<Verdict> {
    const NO_ADDRESS: Verdict = Verdict::Drop("there is no request URL");
    let Some(route) = route else { return Some(NO_ADDRESS) };
    let channel = channel(form, route);
    Some(match (channel.mode, channel.state) {
        (Mode::Connection, _) if form != Form::Challenge => return None,
        _ if channel.request_url.is_empty() => NO_ADDRESS,
        _ if form == Form::Challenge => Verdict::Send,
        (_, AddressState::Verified) => Verdict::Send,
        (_, AddressState::Pending) => Verdict::Hold,
        (_, AddressState::Failed) => Verdict::Drop("the request URL is not verified"),
    })
}

/// What to do with an event of an app that uses long connections.
fn verdict_of_connected(row: &Key, here: &HashSet<AppId>, anywhere: &HashSet<AppId>) -> Verdict {
    if here.contains(&row.app_id) {
        Verdict::Send
    } else if anywhere.contains(&row.app_id) {
        Verdict::Leave
    } else {
        Verdict::Fail { repeats: !row.form.retries_ms().is_empty() }
    }
}

/// The apps of some rows that use long connections and are connected to some server, but not `here`.
async fn connected_elsewhere(
    root: &mut Root,
    due: &Due,
    here: &HashSet<AppId>,
    real_now: i64,
) -> Result<HashSet<AppId>, StoreError> {
    let mut asked: BTreeMap<TenantKey, BTreeSet<AppId>> = BTreeMap::new();
    for row in due.rows.iter().filter(|row| !here.contains(&row.app_id)) {
        if verdict(row.form, due.routes.get(&row.app_id)).is_none() {
            asked.entry(row.developer).or_default().insert(row.app_id);
        }
    }
    let mut found = HashSet::new();
    for (developer, apps) in asked {
        let apps = Vec::from_iter(apps);
        found.extend(connections::connected(&mut root.tenant(developer), &apps, real_now).await?);
    }
    Ok(found)
}

/// The result of [`claim`].
#[derive(Clone, Default)]
pub struct Claimed {
    /// The events to be sent now.
    pub deliveries: Vec<Delivery>,
    /// Apps that are connected to another server, which sends their events.
    pub elsewhere: HashSet<AppId>,
    /// How many events of each app, by tenant, ended without an attempt: they failed, were dropped, or are held.
    pub failed: HashMap<(TenantKey, AppId), usize>,
    /// Whether it changed anything.
    pub acted: bool,
}

/// A new owner of claims: random.
pub fn owner(engine: &Engine) -> String {
    format!("{:032x}", engine.ids.random())
}

/// Takes back all claims, when a process starts on a store that no other process writes to: those who held them are gone.
pub async fn take_back(root: &mut Root) -> Result<usize, StoreError> {
    let sql =
        "UPDATE event_delivery SET lease_until = 0 WHERE state = 'waiting' AND lease_until > 0 RETURNING 1";
    Ok(root.rows(sql, &[]).await?.len())
}

/// Claims due events, in order. Events that other workers have claimed meanwhile are left out, and so are those that
/// cannot be sent: without a URL they are dropped, before its verification they wait.
///
/// `rules` are asked about every event before its first attempt. `here` are the apps that are connected to this server. If an app uses long connections and has none to any server,
/// the attempt has failed.
pub async fn claim(
    root: &mut Root,
    due: &Due,
    real_now: i64,
    here: &HashSet<AppId>,
    rules: &Arc<dyn EventRules>,
) -> Result<Claimed, StoreError> {
    // Read in this transaction: an app that connected meanwhile has stored that.
    let elsewhere = connected_elsewhere(root, due, here, real_now).await?;
    let mut judged = Vec::with_capacity(due.rows.len());
    for row in &due.rows {
        let verdict = verdict(row.form, due.routes.get(&row.app_id))
            .unwrap_or_else(|| verdict_of_connected(row, here, &elsewhere));
        judged.push((row, verdict));
    }
    let (taken, steered) = steer(root, due, (&judged, rules), real_now).await?;
    let mut groups: BTreeMap<(TenantKey, Verdict), Vec<i64>> = BTreeMap::new();
    for (row, verdict) in judged {
        if !taken.contains(&(row.tenant, row.number)) {
            groups.entry((row.tenant, verdict)).or_default().push(row.number);
        }
    }
    let owner: Arc<str> = owner(root.engine()).into();
    let mut claimed = HashMap::new();
    let (mut ended, mut postponed) = (HashSet::new(), false);
    for ((tenant, verdict), mut numbers) in groups {
        let mut tx = root.tenant(tenant);
        // Always in the same order: workers that collide wait for each other's rows.
        numbers.sort_unstable();
        for piece in numbers.chunks(PIECE) {
            let numbers: Vec<Value> = piece.iter().map(|number| (*number).into()).collect();
            let failed = match verdict {
                Verdict::Send => {
                    claimed.extend(hold(&mut tx, numbers, &owner, real_now).await?);
                    continue;
                }
                Verdict::Hold => {
                    postponed |= put_off(&mut tx, numbers, real_now).await?;
                    continue;
                }
                Verdict::Leave => continue,
                Verdict::Drop(why) => give_up(&mut tx, numbers, real_now, why).await?,
                Verdict::Fail { repeats: false } => {
                    give_up(&mut tx, numbers, real_now, NOT_CONNECTED).await?
                }
                Verdict::Fail { repeats: true } => fail(&mut tx, numbers, real_now).await?,
            };
            ended.extend(failed.into_iter().map(|number| (tenant, number)));
        }
    }
    let acted = steered || postponed || !claimed.is_empty() || !ended.is_empty();
    ended.extend(taken); // They take room, too.
    let (deliveries, failed) = readable(root, due, (claimed, &ended), &owner).await?;
    Ok(Claimed { deliveries, elsewhere, failed, acted })
}

/// A row of a tenant.
type Numbered = (TenantKey, i64);

/// The deliveries that are held, and how many rows of each app are done with: ended, or not readable.
async fn readable(
    root: &mut Root,
    due: &Due,
    (mut claimed, ended): (HashMap<Numbered, Row>, &HashSet<Numbered>),
    owner: &Arc<str>,
) -> Result<(Vec<Delivery>, HashMap<(TenantKey, AppId), usize>), StoreError> {
    let mut deliveries = Vec::with_capacity(claimed.len());
    let mut failed: HashMap<(TenantKey, AppId), usize> = HashMap::new();
    for key in &due.rows {
        if ended.contains(&(key.tenant, key.number)) {
            *failed.entry((key.tenant, key.app_id)).or_default() += 1;
        }
        let (row, route) = (claimed.remove(&(key.tenant, key.number)), due.routes.get(&key.app_id));
        if let (Some(row), Some(route)) = (row, route) {
            match delivery(root, key, row, route.clone(), owner.clone())? {
                Some(delivery) => deliveries.push(delivery),
                None => {
                    spoil(&mut root.tenant(key.tenant), key.number, owner).await?;
                    *failed.entry((key.tenant, key.app_id)).or_default() += 1;
                }
            }
        }
    }
    Ok((deliveries, failed))
}

/// Treats events as the fault rules of their tenants say; returns those that are not to be sent now, and whether anything changed.
async fn steer(
    root: &mut Root,
    due: &Due,
    (judged, rules): (&[(&Key, Verdict)], &Arc<dyn EventRules>),
    real_now: i64,
) -> Result<(HashSet<(TenantKey, i64)>, bool), StoreError> {
    let mut asked: BTreeMap<TenantKey, BTreeMap<i64, (AppId, Mode)>> = BTreeMap::new();
    for (row, verdict) in judged {
        let counts = row.fresh && row.form != Form::Challenge;
        if counts
            && matches!(verdict, Verdict::Send | Verdict::Fail { .. })
            && let Some(route) = due.routes.get(&row.app_id)
        {
            let way = channel(row.form, route).mode;
            asked.entry(row.tenant).or_default().insert(row.number, (row.app_id, way));
        }
    }
    let (mut all, mut any) = (HashSet::new(), false);
    let tenants: Vec<TenantKey> = asked.keys().copied().collect();
    for ruled in steering::ruled(root, &tenants).await?.iter().filter(|ruled| rules.any(ruled)) {
        let (tenant, Some(rows)) = (ruled.tenant, asked.get(&ruled.tenant)) else { continue };
        let (taken, changed) =
            steering::apply(&mut root.tenant(tenant), (rules, ruled), rows, real_now).await?;
        all.extend(taken.into_iter().map(|number| (tenant, number)));
        any |= changed;
    }
    Ok((all, any))
}

/// Claims rows of a tenant; returns the columns of those that were claimed.
async fn hold(
    tx: &mut Tx,
    mut numbers: Vec<Value>,
    owner: &str,
    real_now: i64,
) -> Result<Vec<((TenantKey, i64), Row)>, StoreError> {
    let list = in_list(5, &mut numbers);
    let sql = format!(
        "UPDATE event_delivery SET owner = $2, lease_until = $3 WHERE tenant = $1 AND number IN {list} AND state = 'waiting' \
         AND lease_until <= $4 AND due_at <= $4 RETURNING number, event_id, event_type, sealed, payload, created_at, attempts, corrupted"
    );
    let mut params = vec![owner.into(), (real_now + LEASE_MS).into(), real_now.into()];
    params.append(&mut numbers);
    let rows = tx.rows_of(&sql, params).await?;
    rows.into_iter().map(|row| Ok(((tx.tenant(), row.int(0)?), row))).collect()
}

/// Drops a claimed row whose payload cannot be decrypted.
async fn spoil(tx: &mut Tx, number: i64, owner: &str) -> Result<(), StoreError> {
    let sql = "UPDATE event_delivery SET state = 'dropped', failure = $4, lease_until = 0 WHERE tenant = $1 AND number = $2 AND owner = $3 \
               AND state = 'waiting'";
    tx.rows(sql, [number.into(), owner.into(), SPOILED.into()]).await?;
    tx.notify(Notice::Delivery(number));
    Ok(())
}

/// An event to be sent; `None` if its payload cannot be decrypted.
fn delivery(
    root: &Root,
    key: &Key,
    mut row: Row,
    route: Arc<Subscription>,
    owner: Arc<str>,
) -> Result<Option<Delivery>, StoreError> {
    let payload = row.text(4)?;
    let payload = match row.flag(3)? {
        true if payload.is_empty() => payload,
        true => match root.engine().keys.open(&payload) {
            Some(payload) => payload,
            None => return Ok(None),
        },
        false => payload,
    };
    Ok(Some(Delivery {
        tenant: key.tenant,
        number: key.number,
        app_id: key.app_id,
        developer: key.developer,
        form: key.form,
        event_id: row.text(1)?,
        event_type: row.text(2)?,
        payload,
        created_at: row.int(5)?,
        attempts: row.int(6)?,
        corrupted: Corruption::read(&row.text(7)?),
        route,
        owner,
        seat: None,
    }))
}

/// Postpones rows of a tenant a little; returns whether any row changed.
async fn put_off(tx: &mut Tx, mut numbers: Vec<Value>, real_now: i64) -> Result<bool, StoreError> {
    let list = in_list(4, &mut numbers);
    let sql = format!(
        "UPDATE event_delivery SET due_at = $3 WHERE tenant = $1 AND number IN {list} AND state = 'waiting' AND lease_until <= $2 \
         RETURNING 1"
    );
    let mut params = vec![real_now.into(), (real_now + HOLD_MS).into()];
    params.append(&mut numbers);
    Ok(!tx.rows_of(&sql, params).await?.is_empty())
}

/// Records a failed attempt for rows of a tenant whose apps are not connected, as `settlements::failed` does for one; returns
/// the numbers of the rows that changed.
async fn fail(tx: &mut Tx, mut numbers: Vec<Value>, real_now: i64) -> Result<Vec<i64>, StoreError> {
    let ladder = Form::V2.retries_ms();
    let mut params =
        vec![real_now.into(), NOT_CONNECTED.into(), i64::try_from(ladder.len()).unwrap_or(0).into()];
    let mut waits = String::new();
    for (before, wait) in ladder.iter().enumerate() {
        params.push((real_now + wait).into());
        waits.push_str(&format!("WHEN {before} THEN CAST(${} AS BIGINT) ", params.len() + 1));
    }
    let list = in_list(params.len() + 2, &mut numbers);
    let sql = format!(
        "UPDATE event_delivery SET state = CASE WHEN attempts < $4 THEN 'waiting' ELSE 'dropped' END, \
         due_at = CASE attempts {waits}ELSE due_at END, status = NULL, failure = $3, attempts = attempts + 1, lease_until = 0 \
         WHERE tenant = $1 AND number IN {list} AND state = 'waiting' AND lease_until <= $2 AND due_at <= $2 \
         RETURNING number"
    );
    params.append(&mut numbers);
    changed(tx, &sql, params).await
}

/// Drops rows of a tenant that cannot be sent; returns the numbers of the rows that changed.
async fn give_up(
    tx: &mut Tx,
    mut numbers: Vec<Value>,
    real_now: i64,
    why: &str,
) -> Result<Vec<i64>, StoreError> {
    let list = in_list(4, &mut numbers);
    let sql = format!(
        "UPDATE event_delivery SET state = 'dropped', failure = $3 WHERE tenant = $1 AND number IN {list} AND state = 'waiting' \
         AND lease_until <= $2 RETURNING number"
    );
    let mut params = vec![real_now.into(), why.into()];
    params.append(&mut numbers);
    changed(tx, &sql, params).await
}

/// Runs a statement that changes the state of rows, and returns their numbers.
async fn changed(tx: &mut Tx, sql: &str, params: Vec<Value>) -> Result<Vec<i64>, StoreError> {
    let rows = tx.rows_of(sql, params).await?;
    let numbers: Vec<i64> = rows.into_iter().map(|row| row.int(0)).collect::<Result<_, _>>()?;
    tx.notify_deliveries(&numbers);
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::super::subscriptions::Channel;
    use super::*;

    fn row(app: u64, number: i64) -> Key {
        let tenant = TenantKey(1);
        Key { tenant, number, app_id: AppId(app), developer: tenant, form: Form::V2, fresh: true }
    }

    #[test]
    fn what_is_done_with_something_that_is_due() {
        let of = |mode, url: &str, state| {
            let channel = Channel { mode, state, ..Channel::webhook(url.to_owned()) };
            let callbacks = Channel::webhook(String::new());
            let route = Subscription {
                events: channel,
                callbacks,
                encrypt_key: None,
                verification_token: None,
                ticket_at: None,
            };
            Arc::new(route)
        };
        let webhook = |state| of(Mode::Webhook, "http://a/", state);
        assert_eq!(verdict(Form::V2, None), Some(Verdict::Drop("there is no request URL")));
        assert_eq!(verdict(Form::V2, Some(&webhook(AddressState::Verified))), Some(Verdict::Send));
        assert_eq!(verdict(Form::V2, Some(&webhook(AddressState::Pending))), Some(Verdict::Hold));
        assert_eq!(verdict(Form::Challenge, Some(&webhook(AddressState::Pending))), Some(Verdict::Send));
        let failed = verdict(Form::V1, Some(&webhook(AddressState::Failed)));
        assert_eq!(failed, Some(Verdict::Drop("the request URL is not verified")));
        let connected = of(Mode::Connection, "", AddressState::Pending);
        assert_eq!(verdict(Form::V2, Some(&connected)), None, "the connections decide");
        let apps = |ids: &[u64]| -> HashSet<AppId> { ids.iter().map(|id| AppId(*id)).collect() };
        let decided =
            |here: &[u64], anywhere: &[u64]| verdict_of_connected(&row(1, 0), &apps(here), &apps(anywhere));
        assert_eq!(decided(&[1, 2], &[]), Verdict::Send);
        assert_eq!(decided(&[2], &[1]), Verdict::Leave);
        assert_eq!(decided(&[2], &[2]), Verdict::Fail { repeats: true });
        let callback = verdict(Form::Callback, Some(&webhook(AddressState::Verified)));
        assert_eq!(callback, Some(Verdict::Drop("there is no request URL")), "callbacks have a separate URL");
    }
}
