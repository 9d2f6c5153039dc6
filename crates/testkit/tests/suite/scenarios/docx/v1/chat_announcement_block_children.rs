//! `…/blocks/:block_id/children`: create, get, batch_delete.

use serde_json::{Value, json};

use super::{add, at, blocks, delete, id, list, made, made_id, paragraph, refused, revision, shown, table};
use crate::scenarios::{document, names, share, world};

#[tokio::test]
async fn blocks_are_added_and_read_back() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let elements = json!([{"text_run": {"content": "a", "text_element_style": {"bold": true, "text_color": 5}}},
        {"text_run": {"content": "b"}}, {"mention_user": {"user_id": world.users[1].open_id}},
        {"equation": {"content": "E=mc^2\n"}}]);
    let child = json!({"block_type": 2, "text": {"elements": elements, "style": {}}});
    let call = at(&world, "POST", &chat, &format!("/blocks/{chat}/children"));
    let data = call.body(json!({"index": 0, "children": [child]})).send().await.data();
    assert_eq!(names(&data), ["children", "client_token", "revision_id"]);
    assert_eq!(data["revision_id"], 2);
    let block = &data["children"][0];
    assert_eq!((&block["parent_id"], block.get("children")), (&json!(chat), None));
    assert_eq!(block["text"]["style"], json!({"align": 1, "folded": false}));
    let plain = json!({"bold": false, "inline_code": false, "italic": false, "strikethrough": false, "underline": false});
    assert_eq!(block["text"]["elements"][1]["text_run"]["text_element_style"], plain);
    assert_eq!(
        block["text"]["elements"][2]["mention_user"],
        json!({"user_id": world.users[1].open_id, "text_element_style": plain})
    );
    let id = id(block);
    assert!(id.len() == 27 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    assert_eq!(shown(&world, &id).await, *block);
    assert_eq!(blocks(&world).await[1], *block);
    let children = at(&world, "GET", &chat, &format!("/blocks/{chat}/children")).send().await.data();
    assert_eq!(children, json!({"items": [block], "has_more": false}));
    let none = at(&world, "GET", &chat, &format!("/blocks/{id}/children")).send().await.data();
    assert_eq!(none, json!({"items": [], "has_more": false}));
    for (form, expected) in [("union_id", &world.users[1].union_id), ("user_id", &world.users[1].user_id)] {
        let items = list(&world, &chat).query("user_id_type", form).send().await.data()["items"].clone();
        assert_eq!(items[1]["text"]["elements"][2]["mention_user"]["user_id"], json!(expected));
    }
    let by_user_id = json!([{"block_type": 2, "text": {"elements": [
        {"reminder": {"create_user_id": world.users[0].user_id, "expire_time": "1700000000000", "notify_time": 1700000000000_i64}}]}}]);
    let data = add(&world, &chat, &chat, &by_user_id).query("user_id_type", "user_id").send().await.data();
    let reminder = data["children"][0]["text"]["elements"][0]["reminder"].clone();
    assert_eq!(
        (
            &reminder["create_user_id"],
            &reminder["expire_time"],
            &reminder["notify_time"],
            &reminder["is_notify"]
        ),
        (&json!(world.users[0].user_id), &json!("1700000000000"), &json!("1700000000000"), &json!(false))
    );
}

#[tokio::test]
async fn every_kind_that_can_be_created() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let text = |number: i64, name: &str| json!({"block_type": number, name: {"elements": [{"text_run": {"content": "x"}}]}});
    let mut all: Vec<Value> = (1..=9).map(|level| text(2 + level, &format!("heading{level}"))).collect();
    all.extend([
        text(2, "text"),
        text(12, "bullet"),
        text(13, "ordered"),
        text(14, "code"),
        text(15, "quote"),
        text(17, "todo"),
    ]);
    all.extend([
        json!({"block_type": 18, "bitable": {"view_type": 1}}),
        json!({"block_type": 19, "callout": {"background_color": 2}}),
        json!({"block_type": 20, "chat_card": {"chat_id": chat}}),
        json!({"block_type": 22, "divider": {}}),
        json!({"block_type": 23, "file": {"token": ""}}),
        json!({"block_type": 24, "grid": {"column_size": 2}}),
        json!({"block_type": 26, "iframe": {"component": {"iframe_type": 99, "url": "https%3A%2F%2Fexample.com"}}}),
        json!({"block_type": 27, "image": {}}),
        json!({"block_type": 28, "isv": {"component_id": "1", "component_type_id": "2"}}),
        json!({"block_type": 30, "sheet": {"row_size": 2, "column_size": 2}}),
        table(2, 2),
        json!({"block_type": 34, "quote_container": {}}),
        json!({"block_type": 40, "add_ons": {"component_type_id": "blk_1", "record": "{}"}}),
        json!({"block_type": 42, "wiki_catalog": {"wiki_token": "w"}}),
        json!({"block_type": 43, "board": {"width": 100, "height": 100}}),
        json!({"block_type": 48, "link_preview": {"url": "https%3A%2F%2Fexample.com", "url_type": "MessageLink"}}),
    ]);
    let data = add(&world, &chat, &chat, &json!(all)).send().await.data();
    let children = data["children"].as_array().expect("blocks");
    assert_eq!(children.len(), all.len());
    for (sent, made) in all.iter().zip(children) {
        let expected = if sent["block_type"] == 23 { &json!(33) } else { &sent["block_type"] };
        assert_eq!(&made["block_type"], expected);
        assert_eq!(shown(&world, &id(made)).await, *made);
    }
    let of = |kind: i64| children.iter().find(|block| block["block_type"] == kind).expect("a block");
    let inside: Vec<String> = [19, 24, 31, 33, 34]
        .iter()
        .map(|kind| {
            of(*kind)["children"][0].as_str().unwrap_or_else(|| panic!("nothing in {kind}")).to_owned()
        })
        .collect();
    let kinds: Vec<Value> = {
        let mut kinds = Vec::new();
        for id in &inside {
            kinds.push(shown(&world, id).await["block_type"].clone());
        }
        kinds
    };
    assert_eq!(kinds, [json!(2), json!(25), json!(32), json!(23), json!(2)]);
    assert_eq!(of(48)["link_preview"], json!({"url_type": "MessageLink"}));
    assert_eq!(of(27)["image"], json!({"width": 100, "height": 100, "token": "", "align": 2}));
    // The order of the list is pre-order: each block is directly before what is in it.
    let all = blocks(&world).await;
    for block in &all {
        let place = all.iter().position(|other| other == block).expect("in it");
        if let Some(first) = block["children"].get(0) {
            assert_eq!(all[place + 1]["block_id"], *first);
        }
    }
    let user = world.user_token(0, json!({})).await;
    let okr = json!([{"block_type": 36, "okr": {"okr_id": "7", "objectives": [{"objective_id": "8", "kr_ids": ["9"]}]}}]);
    let made = add(&world, &chat, &chat, &okr).token(&user).send().await.data();
    assert_eq!(made["children"][0]["okr"], okr[0]["okr"]);
    refused(&add(&world, &chat, &chat, &okr).send().await, 1770029);
}

#[tokio::test]
async fn what_create_refuses() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let other = world.chat(json!({"members": [world.app_id]})).await;
    let elsewhere = add(&world, &other, &other, &json!([paragraph("x")])).send().await.data();
    let elsewhere = id(&elsewhere["children"][0]);
    let (leaf, gone) = (
        made_id(&world, &chat, json!({"block_type": 22, "divider": {}})).await,
        made_id(&world, &chat, paragraph("gone")).await,
    );
    delete(&world, &chat, &chat, 1, 2).send().await.data();
    let callout = made_id(&world, &chat, json!({"block_type": 19, "callout": {}})).await;
    let before = revision(&world).await;
    let text = |element: Value| json!([{"block_type": 2, "text": {"elements": [element]}}]);
    let sheets = json!(vec![json!({"block_type": 30, "sheet": {}}); 6]);
    let (hidden, _) = document(&world, json!({"owner": world.users[0].user_id})).await;
    let private = world.chat(json!({"members": [world.users[0].user_id]})).await;
    let doc = |token: &str| text(json!({"mention_doc": {"token": token, "obj_type": 22, "url": "u"}}));
    let card = |chat: &str| json!([{"block_type": 20, "chat_card": {"chat_id": chat}}]);
    for (parent, children, code) in [
        (chat.as_str(), json!([]), 99992402),
        (&chat, json!(vec![paragraph("x"); 51]), 99992402),
        (&chat, json!([{"block_type": 23, "file": {"view_type": 3}}]), 99992402),
        (&chat, json!([{"block_type": 24, "grid": {"column_size": 6}}]), 99992402),
        (&chat, json!([{"block_type": 48, "link_preview": {"url_type": "MessageLink"}}]), 99992402),
        ("unknown", json!([paragraph("x")]), 1770002),
        (&gone, json!([paragraph("x")]), 1770003),
        (&elsewhere, json!([paragraph("x")]), 1770015),
        (&leaf, json!([paragraph("x")]), 1770028),
        (&chat, json!([{"block_type": 16}]), 1770001),
        (&chat, json!([{"block_type": 25, "grid_column": {}}]), 1770029),
        (&callout, json!([{"block_type": 22, "divider": {}}]), 1770030),
        (&chat, json!([table(1, 101)]), 1770010),
        (&chat, json!([table(300, 9)]), 1770011),
        (&chat, text(json!({"undefined": {}})), 1770024),
        (&chat, text(json!({"mention_user": {"user_id": "ou_unknown"}})), 1770032),
        (&chat, doc("unknown"), 1770038),
        (&chat, doc(&hidden), 1770032),
        (&chat, card("oc_unknown"), 1770038),
        (&chat, card(&private), 1770032),
        (&chat, sheets, 1770035),
    ] {
        refused(&add(&world, &chat, parent, &children).send().await, code);
    }
    let at_index = |index: i64| {
        let body = json!({"children": [paragraph("x")], "index": index});
        at(&world, "POST", &chat, &format!("/blocks/{chat}/children")).body(body)
    };
    refused(&at_index(4).send().await, 1770001);
    refused(&at_index(-2).send().await, 99992402);
    let reply = add(&world, &chat, &chat, &json!([])).send().await;
    assert_eq!(reply.json()["error"]["field_violations"][0]["description"], "the min len is 1");
    let reply =
        add(&world, &chat, &chat, &json!([{"block_type": 23, "file": {"view_type": 3}}])).send().await;
    assert_eq!(reply.json()["error"]["field_violations"][0]["description"], "options: [1,2]");
    let body = json!({"children": [{"block_type": "2"}]});
    at(&world, "POST", &chat, &format!("/blocks/{chat}/children")).body(body).send().await.refused(9499);
    let long = add(&world, &chat, &chat, &json!([paragraph(&"x".repeat(100_001))])).send().await;
    assert_eq!(long.refused(1770033)["msg"], "raw content size exceed limited");
    // All or nothing.
    refused(&add(&world, &chat, &chat, &json!([paragraph("x"), {"block_type": 22}])).send().await, 1770001);
    assert_eq!(revision(&world).await, before);

    share(&world, &hidden, &world.app_id, "view").await;
    let made = add(&world, &chat, &chat, &doc(&hidden)).send().await.data();
    let mention = &made["children"][0]["text"]["elements"][0]["mention_doc"];
    assert_eq!((&mention["token"], &mention["obj_type"]), (&json!(hidden), &json!(22)));
}

#[tokio::test]
async fn users_who_cannot_be_mentioned() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let mention = json!([{"block_type": 2, "text": {"elements": [{"mention_user": {"user_id": world.users[2].open_id}}]}}]);
    add(&world, &chat, &chat, &mention).send().await.data();
    world.set_app(&world.app_id, json!({"visible_to": [world.users[0].user_id]})).await;
    refused(&add(&world, &chat, &chat, &mention).send().await, 1770032);
    world.set_app(&world.app_id, json!({"visible_to": null})).await;
    let path = format!("/users/{}", world.users[2].user_id);
    world.control("PATCH", &path).body(json!({"status": "resigned"})).send().await.data();
    refused(&add(&world, &chat, &chat, &mention).send().await, 1770032);
}

#[tokio::test]
async fn children_are_deleted() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let texts: Vec<Value> = ["a", "b", "c", "d"].map(paragraph).to_vec();
    add(&world, &chat, &chat, &json!(texts)).send().await.data();
    let table_id = made_id(&world, &chat, table(1, 1)).await;
    let cell = shown(&world, &table_id).await["children"][0].as_str().expect("an id").to_owned();
    let gone = blocks(&world).await[1].clone();
    let other = world.chat(json!({"members": [world.app_id]})).await;
    let elsewhere = add(&world, &other, &other, &json!([paragraph("x")])).send().await.data();
    for (parent, start, end, code) in [
        (chat.as_str(), 0, 0, 99992402),
        (&chat, -1, 1, 99992402),
        (&chat, 2, 2, 1770001),
        (&chat, 0, 6, 1770001),
        ("unknown", 0, 1, 1770002),
        (&id(&elsewhere["children"][0]), 0, 1, 1770015),
        (&table_id, 0, 1, 1770031),
        (&cell, 0, 1, 1770031),
    ] {
        refused(&delete(&world, &chat, parent, start, end).send().await, code);
    }
    let path = format!("/blocks/{chat}/children/batch_delete");
    refused(&at(&world, "DELETE", &chat, &path).body(json!({"start_index": 0})).send().await, 99992402);
    let data = delete(&world, &chat, &chat, 0, 2).send().await.data();
    assert_eq!((names(&data), &data["revision_id"]), (vec!["client_token", "revision_id"], &json!(4)));
    refused(&delete(&world, &chat, &id(&gone), 0, 1).send().await, 1770003);
    refused(&at(&world, "GET", &chat, &format!("/blocks/{}", id(&gone))).send().await, 1770002);
    refused(&at(&world, "GET", &chat, &format!("/blocks/{}/children", id(&gone))).send().await, 1770002);
    let left = blocks(&world).await;
    assert_eq!(left[1]["text"]["elements"][0]["text_run"]["content"], "c");
    delete(&world, &chat, &chat, 0, 3).send().await.data();
    assert_eq!(blocks(&world).await.len(), 1, "a table goes with its cells");
    made(&world, &chat, paragraph("again")).await;
}

#[tokio::test]
async fn pages() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let parent = made_id(&world, &chat, json!({"block_type": 34, "quote_container": {}})).await;
    let texts: Vec<Value> = (0..24).map(|number| paragraph(&number.to_string())).collect();
    add(&world, &chat, &parent, &json!(texts)).send().await.data();
    let children = format!("/blocks/{parent}/children");
    for (part, total) in [("/blocks", 27), (children.as_str(), 25)] {
        let whole =
            at(&world, "GET", &chat, part).send().await.data()["items"].as_array().expect("blocks").clone();
        assert_eq!(whole.len(), total);
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let call = at(&world, "GET", &chat, part).query("page_size", "7").query("page_token", &token);
            let page = call.send().await.data();
            seen.extend(page["items"].as_array().expect("blocks").clone());
            assert_eq!(page["has_more"], page.get("page_token").is_some());
            // What is written between two pages is not on the later ones.
            add(&world, &chat, &parent, &json!([paragraph("late")])).send().await.data();
            match page["page_token"].as_str() {
                Some(next) => next.clone_into(&mut token),
                None => break,
            }
        }
        assert_eq!(seen, whole);
        refused(&at(&world, "GET", &chat, part).query("page_token", "forged").send().await, 1770001);
        refused(&at(&world, "GET", &chat, part).query("page_size", "0").send().await, 99992402);
        refused(&at(&world, "GET", &chat, part).query("page_size", "501").send().await, 99992402);
        let present = shown(&world, &parent).await["children"].as_array().expect("ids").len();
        delete(&world, &chat, &parent, 25, i64::try_from(present).expect("few")).send().await.data();
    }
}
