//! Units of different tenants that share a transaction on PostgreSQL.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use larkspur_contract::Effect::Writes;
use larkspur_contract::ids::TenantKey;
use larkspur_store::{BoxFuture, Driver, Session, StoreError, Unit, Verdict};
use larkspur_store_postgres::{Options, Postgres};
use larkspur_testkit::postgres::Server;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::{INSERT, Outcome, Store, TABLE, row};

/// The most lanes of the driver.
const LANES: u64 = 4;

/// A unit of a tenant, made from a function of the run's number; optionally one that only adds.
struct Of<F>(u64, F, AtomicUsize, bool);

impl<F> Unit for Of<F>
where
    F: Fn(Box<dyn Session>, usize) -> BoxFuture<'static, Outcome> + Send + Sync,
{
    fn run(&self, session: Box<dyn Session>) -> BoxFuture<'_, Outcome> {
        (self.1)(session, self.2.fetch_add(1, Ordering::SeqCst))
    }

    fn tenant(&self) -> Option<TenantKey> {
        Some(TenantKey(self.0))
    }

    fn only_adds(&self) -> bool {
        self.3
    }
}

type Ended = JoinHandle<Result<(), StoreError>>;

fn start<F>(driver: &Arc<Postgres>, tenant: u64, body: F) -> Ended
where
    F: Fn(Box<dyn Session>, usize) -> BoxFuture<'static, Outcome> + Send + Sync + 'static,
{
    hand_over(driver, Of(tenant, body, AtomicUsize::new(0), false))
}

fn hand_over<F>(driver: &Arc<Postgres>, unit: Of<F>) -> Ended
where
    F: Fn(Box<dyn Session>, usize) -> BoxFuture<'static, Outcome> + Send + Sync + 'static,
{
    let driver = driver.clone();
    tokio::spawn(async move { driver.transact(Writes, Arc::new(unit)).await })
}

/// Adds the row of a key for one tenant, and counts its runs; if the key exists, reads its row.
fn add(driver: &Arc<Postgres>, key: i64, then: &'static str, runs: &Arc<AtomicUsize>) -> Ended {
    let runs = runs.clone();
    let body = move |mut session: Box<dyn Session>, _| -> BoxFuture<'static, Outcome> {
        runs.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            let added = session.insert(ADD, row(key, "v")).await?;
            match then {
                "end" if added => return Ok(Verdict::Commit),
                "refuse" if !added => return Ok(Verdict::Rollback),
                "look up" => drop(session.look_up("SELECT v FROM t WHERE k = -1", &[]).await?),
                "add" => drop(session.insert(ADD, row(key + 1, "v")).await?),
                _ => drop(session.query("SELECT v FROM t WHERE k = $1", &[key.into()]).await?),
            }
            Ok(Verdict::Commit)
        })
    };
    hand_over(driver, Of(7, body, AtomicUsize::new(0), true))
}

const ADD: &str = "INSERT INTO t (g, k, v) VALUES ($1, $2, $3) ON CONFLICT (g, k) DO NOTHING RETURNING g, k";

/// Writes the row of a key and ends with this outcome.
fn write(driver: &Arc<Postgres>, key: i64, end: Outcome) -> Ended {
    start(driver, 100 + key.cast_unsigned(), move |mut session, _| {
        let end = end.clone();
        Box::pin(async move {
            session.query(INSERT, &row(key, "v")).await?;
            end
        })
    })
}

async fn open(server: &Server) -> (Store, Arc<Postgres>) {
    let driver = Arc::new(Postgres::open(&server.url("postgres"), &Options::default()).await.expect("opens"));
    let store = Store { driver: driver.clone(), _directory: None };
    (store, driver)
}

async fn store(server: &Server) -> (Store, Arc<Postgres>) {
    let (store, driver) = open(server).await;
    store.must(TABLE, vec![]).await;
    (store, driver)
}

/// Keeps every lane busy while `units` are submitted, so that they form one group.
async fn group(driver: &Arc<Postgres>, units: impl FnOnce() -> Vec<Ended>) -> Vec<Result<(), StoreError>> {
    let (busy, free) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let mut lanes = Vec::new();
    for lane in 0..LANES {
        let (running, freed) = (busy.clone(), free.clone());
        lanes.push(start(driver, lane, move |_, _| {
            let (busy, free) = (running.clone(), freed.clone());
            Box::pin(async move {
                let waiting = free.notified();
                busy.fetch_add(1, Ordering::SeqCst);
                waiting.await;
                Ok(Verdict::Commit)
            })
        }));
        // One after another: units that arrive together share a lane, and a new lane starts only after a wait.
        while busy.load(Ordering::SeqCst) < lanes.len() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    let units = units();
    // Long enough for all of them to be submitted.
    tokio::time::sleep(Duration::from_millis(50)).await;
    free.notify_waiters();
    let mut outcomes = Vec::new();
    for unit in units {
        outcomes.push(unit.await.expect("no panic"));
    }
    for lane in lanes {
        assert_eq!(lane.await.expect("no panic"), Ok(()));
    }
    outcomes
}

#[tokio::test]
async fn what_waits_shares_a_transaction() {
    let server = Server::start(&["fsync=off"]);
    let (store, driver) = store(&server).await;
    let before = driver.stats();
    let outcomes =
        group(&driver, || (0..20).map(|key| write(&driver, key, Ok(Verdict::Commit))).collect()).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(store.keys().await, (0..20).collect::<Vec<i64>>());
    let after = driver.stats();
    assert_eq!(after.groups - before.groups, 1);
    assert_eq!(after.groups_undone, 0);
    assert_eq!(after.commits - before.commits, 20 + LANES);
}

/// Units of one tenant may share a group if they only add a row. One that asks for more is retried alone; the others
/// are retried only if it had added its row.
#[tokio::test]
async fn units_that_only_add_share_a_transaction() {
    let server = Server::start(&["fsync=off"]);
    let (store, driver) = store(&server).await;
    store.put(100, "v").await;
    let mut groups = (0, 0);
    // What one unit does besides adding its row, the key of its row, how often it runs, and whether the group is
    // undone.
    for (then, key, runs, undone) in [
        ("end", 50, 1, 0),
        ("refuse", 100, 1, 0),
        ("look", 100, 2, 0),
        ("look", 51, 2, 1),
        ("look up", 54, 1, 0),
        ("look up", 100, 2, 0),
        ("add", 52, 1, 0),
        ("add", 100, 2, 0),
    ] {
        store.must("DELETE FROM t WHERE k <> 100", vec![]).await;
        let (odd, even) = (Arc::default(), Arc::default());
        let outcomes = group(&driver, || {
            let mut units: Vec<Ended> = (0..20).map(|key| add(&driver, key, "end", &even)).collect();
            units.insert(9, add(&driver, key, then, &odd));
            units
        });
        let outcomes = outcomes.await;
        assert!(outcomes.iter().all(Result::is_ok), "{then} {key}: {outcomes:?}");
        let mut keys: Vec<i64> = (0..20).chain([100, key]).collect();
        keys.extend((then == "add").then_some(key + 1));
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(store.keys().await, keys, "{then} {key}");
        assert_eq!(odd.load(Ordering::SeqCst), runs, "{then} {key}");
        assert_eq!(even.load(Ordering::SeqCst), 20 * (1 + undone), "{then} {key}");
        groups = (groups.0 + 1, groups.1 + undone as u64);
        assert_eq!((driver.stats().groups, driver.stats().groups_undone), groups, "{then} {key}");
    }
}

/// Of two units that add the same row, one does, and the other finds it, even in the same statement.
#[tokio::test]
async fn two_units_that_add_the_same_row_both_learn_it() {
    let server = Server::start(&["fsync=off"]);
    let (store, driver) = store(&server).await;
    let runs = Arc::default();
    let outcomes = group(&driver, || (0..20).map(|key| add(&driver, key / 2, "end", &runs)).collect()).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(store.keys().await, (0..10).collect::<Vec<i64>>());
    assert_eq!(runs.load(Ordering::SeqCst), 30);
    assert_eq!((driver.stats().groups, driver.stats().groups_undone), (1, 0));
}

/// Reads and locks of a tenant's other units are not mixed with units that only add.
#[tokio::test]
async fn who_only_adds_is_in_no_group_with_the_tenants_others() {
    let server = Server::start(&["fsync=off"]);
    let (store, driver) = store(&server).await;
    let runs = Arc::default();
    let count = |seen: &Arc<AtomicUsize>| {
        let seen = seen.clone();
        start(&driver, 7, move |mut session, _| {
            let seen = seen.clone();
            Box::pin(async move {
                let first = session.query("SELECT k FROM t", &[]).await?.len();
                session.query("SELECT 1 FROM pg_sleep(0.1)", &[]).await?;
                let second = session.query("SELECT k FROM t", &[]).await?.len();
                seen.fetch_add(usize::from(first != second), Ordering::SeqCst);
                Ok(Verdict::Commit)
            })
        })
    };
    let changed: Arc<AtomicUsize> = Arc::default();
    let outcomes = group(&driver, || {
        let mut units = vec![count(&changed)];
        units.extend((0..5).map(|key| add(&driver, key, "end", &runs)));
        units.push(count(&changed));
        units
    });
    assert!(outcomes.await.iter().all(Result::is_ok));
    assert_eq!(store.keys().await, [0, 1, 2, 3, 4]);
    assert_eq!(changed.load(Ordering::SeqCst), 0);
    assert_eq!((driver.stats().groups, driver.stats().groups_undone), (2, 0));
}

/// A unit that refuses after locking a row has nothing to undo.
#[tokio::test]
async fn a_refusal_that_wrote_nothing_disturbs_no_other_unit() {
    let server = Server::start(&["fsync=off"]);
    let (store, driver) = store(&server).await;
    store.put(50, "v").await;
    let refusing = |session: &mut Box<dyn Session>| {
        let mut session = session.share();
        async move {
            session.query("UPDATE t SET g = g WHERE k = 50 RETURNING v", &[]).await?;
            session.query("SELECT v FROM t WHERE k = 50", &[]).await?;
            let taken = format!("{INSERT} ON CONFLICT (g, k) DO NOTHING");
            session.query(&taken, &row(50, "again")).await?;
            Ok(Verdict::Rollback)
        }
    };
    let outcomes = group(&driver, || {
        let refused = start(&driver, 99, move |mut session, _| {
            let refusing = refusing(&mut session);
            Box::pin(refusing)
        });
        vec![write(&driver, 1, Ok(Verdict::Commit)), refused, write(&driver, 2, Ok(Verdict::Commit))]
    });
    assert_eq!(outcomes.await, [Ok(()), Ok(()), Ok(())]);
    assert_eq!(store.keys().await, [1, 2, 50]);
    assert_eq!((driver.stats().groups, driver.stats().groups_undone), (1, 0));
}

/// If one unit rolls back, fails or panics, the writes of all are undone; then each is retried alone.
#[tokio::test]
async fn units_that_conflict_are_run_alone() {
    let server = Server::start(&["fsync=off"]);
    let (store, driver) = store(&server).await;
    let broken = StoreError::Broken("wrong".to_owned());
    let panics = || {
        start(&driver, 99, |mut session, _| {
            Box::pin(async move {
                session.query(INSERT, &row(99, "v")).await?;
                panic!("as a defect would")
            })
        })
    };
    let fails = || {
        start(&driver, 99, |mut session, run| {
            Box::pin(async move {
                let sql = if run == 0 { "INSERT INTO nowhere VALUES (1)" } else { "SELECT 1" };
                // It continues as if nothing had happened, and must not commit.
                drop(session.query(sql, &[]).await);
                Ok(Verdict::Commit)
            })
        })
    };
    let mut groups = 0;
    type Make<'a> = Box<dyn FnOnce() -> Ended + 'a>;
    let odd: Vec<(&str, Make<'_>, Result<(), ()>)> = vec![
        ("refuses", Box::new(|| write(&driver, 77, Ok(Verdict::Rollback))), Ok(())),
        ("ends in an error", Box::new(|| write(&driver, 77, Err(broken.clone()))), Err(())),
        ("collides", Box::new(|| write(&driver, 77, Err(StoreError::Collided))), Err(())),
        ("panics", Box::new(panics), Err(())),
        ("fails at first", Box::new(fails), Ok(())),
    ];
    for (what, make, expected) in odd {
        store.must("DELETE FROM t", vec![]).await;
        let outcomes = group(&driver, || {
            let mut units: Vec<Ended> = (0..5).map(|key| write(&driver, key, Ok(Verdict::Commit))).collect();
            units.insert(2, make());
            units
        });
        let mut outcomes = outcomes.await;
        assert_eq!(outcomes.remove(2).map_err(drop), expected, "{what}");
        assert!(outcomes.iter().all(Result::is_ok), "{what}: {outcomes:?}");
        assert_eq!(store.keys().await, [0, 1, 2, 3, 4], "{what}");
        groups += 1;
        assert_eq!((driver.stats().groups, driver.stats().groups_undone), (groups, groups), "{what}");
    }
}

/// In a group or alone: units lock the same row, which would not exclude anything within one transaction.
#[tokio::test]
async fn units_of_one_tenant_run_one_after_the_other() {
    let server = Server::start(&["fsync=off"]);
    let (store, driver) = store(&server).await;
    store.put(1, "0").await;
    let count = || {
        start(&driver, 7, |mut session, _| {
            Box::pin(async move {
                session.query("UPDATE t SET g = g WHERE k = 1 RETURNING k", &[]).await?;
                let mut rows = session.query("SELECT v FROM t WHERE k = 1", &[]).await?;
                let read: i64 = rows[0].text(0)?.parse().unwrap_or(-1);
                session.query("UPDATE t SET v = $1 WHERE k = 1", &[(read + 1).to_string().into()]).await?;
                Ok(Verdict::Commit)
            })
        })
    };
    let outcomes = group(&driver, || {
        let mut units: Vec<Ended> = (10..20).map(|key| write(&driver, key, Ok(Verdict::Commit))).collect();
        units.extend((0..30).map(|_| count()));
        units
    });
    assert!(outcomes.await.iter().all(Result::is_ok));
    let mut rows = store.read("SELECT v FROM t WHERE k = 1", vec![]).await;
    assert_eq!(rows[0].text(0).expect("text"), "30");
}

/// Two servers whose groups have two tenants in common, in opposite order.
#[tokio::test]
async fn groups_that_wait_for_each_other_give_way() {
    let server = Server::start(&["fsync=off"]);
    let (store, one) = store(&server).await;
    let (_, two) = open(&server).await;
    for key in [1, 2] {
        store.put(key, "").await;
    }
    let add = |driver: &Arc<Postgres>, key: i64, name: &'static str| {
        start(driver, 100 + key.cast_unsigned(), move |mut session, run| {
            Box::pin(async move {
                if run == 0 && name.starts_with("late") {
                    // Time for the other server's group to lock its first row.
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
                session.query("UPDATE t SET v = v || $1 WHERE k = $2", &[name.into(), key.into()]).await?;
                Ok(Verdict::Commit)
            })
        })
    };
    let began = Instant::now();
    let (ours, theirs) = tokio::join!(
        group(&one, || vec![add(&one, 11, "x"), add(&one, 1, "a"), add(&one, 2, "late b")]),
        group(&two, || vec![add(&two, 12, "x"), add(&two, 2, "c"), add(&two, 1, "late d")]),
    );
    assert!(ours.iter().chain(&theirs).all(Result::is_ok), "{ours:?} {theirs:?}");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let undone = one.stats().groups_undone + two.stats().groups_undone;
    assert!(undone >= 1, "no group gave way");
    let mut texts = Vec::new();
    for mut row in store.read("SELECT v FROM t ORDER BY k", vec![]).await {
        texts.push(row.text(0).expect("text").len());
    }
    assert_eq!(texts, ["alate d".len(), "late bc".len()], "each wrote once");
}

#[tokio::test]
async fn a_group_whose_connection_ends_is_run_again() {
    let server = Arc::new(Server::start(&["fsync=off"]));
    let (store, driver) = store(&server).await;
    let ending = server.clone();
    let outcomes = group(&driver, || {
        let mut units: Vec<Ended> = (0..5).map(|key| write(&driver, key, Ok(Verdict::Commit))).collect();
        units.push(start(&driver, 99, move |mut session, run| {
            let server = ending.clone();
            Box::pin(async move {
                session.query(INSERT, &row(5, "v")).await?;
                if run == 0 {
                    super::postgres::off(&server).await;
                }
                session.query(INSERT, &row(6, "v")).await.map(|_| Verdict::Commit)
            })
        }));
        units
    });
    let outcomes = outcomes.await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(store.keys().await, [0, 1, 2, 3, 4, 5, 6]);
}

/// If a COMMIT has no clear answer, the outcome is unknown to every unit of the group, except those that refused.
#[tokio::test]
async fn a_group_whose_commit_is_in_doubt_tells_everybody() {
    let server = Server::start(&["fsync=off"]);
    let (store, driver) = store(&server).await;
    // The warning when a COMMIT stops waiting for its standby is like any other.
    for sql in [
        "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''canceled''; RETURN NULL; END'",
        "CREATE CONSTRAINT TRIGGER warns AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION warn()",
    ] {
        store.must(sql, vec![]).await;
    }
    let outcomes = group(&driver, || {
        let mut units: Vec<Ended> = (0..4).map(|key| write(&driver, key, Ok(Verdict::Commit))).collect();
        units.push(start(&driver, 99, |_, _| Box::pin(async { Ok(Verdict::Rollback) })));
        units
    });
    let outcomes = outcomes.await;
    let (refused, written) = outcomes.split_last().expect("five");
    assert_eq!(*refused, Ok(()));
    let doubt = |outcome: &Result<(), StoreError>| matches!(outcome, Err(StoreError::UnknownOutcome(_)));
    assert!(written.iter().all(doubt), "{written:?}");
    assert_eq!(driver.stats().unknown_outcomes, 4);
    // In this case it did commit.
    assert_eq!(store.keys().await, [0, 1, 2, 3]);
}

/// A refusal may be based on a row that an earlier unit wrote, and that is lost with the COMMIT.
#[tokio::test]
async fn who_refused_behind_what_may_be_lost_is_run_again() {
    let server = Server::start(&["fsync=off"]);
    let (store, driver) = store(&server).await;
    // A COMMIT that is lost, one in doubt, and one that is refused.
    let odd = "CREATE FUNCTION odd() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN \
               IF NEW.k = 10 THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(9); END IF; \
               IF NEW.k = 20 THEN RAISE WARNING ''canceled''; END IF; \
               IF NEW.k = 30 THEN RAISE EXCEPTION ''no''; END IF; RETURN NULL; END'";
    store.must(odd, vec![]).await;
    let fires = "CREATE CONSTRAINT TRIGGER fires AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION odd()";
    store.must(fires, vec![]).await;
    for (key, there) in [(10, false), (20, true), (30, false)] {
        let runs: [Arc<AtomicUsize>; 3] = Default::default();
        // Writes a row unless another one exists.
        let unless = |tenant, other: i64, own: i64, runs: &Arc<AtomicUsize>| {
            let runs = runs.clone();
            start(&driver, tenant, move |mut session, run| {
                runs.store(run + 1, Ordering::SeqCst);
                Box::pin(async move {
                    if !session.query("SELECT 1 FROM t WHERE k = $1", &[other.into()]).await?.is_empty() {
                        return Ok(Verdict::Rollback);
                    }
                    session.query(INSERT, &row(own, "v")).await.map(|_| Verdict::Commit)
                })
            })
        };
        store.put(key + 1, "v").await;
        let outcomes = group(&driver, || {
            let none = Arc::default();
            vec![
                unless(99, key + 1, key + 2, &runs[0]),
                unless(99, key + 9, key, &none),
                unless(99, key, key + 3, &runs[1]),
                unless(98, key + 1, key + 4, &runs[2]),
                write(&driver, key + 5, Ok(Verdict::Commit)),
            ]
        });
        let told: Vec<bool> = outcomes.await.iter().map(Result::is_ok).collect();
        assert_eq!(told, [true, false, true, true, false], "{key}");
        assert_eq!(runs.map(|runs| runs.load(Ordering::SeqCst)), [1, 2, 1], "{key}");
        let keys: Vec<i64> = store.keys().await.into_iter().filter(|found| found / 10 == key / 10).collect();
        let expected = if there { vec![key, key + 1, key + 5] } else { vec![key + 1, key + 3] };
        assert_eq!(keys, expected, "{key}");
    }
}
