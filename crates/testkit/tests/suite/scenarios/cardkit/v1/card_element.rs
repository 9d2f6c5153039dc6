//! Elements: adding, replacing, changing, deleting, and streaming text.

use serde_json::{Value, json};

use super::{Kit, card, done};

/// The ids of the elements of an entity, in their order.
fn ids(content: &Value) -> Vec<&str> {
    let elements = content["body"]["elements"].as_array().expect("elements");
    elements.iter().map(|element| element["element_id"].as_str().unwrap_or("-")).collect()
}

#[tokio::test]
async fn text_is_streamed_in_order() {
    let kit = Kit::new().await;
    done(&kit.stream("a", "Hel", 1).send().await);
    done(&kit.stream("a", "Hello", 2).send().await);
    assert_eq!(kit.content().await["body"]["elements"][0]["content"], "Hello");
    kit.stream("a", "Hello!", 2).send().await.refused(300317);
    kit.stream("b", "x", 3).send().await.refused(300310);
    kit.stream("c", "x", 3).send().await.refused(300313);
    kit.stream("1", "x", 3).send().await.refused(10002);
    kit.stream("a", "", 3).send().await.refused(99992402);
    done(&kit.settings(&json!({"config": {"streaming_mode": false}}), 3).send().await);
    let closed = kit.stream("a", "x", 4).send().await.refused(300309);
    assert_eq!(closed["msg"], "ErrMsg: streaming mode is closed; ");
    assert_eq!(kit.content().await["body"]["elements"][0]["content"], "Hello");
}

#[tokio::test]
async fn streaming_ends_after_ten_minutes() {
    let kit = Kit::new().await;
    kit.world.advance(599).await;
    done(&kit.stream("a", "x", 1).send().await);
    kit.world.advance(1).await;
    kit.stream("a", "y", 2).send().await.refused(200850);
    kit.add("append", "", &json!([{"tag": "hr"}]), 2).send().await.refused(200510);
    // Switching it on again gives another ten minutes.
    done(&kit.settings(&json!({"config": {"streaming_mode": true}}), 2).send().await);
    done(&kit.stream("a", "y", 3).send().await);
    kit.world.advance(600).await;
    done(&kit.settings(&json!({"config": {"streaming_mode": false}}), 4).send().await);
    done(&kit.add("append", "", &json!([{"tag": "hr"}]), 5).send().await);
}

#[tokio::test]
async fn elements_are_put_beside_others() {
    let kit = Kit::new().await;
    let element = |id: &str| json!([{"tag": "hr", "element_id": id}]);
    done(&kit.add("insert_before", "a", &element("c"), 1).send().await);
    done(&kit.add("insert_after", "a", &element("d"), 2).send().await);
    done(&kit.add("append", "", &element("e"), 3).send().await);
    assert_eq!(ids(&kit.content().await), ["c", "a", "d", "b", "e"]);
    let panel = json!([{"tag": "collapsible_panel", "element_id": "p", "elements": []}]);
    done(&kit.add("append", "", &panel, 4).send().await);
    done(&kit.add("append", "p", &element("f"), 5).send().await);
    assert_eq!(kit.content().await["body"]["elements"][5]["elements"], element("f"));
    for (kind, target, elements, code) in [
        ("before", "a", element("x"), 10002),
        ("insert_before", "", element("x"), 300315),
        ("append", "a", element("x"), 300315),
        ("append", "", element("a"), 300301),
        ("append", "", json!([]), 300307),
        ("append", "", json!([{}]), 200220),
        ("append", "", json!({"tag": "hr"}), 200220),
        ("append", "", json!(vec![json!({"tag": "hr"}); 200]), 300305),
        ("append", "", json!([{"tag": "markdown", "content": "字".repeat(333_300)}]), 200860),
    ] {
        kit.add(kind, target, &elements, 6).send().await.refused(code);
    }
}

#[tokio::test]
async fn elements_are_replaced_changed_and_deleted() {
    let kit = Kit::new().await;
    done(&kit.replace("b", &json!({"tag": "markdown", "content": "two"}), 1).send().await);
    done(&kit.patch("a", &json!({"text_align": "center"}), 2).send().await);
    let elements = json!([
        {"tag": "markdown", "element_id": "a", "content": "one", "text_align": "center"},
        {"tag": "markdown", "element_id": "b", "content": "two"},
    ]);
    assert_eq!(kit.content().await["body"]["elements"], elements);
    let hr = json!({"tag": "hr"});
    let many = json!({"tag": "form", "elements": vec![hr.clone(); 200]});
    let large = "字".repeat(333_300);
    for (element, code) in [
        (json!({}), 300307),
        (json!({"content": "x"}), 300121),
        (json!({"tag": "hr", "element_id": "a"}), 300301),
        (json!({"tag": "form", "elements": 1}), 200220),
        (many.clone(), 300305),
        (json!({"tag": "markdown", "content": large}), 200860),
    ] {
        kit.replace("b", &element, 3).send().await.refused(code);
    }
    kit.replace("c", &hr, 3).send().await.refused(300121);
    for (properties, code) in [
        (json!({}), 300307),
        (hr.clone(), 300312),
        (json!([1]), 300313),
        (json!({"element_id": "a"}), 300301),
        (json!({"elements": many["elements"]}), 300313),
        (json!({"elements": 1}), 200220),
        (json!({"content": large}), 200860),
    ] {
        kit.patch("b", &properties, 3).send().await.refused(code);
    }
    kit.patch("c", &json!({"x": 1}), 3).send().await.refused(300313);
    kit.delete("c", 3).send().await.refused(300314);
    for path in ["/elements/1", "/elements/a-b"] {
        for (method, body) in [
            ("PUT", json!({"element": "{}", "sequence": 3})),
            ("PATCH", json!({"partial_element": "{}", "sequence": 3})),
            ("DELETE", json!({"sequence": 3})),
        ] {
            kit.call(method, path, body).send().await.refused(10002);
        }
    }
    done(&kit.delete("a", 3).send().await);
    assert_eq!(kit.content().await["body"]["elements"], json!([elements[1]]));
}

#[tokio::test]
async fn a_batch_is_applied_whole() {
    let kit = Kit::new().await;
    let act = |action: &str, params: Value| json!({"action": action, "params": params});
    let actions = json!([
        act(
            "add_elements",
            json!({"type": "append", "elements": [{"tag": "markdown", "element_id": "n", "content": ""}]})
        ),
        act("partial_update_element", json!({"element_id": "n", "partial_element": {"content": "new"}})),
        act("update_element", json!({"element_id": "b", "element": {"tag": "markdown", "content": "b"}})),
        act("delete_elements", json!({"element_ids": ["a"]})),
        act("partial_update_setting", json!({"settings": {"config": {"streaming_mode": false}}})),
    ]);
    done(&kit.batch(&actions, 1).send().await);
    let expected = json!({"schema": "2.0", "config": {"streaming_mode": false}, "body": {"elements": [
        {"tag": "markdown", "element_id": "b", "content": "b"},
        {"tag": "markdown", "element_id": "n", "content": "new"},
    ]}});
    assert_eq!(kit.content().await, expected);
    let add = |elements: Value| act("add_elements", json!({"type": "append", "elements": elements}));
    let hr = json!({"tag": "hr"});
    for (bad, code) in [
        (act("x", json!({})), 10002),
        (act("delete_elements", json!({"element_ids": ["x"]})), 300314),
        (act("update_element", json!({"element_id": "x", "element": hr})), 300121),
        (act("partial_update_element", json!({"element_id": "x", "partial_element": {}})), 300313),
        (act("partial_update_element", json!({"element_id": "b", "partial_element": hr})), 300312),
        (act("partial_update_setting", json!({"settings": {"config": 1}})), 300122),
        (act("partial_update_setting", json!({"settings": {"config": {"update_multi": false}}})), 300302),
        (act("add_elements", json!({"type": "append", "target_element_id": "b", "elements": [hr]})), 300315),
        (add(json!([{"tag": "hr", "element_id": "b"}])), 300301),
        (add(json!(vec![hr.clone(); 200])), 300305),
        (add(json!([{}])), 200220),
        (add(json!([{"tag": "markdown", "content": "字".repeat(333_300)}])), 200860),
    ] {
        let first = act("delete_elements", json!({"element_ids": ["n"]}));
        kit.batch(&json!([first, bad]), 2).send().await.refused(code);
    }
    kit.batch(&json!([]), 2).send().await.refused(300307);
    kit.batch(&json!({"a": 1}), 2).send().await.refused(10002);
    assert_eq!(kit.content().await, expected);
}

#[tokio::test]
async fn a_full_card_takes_no_more_text() {
    let kit = Kit::new().await;
    let mut full = card();
    full["x"] = json!("a".repeat(180_000));
    done(&kit.update(&full, 1).send().await);
    kit.stream("a", &"a".repeat(50_000), 2).send().await.refused(200860);
    kit.settings(&json!({"config": {"y": "a".repeat(50_000)}}), 2).send().await.refused(200860);
}
