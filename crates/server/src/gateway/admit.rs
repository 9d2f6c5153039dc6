//! Step 4: rate limits, by operation, app and tenant.

use std::sync::Arc;

use larkspur_api::{Caller, Presented, Received, RootCall};
use larkspur_contract::ids::{AppId, HookToken, TenantKey};
use larkspur_contract::{Access, Code, Fault, Reply, Spec, codes};
use larkspur_store::{Engine, frequency};

use super::counting::Counting;
use super::limiter::Used;
use super::own::Own;
use super::rate_limits::{Full, Key, RateLimits};
use super::why;

/// The rate limits of an application.
pub(crate) struct Frequency {
    counting: Counting,
    pace: Pace,
}

/// How rate limits apply to a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    limits: RateLimits,
    /// The HTTP status of a refusal.
    status: u16,
}

impl Pace {
    /// The refusal of a call over the rate limit.
    pub(super) fn refusal(self, full: Full, note: String) -> Fault {
        let code = Code { status: self.status, ..codes::RATE_LIMITED };
        Fault::new(code, note).with_retry(full.cap, full.seconds)
    }
}

impl Frequency {
    /// Rate limits on a store. `status` is the HTTP status of a refusal.
    pub(crate) fn on(engine: &Arc<Engine>, limits: RateLimits, status: u16) -> Self {
        Frequency { counting: Counting::on(engine), pace: Pace { limits, status } }
    }

    /// How rate limits apply to calls of a tenant with these settings, or with the server's.
    pub(super) fn pace(&self, own: Option<&Own>) -> Pace {
        let Some(own) = own.map(Own::overrides) else { return self.pace };
        Pace {
            limits: own.rate_limits.unwrap_or(self.pace.limits),
            status: own.rate_limit_status.unwrap_or(self.pace.status),
        }
    }

    /// How many keys are counted in this process.
    pub(crate) fn len(&self) -> usize {
        self.counting.len()
    }

    /// Admits or refuses a call. `now` is the real time. Windows follow the tenant's clock, and the real time if there
    /// is no tenant.
    pub(super) async fn admit(
        &self,
        spec: &Spec,
        operation: usize,
        (caller, pace): (&Caller, Pace),
        now: i64,
        used: &mut Used,
    ) -> Result<(), Fault> {
        match caller {
            Caller::Token(call) => {
                let key = (call.app.app_id, call.tenant);
                self.count((spec, operation, pace), key, (call.now, now), used).await
            }
            Caller::Root(call) => match &call.presented {
                Presented::App(app_id) => {
                    let key = (*app_id, frequency::ALL_TENANTS);
                    self.count((spec, operation, pace), key, (now, now), used).await
                }
                Presented::Nothing | Presented::Basic { .. } | Presented::Unreadable => Ok(()),
            },
        }
    }

    /// As [`Frequency::admit`], for an operation that anyone may call: counted by the app that the body names as
    /// `client_id`, and so after the body was read, or by the app of `Authorization: Basic`. A call that names no app
    /// is not counted: the operation refuses it.
    pub(super) async fn admit_client(
        &self,
        spec: &Spec,
        operation: usize,
        (caller, received, pace): (&Caller, &Received, Pace),
        now: i64,
        used: &mut Used,
    ) -> Result<(), Fault> {
        if spec.reply == Reply::Hook {
            return self.admit_hook(spec, operation, (caller, received, pace), now, used).await;
        }
        let basic = match caller {
            Caller::Root(RootCall { presented: Presented::Basic { id, .. }, .. }) => Some(id.as_str()),
            _ => None,
        };
        let client =
            received.body.get("client_id").and_then(|id| id.as_str()).or(basic).and_then(AppId::parse);
        match (spec.access, client) {
            (Access::Open, Some(app_id)) => {
                self.count((spec, operation, pace), (app_id, frequency::ALL_TENANTS), (now, now), used).await
            }
            _ => Ok(()),
        }
    }

    /// As [`Frequency::admit`], for a custom bot, which its token names. Tokens that were never issued, and those of a deleted
    /// tenant, are not counted: the operation refuses them, and no count is left behind.
    async fn admit_hook(
        &self,
        spec: &Spec,
        operation: usize,
        (caller, received, pace): (&Caller, &Received, Pace),
        now: i64,
        used: &mut Used,
    ) -> Result<(), Fault> {
        let token = received.path.get("token").and_then(|token| token.as_str()).unwrap_or_default();
        let (Caller::Root(call), Some(token)) = (caller, HookToken::parse(token)) else { return Ok(()) };
        let Some((number, tenant)) = call.engine.keys.read_hook_token(token) else { return Ok(()) };
        if self.counting.is_shared() && !frequency::has_tenant(&call.engine, tenant).await? {
            return Ok(());
        }
        let key = (AppId(number.cast_unsigned()), tenant);
        let counted = self.count((spec, operation, pace), key, (now, now), used).await;
        counted.map_err(|full| match full.code().number == codes::RATE_LIMITED.number {
            true => Fault::new(codes::HOOK_TOO_OFTEN, full.note().to_owned()).explained_as(&full),
            false => full,
        })
    }

    /// Counts a call of an app in a tenant, at the tenant's time `at`. `used` gets how many calls each window has.
    async fn count(
        &self,
        (spec, operation, pace): (&Spec, usize, Pace),
        (app_id, tenant): (AppId, TenantKey),
        (at, now): (i64, i64),
        used: &mut Used,
    ) -> Result<(), Fault> {
        if spec.rate.windows.is_empty() || pace.limits == RateLimits::Off {
            return Ok(());
        }
        let key = Key { operation, app: app_id.0, tenant: tenant.0 };
        let (calls, counted) = self.counting.count(key, spec, pace.limits, at, now).await?;
        *used = calls;
        counted.map_err(|full| {
            let refusal = pace.refusal(full, format!("more than {}", spec.rate.name));
            let refusal = why::rate(refusal, full, spec.rate.name);
            match spec.rate.status {
                Some(status) => refusal.with_code(Code { status, ..codes::RATE_LIMITED }),
                None => refusal,
            }
        })
    }
}
