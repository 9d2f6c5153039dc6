//! Creating, replacing, setting; what all changes share.

use serde_json::json;

use super::{Kit, card, create, creating, done};

#[tokio::test]
async fn an_entity_is_made_of_a_card_or_a_template() {
    let kit = Kit::new().await;
    assert!(
        kit.card_id.len() == 19 && kit.card_id.bytes().all(|digit| digit.is_ascii_digit()),
        "{}",
        kit.card_id
    );
    assert_eq!(kit.content().await, card());
    let data =
        json!({"template_id": "AAqCx1", "template_version_name": "1.0.0", "template_variable": {"a": "b"}});
    let body = json!({"type": "template", "data": data.to_string()});
    let made = kit.world.call("POST", "/cardkit/v1/cards").body(body).send().await.data();
    let card_id = made["card_id"].as_str().expect("a card_id").to_owned();
    let kit = Kit { card_id, ..kit };
    assert_eq!(kit.content().await, json!({"type": "template", "data": data}));
}

#[tokio::test]
async fn what_no_entity_can_be_made_of() {
    let world = larkspur_testkit::Lab::start().await.world().await;
    let with = |part: &str, value: serde_json::Value| {
        let mut card = card();
        card[part] = value;
        card.to_string()
    };
    let hr = json!({"tag": "hr"});
    let twice = json!({"tag": "hr", "element_id": "a"});
    for (data, code) in [
        ("{".to_owned(), 200220),
        ("[1]".to_owned(), 200220),
        (with("body", json!({"elements": [{}]})), 200220),
        ("{}".to_owned(), 300307),
        (with("schema", json!("1.0")), 300303),
        (with("config", json!({"update_multi": false})), 300302),
        (with("body", json!({"elements": vec![hr; 201]})), 300305),
        (with("body", json!({"elements": [twice, twice]})), 300301),
        (with("body", json!({"elements": [{"tag": "hr", "element_id": "1"}]})), 10002),
        (with("x", json!("a".repeat(1_000_000))), 200860),
    ] {
        creating(&world, &data).send().await.refused(code);
    }
    let call = |body| world.call("POST", "/cardkit/v1/cards").body(body).send();
    call(json!({"type": "card", "data": "{}"})).await.refused(10002);
    call(json!({"type": "template", "data": r#"{"template_id":"x"}"#})).await.refused(200220);
    let missing = call(json!({"type": "", "data": ""})).await;
    missing.refused(99992402);
    assert_eq!(missing.violated(), ["data", "type"]);
}

#[tokio::test]
async fn a_replaced_card_is_a_new_one() {
    let kit = Kit::new().await;
    let new = json!({"schema": "2.0", "body": {"elements": [{"tag": "hr"}]}});
    done(&kit.update(&new, 1).send().await);
    assert_eq!(kit.content().await, new);
    kit.stream("a", "x", 2).send().await.refused(300309);
    for (card, code) in [
        (json!({"schema": "1.0", "elements": []}), 300303),
        (json!({"schema": "2.0", "config": {"update_multi": false}}), 300302),
        (json!({"schema": "2.0", "body": {"elements": vec![json!({"tag": "hr"}); 201]}}), 300305),
        (
            json!({"schema": "2.0", "body": {"elements": [{"tag": "hr", "element_id": "a"}, {"tag": "hr", "element_id": "a"}]}}),
            300301,
        ),
        (json!({}), 300307),
        (json!({"schema": "2.0", "x": "字".repeat(340_000)}), 200860),
        (json!({"schema": "2.0", "body": {"elements": 1}}), 200220),
    ] {
        kit.update(&card, 2).send().await.refused(code);
    }
    let body = json!({"card": {"type": "template", "data": "{}"}, "sequence": 2});
    kit.call("PUT", "", body).send().await.refused(10002);
    assert_eq!(kit.content().await, new, "refused calls change nothing");
}

#[tokio::test]
async fn settings_are_merged() {
    let kit = Kit::new().await;
    let set = json!({"config": {"summary": {"content": "s"}}, "card_link": {"url": "https://a.example"}});
    done(&kit.settings(&set, 1).send().await);
    let mut expected = card();
    expected["config"] = json!({"streaming_mode": true, "summary": {"content": "s"}});
    expected["card_link"] = json!({"url": "https://a.example"});
    assert_eq!(kit.content().await, expected);
    for (settings, code) in [
        (json!({}), 300307),
        (json!([1]), 300122),
        (json!({"config": 1}), 300122),
        (json!({"card_link": "x"}), 300122),
        (json!({"config": {"update_multi": false}}), 300302),
    ] {
        kit.settings(&settings, 2).send().await.refused(code);
    }
    let body = json!({"settings": "{", "sequence": 2});
    kit.call("PATCH", "/settings", body).send().await.refused(200220);
}

#[tokio::test]
async fn one_sequence_for_all_operations() {
    let kit = Kit::new().await;
    let mut sequence = 10;
    for _ in 0..8 {
        let index = usize::try_from(sequence / 10 - 1).expect("small");
        done(&kit.changes(sequence)[index].clone().send().await);
        for stale in [sequence, sequence - 1] {
            for call in kit.changes(stale) {
                let refused = call.send().await.refused(300317);
                assert_eq!(refused["msg"], "ErrMsg: sequence number compare failed; ");
            }
        }
        sequence += 10;
    }
    for wrong in [json!(0), json!(null)] {
        let body = json!({"settings": "{}", "sequence": wrong});
        kit.call("PATCH", "/settings", body).send().await.refused(99992402);
    }
}

#[tokio::test]
async fn a_repeated_uuid_changes_nothing() {
    let kit = Kit::new().await;
    let add = |uuid: &str, sequence: i64| {
        let body =
            json!({"type": "append", "elements": r#"[{"tag":"hr"}]"#, "uuid": uuid, "sequence": sequence});
        kit.call("POST", "/elements", body)
    };
    done(&add("u1", 1).send().await);
    let once = kit.content().await;
    done(&add("u1", 1).send().await);
    assert_eq!(kit.content().await, once, "the same call again has no effect");
    add("u1", 2).send().await.refused(200770);
    for (call, path, body) in [
        ("PATCH", "/settings", json!({"settings": "{}"})),
        ("POST", "/batch_update", json!({"actions": "[]"})),
        ("PUT", "/elements/a", json!({"element": "{}"})),
        ("PATCH", "/elements/a", json!({"partial_element": "{}"})),
        ("DELETE", "/elements/a", json!({})),
        ("PUT", "/elements/a/content", json!({"content": "x"})),
        ("PUT", "", json!({"card": {"type": "card_json", "data": "{}"}})),
    ] {
        let mut body = body;
        body["uuid"] = json!("u1");
        body["sequence"] = json!(3);
        kit.call(call, path, body).send().await.refused(200770);
    }
    add("u2", 1).send().await.refused(300317);
    done(&add("u2", 3).send().await);
    // After an hour, the uuid is forgotten.
    kit.world.advance(3601).await;
    kit.settings(&json!({"config": {"streaming_mode": true}}), 4).send().await.data();
    done(&add("u1", 5).send().await);
    // Another card has uuids of its own.
    let other = Kit { card_id: create(&kit.world, &card()).await, world: kit.world.clone() };
    let body = json!({"settings": r#"{"config":{}}"#, "uuid": "u1", "sequence": 1});
    done(&other.call("PATCH", "/settings", body).send().await);
}
