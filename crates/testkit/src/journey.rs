//! A journey through all operations, which runs all of their statements.

use larkspur_api::events::app_ticket;
use larkspur_api::messages::{finding, read};
use larkspur_contract::{Consumes, Effect};
use larkspur_server::{REGISTRY, Reading};
use larkspur_store::events::TICKET_EVERY_MS;
use larkspur_store::retention::{self, Retention};
use larkspur_store::{chats, messages, users};
use serde_json::json;

mod announcements;
mod between_servers;
mod snapshots;

use crate::receiver::{Manner, Receiver};
use crate::{Lab, Request, World};

/// Calls every operation of the registry with its own example, in a new world.
pub async fn journey(lab: &Lab) {
    old_messages(lab).await;
    for entry in REGISTRY.iter().copied().flatten() {
        let (world, spec) = (lab.world().await, entry.spec);
        let (tag, image) = (world.tag("a tag").await, upload(&world).await);
        let file = world.file("stream", "a.bin", b"bytes").await;
        let message = said(&world, &world.chat_id).await;
        let reaction = match spec.route.path.contains("{reaction_id}") {
            true => reacted(&world, &message).await,
            false => String::new(),
        };
        let path = spec.route.path;
        let thread =
            if path.contains("{thread_id}") { threaded(&world, &message).await } else { String::new() };
        let batch = if path.contains("{batch_message_id}") { batch(&world).await } else { String::new() };
        if spec.route.path.ends_with("/read_users") {
            is_read(&world, &message).await;
        }
        let fill = |text: &str| {
            let document = world.document_url.rsplit('/').next().expect("a token");
            let ids = [
                ("{tenant_key}", world.tenant_key.as_str()),
                ("{chat_id}", &world.chat_id),
                ("{block_id}", &world.chat_id),
                ("{tag_id}", &tag),
                ("{image_key}", &image),
                ("{message_id}", &message),
                ("{file_key}", &file),
                ("{reaction_id}", &reaction),
                ("{thread_id}", &thread),
                ("{batch_message_id}", &batch),
                ("{token}", document),
                ("{app_id}", &world.app_id),
                ("{app_secret}", &world.app_secret),
                ("{user_id}", &world.users[1].user_id),
                ("{member}", &world.users[1].user_id),
                ("{open_id}", &world.users[1].open_id),
                ("{card_id}", "7000000000000000000"),
                ("{element_id}", "text_1"),
                ("{fault_id}", "f_01"),
                ("{name}", "@start"),
                ("{log_id}", "unknown"),
            ];
            let filled = ids.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id));
            filled.replace("7307000000000000000", &tag)
        };
        let path = fill(spec.route.path);
        let request = match path.strip_prefix("/larkspur/v1") {
            Some(path) => lab.control(spec.route.method.name(), path),
            None => world.lab.request(spec.route.method.name(), &path).token(&world.token),
        };
        let request = match spec.consumes {
            Consumes::Nothing => lab_query(request, &fill(spec.example)),
            _ => request.raw(fill(spec.example)),
        };
        // Some examples are incomplete; what matters is which statements they run.
        assert!(request.send().await.status() < 500, "{}", spec.id);
    }
    whatever_examples_leave_out(lab).await;
    messages(lab).await;
    cards(lab).await;
    deliveries(lab).await;
    faults(lab).await;
    seeds(lab).await;
    snapshots::snapshots(lab).await;
    between_servers::offline(lab).await;
    between_servers::relayed(lab).await;
}

/// Rules that change answers to calls with a token, of an app and of a custom bot.
/// A seed with every part, loaded, merged, and in place of what is there.
async fn seeds(lab: &Lab) {
    let world = lab.world().await;
    let seed = json!({
        "larkspur": 1,
        "world": {"settings": {"permissions": "off"}},
        "apps": {"demo": {"events": {"way": "websocket"}}},
        "users": {"ada": {}},
        "tags": {"a": {"i18n": {"zh_cn": "b"}}},
        "documents": {"doc": {"owner": "ada", "share": {"demo": "view"}}},
        "chats": {"ops": {
            "owner": "ada", "managers": ["demo"], "tags": ["a"], "announcement": "x",
            "tabs": [{"name": "t", "url": "https://example.com"}],
            "messages": [{"as": "ada", "text": "@demo hi"}, {"as": "demo", "text": "@ada hi"}]
        }},
        "faults": [{"preset": "slow-3s"}],
    });
    for mode in ["merge", "merge", "replace"] {
        world.control("POST", "/seed").body(json!({"seed": seed, "mode": mode})).send().await.data();
    }
}

async fn faults(lab: &Lab) {
    let world = lab.world().await;
    let rule = |code: u32| json!({"effect": {"refuse": {"code": code}}});
    for _ in 0..2 {
        world.control("POST", "/faults").body(rule(232004)).send().await.data();
    }
    let path = format!("/im/v1/chats/{}", world.chat_id);
    world.call("GET", &path).send().await.refused(232004);
    let auth = json!({"app_id": world.app_id, "app_secret": world.app_secret});
    let path = "/open-apis/auth/v3/tenant_access_token/internal";
    assert_eq!(lab.request("POST", path).body(auth).send().await.code(), 232004);
    world.control("PATCH", "/faults/f_01").body(json!({"enabled": false})).send().await.data();
    world.control("POST", "/faults/order").body(json!({"ids": ["f_01", "f_02"]})).send().await.data();
    world.control("DELETE", "/faults/f_02").send().await.data();
    world.control("PUT", "/faults").body(json!({"faults": [rule(2200)]})).send().await.data();
    world.control("GET", "/faults").send().await.data();
    world.control("DELETE", "/faults").send().await.data();
}

/// Events that wait for an address, arrive, and are dropped.
async fn deliveries(lab: &Lab) {
    let (world, receiver, worker) = (lab.world().await, Receiver::start(), lab.delivery_worker());
    // The examples left events for addresses without a listener.
    worker.round().await;
    let made = world.control("POST", "/apps").body(json!({"kind": "isv"})).send().await.data();
    let path = format!("/apps/{}/events", made["app_id"].as_str().expect("an app_id"));
    let resend = async || {
        let body = json!({"app_id": made["app_id"], "app_secret": made["app_secret"]});
        let request = lab.request("POST", "/open-apis/auth/v3/app_ticket/resend").body(body);
        assert_eq!(request.send().await.code(), 0);
    };
    let fails = Manner::With("500 Internal Server Error", String::new());
    for (manner, attempts) in [(Manner::Well, 2), (fails, 1)] {
        receiver.answer(manner);
        world.control("PUT", &path).body(json!({"request_url": receiver.url()})).send().await.data();
        resend().await;
        assert_eq!(
            worker.round().await,
            attempts,
            "the challenge, and the ticket if the address is verified"
        );
    }
    resend().await;
    assert_eq!(worker.round().await, 0, "dropped");
    let engine = lab.app.engine();
    app_ticket::send_due(engine, engine.clock.now_ms() + TICKET_EVERY_MS).await.expect("a transaction");
}

fn lab_query(request: Request, query: &str) -> Request {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .fold(request, |request, (name, value)| request.query(name, value))
}

/// A message in a chat; its id.
async fn said(world: &World, chat_id: &str) -> String {
    let request = say(world, "chat_id", chat_id, "hello", "");
    request.send().await.data()["message_id"].as_str().expect("an id").to_owned()
}

fn say(world: &World, kind: &str, receive_id: &str, words: &str, uuid: &str) -> Request {
    let content = json!({"text": words}).to_string();
    let body = json!({"receive_id": receive_id, "msg_type": "text", "content": content, "uuid": uuid});
    world.call("POST", "/im/v1/messages").query("receive_id_type", kind).body(body)
}

/// Messages that are repeated, replied to, edited, recalled and listed.
async fn messages(lab: &Lab) {
    let world = lab.world().await;
    let token = world.user_token(1, json!({})).await;
    let user = &world.users[2];
    let words = format!("<at user_id=\"{}\"></at> <at user_id=\"{}\"></at>", user.open_id, user.user_id);
    let address = json!({"email": "reader@example.com"});
    world.control("PATCH", &format!("/users/{}", user.user_id)).body(address).send().await.data();
    for (kind, receive_id) in
        [("email", "reader@example.com"), ("open_id", &user.open_id), ("chat_id", &world.chat_id)]
    {
        for token in [&world.token, &token] {
            say(&world, kind, receive_id, &words, "").token(token).send().await.data();
        }
    }
    for _ in 0..2 {
        for _ in 0..2 {
            say(&world, "chat_id", &world.chat_id, "once", "u").send().await.data();
        }
        // Longer than a uuid is remembered; twice is longer than a token lives.
        world.advance(3601).await;
    }
    let token = world.sign_in(&world.app_id, &world.app_secret).await;
    let root = say(&world, "chat_id", &world.chat_id, "root", "").token(&token).send().await.data();
    let path = format!("/im/v1/messages/{}", root["message_id"].as_str().expect("an id"));
    let content = json!({"text": "again"}).to_string();
    let body = json!({"msg_type": "text", "content": content, "reply_in_thread": true});
    let reply = world.call("POST", &format!("{path}/reply")).token(&token).body(body.clone());
    let reply = reply.send().await.data();
    let thread = reply["thread_id"].as_str().expect("a thread");
    for order in ["ByCreateTimeAsc", "ByCreateTimeDesc"] {
        for (kind, id) in [("chat", world.chat_id.as_str()), ("thread", thread)] {
            let list = world.call("GET", "/im/v1/messages").token(&token).query("container_id_type", kind);
            list.query("container_id", id).query("sort_type", order).send().await.data();
        }
    }
    world.call("PUT", &path).token(&token).body(body).send().await.data();
    world.call("DELETE", &path).token(&token).send().await.data();
    let card =
        json!({"receive_id": world.chat_id, "msg_type": "interactive", "content": r#"{"elements":[]}"#});
    let sent = world.call("POST", "/im/v1/messages?receive_id_type=chat_id").token(&token).body(card);
    let sent = sent.send().await.data();
    let path = format!("/im/v1/messages/{}", sent["message_id"].as_str().expect("an id"));
    let body = json!({"content": r#"{"elements":[{"tag":"hr"}]}"#});
    world.call("PATCH", &path).token(&token).body(body).send().await.data();
    let other = lab.world().await;
    let theirs = said(&other, &other.chat_id).await;
    world.call("GET", &format!("/im/v1/messages/{theirs}")).token(&token).send().await.refused(230001);
}

async fn upload(world: &World) -> String {
    let request = world.call("POST", "/im/v1/images");
    let request = request.multipart(&[("image_type", "message")], ("image", &crate::png(1, 1)));
    request.send().await.data()["image_key"].as_str().expect("a key").to_owned()
}

/// A custom bot that posts with a mention and a picture, and is deleted.
async fn custom_bot(world: &World) {
    let path = format!("/chats/{}/hooks", world.chat_id);
    let body = json!({"secret": "s"});
    world.control("POST", &path).body(body).send().await.data();
    let made = world.control("POST", &path).body(json!({})).send().await.data();
    let url = made["url"].as_str().expect("a url");
    let token = url.rsplit('/').next().expect("a token");
    let words = format!("<at user_id=\"{}\">N</at>", world.users[0].open_id);
    let picture = upload(world).await;
    for body in [
        json!({"msg_type": "text", "content": {"text": words}}),
        json!({"msg_type": "image", "content": {"image_key": picture}}),
    ] {
        let request = world.lab.request("POST", &format!("/open-apis/bot/v2/hook/{token}"));
        assert_eq!(request.body(body).send().await.code(), 0);
    }
    world.control("GET", &path).send().await.data();
    let own = format!("{path}/{}", made["hook_id"].as_str().expect("an id"));
    world.control("DELETE", &own).send().await.data();
}

/// Messages with an image and a file, which are downloaded.
async fn resources(world: &World) {
    let (image, file) = (upload(world).await, world.file("pdf", "a.pdf", b"bytes").await);
    for (kind, member, key) in [("image", "image_key", image), ("file", "file_key", file)] {
        let body = json!({"receive_id": world.chat_id, "msg_type": kind, "content": json!({member: key}).to_string()});
        let sent =
            world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).send().await.data();
        let message = sent["message_id"].as_str().expect("a message_id");
        let path = format!("/im/v1/messages/{message}/resources/{key}?type={kind}");
        assert_eq!(world.call("GET", &path).send().await.status(), 200);
        assert_eq!(world.control("GET", &format!("/{kind}s/{key}")).send().await.status(), 200);
    }
}

/// Events that a test makes up, lists and has sent again.
async fn events(world: &World) {
    let body = json!({"app_id": world.app_id, "type": "test.made_up_v1", "event": {}, "raw": true});
    let made = world.control("POST", "/events").body(body).send().await.data();
    let event_id = made["event_id"].as_str().expect("an event_id");
    let resend = world.control("POST", &format!("/events/{event_id}/resend"));
    resend.body(json!({"app_id": world.app_id})).send().await.data();
    world.control("GET", &format!("/events/{event_id}")).send().await.data();
    let list = world.control("GET", &format!("/events?type=app_ticket&chat_id={}", world.chat_id));
    list.query("app_id", &world.app_id).send().await.data();
    let webhook = Receiver::start();
    let path = format!("/apps/{}", world.app_id);
    let body = json!({"request_url": webhook.url()});
    world.control("PUT", &format!("{path}/events")).body(body).send().await.data();
    world.control("POST", &format!("{path}/challenge")).send().await.data();
    let callback = json!({"type": "card.action.trigger", "event": {}});
    world.control("POST", &format!("{path}/callbacks")).body(callback).send().await.data();
    streamed(world, event_id).await;
    let worker = world.lab.delivery_worker();
    for steering in [
        json!({"action": "repeat", "next": 1}),
        json!({"action": "delay", "delay_ms": 60_000, "next": 1}),
        json!({"action": "hold", "next": 1}),
    ] {
        world.control("PUT", &format!("{path}/deliveries")).body(steering).send().await.data();
        resend_any(world, event_id).await;
        worker.round().await;
    }
    world.control("DELETE", &format!("{path}/deliveries")).send().await.data();
    let connections = format!("{path}/connections");
    world.control("DELETE", &connections).query("connection_id", "0123456789abcdef").send().await.data();
}

/// A stream of what changes.
async fn streamed(world: &World, event_id: &str) {
    let topics = format!("/stream?topics=events,faults,clock,chat:{}", world.chat_id);
    let opened = world.control("GET", &topics).send().await;
    let mut stream = Reading::of(opened.response.body).expect("a stream");
    stream.next().await.expect("a greeting");
    resend_any(world, event_id).await;
    stream.next().await.expect("what changed");
}

async fn resend_any(world: &World, event_id: &str) {
    let path = format!("/events/{event_id}/resend");
    world.control("POST", &path).body(json!({"fresh_id": true})).send().await.data();
}

async fn reacted(world: &World, message: &str) -> String {
    let body = json!({"reaction_type": {"emoji_type": "OK"}});
    let made = world.call("POST", &format!("/im/v1/messages/{message}/reactions")).body(body).send().await;
    made.data()["reaction_id"].as_str().expect("a reaction_id").to_owned()
}

/// Reactions, pins, the top notice and readers of a message that is recalled in the end.
async fn about_a_message(world: &World) {
    let (message, user) = (said(world, &world.chat_id).await, world.user_token(0, json!({})).await);
    reacted(world, &message).await;
    let body = json!({"queries": [{"message_id": message}], "reaction_type": "OK"});
    world.call("POST", "/im/v1/messages/reactions/batch_query").body(body).send().await.data();
    world.call("POST", "/im/v1/pins").body(json!({"message_id": message})).send().await.data();
    let path = format!("/im/v1/chats/{}/top_notice/put_top_notice", world.chat_id);
    let top = json!({"chat_top_notice": [{"action_type": "1", "message_id": message}]});
    world.call("POST", &path).body(top).send().await.data();
    let body = json!({"message_ids": [message]});
    let states = world.call("POST", "/im/v1/messages/batch_query_read_status");
    states.token(&user).body(body).send().await.data();
    is_read(world, &message).await;
    world.call("DELETE", &format!("/im/v1/messages/{message}")).send().await.data();
}

/// Opens a thread on a message; the thread.
async fn threaded(world: &World, message: &str) -> String {
    let body = json!({"msg_type": "text", "content": r#"{"text":"x"}"#, "reply_in_thread": true});
    let made = world.call("POST", &format!("/im/v1/messages/{message}/reply")).body(body).send().await.data();
    made["thread_id"].as_str().expect("a thread").to_owned()
}

/// Sends a message to many people; its id.
async fn batch(world: &World) -> String {
    let body = json!({"msg_type": "text", "content": {"text": "x"}, "department_ids": ["0"]});
    let made = world.call("POST", "/message/v4/batch_send/").body(body).send().await.data();
    made["message_id"].as_str().expect("an id").to_owned()
}

/// Messages that are forwarded, urgent, answered in advance, sent to many and sought.
async fn forwards(world: &World) {
    let (message, user) = (said(world, &world.chat_id).await, &world.users[1].open_id);
    let thread = threaded(world, &message).await;
    let path = format!("/im/v1/messages/{message}");
    for (kind, to) in [("open_id", user), ("thread_id", &thread)] {
        let body = json!({"receive_id": to, "message_id_list": [message]});
        for (uuid, path) in [
            ("1", format!("{path}/forward")),
            ("2", "/im/v1/messages/merge_forward".to_owned()),
            ("3", format!("/im/v1/threads/{thread}/forward")),
        ] {
            let call = world.call("POST", &path).query("receive_id_type", kind).query("uuid", uuid);
            let made = call.body(body.clone()).send().await.data();
            let Some(bundle) = made["message"]["message_id"].as_str() else { continue };
            world.call("GET", &format!("/im/v1/messages/{bundle}")).send().await.data();
        }
    }
    let body = json!({"user_id_list": [world.users[0].open_id]});
    let urgent = world.call("PATCH", &format!("{path}/urgent_app?user_id_type=open_id"));
    urgent.body(body).send().await.data();
    let told = say(world, "open_id", user, "x", "").send().await.data();
    let path = format!("/im/v1/messages/{}/push_follow_up", told["message_id"].as_str().expect("an id"));
    let body = json!({"follow_ups": [{"content": "x"}]});
    world.call("POST", &path).body(body).send().await.data();
    let path = format!("/im/v1/batch_messages/{}", batch(world).await);
    world.call("GET", &format!("{path}/get_progress")).send().await.data();
    world.call("DELETE", &path).send().await.data();
    world.call("POST", "/im/v1/messages/search").body(json!({"query": "x"})).send().await.data();
}

/// An old message on the top notice is deleted.
async fn old_messages(lab: &Lab) {
    let world = lab.world().await;
    let message = said(&world, &world.chat_id).await;
    let path = format!("/im/v1/chats/{}/top_notice/put_top_notice", world.chat_id);
    let top = json!({"chat_top_notice": [{"action_type": "1", "message_id": message}]});
    world.call("POST", &path).body(top).send().await.data();
    said(&world, &world.chat_id).await;
    let (engine, kept) = (lab.app.engine(), Retention { age_ms: None, per_chat: Some(1) });
    let tomorrow = engine.clock.now_ms() + 24 * 3600 * 1000;
    assert_eq!(retention::sweep(engine, kept, tomorrow).await.expect("swept"), 1, "{message} is deleted");
}

/// A user reads a message.
async fn is_read(world: &World, message: &str) {
    let (tenant, _) = world.keys();
    let (user, id) = (world.users[1].user_id.clone(), message.to_owned());
    let engine = world.lab.app.engine();
    let reading = engine.run(Effect::Writes, move |root| {
        let (mut tx, user, id) = (root.tenant(tenant), user.clone(), id.clone());
        Box::pin(async move {
            let user = users::by_id(&mut tx, &user).await?;
            let number = finding::number(&tx, &id).unwrap_or_default();
            let found = messages::get(&mut tx, number).await?;
            let (Some(user), Some(found)) = (user, found) else { return Ok(0) };
            let Some(chat) = chats::get(&mut tx, found.chat_id).await? else { return Ok(0) };
            Ok(read::mark(&mut tx, &user, &chat, &[found], 0).await?.len())
        })
    });
    assert_eq!(reading.await.expect("a transaction"), 1, "{message} is read");
}

/// What people do with messages.
async fn talk(world: &World) {
    let (chat, user, other) = (&world.chat_id, &world.users[1].user_id, &world.users[0].user_id);
    let at =
        format!("<at user_id=\"{}\"></at> <at user_id=\"{}\"></at>", world.app_id, world.users[0].open_id);
    let body = json!({"as": user, "text": at});
    let said = world.control("POST", &format!("/chats/{chat}/messages")).body(body).send().await.data();
    let path = format!("/messages/{}", said["message_id"].as_str().expect("a message_id"));
    let reply = json!({"as": user, "text": "re", "reply_to": said["message_id"], "in_thread": true});
    world.control("POST", &format!("/chats/{chat}/messages")).body(reply).send().await.data();
    let by = json!({"as": other});
    world.control("PUT", &format!("{path}/read")).body(by.clone()).send().await.data();
    world.control("PUT", &format!("{path}/pin")).body(by).send().await.data();
    let smile = json!({"as": other, "emoji_type": "SMILE"});
    let made = world.control("POST", &format!("{path}/reactions")).body(smile).send().await.data();
    let view = format!("/chats/{chat}/messages?render=1&as={user}");
    world.control("GET", &view).send().await.data();
    let reaction = made["reaction_id"].as_str().expect("a reaction_id");
    world.control("DELETE", &format!("{path}/reactions/{reaction}?as={other}")).send().await.data();
    world.control("DELETE", &format!("{path}/pin?as={other}")).send().await.data();
    world.control("PATCH", &path).body(json!({"as": user, "text": "edited"})).send().await.data();
    world.control("DELETE", &format!("{path}?as={user}")).send().await.data();
}

async fn whatever_examples_leave_out(lab: &Lab) {
    let world = lab.world().await;
    let (tag, image) = (world.tag("a tag").await, upload(&world).await);
    let user = &world.users[1];
    let relation = json!({"tag_biz_type": "chat", "biz_entity_id": world.chat_id, "tag_ids": [tag]});
    world.call("POST", "/im/v2/biz_entity_tag_relation").body(relation.clone()).send().await.data();
    world.call("PUT", "/im/v2/biz_entity_tag_relation").body(relation.clone()).send().await.data();
    world.tag("a tag of another name").await;
    let path = format!("/im/v2/tags/{tag}");
    world.call("PATCH", &path).body(json!({"patch_tag": {"name": "renamed"}})).send().await.data();
    let again = json!({"create_tag": {"tag_type": "tenant", "name": "renamed"}});
    world.call("POST", "/im/v2/tags").body(again).send().await.data();
    let tabs = json!([
        {"tab_type": "doc", "tab_content": {"doc": world.document_url}},
        {"tab_type": "url", "tab_content": {"url": "https://a"}, "tab_config": {"icon_key": image}},
    ]);
    world.add_tabs(&tabs).send().await.data();
    world.set_app(&world.app_id, json!({"visible_to": [user.user_id]})).await;
    talk(&world).await;
    let token = world.user_token(1, json!({})).await;
    world.call("GET", &format!("/im/v1/chats/{}", world.chat_id)).token(&token).send().await.data();
    let p2p = world.chat(json!({"chat_mode": "p2p", "members": [world.app_id, user.user_id]})).await;
    world.call("GET", &format!("/im/v1/chats/{p2p}/chat_tabs/list_tabs")).send().await.data();
    let mute = json!({"chat_settings": [{"chat_id": world.chat_id, "is_muted": true}]});
    world.call("POST", "/im/v1/chat_user_setting/batch_update").token(&token).body(mute).send().await.data();
    let asked = json!({"chat_ids": [world.chat_id]});
    world.call("POST", "/im/v1/chat_user_setting/batch_query").token(&token).body(asked).send().await.data();
    let path = format!("/im/v1/chats/{}/nickname", world.chat_id);
    for (method, body) in [("PUT", json!({"nickname": "n"})), ("GET", json!({})), ("DELETE", json!({}))] {
        world.call(method, &path).token(&token).body(body).send().await.data();
    }
    let talks = json!({"chatter_ids": [user.open_id, world.users[0].open_id]});
    world.call("POST", "/im/v1/chat_p2p/batch_query").token(&token).body(talks).send().await.data();
    world.call("GET", "/im/v1/chats?types=p2p,group").token(&token).send().await.data();
    let (other, _) = world.app(json!({"name": "other"})).await;
    let with_bot = world.chat(json!({"members": [world.app_id, other]})).await;
    let path = format!("/im/v1/chats/{with_bot}/members/bots");
    let bots = world.call("GET", &path).send().await.data();
    let request = world.call("GET", "/bot/v3/bots/basic_batch");
    let bot = bots["items"][1]["bot_id"].as_str().expect("a bot_id");
    request.query("bot_ids", bot).send().await.data();
    for _ in 0..2 {
        let body = json!({"name": "made", "owner_id": user.union_id, "user_id_list": [user.union_id]});
        let request = world.call("POST", "/im/v1/chats?uuid=u&user_id_type=union_id&set_bot_manager=true");
        request.body(body).send().await.data();
        let body = json!({"name": "made", "owner_id": user.open_id, "user_id_list": [user.open_id], "bot_id_list": [world.app_id]});
        let request = world.call("POST", "/im/v1/chats?uuid=v&set_bot_manager=true");
        let made = request.body(body).send().await.data();
        let chat = made["chat_id"].as_str().expect("a chat_id");
        world.call("GET", &format!("/im/v1/chats/{chat}")).send().await.data();
        world
            .control("PUT", &format!("/chats/{chat}/members/{}", user.user_id))
            .body(json!({"manager": true}))
            .send()
            .await
            .data();
        world.call("GET", &format!("/im/v1/chats/{chat}")).send().await.data();
    }
    let approval = json!({"owner": world.users[0].user_id, "creator_app": world.app_id, "members": [world.app_id], "settings": {"membership_approval": "approval_required"}});
    let path = format!("/im/v1/chats/{}/members?succeed_type=1", world.chat(approval).await);
    let guests = json!({"id_list": [user.open_id, format!("ou_{:032x}", 1)]});
    world.call("POST", &path).body(guests).send().await.data();
    let page = format!(
        "/open-apis/authen/v1/authorize?client_id={}&response_type=code&redirect_uri=http://localhost",
        world.app_id
    );
    assert_eq!(lab.request("GET", &page).send().await.status(), 200);
    let list = world.call("GET", "/im/v1/chats?page_size=1");
    let page = list.clone().send().await.data();
    list.query("page_token", page["page_token"].as_str().expect("a token")).send().await.data();
    let search = json!({"query": "demo d", "filter": {"member_ids": [user.open_id]}});
    world.call("POST", "/im/v2/chats/search").body(search).send().await.data();
    // A word of a chat's name, and words of the name of one of its members.
    let query = format!("made {}", user.name);
    world.call("GET", "/im/v1/chats/search").query("query", &query).send().await.data();
    let path = format!("/im/v1/chats/{}", world.chat_id);
    let public = json!({"name": "in public", "chat_type": "public", "owner_id": user.open_id});
    world.call("PUT", &path).body(public).send().await.data();
    custom_bot(&world).await;
    resources(&world).await;
    events(&world).await;
    announcements::announcements(&world).await;
    about_a_message(&world).await;
    forwards(&world).await;
    let other = lab.world().await;
    world.call("GET", &format!("/im/v1/chats/{}", other.chat_id)).send().await.refused(232010);
    world.control("DELETE", "").send().await.data();
}

/// A card entity that is changed, sent and read, and a card that is replaced after a click.
async fn cards(lab: &Lab) {
    let world = lab.world().await;
    let card = r#"{"schema":"2.0","body":{"elements":[{"tag":"markdown","element_id":"a"},{"tag":"hr","element_id":"b"}]}}"#;
    let body = json!({"type": "card_json", "data": card});
    let made = world.call("POST", "/cardkit/v1/cards").body(body).send().await.data();
    let card_id = made["card_id"].as_str().expect("a card_id");
    let path = format!("/cardkit/v1/cards/{card_id}");
    let settings = json!({"settings": r#"{"config":{"streaming_mode":true}}"#, "sequence": 1, "uuid": "u"});
    world.call("PATCH", &format!("{path}/settings")).body(settings).send().await.data();
    let text = json!({"content": "x", "sequence": 2});
    world.call("PUT", &format!("{path}/elements/a/content")).body(text).send().await.data();
    world.call("DELETE", &format!("{path}/elements/b")).body(json!({"sequence": 3})).send().await.data();
    let content = json!({"type": "card", "data": {"card_id": card_id}}).to_string();
    let body = json!({"receive_id": world.chat_id, "msg_type": "interactive", "content": content});
    let sent = world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).send().await.data();
    let message_id = sent["message_id"].as_str().expect("a message_id").to_owned();
    world.call("GET", &format!("/im/v1/messages/{message_id}")).send().await.data();
    let body = json!({"message_id": message_id});
    world.call("POST", "/cardkit/v1/cards/id_convert").body(body).send().await.data();
    let token = world.card_token(&message_id).await;
    let body = json!({"token": token, "card": {"elements": []}});
    assert_eq!(world.call("POST", "/interactive/v1/card/update").body(body).send().await.code(), 0);
    let body = json!({"chat_id": world.chat_id, "user_id": world.users[1].user_id, "msg_type": "interactive", "card": {"elements": []}});
    let sent = world.call("POST", "/ephemeral/v1/send").body(body).send().await.data();
    let request = world.call("POST", "/ephemeral/v1/delete").body(json!({"message_id": sent["message_id"]}));
    assert_eq!(request.send().await.code(), 0);
    let card = sent["message_id"].as_str().expect("a message_id");
    world.call("GET", &format!("/im/v1/messages/{card}")).send().await.refused(230001);
    personal_cards(&world).await;
}

/// A card that is not shared: it is replaced for one user, looked at, and replaced for all.
async fn personal_cards(world: &World) {
    let card = json!({"elements": [{"tag": "hr"}]});
    let body = json!({"receive_id": world.chat_id, "msg_type": "interactive", "content": card.to_string()});
    let sent = world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).send().await.data();
    let message_id = sent["message_id"].as_str().expect("a message_id").to_owned();
    let token = world.card_token(&message_id).await;
    let own = json!({"elements": [], "open_ids": [world.users[1].open_id]});
    let update =
        || world.call("POST", "/interactive/v1/card/update").body(json!({"token": token, "card": own}));
    assert_eq!(update().send().await.code(), 0);
    let path = format!("/chats/{}/messages", world.chat_id);
    world.control("GET", &path).send().await.data();
    world.control("GET", &path).query("as", &world.users[1].user_id).send().await.data();
    let patch = world.call("PATCH", &format!("/im/v1/messages/{message_id}"));
    patch.body(json!({"content": card.to_string()})).send().await.data();
    assert_eq!(update().send().await.code(), 0);
    let hides = json!({"conditions": ["hidden_history"]});
    world.control("PATCH", &format!("/chats/{}", world.chat_id)).body(hides).send().await.data();
    world.call("GET", &format!("/im/v1/messages/{message_id}")).send().await.data();
}
