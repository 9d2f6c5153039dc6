//! `im/v1/messages/:message_id/resources`

use larkspur_testkit::{Reply, Request, World, png};
use serde_json::{Value, json};

use crate::scenarios::{put_member, refused_as, set_chat, text, upload, world};

/// Sends a message to the world's chat; its id.
async fn send(world: &World, kind: &str, content: Value) -> String {
    let body = json!({"receive_id": world.chat_id, "msg_type": kind, "content": content.to_string()});
    let request = world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body);
    text(&request.send().await.data(), "message_id")
}

fn get(world: &World, message: &str, key: &str, kind: &str) -> Request {
    world.call("GET", &format!("/im/v1/messages/{message}/resources/{key}?type={kind}"))
}

#[track_caller]
fn is(reply: &Reply, media: &str, content: &[u8]) {
    let shown = String::from_utf8_lossy(&reply.bytes()[..reply.bytes().len().min(200)]).into_owned();
    assert_eq!((reply.status(), reply.response.content_type.as_ref()), (200, media), "{shown}");
    assert!(*reply.bytes() == content, "byte for byte");
}

#[tokio::test]
async fn everything_that_a_message_carries() {
    let world = world().await;
    let image = upload(&world, &world.token, "message").await;
    let file = world.file("pdf", "报告.pdf", b"a file").await;
    let (voice, video) =
        (world.file("opus", "a.opus", b"a voice").await, world.file("mp4", "a.mp4", b"a video").await);
    let rich = json!({"zh_cn": {"title": "", "content": [[{"tag": "img", "image_key": image}], [{"tag": "media", "file_key": video, "image_key": image}]]}});
    for (kind, content, carried) in [
        ("image", json!({"image_key": image}), vec![(&image, "image", "image/png", png(8, 8))]),
        ("file", json!({"file_key": file}), vec![(&file, "file", "application/pdf", b"a file".to_vec())]),
        ("audio", json!({"file_key": voice}), vec![(&voice, "file", "audio/ogg", b"a voice".to_vec())]),
        (
            "media",
            json!({"file_key": video, "image_key": image}),
            vec![
                (&video, "file", "video/mp4", b"a video".to_vec()),
                (&image, "image", "image/png", png(8, 8)),
            ],
        ),
        (
            "post",
            rich,
            vec![
                (&image, "image", "image/png", png(8, 8)),
                (&video, "file", "video/mp4", b"a video".to_vec()),
            ],
        ),
    ] {
        let message = send(&world, kind, content).await;
        for (key, kind, media, content) in carried {
            let reply = get(&world, &message, key, kind).send().await;
            is(&reply, media, &content);
            let disposition = reply.response.header("content-disposition").map(String::from);
            assert_eq!(disposition.is_some(), kind == "file", "{disposition:?}");
            let part = get(&world, &message, key, kind).header("range", "bytes=0-131071").send().await;
            let range = format!("bytes 0-{}/{}", content.len() - 1, content.len());
            assert_eq!(
                (part.status(), part.response.header("content-range").as_deref()),
                (206, Some(range.as_str()))
            );
            assert_eq!(*part.bytes(), content);
        }
        world.advance(1).await;
    }
    // The name is stored with the file.
    let message = send(&world, "file", json!({"file_key": file})).await;
    let shown = world.call("GET", &format!("/im/v1/messages/{message}")).send().await.data();
    let content: Value =
        serde_json::from_str(shown["items"][0]["body"]["content"].as_str().expect("content")).expect("JSON");
    assert_eq!(content, json!({"file_key": file, "file_name": "报告.pdf"}));
}

#[tokio::test]
async fn apps_of_the_chat_and_no_others() {
    let world = world().await;
    let image = upload(&world, &world.token, "message").await;
    let message = send(&world, "image", json!({"image_key": image})).await;
    let (second, second_token) = world.app(json!({})).await;
    let by = |token: &str| get(&world, &message, &image, "image").token(token);
    by(&second_token).send().await.refused(234004);
    put_member(&world, &world.chat_id, &second, false).await;
    is(&by(&second_token).send().await, "image/png", &png(8, 8));
    let user = world.user_token(0, json!({})).await;
    is(&by(&user).send().await, "image/png", &png(8, 8));
    for scope in ["im:message", "im:message:readonly", "im:message.history:readonly"] {
        world.set_app(&second, json!({"scopes": [scope]})).await;
        is(&by(&second_token).send().await, "image/png", &png(8, 8));
    }
    world.set_app(&second, json!({"scopes": ["im:resource"]})).await;
    by(&second_token).send().await.refused(99991672);
    world.set_app(&second, json!({"scopes": ["im:message"], "bot": false})).await;
    by(&second_token).send().await.refused(234007);
    world.set_app(&second, json!({"bot": true, "status": "disabled"})).await;
    let reply = by(&second_token).send().await;
    reply.refused(234002);
    assert_eq!(reply.status(), 401);
    world.set_app(&second, json!({"status": "enabled", "external_sharing": false})).await;
    set_chat(&world, &world.chat_id, json!({"external": true})).await;
    by(&second_token).send().await.refused(234009);
    set_chat(&world, &world.chat_id, json!({"external": false, "chat_status": "dissolved"})).await;
    by(&second_token).send().await.refused(234004);
}

#[tokio::test]
async fn what_a_message_does_not_carry() {
    let world = world().await;
    let (image, other) =
        (upload(&world, &world.token, "message").await, upload(&world, &world.token, "message").await);
    let file = world.file("pdf", "a.pdf", b"a file").await;
    let message = send(&world, "image", json!({"image_key": image})).await;
    let words = send(&world, "text", json!({"text": image})).await;
    for (message, key, kind) in [
        (&message, &other, "image"),
        (&message, &image, "file"),
        (&message, &file, "file"),
        (&words, &image, "image"),
    ] {
        let json = get(&world, message, key, kind).send().await.refused(234003);
        assert_eq!(json["msg"], "File not in msg.");
    }
    let card =
        json!({"elements": [{"tag": "img", "img_key": image, "alt": {"tag": "plain_text", "content": ""}}]});
    let card = send(&world, "interactive", card).await;
    get(&world, &card, &image, "image").send().await.refused(234043);
    let unknown = "om_00000000000000000000000000000000";
    get(&world, unknown, &image, "image").send().await.refused(99992354);
    get(&world, "bm-00000000000000000000000000000000", &image, "image").send().await.refused(234001);
    get(&world, &message, &image, "video").send().await.refused(99992402);
    let path = format!("/im/v1/messages/{message}/resources/{image}");
    world.call("GET", &path).send().await.refused(99992402);
    let tenant = world.lab.world().await;
    let reply = get(&tenant, &message, &image, "image").send().await;
    refused_as(&reply, 234019, "scope CheckAppTenant fail.");

    world.control("DELETE", &format!("/images/{image}")).send().await.data();
    get(&world, &message, &image, "image").send().await.refused(234003);
    world.call("DELETE", &format!("/im/v1/messages/{message}")).send().await.data();
    get(&world, &message, &image, "image").send().await.refused(230110);
}

#[tokio::test]
async fn restrictions() {
    let world = world().await;
    let image = upload(&world, &world.token, "message").await;
    let message = send(&world, "image", json!({"image_key": image})).await;
    let restrict = |download: &str| json!({"settings": {"restricted_mode_setting": {"status": true, "download_has_permission_setting": download}}});
    set_chat(&world, &world.chat_id, restrict("not_anyone")).await;
    get(&world, &message, &image, "image").send().await.refused(234038);
    set_chat(&world, &world.chat_id, restrict("all_members")).await;
    assert_eq!(get(&world, &message, &image, "image").send().await.status(), 200);
    world.control("PUT", "/settings").body(json!({"storage_bytes": 1})).send().await.data();
    get(&world, &message, &image, "image").send().await.refused(234042);
    world.control("PUT", "/settings").body(json!({})).send().await.data();
    // A user who no longer sees the app.
    let body = json!({"receive_id": world.users[1].open_id, "msg_type": "image", "content": json!({"image_key": image}).to_string()});
    let request = world.call("POST", "/im/v1/messages?receive_id_type=open_id").body(body);
    let message = text(&request.send().await.data(), "message_id");
    assert_eq!(get(&world, &message, &image, "image").send().await.status(), 200);
    world.set_app(&world.app_id, json!({"visible_to": [world.users[0].user_id]})).await;
    get(&world, &message, &image, "image").send().await.refused(234040);
}
