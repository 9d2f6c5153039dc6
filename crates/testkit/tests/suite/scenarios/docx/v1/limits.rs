//! Limits of whole announcements.

use serde_json::{Value, json};

use super::{add, id, made, made_id, paragraph, refused, table, update};
use crate::scenarios::world;

#[tokio::test]
async fn fifty_levels() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let bullet = json!({"block_type": 12, "bullet": {"elements": []}});
    let mut parent = chat.clone();
    for _ in 0..50 {
        parent = made_id(&world, &parent, bullet.clone()).await;
    }
    refused(&add(&world, &chat, &parent, &json!([bullet])).send().await, 1770005);
}

#[tokio::test]
async fn five_thousand_children() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let many = json!(vec![paragraph("x"); 50]);
    for _ in 0..100 {
        add(&world, &chat, &chat, &many).send().await.data();
    }
    refused(&add(&world, &chat, &chat, &json!([paragraph("x")])).send().await, 1770007);
    made(&world, super::blocks(&world).await[1]["block_id"].as_str().expect("an id"), paragraph("y")).await;
}

/// Each of the tables has 81 cells with a paragraph: 163 blocks.
#[tokio::test]
async fn twenty_thousand_blocks() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let tables = |count: usize| json!(vec![table(9, 9); count]);
    let first = add(&world, &chat, &chat, &tables(50)).send().await.data();
    let grow = |count: usize| -> Value {
        let all = first["children"].as_array().expect("tables");
        let edit = |block: &Value| json!({"block_id": id(block), "insert_table_row": {"row_index": -1}});
        json!(all.iter().take(count).map(edit).collect::<Vec<_>>())
    };
    refused(&update(&world, &chat, &grow(50)).send().await, 1770034);
    add(&world, &chat, &chat, &tables(50)).send().await.data();
    refused(&add(&world, &chat, &chat, &tables(50)).send().await, 1770004);
    // 16301 blocks, and 22 tables more.
    add(&world, &chat, &chat, &tables(22)).send().await.data();
    refused(&update(&world, &chat, &grow(10)).send().await, 1770004);
    update(&world, &chat, &grow(5)).send().await.data();
}

#[tokio::test]
async fn tables_grow_to_a_limit() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let wide = made_id(&world, &chat, table(1, 9)).await;
    let edit = |kind: &str, name: &str| update(&world, &chat, &json!([{"block_id": wide, kind: {name: -1}}]));
    for _ in 9..100 {
        edit("insert_table_column", "column_index").send().await.data();
    }
    refused(&edit("insert_table_column", "column_index").send().await, 1770010);
    for _ in 1..20 {
        edit("insert_table_row", "row_index").send().await.data();
    }
    refused(&edit("insert_table_row", "row_index").send().await, 1770011);
}
