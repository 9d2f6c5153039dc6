//! Commits, rollbacks, collisions and hooks.

use super::facts;

facts! {
    a_lone_statement_is_a_whole_transaction
    a_commit_is_seen_afterwards
    a_rollback_leaves_nothing
    an_error_leaves_nothing_and_is_told
    a_unit_sees_what_it_wrote_through_every_handle
    a_handle_is_dead_after_its_unit
    hooks_run_around_the_commit_in_their_order
    hooks_do_not_run_without_a_commit
    a_collision_is_run_again_from_the_start
    collisions_are_given_up_at_last
    an_unexpected_duplicate_is_a_collision
    units_side_by_side_do_not_undo_each_other
    a_unit_that_locks_a_row_is_alone_with_it
    readers_see_whole_transactions
    the_caller_need_not_wait_for_the_answer
}

mod facts {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use larkspur_contract::Effect::{Reads, Writes};
    use larkspur_store::{Hook, Session, StoreError, Verdict};

    use super::super::{INSERT, Store, row, unit};

    pub(super) async fn a_lone_statement_is_a_whole_transaction(store: &Store) {
        let by_itself = |effect, sql, key: i64| store.driver.query(effect, sql, row(key, "v"));
        let upsert = "INSERT INTO t (g, k, v) VALUES ($1, $2, $3) ON CONFLICT (g, k) DO UPDATE SET v = 'again' RETURNING v";
        for expected in ["v", "again"] {
            let rows = by_itself(Writes, upsert, 1).await.expect("writes");
            assert_eq!(rows, [larkspur_store::Row(vec![expected.into()])]);
        }
        let read = "SELECT k FROM t WHERE g = $1 AND k = $2 AND v <> $3";
        assert_eq!(by_itself(Reads, read, 1).await.expect("reads").len(), 1);
        for (effect, sql) in
            [(Reads, upsert), (Writes, "INSERT INTO t (g, k, v) VALUES ($1, $2, nothing($3))")]
        {
            let refused = by_itself(effect, sql, 2).await;
            assert!(matches!(refused, Err(StoreError::Broken(_))), "{sql}: {refused:?}");
        }
        assert_eq!(store.keys().await, [1]);
    }

    pub(super) async fn a_commit_is_seen_afterwards(store: &Store) {
        for key in 0..20 {
            store.put(key, "v").await;
            assert!(store.keys().await.contains(&key), "a reader right behind the commit");
        }
    }

    /// Writes two rows and returns this result.
    async fn write_and(store: &Store, end: Result<Verdict, StoreError>) -> Result<(), StoreError> {
        store
            .run(Writes, move |mut session| {
                let end = end.clone();
                Box::pin(async move {
                    session.query(INSERT, &row(1, "v")).await?;
                    session.query(INSERT, &row(2, "v")).await?;
                    end
                })
            })
            .await
    }

    pub(super) async fn a_rollback_leaves_nothing(store: &Store) {
        assert_eq!(write_and(store, Ok(Verdict::Rollback)).await, Ok(()));
        assert_eq!(store.keys().await, [0i64; 0]);
        assert_eq!(write_and(store, Ok(Verdict::Commit)).await, Ok(()));
        assert_eq!(store.keys().await, [1, 2]);
    }

    pub(super) async fn an_error_leaves_nothing_and_is_told(store: &Store) {
        for error in [StoreError::Unavailable("away".to_owned()), StoreError::Broken("wrong".to_owned())] {
            assert_eq!(write_and(store, Err(error.clone())).await, Err(error));
            assert_eq!(store.keys().await, [0i64; 0]);
        }
    }

    pub(super) async fn a_unit_sees_what_it_wrote_through_every_handle(store: &Store) {
        let outcome = store.run(Writes, |mut session| {
            Box::pin(async move {
                let mut other = session.share();
                session.query(INSERT, &row(1, "v")).await?;
                other.query(INSERT, &row(2, "v")).await?;
                drop(other);
                let seen = session.query("SELECT k FROM t", &[]).await?.len();
                if seen == 2 { Ok(Verdict::Commit) } else { Err(StoreError::Broken(format!("saw {seen}"))) }
            })
        });
        assert_eq!(outcome.await, Ok(()));
        assert_eq!(store.keys().await, [1, 2]);
    }

    pub(super) async fn a_handle_is_dead_after_its_unit(store: &Store) {
        let kept: Arc<Mutex<Option<Box<dyn Session>>>> = Arc::default();
        let keep = kept.clone();
        let outcome = store.run(Writes, move |session| {
            *keep.lock().expect("not poisoned") = Some(session.share());
            Box::pin(async { Ok(Verdict::Commit) })
        });
        assert_eq!(outcome.await, Ok(()));
        let mut handle = kept.lock().expect("not poisoned").take().expect("a handle");
        let late = handle.query(INSERT, &row(1, "late")).await;
        assert!(late.is_err(), "a statement behind the commit");
        assert_eq!(store.keys().await, [0i64; 0]);
    }

    type Log = Arc<Mutex<Vec<String>>>;

    fn hook(log: &Log, name: &str) -> Hook {
        let half = |when: &str| -> Box<dyn FnOnce() + Send> {
            let (log, line) = (log.clone(), format!("{when} {name}"));
            Box::new(move || log.lock().expect("not poisoned").push(line))
        };
        Hook { before: half("before"), after: half("after") }
    }

    /// Runs a unit with two hooks that returns these results in turn, then the last one again.
    async fn hooked(store: &Store, ends: &[Result<Verdict, StoreError>]) -> Vec<String> {
        let (log, runs) = (Log::default(), AtomicUsize::new(0));
        let (hooks, ends) = (log.clone(), ends.to_vec());
        let outcome = store.run(Writes, move |mut session| {
            let run = runs.fetch_add(1, Ordering::SeqCst);
            let end = ends[run.min(ends.len() - 1)].clone();
            session.on_commit(hook(&hooks, &format!("one of run {run}")));
            session.share().on_commit(hook(&hooks, &format!("two of run {run}")));
            Box::pin(async move {
                let key = i64::try_from(run).unwrap_or(-1);
                session.query(INSERT, &row(key, "v")).await?;
                end
            })
        });
        drop(outcome.await);
        std::mem::take(&mut *log.lock().expect("not poisoned"))
    }

    pub(super) async fn hooks_run_around_the_commit_in_their_order(store: &Store) {
        let log = hooked(store, &[Ok(Verdict::Commit)]).await;
        assert_eq!(
            log,
            ["before one of run 0", "before two of run 0", "after one of run 0", "after two of run 0"]
        );
    }

    pub(super) async fn hooks_do_not_run_without_a_commit(store: &Store) {
        let broken = StoreError::Broken("wrong".to_owned());
        for end in [Ok(Verdict::Rollback), Err(broken), Err(StoreError::Collided)] {
            assert_eq!(hooked(store, std::slice::from_ref(&end)).await, [""; 0], "{end:?}");
        }
    }

    pub(super) async fn a_collision_is_run_again_from_the_start(store: &Store) {
        let ends = [Err(StoreError::Collided), Err(StoreError::Collided), Ok(Verdict::Commit)];
        let log = hooked(store, &ends).await;
        assert_eq!(
            log,
            ["before one of run 2", "before two of run 2", "after one of run 2", "after two of run 2"]
        );
        assert_eq!(store.keys().await, [2], "of the runs that collided nothing is left");
    }

    pub(super) async fn collisions_are_given_up_at_last(store: &Store) {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = runs.clone();
        let outcome = store.run(Writes, move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { Err(StoreError::Collided) })
        });
        let outcome = outcome.await;
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
        assert!((2..=20).contains(&runs.load(Ordering::SeqCst)), "{runs:?} runs");
    }

    pub(super) async fn an_unexpected_duplicate_is_a_collision(store: &Store) {
        store.put(0, "taken").await;
        let next = AtomicUsize::new(0);
        // Like a new id that exists already: the second run draws another one.
        let outcome = store.run(Writes, move |mut session| {
            let key = i64::try_from(next.fetch_add(1, Ordering::SeqCst)).unwrap_or(-1);
            Box::pin(async move { session.query(INSERT, &row(key, "fresh")).await.map(|_| Verdict::Commit) })
        });
        assert_eq!(outcome.await, Ok(()));
        assert_eq!(store.keys().await, [0, 1]);
    }

    pub(super) async fn units_side_by_side_do_not_undo_each_other(store: &Store) {
        let tasks: Vec<_> = (0..90)
            .map(|key| {
                let driver = store.driver.clone();
                let unit = unit(move |mut session| {
                    Box::pin(async move {
                        session.query(INSERT, &row(key, "v")).await?;
                        match key % 3 {
                            0 => Ok(Verdict::Commit),
                            1 => Ok(Verdict::Rollback),
                            _ => Err(StoreError::Broken("wrong".to_owned())),
                        }
                    })
                });
                tokio::spawn(async move { driver.transact(Writes, unit).await })
            })
            .collect();
        for (key, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.expect("no panic").is_ok(), key % 3 < 2, "{key}");
        }
        let kept: Vec<i64> = (0..90).filter(|key| key % 3 == 0).collect();
        assert_eq!(store.keys().await, kept);
    }

    pub(super) async fn a_unit_that_locks_a_row_is_alone_with_it(store: &Store) {
        store.put(1, "0").await;
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let driver = store.driver.clone();
                let unit = unit(|mut session| {
                    Box::pin(async move {
                        // Locks the row, reads it, and writes the value plus one: no other unit may write in between.
                        session.query("UPDATE t SET g = g WHERE k = 1 RETURNING k", &[]).await?;
                        let mut rows = session.query("SELECT v FROM t WHERE k = 1", &[]).await?;
                        let read: i64 = rows[0].text(0)?.parse().unwrap_or(-1);
                        let params = [(read + 1).to_string().into()];
                        session.query("UPDATE t SET v = $1 WHERE k = 1", &params).await?;
                        Ok(Verdict::Commit)
                    })
                });
                tokio::spawn(async move { driver.transact(Writes, unit).await })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.expect("no panic"), Ok(()));
        }
        let mut rows = store.read("SELECT v FROM t WHERE k = 1", vec![]).await;
        assert_eq!(rows[0].text(0).expect("text"), "50");
    }

    pub(super) async fn readers_see_whole_transactions(store: &Store) {
        store.put(1, "0").await;
        store.put(2, "0").await;
        let over = Arc::new(AtomicBool::new(false));
        let looks = Arc::new(AtomicUsize::new(0));
        let (driver, ended, looked) = (store.driver.clone(), over.clone(), looks.clone());
        let writer = tokio::spawn(async move {
            // On a busy machine a hundred rounds may be over before the first read.
            for round in 1..=20_000 {
                if round > 100 && looked.load(Ordering::SeqCst) > 20 {
                    break;
                }
                let unit = unit(move |mut session| {
                    Box::pin(async move {
                        for key in [1i64, 2] {
                            let params = [key.into(), round.to_string().into()];
                            session.query("UPDATE t SET v = $2 WHERE k = $1", &params).await?;
                        }
                        // Every third round is undone, and must never be visible.
                        Ok(if round % 3 == 0 { Verdict::Rollback } else { Verdict::Commit })
                    })
                });
                driver.transact(Writes, unit).await.expect("written");
            }
            ended.store(true, Ordering::SeqCst);
        });
        while !over.load(Ordering::SeqCst) {
            let outcome = store.run(Reads, |mut session| {
                Box::pin(async move {
                    let mut one = session.query("SELECT v FROM t WHERE k = 1", &[]).await?;
                    let mut two = session.query("SELECT v FROM t WHERE k = 2", &[]).await?;
                    let (one, two) = (one[0].text(0)?, two[0].text(0)?);
                    let undone = one != "0" && one.parse::<i64>().is_ok_and(|round| round % 3 == 0);
                    let whole = one == two && !undone;
                    if whole {
                        Ok(Verdict::Commit)
                    } else {
                        Err(StoreError::Broken(format!("{one} and {two}")))
                    }
                })
            });
            assert_eq!(outcome.await, Ok(()));
            looks.fetch_add(1, Ordering::SeqCst);
        }
        writer.await.expect("no panic");
        let looks = looks.load(Ordering::SeqCst);
        assert!(looks > 5, "looked {looks} times");
    }

    pub(super) async fn the_caller_need_not_wait_for_the_answer(store: &Store) {
        for key in 0..20 {
            let unit = unit(move |mut session| {
                Box::pin(async move {
                    session.query(INSERT, &row(key, "v")).await?;
                    session.query(INSERT, &row(key + 100, "v")).await.map(|_| Verdict::Commit)
                })
            });
            // Polled once, which submits the unit, and dropped.
            let waiting = store.driver.transact(Writes, unit);
            drop(tokio::time::timeout(Duration::ZERO, waiting).await);
        }
        store.put(1000, "v").await;
        let keys = store.keys().await;
        assert!(
            keys.iter().all(|key| *key == 1000 || keys.contains(&((key + 100) % 200))),
            "half a unit: {keys:?}"
        );
    }
}
