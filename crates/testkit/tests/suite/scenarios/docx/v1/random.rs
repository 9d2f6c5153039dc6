//! Random edits of an announcement: the tree stays whole, and each edit that succeeds is one revision.

use std::collections::HashMap;

use larkspur_testkit::{Random, Reply, World};
use serde_json::{Value, json};

use super::{add, blocks, delete, id, new_text, paragraph, revision, table, update};
use crate::scenarios::world;

/// Edits of one announcement.
const STEPS: usize = 120;
/// Kinds of blocks that have children, those that have none, and those that bring their own.
fn drawn(random: &mut Random) -> Value {
    match random.below(8) {
        0 => json!({"block_type": 34, "quote_container": {}}),
        1 => json!({"block_type": 19, "callout": {}}),
        2 => table(1 + i64::try_from(random.below(2)).expect("small"), 2),
        3 => json!({"block_type": 24, "grid": {"column_size": 2}}),
        4 => json!({"block_type": 22, "divider": {}}),
        5 => json!({"block_type": 12, "bullet": {"elements": [{"text_run": {"content": "item"}}]}}),
        _ => paragraph("text"),
    }
}

/// A number below the length of a list that is not empty.
fn index(random: &mut Random, length: usize) -> usize {
    usize::try_from(random.below(length as u64)).expect("small")
}

async fn edit(world: &World, random: &mut Random, known: &[Value]) -> Reply {
    let block = &known[index(random, known.len())];
    let (chat, of) = (world.chat_id.as_str(), id(block));
    let count = block["children"].as_array().map_or(0, Vec::len);
    match random.below(10) {
        0..4 => {
            let children: Vec<Value> = (0..=random.below(3)).map(|_| drawn(random)).collect();
            let at = index(random, count + 2);
            let call = add(world, chat, &of, &json!(children));
            let body = json!({"children": children, "index": at});
            call.body(body).send().await
        }
        4..6 => {
            let start = i64::try_from(index(random, count + 1)).expect("small");
            let end = start + 1 + i64::try_from(random.below(3)).expect("small");
            delete(world, chat, &of, start, end).send().await
        }
        6 => {
            let at = i64::try_from(random.below(4)).expect("small") - 1;
            let (kind, edit) = match random.below(4) {
                0 => ("insert_table_row", json!({"row_index": at})),
                1 => ("insert_table_column", json!({"column_index": at})),
                2 => (
                    "delete_table_rows",
                    json!({"row_start_index": at.max(0), "row_end_index": at.max(0) + 1}),
                ),
                _ => ("insert_grid_column", json!({"column_index": at})),
            };
            update(world, chat, &json!([{"block_id": of, kind: edit}])).send().await
        }
        _ => update(world, chat, &json!([new_text(&of, "new")])).send().await,
    }
}

/// Checks that the list is a tree in pre-order, and returns the number of blocks.
#[track_caller]
fn is_whole(world: &World, all: &[Value]) {
    let by_id: HashMap<String, &Value> = all.iter().map(|block| (id(block), block)).collect();
    assert_eq!(by_id.len(), all.len(), "a block is listed twice");
    assert_eq!((id(&all[0]), &all[0]["parent_id"]), (world.chat_id.clone(), &json!("")));
    let mut order = Vec::new();
    let mut left = vec![world.chat_id.clone()];
    while let Some(next) = left.pop() {
        let block = by_id.get(&next).unwrap_or_else(|| panic!("{next} is a child, and not listed"));
        order.push(next.clone());
        let children = block["children"].as_array().cloned().unwrap_or_default();
        assert!(block.get("children").is_none() || !children.is_empty(), "an empty list: {block}");
        for child in children.iter().rev() {
            let child = child.as_str().expect("an id").to_owned();
            assert_eq!(by_id.get(&child).map(|child| &child["parent_id"]), Some(&json!(next)), "{child}");
            left.push(child);
        }
    }
    let listed: Vec<String> = all.iter().map(id).collect();
    assert_eq!(order, listed, "each block once, below its parent, in order");
}

#[tokio::test]
async fn the_tree_stays_whole() {
    let world = world().await;
    let mut random = Random::seeded("the_tree_stays_whole");
    let (mut at, mut done) = (revision(&world).await, 0);
    let mut known = blocks(&world).await;
    for step in 0..STEPS {
        let reply = edit(&world, &mut random, &known).await;
        let json = reply.json();
        let all = blocks(&world).await;
        if json["code"] == 0 {
            (at, done) = (at + 1, done + 1);
            assert_eq!(json["data"]["revision_id"], at, "step {step}: {json}");
        } else {
            assert!(reply.status() < 500, "step {step}: {json}");
            assert_eq!(all, known, "step {step} was refused: {json}");
        }
        assert_eq!(revision(&world).await, at, "step {step}: {json}");
        is_whole(&world, &all);
        known = all;
    }
    assert!(done > STEPS / 5, "{done} edits");
    for old in [1, at / 2, at] {
        let call = super::list(&world, &world.chat_id).query("revision_id", &old.to_string());
        let all = call.query("page_size", "500").send().await.data();
        is_whole(&world, all["items"].as_array().expect("blocks"));
    }
}
