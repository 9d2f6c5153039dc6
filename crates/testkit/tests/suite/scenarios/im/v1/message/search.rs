//! `POST /im/v1/messages/search`

use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use super::{answer, card, invalid, recall, said, say, send, tell};
use crate::scenarios::{issued_token, text, upload, world};

#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
fn search(world: &World, query: &str, filter: Value) -> Request {
    world.call("POST", "/im/v1/messages/search").body(json!({"query": query, "filter": filter}))
}

/// The ids of a page.
fn ids(data: &Value) -> Vec<String> {
    data["items"].as_array().expect("items").iter().map(|item| text(item, "id")).collect()
}

async fn found(request: Request) -> Vec<String> {
    ids(&request.send().await.data())
}

#[tokio::test]
async fn messages_are_found_by_their_words() {
    let world = world().await;
    let one = said(&world, "The quick Fox").await;
    world.advance(1).await;
    let reply = text(&answer(&world, &one, "a slow fox", true).send().await.data(), "message_id");
    world.advance(1).await;
    let shown = send(&world, &world.chat_id, "interactive", card("foxes")).send().await.data();
    let shown = text(&shown, "message_id");
    world.advance(1).await;
    let gone = said(&world, "fox").await;
    recall(&world, &gone).send().await.data();
    let data = search(&world, "FOX", json!({})).send().await.data();
    assert_eq!(ids(&data), [&shown[..], &reply, &one], "the newest first");
    assert_eq!((&data["total"], &data["has_more"], &data["page_token"]), (&json!(3), &json!(false), &json!("")));
    let item = &data["items"][1]["meta_data"];
    assert_eq!((&item["message_id"], &item["chat_id"]), (&json!(reply), &json!(world.chat_id)));
    assert_eq!((&item["type"], &item["from_id"]), (&json!("text"), &json!(world.app_id)));
    assert_eq!((&item["is_p2p_chat"], item["thread_id"].is_string()), (&json!(false), true));
    assert_eq!(data["items"][0]["meta_data"]["type"], "card");
    assert_eq!(found(search(&world, "fox quick", json!({}))).await, [&one[..]]);
    assert_eq!(found(search(&world, "text", json!({}))).await, [""; 0], "names of fields are not found");
    // Page by page.
    let mut pages = Vec::new();
    let mut token = String::new();
    loop {
        let call = search(&world, "fox", json!({})).query("page_size", "1").query("page_token", &token);
        let page = call.send().await.data();
        pages.extend(ids(&page));
        assert_eq!(page["total"], 3);
        token = text(&page, "page_token");
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(pages, [shown, reply, one]);
    let wrong = search(&world, "x", json!({})).query("page_token", "00").send().await;
    invalid(&wrong, "invalid page_token");
    for (name, value) in [("page_size", "0"), ("page_size", "51")] {
        search(&world, "x", json!({})).query(name, value).send().await.refused(99992402);
    }
}

#[tokio::test]
async fn messages_are_found_by_conditions() {
    let world = world().await;
    let token = world.user_token(0, json!({})).await;
    let (author, other) = (&world.users[0].open_id, &world.users[1].open_id);
    let own = said(&world, "x").await;
    world.advance(10).await;
    let words = format!("x <at user_id=\"{other}\"></at>");
    let theirs = text(&say(&world, &words).token(&token).send().await.data(), "message_id");
    let bot = super::bot_id(&world, &world.app_id, &world.app_id);
    let called = format!("<at user_id=\"{bot}\"></at> https://example.com");
    let called = text(&say(&world, &called).token(&token).send().await.data(), "message_id");
    let key = upload(&world, &world.token, "message").await;
    let picture = send(&world, &world.chat_id, "image", json!({"image_key": key})).send().await.data();
    let picture = text(&picture, "message_id");
    let p2p = text(&tell(&world, "open_id", other, "x").send().await.data(), "message_id");
    for (filter, expected) in [
        (json!({"from_ids": [author]}), vec![&called, &theirs]),
        (json!({"from_ids": [bot]}), vec![&p2p, &picture, &own]),
        (json!({"from_types": ["user"]}), vec![&called, &theirs]),
        (json!({"exclude_from_types": ["user"]}), vec![&p2p, &picture, &own]),
        (json!({"at_chatter_ids": [other]}), vec![&theirs]),
        (json!({"is_at_me": true}), vec![&called]),
        (json!({"include_attachment_types": ["image"]}), vec![&picture]),
        (json!({"include_attachment_types": ["link", "video", "file"]}), vec![&called]),
        (json!({"chat_type": "p2p"}), vec![&p2p]),
        (json!({"chat_type": "group", "from_types": ["bot"]}), vec![&picture, &own]),
        (json!({"chat_ids": [world.chat_id], "from_types": ["bot"]}), vec![&picture, &own]),
        (json!({"chat_ids": ["oc_00000000000000000000000000000000"]}), vec![]),
        (json!({"time_range": {"end_time": "1000000000"}}), vec![]),
    ] {
        let mut got = found(search(&world, "", filter.clone())).await;
        let mut expected: Vec<String> = expected.into_iter().cloned().collect();
        got.sort();
        expected.sort();
        assert_eq!(got, expected, "{filter}");
    }
    let read = super::read(&world, &theirs).await;
    let sent: i64 = text(&read, "create_time").parse().expect("a time");
    for from in [(sent / 1000).to_string(), iso(sent / 1000)] {
        let filter = json!({"time_range": {"start_time": from}, "from_types": ["user"]});
        assert_eq!(found(search(&world, "", filter)).await.len(), 2, "{from}");
        let filter = json!({"time_range": {"start_time": from}, "from_types": ["bot"], "chat_type": "group"});
        assert_eq!(found(search(&world, "", filter)).await, [&picture[..]], "{from}");
    }
}

/// The time in ISO 8601, by the offset of China.
fn iso(seconds: i64) -> String {
    let (days, rest) = ((seconds + 8 * 3600) / 86400, (seconds + 8 * 3600) % 86400);
    let (mut year, mut day) = (1970, days);
    let length = |year: i64| if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) { 366 } else { 365 };
    while day >= length(year) {
        day -= length(year);
        year += 1;
    }
    let lengths = [31, length(year) - 337, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}+08:00", month + 1, day + 1)
}

#[tokio::test]
async fn only_what_the_caller_may_read_is_found() {
    let world = world().await;
    let id = said(&world, "secret").await;
    let closed = world.chat(json!({"owner": world.users[0].user_id})).await;
    let owner = world.user_token(0, json!({})).await;
    let hidden = tell(&world, "chat_id", &closed, "secret").token(&owner).send().await.data();
    let hidden = text(&hidden, "message_id");
    assert_eq!(found(search(&world, "secret", json!({}))).await, [&id[..]]);
    assert_eq!(found(search(&world, "secret", json!({"chat_ids": [closed]}))).await, [""; 0]);
    assert_eq!(found(search(&world, "secret", json!({})).token(&owner)).await.len(), 2);
    let data = search(&world, "secret", json!({"chat_ids": [closed]})).token(&owner).send().await.data();
    assert_eq!(ids(&data), [&hidden[..]]);
    let bare = world.user_token(0, json!({"scopes": ["search:message"]})).await;
    assert_eq!(found(search(&world, "secret", json!({})).token(&bare)).await, [""; 0]);
    world.set_app(&world.app_id, json!({"scopes": ["search:message"]})).await;
    let token = issued_token(&world, &world.app_id).await;
    assert_eq!(found(search(&world, "secret", json!({})).token(&token)).await, [""; 0]);
}

#[tokio::test]
async fn searches_that_are_refused() {
    let world = world().await;
    invalid(&search(&world, "", json!({"chat_ids": ["x"]})).send().await, "invalid chat_ids");
    let wrong = json!({"time_range": {"start_time": "yesterday"}});
    invalid(&search(&world, "", wrong).send().await, "invalid start_time");
    let wrong = json!({"time_range": {"start_time": "20", "end_time": "10"}});
    let why = "The end_time is earlier than the start_time";
    invalid(&search(&world, "", wrong).send().await, why);
    for field in ["from_ids", "at_chatter_ids"] {
        let with = |form: &str, id: &str| search(&world, "", json!({field: [id]})).query("user_id_type", form);
        with("open_id", "ou_x").send().await.refused(99992351);
        with("union_id", "on_x").send().await.refused(99992363);
        with("user_id", "not-here").send().await.refused(99992360);
        let (app, _) = world.app(json!({"name": "other"})).await;
        let foreign = crate::scenarios::open_id(&world, 0, &app).await;
        with("open_id", &foreign).send().await.refused(99992361);
    }
    world.set_app(&world.app_id, json!({"bot": false})).await;
    search(&world, "", json!({})).send().await.refused(230006);
}
