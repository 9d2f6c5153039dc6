//! `im/v1/images`

use larkspur_testkit::png;
use larkspur_testkit::{Reply, Request, World};
use serde_json::json;

use crate::scenarios::{issued_token, isv_app, names, refused, text, upload, world};

fn send(world: &World, image_type: &str, content: &[u8]) -> Request {
    world.call("POST", "/im/v1/images").multipart(&[("image_type", image_type)], ("image", content))
}

fn get(world: &World, key: &str) -> Request {
    world.call("GET", &format!("/im/v1/images/{key}"))
}

#[track_caller]
fn is_image(reply: &Reply, media: &str, content: &[u8]) {
    assert_eq!((reply.status(), reply.response.content_type.as_ref()), (200, media), "{}", reply.text());
    assert_eq!(*reply.bytes(), content, "byte for byte");
}

// The headers of files, as far as their sizes are read from them.

fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0\0\x11\x08".to_vec();
    bytes.extend(height.to_be_bytes());
    bytes.extend(width.to_be_bytes());
    bytes.extend(b"\x03\x01\x22\0\x02\x11\x01\x03\x11\x01\xff\xd9");
    bytes
}

fn gif(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = b"GIF89a".to_vec();
    bytes.extend(width.to_le_bytes());
    bytes.extend(height.to_le_bytes());
    bytes.extend(b"\0\0\0;");
    bytes
}

fn webp(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0".to_vec();
    bytes.extend(&(width - 1).to_le_bytes()[..3]);
    bytes.extend(&(height - 1).to_le_bytes()[..3]);
    bytes
}

fn bmp(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bytes.extend(width.to_le_bytes());
    bytes.extend(height.to_le_bytes());
    bytes.extend([1, 0, 24, 0, 0, 0, 0, 0]);
    bytes
}

fn ico() -> Vec<u8> {
    b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0\0\0\0\0\x16\0\0\0".to_vec()
}

fn tiff(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"II\x2a\0\x08\0\0\0\x02\0".to_vec();
    for (tag, value) in [(0x100u16, width), (0x101, height)] {
        bytes.extend(tag.to_le_bytes());
        bytes.extend([4, 0, 1, 0, 0, 0]);
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes
}

/// A file of boxes: `heic` in HEVC, or another brand.
fn heif(brand: &[u8; 4], width: u32, height: u32) -> Vec<u8> {
    let boxed = |kind: &[u8; 4], content: &[u8]| {
        let mut bytes = u32::try_from(content.len() + 8).expect("short").to_be_bytes().to_vec();
        bytes.extend(kind);
        bytes.extend(content);
        bytes
    };
    let mut extents = vec![0; 4];
    extents.extend(width.to_be_bytes());
    extents.extend(height.to_be_bytes());
    let properties = boxed(b"iprp", &boxed(b"ipco", &boxed(b"ispe", &extents)));
    let kind = [&brand[..], &[0; 4], b"mif1", &brand[..]].concat();
    [boxed(b"ftyp", &kind), boxed(b"meta", &[&[0; 4], &properties[..]].concat())].concat()
}

#[tokio::test]
async fn every_format_comes_back_as_it_was() {
    let world = world().await;
    for (content, media) in [
        (png(100, 50), "image/png"),
        (jpeg(100, 50), "image/jpeg"),
        (webp(100, 50), "image/webp"),
        (gif(100, 50), "image/gif"),
        (bmp(100, 50), "image/bmp"),
        (ico(), "image/x-icon"),
        (tiff(100, 50), "image/tiff"),
        (heif(b"heic", 100, 50), "image/heic"),
    ] {
        let reply = send(&world, "message", &content).send().await;
        assert_eq!(reply.json()["msg"], "success");
        assert_eq!(names(&reply.data()), ["image_key"]);
        let key = text(&reply.data(), "image_key");
        assert!(key.starts_with("img_v3_") && key.ends_with('g'), "{key}");
        is_image(&get(&world, &key).send().await, media, &content);
    }
}

#[tokio::test]
async fn what_is_no_image_of_these_formats() {
    let world = world().await;
    let pdf = b"%PDF-1.7 and so on, long enough to be looked at".to_vec();
    let video = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08mdat".to_vec();
    let short = b"\x89PNG\r\n\x1a\n".to_vec();
    for content in [pdf, video, short, heif(b"avif", 10, 10), b"x".to_vec(), vec![0; 64]] {
        for image_type in ["message", "avatar"] {
            refused(&send(&world, image_type, &content).send().await, 234011);
        }
    }
}

#[tokio::test]
async fn sizes() {
    let world = world().await;
    let refuse = async |image_type: &str, content: &[u8], code: u32| {
        refused(&send(&world, image_type, content).send().await, code);
    };
    let accept = async |image_type: &str, content: &[u8]| {
        send(&world, image_type, content).send().await.data();
    };
    refuse("message", b"", 234010).await;
    let mut large = png(1, 1);
    large.resize(10 * 1024 * 1024, 0);
    accept("message", &large).await;
    large.push(0);
    refuse("message", &large, 234006).await;

    for content in [png(12000, 12000), jpeg(12000, 1), webp(1, 12000), tiff(12000, 12000), gif(2000, 2000)] {
        accept("message", &content).await;
    }
    for content in [
        png(12001, 1),
        png(1, 12001),
        jpeg(1, 12001),
        webp(12001, 1),
        bmp(12001, 1),
        tiff(1, 12001),
        heif(b"heic", 12001, 1),
        gif(2001, 1),
        gif(1, 2001),
    ] {
        refuse("message", &content, 234039).await;
    }
    accept("avatar", &png(4096, 4096)).await;
    accept("avatar", &gif(2000, 2000)).await;
    for content in [png(4097, 1), png(1, 4097), jpeg(4097, 4097), gif(2001, 1)] {
        refuse("avatar", &content, 234039).await;
    }
}

#[tokio::test]
async fn who_may_download() {
    let world = world().await;
    let other = world.lab.world().await;
    let (_, second) = world.app(json!({})).await;
    let key = upload(&world, &world.token, "message").await;
    refused(&get(&world, &key).token(&second).send().await, 234008);
    refused(&get(&other, &key).send().await, 234001);
    for unknown in ["img_v2_b99741-7628-4abd-aad0-b881e4db83ig", "x", "%00"] {
        refused(&get(&world, unknown).send().await, 234001);
    }
    let avatar = upload(&world, &world.token, "avatar").await;
    assert!(avatar.starts_with("v3_") && avatar.ends_with('g'), "{avatar}");
    refused(&get(&world, &avatar).send().await, 234001);
    refused(&get(&world, &avatar).token(&second).send().await, 234008);
    // No scope is required.
    world.set_app(&world.app_id, json!({"scopes": []})).await;
    is_image(&get(&world, &key).send().await, "image/png", &png(8, 8));
    world.control("DELETE", &format!("/images/{key}")).send().await.data();
    refused(&get(&world, &key).send().await, 234005);
}

#[tokio::test]
async fn users_upload_in_the_apps_name() {
    let world = world().await;
    for scope in ["im:resource", "im:resource:upload"] {
        let user = world.user_token(1, json!({"scopes": [scope]})).await;
        let key = upload(&world, &user, "message").await;
        assert!(key.starts_with("img_v3_"), "{key}");
        is_image(&get(&world, &key).send().await, "image/png", &png(8, 8));
        let avatar = upload(&world, &user, "avatar").await;
        world.call("POST", "/im/v1/chats").body(json!({"avatar": avatar})).send().await.data();
    }
    let bare = world.user_token(1, json!({"scopes": ["im:chat"]})).await;
    send(&world, "message", &png(8, 8)).token(&bare).send().await.refused(99991679);
    let user = world.user_token(1, json!({})).await;
    let key = upload(&world, &user, "message").await;
    get(&world, &key).token(&user).send().await.refused(99991668);
}

#[tokio::test]
async fn the_app_behind_a_token() {
    let world = world().await;
    let key = upload(&world, &world.token, "message").await;
    let both = async |code: u32| {
        refused(&send(&world, "message", &png(1, 1)).send().await, code);
        refused(&get(&world, &key).send().await, code);
    };
    world.set_app(&world.app_id, json!({"bot": false})).await;
    both(234007).await;
    for status in ["disabled", "uninstalled"] {
        world.set_app(&world.app_id, json!({"status": status})).await;
        both(234002).await;
    }
}

#[tokio::test]
async fn a_shop_app_has_its_images_in_each_tenant() {
    let maker = world().await;
    let user = maker.lab.world().await;
    let (app_id, home) = isv_app(&maker).await;
    user.control("POST", "/installs").body(json!({"app_id": app_id})).send().await.data();
    let away = issued_token(&user, &app_id).await;
    let key = upload(&maker, &home, "message").await;
    is_image(&get(&maker, &key).token(&home).send().await, "image/png", &png(8, 8));
    refused(&get(&maker, &key).token(&away).send().await, 234001);
}

#[tokio::test]
async fn forms() {
    let world = world().await;
    let content = png(8, 8);
    let raw = |body: String, boundary: &str| {
        let mut bytes = Vec::new();
        for part in body.split("PNG") {
            bytes.extend(part.as_bytes());
            bytes.extend(&content);
        }
        bytes.truncate(bytes.len() - content.len());
        world.call("POST", "/im/v1/images").raw(bytes).content_type(Some(boundary))
    };
    let disposition = "Content-Disposition: form-data; name=";
    // As the clients send it: a file without a name, before its type, under another name.
    for (body, content_type) in [
        (
            format!(
                "--B\r\n{disposition}\"image_type\"\r\n\r\nmessage\r\n--B\r\n{disposition}\"image\"\r\n\r\nPNG\r\n--B--\r\n"
            ),
            "multipart/form-data; boundary=B",
        ),
        (
            format!(
                "--B\r\n{disposition}\"image\"; filename=\"unknown-file\"\r\nContent-Type: application/octet-stream\r\n\r\nPNG\r\n--B\r\n{disposition}\"image_type\"\r\n\r\nmessage\r\n--B--\r\n"
            ),
            "multipart/form-data;charset=UTF-8; boundary=B",
        ),
        (
            format!(
                "--B\r\n{disposition}\"file\"; filename=\"a.png\"\r\n\r\nPNG\r\n--B\r\n{disposition}\"image_type\"\r\n\r\nmessage\r\n--B--\r\n"
            ),
            "multipart/form-data; boundary=\"B\"",
        ),
    ] {
        let key = text(&raw(body, content_type).send().await.data(), "image_key");
        is_image(&get(&world, &key).send().await, "image/png", &content);
    }
    for (request, field) in [
        (world.call("POST", "/im/v1/images").multipart(&[], ("image", &content)), Some("image_type")),
        (send(&world, "icon", &content), Some("image_type")),
        (send(&world, "", &content), Some("image_type")),
        (
            world.call("POST", "/im/v1/images").multipart(&[("image_type", "message")], ("picture", b"text")),
            Some("image"),
        ),
        (world.call("POST", "/im/v1/images").body(json!({"image_type": "message", "image": "x"})), None),
        (world.call("POST", "/im/v1/images").content_type(None), None),
        (raw("--B\r\nbroken".to_owned(), "multipart/form-data; boundary=B"), None),
        (raw("--B--\r\n".to_owned(), "multipart/form-data"), None),
    ] {
        let json = refused(&request.send().await, 234001);
        assert_eq!(json["error"]["field_violations"][0]["field"].as_str(), field, "{json}");
    }
}
