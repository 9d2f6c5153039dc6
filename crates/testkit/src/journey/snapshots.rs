//! Snapshots of worlds, and what is done with them.

use serde_json::json;

use super::upload;
use crate::Lab;

/// Snapshots: of a world whose tags go, change and come back, with files; a clone of it; and a file of it.
pub(super) async fn snapshots(lab: &Lab) {
    let (world, other) = (lab.world().await, lab.world().await);
    let isv = world.control("POST", "/apps").body(json!({"kind": "isv"})).send().await.data();
    other.control("POST", "/installs").body(json!({"app_id": isv["app_id"]})).send().await.data();
    other.control("POST", "/snapshots").body(json!({"name": "one"})).send().await.data();
    upload(&world).await;
    let tags = [world.tag("one").await, world.tag("two").await];
    world.control("POST", "/snapshots").body(json!({"name": "one"})).send().await.data();
    let renamed = json!({"patch_tag": {"name": "renamed"}});
    world.call("PATCH", &format!("/im/v2/tags/{}", tags[0])).body(renamed).send().await.data();
    for name in ["three", "four", "five"] {
        world.tag(name).await;
    }
    world.advance(60).await;
    world.control("GET", "/snapshots/diff?a=one").send().await.data();
    world.control("GET", "/snapshots").send().await.data();
    let file = world.control("GET", "/snapshots/one/file").send().await;
    let request =
        world.control("PUT", "/snapshots/two/file").multipart(&[], ("file", file.text().as_bytes()));
    request.send().await.data();
    let from = json!({"from": {"world": world.tenant_key, "snapshot": "one"}});
    lab.control("POST", "/worlds").body(from).send().await.data();
    let keep = json!({"clock": "keep"});
    world.control("POST", "/snapshots/one/restore").body(keep).send().await.data();
    world.control("DELETE", "/snapshots/two").send().await.data();
    // The app that the other world installed goes.
    world.control("POST", "/reset").body(json!({})).send().await.data();
    world.control("POST", "/reset").body(json!({"to": "empty"})).send().await.data();
    other.control("POST", "/snapshots/one/restore").body(json!({})).send().await.data();
}
