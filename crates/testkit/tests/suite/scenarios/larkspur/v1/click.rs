//! `messages/:message_id/clicks`: what an app is told of a click, and what the user sees.

use larkspur_testkit::receiver::{Manner, Receiver};
use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use super::declined;
use super::talk::say;
use crate::scenarios::{text, upload, world};

/// A card of schema 2.0 with a form.
fn card() -> Value {
    json!({"schema": "2.0", "config": {"update_multi": true}, "header": {"title": {"tag": "plain_text", "content": "Release 7?"}}, "body": {"elements": [
        {"tag": "button", "element_id": "approve", "name": "yes", "text": {"tag": "plain_text", "content": "Approve"},
            "behaviors": [{"type": "callback", "value": {"op": "approve"}}]},
        {"tag": "button", "element_id": "docs", "text": {"tag": "plain_text", "content": "Docs"},
            "behaviors": [{"type": "open_url", "default_url": "https://example.com/"}]},
        {"tag": "button", "element_id": "off", "disabled": true, "text": {"tag": "plain_text", "content": "Off"}},
        {"tag": "select_static", "element_id": "where", "options": [{"text": {"tag": "plain_text", "content": "EU"}, "value": "eu"}]},
        {"tag": "form", "name": "form", "elements": [
            {"tag": "input", "name": "why", "required": true},
            {"tag": "checker", "name": "sure", "checked": true, "text": {"tag": "plain_text", "content": "Sure"}},
            {"tag": "button", "name": "send", "form_action_type": "submit", "text": {"tag": "plain_text", "content": "Send"}},
            {"tag": "button", "name": "clear", "form_action_type": "reset", "text": {"tag": "plain_text", "content": "Clear"}},
        ]},
    ]}})
}

/// A world whose app receives callbacks by webhook.
async fn listening() -> (World, Receiver) {
    let (world, receiver) = (world().await, Receiver::start());
    let body = json!({"mode": "websocket", "callbacks": {"mode": "webhook", "request_url": receiver.url()}});
    world.control("PUT", &format!("/apps/{}/events", world.app_id)).body(body).send().await.data();
    (world, receiver)
}

async fn shown(world: &World, card: &Value) -> String {
    let body = json!({"receive_id": world.chat_id, "msg_type": "interactive", "content": card.to_string()});
    let sent = world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).send().await.data();
    text(&sent, "message_id")
}

/// User 1 clicks.
#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
fn click(world: &World, id: &str, body: Value) -> Request {
    let mut all = json!({"as": world.users[1].user_id});
    all.as_object_mut().expect("an object").extend(body.as_object().expect("an object").clone());
    world.control("POST", &format!("/messages/{id}/clicks")).body(all)
}

fn answers(receiver: &Receiver, answer: &Value) {
    receiver.answer(Manner::With("200 OK", answer.to_string()));
}

/// The card that the message shows now, as it was sent.
async fn current(world: &World, id: &str) -> Value {
    let path = format!("/im/v1/messages/{id}?card_msg_content_type=user_card_content");
    let read = world.call("GET", &path).send().await.data();
    serde_json::from_str(&text(&read["items"][0]["body"], "content")).expect("JSON")
}

#[tokio::test]
async fn the_app_is_told_and_its_answer_is_shown() {
    let (world, receiver) = listening().await;
    let id = shown(&world, &card()).await;
    let new = json!({"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "Approved"}]}});
    let toast = json!({"type": "success", "content": "Done"});
    answers(&receiver, &json!({"toast": toast, "card": {"type": "raw", "data": new}}));
    let seen =
        click(&world, &id, json!({"element": "approve", "timezone": "Asia/Shanghai"})).send().await.data();
    assert_eq!((&seen["toast"], &seen["card"], &seen["way"]), (&toast, &new, &json!("webhook")));
    assert_eq!((seen.get("code"), seen["ms"].is_u64()), (None, true));
    let said = receiver.seen();
    assert_eq!(said.len(), 1, "once");
    let (said, user) = (said[0].json(), &world.users[1]);
    assert_eq!(
        (&said["header"]["event_type"], &said["header"]["event_id"]),
        (&json!("card.action.trigger"), &seen["event_id"])
    );
    let event = &said["event"];
    let token = text(event, "token");
    assert!(token.starts_with("c-") && token.len() == 42, "{token}");
    assert_eq!(
        *event,
        json!({
            "action": {"tag": "button", "name": "yes", "value": {"op": "approve"}, "timezone": "Asia/Shanghai"},
            "context": {"open_chat_id": world.chat_id, "open_message_id": id},
            "host": "im_message",
            "operator": {"open_id": user.open_id, "tenant_key": world.tenant_key, "union_id": user.union_id, "user_id": user.user_id},
            "token": token,
        })
    );
    assert_eq!(current(&world, &id).await, new);
    world.set_app(&world.app_id, json!({"scopes": ["im:message", "im:message.group_msg"]})).await;
    let id = shown(&world, &card()).await;
    answers(&receiver, &json!({}));
    let seen =
        click(&world, &id, json!({"element": "approve", "value": {"op": "other"}})).send().await.data();
    assert_eq!((seen.get("toast"), seen.get("card"), seen.get("code")), (None, None, None));
    let event = receiver.seen()[1].json()["event"].clone();
    assert_eq!(
        (event["operator"].get("user_id"), &event["action"]["value"]),
        (None, &json!({"op": "other"}))
    );
    assert_eq!(current(&world, &id).await, card(), "the card stays");
}

#[tokio::test]
async fn a_card_that_is_not_shared_changes_for_the_user_who_clicked() {
    let (world, receiver) = listening().await;
    let button = |name: &str| {
        json!({"elements": [{"tag": "action", "actions": [{"tag": "button", "name": name,
            "text": {"tag": "plain_text", "content": name}, "value": {"op": name}}]}]})
    };
    let id = shown(&world, &button("first")).await;
    answers(&receiver, &json!({"card": {"type": "raw", "data": button("second")}}));
    let seen = click(&world, &id, json!({"element": "first"})).send().await.data();
    assert_eq!(seen["card"], button("second"));
    assert_eq!(current(&world, &id).await, button("first"), "the app sees the card that it sent");
    // What was clicked is looked for in the card that the user sees.
    declined(&click(&world, &id, json!({"element": "first"})).send().await, 5275400, "element");
    click(&world, &id, json!({"element": "second"})).send().await.data();
    let other = json!({"as": world.users[0].user_id, "element": "first"});
    world.control("POST", &format!("/messages/{id}/clicks")).body(other).send().await.data();
    assert_eq!(receiver.seen().len(), 3);
}

#[tokio::test]
async fn the_token_replaces_the_card_later() {
    let (world, receiver) = listening().await;
    let id = shown(&world, &card()).await;
    answers(&receiver, &json!({}));
    click(&world, &id, json!({"element": "approve"})).send().await.data();
    let token = text(&receiver.seen()[0].json()["event"], "token");
    let later = |words: &str| {
        let card = json!({"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": words}]}});
        world.call("POST", "/interactive/v1/card/update").body(json!({"token": token, "card": card}))
    };
    for words in ["one", "two"] {
        assert_eq!(later(words).send().await.code(), 0);
        assert_eq!(current(&world, &id).await["body"]["elements"][0]["content"], words);
    }
    assert_eq!(later("three").send().await.code(), 300040);
    receiver.answer(Manner::With("500 Internal Server Error", "{}".to_owned()));
    click(&world, &id, json!({"action": {"tag": "button"}})).send().await.data();
    let token = text(&receiver.seen()[1].json()["event"], "token");
    let body = json!({"token": token, "card": {"elements": []}});
    let reply = world.call("POST", "/interactive/v1/card/update").body(body).send().await;
    assert_eq!(reply.code(), 300030, "it was not acknowledged");
}

#[tokio::test]
async fn menus_fields_and_forms() {
    let (world, receiver) = listening().await;
    let id = shown(&world, &card()).await;
    answers(&receiver, &json!({}));
    for (body, action) in [
        (json!({"element": "where", "option": "eu"}), json!({"tag": "select_static", "option": "eu"})),
        (
            json!({"element": "send", "form": {"why": "it works"}}),
            json!({"tag": "button", "name": "send", "form_value": {"why": "it works", "sure": true}}),
        ),
        (
            json!({"element": "why", "input": "typed"}),
            json!({"tag": "input", "name": "why", "input_value": "typed"}),
        ),
        (
            json!({"element": "sure", "checked": false}),
            json!({"tag": "checker", "name": "sure", "checked": false}),
        ),
        (json!({"action": {"tag": "img", "value": {"x": 1}}}), json!({"tag": "img", "value": {"x": 1}})),
    ] {
        click(&world, &id, body).send().await.data();
        let seen = receiver.seen();
        assert_eq!(seen[seen.len() - 1].json()["event"]["action"], action);
    }
    let count = receiver.seen().len();
    let seen = click(&world, &id, json!({"element": "docs"})).send().await.data();
    assert_eq!(seen, json!({"opens": "https://example.com/", "ms": 0}));
    let seen = click(&world, &id, json!({"element": "clear"})).send().await.data();
    assert_eq!(seen, json!({"ms": 0}));
    for (body, field) in [
        (json!({"element": "off"}), "element"),
        (json!({"element": "x"}), "element"),
        (json!({"element": "where", "option": "us"}), "element"),
        (json!({"element": "where"}), "element"),
        (json!({"element": "send"}), "element"),
        (json!({}), "element"),
        (json!({"element": "approve", "action": {"tag": "button"}}), "element"),
        (json!({"action": {}}), "action.tag"),
        (json!({"element": "approve", "double": true}), "double"),
    ] {
        declined(&click(&world, &id, body).send().await, 5275400, field);
    }
    assert_eq!(receiver.seen().len(), count, "the app is told nothing");
    let unnamed = json!({"schema": "2.0", "body": {"elements": [{"tag": "form", "name": "form", "elements": [
        {"tag": "input"}, {"tag": "button", "name": "send", "form_action_type": "submit"}]}]}});
    let id = shown(&world, &unnamed).await;
    let seen = click(&world, &id, json!({"element": "send"})).send().await.data();
    assert_eq!((&seen["code"], seen["failure"].is_string()), (&json!(200530), true));
}

#[tokio::test]
async fn what_the_client_shows_when_it_fails() {
    let (world, receiver) = listening().await;
    let id = shown(&world, &card()).await;
    let approve = async || click(&world, &id, json!({"element": "approve"})).send().await.data();
    let avatar = "img_v3_00000000-0000-0000-0000-000000000000";
    let image = json!({"schema": "2.0", "body": {"elements": [{"tag": "img", "img_key": avatar}]}});
    let large = json!({"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "x".repeat(31 * 1024)}]}});
    for (card, code) in [
        (json!({"type": "raw", "data": {"elements": []}}), 200830),
        (json!({"type": "raw", "data": {"schema": "2.0", "body": {"elements": 1}}}), 200673),
        (json!({"type": "raw", "data": image}), 200673),
        (json!({"type": "raw", "data": large}), 200673),
        (json!({"type": "raw", "data": {"type": "card", "data": {"card_id": "1"}}}), 200673),
        (json!({"type": "template", "data": {"template_id": "x"}}), 200673),
        (json!({"type": "other", "data": {}}), 200673),
    ] {
        answers(&receiver, &json!({"toast": {"content": "x"}, "card": card}));
        let seen = approve().await;
        assert_eq!(
            (&seen["code"], seen.get("card"), seen.get("toast")),
            (&json!(code), None, None),
            "{card} {seen}"
        );
        assert_eq!(current(&world, &id).await, self::card(), "the card stays");
    }
    answers(&receiver, &json!({"card": {"type": "template", "data": {"template_id": "AAqCk1"}}}));
    assert_eq!(approve().await["card"]["data"]["template_id"], "AAqCk1");
    let id = shown(&world, &json!({"elements": [{"tag": "hr"}]})).await;
    let approve = async || click(&world, &id, json!({"action": {"tag": "button"}})).send().await.data();
    receiver.answer(Manner::With("500 Internal Server Error", "{}".to_owned()));
    let seen = approve().await;
    assert_eq!((&seen["code"], seen["meaning"].is_string()), (&json!(200671), true));
    world.set_app(&world.app_id, json!({"status": "disabled"})).await;
    let count = receiver.seen().len();
    assert_eq!(approve().await["code"], 200340);
    assert_eq!(receiver.seen().len(), count, "it is not asked");
}

#[tokio::test]
async fn what_is_not_clicked() {
    let (world, _receiver) = listening().await;
    let button = json!({"action": {"tag": "button"}});
    declined(&click(&world, "om_x", button.clone()).send().await, 5275404, "message_id");
    let words = text(&say(&world, 0, &json!({"text": "x"})).send().await.data(), "message_id");
    declined(&click(&world, &words, button.clone()).send().await, 5275400, "message_id");
    let own = json!({"msg_type": "interactive", "content": {"elements": []}});
    let own = text(&say(&world, 0, &own).send().await.data(), "message_id");
    assert_eq!(click(&world, &own, button.clone()).send().await.data()["code"], 200340);
    let id = shown(&world, &card()).await;
    let leave = format!("/chats/{}/members/{}", world.chat_id, world.users[1].user_id);
    world.control("DELETE", &leave).send().await.data();
    click(&world, &id, button.clone()).send().await.refused(230002);
    world.control("PUT", &leave).body(json!({})).send().await.data();
    world.call("DELETE", &format!("/im/v1/messages/{id}")).send().await.data();
    click(&world, &id, button).send().await.refused(230011);
}

#[tokio::test]
async fn an_image_of_the_store_can_be_in_the_answer() {
    let (world, receiver) = listening().await;
    let (id, image) = (shown(&world, &card()).await, upload(&world, &world.token, "message").await);
    let new = json!({"schema": "2.0", "body": {"elements": [{"tag": "img", "img_key": image, "alt": {"tag": "plain_text", "content": "x"}}]}});
    answers(&receiver, &json!({"card": {"type": "raw", "data": new}}));
    assert_eq!(click(&world, &id, json!({"element": "approve"})).send().await.data()["card"], new);
}

/// An app may use the token at once after it has answered: the update waits until the server has noted the answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_used_while_its_callback_is_answered() {
    let (world, receiver) = listening().await;
    let new = json!({"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "later"}]}});
    for (answer_ms, code) in [(50, 0), (1_500, 300030)] {
        let id = shown(&world, &card()).await;
        receiver.answer(Manner::Slowly(answer_ms));
        let count = receiver.seen().len();
        let clicking = click(&world, &id, json!({"element": "approve"}));
        let clicking = tokio::spawn(async move { clicking.send().await.data() });
        let token = token_of(&receiver, count).await;
        let update = || {
            let body = json!({"token": token, "card": new});
            world.call("POST", "/interactive/v1/card/update").body(body)
        };
        let early = update().send().await;
        assert_eq!(early.code(), code, "answered after {answer_ms} ms: {}", early.json());
        assert!(code == 0 || !clicking.is_finished(), "the callback is not answered yet");
        let seen = clicking.await.expect("no panic");
        assert_eq!(seen.get("code"), None, "{seen}");
        assert_eq!(update().send().await.code(), 0, "a refused update uses no token");
        let second = if code == 0 { 300040 } else { 0 };
        assert_eq!(update().send().await.code(), second);
    }
}

/// The token that the app was told with a callback, counted from 0.
async fn token_of(receiver: &Receiver, number: usize) -> String {
    let told = async {
        while receiver.seen().len() <= number {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), told).await.expect("the app is told");
    text(&receiver.seen()[number].json()["event"], "token")
}

/// An app that is disabled while it is asked gets nothing of its answer: the token that it was told ends, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_is_disabled_meanwhile_has_no_token() {
    let (world, receiver) = listening().await;
    let id = shown(&world, &card()).await;
    receiver.answer(Manner::Slowly(300));
    let count = receiver.seen().len();
    let clicking = click(&world, &id, json!({"element": "approve"}));
    let clicking = tokio::spawn(async move { clicking.send().await.data() });
    let token = token_of(&receiver, count).await;
    world.set_app(&world.app_id, json!({"status": "disabled"})).await;
    assert_eq!(clicking.await.expect("no panic")["code"], 200340);
    world.set_app(&world.app_id, json!({"status": "enabled"})).await;
    let body = json!({"token": token, "card": {"schema": "2.0", "body": {"elements": [{"tag": "hr"}]}}});
    let update = world.call("POST", "/interactive/v1/card/update").body(body).send().await;
    update.refused(300030);
    let log_id = update.response.header("x-tt-logid").expect("a log id");
    let why = world.control("GET", &format!("/traffic/{log_id}")).send().await.data().to_string();
    assert!(why.contains("the token is unknown"), "{why}");
}

/// A card that replaces another one is judged alike, whichever way it comes.
#[tokio::test]
async fn every_way_to_replace_a_card_judges_it_alike() {
    let (world, receiver) = listening().await;
    world.control("PUT", "/settings").body(json!({"forbidden_words": ["Secret"]})).send().await.data();
    let id = shown(&world, &card()).await;
    let with = |element: Value| json!({"schema": "2.0", "config": {"update_multi": true}, "body": {"elements": [element]}});
    let unknown = "img_v3_00000000-0000-0000-0000-000000000000";
    let image = with(json!({"tag": "img", "img_key": unknown, "alt": {"tag": "plain_text", "content": "x"}}));
    let word = with(json!({"tag": "markdown", "content": "a seCRet plan"}));
    for (flawed, code, why) in [(image, 230099, "no image"), (word, 230028, "forbidden word")] {
        let body = json!({"content": flawed.to_string()});
        world.call("PATCH", &format!("/im/v1/messages/{id}")).body(body).send().await.refused(code);
        answers(&receiver, &json!({"card": {"type": "raw", "data": flawed}}));
        let seen = click(&world, &id, json!({"element": "approve"})).send().await.data();
        assert_eq!(seen["code"], 200673, "{seen}");
        assert!(seen["failure"].as_str().is_some_and(|failure| failure.contains(why)), "{seen}");
        let token = world.card_token(&id).await;
        let body = json!({"token": token, "card": flawed});
        world.call("POST", "/interactive/v1/card/update").body(body).send().await.refused(11311);
        assert_eq!(current(&world, &id).await, card(), "the card stays");
        let body = json!({"token": token, "card": with(json!({"tag": "hr"}))});
        assert_eq!(world.call("POST", "/interactive/v1/card/update").body(body).send().await.code(), 0);
        let body = json!({"content": card().to_string()});
        world.call("PATCH", &format!("/im/v1/messages/{id}")).body(body).send().await.data();
    }
}
