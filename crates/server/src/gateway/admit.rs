//! Step 4: frequency control, per operation, app and tenant.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use larkspur_api::{Caller, Presented, Received, RootCall};
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::{Access, Code, Fault, Spec, Window, codes};
use larkspur_store::{Engine, StoreError, frequency};

use super::limiter::{Key, Limiter, WINDOWS};

use crate::App;

/// How the tiers of the documents are applied.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum RateLimits {
    /// As documented.
    #[default]
    Platform,
    /// Not at all.
    Off,
    /// Every cap times this, but at least 1.
    Factor(f64),
}

impl FromStr for RateLimits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "platform" => Ok(RateLimits::Platform),
            "off" => Ok(RateLimits::Off),
            _ => match text.parse::<f64>() {
                Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(RateLimits::Factor(factor)),
                _ => Err(format!("{text:?} is not platform, off or a number above 0")),
            },
        }
    }
}

impl fmt::Display for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RateLimits::Platform => f.write_str("platform"),
            RateLimits::Off => f.write_str("off"),
            RateLimits::Factor(factor) => write!(f, "{factor}"),
        }
    }
}

impl RateLimits {
    pub(super) fn cap(self, window: &Window) -> u32 {
        match self {
            RateLimits::Factor(factor) => {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
                let scaled = (f64::from(window.cap) * factor) as u32;
                scaled.max(1)
            }
            RateLimits::Platform | RateLimits::Off => window.cap,
        }
    }
}

/// Lets a call in, or refuses it. `now` is the real time; windows go by the tenant's, and by the real time where none is
/// known.
pub(super) async fn admit(
    app: &App,
    spec: &Spec,
    operation: usize,
    caller: &Caller,
    now: i64,
) -> Result<(), Fault> {
    match caller {
        Caller::Token(call) => {
            counted(app, spec, operation, (call.app.app_id, call.tenant), call.now, now).await
        }
        Caller::Root(call) => match &call.presented {
            Presented::App(app_id) => {
                counted(app, spec, operation, (*app_id, frequency::ALL_TENANTS), now, now).await
            }
            Presented::Nothing | Presented::Basic { .. } | Presented::Unreadable => Ok(()),
        },
    }
}

/// As [`admit`], for an operation that anyone may call: by the app that the body names as `client_id`, so that it comes
/// after the body was read, or by that of `Authorization: Basic`. A call that names none is not counted: the operation
/// refuses it.
pub(super) async fn admit_client(
    app: &App,
    spec: &Spec,
    operation: usize,
    (caller, received): (&Caller, &Received),
    now: i64,
) -> Result<(), Fault> {
    let basic = match caller {
        Caller::Root(RootCall { presented: Presented::Basic { id, .. }, .. }) => Some(id.as_str()),
        _ => None,
    };
    let client = received.body.get("client_id").and_then(|id| id.as_str()).or(basic).and_then(AppId::parse);
    match (spec.access, client) {
        (Access::Open, Some(app_id)) => {
            counted(app, spec, operation, (app_id, frequency::ALL_TENANTS), now, now).await
        }
        _ => Ok(()),
    }
}

/// Counts a call of an app in a tenant at that tenant's time `at`.
async fn counted(
    app: &App,
    spec: &Spec,
    operation: usize,
    (app_id, tenant): (AppId, TenantKey),
    at: i64,
    now: i64,
) -> Result<(), Fault> {
    let limits = app.options.rate_limits;
    if spec.rate.windows.is_empty() || limits == RateLimits::Off {
        return Ok(());
    }
    let key = Key { operation, app: app_id.0, tenant: tenant.0 };
    let counted = app.counting.count(key, spec, limits, at, now).await?;
    counted.map_err(|full| too_many(app, full, format!("more than {}", spec.rate.name)))
}

/// The refusal of a call over the frequency.
pub(super) fn too_many(app: &App, full: Full, note: String) -> Fault {
    let code = Code { status: app.options.rate_limit_status, ..codes::RATE_LIMITED };
    Fault::new(code, note).with_retry(full.cap, full.seconds)
}

/// A window that is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    /// Calls that it allows.
    pub cap: u32,
    /// Whole seconds until it opens again, at least 1.
    pub seconds: u32,
}

/// Where calls are counted.
pub(crate) enum Counting {
    /// In this process, which is the only one on its store.
    Here(Limiter),
    /// In the store, which other processes share.
    Shared(Arc<Engine>),
}

impl Counting {
    /// Counts where every process on the store does; a server that only reads counts by itself.
    pub(crate) fn on(engine: &Arc<Engine>) -> Self {
        match engine.driver.is_shared() && !engine.read_only {
            true => Counting::Shared(engine.clone()),
            false => Counting::Here(Limiter::default()),
        }
    }

    /// Counts a call at the tenant's time `now`, unless a window is full: such calls do not count.
    ///
    /// # Errors
    /// The store could not count. The call is not let in.
    async fn count(
        &self,
        key: Key,
        spec: &Spec,
        limits: RateLimits,
        now: i64,
        real_now: i64,
    ) -> Result<Result<(), Full>, StoreError> {
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
        let full = frequency::count(engine, key, windows, now, real_now).await?;
        Ok(full.map_or(Ok(()), |full| {
            Err(Full { cap: number(full.cap), seconds: number((full.left_ms + 999) / 1000) })
        }))
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

    /// Each way of counting; the store's own statement is the same on every driver.
    async fn each() -> [Counting; 2] {
        let driver = Arc::new(Sqlite::memory().expect("a store in memory"));
        let engine = Engine::open(driver, Arc::new(SystemClock), 0).await.expect("it opens");
        [Counting::Here(Limiter::default()), Counting::Shared(engine)]
    }

    /// Some operation with these windows.
    fn spec(rate: Rate) -> Spec {
        let some = crate::REGISTRY.iter().copied().flatten().next().expect("an operation");
        Spec { rate, ..*some.spec }
    }

    async fn count(by: &Counting, key: Key, rate: Rate, limits: RateLimits, now: i64) -> Result<(), Full> {
        by.count(key, &spec(rate), limits, now, now).await.expect("the store counts")
    }

    async fn at(by: &Counting, rate: Rate, now: i64) -> Result<(), Full> {
        count(by, KEY, rate, RateLimits::Platform, now).await
    }

    #[tokio::test]
    async fn a_window_begins_at_its_first_call() {
        for by in each().await {
            for _ in 0..5 {
                at(&by, TIER_6, 10_700).await.expect("let in");
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
    async fn both_windows_count_and_the_longer_wait_is_told() {
        for by in each().await {
            let mut now = 0;
            for call in 0..1000 {
                if call % 50 == 0 {
                    now += 1000;
                }
                at(&by, TIER_4, now).await.expect("let in");
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
                at(&by, TIER_4, 1000).await.expect("let in");
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
                    at(&by, TIER_6, now).await.expect("let in");
                }
                at(&by, TIER_6, now).await.expect_err("full");
            }
        }
    }

    /// Two servers, one of which is a little behind.
    #[tokio::test]
    async fn clocks_that_differ_a_little_count_together_in_the_store() {
        let [_, by] = each().await;
        for call in 0..5 {
            at(&by, TIER_6, 100_000 - 300 * (call % 2)).await.expect("let in");
        }
        assert_eq!(at(&by, TIER_6, 99_700).await, Err(Full { cap: 5, seconds: 2 }));
        assert_eq!(at(&by, TIER_6, 100_999).await, Err(Full { cap: 5, seconds: 1 }));
        at(&by, TIER_6, 101_000).await.expect("the window is over");
    }

    #[tokio::test]
    async fn of_an_app_that_is_only_named_nothing_is_kept() {
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
            count(&by, key, TIER_6, RateLimits::Platform, 0).await.expect("let in");
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
