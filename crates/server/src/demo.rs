//! The demo world: an empty store gets one, so that the first call works.

use std::sync::Arc;

use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_control::{demo, keep_start};
use larkspur_store::{Engine, StoreError, apps, tenants};

pub use crate::ready::World;

/// Creates the demo world if the store has no tenant: only one, however many servers start at once.
pub(crate) async fn make_if_empty(engine: &Arc<Engine>) -> Result<Option<World>, StoreError> {
    let now = engine.clock.now_ms();
    engine
        .run(Effect::Writes, move |root| {
            Box::pin(async move {
                root.lock_store().await?;
                if tenants::any(root).await? {
                    return Ok(None);
                }
                let made = demo::build(root, now, "Demo").await?;
                if let Some(tenant) = TenantKey::parse(&made.tenant_key) {
                    keep_start(&mut root.tenant(tenant), now).await?;
                }
                Ok(Some(made))
            })
        })
        .await
}

/// Whether a saved world still exists, with the same secret.
pub(crate) async fn is_there(engine: &Arc<Engine>, world: &World) -> Result<bool, StoreError> {
    let Some(app_id) = AppId::parse(&world.app_id) else { return Ok(false) };
    let app = engine.run(Effect::Reads, move |root| Box::pin(apps::find(root, app_id))).await?;
    Ok(app.is_some_and(|app| engine.keys.secret_matches(&world.app_secret, &app.secret_hash)))
}
