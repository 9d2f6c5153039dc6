//! The behavior of each operation: every code on its page, and every rule.
//!
//! The folders are those of the operations, `<project>/<version>/<resource>`; `larkspur` is the control API. Besides
//! them there are `events`, and files for topics across projects.

use larkspur_testkit::{Lab, Reply, Request, World};
use serde_json::{Value, json};

mod application;
mod auth;
mod authen;
mod bot;
mod cardkit;
mod contact;
mod docx;
mod drive;
mod ephemeral;
pub(crate) mod events;
mod im;
mod interactive;
mod larkspur;
mod message;
mod own_settings;
mod recipes;
mod small_reads;
mod wire;
mod world_settings;

/// The refusals of the group, image and document pages, word for word: number, HTTP status, text.
const PAGES: &[(u32, u16, &str)] = &[
    (40001, 400, "invalid parameter"),
    (41012, 400, "user id invalid error"),
    (41050, 400, "no user authority"),
    (230001, 400, "param is invalid"),
    (232001, 400, "Your request contains an invalid request parameter."),
    (
        232002,
        400,
        "No Permission: Only chat owner or admin can edit chat information in the current situation.",
    ),
    (232003, 400, "Chat announcement can NOT be found in chat information."),
    (232006, 400, "Your request specifies a chat_id which is invalid."),
    (232007, 400, "Your request specifies a chat_id or user_id which is invalid."),
    (232008, 400, "Your request specifies a chat whose type is NOT supported currently."),
    (232009, 400, "Your request specifies a chat which has already been dissolved."),
    (232010, 400, "Operator and chat can NOT be in different tenants."),
    (232011, 400, "Operator can NOT be out of the chat."),
    (232013, 400, "You have reached the limit of maximum number of members a chat can have."),
    (
        232014,
        400,
        "The token used in the request does NOT have the permissions necessary to complete the request.",
    ),
    (
        232017,
        400,
        "No Permission: If the operator is NOT owner or creator with the scope, the operator can NOT complete the request.",
    ),
    (232018, 400, "Updating announcement failed."),
    (232019, 400, "The request has been rate limited."),
    (232020, 400, "Name can NOT be less than two characters for public chats."),
    (232021, 400, "Bot can NOT be found."),
    (232022, 400, "User has already resigned."),
    (232023, 400, "Chat information review failed while updating the chat."),
    (
        232024,
        400,
        "Users do not have the visibility of the app, or the operator does not have collaboration permissions with the target users.",
    ),
    (232025, 400, "Bot ability is not activated."),
    (232027, 400, "There are no valid members in the ID list specified in your request."),
    (232028, 400, "External members can Not be added to an internal group chat."),
    (232029, 400, "There are no available candidates for chat owner."),
    (232030, 400, "Your request specifies a user_id which is invalid."),
    (
        232032,
        400,
        "The operator who will create the chat and the designated chat owner must be in the same tenant.",
    ),
    (
        232033,
        400,
        "The operator or invited bots does NOT have the authority to manage external chats without the scope.",
    ),
    (232034, 400, "The app is unavailable or inactivated by the tenant."),
    (232038, 400, "The operator is not chat owner, no permission to complete the request."),
    (232040, 400, "The chat managers has reached the limit of maximum number."),
    (232042, 400, "Public group chat's name should not be empty."),
    (232043, 400, "Your request contains unavailable ids."),
    (232044, 400, "You have reached maximum number of chat members set by admin."),
    (232046, 400, "The number of chat tabs has reached the limit."),
    (232047, 400, "The length of the tab name reaches the limit."),
    (232048, 400, "The chat tab content is illegal."),
    (232050, 400, "Operate chat tab unsupported chat type."),
    (232051, 400, "The operator does not have doc permission."),
    (232055, 400, "The operator does not have chat tab, chat menu, chat widget manage permission"),
    (232056, 400, "The operator is not the image's owner, no permission to complete the request."),
    (232057, 400, "The operator tenant doesn't have the permission to use restricted mode."),
    (232066, 400, "The operator does not have the doc permission."),
    (232068, 400, "The group is being created, please wait a moment."),
    (232070, 400, "The number of chat_menu_top_level has reached the limit."),
    (232071, 400, "The number of chat_menu_second_level has reached the limit."),
    (232072, 400, "Sort chat_menu_top_level's param is invalid."),
    (232073, 400, "The group menu is being modified, please try again later."),
    (
        232075,
        400,
        "The public group needs to apply to join, and users or bots are not allowed to actively join the group.",
    ),
    (232076, 400, "Can't kick chat owner."),
    (232078, 400, "The chat menu is illegal."),
    (232079, 400, "Chat type not supported by hide_member_count_setting."),
    (232090, 400, "Unsupported chat type."),
    (
        232091,
        400,
        "Due to the security control requirements of this tenant, this tenant does not allow public group.",
    ),
    (232097, 400, "Unable to operate docx type chat announcement."),
    (234001, 400, "Invalid request param."),
    (234002, 401, "Unauthorized."),
    (234005, 400, "Image has been deleted."),
    (234006, 400, "The file size exceed the max value."),
    (234007, 400, "App does not enable bot feature."),
    (234008, 400, "The app is not the resource sender."),
    (234010, 400, "File's size can't be 0."),
    (234011, 400, "Can't regonnize the image format."),
    (234039, 400, "Image resolution exceeds limit."),
    (234042, 400, "Tenant storage is full, please contact the tenant administrator."),
    (1063001, 400, "Invalid parameter"),
    (1063002, 403, "Permission denied"),
    (1063003, 400, "Invalid operation"),
    (1063004, 403, "User has no share permission"),
    (1063005, 404, "Resource is deleted"),
    (99991661, 400, "Missing access token for authorization. Please make a request with token attached."),
    (99991662, 400, "app not in use"),
    (99991663, 400, "Invalid access token for authorization. Please make a request with token attached."),
    (99991668, 400, "Invalid access token for authorization. Please make a request with token attached."),
    (99991673, 400, "unauthorized app"),
    (99992361, 400, "open_id cross app"),
    (99992402, 400, "field validation failed"),
];

/// Asserts that a reply is this refusal, in status, code and text; a cause may replace the period.
#[track_caller]
fn refused(reply: &Reply, code: u32) -> Value {
    let json = reply.refused(code);
    let (_, status, text) = PAGES.iter().find(|page| page.0 == code).expect("a code of a page");
    let message = json["msg"].as_str().expect("a text");
    let (base, cause) =
        message.split_once(", ext=").map_or((message, None), |(base, cause)| (base, Some(cause)));
    let text = if cause.is_some() { text.trim_end_matches('.') } else { text };
    assert_eq!((reply.status(), base), (*status, text), "{json}");
    if code == 232001
        && let Some(cause) = cause
    {
        let field = reply.violated().remove(0);
        assert_eq!(cause, format!("invalid {}", larkspur_contract::fields::leaf(&field)), "{json}");
    }
    json
}

/// As [`refused`], for pages that have a text of their own for a number.
#[track_caller]
fn refused_as(reply: &Reply, code: u32, text: &str) -> Value {
    let json = reply.refused(code);
    assert_eq!(json["msg"], text, "{json}");
    json
}

/// The names of an object's members, sorted.
#[track_caller]
fn names(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// A string member.
#[track_caller]
fn text(object: &Value, name: &str) -> String {
    object[name].as_str().unwrap_or_else(|| panic!("no text {name} in {object}")).to_owned()
}

async fn world() -> World {
    Lab::start().await.world().await
}

/// The path of a chat's tabs.
fn tabs_path(chat_id: &str) -> String {
    format!("/im/v1/chats/{chat_id}/chat_tabs")
}

/// Adds tabs to a chat with a token.
#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
fn add_tabs(world: &World, token: &str, chat_id: &str, tabs: Value) -> Request {
    world.call("POST", &tabs_path(chat_id)).token(token).body(json!({"chat_tabs": tabs}))
}

fn list_tabs(world: &World, token: &str, chat_id: &str) -> Request {
    world.call("GET", &format!("{}/list_tabs", tabs_path(chat_id))).token(token)
}

/// The tabs of the world's chat.
async fn tabs_of(world: &World) -> Vec<Value> {
    let data = list_tabs(world, &world.token, &world.chat_id).send().await.data();
    data["chat_tabs"].as_array().expect("tabs").clone()
}

fn url_tab() -> Value {
    json!({"tab_type": "url", "tab_content": {"url": "https://www.feishu.cn"}})
}

fn doc_tab(url: &str) -> Value {
    json!({"tab_type": "doc", "tab_content": {"doc": url}})
}

/// Uploads a small image with a token; its key.
async fn upload(world: &World, token: &str, image_type: &str) -> String {
    let request = world
        .call("POST", "/im/v1/images")
        .token(token)
        .multipart(&[("image_type", image_type)], ("image", &larkspur_testkit::png(8, 8)));
    text(&request.send().await.data(), "image_key")
}

/// A new document of the world: its token and its URL.
async fn document(world: &World, body: Value) -> (String, String) {
    let made = world.control("POST", "/documents").body(body).send().await.data();
    (text(&made, "token"), text(&made, "url"))
}

/// Gives a user, an app or a chat permissions on a document, through the control API.
async fn share(world: &World, document: &str, member: &str, perm: &str) {
    let body = json!({"member": member, "perm": perm});
    world.control("PUT", &format!("/documents/{document}/collaborators")).body(body).send().await.data();
}

/// Changes a chat through the control API.
async fn set_chat(world: &World, chat_id: &str, body: Value) {
    world.control("PATCH", &format!("/chats/{chat_id}")).body(body).send().await.data();
}

/// Makes a user or an app a member of a chat, through the control API.
async fn put_member(world: &World, chat_id: &str, member: &str, manager: bool) {
    let path = format!("/chats/{chat_id}/members/{member}");
    world.control("PUT", &path).body(json!({"manager": manager})).send().await.data();
}

/// An ISV app of `maker`: its id and its token in `maker`'s tenant.
async fn isv_app(maker: &World) -> (String, String) {
    let made =
        maker.control("POST", "/apps").body(json!({"kind": "isv", "name": "shop"})).send().await.data();
    let app_id = text(&made, "app_id");
    let token = issued_token(maker, &app_id).await;
    (app_id, token)
}

/// A tenant token that the control API issues.
async fn issued_token(world: &World, app_id: &str) -> String {
    let path = format!("/apps/{app_id}/tokens");
    text(&world.control("POST", &path).body(json!({})).send().await.data(), "access_token")
}

/// The open_id of a user for an app.
async fn open_id(world: &World, user: usize, app_id: &str) -> String {
    let shown = world.control("GET", &format!("/users/{}", world.users[user].user_id)).send().await.data();
    let seen = shown["apps"].as_array().expect("apps").iter().find(|seen| seen["app_id"] == app_id);
    text(seen.expect("the app"), "open_id")
}
