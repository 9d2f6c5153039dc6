//! The fault rules of tenants: found by tenant or by app, and kept ready.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_control::faults::Rules;
use larkspur_store::faults::{self, Ruled};
use larkspur_store::{Engine, StoreError, tenants};

/// The most tenants whose rules are kept ready.
const TENANTS_MAX: usize = 1024;

/// The rules of tenants, ready to be looked at.
#[derive(Default)]
pub(crate) struct Faults(Mutex<HashMap<TenantKey, Ready>>);

/// The text of rules, and the rules.
type Ready = (Arc<str>, Arc<Rules>);

impl Faults {
    /// The rules of a tenant, from their text.
    pub(crate) fn rules(&self, tenant: TenantKey, text: &Arc<str>) -> Arc<Rules> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, rules)) = known.get(&tenant)
            && of == text
        {
            return rules.clone();
        }
        if known.len() >= TENANTS_MAX {
            known.clear();
        }
        let rules = Arc::new(Rules::read(text));
        known.insert(tenant, (text.clone(), rules.clone()));
        rules
    }
}

/// The tenant that made an app, with its rules.
pub(crate) async fn by_app(engine: &Arc<Engine>, app_id: AppId) -> Result<Option<Ruled>, StoreError> {
    engine.run(Effect::Reads, move |root| Box::pin(async move { faults::of_app(root, app_id).await })).await
}

/// A tenant with its rules, from memory where that is exact.
pub(crate) async fn by_tenant(engine: &Arc<Engine>, tenant: TenantKey) -> Result<Option<Ruled>, StoreError> {
    let known = match engine.memory.tenants.get(&tenant, Effect::Writes) {
        Some(known) => Some(known),
        None => {
            let read = engine.run(Effect::Reads, move |root| {
                Box::pin(async move { tenants::get(&mut root.tenant(tenant)).await })
            });
            read.await?
        }
    };
    Ok(known.map(|known| Ruled {
        tenant,
        clock_offset_ms: known.clock_offset_ms,
        faults: known.faults.clone(),
        policy: known.policy.clone(),
    }))
}
