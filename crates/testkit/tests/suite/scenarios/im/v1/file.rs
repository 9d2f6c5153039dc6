//! `im/v1/files`

use larkspur_testkit::{Reply, Request, World};
use serde_json::json;

use crate::scenarios::{names, refused, text, world};

fn send(world: &World, fields: &[(&str, &str)], content: &[u8]) -> Request {
    world.call("POST", "/im/v1/files").multipart(fields, ("file", content))
}

fn get(world: &World, key: &str) -> Request {
    world.call("GET", &format!("/im/v1/files/{key}"))
}

fn header(reply: &Reply, name: &str) -> String {
    reply.response.header(name).unwrap_or_default().into_owned()
}

#[tokio::test]
async fn every_type_comes_back_as_it_was() {
    let world = world().await;
    for (file_type, name, media) in [
        ("opus", "声音.opus", "audio/ogg"),
        ("mp4", "a.mp4", "video/mp4"),
        ("pdf", "a.pdf", "application/pdf"),
        ("doc", "a.doc", "application/msword"),
        ("doc", "a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("xls", "a.xls", "application/vnd.ms-excel"),
        ("ppt", "a.ppt", "application/vnd.ms-powerpoint"),
        ("stream", "a", "application/octet-stream"),
    ] {
        let content = format!("content of {name}").into_bytes();
        let fields = [("file_type", file_type), ("file_name", name), ("duration", "3000")];
        let reply = send(&world, &fields, &content).send().await;
        assert_eq!(reply.json()["msg"], "success");
        assert_eq!(names(&reply.data()), ["file_key"]);
        let key = text(&reply.data(), "file_key");
        assert!(key.starts_with("file_v3_") && key.ends_with('g'), "{key}");
        let reply = get(&world, &key).send().await;
        assert_eq!((reply.status(), reply.response.content_type.as_ref()), (200, media));
        assert_eq!(*reply.bytes(), content, "byte for byte");
    }
}

#[tokio::test]
async fn names_are_sent_in_ascii_and_in_utf_8() {
    let world = world().await;
    for (name, expected) in [
        ("a b.txt", "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt"),
        ("报告.pdf", "attachment; filename=\"__.pdf\"; filename*=UTF-8''%E6%8A%A5%E5%91%8A.pdf"),
    ] {
        let key = world.file("stream", name, b"bytes").await;
        assert_eq!(header(&get(&world, &key).send().await, "Content-Disposition"), expected);
    }
}

#[tokio::test]
async fn parts_of_a_file() {
    let world = world().await;
    let content: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let key = world.file("stream", "a.bin", &content).await;
    let part = async |range: &str| get(&world, &key).header("range", range).send().await;
    let whole = get(&world, &key).send().await;
    assert_eq!((whole.status(), header(&whole, "Accept-Ranges").as_str()), (200, "bytes"));
    for (range, first, last) in [
        ("bytes=0-131071", 0, 131_071),
        ("bytes=131072-8519679", 131_072, 299_999),
        ("bytes=-10", 299_990, 299_999),
        ("bytes=7-7", 7, 7),
    ] {
        let reply = part(range).await;
        assert_eq!(reply.status(), 206, "{range}");
        assert_eq!(header(&reply, "Content-Range"), format!("bytes {first}-{last}/300000"));
        assert!(header(&reply, "Content-Disposition").starts_with("attachment; "));
        assert!(reply.bytes()[..] == content[first..=last], "{range}");
    }
    let reply = part("bytes=300000-").await;
    assert_eq!((reply.status(), reply.bytes().len()), (416, 0));
    assert_eq!(header(&reply, "Content-Range"), "bytes */300000");
    for ignored in ["bytes=5-4", "lines=1-2", "bytes=0-1,5-6", "x"] {
        let reply = part(ignored).await;
        assert_eq!((reply.status(), reply.bytes().len()), (200, 300_000), "{ignored}");
    }
    let conditional = get(&world, &key).header("range", "bytes=0-1").header("if-range", "\"tag\"");
    assert_eq!(conditional.send().await.status(), 200, "no version is known by such a tag");
    // Refusals are whole, and images have parts, too.
    refused(&get(&world, "x").header("range", "bytes=0-1").send().await, 234001);
    let image = crate::scenarios::upload(&world, &world.token, "message").await;
    let request = world.call("GET", &format!("/im/v1/images/{image}")).header("range", "bytes=1-3");
    let reply = request.send().await;
    assert_eq!((reply.status(), &reply.bytes()[..]), (206, &b"PNG"[..]));
}

#[tokio::test]
async fn sizes() {
    let world = world().await;
    let fields = [("file_type", "stream"), ("file_name", "a.bin")];
    refused(&send(&world, &fields, b"").send().await, 234010);
    let mut content = vec![7; 30 * 1024 * 1024];
    let key = text(&send(&world, &fields, &content).send().await.data(), "file_key");
    assert_eq!(get(&world, &key).send().await.bytes().len(), content.len());
    content.push(7);
    refused(&send(&world, &fields, &content).send().await, 234006);
    content.resize(31 * 1024 * 1024, 7);
    refused(&send(&world, &fields, &content).send().await, 234006);
}

#[tokio::test]
async fn who_may_upload_and_download() {
    let world = world().await;
    let other = world.lab.world().await;
    let (_, second) = world.app(json!({})).await;
    let key = world.file("pdf", "a.pdf", b"bytes").await;
    refused(&get(&world, &key).token(&second).send().await, 234008);
    refused(&get(&other, &key).send().await, 234001);
    for unknown in ["file_v2_b99741-7628-4abd-aad0-b881e4db83ig", "x", "%00"] {
        refused(&get(&world, unknown).send().await, 234001);
    }
    let fields = [("file_type", "pdf"), ("file_name", "a.pdf")];
    for scope in ["im:resource", "im:resource:upload"] {
        let user = world.user_token(1, json!({"scopes": [scope]})).await;
        let sent = send(&world, &fields, b"by a user").token(&user).send().await;
        let key = text(&sent.data(), "file_key");
        assert_eq!(&get(&world, &key).send().await.bytes()[..], b"by a user");
        get(&world, &key).token(&user).send().await.refused(99991668);
    }
    let bare = world.user_token(1, json!({"scopes": ["im:chat"]})).await;
    send(&world, &fields, b"x").token(&bare).send().await.refused(99991679);
    // No scope is required to download.
    world.set_app(&world.app_id, json!({"scopes": []})).await;
    assert_eq!(&get(&world, &key).send().await.bytes()[..], b"bytes");
    world.control("DELETE", &format!("/files/{key}")).send().await.data();
    refused(&get(&world, &key).send().await, 234005);
}

#[tokio::test]
async fn the_app_behind_a_token() {
    let world = world().await;
    let key = world.file("pdf", "a.pdf", b"bytes").await;
    let both = async |code: u32| {
        let fields = [("file_type", "pdf"), ("file_name", "a.pdf")];
        refused(&send(&world, &fields, b"bytes").send().await, code);
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
async fn forms() {
    let world = world().await;
    let form = |body: &str| {
        let body = body.replace('\n', "\r\n");
        let kind = Some("multipart/form-data; boundary=B");
        world.call("POST", "/im/v1/files").raw(body).content_type(kind)
    };
    let field = |name: &str, value: &str| {
        format!("--B\nContent-Disposition: form-data; name=\"{name}\"\n\n{value}\n")
    };
    let file = "--B\nContent-Disposition: form-data; name=\"file\"; filename=\"b.txt\"\nContent-Type: text/plain\n\nbytes\n";
    let (file_type, name) = (field("file_type", "stream"), field("file_name", "a.txt"));
    // Some clients send the file first, others last.
    for body in [
        format!("{file}{file_type}{name}--B--\n"),
        format!("{file_type}{name}{file}--B--\n"),
        format!("{name}{file}{file_type}--B--\n"),
    ] {
        let key = text(&form(&body).send().await.data(), "file_key");
        let reply = get(&world, &key).send().await;
        assert_eq!(&reply.bytes()[..], b"bytes");
        assert!(header(&reply, "Content-Disposition").contains("a.txt"), "the field names it");
    }
    let (long, longer) = ("x".repeat(255), "x".repeat(256));
    send(&world, &[("file_type", "pdf"), ("file_name", &long)], b"x").send().await.data();
    for (fields, violated) in [
        (vec![("file_name", "a")], "file_type"),
        (vec![("file_type", "zip"), ("file_name", "a")], "file_type"),
        (vec![("file_type", "pdf")], "file_name"),
        (vec![("file_type", "pdf"), ("file_name", "")], "file_name"),
        (vec![("file_type", "pdf"), ("file_name", longer.as_str())], "file_name"),
        (vec![("file_type", "pdf"), ("file_name", "a"), ("duration", "soon")], "duration"),
        (vec![("file_type", "pdf"), ("file_name", "a"), ("duration", "-1")], "duration"),
    ] {
        let json = refused(&send(&world, &fields, b"bytes").send().await, 234001);
        assert_eq!(json["error"]["field_violations"][0]["field"], violated, "{json}");
    }
    let json = refused(&form(&format!("{file_type}{name}--B--\n")).send().await, 234001);
    assert_eq!(json["error"]["field_violations"][0]["field"], "file", "{json}");
}
