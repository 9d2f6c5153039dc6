//! `docx/v1/chats/:chat_id/announcement`

use larkspur_contract::Effect;
use larkspur_contract::ids::{ChatId, TenantKey};
use larkspur_store::docx::{self, Announcement};
use larkspur_testkit::{Reply, Request, World};
use serde_json::{Value, json};

mod chat_announcement;
mod chat_announcement_block;
mod chat_announcement_block_children;
mod defaults;
mod limits;
mod random;
mod revisions;

/// The refusals of the pages, word for word: number, HTTP status, text.
const PAGES: &[(u32, u16, &str)] = &[
    (1770001, 400, "invalid param"),
    (1770002, 404, "not found"),
    (1770003, 400, "resource deleted"),
    (1770004, 400, "too many blocks in document"),
    (1770005, 400, "too deep level in document"),
    (1770007, 400, "too many children in block"),
    (1770010, 400, "too many table column"),
    (1770011, 400, "too many table cell"),
    (1770012, 400, "too many grid column"),
    (1770013, 400, "relation mismatch"),
    (1770015, 400, "single edit with multi document"),
    (1770021, 400, "too old document"),
    (1770024, 400, "invalid operation"),
    (1770025, 400, "operation and block not match"),
    (1770026, 400, "row operation over range"),
    (1770027, 400, "column operation over range"),
    (1770028, 400, "block not support create children"),
    (1770029, 400, "block not support to create"),
    (1770030, 400, "invalid parent children relation"),
    (1770031, 400, "block not support to delete children"),
    (1770032, 403, "forbidden"),
    (1770034, 400, "operation count exceed limited"),
    (1770035, 400, "resource count exceed limit"),
    (1770038, 400, "resource not found"),
    (1772001, 400, "Chat announcement can NOT be found in chat information."),
    (1772002, 400, "Operator and chat can NOT be in different tenants."),
    (1772003, 400, "Operator can NOT be out of the chat."),
    (
        1772004,
        400,
        "The operator or invited bots does NOT have the authority to manage external chats without the scope.",
    ),
    (
        1772005,
        400,
        "No Permission: Only chat owner or admin can edit chat information in the current situation.",
    ),
    (1772006, 400, "announcement type is not supported"),
    (1772025, 400, "Bot ability is not activated."),
    (1772034, 400, "The app is unavailable or inactivated by the tenant."),
    (99992402, 400, "field validation failed"),
];

/// Asserts that a reply is this refusal, in status, code and text.
#[track_caller]
fn refused(reply: &Reply, code: u32) {
    let json = reply.refused(code);
    let (_, status, text) = PAGES.iter().find(|page| page.0 == code).expect("a code of a page");
    assert_eq!((reply.status(), json["msg"].as_str()), (*status, Some(*text)), "{json}");
}

/// A call about a chat's announcement.
fn at(world: &World, method: &str, chat: &str, part: &str) -> Request {
    world.call(method, &format!("/docx/v1/chats/{chat}/announcement{part}"))
}

fn list(world: &World, chat: &str) -> Request {
    at(world, "GET", chat, "/blocks")
}

fn add(world: &World, chat: &str, parent: &str, children: &Value) -> Request {
    at(world, "POST", chat, &format!("/blocks/{parent}/children")).body(json!({"children": children}))
}

fn update(world: &World, chat: &str, requests: &Value) -> Request {
    at(world, "PATCH", chat, "/blocks/batch_update").body(json!({"requests": requests}))
}

fn delete(world: &World, chat: &str, parent: &str, start: i64, end: i64) -> Request {
    at(world, "DELETE", chat, &format!("/blocks/{parent}/children/batch_delete"))
        .body(json!({"start_index": start, "end_index": end}))
}

/// Adds a block to the announcement of the world's chat; the block as it was answered.
async fn made(world: &World, parent: &str, child: Value) -> Value {
    add(world, &world.chat_id, parent, &json!([child])).send().await.data()["children"][0].clone()
}

/// The same; its id.
async fn made_id(world: &World, parent: &str, child: Value) -> String {
    id(&made(world, parent, child).await)
}

fn id(block: &Value) -> String {
    block["block_id"].as_str().unwrap_or_else(|| panic!("no block_id in {block}")).to_owned()
}

/// A block of the announcement of the world's chat.
async fn shown(world: &World, block: &str) -> Value {
    at(world, "GET", &world.chat_id, &format!("/blocks/{block}")).send().await.data()["block"].clone()
}

/// All blocks of the announcement of the world's chat.
async fn blocks(world: &World) -> Vec<Value> {
    list(world, &world.chat_id).send().await.data()["items"].as_array().expect("blocks").clone()
}

async fn revision(world: &World) -> i64 {
    at(world, "GET", &world.chat_id, "").send().await.data()["revision_id"].as_i64().expect("a number")
}

fn paragraph(text: &str) -> Value {
    json!({"block_type": 2, "text": {"elements": [{"text_run": {"content": text}}]}})
}

fn table(rows: i64, columns: i64) -> Value {
    json!({"block_type": 31, "table": {"property": {"row_size": rows, "column_size": columns}}})
}

fn new_text(block: &str, text: &str) -> Value {
    json!({"block_id": block, "update_text_elements": {"elements": [{"text_run": {"content": text}}]}})
}

/// Sets the revision of the world's chat's announcement, as if it had been edited often.
async fn set_revision(world: &World, revision: i64) {
    let tenant = TenantKey::parse(&world.tenant_key).expect("a tenant_key");
    let chat = ChatId::parse(&world.chat_id).expect("a chat_id");
    let writing = world.lab.app.engine().run(Effect::Writes, move |root| {
        let mut tx = root.tenant(tenant);
        Box::pin(async move {
            let locked = larkspur_store::chats::lock(&mut tx, chat).await?.expect("a chat");
            let new = Announcement { revision, modifier: None, updated_at: 0, edits: [0; 3] };
            docx::set(&mut tx, &locked, &new).await
        })
    });
    writing.await.expect("a transaction");
}
