//! Faults at every statement of every write: the answer is right or a 5xx, and no write is half done.

use std::sync::Arc;

use larkspur_testkit::{Fault, Faulty, Lab, Reply, Request, World};
use serde_json::{Value, json};

use super::{is_stray, lab, outcome, shape_of};

struct Bench {
    world: World,
    driver: Arc<Faulty>,
    tag: String,
    /// A user who is in no chat.
    outsider: String,
    /// A public chat whose only member is its owner.
    public: String,
    /// A token of the owner of both chats.
    owner: String,
    /// A document of the app.
    document: String,
    /// The user_id of a user who may view it.
    reader: String,
    /// A chat with an announcement of the docx form, and a table in that.
    docx: String,
    table: String,
    /// An image block after the table.
    image: String,
    /// The path of a message of the app in the chat, which is pinned and on the top notice.
    message: String,
    /// The app's reaction to it.
    reaction: String,
    /// The id of a message that is not pinned.
    plain: String,
}

/// A new world for each fault.
async fn bench((lab, driver): &(Lab, Arc<Faulty>)) -> Bench {
    let (world, driver) = (lab.world().await, driver.clone());
    let tag = world.tag("bound").await;
    let made = world.control("POST", "/users").body(json!({"user_id": "outsider"})).send().await.data();
    let outsider = made["user_id"].as_str().expect("a user_id").to_owned();
    let public = world.chat(json!({"chat_type": "public", "owner": world.users[0].user_id})).await;
    let owner = world.user_token(0, json!({})).await;
    let made = world.control("POST", "/documents").body(json!({"owner": world.app_id})).send().await.data();
    let document = made["token"].as_str().expect("a token").to_owned();
    let reader = world.users[1].user_id.clone();
    let shared = json!({"member": reader, "perm": "view"});
    world.control("PUT", &format!("/documents/{document}/collaborators")).body(shared).send().await.data();
    let address = json!({"request_url": "http://127.0.0.1/before"});
    world.control("PUT", &format!("/apps/{}/events", world.app_id)).body(address).send().await.data();
    world.old_announcements().await;
    let docx = world.chat(json!({"members": [world.app_id], "announcement_type": "docx"})).await;
    let path = format!("/docx/v1/chats/{docx}/announcement/blocks/{docx}/children");
    let body = json!({"receive_id": world.chat_id, "msg_type": "text", "content": r#"{"text":"before"}"#});
    let sent =
        world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body.clone()).send().await.data();
    let children = json!({"children": [
        {"block_type": 31, "table": {"property": {"row_size": 2, "column_size": 2}}}, {"block_type": 27, "image": {}}]});
    let made = world.call("POST", &path).body(children).send().await.data();
    let plain = world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).send().await.data();
    let plain = plain["message_id"].as_str().expect("a message_id").to_owned();
    let [table, image] =
        [0, 1].map(|at| made["children"][at]["block_id"].as_str().expect("a block_id").to_owned());
    let id = sent["message_id"].as_str().expect("a message_id");
    let message = format!("/im/v1/messages/{id}");
    let body = json!({"reaction_type": {"emoji_type": "OK"}});
    let made = world.call("POST", &format!("{message}/reactions")).body(body).send().await.data();
    let reaction = made["reaction_id"].as_str().expect("a reaction_id").to_owned();
    world.call("POST", "/im/v1/pins").body(json!({"message_id": id})).send().await.data();
    let path = format!("/im/v1/chats/{}/top_notice/put_top_notice", world.chat_id);
    let top = json!({"chat_top_notice": [{"action_type": "1", "message_id": id}]});
    world.call("POST", &path).body(top).send().await.data();
    Bench {
        docx,
        table,
        image,
        world,
        driver,
        tag,
        outsider,
        public,
        owner,
        document,
        reader,
        message,
        reaction,
        plain,
    }
}

/// The writes under test, by name; each depends only on the world, so that it can be repeated.
fn writes(bench: &Bench) -> Vec<(&'static str, Request)> {
    let world = &bench.world;
    let relation = json!({"tag_biz_type": "chat", "biz_entity_id": world.chat_id, "tag_ids": [bench.tag]});
    let token = world.document_url.rsplit('/').next().expect("a token");
    let member = json!({"member_type": "openchat", "member_id": world.chat_id, "perm": "view"});
    let tabs = json!([
        {"tab_type": "url", "tab_name": "one", "tab_content": {"url": "https://example.com"}},
        {"tab_type": "doc", "tab_name": "two", "tab_content": {"doc": world.document_url}},
    ]);
    let chat = format!("/im/v1/chats/{}", world.chat_id);
    let docx = &bench.docx;
    let blocks = format!("/docx/v1/chats/{docx}/announcement/blocks");
    let block = json!({"block_type": 19, "callout": {}});
    let people = json!({"name": "made", "user_id_list": [world.users[1].open_id, world.users[2].open_id]});
    let item = json!({"action_type": "NONE", "name": "menu"});
    let top = json!({"chat_menu_item": item, "children": [{"chat_menu_item": item}]});
    let menu = json!({"menu_tree": {"chat_menu_top_levels": [top, {"chat_menu_item": item}]}});
    let title =
        json!({"requestType": "UpdateTitleRequestType", "updateTitleRequest": {"title": {"elements": []}}});
    let edit = json!({"revision": "0", "requests": [title.to_string()]});
    vec![
        (
            "create tag",
            world
                .call("POST", "/im/v2/tags")
                .body(json!({"create_tag": {"tag_type": "tenant", "name": "new"}})),
        ),
        (
            "patch tag",
            world
                .call("PATCH", &format!("/im/v2/tags/{}", bench.tag))
                .body(json!({"patch_tag": {"name": "renamed"}})),
        ),
        ("bind", world.call("POST", "/im/v2/biz_entity_tag_relation").body(relation.clone())),
        ("unbind", world.call("PUT", "/im/v2/biz_entity_tag_relation").body(relation)),
        ("add tabs", world.add_tabs(&tabs)),
        ("add menu items", world.call("POST", &format!("{chat}/menu_tree")).body(menu)),
        ("edit announcement", world.call("PATCH", &format!("{chat}/announcement")).body(edit)),
        ("create blocks", world.call("POST", &format!("{blocks}/{docx}/children")).body(json!({"children": [block]}))),
        (
            "update blocks",
            world.call("PATCH", &format!("{blocks}/batch_update")).body(json!({"requests": [
                {"block_id": bench.table, "insert_table_row": {"row_index": 1}},
                {"block_id": docx, "update_text_elements": {"elements": [{"text_run": {"content": "title"}}]}},
            ]})),
        ),
        (
            "delete blocks",
            world
                .call("DELETE", &format!("{blocks}/{docx}/children/batch_delete"))
                .body(json!({"start_index": 0, "end_index": 1})),
        ),
        ("upload for a block", world.call("POST", "/drive/v1/medias/upload_all").multipart(
            &[("file_name", "a"), ("parent_type", "docx_image"), ("parent_node", &bench.image), ("size", "3")],
            ("file", b"abc"),
        )),
        ("create chat", world.call("POST", "/im/v1/chats?uuid=fault").body(people)),
        (
            "update chat",
            world.call("PUT", &format!("/im/v1/chats/{}", world.chat_id)).body(json!({
                "name": "Town square", "chat_type": "public", "owner_id": world.users[1].open_id,
            })),
        ),
        ("dissolve", world.call("DELETE", &format!("/im/v1/chats/{}", world.chat_id))),
        (
            "upload",
            world
                .call("POST", "/im/v1/images")
                .multipart(&[("image_type", "message")], ("image", &larkspur_testkit::png(1, 1))),
        ),
        (
            "upload file",
            world
                .call("POST", "/im/v1/files")
                .multipart(&[("file_type", "stream"), ("file_name", "a.bin")], ("file", b"bytes")),
        ),
        (
            "collaborator",
            world.call("POST", &format!("/drive/v1/permissions/{token}/members?type=docx")).body(member),
        ),
        (
            "change collaborator",
            world
                .call(
                    "PUT",
                    &format!("/drive/v1/permissions/{}/members/{}?type=docx", bench.document, bench.reader),
                )
                .body(json!({"member_type": "userid", "perm": "edit"})),
        ),
        (
            "remove collaborator",
            world.call(
                "DELETE",
                &format!(
                    "/drive/v1/permissions/{}/members/{}?type=docx&member_type=userid",
                    bench.document, bench.reader
                ),
            ),
        ),
        (
            "add members",
            world
                .call("POST", &format!("{chat}/members?member_id_type=user_id"))
                .body(json!({"id_list": [bench.outsider, world.users[1].user_id]})),
        ),
        (
            "appoint",
            world
                .call("POST", &format!("{chat}/managers/add_managers"))
                .token(&bench.owner)
                .body(json!({"manager_ids": [world.users[1].open_id, world.users[2].open_id]})),
        ),
        (
            "dismiss",
            world
                .call("POST", &format!("{chat}/managers/delete_managers"))
                .token(&bench.owner)
                .body(json!({"manager_ids": [world.users[1].open_id, world.users[2].open_id]})),
        ),
        (
            "remove members",
            world
                .call("DELETE", &format!("{chat}/members"))
                .body(json!({"id_list": [world.users[1].open_id, world.users[2].open_id]})),
        ),
        (
            "set event address",
            world
                .control("PUT", &format!("/apps/{}/events", world.app_id))
                .body(json!({"request_url": "http://127.0.0.1/", "encrypt_key": "k"})),
        ),
        ("move clock", world.control("PUT", "/clock").body(json!({"offset_ms": 1000}))),
        ("delete user", world.control("DELETE", &format!("/users/{}", world.users[0].user_id))),
        (
            "set moderation",
            world.call("PUT", &format!("{chat}/moderation")).token(&bench.owner).body(json!({
                "moderation_setting": "moderator_list",
                "moderator_added_list": [world.users[1].open_id, world.users[2].open_id],
            })),
        ),
        (
            "put top notice",
            world
                .call("POST", &format!("{chat}/top_notice/put_top_notice"))
                .body(json!({"chat_top_notice": [{"action_type": "2"}]})),
        ),
        (
            "react",
            world
                .call("POST", &format!("{}/reactions", bench.message))
                .body(json!({"reaction_type": {"emoji_type": "SMILE"}})),
        ),
        (
            "remove a reaction",
            world.call("DELETE", &format!("{}/reactions/{}", bench.message, bench.reaction)),
        ),
        ("pin", world.call("POST", "/im/v1/pins").body(json!({"message_id": bench.plain}))),
        (
            "forward",
            world
                .call("POST", &format!("{}/forward?receive_id_type=chat_id&uuid=forward", bench.message))
                .body(json!({"receive_id": docx})),
        ),
        (
            "forward several",
            world
                .call("POST", "/im/v1/messages/merge_forward?receive_id_type=chat_id")
                .body(json!({"receive_id": docx, "message_id_list": [bench.plain]})),
        ),
        (
            "send a card",
            world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(json!({
                "receive_id": world.chat_id, "msg_type": "interactive",
                "content": r#"{"elements":[{"tag":"div","text":{"tag":"plain_text","content":"x"}}]}"#,
            })),
        ),
        ("add a custom bot", world.control("POST", &format!("/chats/{}/hooks", world.chat_id)).body(json!({"name": "hook"}))),
        ("unpin", world.call("DELETE", &bench.message.replace("messages", "pins"))),
        ("take down top notice", world.call("POST", &format!("{chat}/top_notice/delete_top_notice"))),
        ("link", world.call("POST", &format!("{chat}/link"))),
        (
            "send to a user",
            world.call("POST", "/im/v1/messages?receive_id_type=open_id").body(json!({
                "receive_id": world.users[2].open_id, "msg_type": "text", "content": r#"{"text":"x"}"#, "uuid": "fault",
            })),
        ),
        (
            "reply in a thread",
            world.call("POST", &format!("{}/reply", bench.message)).body(json!({
                "msg_type": "text", "content": r#"{"text":"re"}"#, "reply_in_thread": true, "uuid": "reply",
            })),
        ),
        (
            "edit message",
            world
                .call("PUT", &bench.message)
                .body(json!({"msg_type": "text", "content": r#"{"text":"after"}"#})),
        ),
        ("recall", world.call("DELETE", &bench.message)),
        ("join", world.call("PATCH", &format!("/im/v1/chats/{}/members/me_join", bench.public))),
    ]
}

/// The content of the store, as the public API shows it.
async fn picture(bench: &Bench) -> Value {
    let world = &bench.world;
    let chat = format!("/im/v1/chats/{}", world.chat_id);
    let relation =
        format!("/im/v2/biz_entity_tag_relation?tag_biz_type=chat&biz_entity_id={}", world.chat_id);
    let mut picture = json!({});
    for path in [
        format!("/im/v2/tags?ids={}", bench.tag),
        relation,
        format!("{chat}/chat_tabs/list_tabs"),
        format!("{chat}/members"),
        format!("/im/v1/chats/{}", bench.public),
        format!("{chat}/menu_tree"),
        format!("{chat}/announcement"),
        format!("/docx/v1/chats/{}/announcement/blocks", bench.docx),
        format!("/docx/v1/chats/{}/announcement", bench.docx),
        format!("{chat}/moderation"),
        format!("/im/v1/messages?container_id_type=chat&container_id={}", world.chat_id),
        format!("/im/v1/messages?container_id_type=chat&container_id={}", bench.docx),
        format!("/drive/v1/permissions/{}/members?type=docx", bench.document),
        format!("{}/reactions", bench.message),
        format!("/im/v1/pins?chat_id={}", world.chat_id),
        chat,
    ] {
        picture[&path] = world.call("GET", &path).send().await.data();
    }
    let events = format!("/apps/{}/events", world.app_id);
    picture[&events] = world.control("GET", &events).send().await.data();
    picture["clock"] = world.control("GET", "").send().await.data()["clock_offset_ms"].clone();
    picture
}

#[tokio::test]
async fn a_store_that_breaks_leaves_nothing_half_done() {
    let lab = lab().await;
    for index in 0..writes(&bench(&lab).await).len() {
        let (mut nth, mut strays) = (0, 0);
        loop {
            let bench = bench(&lab).await;
            let (name, request) = writes(&bench).swap_remove(index);
            let before = picture(&bench).await;
            bench.driver.arm(nth, Fault::Break);
            let reply = request.clone().send().await;
            if !bench.driver.disarm() {
                assert_eq!(reply.code(), 0, "{name} without a fault: {}", reply.text());
                break;
            }
            if reply.code() == 0 && is_stray(&bench.driver, &mut strays) {
                continue;
            }
            assert_eq!(reply.status(), 503, "{name}, statement {nth}: {}", reply.text());
            reply.refused(5000);
            assert_eq!(outcome(&reply).as_deref(), Some("none"), "{name}, statement {nth}");
            assert_eq!(picture(&bench).await, before, "{name}, statement {nth}: half a write");
            assert_eq!(request.send().await.code(), 0, "{name}, statement {nth}: works again");
            (nth, strays) = (nth + 1, 0);
        }
        assert!(nth >= 2, "write {index} has at least a statement and an end");
    }
}

#[tokio::test]
async fn a_lost_answer_leaves_the_outcome_unknown_and_says_so() {
    let (lab, driver) = lab().await;
    let world = lab.world().await;
    let path = format!("/im/v1/chats/{}", world.chat_id);
    let rename = |name: &str| world.call("PUT", &path).body(json!({"name": name}));
    let named = async || world.call("GET", &path).send().await.data()["name"].clone();

    let reply = rename("first").send().await;
    assert_eq!((reply.code(), outcome(&reply)), (0, None));
    let reply = world.call("PUT", &path).body(json!({"chat_type": "none"})).send().await;
    assert_eq!((reply.status(), outcome(&reply)), (400, None), "what is refused for what it is was not done");
    driver.arm(0, Fault::Break);
    let none = rename("second").send().await;
    assert!(driver.disarm());
    assert_eq!((none.code(), named().await), (5000, json!("first")));
    driver.arm(0, Fault::Doubt);
    let unknown = rename("second").send().await;
    assert!(driver.disarm());
    assert_eq!((unknown.code(), named().await), (5000, json!("second")));
    assert_eq!((outcome(&none).as_deref(), outcome(&unknown).as_deref()), (Some("none"), Some("unknown")));
    // The body is the platform's own in both cases.
    let body = |reply: &Reply| {
        let id = reply.response.header("X-Tt-Logid").expect("a log id").into_owned();
        reply.text().replace(&id, "")
    };
    assert_eq!((none.status(), body(&none)), (unknown.status(), body(&unknown)));
    // A read is never in doubt; an endpoint with codes of its own is.
    driver.arm(0, Fault::Break);
    let read = world.call("GET", &path).send().await;
    assert!(driver.disarm());
    assert_eq!((read.status(), outcome(&read).as_deref()), (503, Some("none")));
    let code = json!({"grant_type": "authorization_code", "client_id": world.app_id, "client_secret": world.app_secret, "code": "x"});
    let ask = || lab.request("POST", "/open-apis/authen/v2/oauth/token").body(code.clone());
    driver.arm(0, Fault::Doubt);
    let reply = ask().send().await;
    assert!(driver.disarm());
    assert_eq!((reply.code(), outcome(&reply).as_deref()), (20072, Some("unknown")), "{}", reply.text());
    let metrics = lab.request("GET", "/larkspur/metrics").send().await;
    assert!(metrics.text().contains("larkspur_doubtful_total 2\n"), "{}", metrics.text());
}

#[tokio::test]
async fn a_collision_is_run_again_and_happens_once() {
    let lab = lab().await;
    for index in 0..writes(&bench(&lab).await).len() {
        let plain = bench(&lab).await;
        let (name, request) = writes(&plain).swap_remove(index);
        let shape = shape_of(&request.send().await.data());
        for nth in 0.. {
            let bench = bench(&lab).await;
            let (_, request) = writes(&bench).swap_remove(index);
            bench.driver.arm(nth, Fault::Collide);
            let reply = request.send().await;
            let happened = bench.driver.disarm();
            assert_eq!(shape_of(&reply.data()), shape, "{name}, statement {nth}");
            if !happened {
                break;
            }
            if name == "add tabs" {
                let path = format!("/im/v1/chats/{}/chat_tabs/list_tabs", bench.world.chat_id);
                let tabs = bench.world.call("GET", &path).send().await.data();
                assert_eq!(
                    tabs["chat_tabs"].as_array().expect("tabs").len(),
                    3,
                    "statement {nth}: written twice"
                );
            }
        }
    }
}
