//! What servers with a store in common do for one another.

use larkspur_contract::Effect;
use larkspur_contract::events::APP_TICKET;
use larkspur_store::events::connections;
use larkspur_store::events::outbox::{self, Event};
use larkspur_store::events::relays::{self, Relay};

use crate::Lab;

/// An event of an app without a connection, and a connection of another app to another server.
pub(super) async fn offline(lab: &Lab) {
    let (world, other) = (lab.world().await, lab.world().await);
    world.receive_by_connection().await;
    let (tenant, app_id) = world.keys();
    let (elsewhere, connected) = other.keys();
    let writing = lab.app.engine().run(Effect::Writes, move |root| {
        let (mut tx, mut other) = (root.tenant(tenant), root.tenant(elsewhere));
        Box::pin(async move {
            let event = Event { kind: &APP_TICKET, app_id, developer: tenant, payload: "{}", created_at: 0 };
            outbox::add(&mut tx, &event).await?;
            connections::set(&mut other, connected, "server", (1, "[]"), 0).await
        })
    });
    writing.await.expect("a transaction");
    assert_eq!(lab.delivery_worker().round().await, 0, "nothing is sent");
}

/// A callback that one server passes to another.
pub(super) async fn relayed(lab: &Lab) {
    let (tenant, app_id) = lab.world().await.keys();
    let done = lab.app.engine().run(Effect::Writes, move |root| {
        Box::pin(async move {
            let relay = Relay {
                id: "relay".to_owned(),
                app_id,
                server: "server".to_owned(),
                request: "{}".to_owned(),
                until: 2,
            };
            relays::ask(&mut root.tenant(tenant), &relay).await?;
            let waiting = relays::waiting(root, "server").await?;
            let mut tx = root.tenant(tenant);
            let taken = relays::take(&mut tx, "relay", 1).await?;
            relays::answer(&mut tx, "relay", "{}").await?;
            let outcome = relays::outcome(&mut tx, "relay").await?;
            assert!(!relays::take_back(&mut tx, "relay").await?, "it was taken");
            relays::end(&mut tx, "relay").await?;
            Ok((waiting, taken, outcome))
        })
    });
    let (waiting, taken, outcome) = done.await.expect("a transaction");
    assert_eq!(waiting, [(tenant, "relay".to_owned())]);
    assert_eq!((taken, outcome.as_deref()), (Some((app_id, "{}".to_owned())), Some("{}")));
}
