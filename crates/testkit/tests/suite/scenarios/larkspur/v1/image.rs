//! Images and files.

use larkspur_testkit::{Reply, World};
use serde_json::json;

use super::declined;
use super::snapshots::{restore, save};
use crate::scenarios::{refused, upload, world};

#[track_caller]
fn header(reply: &Reply, name: &str) -> String {
    reply.response.header(name).map(|value| value.into_owned()).unwrap_or_default()
}

/// What keeps a browser from running what is in an answer.
#[track_caller]
fn is_harmless(reply: &Reply) {
    assert_eq!(header(reply, "X-Content-Type-Options"), "nosniff");
    assert_eq!(header(reply, "Content-Security-Policy"), "default-src 'none'; sandbox");
    assert_eq!(header(reply, "Cross-Origin-Resource-Policy"), "same-origin");
    assert_eq!(header(reply, "Cache-Control"), "no-store");
}

async fn get(world: &World, path: &str) -> Reply {
    world.control("GET", path).send().await
}

/// A picture that is a page to a browser which guesses.
fn gif_with_a_page() -> Vec<u8> {
    let mut bytes = b"GIF89a\x01\0\x01\0\0\0\0".to_vec();
    bytes.extend(b"<html><script>alert(1)</script></html>");
    bytes
}

async fn uploaded(world: &World, bytes: &[u8]) -> Reply {
    let parts = [("image_type", "message")];
    world.call("POST", "/im/v1/images").multipart(&parts, ("image", bytes)).send().await
}

#[tokio::test]
async fn images() {
    let world = world().await;
    let key = upload(&world, &world.token, "message").await;
    let path = format!("/images/{key}");
    let shown = get(&world, &path).await;
    assert_eq!((shown.status(), header(&shown, "Content-Type")), (200, "image/png".to_owned()));
    let name = format!("{key}.png");
    let disposition = header(&shown, "Content-Disposition");
    assert!(disposition.starts_with(&format!("inline; filename=\"{name}\"")), "{disposition}");
    assert_eq!(shown.bytes(), world.call("GET", &format!("/im/v1/images/{key}")).send().await.bytes());
    is_harmless(&shown);
    let avatar = upload(&world, &world.token, "avatar").await;
    assert_eq!(get(&world, &format!("/images/{avatar}")).await.status(), 200, "the platform refuses avatars");

    assert_eq!(world.control("DELETE", &path).send().await.data(), json!({}));
    refused(&world.call("GET", &format!("/im/v1/images/{key}")).send().await, 234005);
    declined(&get(&world, &path).await, 5275404, "image_key");
}

#[tokio::test]
async fn files() {
    let world = world().await;
    let key = world.file("stream", "a.bin", b"bytes").await;
    let path = format!("/files/{key}");
    let shown = get(&world, &path).await;
    assert_eq!((shown.status(), shown.text()), (200, "bytes"));
    assert!(header(&shown, "Content-Disposition").starts_with("attachment; filename=\"a.bin\""));
    is_harmless(&shown);
    assert_eq!(world.control("DELETE", &path).send().await.data(), json!({}));
    refused(&world.call("GET", &format!("/im/v1/files/{key}")).send().await, 234005);
    declined(&get(&world, &path).await, 5275404, "file_key");
    assert_eq!(world.control("DELETE", &path).send().await.data(), json!({}), "its key stays known");
}

/// What bots upload may be made to harm the one who looks at it.
#[tokio::test]
async fn a_hostile_upload_is_never_a_page() {
    let world = world().await;
    for page in ["<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>", "<html></html>"]
    {
        refused(&uploaded(&world, page.as_bytes()).await, 234011);
    }
    let key = uploaded(&world, &gif_with_a_page()).await.data()["image_key"].clone();
    let key = key.as_str().expect("a key");
    let shown = get(&world, &format!("/images/{key}")).await;
    assert_eq!(header(&shown, "Content-Type"), "image/gif");
    is_harmless(&shown);
    let page = world.file("stream", "a\"><script>.html", b"<script>alert(1)</script>").await;
    let shown = get(&world, &format!("/files/{page}")).await;
    assert_eq!(header(&shown, "Content-Type"), "application/octet-stream");
    assert!(header(&shown, "Content-Disposition").starts_with("attachment; filename=\"a_><script>.html\""));
    is_harmless(&shown);

    // A snapshot that was written by hand may name any media type.
    let pdf = world.file("pdf", "a.pdf", b"%PDF").await;
    save(&world, "one").await;
    let file = world.control("GET", "/snapshots/one/file").send().await;
    let changed = file.text().replace("image/gif", "text/html").replace("application/pdf", "image/svg+xml");
    let put = world.control("PUT", "/snapshots/two/file").multipart(&[], ("file", changed.as_bytes()));
    put.send().await.data();
    restore(&world, "two", json!({})).await;
    for (path, bytes) in
        [(format!("/images/{key}"), gif_with_a_page()), (format!("/files/{pdf}"), b"%PDF".to_vec())]
    {
        let shown = get(&world, &path).await;
        assert_eq!(header(&shown, "Content-Type"), "application/octet-stream", "{path}");
        assert!(header(&shown, "Content-Disposition").starts_with("attachment; "), "{path}");
        assert_eq!(shown.bytes().to_vec(), bytes);
    }
}

#[tokio::test]
async fn another_world_has_none_of_them() {
    let (world, image) = (world().await, "img_v3_02i5_00000000-0000-0000-0000-00000000000g");
    let other = world.lab.world().await;
    let (key, file) = (upload(&other, &other.token, "message").await, other.file("stream", "a", b"x").await);
    for (path, field) in [
        (format!("/images/{key}"), "image_key"),
        (format!("/images/{image}"), "image_key"),
        (format!("/files/{file}"), "file_key"),
        (format!("/files/{key}"), "file_key"),
        (format!("/images/{file}"), "image_key"),
    ] {
        declined(&get(&world, &path).await, 5275404, field);
    }
    assert_eq!(get(&other, &format!("/images/{key}")).await.status(), 200);
    let anonymous = format!("/larkspur/v1/worlds/{}/images/{key}", other.tenant_key);
    other.lab.request("GET", &anonymous).send().await.refused(5275401);
}
