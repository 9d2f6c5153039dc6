//! Images and files.

use serde_json::json;

use crate::scenarios::{refused, upload, world};

#[tokio::test]
async fn images() {
    let world = world().await;
    let key = upload(&world, &world.token, "message").await;
    let path = format!("/images/{key}");
    assert_eq!(world.control("DELETE", &path).send().await.data(), json!({}));
    refused(&world.call("GET", &format!("/im/v1/images/{key}")).send().await, 234005);
}

#[tokio::test]
async fn files() {
    let world = world().await;
    let key = world.file("stream", "a.bin", b"bytes").await;
    let path = format!("/files/{key}");
    assert_eq!(world.control("DELETE", &path).send().await.data(), json!({}));
    refused(&world.call("GET", &format!("/im/v1/files/{key}")).send().await, 234005);
    assert_eq!(world.control("DELETE", &path).send().await.data(), json!({}), "its key stays known");
}
