//! `drive/v1/medias/upload_all`: pictures and files of announcements.

use larkspur_store::{docx_media, jobs};
use larkspur_testkit::{Request, World, png, reading};
use serde_json::{Value, json};

use crate::scenarios::{refused_as, set_chat, text, world};

fn upload(world: &World, kind: &str, block: &str, size: usize, content: &[u8]) -> Request {
    let size = size.to_string();
    let fields =
        [("file_name", "plan.png"), ("parent_type", kind), ("parent_node", block), ("size", size.as_str())];
    world.call("POST", "/drive/v1/medias/upload_all").multipart(&fields, ("file", content))
}

fn at(world: &World, method: &str, part: &str, body: &Value) -> Request {
    world
        .call(method, &format!("/docx/v1/chats/{}/announcement/blocks{part}", world.chat_id))
        .body(body.clone())
}

async fn made(world: &World, block: Value) -> Value {
    let part = format!("/{}/children", world.chat_id);
    let body = json!({"children": [block]});
    at(world, "POST", &part, &body).send().await.data()["children"][0].clone()
}

#[tokio::test]
async fn a_picture_and_a_file() {
    let world = world().await;
    let image = text(&made(&world, json!({"block_type": 27, "image": {}})).await, "block_id");
    let other = text(&made(&world, json!({"block_type": 27, "image": {}})).await, "block_id");
    let view = made(&world, json!({"block_type": 23, "file": {"token": ""}})).await;
    let file = view["children"][0].as_str().expect("an id").to_owned();
    let content = png(20, 30);
    let reply = upload(&world, "docx_image", &image, content.len(), &content).send().await;
    let picture = text(&reply.data(), "file_token");
    let reply = upload(&world, "docx_file", &file, 3, b"abc").send().await;
    let letter = text(&reply.data(), "file_token");
    let edits = json!({"requests": [
        {"block_id": image, "replace_image": {"token": picture}}, {"block_id": file, "replace_file": {"token": letter}}]});
    let blocks = at(&world, "PATCH", "/batch_update", &edits).send().await.data()["blocks"].clone();
    assert_eq!(blocks[0]["image"], json!({"width": 20, "height": 30, "token": picture, "align": 2}));
    assert_eq!(blocks[1]["file"], json!({"name": "plan.png", "token": letter}));
    let wrong = json!({"requests": [{"block_id": other, "replace_image": {"token": picture}}]});
    at(&world, "PATCH", "/batch_update", &wrong).send().await.refused(1770013);
    // Nor beside an edit of the block that it was uploaded for.
    let wrong = json!({"requests": [
        {"block_id": image, "replace_image": {"token": picture}}, {"block_id": other, "replace_image": {"token": picture}}]});
    at(&world, "PATCH", "/batch_update", &wrong).send().await.refused(1770013);
}

#[tokio::test]
async fn what_is_refused() {
    let world = world().await;
    let image = text(&made(&world, json!({"block_type": 27, "image": {}})).await, "block_id");
    for (kind, block, size, code, message) in [
        ("docx_image", image.as_str(), 0, 1061002, "params error."),
        ("bitable_image", &image, 3, 1061002, "params error."),
        ("docx_image", "unknown", 3, 1061044, "parent node not exist."),
        ("docx_file", &image, 3, 1061044, "parent node not exist."),
        (
            "docx_image",
            &image,
            4,
            1062009,
            "the actual size is inconsistent with the parameter declaration size.",
        ),
    ] {
        refused_as(&upload(&world, kind, block, size, b"abc").send().await, code, message);
    }
    let fields = [
        ("file_name", "a"),
        ("parent_type", "docx_image"),
        ("parent_node", image.as_str()),
        ("size", "3"),
        ("checksum", "1"),
    ];
    let reply =
        world.call("POST", "/drive/v1/medias/upload_all").multipart(&fields, ("file", b"abc")).send().await;
    refused_as(&reply, 1062008, "checksum param Invalid.");
    let large = vec![0; 20 * 1024 * 1024 + 1];
    let reply = upload(&world, "docx_image", &image, large.len(), &large).send().await;
    refused_as(&reply, 1061043, "file size beyond limit.");
    set_chat(&world, &world.chat_id, json!({"settings": {"edit_permission": "only_owner"}})).await;
    let user = world.user_token(1, json!({})).await;
    let reply = upload(&world, "docx_image", &image, 3, b"abc").token(&user).send().await;
    assert_eq!(reply.status(), 403);
    refused_as(&reply, 1061004, "forbidden.");
}

/// The tokens that are known.
async fn known(world: &World) -> Vec<String> {
    let sql = "SELECT file_token FROM docx_media WHERE tenant = $1".to_owned();
    let driver = &world.lab.app.engine().driver;
    let rows = reading::rows(driver, sql, vec![world.tenant_key.as_str().into()]).await;
    let token = |row: Vec<larkspur_store::Value>| match row.into_iter().next() {
        Some(larkspur_store::Value::Text(token)) => token,
        other => panic!("{other:?}"),
    };
    let mut known: Vec<String> = rows.into_iter().map(token).collect();
    known.sort();
    known
}

#[tokio::test]
async fn uploads_that_no_block_shows_are_forgotten() {
    let world = world().await;
    let image = text(&made(&world, json!({"block_type": 27, "image": {}})).await, "block_id");
    let gone = text(&made(&world, json!({"block_type": 27, "image": {}})).await, "block_id");
    let token = async |block: &str| {
        let data = upload(&world, "docx_image", block, 3, b"abc").send().await.data();
        text(&data, "file_token")
    };
    let show = |block: &str, token: &str| {
        let edits = json!({"requests": [{"block_id": block, "replace_image": {"token": token}}]});
        at(&world, "PATCH", "/batch_update", &edits).send()
    };
    // More than one statement reads.
    let mut unused = Vec::new();
    for _ in 0..60 {
        unused.push(token(&image).await);
    }
    let (first, last, deleted) = (token(&image).await, token(&image).await, token(&gone).await);
    show(&image, &first).await.data();
    show(&image, &last).await.data();
    show(&gone, &deleted).await.data();
    let part = format!("/{}/children/batch_delete", world.chat_id);
    world.advance(1).await;
    at(&world, "DELETE", &part, &json!({"start_index": 1, "end_index": 2})).send().await.data();
    // An hour later, so that the token is still good.
    world.advance(3600).await;
    let young = token(&image).await;
    let engine = world.lab.app.engine();
    let (now, hour) = (engine.clock.now_ms(), 3_600_000);
    let day = now + docx_media::UNUSED_MS;
    jobs::sweep(engine, day - 2 * hour).await.expect("swept");
    assert_eq!(known(&world).await.len(), 64, "they are young");
    jobs::sweep(engine, day - hour / 2).await.expect("swept");
    let mut left = vec![last.clone(), young.clone()];
    left.sort();
    assert_eq!(known(&world).await, left);
    for unknown in [&first, &unused[0]] {
        show(&image, unknown).await.refused(1770013);
    }
    show(&image, &last).await.data();
    show(&image, &young).await.data();
}
