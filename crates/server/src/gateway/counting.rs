//! Counts calls: in this process, or in a store that other processes share.

use std::sync::Arc;

use larkspur_contract::Spec;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_store::{Engine, StoreError, frequency};

use super::limiter::{Limiter, Used, WINDOWS};
use super::rate_limits::{Full, Key, RateLimits};

/// Where calls are counted.
pub(crate) enum Counting {
    /// In this process, the only one on its store.
    Here(Limiter),
    /// In the store, which other processes share.
    Shared(Arc<Engine>),
}

impl Counting {
    /// Counts across all processes on the store; a read-only server counts alone.
    pub(crate) fn on(engine: &Arc<Engine>) -> Self {
        match engine.driver.is_shared() && !engine.read_only {
            true => Counting::Shared(engine.clone()),
            false => Counting::Here(Limiter::default()),
        }
    }

    /// Counts a call at the tenant's time `now`, unless a window is full: refused calls do not count. Also says how many calls
    /// each window has.
    ///
    /// # Errors
    /// The store could not count. The call is refused.
    pub(super) async fn count(
        &self,
        key: Key,
        spec: &Spec,
        limits: RateLimits,
        now: i64,
        real_now: i64,
    ) -> Result<(Used, Result<(), Full>), StoreError> {
        let engine = match self {
            Counting::Here(limiter) => {
                return Ok(limiter.admit(key, spec.rate.windows, limits, now, real_now));
            }
            Counting::Shared(engine) => engine,
        };
        let mut windows = [frequency::Window::default(); WINDOWS];
        for (window, documented) in windows.iter_mut().zip(spec.rate.windows) {
            window.length_ms = i64::from(documented.seconds) * 1000;
            window.cap = limits.cap(documented).into();
        }
        let (tenant, app_id) = (TenantKey(key.tenant), AppId(key.app));
        let key = frequency::Key { tenant, app_id, operation: spec.id };
        let frequency::Counted { full, used } = frequency::count(engine, key, windows, now, real_now).await?;
        let full = full.map_or(Ok(()), |full| {
            Err(Full { cap: number(full.cap), seconds: number((full.left_ms + 999) / 1000) })
        });
        Ok((used.map(number), full))
    }

    /// Whether counts are rows of the store, which stay until they are deleted.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Counting::Shared(_))
    }

    /// How many keys are counted in this process.
    pub(crate) fn len(&self) -> usize {
        match self {
            Counting::Here(limiter) => limiter.len(),
            Counting::Shared(_) => 0,
        }
    }
}

fn number(from: i64) -> u32 {
    u32::try_from(from).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use larkspur_contract::model::AppKind;
    use larkspur_contract::rates::{TIER_4, TIER_6};
    use larkspur_contract::{Effect, Rate};
    use larkspur_store::{SystemClock, apps};
    use larkspur_store_sqlite::Sqlite;

    const KEY: Key = Key { operation: 1, app: 2, tenant: 3 };

    /// Both ways of counting; the store's own statement is the same on every driver.
    async fn each() -> [Counting; 2] {
        let driver = Arc::new(Sqlite::memory().expect("a store in memory"));
        let engine = Engine::open(driver, Arc::new(SystemClock), 0).await.expect("it opens");
        [Counting::Here(Limiter::default()), Counting::Shared(engine)]
    }

    /// An operation with these windows.
    fn spec(rate: Rate) -> Spec {
        let some = crate::REGISTRY.iter().copied().flatten().next().expect("an operation");
        Spec { rate, ..*some.spec }
    }

    async fn count(by: &Counting, key: Key, rate: Rate, limits: RateLimits, now: i64) -> Result<(), Full> {
        by.count(key, &spec(rate), limits, now, now).await.expect("the store counts").1
    }

    async fn at(by: &Counting, rate: Rate, now: i64) -> Result<(), Full> {
        count(by, KEY, rate, RateLimits::Platform, now).await
    }

    #[tokio::test]
    async fn a_window_begins_at_its_first_call() {
        for by in each().await {
            for _ in 0..5 {
                at(&by, TIER_6, 10_700).await.expect("admitted");
            }
            assert_eq!(at(&by, TIER_6, 11_699).await, Err(Full { cap: 5, seconds: 1 }));
            at(&by, TIER_6, 11_700).await.expect("the window is over");
            let other = Key { app: 9, ..KEY };
            for _ in 0..5 {
                count(&by, other, TIER_6, RateLimits::Platform, 11_700).await.expect("another app");
            }
        }
    }

    #[tokio::test]
    async fn both_windows_count_and_the_longer_wait_is_reported() {
        for by in each().await {
            let mut now = 0;
            for call in 0..1000 {
                if call % 50 == 0 {
                    now += 1000;
                }
                at(&by, TIER_4, now).await.expect("admitted");
            }
            assert_eq!(now, 20_000);
            assert_eq!(at(&by, TIER_4, now).await, Err(Full { cap: 1000, seconds: 41 }), "both are full");
            assert_eq!(at(&by, TIER_4, 60_001).await, Err(Full { cap: 1000, seconds: 1 }), "the minute is");
            at(&by, TIER_4, 61_000).await.expect("a new minute");
        }
    }

    #[tokio::test]
    async fn refused_calls_do_not_count() {
        for by in each().await {
            for _ in 0..50 {
                at(&by, TIER_4, 1000).await.expect("admitted");
            }
            for _ in 0..2000 {
                assert_eq!(at(&by, TIER_4, 1001).await, Err(Full { cap: 50, seconds: 1 }));
            }
            at(&by, TIER_4, 2000).await.expect("the minute has room");
        }
    }

    #[tokio::test]
    async fn a_clock_that_jumps_opens_the_windows() {
        for by in each().await {
            for now in [100_000, 10_000, 500_000] {
                for _ in 0..5 {
                    at(&by, TIER_6, now).await.expect("admitted");
                }
                at(&by, TIER_6, now).await.expect_err("full");
            }
        }
    }

    /// Two servers, one of which is slightly behind.
    #[tokio::test]
    async fn clocks_that_differ_a_little_count_together_in_the_store() {
        let [_, by] = each().await;
        for call in 0..5 {
            at(&by, TIER_6, 100_000 - 300 * (call % 2)).await.expect("admitted");
        }
        assert_eq!(at(&by, TIER_6, 99_700).await, Err(Full { cap: 5, seconds: 2 }));
        assert_eq!(at(&by, TIER_6, 100_999).await, Err(Full { cap: 5, seconds: 1 }));
        at(&by, TIER_6, 101_000).await.expect("the window is over");
    }

    #[tokio::test]
    async fn nothing_is_kept_for_an_app_that_does_not_exist() {
        let [_, by] = each().await;
        let Counting::Shared(engine) = &by else { panic!("the second one counts in the store") };
        let key = Key { tenant: frequency::ALL_TENANTS.0, ..KEY };
        for _ in 0..10 {
            count(&by, key, TIER_6, RateLimits::Platform, 0).await.expect("the operation says no");
        }
        let kept = "SELECT 1 FROM call_count";
        let rows = engine.driver.query(Effect::Reads, kept, vec![]).await.expect("rows");
        assert!(rows.is_empty(), "{}", rows.len());
        let made = apps::App {
            app_id: AppId(KEY.app),
            developer: TenantKey(KEY.tenant),
            kind: AppKind::Custom,
            name: String::new(),
            secret_hash: String::new(),
        };
        engine
            .run(Effect::Writes, move |root| {
                let made = made.clone();
                Box::pin(async move { apps::register(root, &made, 0).await })
            })
            .await
            .expect("written");
        for _ in 0..5 {
            count(&by, key, TIER_6, RateLimits::Platform, 0).await.expect("admitted");
        }
        count(&by, key, TIER_6, RateLimits::Platform, 0).await.expect_err("one too many");
    }

    #[tokio::test]
    async fn factors() {
        for by in each().await {
            let half = RateLimits::Factor(0.1);
            count(&by, KEY, TIER_6, half, 0).await.expect("at least one");
            let full = count(&by, KEY, TIER_6, half, 0).await.expect_err("only one");
            assert_eq!(full, Full { cap: 1, seconds: 1 });
        }
        assert_eq!("2.5".parse(), Ok(RateLimits::Factor(2.5)));
        assert_eq!("off".parse(), Ok(RateLimits::Off));
        for wrong in ["", "0", "-1", "nan", "inf", "on"] {
            assert!(wrong.parse::<RateLimits>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_tier_has_more_windows_than_are_counted() {
        for entry in crate::REGISTRY.iter().copied().flatten() {
            assert!(entry.spec.rate.windows.len() <= WINDOWS, "{}", entry.spec.id);
        }
    }
}
