//! Statements of announcements.

use serde_json::json;

use super::upload;
use crate::World;

/// Announcements of both forms: earlier revisions, blocks that are not there, a repeated token.
pub(super) async fn announcements(world: &World) {
    let chat = &world.chat_id;
    let base = format!("/docx/v1/chats/{chat}/announcement/blocks");
    let token = world.document_url.rsplit('/').next().expect("a token");
    let reader = json!({"member": world.app_id, "perm": "view"});
    world.control("PUT", &format!("/documents/{token}/collaborators")).body(reader).send().await.data();
    let text = json!({"elements": [
        {"mention_user": {"user_id": world.users[1].open_id}},
        {"mention_doc": {"token": token, "obj_type": 22, "url": "x"}},
    ]});
    let blocks = json!({"children": [{"block_type": 2, "text": text}, {"block_type": 20, "chat_card": {"chat_id": chat}}]});
    for _ in 0..2 {
        let add = world.call("POST", &format!("{base}/{chat}/children")).query("client_token", "again");
        add.body(blocks.clone()).send().await.data();
    }
    let image = upload(world).await;
    let replace = json!({"requests": [{"block_id": "unknown", "replace_image": {"token": image}}]});
    world.call("PATCH", &format!("{base}/batch_update")).body(replace).send().await.refused(1770002);
    let picture = json!({"children": [{"block_type": 27, "image": {}}]});
    let made = world.call("POST", &format!("{base}/{chat}/children")).body(picture).send().await.data();
    let replace = json!({"requests": [{"block_id": made["children"][0]["block_id"], "replace_image": {"token": image}}]});
    world.call("PATCH", &format!("{base}/batch_update")).body(replace).send().await.data();
    let (png, block) = (crate::png(1, 1), made["children"][0]["block_id"].as_str().expect("a block_id"));
    let size = png.len().to_string();
    let fields =
        [("file_name", "a.png"), ("parent_type", "docx_image"), ("parent_node", block), ("size", &size)];
    let upload = world.call("POST", "/drive/v1/medias/upload_all").multipart(&fields, ("file", &png));
    upload.send().await.data();
    let all = json!({"start_index": 0, "end_index": 2});
    world.call("DELETE", &format!("{base}/{chat}/children/batch_delete")).body(all).send().await.data();
    world.call("GET", &base).query("revision_id", "2").query("user_id_type", "user_id").send().await.data();
    world.old_announcements().await;
    let edit = json!({"revision": "0", "requests": [
        json!({"requestType": "UpdateTitleRequestType", "updateTitleRequest": {"title": {"elements": []}}}).to_string()]});
    let path = format!("/im/v1/chats/{chat}/announcement");
    world.call("PATCH", &path).body(edit).send().await.data();
    world.call("GET", &path).send().await.data();
}
