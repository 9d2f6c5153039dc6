//! What a world has in place of the server's settings. A world without any costs a look at a flag.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use larkspur_api::{Caller, Settings};
use larkspur_contract::ids::TenantKey;
use larkspur_contract::rates::RateLimits;
use larkspur_contract::{Access, Spec};
use larkspur_store::policies::{Overrides, Policy};

use super::Trace;
use super::faults::Head;
use super::who::Who;
use crate::App;
use crate::ruled::{by_app, by_tenant};
use crate::traffic::named::{Named, Sent};

/// The most tenants whose settings are kept ready.
const TENANTS_MAX: usize = 1024;

/// The settings of a tenant that has its own.
#[derive(Debug)]
pub(crate) struct Own {
    policy: Arc<Policy>,
    overrides: Overrides,
    /// The switches.
    pub(super) settings: Arc<Settings>,
}

impl Own {
    fn new(server: &Settings, policy: &Arc<Policy>, overrides: Overrides) -> Self {
        // A switch that this release does not understand has no effect.
        let mut settings = server.overlaid(&overrides.behaviours).unwrap_or_else(|_| server.clone());
        if let Some(limits) = overrides.rate_limits {
            settings.limits_edits = limits != RateLimits::Off;
        }
        Own { policy: policy.clone(), overrides, settings: Arc::new(settings) }
    }

    /// What it has in place of the server's settings.
    pub(crate) fn overrides(&self) -> &Overrides {
        &self.overrides
    }
}

/// The settings of tenants that have their own, ready to be used.
#[derive(Default)]
pub(crate) struct OwnSettings(Mutex<HashMap<TenantKey, Arc<Own>>>);

impl OwnSettings {
    /// The settings of a tenant, from its policy.
    fn find(&self, server: &Settings, tenant: TenantKey, policy: &Arc<Policy>) -> Option<Arc<Own>> {
        let overrides = policy.overrides.as_deref()?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = known.get(&tenant)
            && (Arc::ptr_eq(&own.policy, policy) || own.policy == *policy)
        {
            return Some(own.clone());
        }
        if known.len() >= TENANTS_MAX {
            known.clear();
        }
        let own = Arc::new(Own::new(server, policy, overrides.clone()));
        known.insert(tenant, own.clone());
        Some(own)
    }
}

/// Notes the settings of the tenant that a call is about, if it has its own.
pub(super) fn note(app: &App, trace: &mut Trace, tenant: TenantKey, policy: &Arc<Policy>) {
    trace.noted = true;
    if policy.overrides.is_none() {
        return;
    }
    trace.own = app.own_settings.find(&app.options.settings, tenant, policy);
    let record = trace.own.as_ref().and_then(|own| own.overrides.traffic.record);
    let is_on = record.unwrap_or(app.traffic.is_on());
    trace.record(is_on || app.options.recorder.is_some());
}

/// Notes the settings of the tenant that a call names, if it ended before its caller was known, or before its body was
/// decoded: what a world does not want to be recorded is not.
pub(super) async fn look_up(app: &App, spec: Option<&'static Spec>, request: Head<'_>, trace: &mut Trace) {
    if spec.is_some_and(|spec| matches!(spec.access, Access::Control)) {
        return;
    }
    let (keys, caller) = (&app.engine.keys, trace.caller.as_ref());
    let who = Who::of(keys, spec, request.headers.get("authorization"), caller);
    let named = match who.tenant.filter(|_| !who.claimed) {
        Some(tenant) => Named::Tenant(tenant),
        None => {
            let Head { path, query, .. } = request;
            Named::by(Sent { path, query, body: trace.body.as_ref(), caller }, keys)
        }
    };
    let ruled = match named {
        Named::Nothing => return,
        Named::Tenant(tenant) | Named::Token(tenant, _) => by_tenant(&app.engine, tenant).await,
        Named::App(app_id) => by_app(&app.engine, app_id).await,
    };
    // If the store cannot be read, the server's setting counts.
    if let Ok(Some(ruled)) = ruled {
        note(app, trace, ruled.tenant, &ruled.policy);
    }
}

/// The switches of a call.
pub(super) fn settings<'a>(app: &'a App, trace: &'a Trace) -> &'a Arc<Settings> {
    trace.own.as_ref().map_or(&app.options.settings, |own| &own.settings)
}

/// Gives a caller without a tenant the switches of the tenant that its call is about.
pub(super) fn give(caller: &mut Caller, trace: &Trace) {
    if let (Caller::Root(call), Some(own)) = (caller, &trace.own) {
        call.settings = own.settings.clone();
    }
}
