//! `…/blocks/batch_update`

use serde_json::{Value, json};

use super::{
    add, at, delete, id, made, made_id, new_text, paragraph, refused, revision, shown, table, update,
};
use crate::scenarios::{document, names, text, upload, world};

#[tokio::test]
async fn two_edits_at_once() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let (table_id, text_id) =
        (made_id(&world, &chat, table(2, 2)).await, made_id(&world, &chat, paragraph("a")).await);
    let (token, url) = document(&world, json!({"owner": world.app_id, "title": "Plan"})).await;
    let data = update(
        &world,
        &chat,
        &json!([
            {"block_id": table_id, "merge_table_cells": {"row_start_index": 0, "row_end_index": 1, "column_start_index": 0, "column_end_index": 2}},
            {"block_id": text_id, "update_text_elements": {"elements": [
                {"text_run": {"content": "see "}}, {"mention_doc": {"token": token, "obj_type": 22, "url": url}}]}},
        ]),
    );
    let data = data.send().await.data();
    assert_eq!(names(&data), ["blocks", "client_token", "revision_id"]);
    assert_eq!((&data["revision_id"], data["blocks"].as_array().map(Vec::len)), (&json!(4), Some(2)));
    let property = &data["blocks"][0]["table"]["property"];
    let span = json!({"row_span": 1, "col_span": 1});
    assert_eq!(property["merge_info"], json!([{"row_span": 1, "col_span": 2}, span, span, span]));
    assert_eq!(data["blocks"][0]["table"]["cells"].as_array().map(Vec::len), Some(4));
    let mention = &data["blocks"][1]["text"]["elements"][1]["mention_doc"];
    assert_eq!((&mention["title"], &mention["token"]), (&json!("Plan"), &json!(token)));
    assert!(mention["url"].as_str().expect("a url").starts_with("https%3A%2F%2F"), "{mention}");
    assert_eq!(shown(&world, &text_id).await, data["blocks"][1]);
}

#[tokio::test]
async fn tables_grids_and_styles() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let edit = async |block: &str, kind: &str, edit: Value| {
        let data = update(&world, &chat, &json!([{"block_id": block, kind: edit}])).send().await.data();
        data["blocks"][0].clone()
    };
    let id = made_id(&world, &chat, table(2, 2)).await;
    let block = edit(&id, "insert_table_row", json!({"row_index": 1})).await;
    assert_eq!(
        (&block["table"]["property"]["row_size"], block["children"].as_array().map(Vec::len)),
        (&json!(3), Some(6))
    );
    let block = edit(&id, "insert_table_column", json!({"column_index": -1})).await;
    assert_eq!(block["table"]["property"]["column_width"], json!([100, 100, 100]));
    let cell = shown(&world, block["children"][2].as_str().expect("an id")).await;
    assert_eq!(shown(&world, cell["children"][0].as_str().expect("an id")).await["block_type"], 2);
    let block = edit(
        &id,
        "update_table_property",
        json!({"column_width": 60, "column_index": 1, "header_row": true}),
    )
    .await;
    let property = &block["table"]["property"];
    assert_eq!(
        (&property["column_width"], &property["header_row"], property.get("header_column")),
        (&json!([100, 60, 100]), &json!(true), None)
    );
    let area =
        json!({"row_start_index": 0, "row_end_index": 2, "column_start_index": 0, "column_end_index": 2});
    let block = edit(&id, "merge_table_cells", area).await;
    assert_eq!(block["table"]["property"]["merge_info"][0], json!({"row_span": 2, "col_span": 2}));
    let block = edit(&id, "unmerge_table_cells", json!({"row_index": 0, "column_index": 0})).await;
    assert_eq!(block["table"]["property"]["merge_info"][0], json!({"row_span": 1, "col_span": 1}));
    edit(&id, "delete_table_rows", json!({"row_start_index": 1, "row_end_index": 3})).await;
    let block =
        edit(&id, "delete_table_columns", json!({"column_start_index": 0, "column_end_index": 2})).await;
    assert_eq!(block["children"].as_array().map(Vec::len), Some(1));

    let grid = made_id(&world, &chat, json!({"block_type": 24, "grid": {"column_size": 2}})).await;
    let block = edit(&grid, "insert_grid_column", json!({"column_index": 1})).await;
    assert_eq!(
        (&block["grid"], block["children"].as_array().map(Vec::len)),
        (&json!({"column_size": 3}), Some(3))
    );
    edit(&grid, "update_grid_column_width_ratio", json!({"width_ratios": [20, 30, 50]})).await;
    assert_eq!(
        shown(&world, block["children"][2].as_str().expect("an id")).await["grid_column"],
        json!({"width_ratio": 50})
    );
    edit(&grid, "delete_grid_column", json!({"column_index": 0})).await;

    let todo = made_id(&world, &chat, json!({"block_type": 17, "todo": {"elements": []}})).await;
    let block =
        edit(&todo, "update_text_style", json!({"style": {"done": true, "align": 2}, "fields": [2]})).await;
    assert_eq!(block["todo"]["style"], json!({"align": 1, "folded": false, "done": true}));
    let both = json!({"elements": [{"text_run": {"content": "b"}}], "style": {"align": 3}, "fields": [1, 2]});
    let block = edit(&todo, "update_text", both).await;
    assert_eq!(block["todo"]["style"], json!({"align": 3, "folded": false, "done": false}));
}

#[tokio::test]
async fn pictures_and_files() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let key = upload(&world, &world.token, "message").await;
    let image = made_id(&world, &chat, json!({"block_type": 27, "image": {}})).await;
    let view = made(&world, &chat, json!({"block_type": 23, "file": {"token": ""}})).await;
    let file = text(&json!({"id": view["children"][0]}), "id");
    let data = update(
        &world,
        &chat,
        &json!([
            {"block_id": image, "replace_image": {"token": key, "width": 40, "caption": {"content": "c"}}},
            {"block_id": file, "replace_file": {"token": key}},
        ]),
    );
    let data = data.send().await.data();
    let shown = &data["blocks"][0]["image"];
    assert_eq!(
        (&shown["token"], &shown["width"], &shown["caption"]),
        (&json!(key), &json!(40), &json!({"content": "c"}))
    );
    assert_eq!(data["blocks"][1]["file"]["token"], json!(key));
    for token in ["unknown", ""] {
        let edit = json!([{"block_id": image, "replace_image": {"token": token}}]);
        refused(&update(&world, &chat, &edit).send().await, 1770013);
    }
}

#[tokio::test]
async fn what_batch_update_refuses() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let other = world.chat(json!({"members": [world.app_id]})).await;
    let elsewhere = add(&world, &other, &other, &json!([paragraph("x")])).send().await.data();
    let elsewhere = id(&elsewhere["children"][0]);
    let gone = made_id(&world, &chat, paragraph("gone")).await;
    delete(&world, &chat, &chat, 0, 1).send().await.data();
    let made = add(
        &world,
        &chat,
        &chat,
        &json!([paragraph("a"), table(2, 2), {"block_type": 24, "grid": {"column_size": 2}}]),
    )
    .send()
    .await
    .data();
    let [text, table_id, grid] = [0, 1, 2].map(|at| id(&made["children"][at]));
    let before = revision(&world).await;
    let good = new_text(&text, "b");
    let elements = |element: Value, count: usize| json!({"elements": vec![element; count]});
    let reminder = json!({"reminder": {"create_user_id": world.users[0].open_id, "expire_time": "1", "notify_time": "1"}});
    let (hidden, _) = document(&world, json!({"owner": world.users[0].user_id})).await;
    let doc = |token: &str| json!({"mention_doc": {"token": token, "obj_type": 22, "url": "u"}});
    let on = |block: &str, kind: &str, edit: Value| json!([{"block_id": block, kind: edit}]);
    let lines = |what: &str, start: i64, end: i64| json!({format!("{what}_start_index"): start, format!("{what}_end_index"): end});
    for (requests, code) in [
        (json!([]), 99992402),
        (json!(vec![good.clone(); 201]), 99992402),
        (on(&text, "update_text_elements", json!({"elements": []})), 99992402),
        (on(&table_id, "delete_table_rows", json!({"row_start_index": 0})), 99992402),
        (on(&grid, "update_grid_column_width_ratio", json!({"width_ratios": [0, 100]})), 99992402),
        (json!([good, good]), 1770001),
        (json!([{"block_id": text}]), 1770001),
        (json!([good, new_text("unknown", "x")]), 1770002),
        (json!([good, new_text(&gone, "x")]), 1770003),
        (json!([good, new_text(&elsewhere, "x")]), 1770015),
        (on(&text, "update_text_elements", elements(json!({"undefined": {}}), 1)), 1770024),
        (on(&table_id, "delete_table_rows", lines("row", 0, 2)), 1770024),
        (on(&grid, "delete_grid_column", json!({"column_index": 0})), 1770024),
        (on(&text, "insert_table_row", json!({"row_index": 0})), 1770025),
        (on(&table_id, "insert_table_row", json!({"row_index": 3})), 1770026),
        (on(&table_id, "insert_table_column", json!({"column_index": 3})), 1770027),
        (
            on(
                &text,
                "update_text_elements",
                elements(json!({"mention_user": {"user_id": "ou_unknown"}}), 1),
            ),
            1770032,
        ),
        (on(&text, "update_text_elements", elements(doc(&hidden), 1)), 1770032),
        (on(&text, "update_text_elements", elements(doc("unknown"), 1)), 1770038),
        (on(&text, "update_text_elements", elements(reminder, 31)), 1770035),
    ] {
        refused(&update(&world, &chat, &requests).send().await, code);
    }
    let long = json!([new_text(&text, &"x".repeat(100_001))]);
    assert_eq!(
        update(&world, &chat, &long).send().await.refused(1770033)["msg"],
        "content size exceed limit"
    );
    assert_eq!(revision(&world).await, before, "all or nothing");
    assert_eq!(shown(&world, &text).await["text"]["elements"][0]["text_run"]["content"], "a");
    refused(&at(&world, "GET", &chat, "/blocks/unknown").send().await, 1770002);
    for _ in 2..10 {
        update(&world, &chat, &on(&grid, "insert_grid_column", json!({"column_index": -1})))
            .send()
            .await
            .data();
    }
    let more = on(&grid, "insert_grid_column", json!({"column_index": -1}));
    refused(&update(&world, &chat, &more).send().await, 1770012);
}
