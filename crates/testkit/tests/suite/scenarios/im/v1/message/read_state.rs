//! Who has read a message: `read_users`, `batch_query_read_status`, `read_status`, and `im.message.message_read_v1`.

use larkspur_api::messages::{finding, read};
use larkspur_contract::Effect;
use larkspur_store::{StoreError, chats, messages, tenants, users};
use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use super::{recall, said, say, send, tell};
use crate::scenarios::events::listening::{Heard, Stage, one};
use crate::scenarios::{issued_token, refused_as, set_chat, text, world};

const READ: &str = "im.message.message_read_v1";
const NOTHING: Heard = Vec::new();

/// A user reads messages of one chat, as at a client; how many the user had not read before.
pub(in crate::scenarios::im::v1) async fn reads(world: &World, user: usize, ids: &[&str]) -> usize {
    let user_id = world.users[user].user_id.clone();
    let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    let engine = world.lab.app.engine();
    let (tenant, _) = world.keys();
    let real = engine.clock.now_ms();
    let reading = engine.run(Effect::Writes, move |root| {
        let (mut tx, user_id, ids) = (root.tenant(tenant), user_id.clone(), ids.clone());
        Box::pin(async move {
            let broken = || StoreError::Broken("not there".to_owned());
            let world = tenants::get(&mut tx).await?.ok_or_else(broken)?;
            let now = real + world.clock_offset_ms;
            let user = users::by_id(&mut tx, &user_id).await?.ok_or_else(broken)?;
            let mut found = Vec::new();
            for id in &ids {
                let number = finding::number(&tx, id).ok_or_else(broken)?;
                found.push(messages::get(&mut tx, number).await?.ok_or_else(broken)?);
            }
            let chat = chats::get(&mut tx, found[0].chat_id).await?.ok_or_else(broken)?;
            Ok(read::mark(&mut tx, &user, &chat, &found, now).await?.len())
        })
    });
    reading.await.expect("a transaction")
}

fn readers(world: &World, id: &str) -> Request {
    world.call("GET", &format!("/im/v1/messages/{id}/read_users")).query("user_id_type", "open_id")
}

/// The readers of a page.
fn ids(data: &Value) -> Vec<String> {
    data["items"].as_array().expect("items").iter().map(|item| text(item, "user_id")).collect()
}

#[tokio::test]
async fn those_who_have_read_a_message() {
    let world = world().await;
    let id = said(&world, "x").await;
    assert_eq!(readers(&world, &id).send().await.data(), json!({"has_more": false, "items": []}));
    for (user, new) in [(2, 1), (0, 1), (2, 0), (1, 1)] {
        assert_eq!(reads(&world, user, &[&id]).await, new);
        world.advance(1).await;
    }
    let data = readers(&world, &id).send().await.data();
    let expected = [2, 0, 1].map(|user: usize| world.users[user].open_id.clone());
    assert_eq!(ids(&data), expected, "in the order of reading");
    let time = text(&data["items"][0], "timestamp");
    let first = json!({"user_id_type": "open_id", "user_id": expected[0], "timestamp": time, "tenant_key": world.tenant_key});
    assert_eq!((&data["items"][0], time.len()), (&first, 13));
    let page = readers(&world, &id).query("page_size", "2").send().await.data();
    assert_eq!((ids(&page).len(), &page["has_more"]), (2, &json!(true)));
    let token = text(&page, "page_token");
    let last = readers(&world, &id).query("page_size", "2").query("page_token", &token).send().await.data();
    assert_eq!((ids(&last), last.get("page_token")), (expected[2..].to_vec(), None));
    let path = format!("/im/v1/messages/{id}/read_users");
    let by =
        async |form: &str| ids(&world.call("GET", &path).query("user_id_type", form).send().await.data());
    assert_eq!(by("union_id").await[0], world.users[2].union_id);
    assert_eq!(by("user_id").await[0], world.users[2].user_id);
    world.call("GET", &path).send().await.refused(99992402);
    for (name, value) in [("page_size", "0"), ("page_size", "101")] {
        readers(&world, &id).query(name, value).send().await.refused(99992402);
    }
    super::invalid(&readers(&world, &id).query("page_token", "x").send().await, "invalid page_token");
    // A user asks about the user's own messages.
    let token = world.user_token(0, json!({})).await;
    let own = text(&say(&world, "x").token(&token).send().await.data(), "message_id");
    assert_eq!(reads(&world, 0, &[&own]).await, 0, "senders do not read their own");
    assert_eq!(reads(&world, 1, &[&own]).await, 1);
    assert_eq!(ids(&readers(&world, &own).token(&token).send().await.data()), [&world.users[1].open_id[..]]);
}

#[tokio::test]
async fn who_may_not_ask() {
    let world = world().await;
    let token = world.user_token(0, json!({})).await;
    let id = said(&world, "x").await;
    let own = text(&say(&world, "x").token(&token).send().await.data(), "message_id");
    let why = "Bot is NOT the sender of the message.";
    refused_as(&readers(&world, &own).send().await, 230012, why);
    refused_as(&readers(&world, &id).token(&token).send().await, 230012, why);
    readers(&world, "om_x").send().await.refused(99992354);
    let theirs = said(&world.lab.world().await, "x").await;
    super::invalid(&readers(&world, &theirs).send().await, "invalid message_id");
    let gone = said(&world, "x").await;
    recall(&world, &gone).send().await.data();
    let why = "Action unavailable as the message has been deleted.";
    refused_as(&readers(&world, &gone).send().await, 230110, why);
    set_chat(&world, &world.chat_id, json!({"external": true})).await;
    refused_as(&readers(&world, &id).send().await, 230027, "Lack of necessary permissions.");
    set_chat(&world, &world.chat_id, json!({"external": false})).await;
    let made = tell(&world, "open_id", &world.users[1].open_id, "x").send().await.data();
    world.set_app(&world.app_id, json!({"visible_to": []})).await;
    let why = "Bot has NO availability to this user.";
    refused_as(&readers(&world, &text(&made, "message_id")).send().await, 230013, why);
    world.advance(7 * 24 * 3600 - 60).await;
    let token = issued_token(&world, &world.app_id).await;
    readers(&world, &id).token(&token).send().await.data();
    world.advance(61).await;
    let token = issued_token(&world, &world.app_id).await;
    let why = "Get the reading status must be done within 7 days after the message is sent.";
    refused_as(&readers(&world, &id).token(&token).send().await, 230033, why);
    let member = format!("/chats/{}/members/{}", world.chat_id, world.app_id);
    world.control("DELETE", &member).send().await.data();
    let why = "Bot/User can NOT be out of the chat.";
    refused_as(&readers(&world, &id).token(&token).send().await, 230002, why);
    world.set_app(&world.app_id, json!({"bot": false})).await;
    refused_as(&readers(&world, &id).token(&token).send().await, 230006, "Bot ability is not activated.");
}

#[tokio::test]
async fn what_a_user_has_read() {
    let world = world().await;
    let token = world.user_token(0, json!({})).await;
    let (read, unread) = (said(&world, "1").await, said(&world, "2").await);
    let own = text(&say(&world, "x").token(&token).send().await.data(), "message_id");
    let gone = said(&world, "x").await;
    recall(&world, &gone).send().await.data();
    let elsewhere = tell(&world, "open_id", &world.users[1].open_id, "x").send().await.data();
    let elsewhere = text(&elsewhere, "message_id");
    let theirs = said(&world.lab.world().await, "x").await;
    let p2p = tell(&world, "open_id", &world.users[0].open_id, "x").send().await.data();
    let content = json!({"type": "divider", "params": {"divider_text": {"text": "Today"}}});
    let system = send(&world, &text(&p2p, "chat_id"), "system", content).send().await.data();
    let system = text(&system, "message_id");
    assert_eq!(reads(&world, 0, &[&read]).await, 1);
    assert_eq!(reads(&world, 1, &[&unread]).await, 1);
    let ask = |path: &str, ids: &[&str]| {
        world.call("POST", &format!("/im/v1/messages/{path}")).token(&token).body(json!({"message_ids": ids}))
    };
    let all: [&str; 8] = [&read, &unread, &own, &gone, &elsewhere, &theirs, &system, "om_x"];
    let state = |id: &str, state: &str| json!({"message_id": id, "read_status": state});
    let not = |id: &str, why: &str| json!({"message_id": id, "read_status": "unexpected", "unexpected_reason": why});
    let expected = json!({"read_statuses": [
        state(&read, "read"), state(&unread, "unread"), state(&own, "read"), not(&gone, "not_support"),
        not(&elsewhere, "no_permission"), not(&theirs, "invalid"), not(&system, "not_support"), not("om_x", "invalid"),
    ]});
    assert_eq!(ask("batch_query_read_status", &all).send().await.data(), expected);
    let item = |id: &str, is_read: bool| json!({"message_id": id, "is_read": is_read});
    let expected = json!({
        "items": [item(&read, true), item(&unread, false), item(&own, true)],
        "invalid_message_ids": [gone, elsewhere, theirs, system, "om_x"],
    });
    assert_eq!(ask("read_status", &all).send().await.data(), expected);
    for path in ["batch_query_read_status", "read_status"] {
        ask(path, &[]).send().await.refused(99992402);
        ask(path, &[&read[..]; 51]).send().await.refused(99992402);
        ask(path, &[&read]).token(&world.token).send().await.refused(99991663);
    }
    world.set_app(&world.app_id, json!({"bot": false})).await;
    for path in ["batch_query_read_status", "read_status"] {
        refused_as(&ask(path, &[&read]).send().await, 230006, "Bot ability is not activated.");
    }
}

#[tokio::test]
async fn a_bot_is_told_that_its_messages_were_read() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let user = world.user_token(1, json!({})).await;
    let made = tell(world, "open_id", &world.users[1].open_id, "1").send().await.data();
    let chat = text(&made, "chat_id");
    let (one_id, two) = (text(&made, "message_id"), {
        let made = tell(world, "chat_id", &chat, "2").send().await.data();
        text(&made, "message_id")
    });
    let own = text(&tell(world, "chat_id", &chat, "3").token(&user).send().await.data(), "message_id");
    let in_group = said(world, "x").await;
    stage.told().await;
    assert_eq!(reads(world, 1, &[&one_id]).await, 1);
    let told = async |heard: &Heard, ids: &[&str]| {
        let time = text(&heard[0].1["reader"], "read_time");
        assert_eq!(time.len(), 13);
        let reader = json!({"read_time": time, "reader_id": stage.user(&stage.actor, 1).await, "tenant_key": world.tenant_key});
        assert_eq!(*heard, one(READ, json!({"message_id_list": ids, "reader": reader})));
    };
    let [actor, inside, outside] = stage.told().await;
    told(&actor, &[&one_id]).await;
    assert_eq!((inside, outside), (NOTHING, NOTHING));
    assert_eq!(reads(world, 1, &[&one_id, &two, &own]).await, 1, "what was not read before");
    told(&stage.told().await[0], &[&two]).await;
    assert_eq!(reads(world, 1, &[&one_id, &two, &own]).await, 0);
    assert_eq!(reads(world, 1, &[&in_group]).await, 1);
    assert_eq!(stage.told().await, [NOTHING, NOTHING, NOTHING], "nothing new, and a group");
}
