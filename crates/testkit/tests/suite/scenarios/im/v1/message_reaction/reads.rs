//! Lists of reactions.

use serde_json::{Value, json};

use super::{batch, list, react, reacted, recall, said, shown};
use crate::scenarios::{isv_app, refused_as, text, world};

#[tokio::test]
async fn pages_of_all_reactions_and_of_one_emoji() {
    let world = world().await;
    let id = said(&world, "x").await;
    let emoji = ["SMILE", "OK", "DONE", "Get", "SOB"];
    for one in emoji {
        reacted(&world, &world.token, &id, one).await;
    }
    let user = world.user_token(1, json!({})).await;
    reacted(&world, &user, &id, "OK").await;
    let page = |size: &str| list(&world, &id).query("page_size", size);
    let (mut seen, mut token) = (Vec::new(), String::new());
    for (more, length) in [(true, 2), (true, 2), (false, 2)] {
        let data = page("2").query("page_token", &token).send().await.data();
        assert_eq!((data["has_more"].as_bool(), shown(&data).len()), (Some(more), length));
        seen.extend(shown(&data).into_iter().map(|(emoji, _)| emoji));
        assert_eq!(data.get("page_token").is_some(), more);
        token = data["page_token"].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!(seen, ["SMILE", "OK", "DONE", "Get", "SOB", "OK"]);
    let of_ok = |request: larkspur_testkit::Request| request.query("reaction_type", "OK");
    let first = of_ok(page("1")).query("user_id_type", "union_id").send().await.data();
    assert_eq!(shown(&first), [("OK".to_owned(), world.app_id.clone())]);
    let token = text(&first, "page_token");
    let second = of_ok(page("1")).query("page_token", &token).query("user_id_type", "union_id").send().await;
    assert_eq!(shown(&second.data()), [("OK".to_owned(), world.users[1].union_id.clone())]);
    assert_eq!(second.data()["has_more"], false);
    let by_user_id = of_ok(page("50")).query("user_id_type", "user_id").send().await.data();
    assert_eq!(shown(&by_user_id)[1].1, world.users[1].user_id);
    assert_eq!(shown(&page("50").query("reaction_type", "").send().await.data()).len(), 6);
    let why = "The request has an invalid pageToken.";
    let other = said(&world, "y").await;
    for wrong in [page("1").query("page_token", &token), page("1").query("page_token", "x")] {
        refused_as(&wrong.send().await, 231012, why);
    }
    refused_as(&of_ok(list(&world, &other)).query("page_token", &token).send().await, 231012, why);
    let reply = page("1").query("reaction_type", "ok").send().await;
    refused_as(&reply, 231001, "reaction type is invalid.");
    assert_eq!(reply.violated(), ["reaction_type"]);
    for (name, value) in [("page_size", "0"), ("page_size", "51"), ("user_id_type", "chat_id")] {
        list(&world, &id).query(name, value).send().await.refused(99992402);
    }
}

#[tokio::test]
async fn an_app_of_the_shop_sees_no_user_ids() {
    let world = world().await;
    let (_, token) = isv_app(&world).await;
    let id = said(&world, "x").await;
    let reply = list(&world, &id).query("user_id_type", "user_id").token(&token).send().await;
    refused_as(&reply, 231014, "user_id_type is invalid.");
}

/// The members of an answer to several queries: details, counts and failures.
fn parts(data: &Value) -> [Value; 3] {
    ["success_msg_reaction_details", "success_msg_reaction_counts", "fail_msg_reaction_details"]
        .map(|name| data[name].clone())
}

#[tokio::test]
async fn several_messages_at_once() {
    let world = world().await;
    let user = world.user_token(0, json!({})).await;
    let (one, two) = (said(&world, "1").await, said(&world, "2").await);
    let made = react(&world, &one, "SMILE").send().await.data();
    reacted(&world, &user, &one, "SMILE").await;
    reacted(&world, &user, &one, "DONE").await;
    let item = |made: &Value| json!({"reaction_id": made["reaction_id"], "operator": made["operator"], "action_time": made["action_time"], "emoji_type": "SMILE"});
    let queries = json!([{"message_id": one}, {"message_id": two}]);
    let data = batch(&world, json!({"queries": queries, "page_size_per_message": 1})).send().await.data();
    let [details, counts, failed] = parts(&data);
    let token = text(&details[0], "page_token");
    assert_eq!(
        details,
        json!([
            {"message_id": one, "has_more": true, "page_token": token, "message_reaction_items": [item(&made)]},
            {"message_id": two, "has_more": false, "message_reaction_items": []},
        ])
    );
    let count = |emoji: &str, count: &str| json!({"reaction_type": emoji, "count": count});
    assert_eq!(
        counts,
        json!([
            {"message_id": one, "reaction_count": [count("DONE", "1"), count("SMILE", "2")]},
            {"message_id": two, "reaction_count": []},
        ])
    );
    assert_eq!(failed, json!([]));
    let queries = json!([{"message_id": one, "page_token": token}]);
    let body = json!({"queries": queries, "page_size_per_message": 10});
    let rest = batch(&world, body).query("user_id_type", "user_id").send().await.data();
    let items = rest["success_msg_reaction_details"][0]["message_reaction_items"].clone();
    assert_eq!(items.as_array().expect("items").len(), 2);
    assert_eq!(items[0]["operator"]["operator_id"], world.users[0].user_id.as_str());
    let body = json!({"queries": [{"message_id": one}], "reaction_type": "DONE"});
    let [details, counts, _] = parts(&batch(&world, body).send().await.data());
    assert_eq!(details[0]["message_reaction_items"][0]["emoji_type"], "DONE");
    assert_eq!(counts, json!([{"message_id": one, "reaction_count": [count("DONE", "1")]}]));
    let body = json!({"queries": [{"message_id": one, "page_token": token}, {"message_id": two, "page_token": token}], "reaction_type": "DONE"});
    let [_, _, failed] = parts(&batch(&world, body).send().await.data());
    let why = |id: &str| json!({"message_id": id, "fail_reason": "invalid_page_token"});
    assert_eq!(failed, json!([why(&one), why(&two)]));
}

#[tokio::test]
async fn messages_without_an_answer() {
    let world = world().await;
    let other = world.lab.world().await;
    let (own, gone, theirs) = (said(&world, "1").await, said(&world, "2").await, said(&other, "x").await);
    recall(&world, &gone).send().await.data();
    let (_, token) = world.app(json!({"name": "other"})).await;
    let ask = |ids: &[&str]| {
        let queries: Vec<Value> = ids.iter().map(|id| json!({"message_id": id})).collect();
        batch(&world, json!({"queries": queries}))
    };
    let failed = |id: &str, why: &str| json!({"message_id": id, "fail_reason": why});
    let [details, _, fails] = parts(&ask(&["om_x", &gone, &theirs, &own, ""]).send().await.data());
    assert_eq!(details.as_array().expect("details").len(), 1);
    let expected = ["om_x", &gone, &theirs, ""].map(|id| failed(id, "invalid"));
    assert_eq!(fails, json!(expected));
    let [_, _, fails] = parts(&ask(&[&own, &own]).token(&token).send().await.data());
    assert_eq!(fails, json!([failed(&own, "no_permission"), failed(&own, "no_permission")]));
    let [_, _, fails] = parts(&batch(&world, json!({"queries": [{}]})).send().await.data());
    assert_eq!(fails, json!([failed("", "invalid")]));
    let many: Vec<&str> = vec![&own; 21];
    for wrong in [
        ask(&[]),
        ask(&many),
        batch(&world, json!({})),
        batch(&world, json!({"queries": [{"message_id": own}], "page_size_per_message": 11})),
    ] {
        wrong.send().await.refused(99992402);
    }
    let reply = batch(&world, json!({"queries": [{"message_id": own}], "reaction_type": "x"})).send().await;
    let why = "Your request contains an invalid request parameter, ext=invalid reaction_type";
    refused_as(&reply, 230001, why);
    world.set_app(&world.app_id, json!({"bot": false})).await;
    refused_as(&ask(&[&own]).send().await, 230006, "Bot ability is not activated.");
}
